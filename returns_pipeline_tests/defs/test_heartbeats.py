"""Signs of life: a schedule or sensor that stopped or fails each time looks just like one with nothing to do, unless it is awaited."""

import datetime as dt

import dagster as dg
import psycopg
import pytest

from returns_pipeline import cli
from returns_pipeline.definitions import defs
from returns_pipeline.defs.watched import watched_sensor
from returns_pipeline.stages.parts import PARTS
from returns_pipeline.storage import heartbeats
from returns_pipeline_tests.defs.conftest import Tick


def heard(connection: psycopg.Connection) -> set[str]:
    return {heart.name for heart in heartbeats.read(connection) if heart.beat_at}


def silent(connection: psycopg.Connection, name: str, minutes: int) -> None:
    connection.execute(
        "UPDATE heartbeats SET beat_at = clock_timestamp() - make_interval(mins => %s) WHERE name = %s", (minutes, name)
    )


def all_beat(connection: psycopg.Connection) -> None:
    for part in PARTS.values():
        heartbeats.beat(connection, part)


def health(instance: dg.DagsterInstance) -> dict[str, dg.AssetCheckEvaluation]:
    """Runs `operations/health` as the health schedule does; its checks by name."""
    result = defs().resolve_job_def("pipeline_health").execute_in_process(instance=instance)
    return {check.check_name: check for check in result.get_asset_check_evaluations()}


def test_every_schedule_and_sensor_is_awaited(repository: dg.RepositoryDefinition) -> None:
    """A new one that nobody awaits could die unseen."""
    shown = {s.name for s in repository.schedule_defs} | {s.name for s in repository.sensor_defs}
    assert {part.name for part in PARTS.values() if part.kind != "job"} == shown


def test_every_schedule_leaves_a_sign_of_life(
    repository: dg.RepositoryDefinition, instance: dg.DagsterInstance, connection: psycopg.Connection
) -> None:
    for schedule in repository.schedule_defs:
        moment = dt.datetime(2026, 3, 1, 6, tzinfo=dt.UTC)
        context = dg.build_schedule_context(instance=instance, scheduled_execution_time=moment)
        assert schedule(context) is not None
    assert heard(connection) == {part.name for part in PARTS.values() if part.kind == "schedule"}


def test_a_sensor_leaves_a_sign_of_life_with_a_tick_that_went_well_and_none_with_one_that_failed(
    tick: Tick, connection: psycopg.Connection
) -> None:
    """A sensor that raises each minute is as good as dead."""
    tick("receipts_without_credit_sensor")
    assert heard(connection) == {"receipts_without_credit_sensor"}

    @watched_sensor
    def new_goods_in_sensor(context: object, connection: psycopg.Connection) -> str:
        raise ValueError("no")

    with pytest.raises(ValueError, match="no"):
        new_goods_in_sensor(dg.build_sensor_context())
    assert heard(connection) == {"receipts_without_credit_sensor"}


def test_63_health_fails_its_check_on_a_silent_sensor_and_passes_when_it_is_heard(
    instance: dg.DagsterInstance, connection: psycopg.Connection
) -> None:
    """The run stays green, so that the measuring goes on; the check and its stored result say what is silent."""
    all_beat(connection)
    assert health(instance)["every_part_is_heard_from"].passed
    silent(connection, "new_goods_in_sensor", minutes=6)
    failed = health(instance)["every_part_is_heard_from"]
    assert (failed.passed, failed.severity) == (False, dg.AssetCheckSeverity.ERROR)
    (offender,) = failed.metadata["first_offenders"].records
    assert offender.data["what"] == "heartbeat of new_goods_in_sensor"
    assert "was last heard from 36" in offender.data["which"]
    newest = connection.execute(
        "SELECT passed, violations FROM check_results WHERE check_name = 'every_part_is_heard_from' ORDER BY at DESC LIMIT 1"
    ).fetchone()
    assert newest == (False, 1)
    all_beat(connection)
    assert health(instance)["every_part_is_heard_from"].passed


def test_a_part_that_was_never_heard_gets_its_time_and_is_then_missed(connection: psycopg.Connection) -> None:
    """On the first day nothing has beaten yet; that must neither cry at once nor stay silent for ever."""
    heartbeats.expect(connection, PARTS.values())
    assert [heart.name for heart in heartbeats.read(connection) if heart.is_stale] == []
    connection.execute("UPDATE heartbeats SET awaited_since = awaited_since - interval '30 minutes'")
    stale = {heart.name: heart.in_words for heart in heartbeats.read(connection) if heart.is_stale}
    assert "returns_sync_schedule" in stale
    assert "month_end_close_schedule" not in stale
    assert stale["returns_sync_schedule"].startswith("returns_sync_schedule was never heard from, awaited for 18")


def test_a_part_that_is_no_more_is_forgotten(connection: psycopg.Connection) -> None:
    """A sensor that was renamed would be missed for ever under its old name."""
    heartbeats.beat(connection, heartbeats.Part("old_sensor", "sensor", 1))
    heartbeats.expect(connection, PARTS.values())
    assert {heart.name for heart in heartbeats.read(connection)} == set(PARTS)


def test_the_command_shows_a_dead_daemon_to_a_monitor_outside(
    connection: psycopg.Connection, capsys: pytest.CaptureFixture[str], tmp_path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where the daemon is dead, nothing inside Dagster can say so."""
    for name, value in {"RETURNS_HOME": str(tmp_path), "DAGSTER_HOME": "", "DAGSTER_POSTGRES_URL": ""}.items():
        monkeypatch.setenv(name, value)
    assert cli.main(["health"]) == 1
    assert "is the Dagster daemon running?" in capsys.readouterr().out
    all_beat(connection)
    assert cli.main(["health"]) == 0
    silent(connection, "returns_sync_schedule", minutes=26)
    assert cli.main(["health"]) == 1
    assert "bad  -      returns_sync_schedule was last heard from 156" in capsys.readouterr().out
