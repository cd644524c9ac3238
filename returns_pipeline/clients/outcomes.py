"""What an HTTP exchange means: did the write happen, did it not, or is it unknown; and how a failed read is told.

The classification is made once, here; nobody else looks at status codes or exceptions of the transport.
"""

from dataclasses import dataclass
from enum import StrEnum
from typing import Any

import requests
import urllib3.exceptions

THROTTLED_TEXT = "too many requests"
_LONGEST_RETRY_AFTER_SECONDS = 600.0


class Outcome(StrEnum):
    """What a write's answer proves."""

    NOT_SENT = "not_sent"
    NOT_EXECUTED = "not_executed"
    CREATED = "created"
    REFUSED = "refused"
    UNAUTHORIZED = "unauthorized"
    UNKNOWN = "unknown"


@dataclass(frozen=True)
class WriteAnswer:
    """The answer to one write, sent exactly once.

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
    """

    def __init__(self, message: str, *, permanent: bool = False) -> None:
        super().__init__(message)
        self.permanent = permanent


class CredentialRefused(ReadFailed):
    """401 or 403: the account refused our credentials."""

    def __init__(self, message: str) -> None:
        super().__init__(message, permanent=True)


class NotAllowed(Exception):
    """The request is not on the allow-list; it never left the process."""


class DeadlinePassed(Exception):
    """The exchange took longer than its total deadline."""


class UnusableAnswer(Exception):
    """An answer came, but it is no JSON that can be trusted: too large, too deep, cut short, or with a key twice."""


def classify_exception(error: Exception) -> WriteAnswer:
    """Not sent only where the inner cause proves it (name look-up, refused, connect timeout, TLS); anything unclear is unknown."""
    cause = _inner_cause(error)
    detail = f"{type(cause).__name__} before an answer came"
    not_sent = (
        urllib3.exceptions.NameResolutionError,
        urllib3.exceptions.NewConnectionError,
        urllib3.exceptions.ConnectTimeoutError,
        urllib3.exceptions.SSLError,
        requests.exceptions.SSLError,
        requests.exceptions.ConnectTimeout,
        requests.exceptions.InvalidURL,
    )
    if isinstance(cause, not_sent) or isinstance(error, requests.exceptions.ConnectTimeout):
        return WriteAnswer(Outcome.NOT_SENT, None, None, detail)
    return WriteAnswer(Outcome.UNKNOWN, None, None, detail)


def classify_response(
    status: int, body: Any, detail: str, *, throttled: bool, retry_after_seconds: float | None
) -> WriteAnswer:  # noqa: ANN401 - JSON
    """What a status and a body prove of a write; a 503 is a throttle only where that is provable."""
    if throttled:
        return WriteAnswer(Outcome.NOT_EXECUTED, status, None, detail, retry_after_seconds)
    if status in (200, 201, 204):
        return WriteAnswer(Outcome.CREATED, status, body, detail, first_time={201: True, 200: False}.get(status))
    if status in (401, 403):
        return WriteAnswer(Outcome.UNAUTHORIZED, status, None, detail)
    if 300 <= status < 500:
        return WriteAnswer(Outcome.REFUSED, status, body, detail)
    return WriteAnswer(Outcome.UNKNOWN, status, None, detail)


def is_throttle(status: int, text: str, remaining: int | None) -> bool:
    """429, or a 503 that says so in its body or whose header shows that nothing is left."""
    return status == 429 or (status == 503 and (THROTTLED_TEXT in text.lower() or remaining == 0))


def capped_retry_after(seconds: float) -> float:
    """A wait that the remote asked for, between zero and ten minutes."""
    return min(max(seconds, 0.0), _LONGEST_RETRY_AFTER_SECONDS)


def _inner_cause(error: BaseException) -> BaseException:
    """`requests` folds several causes into one error; the innermost named one tells them apart."""
    seen: set[int] = set()
    current = error
    while id(current) not in seen:
        seen.add(id(current))
        inner = getattr(current, "reason", None)
        if not isinstance(inner, BaseException):
            inner = next((part for part in current.args if isinstance(part, BaseException)), None)
        if inner is None:
            break
        current = inner
        if isinstance(
            current,
            (
                urllib3.exceptions.NewConnectionError,
                urllib3.exceptions.ConnectTimeoutError,
                urllib3.exceptions.SSLError,
            ),
        ):
            break
    return current
