"""Which returns are open, and which of them are due for another look. Reading their frames is `frames`'."""

import datetime as dt
from collections.abc import Collection, Mapping

import pandas as pd
import psycopg

from returns_pipeline.storage import database, scopes

# A line in one of these states asks for nothing more.
_SETTLED = ["complete", "cancelled", "credited_by_others", "nothing_to_credit"]


def close_settled(connection: psycopg.Connection, shop: str) -> int:
    """Closes the returns that ReturnGo has finished with and that have nothing left to do or to answer here; answers how many."""
    with database.joined_by_index(connection):
        closed = connection.execute(
            """UPDATE returngo_rmas r SET is_open = false
                WHERE r.shop = %s AND r.is_open AND r.status IN ('Done', 'Canceled', 'Rejected')
                  AND (SELECT bool_and(m.state = ANY(%s)) FROM finance_three_way_match m WHERE m.rma_id = r.rma_id)
                  AND NOT EXISTS (SELECT 1 FROM exceptions e WHERE e.rma_id = r.rma_id AND e.state IN ('open', 'acknowledged'))
               RETURNING r.rma_id""",
            (shop, _SETTLED),
        ).fetchall()
    return len(closed)


def newest(connection: psycopg.Connection, shop: str) -> dt.datetime | None:
    """When the shop's newest return was asked for; None before the first."""
    row = connection.execute("SELECT max(created_at) FROM returngo_rmas WHERE shop = %s", (shop,)).fetchone()
    return row[0] if row else None


def known(connection: psycopg.Connection, shop: str) -> pd.DataFrame:
    """Open returns and those of the last 60 days: rma_id, status, order_name, list_fingerprint, is_open, detail_read_at."""
    rows = connection.execute(
        "SELECT rma_id, status, order_name, list_fingerprint, is_open, detail_read_at FROM returngo_rmas WHERE shop = %s AND (is_open OR detail_read_at > now() - interval '60 days')",
        (shop,),
    ).fetchall()
    frame = pd.DataFrame(
        rows, columns=["rma_id", "status", "order_name", "list_fingerprint", "is_open", "detail_read_at"]
    )
    return frame.astype({"rma_id": "int64", "is_open": "bool"})


def shops_of(connection: psycopg.Connection, rma_ids: Collection[int]) -> dict[int, str]:
    """RMA id -> its shop, for the returns that are known."""
    rows = connection.execute("SELECT rma_id, shop FROM returngo_rmas WHERE rma_id = ANY(%s)", (list(rma_ids),))
    return dict(rows.fetchall())


def untold_parcels(connection: psycopg.Connection, shop: str) -> dict[int, list[str]]:
    """RMA id of each open return -> the statuses of its parcels from the customer, without those that we confirmed to ReturnGo ourselves."""
    with database.joined_by_index(connection):
        rows = connection.execute(
            """SELECT r.rma_id, coalesce(array_agg(s.status) FILTER (WHERE s.status <> 'Canceled' AND e.effect_id IS NULL), '{}')
                 FROM returngo_rmas r LEFT JOIN returngo_shipments s ON s.rma_id = r.rma_id AND NOT s.is_outbound
                 LEFT JOIN effect e ON e.kind = 'returngo.receive' AND e.state = 'confirmed' AND e.business_key = 'confirm:' || s.shipment_id
                WHERE r.shop = %s AND r.is_open GROUP BY r.rma_id""",
            (shop,),
        ).fetchall()
    return dict(rows)


def move_on(connection: psycopg.Connection, shop: str, statuses: Mapping[int, str]) -> int:
    """Takes over the status of returns that the list shows; a parcel has arrived or was inspected with its return. Answers how many moved."""
    listed = {"shop": shop, "ids": list(statuses), "statuses": list(statuses.values())}
    return connection.execute(
        """WITH listed AS (SELECT * FROM unnest(%(ids)s::bigint[], %(statuses)s::text[]) AS l(rma_id, status)),
             arrived AS (UPDATE returngo_shipments s SET status = l.status FROM listed l
                          WHERE s.rma_id = l.rma_id AND s.shop = %(shop)s AND NOT s.is_outbound AND s.status <> 'Canceled'
                            AND l.status IN ('Received', 'Validated') RETURNING 1)
           UPDATE returngo_rmas r SET status = l.status FROM listed l WHERE r.rma_id = l.rma_id AND r.shop = %(shop)s""",
        listed,
    ).rowcount


def unusable(connection: psycopg.Connection, shop: str, now: dt.datetime) -> dict[int, str]:
    """RMA id -> what the list said when its detail could not be used; after a day it is worth another call."""
    rows = connection.execute(
        "SELECT rma_id, listed_as FROM returngo_unusable_details WHERE shop = %s AND read_at > %s - interval '1 day'",
        (shop, now),
    ).fetchall()
    return dict(rows)


def remember_unusable(
    connection: psycopg.Connection, shop: str, listed_as: Mapping[int, str], now: dt.datetime
) -> None:
    """Of these returns, whose details were read now, remembers those that could not be kept and forgets the others."""
    found = {"shop": shop, "ids": list(listed_as), "listed": list(listed_as.values()), "now": now}
    connection.execute("DELETE FROM returngo_unusable_details WHERE rma_id = ANY(%(ids)s)", found)
    connection.execute(
        """INSERT INTO returngo_unusable_details(rma_id, shop, listed_as, read_at)
           SELECT u.rma_id, %(shop)s, u.listed_as, %(now)s FROM unnest(%(ids)s::bigint[], %(listed)s::text[]) AS u(rma_id, listed_as)
            WHERE NOT EXISTS (SELECT FROM returngo_rmas r WHERE r.rma_id = u.rma_id AND r.detail_read_at = %(now)s)""",
        found,
    )


def awaiting_inspection(connection: psycopg.Connection, shop: str, now: dt.datetime) -> set[int]:
    """Open returns with received and uninspected units whose detail is due again.

    ReturnGo's list does not show an inspection, so that the detail must be read; the wait doubles from the moment the receipt was first seen,
    which costs a handful of calls per return however long the bench takes.
    """
    with database.joined_by_index(connection):
        rows = connection.execute(
            """SELECT r.rma_id FROM returngo_rmas r JOIN returns_receipts c USING (rma_id) JOIN brightpearl_goods_in g USING (receipt_line_id)
                WHERE r.shop = %s AND r.is_open AND c.passed_quantity + c.failed_quantity < c.matched_quantity
                GROUP BY r.rma_id HAVING r.detail_read_at < min(g.read_at) OR %s - r.detail_read_at > r.detail_read_at - min(g.read_at)""",
            (shop, now),
        ).fetchall()
    return {row[0] for row in rows}


def is_idle(connection: psycopg.Connection, shop: str) -> bool:
    """Whether nothing of the shop is open: no return, no receipt that nobody has matched; nothing hangs on it then."""
    row = connection.execute(
        f"""SELECT NOT EXISTS (SELECT FROM returngo_rmas WHERE shop = %(shop)s AND is_open)
              AND NOT EXISTS (SELECT FROM returns_receipts WHERE shop = %(shop)s AND verdict = 'held')
              AND {scopes.newest_receipt_line("brightpearl_goods_in", "%(shop)s")} <= {scopes.newest_receipt_line("returns_receipts", "%(shop)s")}""",  # noqa: S608 - words of `scopes`, the shop travels beside
        {"shop": shop},
    ).fetchone()
    return bool(row and row[0])


def earliest_creation(connection: psycopg.Connection, shop: str) -> dt.datetime | None:
    """When the oldest open return was asked for; None when nothing is open."""
    row = connection.execute(
        "SELECT min(created_at) FROM returngo_rmas WHERE shop = %s AND is_open", (shop,)
    ).fetchone()
    return row[0] if row else None


def rma_of_items(connection: psycopg.Connection, returned_item_ids: Collection[int]) -> dict[int, int]:
    """Returned item id -> RMA id, for the units that are known."""
    rows = connection.execute(
        "SELECT returned_item_id, rma_id FROM returngo_return_items WHERE returned_item_id = ANY(%s)",
        (list(returned_item_ids),),
    ).fetchall()
    return dict(rows)
