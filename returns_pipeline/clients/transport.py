"""One HTTP session per process and API: pacing, deadlines, retries of reads, writes sent at most once. Nothing about either API's contents."""

import datetime as dt
import random
import time
from collections.abc import Callable, Iterable, Mapping
from typing import Any

import requests

from returns_pipeline.clients.allow_list import Rule, template_of
from returns_pipeline.clients.answers import Answer, take_apart
from returns_pipeline.clients.deadlines import Deadline, watched_session
from returns_pipeline.clients.outcomes import (
    CredentialRefused,
    DeadlinePassed,
    Outcome,
    ReadFailed,
    WriteAnswer,
    classify_exception,
    classify_response,
)
from returns_pipeline.clients.pacing import Pacer, Priority

_CONNECT_SECONDS, _READ_SECONDS = 5.0, 30.0
_MOST_TRIES, _LONGEST_READ_SECONDS, _LONGEST_JITTER_SECONDS = 4, 120.0, 30.0
# Of the 3xx and 4xx, only these may pass by themselves: request timeout, too early, too many requests.
_PASSING_STATUSES = {408, 425, 429}

Record = Callable[[str, str, int, int, int | None, Priority], None]


def _never() -> bool:
    return False


class Transport:
    """Sends requests to one API and tells what came back. For one thread.

    Args:
        base_url: scheme, host and path below which all requests go, as `check_base_url` passed it.
        headers: called before each request, so that a rotated token is used at once.
        rules: the requests that may leave.
        pacer: when the next call may go.
        record: told of every call: method, path template, status (0 for none), milliseconds, calls remaining, priority. Never a query or a body.
        api: the API's name in messages.
        secrets: what the headers carry and no error may repeat; asked for when an answer names an error, because tokens rotate.
        deadline_seconds: from before the connect to the last byte of the answer.
        permanent: says of an error's text that trying again cannot help.
        renew: fetches a fresh token after a 401 of a read; False where there is none to be had.
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
        secrets: Callable[[], Iterable[str]],
        deadline_seconds: float = 45.0,
        permanent: Callable[[str], bool] = lambda _: False,
        renew: Callable[[], bool] = _never,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self._base_url, self._headers, self._rules = base_url, headers, rules
        self._pacer, self._record, self._api, self._secrets = pacer, record, api, secrets
        self._deadline_seconds, self._permanent, self._renew = deadline_seconds, permanent, renew
        self._clock, self._sleep = clock, sleep
        self._session = watched_session()
        self.last_headers: Mapping[str, str] = {}
        self.server_time: dt.datetime | None = None

    def close(self) -> None:
        """Closes the connections."""
        self._session.close()

    def read(self, path: str, query: str = "", priority: Priority = Priority.POLL) -> Any:
        """The parsed body of a GET; tried up to four times, within two minutes, with full jitter.

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
        give_up_at = self._clock() + _LONGEST_READ_SECONDS
        may_renew = True
        for attempt in range(1, _MOST_TRIES + 1):
            self.take_turn(priority)
            answer = self._try_read(template, path, query, priority, give_up_at)
            if not isinstance(answer, Answer):
                failure, asked_to_wait = answer, None
            elif answer.status in (200, 207) and answer.body is not None:
                return answer.body
            elif answer.status == 401 and may_renew and self._renew():
                may_renew = False
                continue
            else:
                failure, asked_to_wait = self._refusal(template, answer), answer.retry_after_seconds
            pause = max(asked_to_wait or 0.0, random.uniform(0.0, min(_LONGEST_JITTER_SECONDS, 0.5 * 2**attempt)))  # noqa: S311 - jitter
            if failure.permanent or attempt == _MOST_TRIES or self._clock() + pause >= give_up_at:
                raise failure
            self._sleep(pause)
        raise AssertionError("unreachable: the last try returns or raises")

    def take_turn(self, priority: Priority) -> None:
        """Waits until a call may go. A write's turn is taken apart from it, so that nothing waits between its ledger row and its bytes.

        Raises:
            BudgetSpent: it may not go today.
        """
        self._pacer.wait(priority)

    def write(self, method: str, path: str, body: Any) -> WriteAnswer:
        """Sends a write once, on a fresh connection, and says what its answer proves. Never retried here: the ledger decides.

        Its turn is to be taken before (`take_turn`).

        Raises:
            NotAllowed: no effect kind that the settings arm makes this request.
        """
        template = template_of(self._rules, method, path)
        try:
            headers = self._headers()
        except ReadFailed as failure:
            return WriteAnswer(Outcome.NOT_SENT, None, None, str(failure))
        # A kept-alive connection may be closed by the other side just as we write: that would make an outcome unknown for nothing.
        self._session.close()
        try:
            answer = self._exchange(method, template, path, headers, body, Priority.WRITE, self._deadline_seconds)
        except (requests.RequestException, DeadlinePassed) as error:
            return classify_exception(error)
        if answer.status < 300 and answer.is_unusable:
            return WriteAnswer(Outcome.UNKNOWN, answer.status, None, answer.detail)
        wait = answer.retry_after_seconds
        return classify_response(
            answer.status, answer.body, answer.detail, throttled=answer.is_throttled, retry_after_seconds=wait
        )

    def _try_read(
        self, template: str, path: str, query: str, priority: Priority, give_up_at: float
    ) -> Answer | ReadFailed:
        seconds = min(self._deadline_seconds, max(give_up_at - self._clock(), 1.0))
        try:
            return self._exchange(
                "GET", template, f"{path}{'?' + query if query else ''}", self._headers(), None, priority, seconds
            )
        except DeadlinePassed as passed:
            cause = str(passed)
        except requests.RequestException as error:
            cause = classify_exception(error).detail
        return ReadFailed(f"GET {template} of {self._api} failed: {cause}. Look at the address and the network")

    def _refusal(self, template: str, answer: Answer) -> ReadFailed:
        said = f"{answer.status}: {answer.detail or 'an answer without a usable body'}"
        if answer.status in (401, 403):
            return CredentialRefused(
                f"GET {template} of {self._api} was refused with {said}. Look at the credentials and their scopes",
                status=answer.status,
            )
        is_final = 300 <= answer.status < 500 and answer.status not in _PASSING_STATUSES
        permanent = is_final or self._permanent(answer.detail)
        mend = "check the base URL and the request" if permanent else "try again later"
        return ReadFailed(
            f"GET {template} of {self._api} came back with {said}. Please {mend}",
            permanent=permanent,
            status=answer.status,
        )

    def _exchange(
        self,
        method: str,
        template: str,
        target: str,
        headers: Mapping[str, str],
        body: Any,
        priority: Priority,
        deadline_seconds: float,
    ) -> Answer:
        started, answer = time.monotonic(), None
        try:
            answer = self._answer(method, target, headers, body, deadline_seconds)
        finally:
            milliseconds = int((time.monotonic() - started) * 1000)
            status, remaining = (answer.status, answer.remaining) if answer else (0, None)
            self._record(method, template, status, milliseconds, remaining, priority)
        self.last_headers = answer.headers
        self.server_time = answer.server_time or self.server_time
        self._pacer.note(answer.remaining, answer.next_period_milliseconds)
        return answer

    def _answer(
        self, method: str, target: str, headers: Mapping[str, str], body: Any, deadline_seconds: float
    ) -> Answer:
        with Deadline(deadline_seconds) as deadline:
            try:
                with self._session.request(
                    method,
                    f"{self._base_url}{target}",
                    headers={"Accept": "application/json", **headers},
                    json=body,
                    timeout=(_CONNECT_SECONDS, _READ_SECONDS),
                    allow_redirects=False,
                    stream=True,
                ) as response:
                    answer = take_apart(response, self._secrets)
            except requests.RequestException as error:
                if not deadline.passed:
                    raise
                raise DeadlinePassed(f"no complete answer within {deadline_seconds:.0f} s") from error
        if deadline.passed:
            raise DeadlinePassed(f"no complete answer within {deadline_seconds:.0f} s")
        return answer
