"""Who may speak to the endpoint, how much and how often: over real HTTP, with a login that may only add hints."""

import socket
import threading
import time
from collections.abc import Callable, Iterator

import psycopg
import pytest
import requests
import uvicorn

from returns_pipeline.storage import database
from returns_pipeline.webhooks.endpoint import MOST_BYTES, Pace, endpoint
from returns_pipeline_tests.conftest import as_role

NEW, OLD = "n" * 40, "o" * 40
GOODS_IN = {"event": "goods-in-note.created", "ids": "30001-30002"}
MOVED = {"eventName": "RMA_STATUS_UPDATED", "data": {"rmaId": 9}}


class Clock:
    """A minute that ends when the test says so."""

    seconds = 0.0

    def __call__(self) -> float:
        return self.seconds


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def address(fresh_database: str, clock: Clock) -> Iterator[str]:
    """The endpoint as it is served, logged in with the duty that adds hints and nothing else."""
    with psycopg.connect(fresh_database, autocommit=True) as owner:
        owner.execute("DROP ROLE IF EXISTS the_endpoint")
        owner.execute("CREATE ROLE the_endpoint LOGIN IN ROLE returns_hints")
    url = as_role(fresh_database, "the_endpoint")
    application = endpoint([NEW, OLD], ["uk"], Pace(5, clock), lambda: database.connect(url))
    with served(application) as base:
        yield base


class served:  # noqa: N801 - reads as a word of the sentence that uses it
    """uvicorn in a thread, on a free port."""

    def __init__(self, application: object) -> None:
        self._socket = socket.create_server(("127.0.0.1", 0))
        config = uvicorn.Config(application, access_log=False, log_level="warning")
        self._server = uvicorn.Server(config)
        self._thread = threading.Thread(target=self._server.run, kwargs={"sockets": [self._socket]})

    def __enter__(self) -> str:
        self._thread.start()
        return f"http://127.0.0.1:{self._socket.getsockname()[1]}"

    def __exit__(self, *_: object) -> None:
        self._server.should_exit = True
        self._thread.join()
        self._socket.close()


@pytest.fixture
def noted(fresh_database: str) -> Callable[[], list[tuple[str, str, str, int]]]:
    def read() -> list[tuple[str, str, str, int]]:
        with database.connect(fresh_database) as connection:
            return connection.execute("SELECT sender, shop, subject, subject_id FROM hints ORDER BY hint_id").fetchall()

    return read


def post(url: str, **how: object) -> int:
    return requests.post(url, timeout=10, **how).status_code


@pytest.mark.parametrize("secret", [NEW, OLD])
def test_a_delivery_with_a_live_secret_is_noted_by_ids_alone(address, noted, secret):
    assert post(f"{address}/{secret}/brightpearl", json=GOODS_IN) == 204
    assert post(f"{address}/behind/a/proxy/{secret}/returngo/uk", json=MOVED) == 204
    assert noted() == [
        ("brightpearl", "", "goods_in", 30001),
        ("brightpearl", "", "goods_in", 30002),
        ("returngo", "uk", "rma", 9),
    ]


@pytest.mark.parametrize(
    "path",
    ["", "/", "/x/brightpearl", f"/{NEW}", f"/{NEW}x/brightpearl", f"/{NEW}/unknown", f"/{NEW}/returngo", f"/{NEW}/returngo/fr", f"/{NEW}/brightpearl/uk", "/%ff%fe/brightpearl"],
)  # fmt: skip
def test_whoever_does_not_know_the_way_learns_nothing(address, noted, path):
    answer = requests.post(f"{address}{path}", json=GOODS_IN, timeout=10)
    assert (answer.status_code, answer.content) == (404, b"")
    assert noted() == []


@pytest.mark.parametrize("method", ["GET", "HEAD", "PUT", "DELETE", "OPTIONS", "PATCH"])
def test_only_a_post_is_heard(address, noted, method):
    assert requests.request(method, f"{address}/{NEW}/brightpearl", json=GOODS_IN, timeout=10).status_code == 404
    assert noted() == []


def test_a_repeated_delivery_waits_once(address, noted):
    assert {post(f"{address}/{NEW}/returngo/uk", json=MOVED) for _ in range(3)} == {204}
    assert noted() == [("returngo", "uk", "rma", 9)]


def test_a_burst_is_answered_and_noted_up_to_the_pace_of_its_sender(address, noted, clock):
    def deliver(number: int) -> int:
        return post(f"{address}/{NEW}/brightpearl", json={"event": "order.modified", "ids": number})

    assert {deliver(number) for number in range(1, 9)} == {204}
    assert [subject_id for *_, subject_id in noted()] == [1, 2, 3, 4, 5]
    assert post(f"{address}/{NEW}/returngo/uk", json=MOVED) == 204
    assert noted()[-1] == ("returngo", "uk", "rma", 9), "another sender has a pace of its own"
    clock.seconds += 60
    assert deliver(9) == 204
    assert noted()[-1] == ("brightpearl", "", "order", 9)


def test_a_body_that_nobody_can_read_is_noted_as_that(address, noted):
    assert post(f"{address}/{NEW}/returngo/uk", data=b"{") == 204
    assert noted() == [("returngo", "uk", "unreadable", 0)]


def test_a_body_of_more_than_64_kib_is_refused_and_not_kept(address, noted):
    assert post(f"{address}/{NEW}/brightpearl", data=b" " * MOST_BYTES + b"{}") == 413
    assert noted() == []


def test_a_sender_that_never_ends_its_body_is_let_go(address):
    begin = time.monotonic()
    with socket.create_connection(("127.0.0.1", int(address.rsplit(":", 1)[1])), timeout=20) as line:
        line.sendall(f"POST /{NEW}/brightpearl HTTP/1.1\r\nHost: x\r\nContent-Length: 10\r\n\r\n{{".encode())
        assert b" 408 " in line.recv(1000)
    assert time.monotonic() - begin < 15


def test_while_the_database_is_away_the_sender_is_asked_to_try_again(fresh_database):
    nowhere = endpoint([NEW], [], Pace(5), lambda: database.connect("postgresql://x@127.0.0.1:1/x"))
    with served(nowhere) as base:
        assert post(f"{base}/{NEW}/brightpearl", json=GOODS_IN) == 503
