"""What an HTTP exchange means: did the write happen, did it not, or is it unknown; and how a failed read is told.

The classification is made once, here; nobody else looks at status codes or exceptions of the transport.
"""

import ssl
import traceback
from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

import requests
import urllib3.exceptions

_THROTTLED_TEXT = "too many requests"
_LONGEST_RETRY_AFTER_SECONDS = 600.0
# Only these prove that no byte of the request left.
_NEVER_CONNECTED = (
    urllib3.exceptions.NewConnectionError,
    urllib3.exceptions.ConnectTimeoutError,
    requests.exceptions.ConnectTimeout,
    requests.exceptions.InvalidURL,
    requests.exceptions.InvalidHeader,
)


class Outcome(StrEnum):
    """What a write's answer proves."""

    NOT_SENT = "not_sent"
    UNTRUSTED = "untrusted"
    NOT_EXECUTED = "not_executed"
    CREATED = "created"
    REFUSED = "refused"
    UNAUTHORIZED = "unauthorized"
    UNKNOWN = "unknown"


@dataclass(frozen=True)
class WriteAnswer:
    """The answer to one write, sent at most once.

    Attributes:
        outcome: what the answer proves.
        http_status: the status, or None where no answer came.
        body: the parsed answer (Brightpearl: the content of `response`), or None.
        detail: a safe sentence: the API's own codes and messages, no payload, no secret.
        retry_after_seconds: how long the remote asked to wait, for NOT_EXECUTED.
        first_time: 201 True, 200 False, else None; with a dedupe key a 200 may mean "already there".
    """

    outcome: Outcome
    http_status: int | None
    body: Any
    detail: str
    retry_after_seconds: float | None = None
    first_time: bool | None = None


class ReadFailed(Exception):
    """A read brought no answer that can be used; nothing is known, which is not the same as nothing being there.

    Attributes:
        permanent: whether trying again cannot help.
        status: the HTTP status, or None where no answer came.
    """

    def __init__(self, message: str, *, permanent: bool = False, status: int | None = None) -> None:
        super().__init__(message)
        self.permanent, self.status = permanent, status


class CredentialRefused(ReadFailed):
    """401 or 403: the account refused our credentials."""

    def __init__(self, message: str, *, status: int | None = None) -> None:
        super().__init__(message, permanent=True, status=status)


class NotAllowed(Exception):
    """The request is not on the allow-list; it never left the process."""


class DeadlinePassed(Exception):
    """The exchange took longer than its total deadline."""


class UnusableAnswer(Exception):
    """An answer came, but it is no JSON that can be trusted: too large, too deep, cut short, or with a key twice."""


def classify_exception(error: Exception) -> WriteAnswer:
    """NOT_SENT only where a cause proves it: name look-up, refused, connect timeout, TLS handshake. Anything unclear is UNKNOWN.

    UNTRUSTED is not sent either: whoever answered there could not prove to be the account.

    `requests` folds "reset after sending" and "could not connect" into one ConnectionError, so that its inner causes are looked at.
    """
    causes = list(_causes(error))
    untrusted = next((cause for cause in causes if isinstance(cause, ssl.SSLCertVerificationError)), None)
    if untrusted is not None:
        return WriteAnswer(Outcome.UNTRUSTED, None, None, f"its certificate does not hold: {untrusted.verify_message}")
    detail = f"{type(causes[-1]).__name__} before a complete answer came"
    proves = any(isinstance(cause, _NEVER_CONNECTED) or _in_handshake(cause) for cause in causes)
    return WriteAnswer(Outcome.NOT_SENT if proves else Outcome.UNKNOWN, None, None, detail)


def classify_response(
    status: int, body: Any, detail: str, *, throttled: bool, retry_after_seconds: float | None
) -> WriteAnswer:
    """What a status and a body prove of a write; a 503 is a throttle only where that is provable."""
    if throttled:
        return WriteAnswer(Outcome.NOT_EXECUTED, status, None, detail, retry_after_seconds)
    if status in (401, 403):
        return WriteAnswer(Outcome.UNAUTHORIZED, status, None, detail)
    if 300 <= status < 500:
        return WriteAnswer(Outcome.REFUSED, status, body, detail)
    if status in (200, 201, 204) and not names_errors(body):
        return WriteAnswer(Outcome.CREATED, status, body, detail, first_time={201: True, 200: False}.get(status))
    return WriteAnswer(Outcome.UNKNOWN, status, None, detail)


def is_throttle(status: int, text: str, remaining: int | None) -> bool:
    """429, or a 503 that says so in its body or whose header shows that nothing is left."""
    return status == 429 or (status == 503 and (_THROTTLED_TEXT in text.lower() or remaining == 0))


def names_errors(body: object) -> bool:
    """Whether an answer lists errors, whatever its status says."""
    return isinstance(body, dict) and bool(body.get("errors"))


def capped_retry_after(seconds: float) -> float:
    """A wait that the remote asked for, between zero and ten minutes."""
    return min(max(seconds, 0.0), _LONGEST_RETRY_AFTER_SECONDS)


def _causes(error: BaseException) -> Iterator[BaseException]:
    """The error and all that it openly stands for, the innermost last; what merely came before it proves nothing."""
    seen: list[BaseException] = []
    waiting: list[object] = [error]
    while waiting:
        cause = waiting.pop(0)
        if not isinstance(cause, BaseException) or any(cause is known for known in seen):
            continue
        seen.append(cause)
        yield cause
        waiting += [cause.__cause__, getattr(cause, "reason", None), *cause.args]


def _in_handshake(cause: BaseException) -> bool:
    """A TLS error or timeout says by itself neither yes nor no: only where it was raised tells whether the request could have left."""
    return isinstance(cause, OSError) and any(
        frame.f_code.co_name == "do_handshake" for frame, _ in traceback.walk_tb(cause.__traceback__)
    )
