"""One HTTP session per process and API: deadlines, caps, pacing, retries of reads, writes sent exactly once. Nothing about either API's contents."""

import datetime as dt
import random
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from email.utils import parsedate_to_datetime
from typing import Any
from urllib.parse import urlsplit

import requests

from returns_pipeline.clients import json_reading
from returns_pipeline.clients.allow_list import Rule, template_of
from returns_pipeline.clients.outcomes import (
    CredentialRefused,
    DeadlinePassed,
    Outcome,
    ReadFailed,
    UnusableAnswer,
    WriteAnswer,
    capped_retry_after,
    classify_exception,
    classify_response,
    is_throttle,
)
from returns_pipeline.clients.pacing import Pacer, Priority

_CONNECT_SECONDS, _READ_SECONDS = 5.0, 30.0
_LARGEST_BODY_BYTES = 10 * 1024 * 1024
_MOST_TRIES, _LONGEST_READ_SECONDS, _LONGEST_PAUSE_SECONDS = 4, 120.0, 30.0
_PERMANENT_STATUSES = {400, 404, 405, 409, 410, 422}

Record = Callable[[str, str, int, int, int | None], None]


@dataclass(frozen=True)
class Answer:
    """One answer as it came: status, headers, parsed body (None where there is none that can be used), and what to tell of it."""

    status: int
    headers: Mapping[str, str]
    body: Any
    detail: str
    remaining: int | None
    is_throttled: bool
    retry_after_seconds: float | None


class Transport:
    """Sends requests to one API and tells what came back.

    Args:
        base_url: scheme, host and path below which all requests go.
        headers: called before each request, so that a rotated token is used at once.
        rules: the requests that may leave.
        pacer: when the next call may go.
        record: told of every call: method, path template, status (0 for none), milliseconds, calls remaining. Never a query or a body.
        api: the API's name in messages.
        deadline_seconds: from before the connect to the last byte of the answer.
        permanent: says of an error's text that trying again cannot help.
        clock, sleep: replaced in tests.
    """

    def __init__(
        self,
        base_url: str,
        headers: Callable[[], Mapping[str, str]],
        rules: tuple[Rule, ...],
        pacer: Pacer,
        record: Record,
        *,
        api: str,
        deadline_seconds: float = 45.0,
        permanent: Callable[[str], bool] = lambda _: False,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self._base_url, self._headers, self._rules = base_url, headers, rules
        self._pacer, self._record, self._api = pacer, record, api
        self._deadline_seconds, self._permanent = deadline_seconds, permanent
        self._clock, self._sleep = clock, sleep
        self._session = requests.Session()
        self._session.trust_env = False
        self.last_headers: Mapping[str, str] = {}
        self.server_time: dt.datetime | None = None

    def close(self) -> None:
        """Closes the connections."""
        self._session.close()

    def read(self, path: str, query: str = "", priority: Priority = Priority.POLL) -> Any:  # noqa: ANN401 - JSON
        """The parsed body of a GET; tried up to four times with full jitter.

        Args:
            path: below the base URL.
            query: already encoded, because Brightpearl's `/` in a period must not be.
            priority: who waits for whom.

        Raises:
            CredentialRefused: 401 or 403.
            ReadFailed: no answer that can be used.
            NotAllowed: the path is on no list.
        """
        template = template_of(self._rules, "GET", path)
        started = self._clock()
        for attempt in range(1, _MOST_TRIES + 1):
            self._pacer.wait(priority)
            answer, failure = self._try_read(template, path, query)
            if answer is not None:
                return answer.body
            if failure.permanent or attempt == _MOST_TRIES or self._clock() - started > _LONGEST_READ_SECONDS:
                raise failure
            self._sleep(min(_LONGEST_PAUSE_SECONDS, random.uniform(0.0, 0.5 * 2**attempt)))  # noqa: S311 - jitter
        raise AssertionError("unreachable: the last try raises")

    def write(self, method: str, path: str, body: Any) -> WriteAnswer:  # noqa: ANN401 - JSON
        """Sends a write once, on a fresh connection, and says what its answer proves. Never retried here: the ledger decides.

        Raises:
            NotAllowed: no effect kind that the settings arm makes this request.
        """
        template = template_of(self._rules, method, path)
        self._pacer.wait(Priority.WRITE)
        # A kept-alive connection may be closed by the other side just as we write: that would make an outcome unknown for nothing.
        self._session.close()
        try:
            answer = self._exchange(method, template, path, "", body)
        except (requests.RequestException, DeadlinePassed) as error:
            return classify_exception(error)
        if answer.status < 300 and answer.body is None and answer.detail:
            return WriteAnswer(Outcome.UNKNOWN, answer.status, None, answer.detail)
        return classify_response(
            answer.status,
            answer.body,
            answer.detail,
            throttled=answer.is_throttled,
            retry_after_seconds=answer.retry_after_seconds,
        )

    def _try_read(self, template: str, path: str, query: str) -> tuple[Answer | None, ReadFailed]:
        tried = f"GET {template} of {self._api}"
        try:
            answer = self._exchange("GET", template, path, query, None)
        except (requests.RequestException, DeadlinePassed) as error:
            cause = classify_exception(error).detail if isinstance(error, requests.RequestException) else str(error)
            return None, ReadFailed(f"{tried} brought no answer ({cause}): look at the address and the network")
        if answer.status in (401, 403):
            return None, CredentialRefused(
                f"{tried} was refused with {answer.status} ({answer.detail}): look at the credentials and their scopes"
            )
        if answer.status in (200, 207) and answer.body is not None:
            return answer, ReadFailed("")
        if answer.is_throttled and answer.retry_after_seconds is not None:
            self._sleep(answer.retry_after_seconds)
        permanent = answer.status in _PERMANENT_STATUSES or 300 <= answer.status < 400 or self._permanent(answer.detail)
        return None, ReadFailed(
            f"{tried} came back with {answer.status}: {answer.detail or 'an answer that is no JSON'}",
            permanent=permanent,
        )

    def _exchange(self, method: str, template: str, path: str, query: str, body: Any) -> Answer:  # noqa: ANN401 - JSON
        started = self._clock()
        status, remaining = 0, None
        try:
            with self._session.request(
                method,
                f"{self._base_url}{path}{'?' + query if query else ''}",
                headers={"Accept": "application/json", **self._headers()},
                json=body,
                timeout=(_CONNECT_SECONDS, min(_READ_SECONDS, self._deadline_seconds)),
                allow_redirects=False,
                stream=True,
            ) as response:
                status = response.status_code
                content, problem = self._content(response, started)
                remaining = _integer(response.headers.get("brightpearl-requests-remaining"))
                answer = _answer(response, content, problem, remaining)
        finally:
            self._record(method, template, status, int((self._clock() - started) * 1000), remaining)
        self.last_headers = answer.headers
        if "date" in answer.headers:
            self.server_time = parsedate_to_datetime(answer.headers["date"])
        self._pacer.note(remaining, _integer(answer.headers.get("brightpearl-next-throttle-period")))
        return answer

    def _content(self, response: requests.Response, started: float) -> tuple[bytes, str]:
        parts, size = [], 0
        # Read in small parts, because a server that drips one byte a second never runs into a timeout between bytes.
        for part in response.iter_content(chunk_size=None if response.headers.get("content-length") else 16_384):
            parts.append(part)
            size += len(part)
            if size > _LARGEST_BODY_BYTES:
                return b"", f"an answer larger than {_LARGEST_BODY_BYTES} bytes"
            if self._clock() - started > self._deadline_seconds:
                raise DeadlinePassed(f"no complete answer within {self._deadline_seconds:.0f} s")
        content = b"".join(parts)
        announced = _integer(response.headers.get("content-length"))
        if announced is not None and "content-encoding" not in response.headers and len(content) < announced:
            return b"", "an answer that was cut short"
        return content, ""


def host_of(url: str) -> str:
    """The host of a base URL, for messages."""
    return urlsplit(url).hostname or url


def _answer(response: requests.Response, content: bytes, problem: str, remaining: int | None) -> Answer:
    headers = {name.lower(): value for name, value in response.headers.items()}
    body, detail = None, problem
    if not problem and content:
        try:
            body = json_reading.parse(content)
            detail = _messages(body)
        except UnusableAnswer as unusable:
            detail = str(unusable)
    text = content[:2000].decode("utf-8", "replace")
    throttled = is_throttle(response.status_code, text, remaining)
    return Answer(
        response.status_code,
        headers,
        body,
        detail[:400],
        remaining,
        throttled,
        _retry_after(headers) if throttled else None,
    )


def _messages(body: Any) -> str:  # noqa: ANN401 - JSON
    """The API's own codes and messages, without anything of a payload."""
    if not isinstance(body, dict):
        return ""
    errors = body.get("errors")
    if isinstance(errors, list):
        return "; ".join(
            f"{error.get('code', '')} {error.get('message', '')}".strip() for error in errors if isinstance(error, dict)
        )
    for name in ("message", "error"):
        if isinstance(body.get(name), str):
            return str(body[name])
    if isinstance(body.get("response"), str):
        # Brightpearl echoes a bad token here.
        return str(body["response"]).split(":", 1)[0]
    return ""


def _retry_after(headers: Mapping[str, str]) -> float | None:
    period = _integer(headers.get("brightpearl-next-throttle-period"))
    if period is not None:
        return capped_retry_after(period / 1000.0)
    given = headers.get("retry-after")
    if given is None:
        return None
    if given.isdigit():
        return capped_retry_after(float(given))
    try:
        at = parsedate_to_datetime(given)
    except ValueError:
        return None
    return capped_retry_after((at - dt.datetime.now(at.tzinfo)).total_seconds())


def _integer(text: str | None) -> int | None:
    return int(text) if text is not None and text.strip().lstrip("-").isdigit() else None
