"""The plumbing over real HTTP: keep-alive, exact numbers, the request log."""

import threading
from collections.abc import Iterator
from decimal import Decimal

import pytest
import requests

from returns_pipeline.sandbox.http import Request, Response, SandboxServer, write_json


@pytest.fixture
def server() -> Iterator[SandboxServer]:
    def app(request: Request) -> Response:
        if request.path == "/unknown":
            return Response(404, {"message": "no"}, is_unknown=True)
        return Response(200, {"body": request.body, "query": request.query, "malformed": request.is_malformed})

    server = SandboxServer(app).start()
    yield server
    server.stop()


def test_money_crosses_the_wire_digit_by_digit(server: SandboxServer) -> None:
    """A float on the way would make 0.10 something else, and a penny would be lost in the sandbox instead of the pipeline."""
    sent = b'{"amount": 1234567890.10, "rate": 0.1000}'
    answer = requests.post(server.base_url, data=sent, timeout=5)
    assert answer.content.startswith(b'{"body":{"amount":1234567890.10,"rate":0.1000}')
    assert write_json({"a": Decimal("9.0909"), "b": "\ue0009"}) == '{"a":9.0909,"b":"\ue0009"}'.encode()


def test_one_connection_serves_many_requests(server: SandboxServer) -> None:
    """Without keep-alive every call of the pipeline would open a socket, and its pooling would go untested."""
    threads_before = threading.active_count()
    with requests.Session() as session:
        for number in range(5):
            assert session.get(f"{server.base_url}/?n={number}", timeout=5).json()["query"] == {"n": [str(number)]}
        assert threading.active_count() == threads_before + 1


def test_a_body_that_is_no_json_is_marked(server: SandboxServer) -> None:
    """The API answers such a body with an error of its own; the plumbing must not fall over it."""
    assert requests.post(server.base_url, data=b"{not json", timeout=5).json()["malformed"] is True


def test_the_log_keeps_every_request_with_what_was_answered(server: SandboxServer) -> None:
    """The proofs count writes by this log; a route that nobody knows must stand out in it."""
    requests.post(f"{server.base_url}/a?x=1", json={"b": 2}, timeout=5)
    requests.get(f"{server.base_url}/unknown", timeout=5)
    first, second = server.log.entries()
    assert (first.number, first.method, first.path, first.query, first.body, first.status) == (
        1,
        "POST",
        "/a",
        "x=1",
        {"b": 2},
        200,
    )
    assert (second.status, second.is_unknown) == (404, True)
    assert server.log.entries(after=1) == [second]
