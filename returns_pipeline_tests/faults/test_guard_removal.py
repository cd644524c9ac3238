"""Each guard is needed: with it a case ends well, and with it alone taken out the same case does damage. An unneeded guard is untested."""

import json
from collections.abc import Callable
from dataclasses import dataclass

import psycopg
import pytest
from psycopg.types.json import Jsonb

from returns_pipeline.effects import batches, guards, restore, runner, settle
from returns_pipeline.settings import live_kinds
from returns_pipeline.storage import home, ledger
from returns_pipeline.storage.ledger import approvals, claiming, outcomes, planning
from returns_pipeline.storage.ledger.payloads import payload_sha256
from returns_pipeline_tests.faults.drills import Drill, credit_plan, posting_plan
from returns_pipeline_tests.faults.ledger_account import Account
from returns_pipeline_tests.faults.test_writers import Clock, tamper
from returns_pipeline_tests.storage.ledger import books

Case = Callable[[Drill, Account], None]
FIRST = "raise:77:5001:1"


def is_refused(drill: Drill, statement: str, *parameters: object) -> bool:
    try:
        drill.connection.execute(statement, parameters)
    except psycopg.DatabaseError:
        return True
    return False


def two_planners_of_one_return(drill: Drill, account: Account) -> None:
    """Both have read that nothing is planned yet."""
    drill.plan()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(planning, "_live", lambda *_: {})
        drill.plan(credit_plan())
        drill.plan(credit_plan())
    drill.drain()
    assert len(account.credits) == 1


def a_receipt_line_in_two_postings(drill: Drill, account: Account) -> None:
    """The same goods on the bench, credited twice."""
    drill.plan(credit_plan(), credit_plan(2))
    drill.drain()
    books.received(drill.connection, 2)
    drill.plan(posting_plan(801, 1, receipt_line_id=31), posting_plan(802, 2, receipt_line_id=31))
    drill.drain()
    assert [path for path, _ in account.posts].count("/order-service/sales-credit/802/close") == 0


def one_credit_for_two_effects(drill: Drill, _: Account) -> None:
    """Two returns point at one credit: one of the customers is never refunded."""
    drill.plan(credit_plan(), credit_plan(2))
    books.confirm(drill.connection, "credit.raise", "801")
    confirmed = (
        "UPDATE effect SET state = 'confirmed', remote_id = '801', confirmed_by = 'adopted' WHERE state = 'planned'"
    )
    assert is_refused(drill, confirmed)


def an_answer_of_a_worker_that_was_given_up(drill: Drill, _: Account) -> None:
    """Somebody else is sending by now: a late 'throttled' must not plan it once more under their hands."""
    drill.plan(credit_plan())
    first = books.sending(drill.connection, "credit.raise")
    drill.let_leases_run_out()
    claiming.expire_leases(drill.connection)
    outcomes.settle(
        drill.connection, books.effect_of(drill.connection, FIRST), outcomes.Move("planned", "not_found: x")
    )
    books.sending(drill.connection, "credit.raise", "w2")
    late = outcomes.Move("planned", "throttled: 503")
    outcomes.record_outcome(drill.connection, first, outcomes.Evidence("not_executed", 503), late)
    assert drill.state() == "sending"


def a_turn_that_outlasts_the_claim(drill: Drill, account: Account) -> None:
    """Throttled for longer than the lease, somebody else may have the effect."""
    clock = Clock()
    drill.plan(credit_plan())
    drill.accounts.pacer.wait = lambda _: clock.sleep(29.5)  # type: ignore[method-assign]
    ledger_settings = drill.settings.ledger.model_copy(update={"lease_seconds": 30, "drain_seconds": 3600})
    drill.settings = drill.settings.model_copy(update={"ledger": ledger_settings})
    # After two rounds the drain would go on for an hour of the clock.
    drill.drain(clock=clock, stop=lambda: clock.now > 60)
    assert account.posts == []


def a_call_that_may_still_be_under_way(drill: Drill, _: Account) -> None:
    """Looked up too early, a close that is still on its way looks as if it had never been."""
    settled_too_early(drill)
    assert drill.state("post:801") == "unknown"


def settled_too_early(drill: Drill) -> None:
    drill.plan(credit_plan())
    drill.drain()
    books.received(drill.connection, 1)
    drill.plan(posting_plan(801))
    effect = books.sending(drill.connection, "credit.post")
    lost = outcomes.Move("unknown", "outcome_unknown: no answer")
    outcomes.record_outcome(drill.connection, effect, outcomes.Evidence("unknown"), lost)
    longer = drill.settings.ledger.model_copy(update={"unknown_horizon_seconds": 300})
    drill.settings = drill.settings.model_copy(update={"ledger": longer})
    drill.settle()


def a_search_that_lags(drill: Drill, account: Account) -> None:
    """Its silence is no proof before it has shown something newer."""
    account.hidden_seconds = 3600
    account.faults.append("drop after")
    drill.plan(credit_plan())
    drill.drain()
    drill.connection.execute("UPDATE effect SET sent_at = now() - interval '20 minutes'")
    drill.settle()
    assert drill.state() == "unknown"


def a_key_that_does_not_work(drill: Drill, account: Account) -> None:
    """Unproven, nothing that makes an object is sent again by itself."""
    account.faults.append("drop after")
    account.hidden_seconds = 3600
    drill.plan(credit_plan())
    drill.drain()
    account.hidden_seconds = 0
    account.add_credit({**credit_plan(9).payload["request"]["body"], "parentId": 1})
    drill.connection.execute("UPDATE effect SET sent_at = now() - interval '20 minutes'")
    drill.settle()
    drill.drain()
    assert len(account.of_reference("rg-77-5001-1")) == 1


def a_payload_changed_after_it_was_sent(drill: Drill, _: Account) -> None:
    """Sent again under the same reference with other figures, it would be taken for the first."""
    drill.plan(credit_plan())
    books.sending(drill.connection, "credit.raise")
    assert is_refused(drill, "UPDATE effect SET payload = %s", Jsonb({"other": 1}))


def a_fence_that_runs_backwards(drill: Drill, _: Account) -> None:
    """A worker that slept must not speak for the one that came after it."""
    drill.plan(credit_plan())
    books.sending(drill.connection, "credit.raise")
    assert is_refused(drill, "UPDATE effect SET fence = fence - 1")


def a_send_that_is_planned_again(drill: Drill, _: Account) -> None:
    """What is being sent is never reclaimed."""
    drill.plan(credit_plan())
    books.sending(drill.connection, "credit.raise")
    assert is_refused(drill, "UPDATE effect SET state = 'claimed'")


def changed_by_hand(drill: Drill, *, with_its_hash: bool) -> None:
    drill.plan(credit_plan(needs_approval=True))
    (batch,) = ledger.waiting(drill.connection)
    ledger.approve(drill.connection, batch.effect_ids, "Finance", batch.sha256_hex)
    payload = json.loads(json.dumps(dict(books.effect_of(drill.connection, FIRST).payload)).replace("10.00", "99.00"))
    tamper(drill.connection, "UPDATE effect SET payload = %s", Jsonb(payload))
    if with_its_hash:
        tamper(drill.connection, "UPDATE effect SET payload_sha256 = %s", payload_sha256(payload))
    drill.drain()


def a_payload_changed_after_its_approval(drill: Drill, account: Account) -> None:
    """Its own hash knows."""
    changed_by_hand(drill, with_its_hash=False)
    assert account.posts == []


def a_payload_and_its_hash_changed_after_its_approval(drill: Drill, account: Account) -> None:
    """The hash of the batch knows."""
    changed_by_hand(drill, with_its_hash=True)
    assert account.posts == []


def an_effect_that_nobody_approved(drill: Drill, _: Account) -> None:
    """Not even another program may claim it."""
    drill.plan(credit_plan(needs_approval=True))
    assert is_refused(drill, "UPDATE effect SET state = 'claimed', claimed_by = 'x', lease_until = now()")


def more_than_was_sold(drill: Drill, _: Account) -> None:
    """A thousand units were sold."""
    assert drill.plan(credit_plan(quantity=1001)).planned == 0


def posted_before_it_came(drill: Drill, _: Account) -> None:
    """Nothing is credited before goods are there."""
    drill.plan(credit_plan())
    drill.drain()
    assert drill.plan(posting_plan(801)).planned == 0


def behind_a_closed_gate(drill: Drill, account: Account) -> None:
    """Somebody starts the writer alone."""
    drill.plan(credit_plan())
    books.close_gate(drill.connection, "returngo_rmas")
    drill.drain()
    assert account.posts == []


def in_shadow(drill: Drill, account: Account) -> None:
    """Planned while it was live, and then set back to shadow."""
    drill.plan(credit_plan())
    drill.settings = drill.settings.model_copy(update={"mode": "shadow"})
    drill.drain()
    assert account.posts == []


def beside_a_strangers_credit(drill: Drill, account: Account) -> None:
    """Staff cloned the sale to a credit since this was planned."""
    ready_to_post(drill)
    account.add_credit({**credit_plan(2).payload["request"]["body"], "externalRef": "by hand"})
    drill.drain()
    assert not any(path.endswith("/close") for path, _ in account.posts)


def what_staff_have_changed(drill: Drill, account: Account) -> None:
    """What would be posted is not what was proved."""
    ready_to_post(drill)
    account.credits[801]["body"] = credit_plan(1, quantity=2).payload["request"]["body"]
    drill.drain()
    assert not any(path.endswith("/close") for path, _ in account.posts)


def ready_to_post(drill: Drill) -> None:
    drill.plan(credit_plan())
    drill.drain()
    books.received(drill.connection, 1)
    drill.plan(posting_plan(801))


def a_database_of_last_night(drill: Drill, account: Account) -> None:
    """The credit of this morning stands already."""
    drill.plan(credit_plan())
    account.add_credit(credit_plan().payload["request"]["body"])
    home.ledger_head().parent.mkdir(parents=True, exist_ok=True)
    home.ledger_head().write_text(json.dumps({"seq": 1000, "hash": "ab"}))
    drill.drain()
    assert len(account.credits) == 1


class Whatever:
    """A hash that differs from no other."""

    def __ne__(self, _: object) -> bool:
        return False


@dataclass(frozen=True)
class Guard:
    """A guard: the case that needs it, and how it is taken out: a statement to the database, or a patch of the code."""

    case: Case
    statement: str = ""
    patch: tuple[object, str, object] | None = None

    def take_out(self, drill: Drill, monkeypatch: pytest.MonkeyPatch) -> None:
        drill.plan()  # opens the books
        if self.statement:
            drill.connection.execute(self.statement)
        if self.patch:
            monkeypatch.setattr(*self.patch)


def swap_at_once(connection, effect, expected, move, detail, original=outcomes._move):  # noqa: ANN001, ANN201 - as the function it stands for
    """The move without the comparison that goes before it."""
    now = ledger.read_one(connection, effect.effect_id)
    return original(connection, now, now.state, move, detail)


NO_TRIGGER = "ALTER TABLE effect DISABLE TRIGGER effect_guard"
NO_BALANCE = """DO $$ DECLARE c record; BEGIN
  FOR c IN SELECT conname FROM pg_constraint WHERE conrelid = 'order_row_balance'::regclass AND contype = 'c' LOOP
    EXECUTE format('ALTER TABLE order_row_balance DROP CONSTRAINT %I', c.conname); END LOOP;
  ALTER TABLE order_row_balance DISABLE TRIGGER balance_guard; END $$"""
OPEN_GATES = (
    "CREATE OR REPLACE FUNCTION gates_open(s text, k text) RETURNS boolean LANGUAGE sql STABLE AS 'SELECT true'"
)
GUARDS = {
    "unique business key and reference": Guard(
        two_planners_of_one_return, "DROP INDEX effect_business_key_once; DROP INDEX effect_reference_once"
    ),
    "one posting per receipt line": Guard(
        a_receipt_line_in_two_postings, "DROP INDEX one_live_credit_per_receipt_line"
    ),
    "one object per effect": Guard(one_credit_for_two_effects, "DROP INDEX effect_remote_once"),
    "compare and set": Guard(an_answer_of_a_worker_that_was_given_up, patch=(outcomes, "_move", swap_at_once)),
    "lease": Guard(a_turn_that_outlasts_the_claim, patch=(batches.Batches, "_lease_is_short", lambda *_: None)),
    "horizon": Guard(a_call_that_may_still_be_under_way, patch=(settle._Judge, "_past_horizon", lambda *_: True)),
    "watermark": Guard(a_search_that_lags, patch=(settle._Judge, "_shows_newer", lambda *_: True)),
    "halt while the key is unproven": Guard(
        a_key_that_does_not_work,
        patch=(settle._Judge, "_absent", lambda judge, effect, _: judge._again(effect, "not_found: again")),
    ),
    "frozen payload": Guard(a_payload_changed_after_it_was_sent, NO_TRIGGER),
    "fence": Guard(a_fence_that_runs_backwards, NO_TRIGGER),
    "legal moves": Guard(a_send_that_is_planned_again, NO_TRIGGER),
    "hash of the payload": Guard(
        a_payload_changed_after_its_approval, patch=(batches, "payload_sha256", lambda _: Whatever())
    ),
    "hash of the batch": Guard(
        a_payload_and_its_hash_changed_after_its_approval,
        patch=(approvals, "no_longer_as_approved", lambda *_: set()),
    ),
    "approval": Guard(
        an_effect_that_nobody_approved, "ALTER TABLE effect DROP CONSTRAINT nothing_unapproved_is_claimed"
    ),
    "balance": Guard(more_than_was_sold, NO_BALANCE),
    "receipt before posting": Guard(
        posted_before_it_came, "ALTER TABLE order_row_balance DISABLE TRIGGER balance_guard"
    ),
    "gate": Guard(behind_a_closed_gate, OPEN_GATES),
    "shadow": Guard(
        in_shadow,
        patch=(
            runner,
            "live_kinds",
            lambda settings, shop: live_kinds(settings.model_copy(update={"mode": "live"}), shop),
        ),
    ),
    "foreign credit": Guard(beside_a_strangers_credit, patch=(guards, "_strangers", lambda *_: {})),
    "read back before posting": Guard(what_staff_have_changed, patch=(guards, "differences", lambda *_: [])),
    "look after a restore": Guard(a_database_of_last_night, patch=(restore, "refusal", lambda _: None)),
}


@pytest.mark.parametrize("name", GUARDS)
def test_with_every_guard_in_its_place_the_case_ends_well(drill, account, name):
    """The case itself: what must come of it."""
    GUARDS[name].case(drill, account)


@pytest.mark.parametrize("name", GUARDS)
def test_without_the_guard_the_case_does_damage(drill, account, name, monkeypatch):
    """Whoever takes this guard out is told by the test above, and here it is seen that it would be told."""
    GUARDS[name].take_out(drill, monkeypatch)
    with pytest.raises(AssertionError):
        GUARDS[name].case(drill, account)
