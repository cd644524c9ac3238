"""Each fault over real HTTP: what the caller sees, and whether the change happened all the same."""

import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import pytest
import requests

from returns_pipeline.sandbox.faults import KINDS, FaultPlan, interceptor
from returns_pipeline.sandbox.http import Request, Response, SandboxServer


@dataclass
class Bench:
    """A server whose app counts what it applied."""

    plan: FaultPlan
    server: SandboxServer
    applied: list[str] = field(default_factory=list)

    def post(self, path: str = "/credit", timeout: float = 5) -> requests.Response:
        return requests.post(self.server.base_url + path, json={"a": 1}, timeout=timeout)


@pytest.fixture
def bench() -> Iterator[Bench]:
    plan = FaultPlan()
    applied: list[str] = []

    def app(request: Request) -> Response:
        applied.append(request.path)
        return Response(201, {"response": 4711})

    server = SandboxServer(app, interceptor=interceptor(plan, "brightpearl")).start()
    yield Bench(plan, server, applied)
    server.stop()


def _fault(bench: Bench, kind: str, **details: Any) -> None:
    bench.plan.add_from_json([{"kind": kind, **details}])


@pytest.mark.parametrize(
    ("kind", "applied"),
    [("commit_then_drop", 1), ("drop_before_commit", 0), ("truncate", 1), ("reset_after_headers", 1)],
)
def test_a_broken_connection_leaves_the_caller_ignorant_of_what_was_applied(
    bench: Bench, kind: str, applied: int
) -> None:
    """Were a lost answer told as a failure, a drill of duplicates would prove nothing."""
    _fault(bench, kind)
    with pytest.raises((requests.ConnectionError, requests.exceptions.ChunkedEncodingError)):
        bench.post()
    assert len(bench.applied) == applied
    assert bench.post().json() == {"response": 4711}


@pytest.mark.parametrize(
    ("kind", "details", "status", "applied"),
    [
        ("status_before_commit", {"status": 500}, 500, 0),
        ("status_after_commit", {"status": 502}, 502, 1),
        ("throttle", {}, 503, 0),
        ("unauthorized", {}, 401, 0),
        ("no_id", {}, 200, 1),
        ("html_body", {}, 201, 1),
        ("malformed_json", {}, 201, 1),
    ],
)
def test_a_false_answer_has_the_told_status_and_applies_what_it_says(
    bench: Bench, kind: str, details: dict[str, Any], status: int, applied: int
) -> None:
    """A 500 after the change must differ from a 500 before it in the world only, never in what the caller sees."""
    _fault(bench, kind, **details)
    answer = bench.post()
    assert (answer.status_code, len(bench.applied)) == (status, applied)
    assert b"4711" not in answer.content or kind == "malformed_json"


def test_a_throttle_tells_how_long_to_wait_or_hides_it(bench: Bench) -> None:
    """The pipeline must wait the milliseconds it is told; without headers it must still see a throttle."""
    _fault(bench, "throttle", seconds=1.5)
    _fault(bench, "throttle", with_headers=False)
    told, hidden = bench.post(), bench.post()
    assert told.headers["Brightpearl-Next-Throttle-Period"] == "1500"
    assert told.headers["Brightpearl-Requests-Remaining"] == "0"
    assert "Brightpearl-Next-Throttle-Period" not in hidden.headers
    assert "too many requests" in hidden.text


def test_a_drip_and_a_delay_take_their_time_and_then_answer(bench: Bench) -> None:
    """Without them no test of a total deadline could run."""
    for kind in ("drip", "delay"):
        _fault(bench, kind, seconds=0.3)
        began = time.monotonic()
        assert bench.post().json() == {"response": 4711}
        assert time.monotonic() - began >= 0.25


def test_a_rule_strikes_only_the_requests_it_names(bench: Bench) -> None:
    """A fault on every request would hide which write was lost."""
    _fault(bench, "status_before_commit", method="POST", path="/close$", nth=2, every=2, count=2)
    statuses = [
        bench.post(path).status_code for path in ("/credit", "/close", "/close", "/close", "/close", "/close", "/close")
    ]
    assert statuses == [201, 201, 500, 201, 500, 201, 201]
    assert bench.plan.to_json()[0]["done"] == 2


def test_a_fault_of_the_other_api_and_a_cleared_one_do_nothing(bench: Bench) -> None:
    """Faults are set for one API; clearing ends them."""
    _fault(bench, "unauthorized", api="returngo")
    _fault(bench, "unauthorized", count=None)
    assert bench.post().status_code == 401
    bench.plan.clear()
    assert bench.post().status_code == 201


@pytest.mark.parametrize("row", [{"kind": "earthquake"}, {"path": "/x"}, {"kind": "delay", "minutes": 3}])
def test_a_rule_that_cannot_be_read_is_refused_whole(bench: Bench, row: dict[str, Any]) -> None:
    """A misspelt fault that does nothing would make a drill pass for the wrong reason."""
    with pytest.raises(ValueError, match="fault"):
        bench.plan.add_from_json([{"kind": KINDS[0]}, row])
    assert bench.plan.to_json() == []
