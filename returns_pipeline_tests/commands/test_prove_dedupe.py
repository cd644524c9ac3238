"""Whether the duplicate rule holds is found out on the account itself, with both answers that it may give."""

import pytest

from returns_pipeline.clients.outcomes import ReadFailed
from returns_pipeline.commands import prove_dedupe
from returns_pipeline_tests.scenarios.conftest import OpenShop, open_shop  # noqa: F401 - a fixture
from returns_pipeline_tests.scenarios.lockstep import Arrangement


@pytest.mark.parametrize(("dedupes", "mode"), [(True, "shadow"), (False, "live")])
def test_two_identical_credits_show_whether_the_rule_holds(
    open_shop: OpenShop,  # noqa: F811
    dedupes: bool,
    mode: str,
) -> None:
    """Believed without proof, a lost answer is answered with a second credit."""
    arrangement = Arrangement("dedupe", switches={"brightpearl": {"dedupe_credits": dedupes}})
    # The shop's own variables are put back last: a patch that outlives it would bring them back for the tests that follow.
    with open_shop(arrangement) as retailer, pytest.MonkeyPatch.context() as patch:
        patch.setenv("RETURNS_MODE", mode)
        order = retailer.order()
        answer = prove_dedupe.prove(order.order_id)
        made = retailer.all_credits(order)
        assert (answer.status, len(made)) == ((0, 1) if dedupes else (1, 2))
        assert all(str(credit.credit_id) in answer.lines[1] and not credit.is_posted for credit in made)
        assert ("proven:" in answer.lines[0]) is dedupes
        with pytest.raises(ReadFailed, match="no order 424242"):
            prove_dedupe.prove(424242)
        assert len(retailer.all_credits(order)) == len(made)
