"""The database refuses what must not be, and allows what may, whatever the code above it does."""

import psycopg
import pytest
from psycopg.types.json import Jsonb

from returns_pipeline.storage import ledger
from returns_pipeline.storage.ledger import acts, claiming, outcomes
from returns_pipeline_tests.storage.ledger import books

RECORD = outcomes.record_outcome


@pytest.fixture
def open_books(connection):
    books.open_gates(connection)
    books.balance(connection)
    return connection


def refusal_of(report: ledger.PlanReport) -> str:
    assert report.planned == 0, "it was planned"
    ((_, reason),) = report.refused
    return reason


def test_nothing_is_planned_while_no_verdict_was_ever_given(connection):
    """A writer started alone on a fresh database would act on facts that nobody has checked."""
    books.balance(connection)
    assert "gate closed" in refusal_of(ledger.plan(connection, [books.raise_plan()], "t"))
    assert books.figures(connection) == (0, 0, 0, 0, 0, 0)


def test_f51_nothing_is_planned_or_claimed_while_a_gate_is_closed(open_books):
    """A check in Dagster is shown, it is no lock: someone can start the writer by itself."""
    ledger.plan(open_books, [books.raise_plan()], "t")
    books.close_gate(open_books, "brightpearl_sales_orders")
    assert claiming.claim(open_books, "credit.raise", [books.SHOP], "w", 120, 10) == []
    with pytest.raises(psycopg.errors.RaiseException, match="gate closed"):
        open_books.execute("UPDATE effect SET state = 'claimed', claimed_by = 'x', lease_until = now()")
    assert "gate closed" in refusal_of(ledger.plan(open_books, [books.raise_plan(part=2)], "t"))


def test_an_unknown_kind_is_refused(open_books):
    """A kind that nobody listed has no gates and no allowed call."""
    with pytest.raises(psycopg.errors.ForeignKeyViolation):
        open_books.execute(
            "INSERT INTO effect(shop, kind, business_key, payload, payload_sha256) VALUES ('uk', 'credit.double', 'k', '{}', '')"
        )


@pytest.mark.parametrize("reference", [None, "r" * 41])
def test_a_credit_needs_a_reference_that_brightpearl_can_hold(open_books, reference):
    """Without it a lost answer could never be looked up."""
    refusal_of(ledger.plan(open_books, [books.raise_plan(remote_ref=reference)], "t"))


def test_a_business_key_stands_once(open_books):
    """Two planners that saw the same facts must make one effect."""
    assert ledger.plan(open_books, [books.raise_plan()], "t").planned == 1
    report = ledger.plan(open_books, [books.raise_plan()], "t")
    assert (report.planned, report.already) == (0, 1)
    with pytest.raises(psycopg.errors.UniqueViolation):
        open_books.execute(
            "INSERT INTO effect(shop, kind, business_key, remote_ref, payload, payload_sha256) SELECT shop, kind, business_key, 'other', payload, payload_sha256 FROM effect"
        )


def test_more_than_ordered_is_refused_and_takes_nothing(open_books):
    """Scenario 13: a third unit credited of two sold."""
    ledger.plan(open_books, [books.raise_plan(quantity=2, net=2000, tax=400)], "t")
    before = books.figures(open_books)
    assert "ordered" in refusal_of(
        ledger.plan(open_books, [books.raise_plan(part=2, quantity=2, net=2000, tax=400)], "t")
    )
    assert books.figures(open_books) == before


def test_more_money_than_invoiced_is_refused(open_books):
    """A credit note above the invoice is money given away."""
    assert "money" in refusal_of(ledger.plan(open_books, [books.raise_plan(quantity=1, net=3001, tax=600)], "t"))


def test_full_quantity_with_a_wrong_penny_is_refused(open_books):
    """Scenario 28: the last unit must take what is left, or the sale never balances."""
    assert "full quantity" in refusal_of(
        ledger.plan(open_books, [books.raise_plan(quantity=3, net=2999, tax=600)], "t")
    )


def test_what_others_credited_cannot_be_taken_again(open_books):
    """Staff cloned the order to a credit by hand; ours on top would be a double refund."""
    books.foreign(open_books, 3, 3000, 600)
    assert "others" in refusal_of(ledger.plan(open_books, [books.raise_plan()], "t"))


def test_full_quantity_at_less_money_stands_beside_a_value_only_credit_by_others(open_books):
    """A goodwill credit of two pounds leaves less money than quantity: finance says what the last unit gets, the guard lets it."""
    books.foreign(open_books, 0, 200, 40)
    assert ledger.plan(open_books, [books.raise_plan(quantity=3, net=2800, tax=560)], "t").planned == 1


def posted_ready(connection, quantity: int = 1) -> None:
    ledger.plan(connection, [books.raise_plan(quantity=quantity, net=1000 * quantity, tax=200 * quantity)], "t")
    books.confirm(connection, "credit.raise", "801")


def test_posting_more_than_was_received_is_refused(open_books):
    """The promise of the whole thing: nothing is credited before goods are there."""
    posted_ready(open_books)
    assert "received" in refusal_of(ledger.plan(open_books, [books.post_plan()], "t"))


def test_posting_without_receipt_needs_its_reason(open_books):
    """Scenario 46: keep-the-item is credited without goods, and the ledger says why."""
    posted_ready(open_books)
    refusal_of(ledger.plan(open_books, [books.post_plan(receipt_line_id=None)], "t"))
    assert ledger.plan(open_books, [books.post_plan(receipt_line_id=None, reason="keep_item")], "t").planned == 1
    assert books.figures(open_books) == (0, 0, 0, 1, 1000, 200)


def test_a_receipt_line_is_credited_once(open_books):
    """The same goods-in line under two credits is the double credit that nobody notices."""
    ledger.plan(open_books, [books.raise_plan(), books.raise_plan(part=2)], "t")
    books.confirm(open_books, "credit.raise", "801")
    books.confirm(open_books, "credit.raise", "802")
    books.received(open_books, 2)
    assert ledger.plan(open_books, [books.post_plan(801)], "t").planned == 1
    assert "one_live_credit_per_receipt_line" in refusal_of(ledger.plan(open_books, [books.post_plan(802)], "t"))


def test_a_receipt_corrected_down_after_posting_is_recorded(open_books):
    """F39: a fact is written whatever it says; the exception about it is for a person."""
    posted_ready(open_books)
    books.received(open_books, 1)
    ledger.plan(open_books, [books.post_plan()], "t")
    books.received(open_books, 0)
    assert open_books.execute("SELECT received_qty, posted_qty FROM order_row_balance").fetchone() == (0, 1)


def test_what_is_over_can_still_be_given_back(open_books):
    """Others credited after us: the way out of being over must not be barred by being over."""
    posted_ready(open_books, 3)
    books.received(open_books, 3)
    ledger.plan(open_books, [books.post_plan(quantity=3, net=3000, tax=600)], "t")
    books.foreign(open_books, 2, 2000, 400)
    acts.void(open_books, books.effect_of(open_books, "post:801").effect_id, "t", "others credited it")
    assert books.figures(open_books) == (3, 3000, 600, 0, 0, 0)


def test_the_payload_is_frozen_once_sent(open_books):
    """A resend under the same reference with other figures would be taken for the first and never happen."""
    ledger.plan(open_books, [books.raise_plan()], "t")
    books.sending(open_books, "credit.raise")
    with pytest.raises(psycopg.errors.RaiseException, match="frozen"):
        open_books.execute("UPDATE effect SET payload = %s", [Jsonb({"other": 1})])


@pytest.mark.parametrize(
    ("state", "to"),
    [
        ("planned", "sending"),
        ("sending", "claimed"),
        ("sending", "halted"),
        ("confirmed", "planned"),
        ("voided", "planned"),
    ],
)
def test_illegal_moves_are_refused(open_books, state, to):
    """I13: what is being sent is never reclaimed; what is over stays over."""
    ledger.plan(open_books, [books.raise_plan()], "t")
    if state == "confirmed":
        books.confirm(open_books, "credit.raise", "801")
    elif state == "sending":
        books.sending(open_books, "credit.raise")
    elif state == "voided":
        acts.void(open_books, 1, "t", "not wanted")
    with pytest.raises(psycopg.errors.RaiseException, match="illegal move"):
        open_books.execute(
            "UPDATE effect SET state = %s::effect_state, reason = 'x', sent_at = now(), lease_until = now(), claimed_by = 'x', remote_id = NULL",
            [to],
        )


def test_a_smaller_fence_is_refused(open_books):
    """A worker that slept through its lease must not speak for the one that came after it."""
    ledger.plan(open_books, [books.raise_plan()], "t")
    books.sending(open_books, "credit.raise")
    with pytest.raises(psycopg.errors.RaiseException, match="stale fence"):
        open_books.execute("UPDATE effect SET fence = fence - 1")


def test_what_was_neither_sent_nor_adopted_cannot_be_confirmed(open_books):
    """A confirmation out of nothing would hide a credit that does not exist."""
    ledger.plan(open_books, [books.raise_plan()], "t")
    with pytest.raises(psycopg.errors.CheckViolation):
        open_books.execute("UPDATE effect SET state = 'confirmed', remote_id = '801'")


def test_one_remote_credit_stands_for_one_effect(open_books):
    """Two returns that point at one credit: one of the customers is never refunded."""
    ledger.plan(open_books, [books.raise_plan(), books.raise_plan(part=2)], "t")
    books.confirm(open_books, "credit.raise", "801")
    with pytest.raises(psycopg.errors.UniqueViolation):
        books.confirm(open_books, "credit.raise", "801")
    ledger.plan(open_books, [books.raise_plan(part=3)], "t")
    with pytest.raises(acts.ActRefused, match="already belongs"):
        acts.adopt(open_books, books.effect_of(open_books, "raise:77:5001:3").effect_id, "801", "t", "looks like it")


def test_a_stale_workers_answer_changes_nothing_but_is_kept(open_books):
    """Its credit may stand in Brightpearl: the id is the surest way to find it again."""
    ledger.plan(open_books, [books.raise_plan()], "t")
    effect = books.sending(open_books, "credit.raise")
    open_books.execute("UPDATE effect SET lease_until = now() - interval '1 s'")
    assert claiming.expire_leases(open_books).unknown == 1
    move = outcomes.Move("confirmed", remote_id="801", confirmed_by="answer")
    assert RECORD(open_books, effect, outcomes.Evidence("created", 201, "801"), move) is False
    assert ledger.read_one(open_books, effect.effect_id).state == "unknown"
    assert outcomes.remote_ids_seen(open_books, effect.effect_id) == ["801"]


@pytest.mark.parametrize("statement", ["DELETE FROM audit", "TRUNCATE audit", "UPDATE audit SET what = 'nothing'"])
def test_the_audit_can_only_grow(open_books, statement):
    """Evidence that can be removed is none."""
    ledger.plan(open_books, [books.raise_plan()], "t")
    with pytest.raises(psycopg.errors.RaiseException, match="append-only"):
        open_books.execute(statement)


def test_f47_an_edited_audit_row_is_found(open_books):
    """A superuser can switch the trigger off; the chain then tells at which row."""
    ledger.plan(open_books, [books.raise_plan(), books.raise_plan(part=2)], "t")
    assert ledger.verify(open_books) is None
    with open_books.transaction():
        open_books.execute("ALTER TABLE audit DISABLE TRIGGER audit_no")
        open_books.execute('UPDATE audit SET detail = \'{"by": "somebody else"}\' WHERE seq = 2')
        open_books.execute("ALTER TABLE audit ENABLE TRIGGER audit_no")
    assert ledger.verify(open_books) == 2


def test_no_unit_of_a_goods_in_line_is_on_two_transfers(open_books):
    """I09: the second one would take somebody else's units off the shelf."""
    receipt = books.came(open_books, 2)
    assert ledger.plan(open_books, [books.transfer_plan(receipt)], "t").planned == 1
    assert "3 units on transfers, 2 received" in refusal_of(
        ledger.plan(open_books, [books.transfer_plan(receipt, 2, "cd")], "t")
    )
    assert ledger.plan(open_books, [books.transfer_plan(receipt, 1, "ef")], "t").planned == 1
    assert "0 received" in refusal_of(ledger.plan(open_books, [books.transfer_plan(receipt + 1, 1, "gh")], "t"))


def test_the_whole_chain_may_take_longer_to_prove_than_a_statement_may(open_books):
    """After some years it does: a nightly proof that is cut off would tell every morning of a broken chain that is none."""
    ledger.plan(open_books, [books.raise_plan()], "t")
    open_books.execute("SET statement_timeout = '50ms'")
    open_books.execute(
        """ALTER FUNCTION audit_verify() RENAME TO audit_verify_at_once;
           CREATE FUNCTION audit_verify() RETURNS bigint LANGUAGE sql AS 'SELECT pg_sleep(0.2); SELECT audit_verify_at_once()'"""
    )
    assert ledger.verify(open_books) is None
    assert open_books.execute("SHOW statement_timeout").fetchone() == ("50ms",)
