"""When a pass leaves ReturnGo's lists alone, and when it asks all the same."""

import datetime as dt

import pytest

from returns_pipeline.settings import load_settings
from returns_pipeline.stages import polling
from returns_pipeline.stages.accounts import Accounts
from returns_pipeline.stages.passes import Pass, Scope
from returns_pipeline.storage import cursors

NOON = dt.datetime(2026, 7, 1, 12, tzinfo=dt.UTC)
NAME = polling.RETURNS_ASKED_AT


@pytest.fixture
def rest(connection, tmp_path):
    """Why a pass rests on a day of so many calls, of which some are used, when the lists were asked so many minutes ago."""

    def rest(per_day: int, asked_minutes_ago: int | None, *, used: int = 0, is_sweep: bool = False) -> str | None:
        path = tmp_path / "settings.toml"
        path.write_text(f"[quota]\nreturngo_per_day = {per_day}\n")
        settings = load_settings({"RETURNS_SETTINGS": str(path)})
        connection.execute("DELETE FROM api_calls")
        connection.execute(
            """INSERT INTO api_calls(api, shop, hour, method, path_template, http_status, calls, milliseconds)
               VALUES ('returngo', 'uk', date_trunc('hour', clock_timestamp(), 'UTC'), 'GET', '/rma/{id}', 200, %s, 1)""",
            (used,),
        )
        if asked_minutes_ago is not None:
            cursors.move(connection, NAME, "uk", (NOON - dt.timedelta(minutes=asked_minutes_ago)).isoformat(), "before")
        accounts = Accounts(settings, environment={})
        stage_pass = Pass(settings, connection, accounts, "run", NOON, Scope(is_sweep=is_sweep))
        return polling.why_rest(stage_pass, settings.shops[0], NAME)

    return rest


def test_a_day_with_calls_enough_is_asked_at_every_pass(rest):
    """A person who starts a sync by hand a minute after the last one must see what is new."""
    assert rest(2000, 1) is None


def test_a_short_day_is_asked_at_its_interval_and_a_tick_that_comes_early_counts(rest):
    """180 calls: 2.5 looks an hour at 3 calls each, so every third tick."""
    assert rest(200, 24) is not None
    assert rest(200, 26) is None
    told = rest(200, 10)
    assert told is not None
    assert told.startswith("not asked before 13:20, and known as it was: uk: 0 of the 200 ReturnGo calls")


def test_a_shop_that_was_never_asked_is(rest):
    """Its gates have never been open: nothing could be done for it until then."""
    assert rest(200, None) is None


def test_the_nightly_sweep_does_not_wait_for_the_interval(rest):
    assert rest(200, 10, is_sweep=True) is None


def test_nobody_asks_when_nothing_is_left_for_reading(rest):
    """What is left belongs to confirmations and look-ups, by night too."""
    for is_sweep in (False, True):
        told = rest(200, 600, used=178, is_sweep=is_sweep)
        assert told is not None
        assert told.startswith("not asked, and known as it was")
