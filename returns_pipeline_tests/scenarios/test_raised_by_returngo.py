"""Accounts where ReturnGo's own Brightpearl link raises the credits: the pipeline adopts them and raises none."""

from returns_pipeline_tests.scenarios.lockstep import Arrangement, Steps, under
from returns_pipeline_tests.scenarios.retailer import Retailer

RAISED_BY_RETURNGO = Arrangement(
    "raised by ReturnGo", {'credits_raised_by = "pipeline"': 'credits_raised_by = "returngo"'}
)


@under(RAISED_BY_RETURNGO)
def test_67_the_links_credit_is_adopted_and_posted_once(retailer: Retailer) -> Steps:
    """Two systems that raise the same return make two expected parcels, and in the end two refunds in the books."""
    order = retailer.order()
    asked = retailer.approved(order)
    yield
    assert retailer.credits(order) == []
    assert retailer.exceptions(asked) == {"awaiting_foreign_credit"}
    made = retailer.act("returngo_link", "raise_credit", rma_id=asked.rma_id)
    yield
    assert retailer.exceptions(asked) == set()
    retailer.send_back(asked)
    yield
    (credit,) = retailer.credits(order)
    assert (credit.credit_id, credit.is_posted, credit.gross) == (made["credit_id"], True, retailer.paid(asked))
    assert retailer.parcels(asked) == ["Validated"]
    assert retailer.exceptions(asked) == set()
