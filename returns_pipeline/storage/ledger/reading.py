"""The ledger as frames, for the domain, and as effects, for the runner. Reading only."""

from collections.abc import Sequence
from typing import Any

import pandas as pd
import psycopg

from returns_pipeline.storage import database
from returns_pipeline.storage.ledger.effect import COLUMNS, Effect, fetch

_EFFECT_COLUMNS = {
    "effect_id": "int64",
    "shop": "string",
    "kind": "string",
    "business_key": "string",
    "remote_ref": "string",
    "depends_on": "Int64",
    "payload": "object",
    "needs_approval": "boolean",
    "approved_batch": "Int64",
    "state": "string",
    "reason": "string",
    "attempt": "int64",
    "remote_id": "string",
    "confirmed_by": "string",
    "reconcile_tries": "int64",
    "not_before": "datetime64[us, UTC]",
    "sent_at": "datetime64[us, UTC]",
    "created_at": "datetime64[us, UTC]",
    "updated_at": "datetime64[us, UTC]",
}
_LINE_COLUMNS = {
    "effect_id": "int64",
    "line_no": "int64",
    "shop": "string",
    "kind": "string",
    "state": "string",
    "business_key": "string",
    "credit_id": "Int64",
    "rma_id": "Int64",
    "order_id": "int64",
    "order_row_id": "int64",
    "phase": "string",
    "receipt_line_id": "Int64",
    "without_receipt_reason": "string",
    "qty": "int64",
    "net_minor": "int64",
    "tax_minor": "int64",
    "released": "boolean",
}
_BALANCE_COLUMNS = {
    "order_row_id": "int64",
    "order_id": "int64",
    "currency": "string",
    "minor_digits": "int64",
    "price_mode": "string",
    **dict.fromkeys(
        (
            "ordered_qty",
            "net_minor",
            "tax_minor",
            "announced_qty",
            "announced_net",
            "announced_tax",
            "received_qty",
            "posted_qty",
            "posted_net",
            "posted_tax",
            "without_receipt_qty",
            "foreign_qty",
            "foreign_net",
            "foreign_tax",
        ),
        "int64",
    ),
}
_READ_AS = {"state": "e.state::text AS state", "payload": "e.xmin::text AS payload"}
# Open: not at its end, or standing there other than sent, or about an open return or its sale, or a transfer of its units or of this week, and what depends on such.
_OPEN = """WITH RECURSIVE open_rmas AS (SELECT rma_id FROM returngo_rmas WHERE is_open),
in_scope AS (
  SELECT effect_id FROM effect WHERE state NOT IN ('confirmed', 'voided')
  UNION SELECT e.effect_id FROM open_rmas o JOIN effect e ON (e.payload->'subject'->>'rma_id')::bigint = o.rma_id
  UNION SELECT e.effect_id FROM (SELECT DISTINCT order_id FROM returns_return_lines JOIN open_rmas USING (rma_id)) s
    JOIN effect e ON (e.payload->'subject'->>'order_id')::bigint = s.order_id
  UNION SELECT e.effect_id FROM returns_receipts r JOIN open_rmas USING (rma_id)
    JOIN effect e ON e.kind = 'transfer.create'
      AND e.payload->'subject'->'units' @> jsonb_build_array(jsonb_build_object('receipt_line_id', r.receipt_line_id))
  UNION SELECT effect_id FROM effect WHERE state = 'confirmed' AND reason LIKE 'payload_mismatch:%%'
  UNION SELECT effect_id FROM effect WHERE kind = 'transfer.create' AND created_at > now() - interval '7 days'
  UNION SELECT d.effect_id FROM in_scope i JOIN effect d ON d.depends_on = i.effect_id)
"""
_FILTER = """(%(shop)s::text IS NULL OR e.shop = %(shop)s) AND (%(rma_ids)s::bigint[] IS NULL
  OR (e.payload->'subject'->>'rma_id')::bigint = ANY(%(rma_ids)s) OR e.payload->'subject'->>'rma_id' IS NULL)"""


def read_effects(
    connection: psycopg.Connection, scope: str = "open", shop: str | None = None, rma_ids: Sequence[int] | None = None
) -> pd.DataFrame:
    """Effects, oldest first, with their payload as a dict.

    Args:
        connection: open.
        scope: `open` (unsettled, or of an open return or its sale) or `all`.
        shop: only this shop's.
        rma_ids: only those about these RMAs, or about none.
    """
    columns = ", ".join(_READ_AS.get(name, f"e.{name}") for name in _EFFECT_COLUMNS)
    query = f"SELECT {columns} FROM effect e {{scope}} WHERE {_FILTER} ORDER BY e.effect_id"  # noqa: S608 - literals only
    effects = _frame(connection, query, _EFFECT_COLUMNS, scope, shop, rma_ids)
    effects["payload"] = _payloads.of(connection, effects)
    return effects


class _Payloads:
    """Payloads by the version of their row: reading them costs more than all else of the ledger, and each step of a run wants the same ones.

    A row that was written to since has another version, so that nothing here is ever out of date.
    """

    def __init__(self) -> None:
        self._known: dict[tuple[Any, ...], Any] = {}

    def of(self, connection: psycopg.Connection, effects: pd.DataFrame) -> pd.Series:
        """The payload of each effect, whose `payload` says the version; what is not among these effects is forgotten."""
        keys = list(zip(effects["effect_id"], effects["created_at"], effects["payload"], strict=True))
        known = {key: self._known[key] for key in keys if key in self._known}
        unread = [int(key[0]) for key in keys if key not in known]
        if unread:
            rows = connection.execute("SELECT effect_id, payload FROM effect WHERE effect_id = ANY(%s)", [unread])
            payload_of: dict[int, Any] = dict(rows.fetchall())
            known |= {key: payload_of[key[0]] for key in keys if key[0] in payload_of}
        self._known = known
        return pd.Series([known[key] for key in keys], index=effects.index, dtype="object")


_payloads = _Payloads()


def read_lines(
    connection: psycopg.Connection, scope: str = "open", shop: str | None = None, rma_ids: Sequence[int] | None = None
) -> pd.DataFrame:
    """Effect lines with their effect's kind and state; `credit_id` is the credit raised, or the credit posted. Scope as for `read_effects`."""
    query = f"""SELECT l.effect_id, l.line_no, e.shop, e.kind, e.state::text AS state, e.business_key,
        CASE WHEN e.kind = 'credit.raise' THEN e.remote_id::bigint ELSE (e.payload->'subject'->>'credit_id')::bigint END AS credit_id,
        (e.payload->'subject'->>'rma_id')::bigint AS rma_id, b.order_id, l.order_row_id, l.phase, l.receipt_line_id, l.without_receipt_reason,
        l.qty, l.net_minor, l.tax_minor, l.released
      FROM effect e {{scope}} JOIN effect_line l USING (effect_id) JOIN order_row_balance b USING (order_row_id)
      WHERE {_FILTER} ORDER BY l.effect_id, l.line_no"""  # noqa: S608 - literals only
    return _frame(connection, query, _LINE_COLUMNS, scope, shop, rma_ids)


def read_balances(connection: psycopg.Connection, order_ids: Sequence[int]) -> pd.DataFrame:
    """The balance rows of these orders."""
    query = (
        f"SELECT {', '.join(_BALANCE_COLUMNS)} FROM order_row_balance WHERE order_id = ANY(%s) ORDER BY order_row_id"  # noqa: S608
    )
    rows = connection.execute(query, [list(order_ids)]).fetchall()
    return pd.DataFrame(rows, columns=list(_BALANCE_COLUMNS)).astype(_BALANCE_COLUMNS)


def due_to_look_up(connection: psycopg.Connection, kinds: Sequence[str], limit: int = 500) -> list[Effect]:
    """Effects whose outcome is to be looked up now: unknown ones, and those halted because it stayed unknown."""
    query = f"""SELECT {COLUMNS} FROM effect e WHERE e.kind = ANY(%s) AND (e.reconcile_after IS NULL OR e.reconcile_after <= clock_timestamp())
      AND (e.state = 'unknown' OR (e.state = 'halted' AND e.reason LIKE 'outcome_unknown:%%'))
      ORDER BY e.effect_id LIMIT %s"""  # noqa: S608 - literals only
    return fetch(connection, query, [list(kinds), limit])


def newest_of(connection: psycopg.Connection, business_key: str) -> int | None:
    """The newest effect of a business key, voided or not; None where nothing was ever planned under it."""
    row = connection.execute("SELECT max(effect_id) FROM effect WHERE business_key = %s", [business_key]).fetchone()
    return row[0] if row else None


def planned(connection: psycopg.Connection) -> list[Effect]:
    """Every planned effect of every kind, oldest first: after a restore any of them may stand in the other system already."""
    query = f"SELECT {COLUMNS} FROM effect e WHERE e.state = 'planned' ORDER BY e.effect_id"  # noqa: S608 - a literal
    return fetch(connection, query, [])


def over_posted(connection: psycopg.Connection, effect_ids: Sequence[int]) -> set[int]:
    """Of these planned postings, those whose order rows now have fewer units received than posted."""
    rows = connection.execute(
        """SELECT DISTINCT l.effect_id FROM effect_line l JOIN order_row_balance b USING (order_row_id)
           WHERE l.effect_id = ANY(%s) AND NOT l.released AND b.posted_qty > b.received_qty + b.without_receipt_qty""",
        [list(effect_ids)],
    ).fetchall()
    return {row[0] for row in rows}


def held_by_gates(connection: psycopg.Connection, kinds: Sequence[str]) -> list[tuple[str, str, int]]:
    """Shop, kind and number of planned effects that a closed gate keeps back."""
    return connection.execute(
        """SELECT shop, kind, count(*) FROM effect WHERE state = 'planned' AND kind = ANY(%s)
           AND (NOT needs_approval OR approved_batch IS NOT NULL) GROUP BY shop, kind HAVING NOT gates_open(shop, kind) ORDER BY 1, 2""",
        [list(kinds)],
    ).fetchall()


def due(connection: psycopg.Connection, kinds: Sequence[str]) -> int:
    """How many planned effects of these kinds could be sent or will be soon (approved, or needing no approval)."""
    row = connection.execute(
        "SELECT count(*) FROM effect WHERE state = 'planned' AND kind = ANY(%s) AND (NOT needs_approval OR approved_batch IS NOT NULL)",
        [list(kinds)],
    ).fetchone()
    return int(row[0]) if row else 0


def is_at_rest(connection: psycopg.Connection, kinds: Sequence[str]) -> bool:
    """Whether nothing of these kinds waits to be sent or is under way; what waits for a person rests."""
    row = connection.execute(
        """SELECT NOT EXISTS (SELECT FROM effect WHERE kind = ANY(%s)
             AND (state IN ('claimed', 'sending') OR state = 'planned' AND (NOT needs_approval OR approved_batch IS NOT NULL)))""",
        [list(kinds)],
    ).fetchone()
    return bool(row and row[0])


def _frame(
    connection: psycopg.Connection,
    query: str,
    columns: dict[str, str],
    scope: str,
    shop: str | None,
    rma_ids: Sequence[int] | None,
) -> pd.DataFrame:
    parameters = {"shop": shop, "rma_ids": None if rma_ids is None else list(rma_ids)}
    is_open = scope == "open"
    query = (_OPEN if is_open else "") + query.format(scope="JOIN in_scope USING (effect_id)" if is_open else "")
    with database.joined_by_index(connection) if is_open else connection.transaction():
        rows = connection.execute(query, parameters).fetchall()
    return pd.DataFrame(rows, columns=list(columns)).astype(columns)
