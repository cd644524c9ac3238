"""Answers that never came back: whatever happened to the connection, one credit."""

from collections import Counter

from returns_pipeline_tests.scenarios.lockstep import Steps, in_lockstep
from returns_pipeline_tests.scenarios.retailer import Retailer


@in_lockstep
def test_48_a_credit_whose_answer_was_lost_is_found_and_not_written_twice(retailer: Retailer) -> Steps:
    """Brightpearl makes a credit and the connection breaks, for whichever case comes first: sent again blindly, there would be two."""
    retailer.sandbox.post("/faults", {"kind": "commit_then_drop", "method": "POST", "path": "/sales-credit$"})
    asked = retailer.approved(retailer.order())
    yield
    assert [fault["done"] for fault in retailer.sandbox.get("/faults") if fault["kind"] == "commit_then_drop"] == [1]
    references = Counter(credit["external_ref"] for credit in retailer.state()["brightpearl"]["credits"])
    assert len(references) > 1
    assert [reference for reference, count in references.items() if reference and count > 1] == []
    assert retailer.ledger(asked) == [("credit.raise", "confirmed")]


@in_lockstep
def test_49_two_passes_at_once_make_one_credit(retailer: Retailer) -> Steps:
    """The schedule and a sensor ask for the same return in the same second."""
    order = retailer.order()
    yield
    asked = retailer.approved(order)
    retailer.sync_at_once(2)
    assert len(retailer.all_credits(order)) == 1
    assert retailer.ledger(asked) == [("credit.raise", "confirmed")]


@in_lockstep
def test_51_a_payment_that_failed_is_made_up_for_without_a_second_credit(retailer: Retailer) -> Steps:
    """The credit stands and the payment broke off, for whichever case comes first: the next pass goes on from there."""
    order = retailer.order()
    asked = retailer.approved(order)
    yield
    retailer.sandbox.post("/faults", {"kind": "commit_then_drop", "method": "POST", "path": "/customer-payment$"})
    retailer.send_back(asked)
    yield
    assert [fault["done"] for fault in retailer.sandbox.get("/faults") if "payment" in fault["path"]] == [1]
    (credit,) = retailer.credits(order)
    assert (credit.is_posted, retailer.payments(credit)) == (True, [retailer.paid(asked)])
    references = Counter(payment["transaction_ref"] for payment in retailer.state()["brightpearl"]["payments"])
    assert [
        reference for reference, count in references.items() if (reference or "").startswith("rg-") and count > 1
    ] == []


@in_lockstep
def test_53_returns_that_met_the_limit_of_calls_were_not_attempted(retailer: Retailer) -> Steps:
    """Brightpearl turned a write away unread, for whichever case comes first: that is no failure, and the next pass takes it."""
    retailer.sandbox.post("/faults", {"kind": "throttle", "method": "POST", "path": "/sales-credit$", "nth": 3})
    asked = retailer.approved(retailer.order())
    yield
    assert [fault["done"] for fault in retailer.sandbox.get("/faults") if fault["kind"] == "throttle"] == [1]
    assert retailer.attempts_of("credit.raise", "not_executed") == 1
    yield
    assert retailer.ledger(asked) == [("credit.raise", "confirmed")]
    assert retailer.states_of("credit.raise") == {"confirmed"}
