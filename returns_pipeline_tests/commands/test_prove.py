"""What nobody knows before is found out on the account itself, with both answers that it may give."""

import pytest

from returns_pipeline.clients.outcomes import ReadFailed
from returns_pipeline.commands import prove
from returns_pipeline_tests.scenarios.conftest import OpenShop, open_shop  # noqa: F401 - a fixture

LAG_SECONDS = 1


def unknown(keeps: bool) -> dict[str, bool]:
    """Tax kept and repeats answered with the number, or neither."""
    return {"post_recomputes_tax": not keeps, "dedupe_answers_id": keeps}


def test_the_account_shows_what_it_does_with_doubles_with_minus_and_how_its_searches_lag(
    open_shop: OpenShop,  # noqa: F811
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Believed without proof, a lost answer is answered with a second credit; and a search that lags is no proof."""
    monkeypatch.setattr(prove, "_PAUSE_SECONDS", 0.2)
    # The shop's own variables are put back last: a patch that outlives it would bring them back for the tests that follow.
    with open_shop() as retailer, pytest.MonkeyPatch.context() as patch:
        for dedupes, mode, lag, keeps in (
            (True, "shadow", LAG_SECONDS, True), (False, "live", LAG_SECONDS, True), (True, "live", 0, False),
        ):  # fmt: skip
            patch.setenv("RETURNS_MODE", mode)
            retailer.sandbox.post(
                "/switches", {"brightpearl": {"dedupe_credits": dedupes, "search_lag_seconds": lag} | unknown(keeps)}
            )
            order = retailer.order()
            answer = prove.dedupe(order.order_id)
            made = retailer.all_credits(order)
            assert (answer.status, len(made)) == ((0, 1) if dedupes else (1, 2))
            assert all(str(credit.credit_id) in answer.lines[1] and not credit.is_posted for credit in made)
            assert (answer.data["keeps_tax"], "anew" in answer.lines[-2]) == (keeps, not keeps)
            assert answer.data["repeat_names_it"] is (keeps or not dedupes)
            assert ("proven:" in answer.lines[0]) is dedupes
            assert lag <= answer.data["search_lag_seconds"] + 0.1 < lag + 1.5
            with pytest.raises(ReadFailed, match="no order 424242"):
                prove.dedupe(424242)
            assert len(retailer.all_credits(order)) == len(made)
        monkeypatch.setattr(prove, "_LONGEST_LAG_SECONDS", 0.3)
        retailer.sandbox.post("/switches", {"brightpearl": {"search_lag_seconds": 60}})
        unseen = prove.dedupe(retailer.order().order_id)
        assert (unseen.status, unseen.data["proven"], unseen.data["search_lag_seconds"]) == (1, False, None)
        assert "a second one may stand unseen" in unseen.lines[0]
        monkeypatch.undo()
        for allowed, says in ((True, "allowed"), (False, "refused")):
            retailer.sandbox.post(
                "/switches", {"brightpearl": {"negative_rows_allowed": allowed, "search_lag_seconds": 0}}
            )
            order = retailer.order()
            answer = prove.negative_rows(order.order_id)
            assert (answer.status, answer.data["negative_rows"]) == (0, says)
            assert f'negative_rows = "{says}"' in answer.lines[0]
            assert len(retailer.all_credits(order)) == (1 if allowed else 0)
