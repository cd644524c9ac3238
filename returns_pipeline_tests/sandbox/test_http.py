"""The sandbox's HTTP plumbing on real connections: exact numbers, keep-alive, the log, the clock's date."""

import datetime as dt
import http.client
import json
from decimal import Decimal

import pytest

from returns_pipeline.sandbox.clock import SandboxClock
from returns_pipeline.sandbox.http import Response, SandboxServer, write_json

START = dt.datetime(2026, 3, 2, 9, 0, tzinfo=dt.UTC)


@pytest.fixture
def served():
    """An app that answers with what it was asked, on one connection that stays open."""
    requests_seen = []

    def echo(request):
        requests_seen.append(request)
        return Response(
            200,
            {"method": request.method, "query": request.query, "body": request.body},
            is_unknown=request.path == "/nowhere",
        )

    server = SandboxServer(echo, clock=SandboxClock(START)).start()
    connection = http.client.HTTPConnection("127.0.0.1", int(server.base_url.rsplit(":", 1)[1]), timeout=5)
    yield server, connection, requests_seen
    connection.close()
    server.stop()


def ask(connection, method, path, body=None):
    connection.request(method, path, body)
    answer = connection.getresponse()
    return answer, answer.read()


def test_amounts_pass_through_digit_by_digit(served):
    """0.1 + 0.2 must not become 0.30000000000000004 on the way."""
    _, connection, seen = served
    _, content = ask(connection, "POST", "/x", '{"amount": 19.990000000000000001, "text": "\\u00e9"}')
    assert seen[0].body["amount"] == Decimal("19.990000000000000001")
    assert b"19.990000000000000001" in content


def test_decimals_of_any_depth_are_written_exactly():
    written = write_json({"rows": [{"net": Decimal("8.3330")}, Decimal("1E+2")], "note": "8.3330"})
    assert written == b'{"rows":[{"net":8.3330},100],"note":"8.3330"}'


def test_what_cannot_be_json_is_an_error_and_no_text():
    with pytest.raises(TypeError):
        write_json({"day": START})


def test_a_connection_serves_several_requests(served):
    """Clients that reuse connections must be met on them."""
    _, connection, _ = served
    ask(connection, "GET", "/one")
    first = connection.sock
    assert json.loads(ask(connection, "PATCH", "/two", "[]")[1])["method"] == "PATCH"
    assert connection.sock is first


def test_a_query_keeps_repeated_and_empty_values(served):
    _, connection, seen = served
    ask(connection, "GET", "/x?a=1&a=2&b=&c=a%2Bb+c")
    assert seen[0].query == {"a": ["1", "2"], "b": [""], "c": ["a+b c"]}
    assert seen[0].raw_query == "a=1&a=2&b=&c=a%2Bb+c"


def test_a_body_that_is_no_json_is_marked(served):
    _, connection, seen = served
    ask(connection, "POST", "/x", "grant_type=refresh_token")
    assert (seen[0].is_malformed, seen[0].body, seen[0].content) == (True, None, b"grant_type=refresh_token")


def test_the_date_is_the_sandboxs(served):
    """A client that compares clocks must see the account's time, not the machine's."""
    _, connection, _ = served
    assert ask(connection, "GET", "/x")[0].headers["Date"] == "Mon, 02 Mar 2026 09:00:00 GMT"


def test_every_request_is_in_the_log(served):
    server, connection, _ = served
    ask(connection, "POST", "/one?x=1", "{}")
    ask(connection, "GET", "/nowhere")
    first, second = server.log.entries()
    assert (first.number, first.method, first.path, first.query, first.body, first.status, first.is_unknown) == (
        1,
        "POST",
        "/one",
        "x=1",
        {},
        200,
        False,
    )
    assert second.is_unknown
    assert server.log.entries(after=1) == [second]


def test_a_stopped_server_is_gone():
    server = SandboxServer(lambda _: Response()).start()
    port = int(server.base_url.rsplit(":", 1)[1])
    server.stop()
    with pytest.raises(ConnectionRefusedError):
        http.client.HTTPConnection("127.0.0.1", port, timeout=5).request("GET", "/")
