"""Answers that never came back, and returns whose credits another system raises: one credit, whoever wrote it."""

from returns_pipeline_tests.scenarios.retailer import Retailer


def test_48_a_credit_whose_answer_was_lost_is_found_and_not_written_twice(retailer: Retailer) -> None:
    """Brightpearl made the credit and the connection broke: sent again blindly, there would be two."""
    retailer.sandbox.post("/faults", {"kind": "commit_then_drop", "method": "POST", "path": "/sales-credit$"})
    order, other = retailer.order(), retailer.order()
    asked = [retailer.approved(each) for each in (order, other)]
    retailer.sync()
    (fault,) = retailer.sandbox.get("/faults")
    assert fault["done"] == 1
    assert [len(retailer.all_credits(each)) for each in (order, other)] == [1, 1]
    assert [retailer.ledger(each) for each in asked] == [[("credit.raise", "confirmed")]] * 2
    for each in asked:
        retailer.ship(each)
        retailer.receive(each)
    retailer.sync()
    assert [[credit.is_posted for credit in retailer.credits(each)] for each in (order, other)] == [[True], [True]]
