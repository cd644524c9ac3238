"""A sequence of a simulation: steps drawn at random, then everything calms down and nothing may be lost. Replayable by its seed."""

import itertools
import random
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext

import pytest

from returns_pipeline.effects import failpoints
from returns_pipeline.storage import locks
from returns_pipeline_tests.faults.invariants import Broken, Observer
from returns_pipeline_tests.faults.simulation import Simulation
from returns_pipeline_tests.faults.trade import Sale
from returns_pipeline_tests.faults.workers import FAULTS, POINTS, Killed

_MOST_CALM_ROUNDS = 40


class Sequence:
    """One sale and what happens to it."""

    def __init__(self, simulation: Simulation, observer: Observer, seed: int) -> None:
        self.simulation, self.observer = simulation, observer
        self.random = random.Random(seed)  # noqa: S311 - replayed by its seed
        quantity = self.random.randint(1, 6)
        self.sale: Sale = simulation.sell(quantity, self._parts(quantity))
        self._is_open = True

    def play(self) -> None:
        """Plays some steps, each followed by a look, and then calms down.

        Raises:
            Broken: an invariant does not hold.
        """
        self.simulation.plan()
        for _ in range(self.random.randint(4, 14)):
            self.step()
            self.observer.look()
        self.calm_down()

    def step(self) -> None:
        """One step, drawn at random; half of them are the writer's."""
        simulation, sale = self.simulation, self.sale
        part = self.random.choice(sale.parts)
        deeds: list[tuple[int, Callable[[], object]]] = [
            (9, self.drain_with_faults),
            (5, self.drain_and_die),
            (2, self.drain_together),
            (1, self.drain_in_shadow),
            (3, simulation.plan),
            (4, simulation.settle),
            (5, lambda: simulation.advance(self.random.choice((20, 70, 200, 400, 2000)))),
            (8, lambda: simulation.receive(sale, part)),
            (2, simulation.approve),
            (2, simulation.sell_to_another),
            (1, self.decide_about_one),
            (1, self.turn_gate),
            (1, self.make_searches_lag),
            (2, self.clone_by_hand),
            (1, lambda: simulation.close_by_hand(sale, part)),
            (1, lambda: simulation.cancel_by_hand(sale, part)),
            (1, lambda: simulation.withdraw(sale, part)),
        ]
        weights, acts = zip(*deeds, strict=True)
        self.random.choices(acts, weights)[0]()

    def drain_with_faults(self) -> None:
        """A pass plans and works, or a writer is started alone; its writes meet up to two faults."""
        if self.random.random() < 0.6:
            self.simulation.plan()
        for _ in range(self.random.choice((1, 1, 2))):
            self.simulation.strike(self.random.choice(FAULTS), self.random.randint(1, 2))
        self._alone(lambda: self.simulation.drain())

    def drain_and_die(self) -> None:
        """A worker dies at some point, or the database drops its connection there."""
        point, nth = self.random.choice(POINTS), self.random.randint(1, 2)
        is_database = self.random.random() < 0.4
        if self.random.random() < 0.3:
            self.simulation.strike(self.random.choice(FAULTS), 1)
        met = itertools.count(1)
        self.simulation.plan()

        def reach(name: str) -> None:
            if name == point and next(met) == nth:
                self.simulation.injected[f"{'database gone' if is_database else 'killed'} at {point}"] += 1
                if not is_database:
                    raise Killed
                self.simulation.drop_connections()

        with reaching(self.simulation, reach):
            self._alone(lambda: self.simulation.drain())

    def drain_together(self) -> None:
        """Two or three workers at once, their steps interleaved; time may pass and outcomes may be looked up in between."""
        for _ in range(self.random.choice((0, 0, 1))):
            self.simulation.strike(self.random.choice(FAULTS), self.random.randint(1, 3))
        workers = [
            lambda name=f"w{number}": self.simulation.drain(name) for number in range(self.random.choice((2, 2, 3)))
        ]
        by_chance = [self.simulation.settle, lambda: self.simulation.advance(130)]
        if self.random.random() < 0.5:
            workers.append(self.random.choice(by_chance))
        interleaving = Interleaving(self.random)
        with reaching(self.simulation, interleaving.step), without_locks():
            interleaving.run(workers)
        self.simulation.calm_faults()

    def drain_in_shadow(self) -> None:
        """Started in shadow mode, a worker writes nothing."""
        before = self.observer.writes
        self.simulation.drain(settings=self.simulation.settings.model_copy(update={"mode": "shadow"}))
        if self.observer.writes != before:
            raise Broken("I22: something was written in shadow mode")

    def decide_about_one(self) -> None:
        """An operator decides about one effect that is stuck."""
        stuck = self.simulation.effects("halted", "rejected")
        if stuck:
            self.simulation.decide(self.random.choice(stuck))

    def turn_gate(self) -> None:
        """A bad batch closes the gate, or a good one opens it."""
        self._is_open = not self._is_open
        self.simulation.gate(self._is_open)

    def make_searches_lag(self) -> None:
        """From now on searches show changes later, or at once."""
        self.simulation.account.world.switches.search_lag_seconds = self.random.choice((0.0, 90.0, 900.0))

    def clone_by_hand(self) -> None:
        """Staff credit a unit themselves, if one is left to credit."""
        credited = sum(row.quantity for credit in self.simulation.credits_of(self.sale) for row in credit.rows.values())
        if credited < self.sale.quantity:
            self.simulation.clone_by_hand(self.sale)

    def calm_down(self) -> None:
        """No more faults: time passes, people decide, until nothing moves any more.

        Raises:
            Broken: it never ends, or something is lost or doubled at the end.
        """
        simulation = self.simulation
        simulation.account.world.switches.search_lag_seconds = 0.0
        if not self._is_open:
            self.turn_gate()
        for _ in range(_MOST_CALM_ROUNDS):
            before = simulation.fingerprint()
            simulation.advance(1000)
            simulation.sell_to_another()
            simulation.settle()
            simulation.plan()
            simulation.approve()
            simulation.drain()
            for effect in simulation.effects("halted", "rejected"):
                simulation.decide(effect)
            self.observer.look()
            if simulation.fingerprint() == before and not simulation.effects(
                "planned", "claimed", "sending", "unknown"
            ):
                break
        else:
            states = [(effect.business_key, effect.state, effect.reason) for effect in simulation.effects()]
            raise Broken(f"it does not come to rest: {states}")
        self.observer.look_at_the_end()
        writes = self.observer.writes
        simulation.settle()
        simulation.drain()
        if self.observer.writes != writes or simulation.fingerprint() != before:
            raise Broken("I15: a run without anything new wrote something")

    def _alone(self, work: Callable[[], object]) -> None:
        """What a single worker must not do: write behind a closed gate, or post beside a credit that it could have seen."""
        simulation, before = self.simulation, self.observer.writes
        strangers = set(self.sale.foreign_ids) - set(self.sale.known_ids)
        lags = simulation.account.world.switches.search_lag_seconds > 0
        posted = self._posted()
        work()
        simulation.calm_faults()
        if not self._is_open and self.observer.writes != before:
            raise Broken("I21: something was written while the gate was closed")
        if strangers and not lags and self._posted() != posted:
            raise Broken(f"F40: posted beside {strangers}")
        for effect in simulation.effects():
            if effect.attempt and simulation.is_unapproved(effect):
                raise Broken(f"I21: {effect} was sent and nobody has approved it")

    def _posted(self) -> set[int]:
        return {
            credit.order_id
            for credit in self.simulation.standing()
            if credit.parent_id == self.sale.order_id and credit.is_invoiced
        }

    def _parts(self, quantity: int) -> list[int]:
        parts = []
        left = self.random.randint((quantity + 1) // 2, quantity)
        while left:
            parts.append(self.random.randint(1, min(left, 2)))
            left -= parts[-1]
        return parts


class Interleaving:
    """Runs several jobs in threads, only one of them at any moment; at every step a seeded choice says who goes on."""

    def __init__(self, chance: random.Random) -> None:
        self._random = chance
        self._turns: list[threading.Semaphore] = []
        self._alive: list[int] = []
        self._back = threading.Semaphore(0)
        self._mine = threading.local()
        self._failures: list[BaseException] = []

    def run(self, jobs: list[Callable[[], object]]) -> None:
        """Runs the jobs to their ends.

        Raises:
            BaseException: what a job raised, other than that it was killed.
        """
        self._turns = [threading.Semaphore(0) for _ in jobs]
        self._alive = list(range(len(jobs)))
        threads = [threading.Thread(target=self._job, args=(number, job)) for number, job in enumerate(jobs)]
        for thread in threads:
            thread.start()
        while self._alive:
            self._turns[self._random.choice(self._alive)].release()
            self._back.acquire()
        for thread in threads:
            thread.join()
        if self._failures:
            raise self._failures[0]

    def step(self, _: str) -> None:
        """Called by a job: gives the turn back, and waits for the next; now and then the job dies here."""
        number = getattr(self._mine, "number", None)
        if number is None:
            return
        self._back.release()
        self._turns[number].acquire()
        if self._random.random() < 0.02:
            raise Killed

    def _job(self, number: int, job: Callable[[], object]) -> None:
        self._turns[number].acquire()
        self._mine.number = number
        try:
            job()
        except Killed:
            pass
        except BaseException as failure:  # noqa: BLE001 - raised by run
            self._failures.append(failure)
        finally:
            self._alive.remove(number)
            self._back.release()


@contextmanager
def reaching(simulation: Simulation, reach: Callable[[str], None]) -> Iterator[None]:
    """Tells `reach` of every point that a worker comes to."""
    before = simulation.reach
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(failpoints, "reach", reach)
        simulation.reach = reach
        yield
        simulation.reach = before


@contextmanager
def without_locks() -> Iterator[None]:
    """Workers do not wait for each other: correctness must not rest on the advisory lock."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(locks, "hold", lambda *_, **__: nullcontext())
        yield
