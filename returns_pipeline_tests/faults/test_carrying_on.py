"""What a writer left by its time is sent on beside the next pass, whose writer need not wait for it."""

import threading
from collections.abc import Callable

import pytest

from returns_pipeline.clients.pacing import BudgetSpent
from returns_pipeline.effects.carrying_on import Turns, carry_on
from returns_pipeline.effects.runner import lock_of
from returns_pipeline.storage import database, locks
from returns_pipeline_tests.faults.drills import Drill, credit_plan, wait_until_wanted


class OtherWriter:
    """The next pass's writer: it wants the account from when it is called until it has had a look at the ledger."""

    def __init__(self, drill: Drill) -> None:
        self._drill = drill
        self.saw: dict[str, str] = {}
        self._thread = threading.Thread(target=self._look)

    def comes(self) -> None:
        """Returns when it waits."""
        self._thread.start()
        with database.connect() as looking:
            wait_until_wanted(looking, "brightpearl")

    def ends(self) -> None:
        self._thread.join(30)
        assert self.saw

    def _look(self) -> None:
        with (
            database.connect() as own,
            database.connect() as looking,
            locks.hold(own, lock_of("brightpearl"), wait_seconds=30),
        ):
            self.saw = dict(looking.execute("SELECT business_key, state::text FROM effect").fetchall())


@pytest.fixture
def turns(drill):
    opened = Turns(drill.settings, lambda: False)
    yield opened
    opened.close()


def carried_on(drill: Drill, turns: Turns, asked: Callable[[], bool] = lambda: False) -> int:
    return carry_on(drill.accounts, drill.settings, "carrying on", turns, asked)


def test_what_was_left_is_sent_and_then_it_ends(drill, turns):
    """A companion that waits for work that only a pass can plan would keep a sync from ending."""
    drill.plan(*(credit_plan(part) for part in range(1, 4)))
    assert carried_on(drill, turns) == 3
    assert set(drill.states().values()) == {"confirmed"}
    assert carried_on(drill, turns) == 0


def test_another_writer_has_the_account_after_the_call_under_way(drill, turns):
    """It plans from newer facts, and its run's time is counted: it must not wait for a drain of minutes. Afterwards the rest is sent."""
    other, sent = OtherWriter(drill), []

    def wait(_: object) -> None:
        sent.append(1)
        if len(sent) == 2:
            other.comes()

    drill.plan(*(credit_plan(part) for part in range(1, 5)))
    drill.accounts.pacer.wait = wait
    assert carried_on(drill, turns) == 4
    other.ends()
    assert sorted(other.saw.values()) == ["confirmed", "planned", "planned", "planned"]


def test_a_wait_for_the_minute_ends_when_another_writer_comes(drill, turns):
    """The minute may be full for half a minute: longer than that writer waits for its turn."""
    other, waits = OtherWriter(drill), []

    def wait(_: object) -> None:
        waits.append(1)
        if len(waits) == 1:
            other.comes()
            turns.sleep(3600)

    drill.plan(credit_plan())
    drill.accounts.pacer.wait = wait
    assert carried_on(drill, turns) == 1, "nothing was sent in that turn, and yet it was not the last"
    other.ends()
    assert list(other.saw.values()) == ["planned"]


def test_nothing_more_begins_once_it_is_asked_to_stop(drill):
    """The sync ends; what it started must end with it."""
    turns = Turns(drill.settings, lambda: True)
    with pytest.raises(BudgetSpent):
        turns.sleep(3600)
    drill.plan(credit_plan())
    assert carried_on(drill, turns, lambda: True) == 0
    assert drill.state() == "planned"
    turns.close()
