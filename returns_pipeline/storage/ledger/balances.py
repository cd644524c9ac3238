"""Moves quantity and money of order rows between free, announced and posted. The database refuses what does not add up.

How much to take is decided in `domain/`; here it is only booked, in the caller's transaction.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import pandas as pd
import psycopg

from returns_pipeline.storage import database

_MOVED = (
    "announced_qty",
    "announced_net",
    "announced_tax",
    "posted_qty",
    "posted_net",
    "posted_tax",
    "without_receipt_qty",
)
_RECEIVED = """UPDATE order_row_balance b SET received_qty = f.received_qty
  FROM unnest(%s::bigint[], %s::int[]) AS f(order_row_id, received_qty)
  WHERE b.order_row_id = f.order_row_id AND b.received_qty <> f.received_qty"""
_FOREIGN = """UPDATE order_row_balance b SET foreign_qty = f.foreign_qty, foreign_net = f.foreign_net, foreign_tax = f.foreign_tax
  FROM unnest(%s::bigint[], %s::int[], %s::bigint[], %s::bigint[]) AS f(order_row_id, foreign_qty, foreign_net, foreign_tax)
  WHERE b.order_row_id = f.order_row_id
    AND (b.foreign_qty, b.foreign_net, b.foreign_tax) <> (f.foreign_qty, f.foreign_net, f.foreign_tax)"""


@dataclass(frozen=True)
class Taken:
    """What one effect line holds of an order row; money in minor units."""

    order_row_id: int
    quantity: int
    net_minor: int
    tax_minor: int
    is_without_receipt: bool = False


class Moves:
    """Changes per order row, gathered so that each row is updated once and the guard sees only the outcome."""

    def __init__(self) -> None:
        self._changes: dict[int, dict[str, int]] = defaultdict(lambda: dict.fromkeys(_MOVED, 0))

    def announce(self, taken: Iterable[Taken], sign: int = 1) -> None:
        """Takes (or, with sign -1, gives back) announced quantity and money."""
        for line in taken:
            self._add(line, "announced", sign)

    def post(self, taken: Iterable[Taken], sign: int = 1) -> None:
        """Moves from announced to posted (or, with sign -1, back)."""
        for line in taken:
            self._add(line, "announced", -sign)
            self._add(line, "posted", sign)
            if line.is_without_receipt:
                self._changes[line.order_row_id]["without_receipt_qty"] += sign * line.quantity

    def book(self, connection: psycopg.Connection) -> None:
        """Updates the balance rows, always in the same order, so that two planners cannot lock each other out.

        Raises:
            psycopg.errors.RaiseException, CheckViolation: the guard's or a constraint's refusal, naming the order row.
            LookupError: an order row has no balance.
        """
        for order_row_id, changes in sorted(self._changes.items()):
            found = connection.execute(
                """UPDATE order_row_balance SET announced_qty = announced_qty + %(announced_qty)s,
                     announced_net = announced_net + %(announced_net)s, announced_tax = announced_tax + %(announced_tax)s,
                     posted_qty = posted_qty + %(posted_qty)s, posted_net = posted_net + %(posted_net)s,
                     posted_tax = posted_tax + %(posted_tax)s, without_receipt_qty = without_receipt_qty + %(without_receipt_qty)s
                   WHERE order_row_id = %(order_row_id)s""",
                {**changes, "order_row_id": order_row_id},
            )
            if found.rowcount == 0:
                raise LookupError(
                    f"order row {order_row_id} has no balance: its sale must be read before it is credited"
                )

    def _add(self, line: Taken, state: str, sign: int) -> None:
        changes = self._changes[line.order_row_id]
        changes[f"{state}_qty"] += sign * line.quantity
        changes[f"{state}_net"] += sign * line.net_minor
        changes[f"{state}_tax"] += sign * line.tax_minor


def given_back(payload: Mapping[str, object]) -> list[Taken]:
    """What an amendment or a cancellation gives back, from its payload."""
    rows: list[Mapping[str, int]] = payload.get("give_back") or []  # type: ignore[assignment]
    return [
        Taken(int(row["order_row_id"]), int(row["quantity"]), int(row["net_minor"]), int(row["tax_minor"]))
        for row in rows
    ]


def ensure_balances(connection: psycopg.Connection, frame: pd.DataFrame) -> int:
    """Creates the balance rows that are not there yet; one that exists is never changed by what is read later.

    Args:
        connection: open, in the caller's transaction or none.
        frame: order_row_id, order_id, currency, minor_digits, price_mode, ordered_qty, net_minor, tax_minor.

    Returns:
        How many were created.
    """
    columns = [
        "order_row_id",
        "order_id",
        "currency",
        "minor_digits",
        "price_mode",
        "ordered_qty",
        "net_minor",
        "tax_minor",
    ]
    if frame.empty:
        return 0
    values = [frame[column].tolist() for column in columns]
    return connection.execute(
        f"""INSERT INTO order_row_balance({", ".join(columns)})
            SELECT * FROM unnest(%s::bigint[], %s::bigint[], %s::text[], %s::smallint[], %s::text[], %s::int[], %s::bigint[], %s::bigint[])
            ON CONFLICT (order_row_id) DO NOTHING""",  # noqa: S608 - the columns are the literals above
        values,
    ).rowcount


def record_facts(connection: psycopg.Connection, received: pd.DataFrame, foreign: pd.DataFrame) -> int:
    """Writes down what was received against our credits and what others credited, whatever it says.

    Args:
        connection: open, in the caller's transaction or none.
        received: order_row_id, received_qty.
        foreign: order_row_id, foreign_qty, foreign_net, foreign_tax (minor units).

    Returns:
        How many balance rows changed.
    """
    changed = 0
    with connection.transaction():
        database.look_up_by_index(connection)
        _lock(connection, sorted({*received["order_row_id"].tolist(), *foreign["order_row_id"].tolist()}))
        if not received.empty:
            facts = [received[column].tolist() for column in ("order_row_id", "received_qty")]
            changed += connection.execute(_RECEIVED, facts).rowcount
        if not foreign.empty:
            facts = [
                foreign[column].tolist() for column in ("order_row_id", "foreign_qty", "foreign_net", "foreign_tax")
            ]
            changed += connection.execute(_FOREIGN, facts).rowcount
    return changed


def _lock(connection: psycopg.Connection, order_row_ids: list[int]) -> None:
    # In the order in which `Moves.book` takes them: two passes then wait for each other instead of dying.
    connection.execute(
        "SELECT 1 FROM order_row_balance WHERE order_row_id = ANY(%s) ORDER BY order_row_id FOR UPDATE", [order_row_ids]
    )
