"""Calls are counted once, whatever process made them."""

import psycopg
import pytest

from returns_pipeline.storage import database
from returns_pipeline.storage.usage import CallRecorder

WRITE, POLL = 0, 2


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
