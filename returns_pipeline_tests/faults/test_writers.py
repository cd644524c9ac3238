"""Each writer as the UI's button starts it, and the order of its steps: turn, mark, call, record."""

import json
import os
import signal
import threading

import pytest

from returns_pipeline.clients.pacing import BudgetSpent
from returns_pipeline.sandbox.faults import Fault
from returns_pipeline.stages import write
from returns_pipeline.stages.passes import Scope, open_pass
from returns_pipeline_tests.faults.drills import credit_plan
from returns_pipeline_tests.storage.ledger import books


class Terminated(BaseException):
    """What a host raises when it is asked to stop, as Dagster does."""


@pytest.fixture
def terminated():
    """SIGTERM raises in the main thread, as it does within a run of Dagster."""

    def told(*_: object) -> None:
        raise Terminated

    before = signal.signal(signal.SIGTERM, told)
    yield
    signal.signal(signal.SIGTERM, before)


def test_f49_sigterm_during_a_writers_call_waits_for_its_answer(shop, terminated):
    """A deployment or a cancelled run: the call under way gets its record, and nothing else is begun."""
    key = shop.plan(shop.raising())
    transfer = shop.plan(shop.opening_transfer())
    shop.sandbox.faults.add(Fault("answer_late", method="POST", seconds=0.5))

    def terminate_during_the_call() -> None:
        while not any(method == "POST" for method, _ in shop.writes()):
            if over.wait(0.01):
                return
        os.kill(os.getpid(), signal.SIGTERM)

    over = threading.Event()
    watcher = threading.Thread(target=terminate_during_the_call)
    watcher.start()
    with pytest.raises(Terminated), open_pass(shop.settings, shop.accounts, "run", Scope()) as opened:
        write.raise_expected_returns(opened)
    over.set()
    watcher.join()
    assert (shop.state(key), shop.state(transfer)) == ("confirmed", "planned")
    assert [method for method, _ in shop.writes()] == ["POST"]


def test_f49_a_process_that_is_terminated_finishes_its_call(drill, account):
    """Only then does it end, by the signal; the rest stays planned."""
    drill.plan(credit_plan(), credit_plan(2))
    account.faults.append("hold and answer")
    process = drill.process()
    assert account.arrived.wait(30)
    process.send_signal(signal.SIGTERM)
    account.go_on.set()
    output, error = process.communicate(timeout=60)
    assert process.returncode == -signal.SIGTERM, error
    assert json.loads(output)["confirmed"] == 1
    assert sorted(drill.states().values()) == ["confirmed", "planned"]
    assert len(account.posts) == 1


def test_an_effect_waits_for_its_turn_before_it_is_marked(drill, account):
    """A minute of waiting while marked as sending would eat its lease, and a kill in it would be a person's work."""
    seen = []

    def wait(_: object) -> None:
        seen.append(drill.state())

    drill.plan(credit_plan())
    drill.accounts.pacer.wait = wait
    assert drill.drain().confirmed == 1
    assert seen[0] == "claimed"


def test_a_spent_day_leaves_effects_planned_and_ends_the_drain(drill, account):
    """Nothing may be sent today: no attempt is lost, and the drain does not go round in circles."""
    turns = []

    def wait(priority: object) -> None:
        turns.append(priority)
        raise BudgetSpent("2000 of 2000 calls of the day are used")

    drill.plan(credit_plan(), credit_plan(2))
    drill.accounts.pacer.wait = wait
    report = drill.drain()
    assert (report.left_planned, len(turns), account.posts) == (2, 1, [])
    assert "2000 of 2000 calls" in str(report.stopped_reason)
    assert books.effect_of(drill.connection, "raise:77:5001:1").attempt == 0


def test_a_turn_that_outlasts_the_claim_sends_nothing(make_drill, account):
    """Throttled for longer than the lease, somebody else may have the effect by now."""
    drill = make_drill(lease=20)
    clock = Clock()
    drill.plan(credit_plan())

    def wait(_: object) -> None:
        clock.now += 19.0

    drill.accounts.pacer.wait = wait
    assert drill.drain(clock=clock).left_planned == 1
    assert account.posts == []
    told = drill.connection.execute(
        "SELECT detail->>'reason' FROM audit WHERE what = 'planned' ORDER BY seq"
    ).fetchall()
    assert ("lease too short for another call",) in told


class Clock:
    """A monotonic clock that stands until it is moved."""

    def __init__(self) -> None:
        self.now = 0.0

    def monotonic(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        self.now += seconds
