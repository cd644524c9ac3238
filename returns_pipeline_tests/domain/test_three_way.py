"""Return, goods-in, credit and money side by side. What disagrees must say so, and nothing else may."""

import datetime as dt

import pandas as pd
import pytest

from returns_pipeline import schemas
from returns_pipeline.domain.findings import findings_from_match, findings_near_deadline
from returns_pipeline.domain.standing import standing_lines
from returns_pipeline.domain.three_way import three_way_match
from returns_pipeline_tests.domain import worlds
from returns_pipeline_tests.domain.frames import settings_with
from returns_pipeline_tests.domain.worlds import NOW, PARCEL, RMA, SALE
from returns_pipeline_tests.storage.rows import frame

RAISED = {
    "kind": "credit.raise", "business_key": "raise:70:1001:1", "remote_id": "8001",
    "payload": {"subject": {"rma_id": RMA, "order_id": SALE, "part": 1, "shipment_id": PARCEL}},
}  # fmt: skip
POSTED = {
    "kind": "credit.post", "business_key": "post:8001", "remote_id": "8001",
    "payload": {"subject": {"rma_id": RMA, "credit_id": 8001}, "expect": {"total_minor": 1200}},
}  # fmt: skip
ANNOUNCED = {"effect_id": 1, "kind": "credit.raise"}
BOOKED = {"effect_id": 2}


def refund(**more: object) -> dict:
    """A successful refund of the shirt."""
    plain = {
        "transaction_id": 42,
        "rma_id": RMA,
        "type": "RefundToPaymentMethod",
        "status": "Success",
        "amount_minor": 1200,
    }
    return plain | {"shop_amount_minor": 1200, "returned_item_ids": [1]} | more


def compared(
    lines: pd.DataFrame | None = None,
    receipts: pd.DataFrame | None = None,
    effects: tuple = (),
    ledger_lines: tuple = (),
    refunds: tuple = (),
    now: dt.datetime = NOW,
    policy: dict | None = None,
    credit_rows: tuple = (),
    credits: tuple = ({"credit_id": 8001, "invoice_reference": "SC-1", "invoice_tax_date": NOW},),
) -> pd.DataFrame:
    """The match of a small world."""
    known, booked = worlds.effects(*effects), worlds.ledger_lines(*ledger_lines)
    found = three_way_match(
        worlds.return_lines() if lines is None else lines,
        worlds.receipts().iloc[:0] if receipts is None else receipts,
        standing_lines(known, booked),
        frame("brightpearl_sales_credits", *credits),
        frame("brightpearl_sales_credit_rows", *credit_rows),
        worlds.sold(),
        pd.DataFrame(),
        booked,
        known,
        frame("returngo_transactions", *refunds),
        settings_with(policy=policy or {}).shops[0],
        dt.timedelta(days=30),
        now,
    )
    good, refused = schemas.validate("finance_three_way_match", found)
    assert refused.empty
    assert len(good) == len(found)
    return found


def only(found: pd.DataFrame) -> dict:
    """The single line of a match."""
    assert len(found) == 1
    return found.to_dict("records")[0]


@pytest.mark.parametrize(
    ("world", "state"),
    [
        ({}, "announced"),
        ({"now": NOW + dt.timedelta(days=60)}, "announced_not_arrived"),
        ({"lines": worlds.return_lines({"rma_status": "Canceled", "verdict": "void"})}, "cancelled"),
        ({"lines": worlds.return_lines({"rma_status": "Done", "verdict": "void"})}, "nothing_to_credit"),
        ({"lines": worlds.return_lines({"verdict": "held", "hold_code": "sku_unknown"})}, "held"),
        ({"receipts": worlds.receipts()}, "received"),
        ({"refunds": (refund(),)}, "refund_before_receipt"),
        ({"refunds": (refund(status="Pending"),)}, "announced"),
    ],
)  # fmt: skip
def test_before_a_credit_is_posted_each_turn_has_its_state(world: dict, state: str) -> None:
    """The morning list shows these words; a wrong one sends the wrong person."""
    line = only(compared(**world))
    assert line["state"] == state
    assert line["cause"]


def test_a_credit_that_met_its_goods_and_its_money_is_complete() -> None:
    """All three agree: nobody needs to look."""
    world = {"receipts": worlds.receipts(), "effects": (RAISED, POSTED), "ledger_lines": (ANNOUNCED, BOOKED)}
    line = only(compared(**world))
    assert (line["state"], line["credited_net_minor"], line["credited_tax_minor"]) == ("credited", 1000, 200)
    assert (line["credit_reference"], line["raised_credit_ids"]) == ("SC-1", [8001])
    line = only(compared(**world, refunds=(refund(),)))
    assert (line["state"], line["refunded_minor"], line["difference_minor"]) == ("complete", 1200, 0)


def test_a_refund_that_differs_from_its_credit_is_told() -> None:
    """Goodwill or a slip: either way the customer's account does not close."""
    world = {"receipts": worlds.receipts(), "effects": (RAISED, POSTED), "ledger_lines": (ANNOUNCED, BOOKED)}
    found = compared(**world, refunds=(refund(amount_minor=1500),))
    assert only(found)["state"] == "refund_mismatch"
    (finding,) = findings_from_match(found, pays_ahead=False)
    assert (finding.code, finding.money_minor, finding.rma_id) == ("refund_mismatch", 300, RMA)
    assert only(compared(**world, refunds=(refund(amount_minor=1201),)))["state"] == "complete"


def test_delivery_and_fees_are_no_difference() -> None:
    """The credit's total holds them as the refund does; the shirt's own row does not."""
    with_delivery = POSTED | {"payload": POSTED["payload"] | {"expect": {"total_minor": 1695}}}
    world = {"receipts": worlds.receipts(), "effects": (RAISED, with_delivery), "ledger_lines": (ANNOUNCED, BOOKED)}
    assert only(compared(**world, refunds=(refund(amount_minor=1695),)))["state"] == "complete"


def test_a_receipt_taken_back_after_the_posting_is_told() -> None:
    """The books gave money for goods that are not there."""
    world = {"effects": (RAISED, POSTED), "ledger_lines": (ANNOUNCED, BOOKED)}
    found = compared(**world)
    assert only(found)["state"] == "credited_more_than_received"
    assert [finding.code for finding in findings_from_match(found, pays_ahead=False)] == ["credited_more_than_received"]
    kept = worlds.return_lines({"life": "keep_item"})
    assert only(compared(lines=kept, **world))["state"] == "credited"


def test_one_refund_of_two_lines_is_shared_without_a_penny_lost() -> None:
    """The parts must add up to what left the bank."""
    lines = worlds.return_lines(
        {"paid_price_minor": 1000},
        {"return_line_id": "70-2-900", "order_row_id": 2, "returned_item_ids": [2], "paid_price_minor": 333},
    )
    found = compared(lines=lines, refunds=(refund(amount_minor=1001, returned_item_ids=[1, 2]),))
    assert found["refunded_minor"].tolist() == [751, 250]


def test_the_legal_deadline_is_told_before_it_comes() -> None:
    """Day ten of fourteen, whatever holds the return."""
    held = worlds.return_lines({"verdict": "held", "hold_code": "amount_mismatch"})
    came = worlds.receipts({"received_on": NOW})
    deadline = dt.timedelta(days=14)
    for days, expected in ((9, []), (10, ["refund_deadline"]), (20, ["refund_deadline"])):
        found = compared(lines=held, receipts=came, now=NOW + dt.timedelta(days=days))
        assert [finding.code for finding in findings_near_deadline(found, deadline)] == expected
    paid = compared(lines=held, receipts=came, refunds=(refund(),), now=NOW + dt.timedelta(days=20))
    assert findings_near_deadline(paid, deadline) == []


def test_nothing_to_compare_is_no_failure() -> None:
    """A new shop has no returns."""
    assert compared(lines=worlds.return_lines().iloc[:0]).empty


def test_stock_that_is_back_where_the_policy_writes_no_credit_note_waits_for_nothing() -> None:
    """Called received, it would stand on finance's list of missing credits for ever."""
    lines = worlds.return_lines({"life": "exchange"})
    assert only(compared(lines, worlds.receipts(), policy={"exchange": "even_swap"}))["state"] == "stock_only"
    assert only(compared(lines, worlds.receipts(), policy={"exchange": "credit_and_sale"}))["state"] == "received"


def test_a_credit_raised_before_its_parcel_was_named_is_shown_on_the_parcel() -> None:
    """Else its line would show neither credit nor money."""
    raised = {"kind": "credit.raise", "business_key": "raise:70:1001:1", "remote_id": "8001"}
    raised["payload"] = {"subject": {"rma_id": RMA, "order_id": SALE, "part": 1, "shipment_id": None}}
    posted = {"kind": "credit.post", "business_key": "post:8001", "remote_id": "8001", "payload": POSTED["payload"]}
    assert (
        only(compared(receipts=worlds.receipts(), effects=(raised, posted), ledger_lines=(ANNOUNCED, BOOKED)))[
            "credited_quantity"
        ]
        == 1
    )


SET = {
    "credit_id": 8001,
    "credit_row_id": 500,
    "quantity": 1,
    "order_row_id": 1,
    "is_bundle_parent": True,
    "is_bundle_child": False,
}
INNER = SET | {"credit_row_id": 501, "parent_row_id": 500, "order_row_id": None, "is_bundle_child": True}
POT = INNER | {"credit_row_id": 502, "parent_row_id": 501, "is_bundle_parent": False}
CANDLES = POT | {"credit_row_id": 503, "parent_row_id": 500, "quantity": 2}


def part(credit_row_id: int, units: int) -> dict:
    """A goods-in line of a component."""
    return {
        "receipt_line_id": credit_row_id,
        "credit_row_id": credit_row_id,
        "quantity": units,
        "matched_quantity": units,
    }


@pytest.mark.parametrize(("candles", "bundles"), [(2, 1), (1, 0)])
def test_a_nested_bundle_is_received_once_when_all_of_its_components_came(candles: int, bundles: int) -> None:
    """Three goods-in lines of one hamper counted one by one, three units seemed to have come of one that was sold."""
    came = worlds.receipts(part(502, 1), part(503, candles))
    line = only(compared(receipts=came, credit_rows=(SET, INNER, POT, CANDLES)))
    assert (line["announced_quantity"], line["received_quantity"]) == (1, bundles)
    assert line["received_on"] == NOW - dt.timedelta(days=1)


def test_a_shop_without_any_credit_yet_is_matched() -> None:
    """On the first day of an account whose credits somebody else raises there is no credit and no effect at all."""
    assert only(compared(credits=()))["state"] == "announced"
