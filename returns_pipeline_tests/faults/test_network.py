"""Faults of the network before an answer: who answers is not the account, it stops listening, or others use up its calls."""

import socket
import ssl
import threading
import time
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import pytest

from returns_pipeline.clients.outcomes import Outcome
from returns_pipeline.settings import load_settings
from returns_pipeline.storage import database, measures
from returns_pipeline.storage.pacing import PostgresPacer
from returns_pipeline_tests.clients.server import transport_to
from returns_pipeline_tests.faults.drills import Drill, TestAccounts, credit_plan


@pytest.fixture
def impostor():
    """A server on the account's address whose certificate nobody vouches for."""
    got = []

    class Listener(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            got.append(self.path)

    server = HTTPServer(("127.0.0.1", 0), Listener)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(Path(__file__).with_name("untrusted.pem"))
    server.socket = context.wrap_socket(server.socket, server_side=True)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    yield f"https://127.0.0.1:{server.server_port}/public-api/acme", got
    server.shutdown()
    thread.join()
    server.server_close()


def test_f10_a_certificate_that_does_not_hold_stops_the_account_at_the_first_call(drill, account, impostor):
    """Somebody stands between us and the account: nothing goes there, no effect is lost, and health says so."""
    url, got = impostor
    drill.plan(credit_plan(), credit_plan(2))
    working, drill.accounts = drill.accounts, TestAccounts(url)
    report = drill.drain()
    assert "is not who answers at its address" in str(report.stopped_reason)
    assert (set(drill.states().values()), report.left_planned, got) == ({"planned"}, 2, [])
    assert drill.connection.execute("SELECT count(*) FROM effect_attempt").fetchone() == (1,)
    assert "writing to brightpearl" in bad_measures(drill)
    drill.accounts = working
    drill.connection.execute("UPDATE sink_stops SET probe_after = now()")
    assert drill.drain().confirmed == 2
    assert "writing to brightpearl" not in bad_measures(drill)


def bad_measures(drill: Drill) -> set[str]:
    now = drill.connection.execute("SELECT now()").fetchone()[0]
    measured = measures.measure(drill.connection, load_settings({"RETURNS_SETTINGS": str(drill.settings_path)}), now)
    return set(measured[measured["state"] == "bad"]["measure"])


def test_f11_a_server_that_stops_reading_in_the_middle_of_a_body_leaves_the_outcome_unknown():
    """Part of it has left, and who knows what was done with it; the total deadline ends the wait."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        url = f"http://127.0.0.1:{listener.getsockname()[1]}"
        started = time.monotonic()
        # It takes the connection and not one byte more than fits into the buffers in between.
        answer = transport_to(url, deadline_seconds=0.5).write("POST", "/things", {"text": "x" * 30_000_000})
        assert time.monotonic() - started < 4
    assert (answer.outcome, answer.http_status) == (Outcome.UNKNOWN, None)


def test_f20_a_neighbour_that_uses_up_the_calls_slows_us_down_and_costs_nothing(drill, account):
    """Ten minutes of refusals: every one is waited out, no attempt is lost, and each credit is raised once."""
    waited = []

    def sleep(seconds: float) -> None:
        waited.append(seconds)
        drill.connection.execute("UPDATE quota_pools SET blocked_until = NULL, room = NULL")

    drill.accounts.pacer.wait, drill.accounts.pacer.note = shared_pacer(sleep)
    drill.plan(*(credit_plan(part) for part in range(1, 6)))
    account.faults += ["throttle"] * 12
    for _ in range(4):
        assert drill.drain().stopped_reason is None
        drill.connection.execute("UPDATE effect SET not_before = now() WHERE state = 'planned'")
    assert set(drill.states().values()) == {"confirmed"}
    assert (len(account.posts), len(account.credits)) == (12 + 5, 5)
    assert drill.connection.execute("SELECT max(attempt) FROM effect").fetchone() == (1,)
    assert len(waited) >= 12, "after each refusal the whole account waits for the next period"


def shared_pacer(sleep):
    pacer = PostgresPacer(database.connect, "brightpearl", 6000, sleep=sleep)
    return pacer.wait, pacer.note
