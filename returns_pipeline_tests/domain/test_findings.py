"""What stages tell people: one finding per subject and code, with the money at stake."""

import pytest

from returns_pipeline.domain.findings import (
    findings_from_effects,
    findings_from_inspections,
    findings_from_lines,
    findings_from_proposals,
    findings_from_receipts,
)
from returns_pipeline.domain.proposals import frame_of, held, proposal
from returns_pipeline_tests.domain import worlds
from returns_pipeline_tests.domain.worlds import NOW, RMA

PAYLOAD = {"subject": {"rma_id": RMA}, "expect": {"total_minor": 2400, "currency": "GBP"}}


@pytest.mark.parametrize(
    ("state", "reason", "code"),
    [
        ("rejected", "refused: 400", "effect_rejected"),
        ("rejected", "period_locked: the period is closed", "period_locked"),
        ("halted", "foreign_credit: credit 9 appeared", "foreign_credit"),
        ("halted", "payload_mismatch: credit 9: tax", "payload_mismatch"),
        ("halted", "credit_gone: credit 8001 was deleted", "credit_gone"),
        ("halted", "cancelled_but_received: goods were received", "cancelled_but_received"),
        ("halted", "adoption_proposed: 9 has appeared", "adoption_proposed"),
        ("halted", "no_progress: 5 attempts", "no_progress"),
        ("halted", "anything else", "effect_halted"),
        ("confirmed", "payload_mismatch: credit 9: tax_minor is 201, expected 200", "payload_mismatch"),
        ("unknown", "posting_pending: Brightpearl is posting", "posting_pending"),
        ("unknown", "no answer", "effect_unknown"),
    ],
)
def test_a_troubled_effect_is_told_by_its_cause(state: str, reason: str, code: str) -> None:
    """Each cause has its own owner and next step."""
    effect = {"kind": "credit.post", "business_key": "post:8001", "payload": PAYLOAD, "state": state, "reason": reason}
    (finding,) = findings_from_effects(worlds.effects(effect))
    assert (finding.code, finding.subject_id, finding.rma_id, finding.found) == (code, "post:8001", RMA, reason)


def test_a_confirmed_effect_is_told_only_when_it_came_out_other_than_sent() -> None:
    """Else every posted credit would stand on somebody's list for ever."""
    done = {"kind": "credit.post", "business_key": "post:8001", "payload": PAYLOAD, "state": "confirmed"}
    assert findings_from_effects(worlds.effects(done, done | {"reason": "posted_by_hand: as SC-1"})) == []


def test_a_locked_period_is_told_with_the_first_day_that_is_open() -> None:
    """Finance would have to look it up for each credit."""
    locked = "period_locked: 400: ACCC-031: the accounting period is locked until 2026-02-28: tax date 2026-02-20"
    effect = {"kind": "credit.post", "business_key": "post:8001", "payload": PAYLOAD, "state": "rejected"}
    (finding,) = findings_from_effects(worlds.effects(effect | {"reason": locked}))
    assert finding.suggestion == "a tax date from 2026-03-01 on"
    (finding,) = findings_from_effects(worlds.effects(effect | {"reason": "period_locked: 400: the period is closed"}))
    assert finding.suggestion is None


def test_a_posting_that_waits_for_approval_is_told_with_its_money() -> None:
    """A batch that nobody looks at is a customer without a refund."""
    effect = {
        "kind": "credit.post",
        "business_key": "post:8001",
        "payload": PAYLOAD,
        "state": "planned",
        "needs_approval": True,
    }
    (finding,) = findings_from_effects(worlds.effects(effect))
    assert (finding.code, finding.money_minor, finding.currency) == ("approval_waiting", 2400, "GBP")
    assert findings_from_effects(worlds.effects(effect | {"approved_batch": 1})) == []
    assert findings_from_effects(worlds.effects(effect | {"needs_approval": False})) == []


def test_held_lines_of_a_return_are_one_finding_per_code() -> None:
    """Five unknown SKUs of one return are one call to the customer, not five."""
    bad = {"verdict": "held", "hold_code": "sku_unknown", "order_row_id": None, "found": "1 of SKU X"}
    lines = worlds.return_lines({}, bad | {"return_line_id": "70-x2-900"}, bad | {"return_line_id": "70-x3-900"})
    (finding,) = findings_from_lines(lines)
    assert (finding.code, finding.subject_type, finding.subject_id) == ("sku_unknown", "rma", str(RMA))
    assert (finding.money_minor, finding.currency) == (2400, "GBP")


def test_money_of_two_currencies_is_not_added_up() -> None:
    """A sum of pounds and euros is no number."""
    bad = {"verdict": "held", "hold_code": "sku_unknown"}
    lines = worlds.return_lines(bad, bad | {"return_line_id": "70-2-900", "currency": "EUR"})
    (finding,) = findings_from_lines(lines)
    assert (finding.money_minor, finding.currency) == (None, None)


def test_held_receipts_and_proposals_are_told() -> None:
    """Goods that stand on the bench, and credits that may not be written yet."""
    (receipt,) = findings_from_receipts(
        worlds.receipts({}, {"receipt_line_id": 31, "verdict": "held", "hold_code": "over_receipt", "rma_id": None})
    )
    assert (receipt.code, receipt.subject_id, receipt.rma_id) == ("over_receipt", "31", None)
    row = proposal(
        "post", "post:8001", 0, shop="uk", rma_id=RMA, order_id=1, part=1, currency="GBP", net_minor=1000, tax_minor=200
    )
    (waiting,) = findings_from_proposals(
        frame_of([held(row, "sale_not_invoiced", "an invoice", "none", waits=True)], NOW)
    )
    assert (waiting.code, waiting.money_minor) == ("sale_not_invoiced", 1200)


@pytest.mark.parametrize(
    ("unit", "line", "codes"),
    [
        ({"validated_at": NOW}, {}, ["not_in_parcel"]),
        ({"validated_at": NOW, "is_returned": True}, {}, []),
        ({"validated_at": None}, {}, []),
        ({"validated_at": NOW}, {"verdict": "void"}, []),
        ({"validated_at": NOW}, {"life": "lost_in_transit"}, []),
    ],
)
def test_a_unit_that_inspection_missed_is_told_while_its_return_goes_on(unit: dict, line: dict, codes: list) -> None:
    """An empty box that nobody hears of is a customer who waits and a shop that does not know why."""
    found = findings_from_inspections(worlds.items(unit), worlds.return_lines(line))
    assert [finding.code for finding in found] == codes
    assert all((finding.rma_id, finding.money_minor) == (RMA, 1200) for finding in found)
