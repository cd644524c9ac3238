"""An answer happened, did not happen, or is unknown: the heart of it."""

import datetime as dt

import pytest

from returns_pipeline.clients.outcomes import Outcome, WriteAnswer
from returns_pipeline.effects.compare import differences
from returns_pipeline.effects.verdicts import remote_id_of, verdict
from returns_pipeline.storage.ledger.effect import Effect

NOW = dt.datetime(2026, 2, 2, 10, tzinfo=dt.UTC)


def effect(kind: str = "credit.raise", attempt: int = 1, **subject: int) -> Effect:
    payload = {"request": {}, "subject": {"rma_id": 77, **subject}}
    return Effect(
        1,
        "uk",
        kind,
        "raise:77:5001:1",
        "rg-77-5001-1",
        payload,
        b"",
        "sending",
        None,
        attempt,
        5,
        None,
        NOW,
        NOW,
        NOW,
        0,
    )


def answer(
    outcome: Outcome, status: int | None = None, body: object = None, detail: str = "said so", **more: object
) -> WriteAnswer:
    return WriteAnswer(outcome, status, body, detail, **more)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("given", "state", "code"),
    [
        (answer(Outcome.CREATED, 201, 801, first_time=True), "confirmed", None),
        (answer(Outcome.CREATED, 200, 801, first_time=False), "unknown", "answered_as_repeat"),
        (answer(Outcome.CREATED, 200, {}), "unknown", "outcome_unknown"),
        (answer(Outcome.CREATED, 200, "<html>"), "unknown", "outcome_unknown"),
        (answer(Outcome.CREATED, 200, True), "unknown", "outcome_unknown"),
        (answer(Outcome.UNKNOWN, 500), "unknown", "outcome_unknown"),
        (answer(Outcome.UNKNOWN), "unknown", "outcome_unknown"),
        (answer(Outcome.REFUSED, 400), "rejected", "refused"),
        (answer(Outcome.REFUSED, 404), "rejected", "refused"),
        (answer(Outcome.REFUSED, 409), "unknown", "reference_in_use"),
        (answer(Outcome.REFUSED, 400, detail="externalRef already in use"), "unknown", "reference_in_use"),
        (answer(Outcome.REFUSED, 302), "planned", "redirected"),
        (answer(Outcome.NOT_SENT), "planned", "not_sent"),
        (answer(Outcome.NOT_EXECUTED, 503, retry_after_seconds=30.0), "planned", "throttled"),
        (answer(Outcome.UNAUTHORIZED, 401), "planned", "not_authorized"),
    ],
)
def test_an_answer_to_a_raise_has_one_meaning(given, state, code):
    """F09, F16, F18, F21-F24: each line taken for another is a credit doubled or lost."""
    move = verdict(effect(), given).move
    assert move.state == state
    assert (move.reason or "None").split(":")[0] == str(code)
    assert (move.remote_id == "801") == (state == "confirmed")


def test_only_what_was_provably_not_carried_out_costs_no_attempt():
    """F18: a throttled call is no attempt; a call that could not connect is one, so that its rest grows."""
    assert verdict(effect(), answer(Outcome.NOT_EXECUTED, 503)).move.costs_attempt is False
    assert verdict(effect(), answer(Outcome.UNAUTHORIZED, 401)).move.costs_attempt is False
    assert verdict(effect(), answer(Outcome.NOT_SENT)).move.costs_attempt is True


def test_the_rest_after_failing_to_connect_grows_and_is_capped():
    """Hammering an account that is down keeps it down; resting for hours loses the day."""
    rests = [verdict(effect(attempt=attempt), answer(Outcome.NOT_SENT)).move.wait_seconds for attempt in (1, 4, 30)]
    assert 15 <= rests[0] <= 30 < rests[1] <= 240
    assert 300 <= rests[2] <= 600


def test_refused_credentials_and_redirects_stop_the_account():
    """Each further call would only be refused again, and a redirect may lead anywhere."""
    assert "brightpearl refused our credentials" in str(verdict(effect(), answer(Outcome.UNAUTHORIZED, 401)).stops_sink)
    assert "returngo:uk refused" in str(
        verdict(effect("returngo.receive", shipment_id=5), answer(Outcome.UNAUTHORIZED, 403)).stops_sink
    )
    assert verdict(effect(), answer(Outcome.REFUSED, 307)).stops_sink
    assert verdict(effect(), answer(Outcome.REFUSED, 400)).stops_sink is None


def test_closing_a_credit_only_starts_its_posting():
    """An accepted close is no posted credit: accounting may still fail, and only the invoice reference tells."""
    move = verdict(effect("credit.post", credit_id=801), answer(Outcome.CREATED, 200, {})).move
    assert (move.state, str(move.reason).split(":")[0]) == ("unknown", "posting_pending")


def test_f50_a_locked_period_is_named_for_finance():
    """Finance must say which date; 'refused' alone would send them searching."""
    move = verdict(
        effect("credit.post", credit_id=801), answer(Outcome.REFUSED, 400, detail="the accounting period is locked")
    ).move
    assert (move.state, str(move.reason).split(":")[0]) == ("rejected", "period_locked")


def test_what_an_effect_acted_on_names_it_where_the_answer_does_not():
    """A confirmed effect without an id could never be found again."""
    assert remote_id_of(effect("credit.amend", credit_id=801), {}) == "801"
    assert remote_id_of(effect("returngo.receive", shipment_id=55), {"shipmentId": "55"}) == "55"
    assert remote_id_of(effect("transfer.dispatch"), [11, 12]) == "11,12"
    assert remote_id_of(effect("transfer.dispatch"), []) is None


def test_a_read_back_may_show_more_but_never_less_or_other():
    """F25, F28: somebody else's credit under our reference must not be taken for ours."""
    expect = {
        "order_id": 5001,
        "net_minor": 1000,
        "rows": [{"product_id": 1, "quantity": 1}, {"product_id": 2, "quantity": 1}],
    }
    seen = {
        "order_id": "5001",
        "net_minor": 1000,
        "currency": "GBP",
        "rows": [{"product_id": 2, "quantity": 1, "sku": "B"}, {"product_id": 1, "quantity": 1}],
    }
    assert differences(expect, seen) == []
    assert differences(expect, {**seen, "net_minor": 999}) == ["net_minor is 999, expected 1000"]
    assert differences(expect, {**seen, "rows": seen["rows"][:1]}) == ["rows: no product_id 1, quantity 1"]
    assert differences(expect, {**seen, "rows": [*seen["rows"], {"product_id": 3}]}) == ["rows: 1 more than expected"]
    assert differences({"rows": [{"quantity": 1}, {"quantity": 1}]}, {"rows": [{"quantity": 1}]}) == [
        "rows: no quantity 1"
    ]
    assert differences({"invoice_reference": "SC-1"}, {"invoice_reference": None}) == [
        "invoice_reference is None, expected 'SC-1'"
    ]
