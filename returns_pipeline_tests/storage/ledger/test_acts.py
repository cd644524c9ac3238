"""What a person may do to an effect, and what the audit says about it."""

import pytest

from returns_pipeline.domain.plans import EffectPlan
from returns_pipeline.storage import ledger
from returns_pipeline.storage.ledger import outcomes
from returns_pipeline_tests.storage.ledger import books


@pytest.fixture
def open_books(connection):
    books.open_gates(connection)
    books.balance(connection)
    ledger.plan(connection, [books.raise_plan()], "t")
    return connection


def sent_and(connection, state: str, reason: str) -> int:
    effect = books.sending(connection, "credit.raise")
    first = "rejected" if state == "rejected" else "unknown"
    outcomes.record_outcome(connection, effect, outcomes.Evidence("refused", 400), outcomes.Move(first, reason))
    if state == "halted":
        outcomes.settle(connection, ledger.read_one(connection, effect.effect_id), outcomes.Move("halted", reason))
    return effect.effect_id


def test_a_rejected_effect_keeps_what_it_took_until_a_person_voids_it(open_books):
    """Else another return would slip into the gap before anybody has seen why this one failed."""
    effect_id = sent_and(open_books, "rejected", "refused: 400")
    assert books.figures(open_books)[0] == 1
    ledger.void(open_books, effect_id, "Anna", "the sale is wrong")
    assert books.figures(open_books)[0] == 0
    assert open_books.execute(
        "SELECT detail->>'by', detail->>'name_is', detail->>'was' FROM audit WHERE what = 'voided'"
    ).fetchone() == (
        "Anna",
        "asserted",
        "rejected",
    )


def test_a_retried_effect_goes_out_again_under_the_same_reference(open_books):
    """A new reference would hide the first try for ever."""
    effect_id = sent_and(open_books, "halted", "outcome_unknown: x")
    ledger.retry(open_books, effect_id, "Anna", "looked in Brightpearl: nothing there")
    assert books.sending(open_books, "credit.raise").remote_ref == "rg-77-5001-1"


def test_a_halted_effect_takes_an_object_that_a_person_found(open_books):
    """The credit was there all along: no second one is raised."""
    effect_id = sent_and(open_books, "halted", "outcome_unknown: x")
    ledger.adopt(open_books, effect_id, "801", "Anna", "found by its rows")
    effect = ledger.read_one(open_books, effect_id)
    assert (effect.state, effect.remote_id) == ("confirmed", "801")


def test_what_is_on_its_way_can_neither_be_voided_nor_retried(open_books):
    """The call may be arriving this moment."""
    effect = books.sending(open_books, "credit.raise")
    for act in (ledger.void, ledger.retry):
        with pytest.raises(ledger.ActRefused, match="sending"):
            act(open_books, effect.effect_id, "Anna", "impatient")
    with pytest.raises(ledger.ActRefused, match="sending"):
        ledger.adopt(open_books, effect.effect_id, "801", "Anna", "impatient")


def test_an_act_on_nothing_says_so(open_books):
    """A typing error must not look like success."""
    with pytest.raises(LookupError, match="no effect 999"):
        ledger.void(open_books, 999, "Anna", "typing error")


def test_open_effects_are_those_unsettled_or_of_open_returns(open_books):
    """A pass reads what is open, never the history."""
    books.confirm(open_books, "credit.raise", "801")
    assert ledger.read_effects(open_books, "open").empty
    assert ledger.read_effects(open_books, "all")["remote_id"].tolist() == ["801"]
    open_books.execute(
        """INSERT INTO returngo_rmas(rma_id, shop, status, order_name, shopify_order_id, created_at, is_out_of_policy, is_open, detail_read_at)
           VALUES (77, 'uk', 'Approved', '#1', '1', now(), false, true, now())"""
    )
    lines = ledger.read_lines(open_books, "open")
    assert lines[["credit_id", "rma_id", "qty", "net_minor"]].values.tolist() == [[801, 77, 1, 1000]]
    assert ledger.read_lines(open_books, "open", rma_ids=[78]).empty


def test_a_transfer_stays_open_as_long_as_one_of_its_units_returns(open_books):
    """Scenario 47: forgotten, its units would be put on a second transfer."""
    receipt = books.came(open_books, 1)
    transfer = books.transfer_plan(receipt)
    follow_up = EffectPlan(
        "transfer.dispatch",
        books.SHOP,
        "dispatch:6",
        {"request": {}, "subject": {"transfer_id": 6}},
        depends_on_key="transfer:uk:3:2:ab",
    )
    assert ledger.plan(open_books, [transfer, follow_up], "t").planned == 2
    books.confirm(open_books, "transfer.create", "6")
    books.confirm(open_books, "transfer.dispatch", "12")
    open_books.execute("UPDATE effect SET created_at = now() - interval '1 year'")
    assert "transfer.dispatch" not in ledger.read_effects(open_books, "open")["kind"].tolist()
    open_books.execute(
        """INSERT INTO returngo_rmas(rma_id, shop, status, order_name, shopify_order_id, created_at, is_out_of_policy, is_open, detail_read_at)
           VALUES (78, 'uk', 'Approved', '#1', '1', now(), false, true, now())"""
    )
    open_books.execute(
        """INSERT INTO returns_receipts VALUES (%s, 'uk', 78, 'l', 801, 1, 5001, 9001, 1, 1, 1, 1, 0, 3, 2, now(), 'ok', NULL, NULL, NULL, now())""",
        [receipt],
    )
    assert {"transfer.create", "transfer.dispatch"} <= set(
        ledger.read_effects(open_books, "open", shop=books.SHOP)["kind"]
    )
    assert ledger.read_effects(open_books, "open", shop="eu").empty
