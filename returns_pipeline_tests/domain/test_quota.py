"""The plan of ReturnGo's day: it never gives more than there is, writes go first, and whoever keeps to it is never refused."""

from dataclasses import replace

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from returns_pipeline.domain.quota import TICK_MINUTES, Calls, DayFacts, DayPlan, in_words

HOURS = 25
WORK = ("confirmations", "look_ups", "details", "polls")
PURPOSES = (*WORK, "history", "others")
QUIET = DayFacts(
    allowed=2000, reserve=200, most_history=1000, used=Calls(), by_hour=(0,) * HOURS, work_an_hour=0.0,
    usual=Calls(), due=Calls(), calls_a_poll=3,
)  # fmt: skip
calls = st.builds(Calls, *(st.integers(0, 900) for _ in PURPOSES))


@st.composite
def days(draw: st.DrawFn) -> DayFacts:
    """Any day, from an empty one to one that is used up; each purpose's calls fall into any hours."""
    hours, used = [0] * HOURS, Calls()
    for purpose in PURPOSES:
        for hour in draw(st.lists(st.integers(0, HOURS - 1), max_size=4)):
            some = draw(st.integers(1, 400))
            hours[hour] += some
            used = replace(used, **{purpose: getattr(used, purpose) + some})
    allowed = draw(st.integers(1, 4000))
    return DayFacts(
        allowed=allowed,
        reserve=draw(st.integers(0, allowed)),
        most_history=draw(st.integers(0, allowed)),
        used=used,
        by_hour=tuple(hours),
        work_an_hour=draw(st.floats(0, 500)),
        usual=draw(calls),
        due=draw(calls),
        calls_a_poll=draw(st.integers(1, 60)),
    )


def used_in(facts: DayFacts, hour: int, **more: int) -> DayFacts:
    """The same day with more calls in one of its hours."""
    used = replace(facts.used, **{purpose: getattr(facts.used, purpose) + count for purpose, count in more.items()})
    hours = list(facts.by_hour)
    hours[hour] += sum(more.values())
    return replace(facts, used=used, by_hour=tuple(hours))


@given(days())
def test_what_all_may_take_is_never_more_than_what_is_left_of_the_day(facts):
    """Two purposes that were both promised the last hundred calls would be refused in the middle of a list."""
    plan = DayPlan(facts)
    parts = [getattr(plan.may_take, purpose) for purpose in PURPOSES]
    assert min(parts) >= 0
    assert sum(parts) <= plan.left <= max(facts.allowed - facts.used.total, 0)
    assert plan.may_take.history <= plan.for_reading <= plan.for_look_ups <= plan.left


@given(days())
def test_whatever_the_others_draw_the_confirmations_that_wait_still_go(facts):
    """A poll that took the last call would hold a customer's refund until tomorrow."""
    plan = DayPlan(facts)
    assert plan.left - plan.for_look_ups >= min(facts.due.confirmations, plan.left)
    assert plan.for_look_ups - plan.for_reading >= min(facts.reserve, plan.for_look_ups)


@given(days(), st.sampled_from(PURPOSES), st.integers(0, HOURS - 1), st.integers(1, 50))
def test_more_used_never_gives_more(facts, purpose, hour, more):
    """A plan that grew with what is used would never end."""
    before, after = DayPlan(facts), DayPlan(used_in(facts, hour, **{purpose: more}))
    for name in PURPOSES:
        assert getattr(after.may_take, name) <= getattr(before.may_take, name), name
    for name in ("left", "for_look_ups", "for_reading"):
        assert getattr(after, name) <= getattr(before, name), name
    if after.asks_every_minutes is not None:
        assert before.asks_every_minutes is not None
        assert after.asks_every_minutes >= before.asks_every_minutes
    if before.runs_out_in_hours is not None:
        assert after.runs_out_in_hours is not None
        assert after.runs_out_in_hours <= before.runs_out_in_hours


@given(days())
@example(replace(QUIET, calls_a_poll=42))
def test_the_interval_lasts_for_every_hour_of_the_next_day(facts):
    """Asking at the usual pace until noon and then not at all would hide an afternoon's returns."""
    plan = DayPlan(replace(facts, usual=replace(facts.usual, details=0), due=replace(facts.due, details=0)))
    every = plan.asks_every_minutes
    if every is None:
        return
    facts = plan.facts
    assert every % TICK_MINUTES == 0
    for hours in range(1, 25):
        polls = hours * 60 / every * facts.calls_a_poll
        confirmations = max(facts.usual.confirmations * hours / 24, facts.due.confirmations)
        assert facts.still_counted(hours) + polls + confirmations <= facts.allowed - facts.reserve + 1e-6


@given(days())
def test_history_takes_nothing_that_todays_work_wants(facts):
    """An audit of last year must not cost one of today's lists."""
    may_take, usual, used = DayPlan(facts).may_take, facts.usual, facts.used
    if may_take.history:
        assert may_take.details >= max(usual.details - used.details, facts.due.details)
        assert may_take.confirmations >= max(usual.confirmations - used.confirmations, facts.due.confirmations)
        assert may_take.polls >= 144 * facts.calls_a_poll - used.polls
        assert may_take.history <= facts.most_history - used.history


def test_an_ordinary_shop_is_asked_every_ten_minutes_and_history_gets_the_rest():
    """144 times 3 calls of lists, 300 details and 300 confirmations fit into 2,000."""
    plan = DayPlan(replace(QUIET, usual=Calls(confirmations=300, details=300)))
    assert (plan.asks_every_minutes, plan.state) == (10, "ok")
    assert plan.may_take == Calls(confirmations=300, look_ups=200, details=300, polls=432, history=768)


@pytest.mark.parametrize(
    ("calls_a_poll", "minutes"),
    [(3, 10), (12, 10), (13, 20), (42, 40), (60, 50), (600, 480)],
    ids=["one shop", "four", "one more page", "20,000 open returns", "twenty shops", "far too much"],
)
def test_the_interval_grows_with_what_a_look_costs(calls_a_poll, minutes):
    """1,800 calls are left beside the reserve; a day has 144 ticks."""
    assert DayPlan(replace(QUIET, calls_a_poll=calls_a_poll)).asks_every_minutes == minutes


def test_a_burst_is_warned_of_hours_before_reading_has_to_rest():
    """150 calls an hour from a backlog; nobody reads health in the hour in which the last call goes."""
    facts, states = QUIET, []
    for _ in range(12):
        facts = replace(used_in(facts, 0, details=135, polls=18), work_an_hour=153.0)
        plan = DayPlan(facts)
        states.append((plan.state, plan.runs_out_in_hours))
        facts = replace(facts, by_hour=(0, *facts.by_hour[:-1]))
    assert [state for state, _ in states].index("warn") == 5
    assert states[5] == ("warn", 6)
    assert states[-1][0] == "bad"


def test_a_day_that_is_used_up_rests_reading_and_says_when_calls_come_free():
    facts = used_in(used_in(QUIET, 20, details=1000), 2, details=800)
    plan = DayPlan(facts)
    assert (plan.asks_every_minutes, plan.for_reading, plan.left, plan.state) == (None, 0, 200, "bad")
    assert plan.comes_free_in_hours == 5
    assert in_words(plan) == (
        "1,800 of the 2,000 ReturnGo calls of 24 hours are used (lists 0, details 1,800, confirmations 0, look-ups 0, history 0); of the 200 left, "
        "0 are kept for confirmations, 200 for look-ups, and history may take 0; lists and details rest until calls come free, from 5 hours on"
    )


def test_calls_that_returngo_refused_are_told_even_on_a_day_that_looks_empty():
    """Another program with the same key is not in our count."""
    plan = DayPlan(replace(QUIET, refused=4))
    assert plan.state == "bad"
    assert in_words(plan).endswith("ReturnGo refused 4 calls: somebody else uses the key, or it allows fewer a day")
