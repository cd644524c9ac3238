"""The whole writer under random faults, kills and interleavings: a Hypothesis state machine, and sequences by a fixed and a fresh seed."""

import random

import hypothesis.strategies as st
import pytest
from hypothesis import HealthCheck, settings
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from returns_pipeline.settings import load_settings
from returns_pipeline_tests.faults.invariants import Broken, Observer
from returns_pipeline_tests.faults.simulation import SETTINGS, Simulation
from returns_pipeline_tests.faults.steps import Sequence
from returns_pipeline_tests.faults.workers import FAULTS
from returns_pipeline_tests.storage.ledger import books

FIXED_SEED, SEQUENCES = 20_260_301, 12


@pytest.fixture
def make_simulation(connection, tmp_path, monkeypatch):
    """Simulations on this test's database, with the dedupe key proven or not."""
    monkeypatch.setenv("RETURNS_HOME", str(tmp_path / "home"))
    books.open_gates(connection)
    made = []

    def make(dedupe: str, seed: int) -> Simulation:
        path = tmp_path / f"{dedupe}.toml"
        path.write_text(SETTINGS.format(dedupe=dedupe))
        live = load_settings({"RETURNS_SETTINGS": str(path), "RETURNS_MODE": "live"})
        made.append(Simulation(connection, live, seed))
        return made[-1]

    yield make
    for simulation in made:
        simulation.close()


@pytest.mark.parametrize("dedupe", ["unproven", "proven"])
@pytest.mark.parametrize("seed", [FIXED_SEED, None], ids=["fixed", "fresh"])
def test_nothing_is_doubled_and_nothing_is_lost_in_random_sequences(make_simulation, dedupe, seed):
    """Faults, kills, lost connections and two or three workers at once; at the end every received unit is posted or told."""
    first = random.SystemRandom().randrange(10**9) if seed is None else seed
    print(f"seed {first}, dedupe {dedupe}")  # noqa: T201 - a failure is replayed by it
    simulation = make_simulation(dedupe, first)
    observer = Observer(simulation)
    for number in range(first, first + SEQUENCES):
        Sequence(simulation, observer, number).play()
    assert simulation.injected.total() > 0, "nothing went wrong, so that nothing was tried"
    assert len(simulation.standing()) > 0


class Writer(RuleBasedStateMachine):
    """One sale, its parts, its people and the writer; Hypothesis draws the steps and shrinks what breaks."""

    simulation: Simulation
    observer: Observer
    is_open = True

    @initialize(seed=st.integers(0, 10**6))
    def begin(self, seed: int) -> None:
        self.sequence = Sequence(self.simulation, self.observer, seed)
        self.simulation.plan()

    @rule(fault=st.sampled_from(FAULTS), nth=st.integers(1, 2))
    def a_worker_meets_a_fault(self, fault, nth):
        self.simulation.plan()
        self.simulation.strike(fault, nth)
        self.simulation.drain()
        self.simulation.calm_faults()

    @rule()
    def a_worker_dies(self):
        self.sequence.drain_and_die()

    @rule()
    def workers_run_together(self):
        self.sequence.drain_together()

    @rule()
    def a_worker_runs_in_shadow(self):
        self.sequence.drain_in_shadow()

    @rule(seconds=st.sampled_from((20, 70, 400, 2000)))
    def time_passes(self, seconds):
        self.simulation.advance(seconds)

    @rule()
    def outcomes_are_looked_up(self):
        self.simulation.settle()

    @rule(number=st.integers(0, 3))
    def goods_come(self, number):
        parts = self.sequence.sale.parts
        self.simulation.receive(self.sequence.sale, parts[number % len(parts)])

    @rule(number=st.integers(0, 3))
    def staff_act_on_a_credit(self, number):
        parts = self.sequence.sale.parts
        deed = self.simulation.close_by_hand if number % 2 else self.simulation.cancel_by_hand
        deed(self.sequence.sale, parts[number % len(parts)])

    @rule()
    def staff_credit_a_unit(self):
        self.sequence.clone_by_hand()

    @rule()
    def a_person_approves(self):
        self.simulation.approve()

    @rule()
    def searches_fall_behind_or_catch_up(self):
        self.sequence.make_searches_lag()

    @precondition(lambda self: self.simulation.effects("halted", "rejected"))
    @rule()
    def a_person_decides(self):
        self.sequence.decide_about_one()

    @invariant()
    def nothing_is_doubled(self):
        if self.simulation.sales:
            self.observer.look()
            self.observer.look_at_exceptions()

    def teardown(self):
        if self.simulation.sales:
            self.sequence.calm_down()


def test_the_writer_keeps_its_promises_whatever_is_done_in_whatever_order(make_simulation):
    """Hypothesis draws the order of everybody's acts, and shrinks an order that breaks something to its shortest."""
    simulation = make_simulation("unproven", FIXED_SEED)

    class Bound(Writer):
        """The machine on this test's simulation."""

    Bound.simulation, Bound.observer = simulation, Observer(simulation)
    run_state_machine_as_test(
        Bound,
        settings=settings(
            max_examples=12,
            stateful_step_count=10,
            deadline=None,
            suppress_health_check=list(HealthCheck),
            derandomize=False,
        ),
    )


def test_a_broken_promise_is_seen(make_simulation):
    """Else all of the above would pass because nobody looks: a second credit under one reference is found at once."""
    simulation = make_simulation("unproven", FIXED_SEED)
    observer = Observer(simulation)
    sequence = Sequence(simulation, observer, FIXED_SEED)
    simulation.plan()
    simulation.drain()
    (credit, *_) = simulation.credits_of(sequence.sale)
    simulation.account.credit(externalRef=credit.external_ref, parentId=sequence.sale.order_id)
    with pytest.raises(Broken, match="I02"):
        observer.look()
