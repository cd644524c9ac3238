"""Which reading of ReturnGo's repeated fees the refunds bear out, counted over the newest returns. What follows from it is `domain/fee_evidence`'s."""

import psycopg

from returns_pipeline.domain.fee_evidence import Borne


def borne_out(connection: psycopg.Connection, shop: str) -> list[Borne]:
    """Returns of the last 90 days of which each unit carries the same fee and whose refunds fit exactly one reading, newest first.

    Returns without a refund, and refunds that fit neither or both, say nothing and are left out. A penny per unit is rounding.
    """
    rows = connection.execute(
        """WITH repeated AS (
             SELECT i.rma_id, i.currency, count(*) AS units,
                    sum(i.paid_price_minor + CASE WHEN i.is_tax_included THEN 0 ELSE i.paid_tax_minor END - i.restocking_fee_minor) AS before_fees,
                    max(i.return_fee_minor) + max(i.shipment_fee_minor) AS fee
               FROM returngo_return_items i JOIN returngo_rmas r USING (rma_id)
              WHERE r.shop = %(shop)s AND r.created_at > now() - interval '90 days'
              GROUP BY i.rma_id, i.currency
             HAVING count(*) > 1 AND max(i.return_fee_minor) + max(i.shipment_fee_minor) > 0
                AND min(i.return_fee_minor) = max(i.return_fee_minor) AND min(i.shipment_fee_minor) = max(i.shipment_fee_minor)),
           refunded AS (
             SELECT p.*, t.amount FROM repeated p JOIN LATERAL (
               SELECT sum(amount_minor) AS amount FROM returngo_transactions t
                WHERE t.rma_id = p.rma_id AND t.currency = p.currency AND t.status = 'Success' AND t.type LIKE 'RefundTo%%') t ON t.amount > 0),
           judged AS (
             SELECT rma_id, abs(amount - (before_fees - fee)) <= units AS is_once, abs(amount - (before_fees - units * fee)) <= units AS is_each
               FROM refunded)
           SELECT rma_id, CASE WHEN is_once THEN 'rma' ELSE 'item' END FROM judged WHERE is_once <> is_each ORDER BY rma_id DESC""",
        {"shop": shop},
    ).fetchall()
    return [Borne(rma_id, scope) for rma_id, scope in rows]
