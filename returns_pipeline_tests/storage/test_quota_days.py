"""A key's day is counted over every process and shop that uses the key, and by what the calls are for."""

import datetime as dt

import pytest

from returns_pipeline.domain.quota import Calls
from returns_pipeline.settings import load_settings
from returns_pipeline.storage import cursors, database, frames, quota_days
from returns_pipeline.storage.usage import CallRecorder
from returns_pipeline_tests.storage.rows import NOON, frame

WRITE, LOOK_UP, POLL, HISTORY = range(4)
KEY, SHOPS = "RETURNGO_API_KEY", ("uk", "de")


@pytest.fixture
def called(connection):
    """Writes down calls of an hour so many hours ago."""

    def called(hours: int, path: str, calls: int, *, shop="uk", method="GET", priority=POLL, status=200) -> None:
        hour = dt.datetime.now(dt.UTC).replace(minute=0, second=0, microsecond=0) - dt.timedelta(hours=hours)
        connection.execute(
            """INSERT INTO api_calls(api, shop, hour, method, path_template, http_status, calls, milliseconds, priority)
               VALUES ('returngo', %s, %s, %s, %s, %s, %s, 1, %s)""",
            (shop, hour, method, path, status, calls, priority),
        )

    return called


@pytest.fixture
def day(connection):
    """The day of a key with two shops, read now."""
    return lambda: quota_days.read(connection, load_settings({}), KEY, SHOPS)


def test_a_day_counts_every_shop_of_its_key_and_no_other(called, day):
    """Two shops that each thought the key their own would call twice what it allows."""
    for shop in ("uk", "de", "fr"):
        called(2, "/rmas", 100, shop=shop)
    CallRecorder(database.connect, "returngo", "de", batch=1)("GET", "/rmas", 200, 1.0, None, POLL)
    CallRecorder(database.connect, "brightpearl", "de", batch=1)("GET", "/rmas", 200, 1.0, None, POLL)
    facts = day().plan.facts
    assert (facts.used, facts.by_hour[:3]) == (Calls(polls=201), (1, 0, 200))


def test_calls_are_told_apart_by_what_they_were_for(called, day, connection):
    """A look-up reads the same path as a detail, and an audit too: the priority tells which it was."""
    called(1, "/rmas", 1)
    called(1, "/transactions", 2)
    called(1, "/rma/{id}", 4)
    called(1, "/rma/{id}", 8, priority=LOOK_UP)
    called(1, "/rma/{id}", 16, priority=HISTORY)
    called(1, "/shipment/{id}", 32, method="PUT", priority=WRITE)
    called(1, "/webhook", 64, method="POST", priority=WRITE)
    assert day().plan.facts.used == Calls(confirmations=32, look_ups=8, details=4, polls=3, history=16, others=64)
    columns = (
        "confirmations, look_ups, details, lists, transactions, history, registrations, writes, other_reads, calls"
    )
    found = connection.execute(f"SELECT {columns} FROM api_usage").fetchall()  # noqa: S608 - literals only
    assert found == [(32, 8, 4, 1, 2, 16, 64, 0, 0, 127)]


def test_a_day_is_whole_hours_and_forgets_them_one_by_one(called, day):
    """Whenever ReturnGo's own day turns, no 24 hours hold more than it allows."""
    for hours in (0, 24, 25, 30):
        called(hours, "/rmas", 100)
    facts = day().plan.facts
    assert (facts.used.polls, facts.by_hour[0], facts.by_hour[24]) == (200, 100, 100)
    assert (facts.still_counted(1), facts.still_counted(24), facts.still_counted(25)) == (100, 100, 0)


def test_the_usual_day_is_the_median_of_the_week_before_and_unknown_for_two_days(called, day):
    """The first load of a new shop, a thousand details in an hour, is no usual day."""
    called(3, "/rma/{id}", 7)
    called(30, "/rma/{id}", 1000)
    assert day().plan.facts.usual == Calls()
    called(50, "/rma/{id}", 40)
    called(80, "/rma/{id}", 60)
    assert day().plan.facts.usual == Calls(details=60)


def test_the_pace_is_that_of_the_last_three_hours_without_history(called, day):
    """An audit stops by itself: it foretells nothing."""
    called(1, "/rma/{id}", 150)
    called(2, "/rma/{id}", 150)
    called(1, "/rma/{id}", 900, priority=HISTORY)
    called(3, "/rma/{id}", 900)
    assert 100 <= day().plan.facts.work_an_hour <= 150


def test_what_waits_is_counted(day, connection):
    for shop, left in (("uk", 5), ("de", 7), ("fr", 100)):
        cursors.move(connection, quota_days.DETAILS_LEFT, shop, str(left), "run")
    assert day().plan.facts.due == Calls(details=12)


def test_a_look_costs_a_page_for_every_five_hundred_open_returns(day, connection):
    """With 20,000 open returns ten-minute lists alone would take three days' calls."""
    assert day().plan.facts.calls_a_poll == 6
    rows = [
        {"rma_id": n, "shop": "uk", "status": "Approved", "is_open": True, "detail_read_at": NOON} for n in range(501)
    ]
    frames.upsert(connection, "returngo_rmas", frame("returngo_rmas", *rows))
    assert day().plan.facts.calls_a_poll == 7


def test_refusals_of_the_last_hours_are_told(called, day):
    called(1, "/rmas", 3, status=429)
    called(5, "/rmas", 3, status=429)
    assert (day().plan.facts.refused, day().plan.state) == (3, "bad")


def test_shops_share_a_day_where_they_share_a_key(connection, tmp_path):
    """By the variable that they name, or by what two variables hold."""
    blocks = [
        f'[[shops]]\nlabel = "{label}"\nname = "{label}.myshopify.com"\napi_key_env = "{variable}"\nchannel_id = 3\ncurrency = "GBP"\n'
        'time_zone = "Europe/London"\nreturns_warehouses = { default = 3 }\nsaleable_warehouses = { "3" = 2 }\n'
        for label, variable in (("uk", "KEY_A"), ("de", "KEY_B"), ("fr", "KEY_A"), ("it", "KEY_C"))
    ]
    path = tmp_path / "settings.toml"
    path.write_text("\n".join(blocks))
    settings = load_settings({"RETURNS_SETTINGS": str(path)})
    apart = [day.shops for day in quota_days.read_all(connection, settings, {})]
    assert apart == [("uk", "fr"), ("de",), ("it",)]
    held = {"KEY_A": "one", "KEY_B": "two", "KEY_C": "two"}
    assert [day.shops for day in quota_days.read_all(connection, settings, held)] == [("uk", "fr"), ("de", "it")]


def test_the_plan_is_kept_for_reports_beside_api_usage(called, day, connection):
    called(1, "/rmas", 30)
    quota_days.keep(connection, [day()])
    quota_days.keep(connection, [day()])
    kept = connection.execute(
        "SELECT api_key, shops, purpose, used, may_take, asks_every_minutes, state FROM quota_days WHERE purpose IN ('polls', 'history') ORDER BY purpose"
    ).fetchall()
    assert kept == [
        (KEY, ["uk", "de"], "history", 0, 936, 10, "ok"),
        (KEY, ["uk", "de"], "polls", 30, 834, 10, "ok"),
    ]
