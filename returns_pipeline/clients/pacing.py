"""When the next call may go: our share of the pool, and the remote's own headers, which win. The pool shared by processes is in storage."""

import time
from collections.abc import Callable
from enum import IntEnum
from typing import Protocol


class Priority(IntEnum):
    """Who goes first when calls are scarce: writes and looking up unknown outcomes, then polling, then history."""

    WRITE = 0
    RECONCILE = 1
    POLL = 2
    BACKFILL = 3


class BudgetSpent(Exception):
    """The day's calls are used up but for the reserve; the message says when more may go."""


class Pacer(Protocol):
    """Decides when a call may go."""

    def wait(self, priority: Priority) -> None:
        """Returns when the call may go.

        Raises:
            BudgetSpent: it may not go today.
        """

    def note(self, remaining: int | None, next_period_milliseconds: int | None) -> None:
        """Takes in what the answer said about the pool."""


class Unpaced:
    """Lets every call go: for a remote that names no rate we could exceed."""

    def wait(self, priority: Priority) -> None:
        """Returns at once."""

    def note(self, remaining: int | None, next_period_milliseconds: int | None) -> None:
        """Learns nothing."""


class LocalPacer:
    """A token bucket for one process at our share of the pool; the header wins, because others drink from the same well.

    Args:
        per_minute: our share of the remote's limit, calls a minute.
        burst: calls that may go without a pause after a rest.
        reserve: when the remote says that no more than this is left, we sleep out its period.
    """

    def __init__(
        self,
        per_minute: float,
        *,
        burst: int = 10,
        reserve: int = 30,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self._per_second, self._burst, self._reserve = per_minute / 60.0, float(burst), reserve
        self._clock, self._sleep = clock, sleep
        self._tokens, self._filled_at, self._blocked_until = float(burst), clock(), 0.0

    def wait(self, priority: Priority) -> None:  # noqa: ARG002 - one process has one queue
        """Sleeps until a token is there and the remote's period is over."""
        while (rest := self._rest()) > 0:
            self._sleep(rest)
        self._tokens -= 1.0

    def note(self, remaining: int | None, next_period_milliseconds: int | None) -> None:
        """Sleeps out the period before the next call when the pool is nearly empty."""
        if remaining is not None and next_period_milliseconds is not None and remaining < self._reserve:
            self._blocked_until = self._clock() + next_period_milliseconds / 1000.0

    def _rest(self) -> float:
        now = self._clock()
        self._tokens = min(self._burst, self._tokens + (now - self._filled_at) * self._per_second)
        self._filled_at = now
        return max(self._blocked_until - now, 0.0 if self._tokens >= 1.0 else (1.0 - self._tokens) / self._per_second)
