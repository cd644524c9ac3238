"""Gates, cursors, account facts, check results and heartbeats say how the pipeline stands."""

import datetime as dt

import psycopg
import pytest

from returns_pipeline.storage import account_facts, check_results, cursors, gates, heartbeats

POSTING_NEEDS = (
    "returngo_rmas",
    "returngo_return_items",
    "brightpearl_sales_orders",
    "brightpearl_sales_credits",
    "returns_return_lines",
    "brightpearl_goods_in",
    "returns_receipts",
)


def test_a_kind_is_closed_until_every_table_it_needs_has_passed(connection):
    """A table that was never read is not an empty table: nothing may be posted on it."""
    for table in POSTING_NEEDS[:-1]:
        gates.record(connection, "uk", table, "run 1", passed=True)
    assert gates.closed(connection, "uk", "credit.post") == ["returns_receipts was never read for uk"]
    gates.record(connection, "uk", "returns_receipts", "run 1", passed=True)
    assert gates.closed(connection, "uk", "credit.post") == []
    assert len(gates.closed(connection, "de", "credit.post")) == len(POSTING_NEEDS)


def test_the_newest_verdict_counts(connection):
    """A good batch opens what a bad one closed, and the other way round, for that shop alone."""
    for table in POSTING_NEEDS:
        gates.record(connection, "uk", table, "run 1", passed=True)
    gates.record(connection, "uk", "returngo_rmas", "run 2", passed=False, reason="30 of 40 rows could not be used")
    assert gates.closed(connection, "uk", "credit.post") == ["returngo_rmas: 30 of 40 rows could not be used"]
    newest = {gate.table: gate for gate in gates.newest(connection, "uk")}
    assert (newest["returngo_rmas"].passed, newest["returngo_rmas"].run_id) == (False, "run 2")
    assert len(newest) == len(POSTING_NEEDS)
    gates.record(connection, "uk", "returngo_rmas", "run 3", passed=True)
    assert gates.closed(connection, "uk", "credit.post") == []


def test_a_closed_gate_must_say_why(connection):
    """An operator who finds everything stopped needs the reason."""
    with pytest.raises(psycopg.errors.CheckViolation):
        gates.record(connection, "uk", "returngo_rmas", "run 1", passed=False)


def test_a_cursor_moves_with_its_rows_or_not_at_all(connection):
    """A cursor ahead of its rows loses returns for good."""
    assert cursors.read(connection, "rmas", "uk") is None
    cursors.move(connection, "rmas", "uk", "2026-03-01T00:00:00+00:00", "run 1")
    with pytest.raises(ZeroDivisionError), connection.transaction():
        cursors.move(connection, "rmas", "uk", "2026-03-02T00:00:00+00:00", str(1 // 0))
    assert cursors.read(connection, "rmas", "uk") == "2026-03-01T00:00:00+00:00"
    assert cursors.read(connection, "rmas", "de") is None


def test_a_cursor_that_stays_keeps_its_moment(connection):
    """An idle tick writes nothing; when the source last moved is what people want to know."""
    cursors.move(connection, "rmas", "uk", "a", "run 1")
    before = connection.execute("SELECT run_id, moved_at FROM cursors").fetchall()
    cursors.move(connection, "rmas", "uk", "a", "run 2")
    assert connection.execute("SELECT run_id, moved_at FROM cursors").fetchall() == before
    cursors.move(connection, "rmas", "uk", "b", "run 3")
    assert connection.execute("SELECT value, run_id FROM cursors").fetchall() == [("b", "run 3")]


def test_account_facts_grow_old(connection):
    """A warehouse's quarantine location read last year may be another today."""
    account_facts.write(connection, "warehouse:3", {"default_location_id": 31, "quarantine_location_id": 32})
    assert account_facts.read(connection, "warehouse:3", max_age=dt.timedelta(hours=1))["quarantine_location_id"] == 32
    connection.execute("UPDATE account_facts SET read_at = read_at - interval '2 hours'")
    assert account_facts.read(connection, "warehouse:3", max_age=dt.timedelta(hours=1)) is None
    assert account_facts.read(connection, "warehouse:3") is not None
    account_facts.write(connection, "warehouse:3", {"default_location_id": 41})
    assert account_facts.read_all(connection) == {"warehouse:3": {"default_location_id": 41}}


def test_the_newest_result_of_each_check_is_found(connection):
    """People ask whether it holds now, not whether it ever failed."""
    for run_id, violations in (("run 1", 3), ("run 2", 0)):
        check_results.record(
            connection,
            check_name="skus_were_sold",
            asset_key="returns/return_lines",
            run_id=run_id,
            passed=violations == 0,
            severity="error",
            is_blocking=False,
            rows_checked=10,
            violations=violations,
            detail={"first": ["rma 1"]},
        )
    (newest,) = check_results.newest(connection)
    assert (newest.run_id, newest.passed, newest.violations, newest.detail) == ("run 2", True, 0, {"first": ["rma 1"]})


def test_a_silent_heart_is_noticed(connection):
    """A schedule that stopped looks just like one with nothing to do."""
    part = heartbeats.Part("returns_sync_schedule", "schedule", 600)
    heartbeats.beat(connection, part)
    assert [heart.is_stale for heart in heartbeats.read(connection)] == [False]
    connection.execute("UPDATE heartbeats SET beat_at = beat_at - interval '11 minutes'")
    assert [heart.is_stale for heart in heartbeats.read(connection)] == [True]
    heartbeats.beat(connection, part, note="back")
    assert [(heart.is_stale, heart.note) for heart in heartbeats.read(connection)] == [(False, "back")]
