"""Holds every call of one ReturnGo key to the plan of its day. What the plan is, is `domain.quota`'s; Brightpearl's minute is in `storage.pacing`."""

from collections.abc import Callable

from returns_pipeline.clients.pacing import BudgetSpent, Priority
from returns_pipeline.domain.quota import DayPlan

_LOOK_AGAIN_AFTER = 25
_WAITS = {
    Priority.WRITE: "writing waits",
    Priority.RECONCILE: "looking up outcomes waits",
    Priority.POLL: "reading waits",
    Priority.BACKFILL: "past returns wait",
}


class DayPacer:
    """One key's day in one process; the shops that share the key share the pacer.

    Args:
        measure: plans the day from all that was called so far, this process's calls among it.
    """

    def __init__(self, measure: Callable[[], DayPlan]) -> None:
        self._measure = measure
        self._plan: DayPlan | None = None
        self._since = 0

    def wait(self, priority: Priority) -> None:
        """Counts the call, or refuses it; nobody is refused by a plan that is older than the last call.

        Raises:
            BudgetSpent: this kind of call may not go now.
        """
        plan = self._plan if self._plan is not None and self._since < _LOOK_AGAIN_AFTER else self._look()
        if _room(plan, priority) <= self._since and self._since:
            plan = self._look()
        if _room(plan, priority) <= self._since:
            raise BudgetSpent(_refusal(plan, priority))
        self._since += 1

    def note(self, remaining: int | None, next_period_milliseconds: int | None) -> None:
        """ReturnGo's answers say nothing of what is left."""

    def _look(self) -> DayPlan:
        self._plan, self._since = self._measure(), 0
        return self._plan


def _room(plan: DayPlan, priority: Priority) -> int:
    """Calls that this priority may draw from."""
    return {
        Priority.WRITE: plan.left,
        Priority.RECONCILE: plan.for_look_ups,
        Priority.POLL: plan.for_reading,
        Priority.BACKFILL: plan.may_take.history,
    }[priority]


def _refusal(plan: DayPlan, priority: Priority) -> str:
    kept = f", {plan.left:,} are kept for what goes first" if plan.left else ""
    hours = plan.comes_free_in_hours
    free = f" until calls come free, from {hours} hours on" if hours else ""
    return f"{plan.facts.used.total:,} of the {plan.facts.allowed:,} ReturnGo calls of 24 hours are used{kept}: {_WAITS[priority]}{free}"
