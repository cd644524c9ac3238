"""Removes old evidence: calls, check results and sent alerts past their retention. The ledger, its audit and the exceptions stay."""

import psycopg

_STATEMENTS = (
    "DELETE FROM api_calls WHERE hour < now() - make_interval(days => %s)",
    "DELETE FROM check_results WHERE at < now() - make_interval(days => %s)",
    "DELETE FROM alert_outbox WHERE sent_at < now() - make_interval(days => %s)",
)


def remove_older(connection: psycopg.Connection, days: int) -> int:
    """Rows removed that are older than so many days; return reasons of closed returns are forgotten with them."""
    removed = sum(connection.execute(statement, (days,)).rowcount for statement in _STATEMENTS)
    forgotten = connection.execute(
        """UPDATE returngo_return_items i SET return_reason = NULL FROM returngo_rmas r
            WHERE r.rma_id = i.rma_id AND NOT r.is_open AND i.return_reason IS NOT NULL AND r.detail_read_at < now() - make_interval(days => %s)""",
        (days,),
    ).rowcount
    return removed + forgotten
