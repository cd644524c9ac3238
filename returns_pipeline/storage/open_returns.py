"""Which returns are open, and which of them are due for another look. Reading their frames is `frames`'."""

import datetime as dt
from collections.abc import Collection

import pandas as pd
import psycopg

# A line in one of these states asks for nothing more.
_SETTLED = ["complete", "cancelled", "credited_by_others", "nothing_to_credit"]


def close_settled(connection: psycopg.Connection, shop: str) -> int:
    """Closes the returns that ReturnGo has finished with and that have nothing left to do or to answer here; answers how many."""
    return connection.execute(
        """UPDATE returngo_rmas r SET is_open = false
            WHERE r.shop = %s AND r.is_open AND r.status IN ('Done', 'Canceled', 'Rejected')
              AND EXISTS (SELECT 1 FROM finance_three_way_match m WHERE m.rma_id = r.rma_id)
              AND NOT EXISTS (SELECT 1 FROM finance_three_way_match m WHERE m.rma_id = r.rma_id AND m.state <> ALL(%s))
              AND NOT EXISTS (SELECT 1 FROM exceptions e WHERE e.rma_id = r.rma_id AND e.state IN ('open', 'acknowledged'))""",
        (shop, _SETTLED),
    ).rowcount


def newest(connection: psycopg.Connection, shop: str) -> dt.datetime | None:
    """When the shop's newest return was asked for; None before the first."""
    row = connection.execute("SELECT max(created_at) FROM returngo_rmas WHERE shop = %s", (shop,)).fetchone()
    return row[0] if row else None


def known(connection: psycopg.Connection, shop: str) -> pd.DataFrame:
    """Open returns and those of the last 60 days: rma_id, status, list_fingerprint, is_open."""
    rows = connection.execute(
        "SELECT rma_id, status, list_fingerprint, is_open FROM returngo_rmas WHERE shop = %s AND (is_open OR detail_read_at > now() - interval '60 days')",
        (shop,),
    ).fetchall()
    frame = pd.DataFrame(rows, columns=["rma_id", "status", "list_fingerprint", "is_open"])
    return frame.astype({"rma_id": "int64", "is_open": "bool"})


def awaiting_inspection(connection: psycopg.Connection, shop: str, now: dt.datetime) -> set[int]:
    """Open returns with received and uninspected units whose detail is due again.

    ReturnGo's list does not show an inspection, so that the detail must be read; the wait doubles from the moment the receipt was first seen,
    which costs a handful of calls per return however long the bench takes.
    """
    rows = connection.execute(
        """SELECT r.rma_id FROM returngo_rmas r
             JOIN (SELECT c.rma_id, min(g.read_at) AS seen_at FROM returns_receipts c JOIN brightpearl_goods_in g USING (receipt_line_id)
                    WHERE c.passed_quantity + c.failed_quantity < c.matched_quantity GROUP BY c.rma_id) w USING (rma_id)
            WHERE r.shop = %s AND r.is_open AND (r.detail_read_at < w.seen_at OR %s - r.detail_read_at > r.detail_read_at - w.seen_at)""",
        (shop, now),
    ).fetchall()
    return {row[0] for row in rows}


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
