"""Receipts whose credit or money has not followed, straight from the database: what the sensor watches. No API, no judgement of causes."""

import datetime as dt
import hashlib
from collections.abc import Collection
from dataclasses import dataclass

import psycopg
from psycopg.rows import class_row

from returns_pipeline.storage import database

# A posting that the decide stage holds waits for a person; a line that matching holds never gets as far as a proposal.
_GAPS = """
WITH effects AS NOT MATERIALIZED (
  SELECT kind, shop, state, (payload->'subject'->>'credit_id')::bigint AS credit_id, (payload->'subject'->>'rma_id')::bigint AS rma_id, updated_at,
         CASE WHEN state = 'planned' AND needs_approval AND approved_batch IS NULL THEN 'awaits approval' ELSE state::text END AS said
  FROM effect WHERE kind IN ('credit.post', 'refund.record') AND state <> 'voided'),
received AS (
  SELECT r.shop, r.credit_id, min(r.rma_id) AS rma_id, min(r.received_on) AS since, sum(r.matched_quantity)::bigint AS units,
         array_agg(r.return_line_id) AS return_line_ids
  FROM returns_receipts r JOIN brightpearl_sales_credits c USING (credit_id)
  WHERE r.matched_quantity > 0 AND c.invoice_reference IN ('', 'pending') AND NOT c.is_cancelled AND NOT c.is_gone
  GROUP BY r.shop, r.credit_id),
unrecorded AS (
  SELECT m.shop, m.rma_id, min(m.raised_credit_ids[1]) AS credit_id, max(m.credited_on) AS since
  FROM finance_three_way_match m JOIN returngo_rmas g USING (rma_id)
  WHERE g.is_open AND m.shop = ANY(%(recording)s) GROUP BY m.shop, m.rma_id
  HAVING sum(m.credited_quantity) > 0 AND sum(m.refunded_minor) > 0 AND sum(m.recorded_minor) = 0)
SELECT CASE WHEN p.credit_id IS NULL THEN 'received_and_no_credit' ELSE 'received_and_not_posted' END AS shape, r.shop, r.rma_id, r.credit_id, r.since, r.units,
       coalesce(p.said, 'held: ' || coalesce(
         (SELECT min(h.hold_code) FROM returns_credit_proposals h WHERE h.credit_id = r.credit_id AND h.verdict = 'held'),
         (SELECT min(l.hold_code) FROM returns_return_lines l WHERE l.return_line_id = ANY(r.return_line_ids) AND l.verdict = 'held')), 'not planned') AS state
FROM received r LEFT JOIN effects p ON p.kind = 'credit.post' AND p.credit_id = r.credit_id
WHERE p.said IS DISTINCT FROM 'confirmed'
UNION ALL
SELECT 'posted_and_money_not_recorded', e.shop, e.rma_id, e.credit_id, e.updated_at, 0, e.said FROM effects e WHERE e.kind = 'refund.record' AND e.state <> 'confirmed'
UNION ALL
SELECT 'posted_and_money_not_recorded', u.shop, u.rma_id, u.credit_id, u.since, 0,
       coalesce('held: ' || (SELECT min(h.hold_code) FROM returns_credit_proposals h WHERE h.rma_id = u.rma_id AND h.action = 'record_refund' AND h.verdict = 'held'), 'not planned')
FROM unrecorded u WHERE NOT EXISTS (SELECT FROM effects e WHERE e.kind = 'refund.record' AND e.rma_id = u.rma_id)
ORDER BY since, credit_id
"""
_HEALING = {"not planned", "planned", "claimed", "sending", "unknown"}


@dataclass(frozen=True)
class Gap:
    """One credit that lags behind its goods or its money.

    Attributes:
        shape: received_and_no_credit, received_and_not_posted or posted_and_money_not_recorded.
        since: when the goods came (or the credit was posted).
        state: how far the ledger is: not planned, held with its code, awaits approval, or the effect's state.
    """

    shape: str
    shop: str
    rma_id: int | None
    credit_id: int | None
    since: dt.datetime | None
    units: int
    state: str

    @property
    def heals_with_time(self) -> bool:
        """Whether another pass may close it; what waits for a person is not asked for again."""
        return self.state in _HEALING

    @property
    def mark(self) -> str:
        """Short and the same as long as nothing about the gap changes."""
        told = f"{self.shape} {self.credit_id} {self.rma_id} {self.units} {self.state}"
        return hashlib.sha256(told.encode()).hexdigest()[:10]


def read(connection: psycopg.Connection, shops_that_record_refunds: Collection[str]) -> list[Gap]:
    """Every gap, oldest receipt first; in shops where somebody else records the money, its absence here is no gap."""
    with database.joined_by_index(connection), connection.cursor(row_factory=class_row(Gap)) as cursor:
        return cursor.execute(_GAPS, {"recording": list(shops_that_record_refunds)}).fetchall()
