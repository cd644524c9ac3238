"""Timing and state: what may exist before goods came, what must follow once they did, and what a withdrawn return leaves."""

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
    retailer.ship(asked)
    retailer.receive(asked)
    yield
    (credit,) = retailer.credits(order)
    assert (credit.is_posted, credit.gross) == (True, retailer.paid(asked))
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
    retailer.ship(asked)
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
    retailer.ship(asked)
    retailer.receive(asked)
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
    retailer.ship(asked)
    retailer.receive(asked)
    yield
    (credit,) = retailer.credits(order)
    assert (credit.is_posted, credit.gross) == (True, retailer.paid(asked))
    assert len(retailer.all_credits(order)) == 2
    assert retailer.exceptions(asked) == set()


@in_lockstep
def test_77_a_return_of_a_sale_without_an_invoice_is_announced_and_never_posted(retailer: Retailer) -> Steps:
    """A credit note without an invoice corrects a supply that the books do not know."""
    order = retailer.order("uninvoiced")
    asked = retailer.approved(order)
    yield
    retailer.ship(asked)
    retailer.receive(asked)
    yield
    (credit,) = retailer.credits(order)
    assert credit.is_posted is False
    assert "sale_not_invoiced" in retailer.exceptions(asked)
    retailer.act("staff", "invoice_order", order_name=order.name)
    yield
    (credit,) = retailer.credits(order)
    assert (credit.is_posted, credit.gross) == (True, retailer.paid(asked))
    assert retailer.exceptions(asked) == set()
