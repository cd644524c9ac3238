"""Plans ReturnGo's day: what each purpose may take of the calls of any 24 hours, how often the lists are asked, and whether the day lasts.

Pure: facts in, plan out, for one API key. Counting calls is `storage.quota_days`', holding callers to the plan is `stages.day_pacer`'s.
"""

from dataclasses import dataclass
from functools import cached_property

# Every tick of `returns_sync_schedule` may ask the lists; a longer interval is a whole number of ticks.
TICK_MINUTES = 10
_POLLS_OF_A_DAY = 24 * 60 // TICK_MINUTES
# A morning is busier than a day: its pace foretells the next hours, not the next night.
_SOON_HOURS = 6


@dataclass(frozen=True)
class Calls:
    """Calls by what they are for, in the order in which they go first.

    Attributes:
        confirmations: parcels told to ReturnGo.
        look_ups: what became of a write whose answer was lost.
        details: single returns, read because the list shows a change.
        polls: pages of the lists of returns and of transactions.
        history: past returns for an audit, and a second look at open ones.
        others: registrations of webhooks.
    """

    confirmations: int = 0
    look_ups: int = 0
    details: int = 0
    polls: int = 0
    history: int = 0
    others: int = 0

    @property
    def total(self) -> int:
        """All of them."""
        return self.confirmations + self.look_ups + self.details + self.polls + self.history + self.others


@dataclass(frozen=True)
class DayFacts:
    """What is known of one key's day.

    Attributes:
        allowed: calls in any 24 hours.
        reserve: how many of them are kept for look-ups.
        most_history: how many of them history may take at the most.
        used: calls of the last 24 hours.
        by_hour: the same by hour, the hour that runs first and then backwards, 25 of them: an hour is forgotten as a whole.
        work_an_hour: calls an hour in the last three hours, without history.
        usual: what a usual day takes; nothing until two days are known.
        due: what waits now.
        calls_a_poll: what asking the lists of every shop of the key once costs.
        refused: calls that ReturnGo refused for their number in this hour and the last.
    """

    allowed: int
    reserve: int
    most_history: int
    used: Calls
    by_hour: tuple[int, ...]
    work_an_hour: float
    usual: Calls
    due: Calls
    calls_a_poll: int
    refused: int = 0

    def still_counted(self, hours: int) -> int:
        """Of the calls used so far, those that still count in so many hours."""
        return sum(self.by_hour[: max(len(self.by_hour) - hours, 0)])


@dataclass(frozen=True)
class DayPlan:
    """One key's day as planned from its facts.

    `may_take` says what each purpose may take now; together it is never more than what is left of the day.
    """

    facts: DayFacts

    @cached_property
    def left(self) -> int:
        """Calls that nobody has used yet. A write may have the last of them."""
        return max(self.facts.allowed - self.facts.used.total, 0)

    @cached_property
    def may_take(self) -> Calls:
        """Confirmations first, then the reserve for look-ups, an hourly look at the lists, details, lists at every tick, and history last.

        Each gets what a usual day takes less what it has had in the last 24 hours, and no less than what waits now; the reserve is always whole.
        """
        usual, used, due = self.facts.usual, self.facts.used, self.facts.due
        confirmations = min(max(usual.confirmations - used.confirmations, due.confirmations), self.left)
        look_ups = min(self._reserve, self.left - confirmations)
        reading = self.left - confirmations - look_ups
        details = min(max(usual.details - used.details, due.details), reading - min(self._hourly_polls, reading))
        polls = min(max(_POLLS_OF_A_DAY * self.facts.calls_a_poll - used.polls, 0), reading - details)
        history = min(max(self.facts.most_history - used.history, 0), reading - details - polls)
        return Calls(confirmations, look_ups, details, polls, history)

    @property
    def for_look_ups(self) -> int:
        """Calls that a look-up may draw from: what is left without the confirmations."""
        return self.left - self.may_take.confirmations

    @property
    def for_reading(self) -> int:
        """Calls that lists and details may draw from: what is left without confirmations and reserve."""
        return self.for_look_ups - self.may_take.look_ups

    @cached_property
    def asks_every_minutes(self) -> int | None:
        """How often the lists are asked so that the calls last for each of the next 24 hours, in whole ticks; None: they rest until calls come free."""
        if self.for_reading < self.facts.calls_a_poll:
            return None
        polls_an_hour = min(self._polls_until(hours) / hours for hours in range(1, 25))
        if polls_an_hour <= 0:
            return None
        ticks = -(-60 // (TICK_MINUTES * polls_an_hour))
        return TICK_MINUTES * max(1, int(ticks))

    @cached_property
    def runs_out_in_hours(self) -> int | None:
        """In how many hours reading has to rest if calls go on as in the last three hours; None: not within a day."""
        room = self.facts.allowed - self._reserve
        at_pace = (hours for hours in range(25) if self._at_pace(hours) >= room)
        return next(at_pace, None)

    @cached_property
    def comes_free_in_hours(self) -> int | None:
        """In how many hours the first of the used calls stop counting; None: none is used."""
        return next((hours for hours in range(1, 26) if self.facts.still_counted(hours) < self.facts.used.total), None)

    @property
    def is_stretched(self) -> bool:
        """Whether the lists are asked less often than at every tick."""
        return self.asks_every_minutes is None or self.asks_every_minutes > TICK_MINUTES

    @property
    def is_running_out(self) -> bool:
        """Whether reading has to rest in the next hours if calls go on as they do."""
        return self.runs_out_in_hours is not None and self.runs_out_in_hours <= _SOON_HOURS

    @property
    def state(self) -> str:
        """`bad` where the lists rest or ReturnGo refuses, `warn` where that is coming, else `ok`."""
        if self.asks_every_minutes is None or self.facts.refused:
            return "bad"
        return "warn" if self.is_stretched or self.is_running_out else "ok"

    @property
    def _reserve(self) -> int:
        return max(self.facts.reserve, self.facts.due.look_ups)

    @property
    def _hourly_polls(self) -> int:
        """What an hourly look at the lists still takes of this day; never more than half of what may be read at all."""
        half = (self.facts.allowed - self.facts.reserve) // 2
        return max(min(24 * self.facts.calls_a_poll, half) - self.facts.used.polls, 0)

    def _polls_until(self, hours: int) -> float:
        """How often the lists can be asked in so many hours, when confirmations and details come as on a usual day."""
        facts = self.facts
        confirmations = max(facts.usual.confirmations * hours / 24, facts.due.confirmations)
        details = max(facts.usual.details * hours / 24, facts.due.details)
        room = facts.allowed - self._reserve - confirmations - facts.still_counted(hours)
        hourly = min(hours * facts.calls_a_poll, room / 2)
        return max(room - details, hourly) / facts.calls_a_poll

    def _at_pace(self, hours: int) -> float:
        return self.facts.still_counted(hours) + self.facts.work_an_hour * hours


def in_words(plan: DayPlan) -> str:
    """The day for people: what was used for what, what is left for whom, and how often the lists are asked."""
    used, may_take = plan.facts.used, plan.may_take
    return (
        f"{used.total:,} of the {plan.facts.allowed:,} ReturnGo calls of 24 hours are used (lists {used.polls:,}, details {used.details:,}, confirmations "
        f"{used.confirmations:,}, look-ups {used.look_ups:,}, history {used.history:,}); of the {plan.left:,} left, {may_take.confirmations:,} are kept for "
        f"confirmations, {may_take.look_ups:,} for look-ups, and history may take {may_take.history:,}; {pace_in_words(plan)}"
    )


def pace_in_words(plan: DayPlan) -> str:
    """How often the lists are asked, and what is coming."""
    every = plan.asks_every_minutes
    if every is None:
        pace = f"lists and details rest{_until(plan.comes_free_in_hours)}"
    elif plan.is_stretched:
        pace = f"the lists are asked every {every} minutes instead of every {TICK_MINUTES}"
    else:
        pace = f"the lists are asked every {TICK_MINUTES} minutes"
    if plan.facts.refused:
        pace += f"; ReturnGo refused {plan.facts.refused:,} calls: somebody else uses the key, or it allows fewer a day"
    elif every is not None and plan.is_running_out:
        pace += f"; at the pace of the last three hours they will rest in {plan.runs_out_in_hours} hours"
    return pace


def _until(hours: int | None) -> str:
    return f" until calls come free, from {hours} hours on" if hours else ""
