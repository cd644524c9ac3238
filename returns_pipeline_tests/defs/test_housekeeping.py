"""Once a night the audit chain is proved from its first row, and what Dagster keeps for ever is brought inside its days."""

import datetime as dt
from collections import Counter

import dagster as dg
import pytest
import sqlalchemy as sa
from dagster._core.storage.event_log.schema import AssetCheckExecutionsTable
from dagster._core.utils import make_new_run_id

from returns_pipeline.defs import tidying
from returns_pipeline.defs.acts import housekeeping
from returns_pipeline.storage import database, ledger
from returns_pipeline.storage.ledger import audit


def test_a_broken_audit_chain_fails_the_nightly_run(connection, instance, monkeypatch, tmp_path):
    """Nobody looks at a log line: a run that failed is told to the people who own it."""
    monkeypatch.setenv("RETURNS_HOME", str(tmp_path))
    for number in range(3):
        audit.append(connection, None, "planned", {"number": number})
    assert housekeeping.execute_in_process(instance=instance).success
    with connection.transaction():
        connection.execute("ALTER TABLE audit DISABLE TRIGGER audit_no")
        connection.execute("UPDATE audit SET detail = '{}' WHERE seq = 2")
        connection.execute("ALTER TABLE audit ENABLE TRIGGER audit_no")
    assert ledger.verify(connection) == 2
    with pytest.raises(dg.Failure, match="audit row 2 was changed"):
        housekeeping.execute_in_process(instance=instance)


@pytest.fixture
def kept_instance(database_url):
    """An instance in Postgres, as the pipeline has it."""
    storage = {"postgres": {"postgres_url": database.dagster_url(database_url)}}
    with dg.instance_for_test(overrides={"storage": storage}) as opened:
        tidying.keep_connections(opened)
        yield opened


def add_runs(instance, count, job="returns_sync", status=dg.DagsterRunStatus.SUCCESS, days_old=400.0):
    """Ten minutes apart, the newest so many days old; each with a result of the same check."""
    newest = dt.datetime.now(dt.UTC) - dt.timedelta(days=days_old)
    for number in range(count):
        run = dg.DagsterRun(job, make_new_run_id(), status=status)
        instance.run_storage.add_historical_run(run, newest - number * dt.timedelta(minutes=10))
        with instance.event_log_storage.index_connection() as connection:
            row = {"asset_key": '["a"]', "check_name": "holds", "run_id": run.run_id, "execution_status": "SUCCESS"}
            connection.execute(AssetCheckExecutionsTable.insert().values(row))


def count_of_checks(instance):
    with instance.event_log_storage.index_connection() as connection:
        return connection.execute(sa.select(sa.func.count()).select_from(AssetCheckExecutionsTable)).scalar_one()


def test_a_night_brings_months_of_ticks_back_inside_their_days(kept_instance, monkeypatch, tmp_path):
    """Dagster keeps every run for ever; what failed, what a person started and the closes are kept on purpose."""
    monkeypatch.setenv("RETURNS_HOME", str(tmp_path))
    monkeypatch.setattr(tidying, "_AT_ONCE", 50)
    instance = kept_instance
    add_runs(instance, 120)
    add_runs(instance, 60, job="pipeline_health")
    kept = {("returns_sync", "FAILURE"): 2, ("month_end_close", "SUCCESS"): 1, ("approve_postings", "SUCCESS"): 1}
    for (job, status), count in kept.items():
        add_runs(instance, count, job, dg.DagsterRunStatus(status))
    add_runs(instance, 3, days_old=1)
    assert housekeeping.execute_in_process(instance=instance).success
    left = Counter((run.job_name, run.status.value) for run in instance.get_runs())
    assert left == Counter(kept) + Counter({("returns_sync", "SUCCESS"): 3, ("housekeeping", "SUCCESS"): 1})
    # One for each run that stayed.
    assert count_of_checks(instance) == 4 + 3


def test_the_newest_result_of_a_check_outlives_its_run(kept_instance):
    """Else a pipeline that stood still for weeks would show its checks as never evaluated."""
    add_runs(kept_instance, 5)
    assert tidying.delete_runs(kept_instance, dt.datetime.now(dt.UTC), 60) == tidying.Deleted(5, is_all=True)
    assert count_of_checks(kept_instance) == 1


def test_a_night_that_is_too_short_leaves_the_rest_to_the_next(kept_instance):
    """A run that is killed for taking too long would begin anew every night."""
    add_runs(kept_instance, 3)
    assert tidying.delete_runs(kept_instance, dt.datetime.now(dt.UTC), 0) == tidying.Deleted(0, is_all=False)
    assert len(kept_instance.get_runs()) == 3
