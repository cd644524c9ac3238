"""Reads over a real connection: what is tried again, what is given up at once, and what is never taken for an answer."""

import datetime as dt

import pytest

from returns_pipeline.clients.outcomes import CredentialRefused, NotAllowed, ReadFailed
from returns_pipeline.clients.pacing import BudgetSpent, Priority
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

FOUND = {"response": [{"id": 7}]}


def test_a_read_gives_the_parsed_body_and_tells_of_the_call_without_its_query():
    """A query in the record of calls would keep customers' references in a table that everybody reads."""
    calls = Calls()
    with serving(answers(200, FOUND, brightpearl_requests_remaining="150")) as script:
        assert transport_to(script.base_url, calls).read("/things/7", "ref=secret") == FOUND
    assert calls.recorded == [("GET", "/things/{ids}", 200, 150)]
    assert script.targets == ["/things/7?ref=secret"]


def test_numbers_with_a_fraction_are_read_exactly():
    """A float would turn 0.1 + 0.2 pounds into a penny's difference somewhere."""
    with serving(answers(200, b'{"amount": 1119.60}')) as script:
        body = transport_to(script.base_url).read("/things/7")
    assert str(body["amount"]) == "1119.60"


@pytest.mark.parametrize(
    "trouble",
    [
        pytest.param(answers(500, {"errors": [{"code": "CMNU-003", "message": "Internal error"}]}), id="500"),
        pytest.param(answers(502, b"<html>bad gateway</html>"), id="502"),
        pytest.param(answers(408), id="408"),
        pytest.param(answers(200, b"<html>maintenance</html>"), id="200 with html"),
        pytest.param(answers(200), id="200 with nothing"),
        pytest.param(hangs_up, id="hung up"),
        pytest.param(resets, id="reset"),
        pytest.param(cuts_short, id="cut short"),
    ],
)
def test_a_read_is_tried_again_after_trouble_that_may_pass(trouble):
    """One hiccup must not fail a whole pass, and half an answer must never be taken for one."""
    calls = Calls()
    with serving(trouble, trouble, answers(200, FOUND)) as script:
        assert transport_to(script.base_url, calls).read("/things/7") == FOUND
    assert len(script.seen) == 3
    assert len(calls.slept) == 2


def test_a_read_is_given_up_after_four_tries():
    """Without an end a dead remote would hold the run and its lock for ever."""
    with (
        serving(answers(502)) as script,
        pytest.raises(ReadFailed, match=r"GET /things/\{ids\} of Things came back with 502") as failed,
    ):
        transport_to(script.base_url).read("/things/7")
    assert len(script.seen) == 4
    assert not failed.value.permanent
    assert failed.value.status == 502


@pytest.mark.parametrize("status", [301, 302, 307, 400, 404, 405, 409, 410, 414, 422])
def test_what_will_not_change_is_not_tried_again(status):
    """Each useless try is a call that another app of the account could have used."""
    with (
        serving(
            answers(status, {"errors": [{"code": "CMNC-404", "message": "No such thing"}]}, Location="/things/8")
        ) as script,
        pytest.raises(ReadFailed, match="CMNC-404 No such thing") as failed,
    ):
        transport_to(script.base_url).read("/things/7")
    assert len(script.seen) == 1
    assert failed.value.permanent
    assert failed.value.status == status


def test_a_500_that_the_api_explains_as_our_fault_is_not_tried_again():
    """Brightpearl answers 500 to a bad filter: a retry never helps."""
    bad_filter = answers(500, {"errors": [{"code": "CMNC-018", "message": "cannot be parsed"}]})
    with serving(bad_filter) as script, pytest.raises(ReadFailed) as failed:
        transport_to(script.base_url, permanent=lambda text: "CMNC-018" in text).read("/things/7")
    assert len(script.seen) == 1
    assert failed.value.permanent


@pytest.mark.parametrize("status", [401, 403])
def test_refused_credentials_are_told_at_once_and_their_echo_is_not(status):
    """Brightpearl repeats the token it refuses; it must not reach a log."""
    echo = answers(status, {"response": "Invalid instance token: canary-token"})
    with serving(echo) as script, pytest.raises(CredentialRefused, match="Invalid instance token") as failed:
        transport_to(script.base_url).read("/things/7")
    assert len(script.seen) == 1
    assert "canary-token" not in str(failed.value)


@pytest.mark.parametrize(
    ("status", "body"),
    [
        (400, {"errors": [{"code": "X", "message": "canary-token is no token"}]}),
        (400, {"message": f"{'x' * 390} canary-token"}),
        (500, {"errors": [{"code": "CMNC-018", "message": "canary-token"}]}),
    ],
)
def test_a_key_that_an_error_repeats_is_not_told(status, body):
    """Whatever an API echoes ends in an exception, the ledger's attempts and Dagster's events."""
    with serving(answers(status, body)) as script, pytest.raises(ReadFailed) as failed:
        transport_to(script.base_url, secrets=lambda: {"canary-token"}, permanent=lambda text: "CMNC-018" in text).read(
            "/things/7"
        )
    assert "canary" not in str(failed.value)


def test_an_expired_token_is_renewed_once():
    """OAuth tokens live seven days: a run that met the end of one would fail until somebody came."""
    tokens = ["old"]

    def renew() -> bool:
        tokens.append("new")
        return True

    with serving(answers(401, {"response": "Authorization token expired"}), answers(200, FOUND)) as script:
        transport = transport_to(script.base_url, headers=lambda: {"authorization": tokens[-1]}, renew=renew)
        assert transport.read("/things/7") == FOUND
    assert [seen.headers["authorization"] for seen in script.seen] == ["old", "new"]
    with serving(answers(401, {"response": "Authorization token expired"})) as script, pytest.raises(CredentialRefused):
        transport_to(script.base_url, renew=renew).read("/things/7")
    assert len(script.seen) == 2


@pytest.mark.parametrize(
    ("headers", "waits"),
    [
        ({"brightpearl_next_throttle_period": "2381", "Retry_After": "50"}, 2.381),
        ({"Retry_After": "7"}, 7.0),
        ({"Retry_After": "nonsense"}, 0.0),
        ({}, 0.0),
    ],
)
def test_a_throttled_read_waits_as_long_as_it_is_asked_to(headers, waits):
    """Coming back too early burns calls; Brightpearl's header is in milliseconds and wins."""
    calls = Calls()
    body = {"response": "You have sent too many requests. Please wait before sending another request"}
    with serving(answers(503, body, **headers), answers(200, FOUND)) as script:
        transport_to(script.base_url, calls).read("/things/7")
    assert calls.slept[0] >= waits
    assert calls.slept[0] <= max(waits, 1.0)


def test_a_retry_after_that_is_a_date_is_understood():
    """Proxies send dates."""
    calls = Calls()
    at = (dt.datetime.now(dt.UTC) + dt.timedelta(seconds=20)).strftime("%a, %d %b %Y %H:%M:%S GMT")
    with serving(answers(429, None, Retry_After=at), answers(200, FOUND)) as script:
        transport_to(script.base_url, calls).read("/things/7")
    assert 15 < calls.slept[0] <= 21


def test_a_read_does_not_wait_longer_than_its_two_minutes():
    """A remote that asks for ten minutes gets them from the next run, not from a process that holds a lock."""
    calls = Calls()
    with serving(answers(429, None, Retry_After="600")) as script, pytest.raises(ReadFailed):
        transport_to(script.base_url, calls).read("/things/7")
    assert len(script.seen) == 1
    assert calls.slept == []


@pytest.mark.parametrize(
    "first",
    [
        pytest.param(b"HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n{", id="body with a length"),
        pytest.param(b"HTTP/1.1 200 OK\r\n\r\n{", id="body without a length"),
        pytest.param(b"HTTP/1.1 200 OK\r\nX-Endless: ", id="headers"),
    ],
)
def test_an_answer_that_drips_ends_at_the_deadline(first):
    """Each byte resets the timeout between bytes: without a total deadline the worker outlives its lease."""
    with serving(drips(first)) as script, pytest.raises(ReadFailed, match="no complete answer within"):
        transport_to(script.base_url, Calls(), deadline_seconds=0.15).read("/things/7")
    assert len(script.seen) == 4


def test_nobody_listening_is_told_as_such():
    """The mend is another one than for a refused credential."""
    with serving(answers(200)) as script:
        closed = script.base_url
    with pytest.raises(ReadFailed, match="Look at the address and the network") as failed:
        transport_to(closed).read("/things/7")
    assert failed.value.status is None


@pytest.mark.parametrize(
    "content",
    [
        pytest.param(b"[" * 51 + b"]" * 51, id="too deep"),
        pytest.param(b"[" * 100_000, id="bottomless"),
        pytest.param(b'["\\\\", ' + b"[" * 51 + b"]" * 52, id="too deep behind a backslash at a string's end"),
        pytest.param(b'{"id": 1, "id": 2}', id="a key twice"),
        pytest.param(b'{"amount": NaN}', id="not a number"),
        pytest.param(b'{"id": 123456789012345678901}', id="an id beyond 64 bits"),
        pytest.param(b'{"amount": 1e99999999999999999999}', id="a number beyond all bounds"),
        pytest.param(b'"' + b"x" * (10 * 1024 * 1024) + b'"', id="too large"),
        pytest.param(b'{"id": "\xff"}', id="no UTF-8"),
    ],
)
def test_json_that_cannot_be_trusted_is_no_answer(content):
    """Two readers of one key twice may disagree; a deep or huge answer is an attack or a fault."""
    with serving(answers(200, content)) as script, pytest.raises(ReadFailed):
        transport_to(script.base_url).read("/things/7")


def test_a_path_on_no_list_never_leaves():
    """A bug or an injected id must not reach another resource of the account."""
    with serving(answers(200, FOUND)) as script:
        transport = transport_to(script.base_url)
        for path in ("/things/7/../8", "/things/seven", "/other/7", "/things/7?all=1", "/things/٧"):
            with pytest.raises(NotAllowed):
                transport.read(path)
    assert script.seen == []


def test_a_redirect_is_not_followed():
    """It would carry the account's token to another host."""
    with (
        serving(answers(200, FOUND)) as elsewhere,
        serving(answers(302, None, Location=elsewhere.base_url + "/things/7")) as script,
        pytest.raises(ReadFailed),
    ):
        transport_to(script.base_url).read("/things/7")
    assert elsewhere.seen == []


def test_the_environments_proxy_is_not_used(monkeypatch):
    """A proxy set for somebody else's program would see every token."""
    with serving(answers(200, FOUND)) as proxy, serving(answers(200, {"response": "direct"})) as script:
        monkeypatch.setenv("HTTP_PROXY", proxy.base_url)
        monkeypatch.setenv("ALL_PROXY", proxy.base_url)
        monkeypatch.delenv("NO_PROXY", raising=False)
        monkeypatch.delenv("no_proxy", raising=False)
        assert transport_to(script.base_url).read("/things/7") == {"response": "direct"}
    assert proxy.seen == []


class _Pacer:
    def __init__(self, allowed: int) -> None:
        self.allowed, self.waits, self.notes = allowed, [], []

    def wait(self, priority: Priority) -> None:
        if len(self.waits) == self.allowed:
            raise BudgetSpent("the day is used up")
        self.waits.append(priority)

    def note(self, remaining: int | None, next_period_milliseconds: int | None) -> None:
        self.notes.append((remaining, next_period_milliseconds))


def test_every_try_is_paced_and_every_answer_noted():
    """A retry is a call too: unpaced ones would be the burst that the throttle punishes."""
    pacer = _Pacer(allowed=2)
    headers = {"brightpearl_requests_remaining": "12", "brightpearl_next_throttle_period": "900"}
    with serving(answers(502, None, **headers)) as script, pytest.raises(BudgetSpent):
        transport_to(script.base_url, pacer=pacer).read("/things/7", priority=Priority.BACKFILL)
    assert pacer.waits == [Priority.BACKFILL, Priority.BACKFILL]
    assert pacer.notes == [(12, 900), (12, 900)]


def test_odd_headers_do_not_undo_an_answer():
    """A date or a count that cannot be read says nothing about the body."""
    odd = {"Date": "yesterday", "brightpearl_requests_remaining": "²", "brightpearl_next_throttle_period": "-1"}
    with serving(answers(200, FOUND, **odd)) as script:
        transport = transport_to(script.base_url)
        assert transport.read("/things/7") == FOUND
    assert transport.last_headers["brightpearl-requests-remaining"] == "²"


def test_the_remotes_clock_is_taken_from_its_answers():
    """Windows are cut by the account's clock, because ours may be wrong."""
    with serving(answers(200, FOUND)) as script:
        transport = transport_to(script.base_url)
        transport.read("/things/7")
    assert transport.server_time is not None
    assert abs(transport.server_time - dt.datetime.now(dt.UTC)) < dt.timedelta(minutes=1)
