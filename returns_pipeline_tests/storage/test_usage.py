"""Calls are counted once, and an account's processes share what may be called."""

import threading
import time

import psycopg
import pytest

from returns_pipeline.storage import database
from returns_pipeline.storage.usage import CallRecorder, PostgresPacer

WRITE, POLL, BACKFILL = 0, 2, 3


@pytest.fixture
def pacers(database_url):
    opened = []

    def make(**more) -> PostgresPacer:
        opened.append(
            PostgresPacer(database.connect, "brightpearl:acme", **{"per_minute": 6000, "capacity": 10} | more)
        )
        return opened[-1]

    yield make
    for pacer in opened:
        pacer.close()


class Slept(Exception):
    """Stops a wait and tells how long it would have been."""


def refuse_to_sleep(seconds: float) -> None:
    raise Slept(seconds)


def test_calls_add_up_over_processes_and_batches(connection):
    """A recorder that overwrote another's row would let the day's quota be spent twice."""
    one, other = (CallRecorder(database.connect, "returngo", "uk") for _ in range(2))
    for recorder in (one, other):
        recorder("GET", "/rma/{id}", 200, 120.4, 40, POLL)
        recorder("GET", "/rma/{id}", 200, 80.0, 30, POLL)
        recorder("GET", "/rma/{id}", None, 5000.0, None, POLL)
        recorder.flush()
        recorder.flush()
    rows = connection.execute(
        "SELECT method, path_template, http_status, calls, milliseconds, least_remaining FROM api_calls ORDER BY http_status"
    ).fetchall()
    assert rows == [("GET", "/rma/{id}", 0, 2, 10000, None), ("GET", "/rma/{id}", 200, 4, 400, 30)]
    assert connection.execute("SELECT calls, least_remaining FROM api_usage WHERE shop = 'uk'").fetchall() == [(6, 30)]


def test_a_full_batch_is_written_without_being_asked(connection):
    """A run that is killed must not take its count along."""
    recorder = CallRecorder(database.connect, "brightpearl", batch=3)
    for _ in range(3):
        recorder("GET", "/order-service/order/{ids}", 200, 10.0, 190, POLL)
    assert connection.execute("SELECT sum(calls) FROM api_calls").fetchone()[0] == 3


def test_two_processes_draw_from_one_bucket(pacers):
    """Each with a bucket of its own, two runs together call twice what the account may."""
    one, other = pacers(per_minute=0.06, sleep=refuse_to_sleep), pacers(per_minute=0.06, sleep=refuse_to_sleep)
    for pacer in (one, other) * 5:
        pacer.wait(WRITE)
    with pytest.raises(Slept) as slept:
        other.wait(WRITE)
    assert 900 < slept.value.args[0] <= 1000


def test_drawing_at_the_same_moment_never_gives_a_token_twice(pacers):
    """Read first and write later, and two threads both see the last token."""
    granted = []

    def draw():
        pacer = pacers(per_minute=0.06, sleep=refuse_to_sleep)
        try:
            while True:
                pacer.wait(WRITE)
                granted.append(1)
        except Slept:
            return

    threads = [threading.Thread(target=draw) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    assert len(granted) == 10


def test_the_less_urgent_leave_some_for_the_more_urgent(pacers):
    """A backfill must not make a posted credit wait."""
    pacer = pacers(per_minute=0.06, sleep=refuse_to_sleep)
    for _ in range(5):
        pacer.wait(BACKFILL)
    with pytest.raises(Slept):
        pacer.wait(BACKFILL)
    for _ in range(2):
        pacer.wait(POLL)
    with pytest.raises(Slept):
        pacer.wait(POLL)
    for _ in range(3):
        pacer.wait(WRITE)
    with pytest.raises(Slept):
        pacer.wait(WRITE)


def test_the_remotes_own_count_wins(pacers):
    """Other apps share the pool: a bucket of ours may be full while the account has nothing left."""
    one, other = pacers(sleep=refuse_to_sleep), pacers(sleep=refuse_to_sleep)
    one.wait(WRITE)
    one.note(12, 42_000)
    with pytest.raises(Slept) as slept:
        other.wait(WRITE)
    assert 41 < slept.value.args[0] <= 42


def test_plenty_left_blocks_nobody(pacers):
    """Every answer carries the header; it must not slow a quiet hour."""
    pacer = pacers(sleep=refuse_to_sleep)
    for _ in range(5):
        pacer.wait(WRITE)
        pacer.note(180, 42_000)


def test_the_bucket_fills_again(pacers):
    """A wait must end by itself, at the rate that was allowed."""
    pacer = pacers(per_minute=1200, capacity=1)
    started = time.monotonic()
    for _ in range(11):
        pacer.wait(WRITE)
    assert 0.4 < time.monotonic() - started < 3.0


def test_calls_that_could_not_be_written_down_are_written_later(connection, database_url):
    """The call was made: losing its count overdraws the day, and an error here would hide its answer."""
    is_away = True

    def connect() -> psycopg.Connection:
        if is_away:
            raise psycopg.OperationalError("the database is away")
        return database.connect()

    recorder = CallRecorder(connect, "brightpearl", batch=1)
    recorder("POST", "/order-service/sales-credit", 201, 80.0, 150, WRITE)
    recorder("POST", "/order-service/sales-credit", 201, 20.0, 149, WRITE)
    with pytest.raises(psycopg.OperationalError, match="is away"):
        recorder.flush()
    is_away = False
    recorder.flush()
    assert connection.execute("SELECT calls, milliseconds, least_remaining FROM api_calls").fetchall() == [
        (2, 100, 149)
    ]


def test_an_answer_survives_that_its_count_cannot_be_noted(connection, pacers):
    """F33: the database goes away between a credit and its answer's record; the next turn is drawn on a new connection."""
    pacer = pacers(per_minute=1)
    pacer.wait(WRITE)
    connection.execute(
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()"
    )
    pacer.note(100, 2000)
    pacer.wait(WRITE)
    assert connection.execute("SELECT tokens < 9 FROM quota_buckets").fetchone() == (True,)
