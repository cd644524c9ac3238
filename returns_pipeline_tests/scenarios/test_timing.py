"""Timing and state: what may exist before goods came, what must follow once they did, and what a withdrawn return leaves."""

import pytest

from returns_pipeline.sandbox.returngo.records import CANCEL_ORDER, NO_SHIPMENT
from returns_pipeline.stages.acting import ActRefused
from returns_pipeline_tests.scenarios.lockstep import Steps, in_lockstep
from returns_pipeline_tests.scenarios.retailer import Retailer


@in_lockstep
def test_01_an_approved_return_has_an_unposted_credit_until_goods_come(retailer: Retailer) -> Steps:
    """Credited on a promise, a customer who never sends anything keeps both goods and money."""
    order = retailer.order()
    asked = retailer.approved(order)
    yield
    (credit,) = retailer.credits(order)
    assert (credit.is_ours, credit.is_posted, credit.gross) == (True, False, retailer.paid(asked))
    assert credit.units == {order.sku: 1}
    yield
    assert retailer.credits(order) == [credit]
    assert (retailer.payments(credit), retailer.refunds(asked)) == ([], [])
    assert retailer.ledger(asked) == [("credit.raise", "confirmed")]
    assert retailer.exceptions(asked) == set()


@in_lockstep
def test_02_goods_that_came_are_credited_confirmed_and_refunded(retailer: Retailer) -> Steps:
    """The plain life of a return: what came is posted, ReturnGo is told, the refund is recorded on the credit."""
    order = retailer.order()
    asked = retailer.approved(order)
    yield
    retailer.send_back(asked)
    yield
    credit = retailer.credited(order, asked)
    assert retailer.parcels(asked) == ["Validated"]
    assert retailer.refunds(asked) == ["Success"]
    assert retailer.payments(credit) == [retailer.paid(asked)]
    assert retailer.exceptions(asked) == set()


@in_lockstep
def test_03_a_credit_posted_by_hand_before_goods_came_is_critical_and_moves_no_money(retailer: Retailer) -> Steps:
    """Finance pressed Credit too early: the books already give the money back for goods that nobody has."""
    order = retailer.order()
    asked = retailer.approved(order)
    yield
    (credit,) = retailer.credits(order)
    retailer.act("finance", "close_credit", credit_id=credit.credit_id)
    retailer.ship(asked)
    yield
    assert retailer.exceptions(asked) == {"credit_without_receipt"}
    assert retailer.parcels(asked) == ["Received"]
    assert (retailer.payments(credit), retailer.refunds(asked)) == ([], [])


@in_lockstep
def test_09_a_return_withdrawn_before_anything_came_takes_its_credit_back(retailer: Retailer) -> Steps:
    """An expected return that stays open makes the bench wait for a parcel that nobody sends."""
    order = retailer.order()
    asked = retailer.approved(order)
    yield
    retailer.act("cx", "cancel", rma_id=asked.rma_id)
    yield
    assert [(credit.is_cancelled, credit.is_posted) for credit in retailer.all_credits(order)] == [(True, False)]
    assert retailer.exceptions(asked) == set()


@in_lockstep
def test_09_a_withdrawn_return_whose_goods_came_goes_to_customer_service(retailer: Retailer) -> Steps:
    """Cancelling the credit would leave received goods without any paper."""
    order = retailer.order()
    asked = retailer.approved(order)
    yield
    retailer.act("carrier", "ship", rma_id=asked.rma_id)
    retailer.receive(asked)
    retailer.act("cx", "cancel", rma_id=asked.rma_id)
    yield
    assert [(credit.is_cancelled, credit.is_posted) for credit in retailer.all_credits(order)] == [(False, False)]
    assert [(code, owner) for code, owner, *_ in retailer.open_exceptions(asked)] == [("cancelled_but_received", "cx")]


@in_lockstep
def test_54_three_days_without_the_pipeline_lose_nothing(retailer: Retailer) -> Steps:
    """Everything happens while it is off: approval of one return, goods and refund of another."""
    order, late = retailer.order(), retailer.order()
    asked = retailer.approved(order)
    yield
    asked_late = retailer.approved(late)
    retailer.send_back(asked)
    retailer.time_passes(days=3)
    yield
    (credit,), (late_credit,) = retailer.credits(order), retailer.credits(late)
    assert (credit.is_posted, credit.gross) == (True, retailer.paid(asked))
    assert (late_credit.is_posted, late_credit.gross) == (False, retailer.paid(asked_late))
    assert retailer.payments(credit) == [retailer.paid(asked)]


@in_lockstep
def test_64_a_parcel_is_confirmed_only_when_every_unit_in_it_is_posted(retailer: Retailer) -> Steps:
    """Telling ReturnGo releases the refund of the whole parcel, the missing unit's too."""
    order = retailer.order("thirds")
    asked = retailer.approved(order)
    yield
    retailer.ship(asked)
    retailer.receive(asked, {order.sku: 2})
    yield
    posted = [credit for credit in retailer.credits(order) if credit.is_posted]
    waiting = [credit for credit in retailer.credits(order) if not credit.is_posted]
    assert [credit.units for credit in posted] == [{order.sku: 2}]
    assert [credit.units for credit in waiting] == [{order.sku: 1}]
    assert retailer.parcels(asked) == ["Received"]
    assert "refund_waits_for_parcel" in retailer.exceptions(asked)
    retailer.receive(asked)
    yield
    assert all(credit.is_posted for credit in retailer.credits(order))
    assert sum(credit.gross for credit in retailer.credits(order)) == retailer.paid(asked)
    assert retailer.parcels(asked) == ["Validated"]
    assert retailer.exceptions(asked) == set()


@in_lockstep
def test_65_the_carriers_word_is_no_receipt(retailer: Retailer) -> Steps:
    """Delivered says the carrier; whether it is the right thing, or anything at all, nobody has seen."""
    order = retailer.order()
    asked = retailer.approved(order)
    yield
    retailer.ship(asked)
    yield
    (credit,) = retailer.credits(order)
    assert (credit.is_posted, retailer.goods_in(credit)) == (False, 0)
    assert retailer.parcels(asked) == ["Received"]
    assert retailer.refunds(asked) == []


@in_lockstep
def test_70_a_withdrawn_return_that_is_opened_again_is_raised_again_under_its_number(retailer: Retailer) -> Steps:
    """The parcel comes after all: the bench must find a credit with the same RMA on it."""
    order = retailer.order()
    asked = retailer.approved(order)
    yield
    retailer.act("cx", "cancel", rma_id=asked.rma_id)
    yield
    assert retailer.credits(order) == []
    retailer.act("cx", "reopen", rma_id=asked.rma_id)
    yield
    retailer.send_back(asked)
    yield
    retailer.credited(order, asked)
    assert len(retailer.all_credits(order)) == 2
    assert retailer.exceptions(asked) == set()


@in_lockstep
def test_77_a_return_of_a_sale_without_an_invoice_is_announced_and_never_posted(retailer: Retailer) -> Steps:
    """A credit note without an invoice corrects a supply that the books do not know."""
    order = retailer.order("uninvoiced")
    asked = retailer.approved(order)
    yield
    retailer.send_back(asked)
    yield
    (credit,) = retailer.credits(order)
    assert credit.is_posted is False
    assert "sale_not_invoiced" in retailer.exceptions(asked)
    retailer.act("staff", "invoice_order", order_name=order.name)
    yield
    retailer.credited(order, asked)
    assert retailer.exceptions(asked) == set()


@in_lockstep
def test_07_a_pending_refund_is_no_money_until_it_succeeds(retailer: Retailer) -> Steps:
    """A payment recorded for a refund that then fails makes the books say that the customer has the money."""
    order, refused = retailer.order(), retailer.order()
    asked = retailer.approved(order, refund_outcome="Requested")
    failing = retailer.approved(refused, refund_outcome="Failed")
    yield
    for each in (asked, failing):
        retailer.ship(each)
        retailer.receive(each)
    yield
    (credit,), (other,) = retailer.credits(order), retailer.credits(refused)
    assert (credit.is_posted, credit.gross, retailer.refunds(asked)) == (True, retailer.paid(asked), ["Requested"])
    assert (other.is_posted, other.gross, retailer.refunds(failing)) == (True, retailer.paid(failing), ["Failed"])
    assert (retailer.payments(credit), retailer.payments(other)) == ([], [])
    retailer.act("cx", "settle_refund", transaction_id=retailer.transactions(asked)[0], status="Success")
    yield
    assert (retailer.payments(credit), retailer.payments(other)) == ([retailer.paid(asked)], [])


@in_lockstep
def test_10_goods_taken_back_out_after_the_posting_are_critical(retailer: Retailer) -> Steps:
    """The receipt was a mistake: the books give money back for goods that nobody has, and nothing is reversed by itself."""
    order = retailer.order()
    asked = retailer.approved(order)
    yield
    retailer.ship(asked)
    (note_id,) = retailer.receive(asked)
    yield
    retailer.act("warehouse", "correct_goods_in", note_id=note_id, sku=order.sku, quantity=1)
    yield
    (credit,) = retailer.credits(order)
    assert (credit.is_posted, retailer.goods_in(credit)) == (True, 0)
    assert "credited_more_than_received" in retailer.exceptions(asked)


@in_lockstep
def test_11_an_order_that_never_left_is_cancelled_and_not_credited(retailer: Retailer) -> Steps:
    """Nothing was shipped, so that nothing comes back: the sale itself is undone, by other people."""
    order = retailer.opening_order("unshipped")
    asked = retailer.approved(order, resolution=CANCEL_ORDER, method=NO_SHIPMENT)
    yield
    assert retailer.credits(order) == []
    assert retailer.ledger(asked) == []
    assert retailer.exceptions(asked) == set()


@in_lockstep
def test_59_an_order_of_last_season_is_credited_like_any_other(retailer: Retailer) -> Steps:
    """Brightpearl's own app looks back 60 days and leaves older orders to people."""
    order = retailer.opening_order("aged")
    asked = retailer.approved(order)
    yield
    retailer.send_back(asked)
    yield
    credit = retailer.credited(order, asked)
    assert retailer.payments(credit) == [retailer.paid(asked)]


@in_lockstep
def test_79_a_parcel_lost_on_the_way_is_credited_when_a_person_names_the_claim(retailer: Retailer) -> Steps:
    """Customer service has paid; without the carrier's claim nobody knows who bears the loss."""
    order = retailer.order()
    asked = retailer.approved(order)
    yield
    retailer.act("carrier", "ship", rma_id=asked.rma_id)
    retailer.refund(asked)
    yield
    assert [credit.is_posted for credit in retailer.credits(order)] == [False]
    with pytest.raises(ActRefused, match="claim_reference"):
        retailer.decide(asked, "refund_before_receipt", "lost_in_transit")
    retailer.decide(asked, "refund_before_receipt", "lost_in_transit", claim_reference="CLAIM-7")
    yield
    (credit,) = retailer.credits(order)
    assert (credit.is_posted, credit.gross, retailer.goods_in(credit)) == (True, retailer.paid(asked), 0)
    assert retailer.payments(credit) == [retailer.paid(asked)]
