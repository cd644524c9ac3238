"""What drifts apart with time: told when it is late, silent before, and silent where another exception says why."""

import datetime as dt

import pandas as pd
import pytest

from returns_pipeline.domain import drift
from returns_pipeline_tests.domain import worlds
from returns_pipeline_tests.domain.worlds import NOW, RMA, SALE
from returns_pipeline_tests.storage.rows import frame

SETTINGS = worlds.settings()
SHOP = SETTINGS.shops[0]
WEEK = dt.timedelta(days=7)


def matched(**more: object) -> pd.DataFrame:
    plain = {"return_line_id": "70-1-900", "rma_id": RMA, "order_id": SALE, "state": "received", "life": "ordinary"}
    plain |= {
        "received_quantity": 1,
        "credited_quantity": 0,
        "foreign_quantity": 0,
        "received_on": NOW - WEEK,
        "difference_minor": 1200,
        "currency": "GBP",
        "raised_credit_ids": [8001],
    }
    return frame("finance_three_way_match", plain | more)


def post(**more: object) -> dict:
    rows = [{"product_id": 11, "quantity": 1, "net_minor": 1000, "tax_minor": 200}]
    payload = {"subject": {"rma_id": RMA, "credit_id": 8001}, "expect": {"total_minor": 1200, "rows": rows}}
    return {"kind": "credit.post", "business_key": "post:8001", "payload": payload, "updated_at": NOW - WEEK} | more


def credit(**more: object) -> pd.DataFrame:
    plain = {"credit_id": 8001, "net_minor": 1000, "tax_minor": 200, "total_minor": 1200, "invoice_reference": "SC-1"}
    return frame("brightpearl_sales_credits", plain | {"updated_on": NOW - WEEK} | more)


def no_proposals() -> pd.DataFrame:
    return frame("returns_credit_proposals", {}).iloc[:0]


def test_goods_that_came_without_a_credit_are_told_after_the_service_level() -> None:
    def codes(lines: pd.DataFrame, proposals: pd.DataFrame, *effects: dict) -> list[str]:
        found = drift.late_credits(lines, proposals, worlds.effects(*effects), SHOP, SETTINGS, NOW)
        return [finding.code for finding in found]

    assert codes(matched(), no_proposals()) == ["receipt_without_credit"]
    assert codes(matched(received_on=NOW - dt.timedelta(minutes=30)), no_proposals()) == []
    assert codes(matched(state="credited"), no_proposals()) == []
    assert codes(matched(received_quantity=1, credited_quantity=1), no_proposals()) == [], "the rest has not come"
    assert codes(matched(received_quantity=1, credited_quantity=0, foreign_quantity=1), no_proposals()) == []


@pytest.mark.parametrize(
    "effect",
    [
        {"state": "planned", "needs_approval": True},
        {"state": "halted", "reason": "foreign_credit: 9"},
        {"state": "unknown"},
    ],
)
def test_a_receipt_whose_credit_another_exception_holds_up_is_not_told_twice(effect: dict) -> None:
    """The same return on finance's list under two codes would be worked on twice."""
    found = drift.late_credits(matched(), no_proposals(), worlds.effects(post(**effect)), SHOP, SETTINGS, NOW)
    assert found == []
    held = frame("returns_credit_proposals", {"rma_id": RMA, "verdict": "held", "hold_code": "amount_mismatch"})
    assert drift.late_credits(matched(), held, worlds.effects(), SHOP, SETTINGS, NOW) == []


def test_a_credit_without_a_refund_is_told_after_the_service_level() -> None:
    """The books gave the money back and the customer has not got it."""
    lines = matched(state="credited", difference_minor=0, credited_net_minor=1000, credited_tax_minor=200)
    (finding,) = drift.late_refunds(lines, worlds.effects(post()), SHOP, SETTINGS, NOW)
    assert (finding.code, finding.money_minor, finding.currency) == ("credit_without_refund", 1200, "GBP")
    recent = worlds.effects(post(updated_at=NOW - dt.timedelta(hours=20)))
    assert drift.late_refunds(lines, recent, SHOP, SETTINGS, NOW) == []
    assert drift.late_refunds(matched(state="complete"), worlds.effects(post()), SHOP, SETTINGS, NOW) == []


def drifting(
    status: str, state: str, age: dt.timedelta = WEEK, proposals: pd.DataFrame | None = None, **of_credit: object
) -> list[str]:
    rmas = worlds.rmas({"status": status, "last_updated_at": NOW - age})
    credits = credit(**({"updated_on": NOW - WEEK} | of_credit))
    held = proposals if proposals is not None else no_proposals()
    found = drift.status_drift(matched(state=state), held, worlds.effects(), rmas, credits, SHOP, SETTINGS, NOW)
    return [finding.cause for finding in found]


@pytest.mark.parametrize(
    ("status", "state", "of_credit", "cause"),
    [
        ("Done", "announced", {}, "ReturnGo says Done, Brightpearl has received nothing"),
        ("Approved", "complete", {}, "ReturnGo says Approved, Brightpearl has finished with it"),
        (
            "Canceled",
            "cancelled",
            {"invoice_reference": ""},
            "ReturnGo says Canceled, Brightpearl still expects it on 1 credits",
        ),
    ],
)
def test_systems_that_disagree_are_told_when_neither_moved_for_a_while(
    status: str, state: str, of_credit: dict, cause: str
) -> None:
    """Scenario 8."""
    assert drifting(status, state, **of_credit) == [cause]
    assert drifting(status, state, age=dt.timedelta(hours=20), **of_credit) == []
    assert drifting(status, state, **(of_credit | {"updated_on": NOW - dt.timedelta(hours=1)})) == []


@pytest.mark.parametrize(
    ("status", "state", "of_credit"),
    [
        ("Approved", "announced", {}),
        ("Done", "complete", {}),
        ("Done", "refund_before_receipt", {}),
        ("Canceled", "cancelled", {"invoice_reference": "", "is_cancelled": True}),
        ("Received", "credited", {}),
    ],
)
def test_systems_that_agree_are_not_told(status: str, state: str, of_credit: dict) -> None:
    assert drifting(status, state, **of_credit) == []


def test_a_disagreement_that_another_exception_explains_is_not_told_twice() -> None:
    held = frame("returns_credit_proposals", {"rma_id": RMA, "verdict": "held", "hold_code": "foreign_credit"})
    assert drifting("Approved", "credited_by_others", proposals=held) == []


@pytest.mark.parametrize(
    ("changes", "code", "money"),
    [
        ({"tax_minor": 199, "total_minor": 1199}, "tax_gap", 1),
        ({"net_minor": 900, "total_minor": 1100}, "credit_error", 100),
        ({"is_cancelled": True}, "credit_error", 0),
    ],
)
def test_a_posted_credit_that_the_books_hold_otherwise_is_told(changes: dict, code: str, money: int) -> None:
    """Somebody changed it after it was posted, or it was booked with another rate."""
    (finding,) = drift.booked_otherwise(credit(**changes), worlds.effects(post()), "uk")
    assert (finding.code, finding.subject_id, finding.money_minor) == (code, "8001", money)


def test_a_posted_credit_as_planned_is_not_told() -> None:
    assert list(drift.booked_otherwise(credit(), worlds.effects(post()), "uk")) == []
    assert list(drift.booked_otherwise(credit(tax_minor=1), worlds.effects(post(state="planned")), "uk")) == []


@pytest.mark.parametrize(("tax", "expected"), [(200, []), (199, []), (198, ["tax_gap"]), (0, ["tax_gap"])])
def test_a_credit_by_others_with_a_tax_that_is_not_its_share_is_told(tax: int, expected: list[str]) -> None:
    """One minor unit per unit is rounding, and [tolerances] tax_minor_per_line says so."""
    foreign = pd.DataFrame(
        [{"order_row_id": 1, "foreign_qty": 1, "foreign_net": 1000, "foreign_tax": tax, "credit_ids": [9]}]
    )
    sold = frame("brightpearl_sales_order_rows", {"order_row_id": 1, "net_minor": 2000, "tax_minor": 400})
    found = drift.foreign_tax_gaps(foreign, sold, "uk", SETTINGS)
    assert [finding.code for finding in found] == expected


def test_units_booked_straight_into_a_warehouse_that_sells_are_told() -> None:
    """Scenario 43: nobody looked at them."""
    assert drift.misplaced_receipts(worlds.receipts(), SHOP) == []
    (finding,) = drift.misplaced_receipts(worlds.receipts({"warehouse_id": 2}), SHOP)
    assert (finding.code, finding.rma_id) == ("premature_restock", RMA)
    assert drift.misplaced_receipts(worlds.receipts({"warehouse_id": 2, "passed_quantity": 1}), SHOP) == []


@pytest.mark.parametrize(("left", "passed", "excess"), [(1, 0, 1), (3, 1, 2), (5, 0, 2), (1, 1, 0), (1, 3, 0)])
def test_units_that_left_beyond_those_that_passed_are_told(left: int, passed: int, excess: int) -> None:
    found = list(drift.premature_restocks([drift.Leaving(11, 3, RMA, 2, left, passed, [501])], "uk"))
    assert [finding.found.split("; ")[1] for finding in found if finding.found] == (
        [f"{excess} of them without a pass"] if excess else []
    )
