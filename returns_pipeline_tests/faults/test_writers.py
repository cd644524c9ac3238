"""Each writer as the UI's button starts it, and the order of its steps: turn, mark, call, record."""

import json
import os
import signal
import threading
from contextlib import ExitStack

import pytest
from psycopg.types.json import Jsonb

from returns_pipeline.clients.pacing import BudgetSpent
from returns_pipeline.defs.metadata import metadata_of
from returns_pipeline.effects.runner import lock_of
from returns_pipeline.sandbox.faults import Fault
from returns_pipeline.stages import reconcile, write
from returns_pipeline.stages.passes import Scope, open_pass
from returns_pipeline.storage import database, home, ledger, locks
from returns_pipeline.storage.ledger.payloads import payload_sha256
from returns_pipeline_tests.faults.drills import credit_plan, wait_until_wanted
from returns_pipeline_tests.faults.shop import planned
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


def test_a_writer_waits_for_the_turn_of_another_step(drill):
    """Where steps are processes of their own, two writers meet at the account: the second must not leave its credits to the next run."""
    drill.plan(credit_plan())
    with database.connect() as other, database.connect() as looking, ExitStack() as turn:
        turn.enter_context(locks.hold(other, lock_of("brightpearl")))

        def leave() -> None:
            wait_until_wanted(looking, "brightpearl")
            turn.close()

        leaving = threading.Thread(target=leave)
        leaving.start()
        assert drill.drain().confirmed == 1
        leaving.join()


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


def test_a_writer_whose_time_is_over_leaves_the_rest_to_the_next_run(drill, account):
    """A backlog of hours in one run would let nothing be read until it is through."""
    clock = Clock()
    drill.plan(*(credit_plan(part) for part in range(1, 5)))

    def wait(_: object) -> None:
        clock.now += 12.0

    drill.accounts.pacer.wait = wait
    report = drill.drain(clock=clock)
    assert (report.confirmed, report.left_planned, len(account.posts)) == (2, 2, 2)
    assert "30 s of draining are over" in str(report.stopped_reason)
    assert drill.drain(clock=clock).confirmed == 2


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


WRITERS = {
    "credit.raise": (write.raise_expected_returns, "returngo_rmas"),
    "credit.post": (write.post_credits, "brightpearl_goods_in"),
    "returngo.receive": (write.confirm_receipts, "returns_receipts"),
    "transfer.create": (write.move_stock, "brightpearl_goods_in"),
}


@pytest.mark.parametrize("kind", WRITERS)
def test_f51_each_writer_started_alone_with_a_closed_gate_sends_nothing(shop, kind):
    """Somebody presses Materialise on one asset: the effect stays planned, and the run says which gate and why."""
    start, table = WRITERS[kind]
    key = planned(shop, kind)
    before = len(shop.writes())
    books.close_gate(shop.connection, table)
    with open_pass(shop.settings, shop.accounts, "run", Scope()) as opened:
        report = start(opened)
    assert (shop.state(key), len(shop.writes())) == ("planned", before)
    assert f"1 {kind} of uk wait for a gate: {table}: half of the rows were held" in "\n".join(report.notes)
    books.open_gates(shop.connection)
    with open_pass(shop.settings, shop.accounts, "run", Scope()) as opened:
        start(opened)
    assert shop.state(key) == "confirmed"
    assert len(shop.writes()) > before


def test_what_was_put_off_is_sent_when_its_time_comes_although_nothing_has_moved(shop):
    """Only the clock has: a writer that told its last report while something waits would leave it unsent."""
    key = planned(shop, "credit.raise")
    shop.connection.execute("UPDATE effect SET not_before = now() + interval '1 hour'")
    for _ in range(2):
        with open_pass(shop.settings, shop.accounts, "run", Scope()) as opened:
            write.raise_expected_returns(opened)
    assert shop.state(key) == "planned"
    with shop.connection.transaction():
        # As an hour would do it: no row is seen to move.
        shop.connection.execute("SET LOCAL session_replication_role = replica")
        shop.connection.execute("UPDATE effect SET not_before = now()")
    with open_pass(shop.settings, shop.accounts, "run", Scope()) as opened:
        write.raise_expected_returns(opened)
    assert shop.state(key) == "confirmed"


def test_f46_a_writer_that_finds_an_older_database_looks_before_its_first_write(shop):
    """Restored from last night: the credit of this morning stands, and the ledger has planned it again."""
    credit_id, _ = shop.raised()
    with shop.connection.transaction():
        for table in ("effect_attempt", "effect_line", "effect", "order_row_balance"):
            shop.connection.execute(f"DELETE FROM {table}")  # noqa: S608 - the names above
    books.balance(shop.connection, shop.row.row_id, 2, shop.net, shop.tax, shop.sale.order_id)
    key = shop.plan(shop.raising())
    home.ledger_head().write_text(json.dumps({"seq": 1000, "hash": "ab"}))
    before = len(shop.writes())
    with open_pass(shop.settings, shop.accounts, "run", Scope()) as opened:
        write.raise_expected_returns(opened)
    assert (shop.state(key), len(shop.writes())) == ("confirmed", before)
    assert books.effect_of(shop.connection, key).remote_id == str(credit_id)


def tamper(connection, statement: str, *parameters: object) -> None:
    """As somebody with the database's own password would."""
    with connection.transaction():
        connection.execute("ALTER TABLE effect DISABLE TRIGGER USER")
        connection.execute(statement, parameters)
        connection.execute("ALTER TABLE effect ENABLE TRIGGER USER")


def changed_payload(drill) -> dict:
    payload = dict(books.effect_of(drill.connection, "raise:77:5001:1").payload)
    return json.loads(json.dumps(payload).replace("10.00", "99.00"))


@pytest.fixture
def approved(drill):
    """Two credits that a person has approved as one batch."""
    drill.plan(credit_plan(needs_approval=True), credit_plan(2, needs_approval=True))
    (batch,) = ledger.waiting(drill.connection)
    ledger.approve(drill.connection, batch.effect_ids, "Finance", batch.sha256_hex)
    return drill


def test_an_approved_batch_is_sent(approved, account):
    """Else the two tests below would pass for another reason."""
    assert approved.drain().confirmed == 2


def test_a_payload_changed_after_its_approval_is_not_sent(approved, account):
    """What a person approved is what goes out, whoever has the database's password."""
    tamper(
        approved.connection,
        "UPDATE effect SET payload = %s WHERE business_key = 'raise:77:5001:1'",
        Jsonb(changed_payload(approved)),
    )
    report = approved.drain()
    assert (report.rejected, approved.reason()) == (1, "payload_changed")
    assert [body["externalRef"] for _, body in account.posts] == ["rg-77-5001-2"]


def test_a_batch_that_no_longer_has_the_hash_of_its_approval_is_not_sent(approved, account):
    """The payload and its own hash were both changed: only the batch that was approved still knows."""
    changed = changed_payload(approved)
    tamper(
        approved.connection,
        "UPDATE effect SET payload = %s, payload_sha256 = %s WHERE business_key = 'raise:77:5001:1'",
        Jsonb(changed),
        payload_sha256(changed),
    )
    assert approved.drain().halted == 2
    assert (approved.reason(), account.posts) == ("payload_changed", [])


def test_the_head_of_the_audit_goes_into_dagsters_event_log(shop):
    """Whoever rewrites our tables would have to rewrite another system's log as well."""
    shop.plan(shop.raising())
    with open_pass(shop.settings, shop.accounts, "run", Scope()) as opened:
        metadata = metadata_of(reconcile.measure_health(opened))
    head = ledger.head(shop.connection)
    assert metadata["audit_head"].value == f"row {head.seq}, SHA-256 {head.hash_hex}"


class Clock:
    """A monotonic clock that stands until it is moved."""

    def __init__(self) -> None:
        self.now = 0.0

    def monotonic(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        self.now += seconds
