"""Removes what is past its retention, table by table. The ledger, its audit, the exceptions, the closes and the facts of returns stay."""

from collections.abc import Mapping

import psycopg

_CLOSED_BEFORE = "r.rma_id = x.rma_id AND NOT r.is_open AND r.detail_read_at < now() - make_interval(days => %(days)s)"
# Kind of evidence, as `[retention.days_of]` names it -> what removes it.
_STATEMENTS: Mapping[str, str] = {
    "api_calls": "DELETE FROM api_calls WHERE hour < now() - make_interval(days => %(days)s)",
    "check_results": "DELETE FROM check_results WHERE at < now() - make_interval(days => %(days)s)",
    "alerts": "DELETE FROM alert_outbox WHERE sent_at < now() - make_interval(days => %(days)s)",
    # The newest verdict of each shop and table is the gate itself.
    "gates": """DELETE FROM gates g WHERE g.at < now() - make_interval(days => %(days)s)
                  AND EXISTS (SELECT FROM gates n WHERE n.shop = g.shop AND n.table_name = g.table_name AND n.gate_id > g.gate_id)""",
    "comments": f"""UPDATE returngo_return_items x SET return_reason = NULL, non_restockable_reason = NULL, non_returned_reason = NULL FROM returngo_rmas r
                     WHERE coalesce(x.return_reason, x.non_restockable_reason, x.non_returned_reason) IS NOT NULL AND {_CLOSED_BEFORE}""",  # noqa: S608 - literals only
    "tracking": f"""UPDATE returngo_shipments x SET tracking_number = NULL, tracking_url = NULL, label_url = NULL FROM returngo_rmas r
                     WHERE coalesce(x.tracking_number, x.tracking_url, x.label_url) IS NOT NULL AND {_CLOSED_BEFORE}""",  # noqa: S608 - literals only
    "past_returns": "DELETE FROM audit_cases WHERE read_at < now() - make_interval(days => %(days)s)",
}
KINDS = tuple(_STATEMENTS)


def remove_older(connection: psycopg.Connection, days_of: Mapping[str, int]) -> dict[str, int]:
    """Removes each kind of evidence that is older than its days; answers how many rows each lost.

    Args:
        days_of: days by kind, a value for each of `KINDS`.
    """
    removed = {}
    for kind, statement in _STATEMENTS.items():
        with connection.transaction():
            # After months without it there is more to remove than any other statement may take time for.
            connection.execute("SET LOCAL statement_timeout = '10min'")
            removed[kind] = connection.execute(statement, {"days": days_of[kind]}).rowcount
    return removed
