"""What a pass asks of the database is answered by indexes: a statement reads what is open, however much has ended. Figures are in `benchmarks`.

The plans are those that Postgres really used: its own `auto_explain` tells them, with the rows that each step read.
"""

import datetime as dt
import json
from collections import Counter
from collections.abc import Callable, Iterator

import pandas as pd
import psycopg
import pytest

from returns_pipeline import schemas
from returns_pipeline.domain.catalogue import CATALOGUE
from returns_pipeline.settings import load_settings
from returns_pipeline.storage import (
    database,
    exceptions,
    frames,
    gaps,
    known_credits,
    ledger,
    measures,
    open_returns,
    quota_days,
    stock,
    worklists,
)
from returns_pipeline.storage.ledger import claiming, reading
from returns_pipeline_tests.benchmarks import history
from returns_pipeline_tests.conftest import url_of

PAST, OPEN = 5_000, 20
# Above what twenty open returns, the newest audit rows and the indexes' own searches read; below any table of the past.
MOST_ROWS = 2_500
NOW = dt.datetime.now(dt.UTC)
KINDS = ("credit.raise", "credit.post", "refund.record", "returngo.receive", "transfer.create")


@pytest.fixture(scope="module")
def old_shop(postgres_url: str, template: str) -> Iterator[str]:
    """The URL of a database with thousands of past returns, of which the last few are open again."""
    with psycopg.connect(postgres_url, autocommit=True) as server:
        server.execute(f"CREATE DATABASE old_shop TEMPLATE {template} STRATEGY file_copy")
        url = url_of(postgres_url, "old_shop")
        history.make_room(url, PAST)
        history.fill(url, 1, PAST, total=PAST, products=list(range(1, 500)))
        with database.connect(url) as connection:
            connection.execute("SET session_replication_role = replica")
            connection.execute(
                "UPDATE returngo_rmas SET is_open = true WHERE rma_id IN (SELECT rma_id FROM returngo_rmas ORDER BY rma_id DESC LIMIT %s)",
                [OPEN],
            )
            connection.execute(
                """UPDATE effect SET state = 'planned', remote_id = NULL FROM returngo_rmas r
                    WHERE kind = 'credit.post' AND r.is_open AND (payload->'subject'->>'rma_id')::bigint = r.rma_id"""
            )
            connection.execute(
                """INSERT INTO api_calls(api, shop, hour, method, path_template, http_status, calls, milliseconds)
                   SELECT 'returngo', 'uk', date_trunc('hour', now()) - make_interval(hours => n), 'GET', '/rmas', 200, 3, 1 FROM generate_series(0, %s) AS n""",
                [PAST],
            )
        history.settle_down(url)
        # As after a busy hour: what was written last is not known to be visible to all, and no index answers without the table's rows.
        with database.connect(url) as connection:
            for table in ("brightpearl_goods_in", "returns_receipts"):
                connection.execute(f"UPDATE {table} SET shop = shop")  # noqa: S608 - the two names above
                connection.execute(f"REINDEX TABLE {table}")
                connection.execute(f"ANALYZE {table}")
        yield url
        server.execute("DROP DATABASE old_shop WITH (FORCE)")


@pytest.fixture
def observed(old_shop: str) -> Iterator[tuple[psycopg.Connection, list[dict]]]:
    """A connection of the pipeline's, and the plans of what it ran. What it changed is taken back: the next case finds the same open returns."""
    plans: list[dict] = []
    with database.connect(old_shop) as connection:
        connection.execute("LOAD 'auto_explain'")
        for setting, value in (
            ("log_min_duration", "0"), ("log_analyze", "on"), ("log_timing", "off"), ("log_nested_statements", "on"), ("log_format", "json"),
        ):  # fmt: skip
            connection.execute(f"SET auto_explain.{setting} = '{value}'")
        connection.execute("SET client_min_messages = log")
        connection.add_notice_handler(
            lambda notice: plans.append(json.loads(str(notice.message_primary).split("plan:", 1)[1]))
        )
        with connection.transaction(force_rollback=True):
            yield connection, plans


def rows_read(plans: list[dict]) -> Counter[tuple[str, str, str]]:
    """(table, step, statement) -> the rows that a step read of it, those that it threw away among them."""
    read: Counter[tuple[str, str, str]] = Counter()
    for plan in plans:
        waiting = [plan["Plan"]]
        while waiting:
            step = waiting.pop()
            waiting += step.get("Plans", [])
            if "Relation Name" in step:
                each = sum(
                    step.get(key, 0)
                    for key in ("Actual Rows", "Rows Removed by Filter", "Rows Removed by Index Recheck")
                )
                read[step["Relation Name"], step["Node Type"], " ".join(plan["Query Text"].split())] += round(
                    each * step["Actual Loops"]
                )
    return read


def _with_a_shop_without_goods(connection: psycopg.Connection) -> psycopg.Connection:
    connection.execute(
        "UPDATE returngo_rmas SET shop = 'us' WHERE rma_id = (SELECT max(rma_id) FROM returngo_rmas WHERE is_open)"
    )
    return connection


STATEMENTS: dict[str, Callable[[psycopg.Connection], object]] = {
    **{
        f"open rows of {table}": lambda connection, table=table: frames.read(connection, table, shop="uk")
        for table in sorted(schemas.by_table())
        if not table.startswith(("finance_match_coverage", "finance_month_end", "operations"))
    },
    "open rows of all shops, one without goods": lambda connection: frames.read(
        _with_a_shop_without_goods(connection), "brightpearl_goods_in"
    ),
    "open returns' closing": lambda connection: open_returns.close_settled(connection, "uk"),
    "newest return": lambda connection: open_returns.newest(connection, "uk"),
    "whether anything is open": lambda connection: open_returns.is_idle(connection, "uk"),
    "whether anything is open in a shop without goods": lambda connection: open_returns.is_idle(connection, "us"),
    "oldest open return": lambda connection: open_returns.earliest_creation(connection, "uk"),
    "shops of returns": lambda connection: open_returns.shops_of(connection, [1, 2, 3]),
    "a key's day": lambda connection: quota_days.read(connection, load_settings({}), "RETURNGO_API_KEY", ("uk",)),
    "known returns": lambda connection: open_returns.known(connection, "uk"),
    "untold parcels": lambda connection: open_returns.untold_parcels(connection, "uk"),
    "inspections awaited": lambda connection: open_returns.awaiting_inspection(connection, "uk", NOW),
    "credits to read back": lambda connection: known_credits.to_read_back(connection, "uk"),
    "newest sale": lambda connection: known_credits.newest_sale(connection, "uk"),
    "returns of credits": lambda connection: known_credits.rma_of_credits(connection, [1, 2, 3]),
    "known notes": lambda connection: known_credits.known_notes(connection, [1, 2, 3]),
    "effects": ledger.read_effects,
    "effects of a shop": lambda connection: ledger.read_effects(connection, shop="uk"),
    "effect lines": ledger.read_lines,
    "balances": lambda connection: ledger.read_balances(connection, [10_000_000_001, 10_000_000_002]),
    "effects to look up": lambda connection: reading.due_to_look_up(connection, KINDS),
    "due effects": lambda connection: reading.due(connection, KINDS),
    "effects held by gates": lambda connection: reading.held_by_gates(connection, KINDS),
    "claiming": lambda connection: claiming.claim(connection, "credit.post", ["uk"], "test", 60, 80),
    "ran-out leases": claiming.expire_leases,
    "waiting approvals": ledger.waiting,
    "newest effect of a key": lambda connection: ledger.newest_of(connection, "post:10000000001"),
    "exceptions of a stage": lambda connection: exceptions.observe(
        connection, "match:lines", "uk", [], None, NOW, catalogue=CATALOGUE, settings=load_settings({})
    ),
    "units that left": lambda connection: stock.leaving(connection, "uk"),
    "transfers not shipped": lambda connection: stock.unshipped(connection, "uk", NOW, NOW),
    "gaps": lambda connection: gaps.read(connection, ["uk"]),
    "units lying": lambda connection: stock.lying(connection, "uk", NOW - dt.timedelta(days=7)),
    "units to inspect": worklists.units_to_inspect,
    "health": lambda connection: measures.measure(connection, load_settings({}), NOW),
}  # fmt: skip


@pytest.mark.parametrize("is_generic", [False, True], ids=["a plan of its own", "the plan of all shops"])
@pytest.mark.parametrize("name", STATEMENTS)
def test_a_statement_reads_what_is_open_and_not_what_has_ended(observed, name, is_generic):
    """One scan of a table of history is nothing in the first month and a pass of minutes in the fifth year.

    What a connection asks a few times is planned once for every shop, with and without goods: such a plan must do as well.
    """
    connection, plans = observed
    if is_generic:
        connection.prepare_threshold = 0
        connection.execute("SET plan_cache_mode = force_generic_plan")
    STATEMENTS[name](connection)
    # Within a transaction a plan is told when the next statement takes its place.
    connection.execute("SELECT")
    assert plans, "auto_explain told no plan"
    assert [(count, *where) for where, count in rows_read(plans).most_common(3) if count > MOST_ROWS] == []


def test_what_is_written_is_compared_with_the_rows_of_its_keys_alone(observed):
    """With thousands of open returns Postgres would think one scan of the table cheaper, at each pass and however much has ended."""
    connection, plans = observed
    lines = frames.read(connection, "returns_return_lines", shop="uk")
    plans.clear()
    connection.execute("SET random_page_cost = 1000")
    rma_ids = lines["rma_id"].unique().tolist()
    frames.upsert(connection, "returns_return_lines", lines, replace_within=("rma_id", rma_ids))
    read = sum(count for (table, *_), count in rows_read(plans).items() if table == "returns_return_lines")
    assert 0 < read <= MOST_ROWS


def test_facts_of_many_sold_rows_look_their_balances_up(observed):
    """With thousands of facts in a pass Postgres would think one scan of all balances cheaper, however many have ended."""
    connection, plans = observed
    connection.execute("SET random_page_cost = 1000")
    ids = [10_000_000_001, 10_000_000_002]
    received = pd.DataFrame({"order_row_id": ids, "received_qty": [0, 1]})
    foreign = pd.DataFrame({"order_row_id": ids, "foreign_qty": [0, 0], "foreign_net": [0, 0], "foreign_tax": [0, 0]})
    ledger.record_facts(connection, received, foreign)
    connection.execute("SELECT")
    read = sum(count for (table, *_), count in rows_read(plans).items() if table == "order_row_balance")
    assert 0 < read <= MOST_ROWS
