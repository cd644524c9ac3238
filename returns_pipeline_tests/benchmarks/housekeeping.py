"""A year of ten-minute ticks that nobody tidied up, and one night of `housekeeping`: how long it takes, what is left, and that trends stay. No pass is measured."""

import time
from collections.abc import Mapping
from typing import Any

import psycopg
from psycopg import sql

from returns_pipeline.storage import database
from returns_pipeline_tests.benchmarks.calls import retailer

TICKS_OF_A_YEAR = 365 * 24 * 6
MOST_SECONDS = 1_800
# Of the run's events and results of checks, every so many is copied: all of them would be tens of gigabytes.
_EVENTS_THINNED, _CHECKS_THINNED = 5, 5
_MINUTES_APART = 10
# How much of the match has met, day by day.
_TREND = "finance_match_coverage"
_CHANGED = {
    "run_id": "md5(t.run_id || n)::uuid::text",
    "create_timestamp": "t.create_timestamp - n * interval '{minutes} minutes'",
    "update_timestamp": "t.update_timestamp - n * interval '{minutes} minutes'",
    "timestamp": "t.timestamp - n * interval '{minutes} minutes'",
    "run_body": "replace(t.run_body, t.run_id, md5(t.run_id || n)::uuid::text)",
}
_EVIDENCE = (
    """INSERT INTO returns.gates(shop, table_name, run_id, passed, at)
       SELECT 'uk', 'table ' || g, n::text, true, now() - n * interval '10 minutes' FROM generate_series(1, %(ticks)s) n, generate_series(1, 8) g""",
    """INSERT INTO returns.check_results(check_name, asset_key, run_id, passed, severity, is_blocking, rows_checked, violations, at)
       SELECT 'check ' || c, 'asset', n::text, true, 'WARN', false, 0, 0, now() - n * interval '10 minutes' FROM generate_series(1, %(ticks)s) n, generate_series(1, 8) c""",
    """INSERT INTO returns.api_calls(api, hour, method, path_template, http_status, calls, milliseconds)
       SELECT 'brightpearl', date_trunc('hour', now()) - h * interval '1 hour', 'GET', '/path/' || p, 200, 6, 600 FROM generate_series(1, %(ticks)s / 6) h, generate_series(1, 8) p""",
    f"""INSERT INTO returns.{_TREND}(shop, day, currency, tax_code, lines, met_lines, expected_minor, met_minor, difference_minor)
       SELECT 'uk', current_date - d::int, 'GBP', 'T20', 90, 80, 9000, 8000, 1000 FROM generate_series(1, %(ticks)s / 144) d""",  # noqa: S608 - a literal
)


def simulate_ticks(url: str, run_id: str, ticks: int) -> None:
    """Copies a run of now back into the past, once for every ten minutes, and lays the pipeline's own evidence beside it."""
    with psycopg.connect(database.plain_url(url), autocommit=True) as connection:
        _copy(connection, "runs", run_id, ticks, 1)
        _copy(connection, "run_tags", run_id, ticks, 1)
        _copy(connection, "event_logs", run_id, ticks, _EVENTS_THINNED)
        _copy(connection, "asset_check_executions", run_id, ticks, _CHECKS_THINNED)
        for statement in _EVIDENCE:
            connection.execute(statement, {"ticks": ticks})
        connection.execute("VACUUM ANALYZE")


def measure(ticks: int) -> dict[str, Any]:
    """One night over so many ticks: its seconds, and the runs and rows before and after."""
    with retailer():
        from returns_pipeline.commands.sync import sync
        from returns_pipeline.defs.acts import housekeeping
        from returns_pipeline.stages.passes import Scope

        (run_id,) = sync(Scope()).run_ids
        url = database.database_url()
        simulate_ticks(url, run_id, ticks)
        before, begun = kept(url), time.perf_counter()
        assert housekeeping.execute_in_process(instance=_instance()).success
        seconds = time.perf_counter() - begun
        return {"ticks": ticks, "seconds": round(seconds, 1), "before": before, "after": kept(url)}


def kept(url: str) -> dict[str, int]:
    """Rows of Dagster's tables and of the evidence, and the runs of the clock that are past their days."""
    from returns_pipeline.settings import load_settings

    tables = (
        "public.runs",
        "public.event_logs",
        "public.asset_check_executions",
        "returns.gates",
        "returns.check_results",
        "returns.api_calls",
        f"returns.{_TREND}",
    )
    with database.connect(url) as connection:
        counted = {
            table: int(
                connection.execute(
                    sql.SQL("SELECT count(*) FROM {}").format(sql.Identifier(*table.split(".")))
                ).fetchall()[0][0]
            )
            for table in tables
        }
        ((overdue,),) = connection.execute(
            "SELECT count(*) FROM public.runs WHERE status = 'SUCCESS' AND pipeline_name = 'returns_sync' AND create_timestamp < now() - make_interval(days => %s)",
            [load_settings().retention.run_days],
        ).fetchall()
    return counted | {"runs past their days": int(overdue)}


def figures() -> dict[str, Any]:
    """A year of ticks in one night."""
    return measure(TICKS_OF_A_YEAR)


def broken_bounds(found: Mapping[str, Any]) -> list[str]:
    """Nothing is left past its days, trends stay, and a night is enough."""
    words = []
    days = {when: found[when][f"returns.{_TREND}"] for when in ("before", "after")}
    if days["after"] < days["before"]:
        words.append(f"{days['before'] - days['after']} days of the trend are gone")
    if found["after"]["runs past their days"]:
        words.append(f"{found['after']['runs past their days']} runs stayed past their days")
    if found["seconds"] > MOST_SECONDS:
        words.append(f"a night's housekeeping took {found['seconds']} s, above {MOST_SECONDS}")
    return words


def _instance() -> Any:
    from dagster import DagsterInstance

    return DagsterInstance.get()


def _copy(connection: psycopg.Connection, table: str, run_id: str, ticks: int, every: int) -> None:
    names = [
        row[0]
        for row in connection.execute(
            "SELECT column_name FROM information_schema.columns WHERE table_schema = 'public' AND table_name = %s AND column_name <> 'id' ORDER BY ordinal_position",
            [table],
        )
    ]
    values = [_CHANGED.get(name, f"t.{name}").format(minutes=_MINUTES_APART) for name in names]
    connection.execute(
        f"INSERT INTO public.{table} ({', '.join(names)}) SELECT {', '.join(values)} FROM public.{table} t, generate_series(1, %(ticks)s) n "  # noqa: S608 - names of Dagster's own columns
        "WHERE t.run_id = %(run_id)s AND t.id %% %(every)s = 0",  # type: ignore[arg-type]
        {"ticks": ticks, "run_id": run_id, "every": every},
    )
