"""An account's processes share its minute: all of it is used, and not one call more."""

import contextlib
import itertools
import math
import threading

import pytest

from returns_pipeline.storage import database
from returns_pipeline.storage.pacing import PostgresPacer
from returns_pipeline_tests.storage.clock import Clock, Stalled

WRITE, RECONCILE, POLL, BACKFILL = range(4)


@pytest.fixture
def clock(connection):
    return Clock(connection)


@pytest.fixture
def pacers(clock):
    opened = []

    def make(per_minute=100, **more) -> PostgresPacer:
        opened.append(PostgresPacer(database.connect, "brightpearl", per_minute, sleep=clock.sleep, **more))
        return opened[-1]

    yield make
    for pacer in opened:
        pacer.close()


def moments(clock: Clock, until: float, *drawing: PostgresPacer) -> list[float]:
    """When calls are made until that moment, by processes in turn that make as many as they may."""
    made = []
    for pacer in itertools.cycle(drawing):
        pacer.wait(WRITE)
        if clock.now >= until:
            return made
        made.append(clock.now)
    raise AssertionError("unreachable")


def drawn(clock: Clock, pacer: PostgresPacer, priority: int = WRITE) -> int:
    """How many calls of that priority go before it has to wait for others to grow old."""
    clock.longest_wait, count = 3.0, 0
    with contextlib.suppress(Stalled):
        while True:
            pacer.wait(priority)
            count += 1
    clock.longest_wait = math.inf
    return count


def most_in_a_minute(made: list[float]) -> int:
    return max(sum(begin <= moment < begin + 60 for moment in made) for begin in made)


def test_the_share_is_used_and_no_rolling_minute_holds_more(clock, pacers):
    """A bucket that fills while it is drawn from gives its content beside the minute's rate: 110 calls where 100 are ours."""
    made = moments(clock, 300, pacers(), pacers())
    assert most_in_a_minute(made) == 100
    assert len(made) >= 0.98 * 500


def test_a_pause_is_made_up_for(clock, pacers):
    """A writer that plans for a quarter of a minute between two drains had lost it: its quota ran on, and the calls were not made."""
    pacer, made = pacers(), []
    for end in range(300, 900, 300):
        made += moments(clock, end - 15, pacer)
        clock.sleep(15)
    assert most_in_a_minute(made) <= 100
    assert len(made) >= 0.96 * 1000


def test_a_minute_is_not_spent_at_once(clock, pacers):
    """What a neighbour takes is told by answers: after a burst of a whole minute's calls none comes for the rest of it."""
    made = moments(clock, 61, pacers())
    assert sum(moment < 1 for moment in made) <= 52
    assert made[-1] > 25


def test_drawing_at_the_same_moment_never_gives_a_call_twice(clock, pacers):
    """Read first and write later, and two threads both see the last call."""
    clock.longest_wait = 0.0
    granted = []

    def draw(pacer: PostgresPacer) -> None:
        with contextlib.suppress(Stalled):
            while True:
                pacer.wait(WRITE)
                granted.append(1)

    threads = [threading.Thread(target=draw, args=[pacers(20)]) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    assert len(granted) == 10


def test_the_less_urgent_leave_some_for_the_more_urgent(clock, pacers):
    """A backfill must not make a posted credit wait."""
    pacer = pacers()
    assert [drawn(clock, pacer, each) for each in (BACKFILL, POLL, RECONCILE, WRITE)] == [50, 25, 15, 10]


def seconds_to_wait(clock: Clock, pacer: PostgresPacer, priority: int) -> float:
    """How long a call of that priority would have to wait now."""
    clock.longest_wait = 0.0
    with pytest.raises(Stalled) as stalled:
        pacer.wait(priority)
    clock.longest_wait = math.inf
    return stalled.value.args[0]


def test_a_writer_that_uses_the_whole_minute_does_not_keep_others_from_reading(clock, pacers):
    """A backlog is written for an hour: whoever read only when a quarter of the minute is free would learn nothing of it until it is through."""
    pacer = pacers()
    for reading in (POLL, RECONCILE):
        moments(clock, clock.now + 300, pacer)
        drawn(clock, pacer, WRITE)
        assert seconds_to_wait(clock, pacer, reading) == pytest.approx(seconds_to_wait(clock, pacer, WRITE), abs=0.5)
        for _ in range(10):
            pacer.wait(reading)
        drawn(clock, pacer, WRITE)
        for_writing = seconds_to_wait(clock, pacer, WRITE)
        assert for_writing < seconds_to_wait(clock, pacer, reading), "its part is used"
        assert for_writing < seconds_to_wait(clock, pacer, BACKFILL), "past returns have none"


def test_a_share_of_one_call_serves_every_priority(clock, pacers):
    """What is kept back of very little must not leave nothing: then nothing would ever be polled."""
    pacer = pacers(1)
    for priority in (BACKFILL, POLL, RECONCILE, WRITE):
        assert drawn(clock, pacer, priority) == 1
        clock.sleep(61)


def test_a_neighbours_calls_are_taken_off_our_share_at_once(clock, pacers):
    """Other apps share the pool: ours may be unused while the account has next to nothing left."""
    one, other = pacers(), pacers()
    for _ in range(20):
        one.wait(WRITE)
    one.note(60, 42_000)
    assert drawn(clock, other) == 30, "200 in all, 120 of others, 20 of ours: 50 may be ours if 30 are to stay free"
    clock.sleep(61)
    assert drawn(clock, one) == 50


def test_what_a_neighbour_gives_back_is_ours_again(clock, pacers):
    """A share that only ever shrinks would leave the pipeline slow for good after one busy minute of others."""
    pacer = pacers()
    pacer.wait(WRITE)
    pacer.note(69, 42_000)
    assert drawn(clock, pacer) == 39
    clock.sleep(61)
    pacer.wait(WRITE)
    pacer.note(199, 59_000)
    assert drawn(clock, pacer) == 99


def test_below_the_reserve_everybody_waits_for_the_next_period(clock, pacers):
    """Where the account counts by the clock and not by the rolling minute, its next period is the first that has room."""
    one, other = pacers(), pacers()
    one.wait(WRITE)
    clock.sleep(30)
    one.note(12, 42_000)
    other.wait(WRITE)
    assert 72 <= clock.now < 73
    assert drawn(clock, one) == 0, "one call asks how things stand"


def test_plenty_left_blocks_nobody_and_writes_nothing(connection, clock, pacers):
    """Every answer carries the header; it must neither slow a quiet hour nor cost a write."""
    pacer = pacers()
    moments(clock, 40, pacer)
    before = connection.execute("SELECT xmin FROM quota_pools").fetchone()
    pacer.note(180, 42_000)
    pacer.note(80, 42_000)
    assert connection.execute("SELECT xmin FROM quota_pools").fetchone() == before


def test_only_the_calls_of_a_minute_are_kept(connection, clock, pacers):
    """A row for each call ever made would be history that every draw pays for."""
    moments(clock, 200, pacers(50))
    assert connection.execute("SELECT count(*) FROM quota_draws").fetchone() == (50,)


def test_an_answer_survives_that_its_count_cannot_be_noted(connection, pacers):
    """F33: the database goes away between a credit and its answer's record; the next turn is drawn on a new connection."""
    pacer = pacers()
    pacer.wait(WRITE)
    connection.execute(
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()"
    )
    pacer.note(100, 2000)
    pacer.wait(WRITE)
    assert connection.execute("SELECT drawn FROM quota_pools").fetchone() == (2,)
