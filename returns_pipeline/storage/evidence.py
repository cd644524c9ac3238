"""Removes what is past its retention, and says of every table what ends its rows. The books stay: ledger, audit, exceptions, closes, facts."""

from collections.abc import Mapping

import psycopg

from returns_pipeline.storage import remarks

_CLOSED = "NOT r.is_open AND r.detail_read_at < now() - make_interval(days => %(days)s)"
# Kind of evidence, as `[retention.days_of]` names it -> what removes it.
_STATEMENTS: Mapping[str, tuple[str, ...]] = {
    "api_calls": ("DELETE FROM api_calls WHERE hour < now() - make_interval(days => %(days)s)",),
    "check_results": ("DELETE FROM check_results WHERE at < now() - make_interval(days => %(days)s)",),
    "alerts": ("DELETE FROM alert_outbox WHERE sent_at < now() - make_interval(days => %(days)s)",),
    "hints": ("DELETE FROM hints WHERE noted_at < now() - make_interval(days => %(days)s)",),
    # The newest verdict of each shop and table is the gate itself.
    "gates": (
        """DELETE FROM gates g WHERE g.at < now() - make_interval(days => %(days)s)
              AND EXISTS (SELECT FROM gates n WHERE n.shop = g.shop AND n.table_name = g.table_name AND n.gate_id > g.gate_id)""",
    ),
    "comments": tuple(
        f"UPDATE {place.table} x SET {place.forget} FROM returngo_rmas r WHERE {place.holds} AND r.rma_id = {place.rma_id} AND {_CLOSED}"  # noqa: S608 - literals only
        for place in remarks.PLACES
    ),
    "tracking": (
        f"""UPDATE returngo_shipments x SET tracking_number = NULL, tracking_url = NULL, label_url = NULL FROM returngo_rmas r
             WHERE coalesce(x.tracking_number, x.tracking_url, x.label_url) IS NOT NULL AND r.rma_id = x.rma_id AND {_CLOSED}""",  # noqa: S608 - literals only
    ),
    "past_returns": ("DELETE FROM audit_cases WHERE read_at < now() - make_interval(days => %(days)s)",),
}
KINDS = tuple(_STATEMENTS)
_BOOKS = "the books: six years, and longer where your law says so"
_FACTS = "facts of returns and sales, by their ids: as long as the books that rest on them; other people's words in them go with `comments`"
_STATE = "the present state: a row per thing, written over"
# What ends the rows of each table: a kind of evidence, or why they stay.
TABLES: Mapping[str, str] = {
    "api_calls": "api_calls",
    "check_results": "check_results",
    "alert_outbox": "alerts",
    "gates": "gates",
    "hints": "hints",
    "audit_cases": "past_returns",
    "returngo_return_items": "comments",
    "returns_return_lines": "comments",
    "returns_credit_proposals": "comments",
    "inspections": "comments",
    "returngo_shipments": "tracking",
    **dict.fromkeys(
        (
            "approval_batch", "audit", "effect", "effect_attempt", "effect_line", "exception_history", "exceptions", "finance_match_coverage",
            "finance_month_end_close", "finance_month_end_lines", "imported_refunds", "ledger_epochs", "month_close_reruns", "month_closes",
            "operator_decisions", "order_row_balance",
        ),
        _BOOKS,
    ),
    **dict.fromkeys(
        (
            "brightpearl_goods_in", "brightpearl_products", "brightpearl_sales_credit_rows", "brightpearl_sales_credits",
            "brightpearl_sales_order_rows", "brightpearl_sales_orders", "brightpearl_searched_sales", "brightpearl_shelf_moves",
            "brightpearl_stock_moves", "brightpearl_transfer_notes", "finance_three_way_match", "returngo_rmas", "returngo_transactions",
            "returns_receipts", "returns_transfer_proposals",
        ),
        _FACTS,
    ),
    **dict.fromkeys(
        (
            "account_facts", "cursors", "effect_kind", "effect_move", "gate_needed", "heartbeats", "judgements", "operations_health", "quota_days", "quota_draws", "quota_pools",
            "returngo_unusable_details", "shadow_plans", "sink_stops",
        ),
        _STATE,
    ),
    "moves": "the transactions of the last day: older ones are removed whenever a judgement is kept",
    "shadow_past": "what was planned in shadow mode: compared with what people posted until the shop is live",
}  # fmt: skip


def remove_older(connection: psycopg.Connection, days_of: Mapping[str, int]) -> dict[str, int]:
    """Removes each kind of evidence that is older than its days; answers how many rows each lost.

    Args:
        days_of: days by kind, a value for each of `KINDS`.
    """
    removed = {}
    for kind, statements in _STATEMENTS.items():
        with connection.transaction():
            # After months without it there is more to remove than any other statement may take time for.
            connection.execute("SET LOCAL statement_timeout = '10min'")
            given = {"days": days_of[kind]}
            removed[kind] = sum(connection.execute(statement, given).rowcount for statement in statements)
    return removed
