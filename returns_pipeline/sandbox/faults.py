"""What may go wrong between the pipeline and the sandbox's APIs: answers lost, late, cut short or false, on requests that a rule picks.

Not here: what is unknown about an API (the switches of its world). A fault never invents a change: the app applies the request or does not.
"""

import re
import threading
from collections.abc import Iterator
from dataclasses import asdict, dataclass, fields
from typing import Any

from returns_pipeline.sandbox.http import App, Interceptor, Request, Response, Wire, encode

THROTTLED = {"response": "You have sent too many requests. Please wait before sending another request"}
KINDS = (
    "commit_then_drop",  # applied, then the connection closes without an answer
    "drop_before_commit",  # not applied, and no answer
    "status_before_commit",  # not applied, answered with `status`
    "status_after_commit",  # applied, answered with `status`
    "drip",  # applied, answered one byte at a time over `seconds`
    "truncate",  # applied, half of the answer, then the connection closes
    "reset_after_headers",  # applied, headers only, then the connection is reset
    "delay",  # applied after `seconds`, as when the sender or the network stalls
    "answer_late",  # applied at once, answered after `seconds`
    "throttle",  # not applied, refused as over the limit, with the throttle's headers or without
    "unauthorized",  # not applied, the token was revoked
    "html_body",  # applied, answered with a page of HTML
    "no_id",  # applied, answered with 200 and nothing that names it
    "malformed_json",  # applied, answered with something that is not quite JSON
)
_APPLIES_NOTHING = {"drop_before_commit", "status_before_commit", "throttle", "unauthorized"}


@dataclass
class Fault:
    """One rule: which requests, which of them (from the `nth` on, every `every`-th, `count` of them; None for all), and what goes wrong."""

    kind: str
    api: str = "brightpearl"
    method: str = ".*"
    path: str = ".*"
    nth: int = 1
    count: int | None = 1
    every: int = 1
    status: int = 500
    body: Any = None
    seconds: float = 1.0
    with_headers: bool = True
    seen: int = 0
    done: int = 0

    def __post_init__(self) -> None:
        if self.kind not in KINDS:
            raise ValueError(f"no fault is called {self.kind!r}; there are {', '.join(KINDS)}")

    def strikes(self, api: str, request: Request) -> bool:
        """Whether this request is hit; counts it."""
        if api != self.api or not re.fullmatch(self.method, request.method) or not re.search(self.path, request.path):
            return False
        self.seen += 1
        late = self.seen - self.nth
        if late < 0 or late % self.every or (self.count is not None and self.done >= self.count):
            return False
        self.done += 1
        return True


class FaultPlan:
    """The rules in force; the first that matches a request strikes it."""

    def __init__(self, faults: list[Fault] | None = None) -> None:
        self._lock = threading.Lock()
        self._faults = list(faults or [])
        self._ended = threading.Event()

    def add(self, fault: Fault) -> None:
        """Puts a rule into force."""
        with self._lock:
            self._faults.append(fault)

    def clear(self) -> None:
        """Ends all rules, and with them whatever is being held up or drips at the moment."""
        with self._lock:
            self._faults.clear()
            self._ended.set()
            self._ended = threading.Event()

    def hold(self, seconds: float) -> None:
        """Lets a request wait; a clear ends it early."""
        with self._lock:
            ended = self._ended
        ended.wait(seconds)

    def to_json(self) -> list[dict[str, Any]]:
        """The rules with how often they were met and struck."""
        with self._lock:
            return [asdict(fault) for fault in self._faults]

    def add_from_json(self, rows: list[dict[str, Any]]) -> None:
        """Puts rules into force, all of them or none.

        Raises:
            ValueError: a row has no or an unknown kind, or an unknown field.
        """
        known = {field.name for field in fields(Fault)} - {"seen", "done"}
        for row in rows:
            if "kind" not in row or not set(row) <= known:
                raise ValueError(f"a fault has a kind and may have {', '.join(sorted(known))}; got {', '.join(row)}")
        faults = [Fault(**row) for row in rows]
        with self._lock:
            self._faults += faults

    def strike(self, api: str, request: Request) -> Fault | None:
        """The rule that hits this request, if any."""
        with self._lock:
            return next((fault for fault in self._faults if fault.strikes(api, request)), None)


def interceptor(plan: FaultPlan, api: str) -> Interceptor:
    """What a server asks before each request: passes it on to the app, or lets the plan's fault happen."""

    def intercept(request: Request, app: App, wire: Wire) -> Response | None:
        fault = plan.strike(api, request)
        if fault is None:
            return app(request)
        if fault.kind == "delay":
            plan.hold(fault.seconds)
        answer = Response() if fault.kind in _APPLIES_NOTHING else app(request)
        if fault.kind == "answer_late":
            plan.hold(fault.seconds)
        if fault.kind in ("drip", "truncate", "reset_after_headers"):
            _send_broken(plan, fault, answer, wire)
            return None
        return _spoiled(fault, answer, wire, api)

    return intercept


def _spoiled(fault: Fault, answer: Response, wire: Wire, api: str) -> Response | None:
    """What goes out instead of the answer; None when nothing more is to be sent."""
    if fault.kind in ("commit_then_drop", "drop_before_commit"):
        wire.close()
        return None
    if fault.kind in ("status_before_commit", "status_after_commit"):
        return Response(fault.status, fault.body if fault.body is not None else _error_body(api), answer.headers)
    if fault.kind == "throttle":
        return _throttled(fault, api)
    if fault.kind == "unauthorized":
        return Response(
            401,
            {"response": "Invalid instance token: revoked"} if api == "brightpearl" else {"message": "Unauthorized"},
        )
    if fault.kind == "no_id":
        return Response(200, {}, answer.headers)
    if fault.kind == "html_body":
        return Response(answer.status, b"<html><body>We will be back soon</body></html>", answer.headers)
    if fault.kind == "malformed_json":
        return Response(
            answer.status, encode(answer)[0][:-1] + b",", answer.headers | {"Content-Type": "application/json"}
        )
    return answer


def _send_broken(plan: FaultPlan, fault: Fault, answer: Response, wire: Wire) -> None:
    content, headers = encode(answer)
    chunks: Iterator[bytes] = iter(())
    if fault.kind == "truncate":
        chunks = iter([content[: len(content) // 2]])
    if fault.kind == "drip":
        chunks = _dripping(plan, content, fault.seconds)
    wire.send(answer.status, headers, chunks, len(content))
    if fault.kind == "truncate":
        wire.close()
    if fault.kind == "reset_after_headers":
        wire.reset()


def _dripping(plan: FaultPlan, content: bytes, seconds: float) -> Iterator[bytes]:
    for index in range(len(content)):
        plan.hold(seconds / len(content))
        yield content[index : index + 1]


def _throttled(fault: Fault, api: str) -> Response:
    if api == "returngo":
        return Response(429, {"message": "Limit Exceeded"})
    headers = {
        "Brightpearl-Requests-Remaining": "0",
        "Brightpearl-Next-Throttle-Period": str(int(fault.seconds * 1000)),
    }
    return Response(503, THROTTLED, headers if fault.with_headers else {})


def _error_body(api: str) -> dict[str, Any]:
    if api == "returngo":
        return {"message": "Internal server error"}
    return {"errors": [{"code": "CMNU-003", "message": "Internal error"}]}
