"""Receipts whose credit or money has not followed, straight from the database: what the sensor watches. No API, no judgement of causes."""

import datetime as dt
from dataclasses import dataclass

import psycopg
from psycopg.rows import class_row

_GAPS = """
WITH posting AS (
  SELECT (payload->'subject'->>'credit_id')::bigint AS credit_id, state, needs_approval AND approved_batch IS NULL AS awaits_approval
  FROM effect WHERE kind = 'credit.post' AND state <> 'voided'),
received AS (
  SELECT r.shop, r.credit_id, min(r.rma_id) AS rma_id, min(r.received_on) AS since, sum(r.matched_quantity)::bigint AS units
  FROM returns_receipts r JOIN brightpearl_sales_credits c USING (credit_id)
  WHERE r.matched_quantity > 0 AND c.invoice_reference IN ('', 'pending') AND NOT c.is_cancelled AND NOT c.is_gone
  GROUP BY r.shop, r.credit_id)
SELECT CASE WHEN p.credit_id IS NULL THEN 'received_and_no_credit' ELSE 'received_and_not_posted' END AS shape, r.shop, r.rma_id, r.credit_id, r.since, r.units,
       CASE WHEN p.credit_id IS NULL THEN 'not planned' WHEN p.awaits_approval THEN 'awaits approval' ELSE p.state::text END AS state
FROM received r LEFT JOIN posting p USING (credit_id)
WHERE p.state IS NULL OR p.state <> 'confirmed'
UNION ALL
SELECT 'posted_and_money_not_recorded', e.shop, (e.payload->'subject'->>'rma_id')::bigint, (e.payload->'subject'->>'credit_id')::bigint, e.updated_at, 0, e.state::text
FROM effect e WHERE e.kind = 'refund.record' AND e.state NOT IN ('confirmed', 'voided')
ORDER BY since, credit_id
"""


@dataclass(frozen=True)
class Gap:
    """One credit that lags behind its goods or its money.

    Attributes:
        shape: received_and_no_credit, received_and_not_posted or posted_and_money_not_recorded.
        since: when the goods came (or the credit was posted).
        state: how far the ledger is: not planned, awaits approval, or the effect's state.
    """

    shape: str
    shop: str
    rma_id: int | None
    credit_id: int
    since: dt.datetime
    units: int
    state: str

    @property
    def heals_with_time(self) -> bool:
        """Whether another pass may close it; what waits for a person is not asked for again."""
        return self.state in {"not planned", "planned", "claimed", "sending", "unknown"}


def read(connection: psycopg.Connection) -> list[Gap]:
    """Every gap, oldest receipt first."""
    with connection.cursor(row_factory=class_row(Gap)) as cursor:
        return cursor.execute(_GAPS).fetchall()
