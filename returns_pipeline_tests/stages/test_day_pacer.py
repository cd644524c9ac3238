"""Whoever calls ReturnGo is held to the plan of the day, and nobody is refused by a plan that is out of date."""

from dataclasses import replace

import pytest

from returns_pipeline.clients.pacing import BudgetSpent, Priority
from returns_pipeline.domain.quota import Calls, DayFacts, DayPlan
from returns_pipeline.stages.day_pacer import DayPacer

NAMES = {
    Priority.WRITE: "confirmations",
    Priority.RECONCILE: "look_ups",
    Priority.POLL: "details",
    Priority.BACKFILL: "history",
}


class Day:
    """A day of a hundred calls that counts what is called."""

    def __init__(self, **due: int) -> None:
        self.used, self.due, self.looks = Calls(), Calls(**due), 0
        self.pacer = DayPacer(self.measure)

    def measure(self) -> DayPlan:
        self.looks += 1
        hours = (self.used.total, *(0,) * 24)
        return DayPlan(DayFacts(100, 10, 50, self.used, hours, 0.0, Calls(), self.due, 1))

    def call(self, priority: Priority, times: int = 1) -> int:
        """How many of so many calls went."""
        for done in range(times):
            try:
                self.pacer.wait(priority)
            except BudgetSpent:
                return done
            name = NAMES[priority]
            self.used = replace(self.used, **{name: getattr(self.used, name) + 1})
        return times


def test_reading_stops_at_the_reserve_look_ups_at_the_confirmations_that_wait_and_writes_at_the_last_call():
    """Taken one after the other, each gets what the plan kept for it and not one call more."""
    day = Day(confirmations=20)
    assert day.call(Priority.POLL, 200) == 70
    assert day.call(Priority.RECONCILE, 200) == 10
    assert day.call(Priority.WRITE, 200) == 20
    assert day.used.total == 100


def test_history_gets_what_todays_lists_do_not_need():
    """144 looks a day are more than a hundred calls: nothing is left for last year."""
    assert Day().call(Priority.BACKFILL, 10) == 0


def test_what_was_kept_and_is_no_more_needed_is_given_back():
    """Parcels that were confirmed in the meantime must not hold back the lists until the next look."""
    day = Day(confirmations=80)
    assert day.call(Priority.POLL, 200) == 10
    day.call(Priority.WRITE, 5)
    day.due = Calls()
    assert day.call(Priority.POLL, 200) == 75


def test_the_database_is_not_asked_for_every_call():
    """A day's plan costs a few statements; a detail must not."""
    day = Day()
    day.call(Priority.POLL, 60)
    assert day.looks <= 4


def test_a_refusal_says_why_and_until_when():
    day = Day()
    day.call(Priority.POLL, 90)
    with pytest.raises(BudgetSpent) as refusal:
        day.pacer.wait(Priority.POLL)
    assert str(refusal.value) == (
        "90 of the 100 ReturnGo calls of 24 hours are used, 10 are kept for what goes first: reading waits until calls come free, from 25 hours on"
    )
