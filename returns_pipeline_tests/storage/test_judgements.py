"""Whether a judgement stands: every move of a watched row is noticed, by whoever and whenever it was committed, and what is no move is not."""

import datetime as dt

import psycopg
import pytest

from returns_pipeline.storage import account_facts, database, evidence, gates, judgements

NOON = dt.datetime(2026, 3, 2, 12, tzinfo=dt.UTC)
LATER = NOON + dt.timedelta(minutes=10)
# What no judgement rests on; everything else must be watched.
UNWATCHED = {
    **dict.fromkeys(["api_calls", "quota_days", "quota_draws", "quota_pools", "cursors", "hints"], "how the accounts are asked, not what they said"),
    **dict.fromkeys(["alert_outbox", "check_results", "heartbeats", "operations_health", "exception_history"], "what was told"),
    **dict.fromkeys(["approval_batch", "audit", "effect_attempt", "ledger_epochs", "shadow_past"], "evidence of what the ledger's own rows say"),
    **dict.fromkeys(["effect_kind", "effect_move", "gate_needed"], "written by migrations only"),
    **dict.fromkeys(["finance_match_coverage", "finance_month_end_close", "finance_month_end_lines", "month_close_reruns"], "written for people, read by the close"),
    **dict.fromkeys(["audit_cases", "imported_refunds"], "read by the historical audit and the close, which always judge"),
    "returngo_unusable_details": "read by the ingest, which looks in every pass",
    "gates": "watched by a trigger of its own",
    **dict.fromkeys(["judgements", "moves"], "these tables themselves"),
}  # fmt: skip
# One row that fits its table, for each kind of statement.
INSPECTED = "INSERT INTO inspections(shop, rma_id, returned_item_id, quantity, result, recorded_by, source) VALUES ('uk', 1, %s, 1, 'pass', 'Ann', 'job')"
EXCEPTION = """INSERT INTO exceptions(code, subject_type, subject_id, shop, stage, owner, severity, cause)
               VALUES ('sku_unknown', 'rma', '1', 'uk', 'match', 'cx', 'error', 'x')"""
RMA = """INSERT INTO returngo_rmas(rma_id, shop, status, order_name, shopify_order_id, created_at, is_out_of_policy, is_open, detail_read_at)
         VALUES (1, 'uk', 'Approved', '#1', '17', now(), false, true, now())"""


def judge(connection: psycopg.Connection, stage: str = "match", basis: str = "rules") -> None:
    """A judgement at noon that holds for half an hour."""
    seen = judgements.look(connection, stage, "uk", basis, NOON).seen
    judgements.keep(
        connection, stage, "uk", basis, seen, NOON, NOON + dt.timedelta(minutes=30), {"counts": {"rows": 3}}
    )


def stands(connection: psycopg.Connection, now: dt.datetime = LATER, basis: str = "rules") -> bool:
    return judgements.look(connection, "match", "uk", basis, now).report is not None


def test_it_stands_until_its_time_is_over_and_on_its_own_basis(connection):
    """Other settings, another rule, a clock that was put back: judged again."""
    judge(connection)
    found = judgements.look(connection, "match", "uk", "rules", LATER)
    assert (found.report, found.judged_at) == ({"counts": {"rows": 3}}, NOON)
    assert not stands(connection, NOON + dt.timedelta(minutes=30))
    assert not stands(connection, NOON - dt.timedelta(minutes=1))
    assert not stands(connection, basis="other rules")
    assert judgements.look(connection, "match", "eu", "rules", LATER).report is None


def test_every_table_is_watched_or_has_a_reason_not_to_be(connection):
    """A new table that a rule reads and that nobody watches would leave stale verdicts."""
    events = connection.execute(
        """SELECT c.relname, count(t.tgname) FROM pg_class c LEFT JOIN pg_trigger t ON t.tgrelid = c.oid
               AND t.tgname IN ('rows_came', 'rows_went', 'rows_changed', 'all_rows_went')
            WHERE c.relnamespace = 'returns'::regnamespace AND c.relkind = 'r' AND c.relname <> 'alembic_version' GROUP BY 1"""
    ).fetchall()
    assert {count for _, count in events} == {0, 4}
    assert {table for table, count in events if count == 0} == set(UNWATCHED)
    assert {table for table, _ in events} == set(evidence.TABLES)


@pytest.mark.parametrize(
    "move",
    [
        INSPECTED % 2,
        "UPDATE inspections SET result = 'damaged'",
        "DELETE FROM inspections",
        "TRUNCATE inspections",
        "COPY inspections(shop, rma_id, returned_item_id, quantity, result, recorded_by, source) FROM STDIN",
    ],
    ids=lambda statement: statement.split(" ", 1)[0],
)
def test_a_row_that_comes_changes_or_goes_is_a_move(connection, move):
    """Whoever wrote it: the trigger is the table's."""
    connection.execute(INSPECTED, [1])
    judge(connection)
    if move.startswith("COPY"):
        with connection.cursor().copy(move) as copy:
            copy.write_row(("uk", 1, 2, 1, "pass", "Ann", "job"))
    else:
        connection.execute(move)
    assert not stands(connection)


@pytest.mark.parametrize(
    "move",
    [
        (INSPECTED % 1).replace("inspections", "returns.inspections"),
        "INSERT INTO returns.gates(shop, table_name, run_id, passed, reason) VALUES ('uk', 'returngo_rmas', 'by hand', false, 'looked wrong')",
    ],
    ids=["inspection", "gate"],
)
def test_what_a_person_writes_from_a_session_of_his_own_is_noticed(connection, database_url, move):
    """There our schema is not the one that names are looked up in; the statement must neither fail nor pass unseen."""
    judge(connection)
    with psycopg.connect(database.plain_url(database_url), autocommit=True) as person:
        person.execute(move)
    assert not stands(connection)


def test_a_statement_that_touches_no_row_is_no_move(connection):
    """Each pass sends many of them."""
    judge(connection)
    connection.execute("UPDATE inspections SET result = 'damaged'")
    connection.execute("DELETE FROM inspections")
    assert stands(connection)


def test_what_began_before_the_look_and_was_committed_after_it_is_noticed(connection):
    """The judgement could not see it; a number or a clock would call it older than the look."""
    with database.connect() as other:
        with other.transaction():
            other.execute(INSPECTED, [1])
            judge(connection)
            assert stands(connection)
        assert not stands(connection)
    judge(connection)
    assert stands(connection)


def test_what_was_taken_back_is_no_move(connection):
    """A failed writer leaves nothing to judge."""
    judge(connection)
    with connection.transaction(force_rollback=True):
        connection.execute(INSPECTED, [1])
    assert stands(connection)


def test_what_the_judging_itself_moved_is_judged_once_more(connection):
    """Later stages, and the stage itself, may read what it wrote."""
    seen = judgements.look(connection, "match", "uk", "rules", NOON).seen
    connection.execute(INSPECTED, [1])
    judgements.keep(connection, "match", "uk", "rules", seen, NOON, NOON + dt.timedelta(hours=1), {})
    assert not stands(connection)


@pytest.mark.parametrize(
    ("row", "no_move", "move"),
    [
        (EXCEPTION, "UPDATE exceptions SET last_seen_at = now(), announced_at = now()", "UPDATE exceptions SET state = 'resolved'"),
        (RMA, "UPDATE returngo_rmas SET detail_read_at = now() + interval '1 hour'", "UPDATE returngo_rmas SET status = 'Received'"),
    ],
    ids=["exceptions", "returns"],
)  # fmt: skip
def test_a_column_that_says_when_somebody_looked_is_no_move(connection, row, no_move, move):
    """Else each look would be the reason for the next one."""
    connection.execute(row)
    judge(connection)
    connection.execute(no_move)
    assert stands(connection)
    connection.execute(move)
    assert not stands(connection)


def test_a_fact_of_the_account_that_is_read_again_is_no_move(connection):
    """Another value is."""
    account_facts.write(connection, "locations", {"3": 1})
    judge(connection)
    account_facts.write(connection, "locations", {"3": 1})
    assert stands(connection)
    account_facts.write(connection, "locations", {"3": 2})
    assert not stands(connection)


def test_a_gate_that_turns_is_a_move_and_the_same_verdict_again_is_none(connection):
    """Each pass adds a verdict; a writer must plan in the pass in which its gate opens."""
    gates.record(connection, "uk", "returngo_rmas", "run 1", passed=True)
    judge(connection)
    gates.record(connection, "uk", "returngo_rmas", "run 2", passed=True)
    assert stands(connection)
    gates.record(connection, "uk", "returngo_rmas", "run 3", passed=False, reason="empty")
    assert not stands(connection)
    judge(connection)
    gates.record(connection, "uk", "returngo_rmas", "run 4", passed=True)
    assert not stands(connection)


def test_a_copy_on_another_server_believes_none_of_them(connection):
    """Its transactions are counted anew, so that a later one may look like one that was seen."""
    judge(connection)
    connection.execute("UPDATE judgements SET basis = 'rules 1234567890'")
    assert not stands(connection)


def test_moves_of_more_than_a_day_ago_are_forgotten_and_no_judgement_outlives_them(connection):
    """The table stays as small as a day."""
    connection.execute(INSPECTED, [1])
    connection.execute("UPDATE moves SET at = now() - interval '25 hours'")
    seen = judgements.look(connection, "match", "uk", "rules", NOON).seen
    judgements.keep(connection, "match", "uk", "rules", seen, NOON, NOON + dt.timedelta(days=3), {})
    assert connection.execute("SELECT count(*) FROM moves").fetchall() == [(0,)]
    assert stands(connection, NOON + dt.timedelta(hours=22))
    assert not stands(connection, NOON + dt.timedelta(hours=23))
