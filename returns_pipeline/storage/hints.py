"""Hints that webhooks brought: noted once, waiting until a look is asked for. What they lead to is decided in `stages/early_look`."""

import datetime as dt
from collections.abc import Collection, Sequence
from dataclasses import dataclass

import psycopg
from psycopg.rows import class_row

# More than this many waiting hints are a flood: the next sync reads everything anyway.
_MOST_WAITING = 10_000


@dataclass(frozen=True)
class WaitingHint:
    """One hint that nobody has followed up.

    Attributes:
        sender: brightpearl or returngo.
        shop: label of the shop whose ReturnGo spoke; empty for Brightpearl.
        subject: goods_in, order or rma.
    """

    hint_id: int
    sender: str
    shop: str
    subject: str
    subject_id: int


def note(connection: psycopg.Connection, sender: str, shop: str, subjects: Sequence[tuple[str, int]]) -> int:
    """Notes what may have moved, each once while it waits; answers how many were new. In a flood nothing more is noted."""
    named = {
        "sender": sender,
        "shop": shop,
        "subjects": [subject for subject, _ in subjects],
        "ids": [subject_id for _, subject_id in subjects],
        "most": _MOST_WAITING,
    }
    return connection.execute(
        """INSERT INTO hints(sender, shop, subject, subject_id)
           SELECT %(sender)s, %(shop)s, h.subject, h.subject_id FROM unnest(%(subjects)s::text[], %(ids)s::bigint[]) AS h(subject, subject_id)
            WHERE (SELECT count(*) FROM hints WHERE taken_at IS NULL) < %(most)s
           ON CONFLICT (sender, shop, subject, subject_id) WHERE taken_at IS NULL DO NOTHING""",
        named,
    ).rowcount


def waiting(connection: psycopg.Connection, newer_than: dt.datetime) -> list[WaitingHint]:
    """Hints to follow up, oldest first; older ones were overtaken by a sync."""
    with connection.cursor(row_factory=class_row(WaitingHint)) as cursor:
        return cursor.execute(
            """SELECT hint_id, sender, shop, subject, subject_id FROM hints
                WHERE taken_at IS NULL AND noted_at > %s AND subject <> 'unreadable' ORDER BY hint_id""",
            (newer_than,),
        ).fetchall()


def take(
    connection: psycopg.Connection,
    followed: Collection[int],
    idle: Collection[int],
    now: dt.datetime,
    before: dt.datetime,
) -> None:
    """Ends the waiting of hints that led to a look, of those that lead to none, and of all that are as old as `before`."""
    connection.execute(
        """UPDATE hints SET taken_at = %(now)s, led_to_look = hint_id = ANY(%(followed)s)
            WHERE taken_at IS NULL AND (hint_id = ANY(%(followed)s) OR hint_id = ANY(%(idle)s) OR noted_at <= %(before)s)""",
        {"now": now, "followed": list(followed), "idle": list(idle), "before": before},
    )


def looks_since(connection: psycopg.Connection, moment: dt.datetime) -> int:
    """How many hints led to a look since then."""
    row = connection.execute("SELECT count(*) FROM hints WHERE led_to_look AND taken_at > %s", (moment,)).fetchone()
    return row[0] if row else 0


def returns_of_orders(connection: psycopg.Connection, order_ids: Collection[int]) -> dict[int, set[int]]:
    """Order id -> returns that concern it: as the sale they come from, or as a credit that we raised or adopted."""
    rows = connection.execute(
        """SELECT order_id, rma_id FROM returns_return_lines WHERE order_id = ANY(%(ids)s)
           UNION SELECT remote_id::bigint, (payload->'subject'->>'rma_id')::bigint FROM effect
            WHERE kind = 'credit.raise' AND state = 'confirmed' AND remote_id = ANY(%(texts)s)""",
        {"ids": list(order_ids), "texts": [str(order_id) for order_id in order_ids]},
    ).fetchall()
    found: dict[int, set[int]] = {}
    for order_id, rma_id in rows:
        found.setdefault(order_id, set()).add(rma_id)
    return found


def open_returns(connection: psycopg.Connection, rma_ids: Collection[int]) -> dict[int, str]:
    """RMA id -> label of its shop, of those returns that are open here."""
    rows = connection.execute(
        "SELECT rma_id, shop FROM returngo_rmas WHERE rma_id = ANY(%s) AND is_open", (list(rma_ids),)
    ).fetchall()
    return dict(rows)


def moved_by_us(connection: psycopg.Connection, rma_ids: Collection[int], since: dt.datetime) -> set[int]:
    """Of these returns, those that we wrote about ourselves since then: what both systems say of that is no news."""
    rows = connection.execute(
        "SELECT DISTINCT (payload->'subject'->>'rma_id')::bigint FROM effect WHERE (payload->'subject'->>'rma_id')::bigint = ANY(%s) AND updated_at > %s",
        (list(rma_ids), since),
    ).fetchall()
    return {row[0] for row in rows}


def counts_by_sender(connection: psycopg.Connection) -> list[tuple[str, str, str, int, dt.datetime]]:
    """Sender, shop, subject, how many and the newest, of the hints that are kept."""
    return connection.execute(
        "SELECT sender, shop, subject, count(*)::int, max(noted_at) FROM hints GROUP BY 1, 2, 3 ORDER BY 1, 2, 3"
    ).fetchall()
