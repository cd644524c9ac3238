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
    (fault,) = retailer.sandbox.get("/faults")
    assert fault["done"] == 1
    references = Counter(credit["external_ref"] for credit in retailer.state()["brightpearl"]["credits"])
    assert len(references) > 1
    assert [reference for reference, count in references.items() if reference and count > 1] == []
    assert retailer.ledger(asked) == [("credit.raise", "confirmed")]
