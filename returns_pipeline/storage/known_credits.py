"""Which credits and notes are known, which are to be read back, and which sales were searched for credits. Reading their frames is `frames`'."""

import datetime as dt
from collections.abc import Collection, Mapping

import psycopg

from returns_pipeline.storage import database


def to_read_back(connection: psycopg.Connection, shop: str) -> set[int]:
    """Credits that we raised or changed, or that Brightpearl is posting, and that were not read since."""
    with database.joined_by_index(connection):
        rows = connection.execute(
            """SELECT DISTINCT coalesce((e.payload->'subject'->>'credit_id')::bigint, e.remote_id::bigint)
             FROM effect e LEFT JOIN brightpearl_sales_credits c ON c.credit_id = coalesce((e.payload->'subject'->>'credit_id')::bigint, e.remote_id::bigint)
            WHERE e.shop = %(shop)s AND e.kind IN ('credit.raise', 'credit.amend', 'credit.cancel', 'credit.post', 'credit.annotate')
              AND e.state = 'confirmed' AND e.updated_at > now() - interval '60 days' AND (c.credit_id IS NULL OR c.read_at < e.updated_at)
           UNION SELECT credit_id FROM brightpearl_sales_credits WHERE shop = %(shop)s AND invoice_reference = 'pending' AND NOT is_gone""",
            {"shop": shop},
        ).fetchall()
    return {row[0] for row in rows if row[0] is not None}


def as_they_stand(connection: psycopg.Connection, stamps: Mapping[int, dt.datetime]) -> set[int]:
    """Of these credits with the stamp of their last change, those that were read since that change."""
    rows = connection.execute(
        """SELECT c.credit_id FROM brightpearl_sales_credits c
             JOIN unnest(%s::bigint[], %s::timestamptz[]) AS s(credit_id, stamp) USING (credit_id)
            WHERE greatest(c.created_on, c.updated_on) >= s.stamp AND NOT c.is_gone""",
        (list(stamps), list(stamps.values())),
    ).fetchall()
    return {row[0] for row in rows}


def newest_sale(connection: psycopg.Connection, shop: str) -> dt.datetime | None:
    """The newest stamp on a known sale: a point in Brightpearl's own time that is certainly past."""
    row = connection.execute(
        "SELECT max(greatest(created_on, updated_on)) FROM brightpearl_sales_orders WHERE shop = %s", (shop,)
    ).fetchone()
    return row[0] if row else None


def never_searched(connection: psycopg.Connection, order_ids: Collection[int]) -> list[int]:
    """Sales whose credits were never searched by sale."""
    rows = connection.execute(
        "SELECT o.id FROM unnest(%s::bigint[]) AS o(id) WHERE NOT EXISTS (SELECT FROM brightpearl_searched_sales s WHERE s.order_id = o.id) ORDER BY 1",
        (list(order_ids),),
    ).fetchall()
    return [row[0] for row in rows]


def mark_searched(connection: psycopg.Connection, order_ids: Collection[int]) -> None:
    """Remembers that these sales' credits were searched; from then on changes are enough."""
    connection.execute(
        "INSERT INTO brightpearl_searched_sales(order_id) SELECT unnest(%s::bigint[]) ON CONFLICT DO NOTHING",
        (list(order_ids),),
    )


def mark_gone(connection: psycopg.Connection, credit_ids: Collection[int]) -> None:
    """Marks credits that Brightpearl no longer shows: a deleted order simply stops appearing."""
    connection.execute(
        "UPDATE brightpearl_sales_credits SET is_gone = true WHERE credit_id = ANY(%s) AND NOT is_gone",
        (list(credit_ids),),
    )


def of_other_shops(connection: psycopg.Connection, shop: str, credit_ids: Collection[int]) -> set[int]:
    """Which of these credits belong to other shops of the account: their goods-in is theirs."""
    rows = connection.execute(
        "SELECT credit_id FROM brightpearl_sales_credits WHERE credit_id = ANY(%s) AND shop <> %s AND NOT is_gone",
        (list(credit_ids), shop),
    ).fetchall()
    return {row[0] for row in rows}


def with_goods_in(connection: psycopg.Connection, credit_ids: Collection[int]) -> set[int]:
    """Of these credits, those with goods-in read already."""
    rows = connection.execute(
        "SELECT DISTINCT credit_id FROM brightpearl_goods_in WHERE credit_id = ANY(%s)", (list(credit_ids),)
    ).fetchall()
    return {row[0] for row in rows}


def known_notes(connection: psycopg.Connection, note_ids: Collection[int]) -> set[int]:
    """Of these goods-in notes, those read already."""
    rows = connection.execute(
        "SELECT DISTINCT goods_note_id FROM brightpearl_goods_in WHERE goods_note_id = ANY(%s)", (list(note_ids),)
    ).fetchall()
    return {row[0] for row in rows}


def rma_of_credits(connection: psycopg.Connection, credit_ids: Collection[int]) -> dict[int, int]:
    """Credit id -> RMA id, for the credits that we raised or adopted."""
    rows = connection.execute(
        """SELECT remote_id::bigint, (payload->'subject'->>'rma_id')::bigint FROM effect
            WHERE kind = 'credit.raise' AND state = 'confirmed' AND remote_id = ANY(%s)""",
        ([str(credit_id) for credit_id in credit_ids],),
    ).fetchall()
    return dict(rows)
