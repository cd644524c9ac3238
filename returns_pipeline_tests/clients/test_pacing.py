"""One process's share of the pool: never above it, and the remote's own count wins."""

from returns_pipeline.clients.pacing import LocalPacer, Priority
from returns_pipeline_tests.clients.server import Calls


def pacer(calls: Calls, per_minute: float = 60.0, burst: int = 2, reserve: int = 30) -> LocalPacer:
    return LocalPacer(per_minute, burst=burst, reserve=reserve, clock=calls.clock, sleep=calls.sleep)


def test_a_burst_goes_at_once_and_then_the_rate_holds():
    """Above our share another app of the account would be throttled."""
    calls = Calls()
    paced = pacer(calls)
    for _ in range(6):
        paced.wait(Priority.POLL)
    assert sum(calls.slept) == 4.0


def test_a_rest_fills_the_burst_and_no_more():
    """An idle night must not save up calls for a flood in the morning."""
    calls = Calls()
    paced = pacer(calls)
    calls.now += 3600
    for _ in range(4):
        paced.wait(Priority.POLL)
    assert sum(calls.slept) == 2.0


def test_a_nearly_empty_pool_is_slept_out():
    """Others drink from the same well: the limit is never learned by hitting it."""
    calls = Calls()
    paced = pacer(calls)
    paced.note(29, 2381)
    paced.wait(Priority.WRITE)
    assert sum(calls.slept) == 2.381


def test_a_full_pool_and_a_silent_answer_change_nothing():
    """ReturnGo's answers say nothing of what is left."""
    calls = Calls()
    paced = pacer(calls)
    paced.note(30, 2381)
    paced.note(None, None)
    paced.wait(Priority.WRITE)
    assert calls.slept == []
