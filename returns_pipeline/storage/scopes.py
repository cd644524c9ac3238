"""Which rows of a table a stage wants: what is open, what changed since a moment, or all. Bounded by what is open, never by history.

The words of SQL only; running them is `frames.py`'s, and `open_returns.py`'s for what asks whether anything is open.
"""

from dataclasses import dataclass

# What hangs on the open returns. A part that a query does not name is not computed.
_OPEN_PARTS = """
WITH open_rma AS MATERIALIZED (SELECT r.rma_id FROM returngo_rmas r WHERE {chosen}),
open_order AS MATERIALIZED (
  SELECT l.order_id FROM open_rma JOIN returns_return_lines l USING (rma_id) WHERE l.order_id IS NOT NULL
  UNION SELECT o.order_id FROM open_rma JOIN returngo_rmas r USING (rma_id) JOIN brightpearl_sales_orders o ON o.external_ref = r.shopify_order_id
  UNION SELECT o.order_id FROM open_rma JOIN returngo_rmas r USING (rma_id)
    JOIN brightpearl_sales_orders o ON o.customer_ref = replace(%(order_name_format)s::text, '{{order_name}}', r.order_name)
  UNION SELECT o.order_id FROM open_rma JOIN returngo_rmas r USING (rma_id) CROSS JOIN LATERAL jsonb_array_elements(r.exchange_orders) e
    JOIN brightpearl_sales_orders o ON o.external_ref = e ->> 'order_id'
  UNION SELECT o.order_id FROM open_rma JOIN returngo_rmas r USING (rma_id) CROSS JOIN LATERAL jsonb_array_elements(r.exchange_orders) e
    JOIN brightpearl_sales_orders o ON o.customer_ref = replace(%(order_name_format)s::text, '{{order_name}}', e ->> 'order_name')),
pending_receipt AS MATERIALIZED (
  SELECT q.receipt_line_id, q.credit_id FROM returns_receipts q WHERE q.verdict = 'held' AND {pending}
  UNION SELECT g.receipt_line_id, g.credit_id FROM ({shops}) s
    CROSS JOIN LATERAL (SELECT {newest_judged} AS receipt_line_id) judged
    JOIN brightpearl_goods_in g ON g.shop = s.shop AND (g.shop, g.receipt_line_id) > (s.shop, judged.receipt_line_id)),
open_credit AS MATERIALIZED (
  SELECT c.credit_id FROM open_order JOIN brightpearl_sales_credits c USING (order_id)
  UNION SELECT credit_id FROM pending_receipt),
open_receipt AS MATERIALIZED (
  SELECT q.receipt_line_id FROM open_rma JOIN returns_receipts q USING (rma_id)
  UNION SELECT receipt_line_id FROM pending_receipt),
open_product AS MATERIALIZED (
  SELECT w.product_id FROM open_order JOIN brightpearl_sales_order_rows w USING (order_id)
  UNION SELECT w.product_id FROM open_credit JOIN brightpearl_sales_credit_rows w USING (credit_id)
  UNION SELECT g.product_id FROM open_credit JOIN brightpearl_goods_in g USING (credit_id)
  UNION SELECT p.product_id FROM open_rma JOIN returngo_return_items i USING (rma_id) JOIN brightpearl_products p ON p.sku = i.sku
  UNION SELECT p.product_id FROM open_rma JOIN returngo_return_items i USING (rma_id) JOIN brightpearl_products p ON p.barcode = i.barcode)
"""


@dataclass(frozen=True)
class _Bounds:
    """Conditions on a table's row `t`: open, changed since a moment, of one shop. `open_keeps_shop`: the open rows of a shop are of that shop."""

    open: str
    changed: str
    shop: str | None = "t.shop = %(shop)s"
    open_keeps_shop: bool = True


_BY_RMA = "t.rma_id IN (SELECT rma_id FROM open_rma)"
_BY_ORDER = "t.order_id IN (SELECT order_id FROM open_order)"
_BY_CREDIT = "t.credit_id IN (SELECT credit_id FROM open_credit)"
_DETAIL_READ = "t.rma_id IN (SELECT rma_id FROM returngo_rmas WHERE detail_read_at >= %(since)s)"
# A decision about a return that ended still counts where another return of the same sale is open; one about a SKU counts for every return.
_DECISIONS = """SELECT d.decision_id FROM open_rma JOIN operator_decisions d USING (rma_id)
  UNION SELECT d.decision_id FROM open_order JOIN returns_return_lines l USING (order_id) JOIN operator_decisions d ON d.rma_id = l.rma_id
  UNION SELECT d.decision_id FROM operator_decisions d WHERE d.rma_id IS NULL OR d.subject_type = 'sku'"""
_UNFINISHED = _Bounds("t.state NOT IN ('confirmed', 'voided')", "t.updated_at >= %(since)s")

_BOUNDS = {
    "returngo_rmas": _Bounds(_BY_RMA, "t.detail_read_at >= %(since)s"),
    "returngo_shipments": _Bounds(_BY_RMA, _DETAIL_READ),
    "returngo_return_items": _Bounds(_BY_RMA, _DETAIL_READ),
    "returngo_transactions": _Bounds(_BY_RMA, _DETAIL_READ),
    # An open return may name a sale in another shop's channel, so its sale and credits are not cut down to its own shop.
    "brightpearl_sales_orders": _Bounds(_BY_ORDER, "t.read_at >= %(since)s", open_keeps_shop=False),
    "brightpearl_sales_order_rows": _Bounds(
        _BY_ORDER,
        "t.order_id IN (SELECT order_id FROM brightpearl_sales_orders WHERE read_at >= %(since)s)",
        "t.order_id IN (SELECT order_id FROM brightpearl_sales_orders WHERE shop = %(shop)s)",
        open_keeps_shop=False,
    ),
    "brightpearl_products": _Bounds(
        "t.product_id IN (SELECT product_id FROM open_product)", "t.read_at >= %(since)s", shop=None
    ),
    "brightpearl_sales_credits": _Bounds(_BY_CREDIT, "t.read_at >= %(since)s", open_keeps_shop=False),
    "brightpearl_sales_credit_rows": _Bounds(
        _BY_CREDIT,
        "t.credit_id IN (SELECT credit_id FROM brightpearl_sales_credits WHERE read_at >= %(since)s)",
        "t.credit_id IN (SELECT credit_id FROM brightpearl_sales_credits WHERE shop = %(shop)s)",
        open_keeps_shop=False,
    ),
    "brightpearl_goods_in": _Bounds(_BY_CREDIT, "t.read_at >= %(since)s", open_keeps_shop=False),
    # Only moves since the oldest receipt that is open: a shelf's whole history would grow with the years.
    "brightpearl_shelf_moves": _Bounds(
        """t.product_id IN (SELECT q.product_id FROM open_receipt JOIN returns_receipts q USING (receipt_line_id)
             UNION SELECT g.product_id FROM open_credit JOIN brightpearl_goods_in g USING (credit_id))
           AND t.moved_on >= (SELECT min(g.received_on) FROM open_credit JOIN brightpearl_goods_in g USING (credit_id))""",
        "t.moved_on >= %(since)s",
        shop=None,
    ),
    "inspections": _Bounds(_BY_RMA, "t.recorded_at >= %(since)s"),
    "operator_decisions": _Bounds(
        f"t.revoked_at IS NULL AND t.decision_id IN ({_DECISIONS})", "greatest(t.at, t.revoked_at) >= %(since)s"
    ),
    "returns_return_lines": _Bounds(_BY_RMA, "t.judged_at >= %(since)s"),
    "returns_receipts": _Bounds(
        "t.receipt_line_id IN (SELECT receipt_line_id FROM open_receipt)", "t.judged_at >= %(since)s"
    ),
    "returns_credit_proposals": _Bounds(_BY_RMA, "t.judged_at >= %(since)s"),
    "returns_transfer_proposals": _Bounds(_BY_RMA, "t.judged_at >= %(since)s"),
    "finance_three_way_match": _Bounds(_BY_RMA, "t.compared_at >= %(since)s"),
    "finance_match_coverage": _Bounds("true", "t.day >= %(since)s::date"),
    "finance_month_end_close": _Bounds("true", "t.computed_at >= %(since)s"),
    "finance_month_end_lines": _Bounds("true", "t.happened_on >= %(since)s"),
    "brightpearl_expected_returns": _UNFINISHED,
    "brightpearl_posted_credits": _UNFINISHED,
    "returngo_receipt_confirmations": _UNFINISHED,
    "brightpearl_stock_transfers": _UNFINISHED,
    "returns_exceptions": _Bounds("true", "t.last_seen_at >= %(since)s"),
    "operations_health": _Bounds("true", "t.measured_at >= %(since)s"),
}


def hangs_on_open(table: str) -> bool:
    """Whether the table's open rows all hang on an open return or on a receipt that nobody has matched."""
    return table != "operator_decisions" and "(SELECT" in _BOUNDS[table].open


def query(table: str, columns: str, scope: str, *, of_one_shop: bool, of_named_rmas: bool) -> str:
    """The query over `table t` with parameters shop, rma_ids, since and order_name_format.

    Args:
        table: a table of `_BOUNDS`.
        columns: what to select, from `t`.
        scope: 'open', 'changed' or 'all'.
        of_one_shop: only that shop's rows.
        of_named_rmas: with 'open', exactly the named returns instead of all open ones.
    """
    bounds = _BOUNDS[table]
    conditions = {"open": [bounds.open], "changed": [bounds.changed], "all": []}[scope]
    if of_one_shop and bounds.shop and (scope != "open" or bounds.open_keeps_shop):
        conditions.append(bounds.shop)
    where = f"WHERE {' AND '.join(conditions)}" if conditions else ""
    parts = _open_parts(of_one_shop, of_named_rmas) if scope == "open" else ""
    return f"{parts} SELECT {columns} FROM {table} t {where}"  # noqa: S608 - the table is a key of _BOUNDS


def newest_receipt_line(table: str, shop: str) -> str:
    """An expression: the highest receipt_line_id of the shop in `table`, 0 without any. One step in the index (shop, receipt_line_id).

    Compared as pairs, because `max` of one shop may also be planned backwards over the primary key: that reads every other shop's lines where
    this one has none, and costs are so close that statistics and the visibility map decide.

    Args:
        table: brightpearl_goods_in or returns_receipts.
        shop: the SQL that says the shop.
    """
    return f"""coalesce((SELECT n.receipt_line_id FROM (
        SELECT l.shop, l.receipt_line_id FROM {table} l WHERE (l.shop, l.receipt_line_id) <= ({shop}, 9223372036854775807)
         ORDER BY l.shop DESC, l.receipt_line_id DESC LIMIT 1) n WHERE n.shop = {shop}), 0)"""  # noqa: S608 - both are words of our own statements


def _open_parts(of_one_shop: bool, of_named_rmas: bool) -> str:
    chosen = "r.rma_id = ANY(%(rma_ids)s)" if of_named_rmas else "r.is_open"
    shops = (
        "SELECT %(shop)s::text AS shop"
        if of_one_shop
        else "SELECT DISTINCT r.shop FROM returngo_rmas r WHERE r.is_open"
    )
    pending = "q.shop = %(shop)s" if of_one_shop else "true"
    if of_named_rmas:
        shops, pending = "SELECT NULL::text AS shop WHERE false", "false"
    return _OPEN_PARTS.format(
        chosen=chosen + (" AND r.shop = %(shop)s" if of_one_shop else ""),
        shops=shops,
        pending=pending,
        newest_judged=newest_receipt_line("returns_receipts", "s.shop"),
    )
