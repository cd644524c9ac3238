"""Writes over a real connection: sent at most once, and judged by the table of outcomes: happened, did not happen, or unknown."""

import ssl

import pytest
import requests
import urllib3

from returns_pipeline.clients.outcomes import NotAllowed, Outcome, ReadFailed, classify_exception
from returns_pipeline_tests.clients.server import (
    Calls,
    answers,
    cuts_short,
    drips,
    hangs_up,
    resets,
    serving,
    transport_to,
)

THROTTLED = {"response": "You have sent too many requests. Please wait before sending another request"}
INTERNAL = {"errors": [{"code": "CMNU-003", "message": "Internal error"}]}


@pytest.mark.parametrize(
    ("act", "outcome"),
    [
        pytest.param(answers(201, {"response": 9}), Outcome.CREATED, id="201"),
        pytest.param(answers(200, {"response": 9}), Outcome.CREATED, id="200"),
        pytest.param(answers(204), Outcome.CREATED, id="204"),
        pytest.param(answers(200, b"<html>gateway</html>"), Outcome.UNKNOWN, id="200 with html"),
        pytest.param(answers(201, b'{"response": 1, "response": 2}'), Outcome.UNKNOWN, id="201 with a key twice"),
        pytest.param(answers(201, b"[" * 60 + b"]" * 60), Outcome.UNKNOWN, id="201 too deep"),
        pytest.param(answers(201, b'"' + b"x" * (10 * 1024 * 1024) + b'"'), Outcome.UNKNOWN, id="201 too large"),
        pytest.param(answers(200, INTERNAL), Outcome.UNKNOWN, id="200 with errors"),
        pytest.param(answers(207, {"response": {}}), Outcome.UNKNOWN, id="207"),
        pytest.param(answers(202, {}), Outcome.UNKNOWN, id="202"),
        pytest.param(answers(301, None, Location="/things/8"), Outcome.REFUSED, id="301"),
        pytest.param(answers(307, None, Location="/things/8"), Outcome.REFUSED, id="307"),
        pytest.param(answers(400, INTERNAL), Outcome.REFUSED, id="400"),
        pytest.param(answers(404, INTERNAL), Outcome.REFUSED, id="404"),
        pytest.param(answers(409, INTERNAL), Outcome.REFUSED, id="409"),
        pytest.param(answers(422, b"<html>no</html>"), Outcome.REFUSED, id="422 with html"),
        pytest.param(answers(401, {"response": "Authorization token expired"}), Outcome.UNAUTHORIZED, id="401"),
        pytest.param(answers(403), Outcome.UNAUTHORIZED, id="403"),
        pytest.param(answers(429), Outcome.NOT_EXECUTED, id="429"),
        pytest.param(answers(503, THROTTLED), Outcome.NOT_EXECUTED, id="503 that says so"),
        pytest.param(
            answers(503, {"errors": [{"code": "X", "message": "You have sent too many requests"}]}),
            Outcome.NOT_EXECUTED,
            id="503 that says so among errors",
        ),
        pytest.param(
            answers(503, b"", brightpearl_requests_remaining="0"), Outcome.NOT_EXECUTED, id="503 with none left"
        ),
        pytest.param(answers(503, b"", brightpearl_requests_remaining="5"), Outcome.UNKNOWN, id="503 with some left"),
        pytest.param(answers(503, b"<html>down</html>"), Outcome.UNKNOWN, id="503 of an outage"),
        pytest.param(answers(500, INTERNAL), Outcome.UNKNOWN, id="500"),
        pytest.param(answers(502), Outcome.UNKNOWN, id="502"),
        pytest.param(answers(504), Outcome.UNKNOWN, id="504"),
        pytest.param(hangs_up, Outcome.UNKNOWN, id="hung up"),
        pytest.param(resets, Outcome.UNKNOWN, id="reset"),
        pytest.param(cuts_short, Outcome.UNKNOWN, id="cut short"),
        pytest.param(
            drips(b"HTTP/1.1 201 Created\r\nContent-Length: 9000\r\n\r\n{"), Outcome.UNKNOWN, id="dripping body"
        ),
        pytest.param(drips(b"HTTP/1.1 201 Created\r\n\r\n"), Outcome.UNKNOWN, id="dripping body of no length"),
        pytest.param(drips(b"HTTP/1.1 201 Created\r\nX: "), Outcome.UNKNOWN, id="dripping headers"),
        pytest.param(drips(b"", b""), Outcome.UNKNOWN, id="silence"),
        pytest.param(drips(b"SSH-2.0-else\r\n\r\n"), Outcome.UNKNOWN, id="no HTTP"),
    ],
)
def test_a_write_is_sent_once_whatever_comes_back(act, outcome):
    """A second try after an unknown outcome is a second credit; a throttle taken for unknown stops the sink for nothing."""
    calls = Calls()
    with serving(act) as script:
        answer = transport_to(script.base_url, calls, deadline_seconds=0.3).write("POST", "/things", {"net": "12.50"})
    assert answer.outcome is outcome
    assert [seen.json for seen in script.seen] == [{"net": "12.50"}]
    assert calls.slept == []
    assert [each[:2] for each in calls.recorded] == [("POST", "/things")]


def test_the_answer_tells_first_time_from_repeat_and_carries_the_body():
    """Brightpearl says a duplicate with 200 instead of 201."""
    with serving(answers(201, {"response": 9}), answers(200, {"response": 9})) as script:
        transport = transport_to(script.base_url)
        first, repeat = (transport.write("POST", "/things", {}) for _ in range(2))
    assert (first.first_time, repeat.first_time) == (True, False)
    assert first.body == {"response": 9}


def test_a_throttled_write_says_how_long_to_wait():
    """The ledger plans it again for then."""
    with serving(answers(503, THROTTLED, brightpearl_next_throttle_period="58151")) as script:
        assert transport_to(script.base_url).write("POST", "/things", {}).retry_after_seconds == 58.151
    with serving(answers(429, None, Retry_After="86400")) as script:
        assert transport_to(script.base_url).write("POST", "/things", {}).retry_after_seconds == 600.0


def test_each_write_has_a_connection_of_its_own():
    """A kept-alive connection may be closed by the other side just as we write: unknown for nothing."""
    with serving(answers(200, {"response": 9})) as script:
        transport = transport_to(script.base_url)
        transport.read("/things/7")
        transport.write("POST", "/things", {})
        transport.write("POST", "/things", {})
    assert len({seen.connection for seen in script.seen}) == 3


def test_nobody_listening_proves_that_nothing_was_sent():
    """Such a write may be planned again at once."""
    with serving(answers(200)) as script:
        closed = script.base_url
    answer = transport_to(closed).write("POST", "/things", {})
    assert (answer.outcome, answer.http_status) == (Outcome.NOT_SENT, None)


def test_an_unknown_host_proves_that_nothing_was_sent():
    """The name cannot be looked up: there is nobody who could have got it."""
    answer = transport_to("http://nobody.invalid").write("POST", "/things", {})
    assert answer.outcome is Outcome.NOT_SENT


@pytest.mark.parametrize(
    "act",
    [
        pytest.param(drips(b"HTTP/1.1 400 Bad Request\r\n\r\n"), id="no TLS spoken"),
        pytest.param(hangs_up, id="hung up"),
    ],
)
def test_a_failed_tls_handshake_proves_that_nothing_was_sent(act):
    """The request goes through the tunnel only once it stands."""
    with serving(act) as script:
        secure = script.base_url.replace("http://", "https://")
        answer = transport_to(secure).write("POST", "/things", {})
    assert answer.outcome is Outcome.NOT_SENT


def test_a_tls_error_after_the_handshake_proves_nothing():
    """The request had left: taken for 'not sent', it would be sent again and credited twice."""
    inner = urllib3.exceptions.SSLError(ssl.SSLError(1, "decryption failed or bad record mac"))
    folded = urllib3.exceptions.MaxRetryError(urllib3.HTTPConnectionPool("127.0.0.1"), "/things", inner)
    assert classify_exception(requests.exceptions.SSLError(folded)).outcome is Outcome.UNKNOWN


def test_a_header_that_cannot_be_sent_was_not_sent():
    """A token with a line break is a slip of the person who set it."""
    with serving(answers(201, {"response": 9})) as script:
        answer = transport_to(script.base_url, headers=lambda: {"x-api-key": "two\nlines"}).write("POST", "/things", {})
    assert answer.outcome is Outcome.NOT_SENT
    assert script.seen == []


def test_a_token_that_cannot_be_had_means_not_sent():
    """A refresh that times out says nothing of the write, which had not begun."""

    def headers() -> dict[str, str]:
        raise ReadFailed("no token")

    with serving(answers(201, {"response": 9})) as script:
        answer = transport_to(script.base_url, headers=headers).write("POST", "/things", {})
    assert (answer.outcome, answer.detail) == (Outcome.NOT_SENT, "no token")
    assert script.seen == []


@pytest.mark.parametrize(
    ("method", "path"), [("POST", "/things/7"), ("DELETE", "/things/7"), ("PUT", "/things/7,8"), ("PUT", "/things/x")]
)
def test_a_write_on_no_list_never_leaves(method, path):
    """What no armed kind uses cannot be expressed."""
    with serving(answers(200, {})) as script, pytest.raises(NotAllowed, match="no effect kind"):
        transport_to(script.base_url).write(method, path, {})
    assert script.seen == []


def test_the_detail_tells_codes_and_no_personal_data():
    """It is stored as evidence and shown in alerts."""
    message = "Contact canary.person@example.com, +44 1632 960001, is\x00 unknown\u202e"
    with serving(answers(400, {"errors": [{"code": "ORDC-022", "message": message}], "payload": "canary"})) as script:
        detail = transport_to(script.base_url).write("POST", "/things", {}).detail
    assert detail == "ORDC-022 Contact [e-mail], [number], is unknown"


def test_a_write_is_recorded_even_when_no_answer_came():
    """Calls without an answer count against the quota too."""
    calls = Calls()
    with serving(hangs_up) as script:
        transport_to(script.base_url, calls).write("PUT", "/things/7", {})
    assert calls.recorded == [("PUT", "/things/{id}", 0, None)]
