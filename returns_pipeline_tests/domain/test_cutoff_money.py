"""Money, stock and exceptions at the end of a month. What is not listed here is found by the auditor."""

import datetime as dt
from decimal import Decimal

import pandas as pd
import pytest

from returns_pipeline.domain.close import Cutoff
from returns_pipeline.domain.cutoff import UnitCost
from returns_pipeline.domain.cutoff_money import exception_lines, refund_lines, stock_lines, unit_costs
from returns_pipeline_tests.domain.frames import frame_of, settings_with
from returns_pipeline_tests.domain.test_close import a_slice, flow_of
from returns_pipeline_tests.domain.test_flow import MARCH_1, receipt

CUTOFF = Cutoff.of(settings_with().shops[0], MARCH_1.date())
APRIL = pd.Timestamp(2026, 4, 2, 11, tz="UTC")
MARCH = pd.Timestamp(2026, 3, 5, 11, tz="UTC")
LINES = [
    {"return_line_id": "70-1-0", "rma_id": 70, "life": "ordinary", "returned_item_ids": [1], "paid_price_minor": 400},
    {"return_line_id": "70-2-0", "rma_id": 70, "life": "ordinary", "returned_item_ids": [2], "paid_price_minor": 800},
    {"return_line_id": "70-3-0", "rma_id": 70, "life": "keep_item", "returned_item_ids": [3], "paid_price_minor": 800},
]
EFFECTS = ["effect_id", "kind", "state", "sent_at", "updated_at", "payload"]


def effects(*rows: dict) -> pd.DataFrame:
    frame = pd.DataFrame(
        [{"state": "confirmed", "sent_at": MARCH, "updated_at": MARCH} | row for row in rows], columns=EFFECTS
    )
    return frame.astype({"sent_at": "datetime64[us, UTC]", "updated_at": "datetime64[us, UTC]"})


def refunded(number: int, kind: str = "RefundToPaymentMethod", **more: object) -> dict:
    return {
        "transaction_id": number, "rma_id": 70, "type": kind, "status": "Success", "amount_minor": 1200, "currency": "GBP",
        "shop_amount_minor": 1200, "shop_currency": "GBP", "created_at": MARCH_1, "last_updated_at": MARCH_1, "returned_item_ids": [], **more,
    }  # fmt: skip


def found_in(transactions: list, *done: dict, imported: list = (), came_on: dt.datetime | None = None) -> list[tuple]:
    frame = pd.DataFrame(list(imported), columns=["refund_id", "order_name", "refunded_on", "currency", "amount_minor"])
    frame["refunded_on"] = pd.to_datetime(frame["refunded_on"], utc=True)
    lines = refund_lines(
        frame_of("returngo_transactions", transactions), frame, effects(*done),
        frame_of("returns_return_lines", LINES), flow_of([a_slice("70-1-0", None, None, received_on=came_on)]), CUTOFF,
    )  # fmt: skip
    return [(each["figure"], each["subject_id"], each["gross_minor"]) for each in lines]


def test_04_a_refund_before_the_goods_came_is_an_exposure_until_they_do() -> None:
    """Of 12.00 for two lines at 4.00 and 8.00, the first has come; what is kept is awaited by nobody."""
    both, paid = refunded(1, returned_item_ids=[1, 2]), recorded(1, 1200)
    assert found_in([both], paid) == [("refunded_not_received", "1", 1200)]
    assert found_in([both], paid, came_on=MARCH) == [("refunded_not_received", "1", 800)]
    assert found_in([both], paid, came_on=APRIL) == [("refunded_not_received", "1", 1200)]
    assert found_in([refunded(1, returned_item_ids=[3])], paid) == []


@pytest.mark.parametrize(("allows", "note"), [(True, "allowed by"), (False, "not allowed by")])
def test_04_the_exposure_says_whether_the_shop_means_it_and_how_old_it_is(allows: bool, note: str) -> None:
    """Refunding at drop-off is a choice; without it somebody made a mistake."""
    cutoff = Cutoff.of(settings_with(policy={"credit_ahead_of_receipt": allows}).shops[0], MARCH_1.date())
    lines = refund_lines(
        frame_of("returngo_transactions", [refunded(1, returned_item_ids=[1])]), frame_of("returngo_transactions", []).rename(
            columns={"created_at": "refunded_on"}).assign(refund_id=None), effects(recorded(1, 1200)), frame_of("returns_return_lines", LINES),
        flow_of([]), cutoff,
    )  # fmt: skip
    (only,) = lines
    assert only["note"].startswith(note)
    assert only["age_days"] == 30


def recorded(transaction_id: int, minor: int, **more: object) -> dict:
    return paid_together((transaction_id, minor), **more)


def paid_together(*parts: tuple[int, int], **more: object) -> dict:
    subject = {
        "credit_id": 8,
        "transactions": [{"transaction_id": each, "amount_minor": minor} for each, minor in parts],
    }
    payload = {"subject": subject, "expect": {"amount_minor": sum(minor for _, minor in parts)}}
    return {"effect_id": 1, "kind": "refund.record", "payload": payload, **more}


def test_a_refund_is_open_until_payments_carry_all_of_it() -> None:
    """Recorded after the month's end is not recorded at its end; a failed refund is none."""
    assert found_in([refunded(1)]) == [("refunded_not_recorded", "1", 1200)]
    assert found_in([refunded(1)], recorded(1, 1000)) == [("refunded_not_recorded", "1", 200)]
    assert found_in([refunded(1)], recorded(1, 1200, sent_at=APRIL)) == [("refunded_not_recorded", "1", 1200)]
    assert found_in([refunded(1, status="Failed")], recorded(1, 1200)) == []
    assert found_in([refunded(1)], recorded(1, 1200)) == []


def test_a_payment_of_several_refunds_counts_for_each_by_its_own_amount() -> None:
    """Its whole sum against the first of them would hide what the other still lacks."""
    both = [refunded(1), refunded(2)]
    assert found_in(both, paid_together((1, 1200), (2, 1200))) == []
    assert found_in(both, paid_together((1, 1200), (2, 900))) == [("refunded_not_recorded", "2", 300)]
    assert found_in(both, paid_together((1, 700), (2, 1200)), recorded(1, 500)) == []


def test_store_credit_and_gift_cards_are_liabilities_issued_and_no_cash() -> None:
    """They are told apart, and none waits to be recorded as a refund of cash."""
    shown = found_in(
        [
            refunded(1, "RefundToStoreCredit"),
            refunded(2, "RefundToGiftCard"),
            refunded(3, "RefundToStoreCredit", last_updated_at=APRIL),
        ]
    )
    assert shown == [("store_credit_issued", "1", 1200), ("gift_cards_issued", "2", 1200)]


def test_a_refund_made_straight_in_shopify_is_listed_unless_returngo_knows_it() -> None:
    """Imported from a list; the ones that ReturnGo made are in it too."""
    rows = [("991", "#1", MARCH, "GBP", 500), ("992", "#2", MARCH, "GBP", 1200), ("993", "#3", APRIL, "GBP", 1)]
    shown = found_in([refunded(1, platform_refund_id="992")], recorded(1, 1200), imported=rows)
    assert shown == [("refunded_only_in_shopify", "991", 500)]


def test_a_posted_credit_whose_customer_has_no_money_yet_is_listed() -> None:
    """Until a refund of its return is there."""
    payload = {"subject": {"rma_id": 70, "credit_id": 8}, "expect": {"currency": "GBP", "total_minor": 1200}}
    credited = {"effect_id": 2, "kind": "credit.post", "payload": payload}
    assert found_in([], credited) == [("posted_unpaid", "8", 1200)]
    assert found_in([refunded(1)], recorded(1, 1200), credited) == []


def test_what_lies_in_returns_is_counted_at_cost_less_what_was_moved_away() -> None:
    """Two came for 4.505 each, one went back on sale in March, the other lies in quarantine."""
    receipts = frame_of("returns_receipts", [receipt(1, 0, quantity=2, warehouse_id=3, location_id=31)])
    goods = frame_of(
        "brightpearl_goods_in",
        [{"receipt_line_id": 1, "quantity": 2, "cost_value": Decimal("4.505"), "cost_currency": "GBP"}],
    )
    costs = unit_costs(goods, receipts)
    assert costs == {1: UnitCost(901, 2, "GBP")}
    moved = {
        "effect_id": 3,
        "kind": "transfer.create",
        "payload": {"subject": {"units": [{"receipt_line_id": 1, "quantity": 1}]}},
    }
    lines = list(stock_lines(receipts, effects(moved), costs, {3: 31}, CUTOFF))
    assert [(each["figure"], each["quantity"], each["cost_minor"]) for each in lines] == [
        ("returns_stock_at_cost", 1, 451),
        ("in_quarantine", 1, 451),
    ]
    assert list(stock_lines(receipts, effects(moved | {"sent_at": APRIL}), costs, {}, CUTOFF))[0]["quantity"] == 2


def test_goods_booked_in_without_a_cost_are_counted_and_said_to_have_none() -> None:
    """Unknown is not nothing."""
    receipts = frame_of("returns_receipts", [receipt(1, 0)])
    (only,) = stock_lines(receipts, effects(), {}, {}, CUTOFF)
    assert (only["quantity"], only["note"]) == (1, "booked in without a cost")


def test_exceptions_are_those_that_stood_open_at_the_end() -> None:
    """With their money; what was closed in April was open in March."""
    columns = [
        "exception_id",
        "code",
        "owner",
        "cause",
        "rma_id",
        "money_minor",
        "currency",
        "first_seen_at",
        "closed_at",
    ]
    rows = [
        (1, "double_credit", "finance", "twice", 70, 1200, "GBP", MARCH, APRIL),
        (2, "double_credit", "finance", "twice", 70, 1200, "GBP", MARCH, MARCH),
        (3, "parcel_late", "cx", "late", None, None, None, MARCH, pd.NaT),
        (4, "parcel_late", "cx", "late", None, None, None, APRIL, pd.NaT),
    ]
    lines = list(exception_lines(pd.DataFrame(rows, columns=columns).astype({"money_minor": "Int64"}), CUTOFF))
    assert [(each["subject_id"], each["gross_minor"], each["currency"]) for each in lines] == [
        ("1", 1200, "GBP"),
        ("3", None, "GBP"),
    ]
    assert lines[0]["age_days"] == (dt.date(2026, 3, 31) - dt.date(2026, 3, 5)).days
