"""What schedules and sensors say on a day on which ReturnGo's calls run short."""

import datetime as dt
from pathlib import Path

import dagster as dg
import psycopg
import pytest

from returns_pipeline_tests.defs.conftest import Tick


@pytest.fixture
def called(connection: psycopg.Connection, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """So many details were read in this hour, of a day of 2,000 calls; webhooks are taken in."""
    path = tmp_path / "settings.toml"
    path.write_text('[webhooks]\npublic_url = "https://returns.example.com/hints"\n')
    monkeypatch.setenv("RETURNS_SETTINGS", str(path))

    def called(details: int) -> None:
        connection.execute(
            """INSERT INTO api_calls(api, shop, hour, method, path_template, http_status, calls, milliseconds)
               VALUES ('returngo', 'uk', date_trunc('hour', clock_timestamp(), 'UTC'), 'GET', '/rma/{id}', 200, %s, 1)
               ON CONFLICT (api, shop, hour, method, path_template, http_status, priority) DO UPDATE SET calls = excluded.calls""",
            (details,),
        )

    return called


def test_a_sync_is_never_skipped_for_a_short_day_and_its_run_says_how_often_returngo_is_asked(
    called, instance: dg.DagsterInstance, repository: dg.RepositoryDefinition
) -> None:
    """Goods-in and credits are Brightpearl's: they must not wait for ReturnGo's calls."""

    def requested() -> dg.RunRequest:
        moment = dt.datetime(2026, 3, 1, 6, tzinfo=dt.UTC)
        context = dg.build_schedule_context(instance=instance, scheduled_execution_time=moment)
        request = repository.get_schedule_def("returns_sync_schedule")(context)
        assert isinstance(request, dg.RunRequest)
        return request

    assert requested().tags == {}
    called(1600)
    assert requested().tags["returngo"].startswith("uk: the lists are asked every ")
    called(2000)
    assert requested().tags == {"returngo": "uk: lists and details rest until calls come free, from 25 hours on"}


def test_an_early_look_waits_when_nothing_may_be_read(called, tick: Tick) -> None:
    """It would ask for a run that reads nothing, each minute."""
    assert str(tick("early_look_sensor").skip_message) == "no hint names an open return"
    called(1800)
    assert str(tick("early_look_sensor").skip_message) == (
        "ReturnGo's calls of the day are kept for what goes first: hints wait for the next sync"
    )
