"""What the transport asks before a call and tells after it. The pool that processes share is in storage."""

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
