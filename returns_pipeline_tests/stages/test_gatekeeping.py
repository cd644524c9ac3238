"""A gate that closes is an exception with its reason until it opens."""

import datetime as dt

import psycopg

from returns_pipeline.settings import load_settings
from returns_pipeline.stages.accounts import Accounts
from returns_pipeline.stages.gatekeeping import judge_gate
from returns_pipeline.stages.passes import Pass, Scope
from returns_pipeline.stages.reading import refuse


def open_now(connection: psycopg.Connection) -> list[tuple[str, str, str, str | None]]:
    return connection.execute("SELECT code, shop, subject_id, found FROM exceptions_open ORDER BY 2, 3").fetchall()


def test_a_closed_gate_is_an_exception_until_it_opens(connection: psycopg.Connection) -> None:
    """Others' shops go on, so that the run is green: nobody would look."""
    settings = load_settings({})
    a_pass = Pass(settings, connection, Accounts(settings), "run", dt.datetime.now(dt.UTC), Scope())
    refuse(a_pass, "uk", ("returngo_rmas", "returngo_return_items"), "ReturnGo answered 500")
    judge_gate(a_pass, "eu", "returngo_rmas", None)
    assert open_now(connection) == [
        ("gate_closed", "uk", "returngo_return_items", "ReturnGo answered 500"),
        ("gate_closed", "uk", "returngo_rmas", "ReturnGo answered 500"),
    ]
    judge_gate(a_pass, "uk", "returngo_rmas", None)
    assert [subject for _, _, subject, _ in open_now(connection)] == ["returngo_return_items"]
    judge_gate(a_pass, "uk", "returngo_rmas", "half of the rows were held")
    assert open_now(connection)[1] == ("gate_closed", "uk", "returngo_rmas", "half of the rows were held")
    assert connection.execute("SELECT count(*), max(times_reopened) FROM exceptions").fetchone() == (2, 1)
