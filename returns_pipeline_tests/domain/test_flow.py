"""Units as they flowed. A slice that is held against the wrong credit puts a month's liability into another one."""

import datetime as dt

import pandas as pd

from returns_pipeline.domain.flow import OTHERS, US, units_flow
from returns_pipeline.storage.ledger.reading import _LINE_COLUMNS
from returns_pipeline_tests.domain.frames import frame_of

DAY = dt.timedelta(days=1)
MARCH_1 = dt.datetime(2026, 3, 1, 10, tzinfo=dt.UTC)
SOLD = {"order_row_id": 1, "order_id": 9, "quantity": 3, "net_minor": 1000, "tax_minor": 200, "tax_code": "T20"}


def receipt(number: int, day: int, quantity: int = 1, **more: object) -> dict:
    return {
        "receipt_line_id": number, "rma_id": 70, "return_line_id": "70-1-0", "order_row_id": 1, "credit_id": 8, "credit_row_id": 80,
        "quantity": quantity, "matched_quantity": quantity, "received_on": MARCH_1 + day * DAY, **more,
    }  # fmt: skip


def booked(effect_id: int, receipt_line_id: int | None, net: int, tax: int, credit_id: int = 8, **more: object) -> dict:
    return {
        "effect_id": effect_id, "line_no": 1, "shop": "uk", "kind": "credit.post", "state": "confirmed", "business_key": f"post:{credit_id}",
        "credit_id": credit_id, "rma_id": 70, "order_id": 9, "order_row_id": 1, "phase": "post", "receipt_line_id": receipt_line_id,
        "without_receipt_reason": None, "qty": 1, "net_minor": net, "tax_minor": tax, "released": False, **more,
    }  # fmt: skip


def credit(credit_id: int, day: int, **more: object) -> dict:
    return {
        "credit_id": credit_id, "shop": "uk", "currency": "GBP", "invoice_reference": f"SC-{credit_id}",
        "invoice_tax_date": MARCH_1 + day * DAY, **more,
    }  # fmt: skip


def flowed(receipts: list, posted: list = (), credits: list = (), credit_rows: list = ()) -> list[tuple]:
    lines = pd.DataFrame(list(posted), columns=list(_LINE_COLUMNS)).astype(_LINE_COLUMNS)
    rows = [{"credit_row_id": 80, "credit_id": 8}, *credit_rows]
    frame = units_flow(
        frame_of("returns_receipts", receipts),
        frame_of("brightpearl_sales_credit_rows", rows),
        lines,
        frame_of("brightpearl_sales_credits", credits),
        frame_of("brightpearl_sales_order_rows", [SOLD]),
        {1: "GBP"},
    )
    assert set(frame["tax_code"]) <= {"T20"}
    days = [
        frame[name].map(lambda moment: None if pd.isna(moment) else (moment - MARCH_1).days)
        for name in ("received_on", "credited_on")
    ]
    columns = [frame["quantity"], frame["net_minor"], frame["tax_minor"], *days, frame["credited_by"]]
    return [
        tuple(None if pd.isna(cell) else cell for cell in row)
        for row in zip(*(column.tolist() for column in columns), strict=True)
    ]


def test_a_goods_in_line_and_the_credit_posted_for_it_are_one_slice_with_the_credits_money() -> None:
    """What is left is worth its share of the invoice, after what was credited: 333 and 667 make 1000."""
    found = flowed([receipt(1, 0), receipt(2, 4, quantity=2)], [booked(50, 1, 333, 67)], [credit(8, 2)])
    assert found == [(1, 333, 67, 0, 2, US), (2, 667, 133, 4, None, "")]


def test_a_posting_that_brightpearl_has_not_dated_yet_has_not_happened() -> None:
    """Pending is not posted: the goods still wait."""
    found = flowed([receipt(1, 0)], [booked(50, 1, 333, 67)], [credit(8, 2, invoice_reference="pending")])
    assert found == [(1, 333, 67, 0, None, "")]


def test_a_receipt_that_was_reversed_leaves_a_credit_without_goods() -> None:
    """Scenario 10: the money is out and the goods are not there."""
    assert flowed([], [booked(50, 1, 333, 67)], [credit(8, 2)]) == [(1, 333, 67, None, 2, US)]


def test_a_credit_by_somebody_else_takes_the_oldest_goods_first() -> None:
    """Two came, one was credited by hand before: the second is still owed."""
    by_hand = {
        "credit_row_id": 90,
        "credit_id": 9,
        "order_row_id": 1,
        "quantity": 1,
        "net_minor": 300,
        "tax_minor": 60,
    }
    found = flowed([receipt(2, 5), receipt(1, 3)], credits=[credit(9, 1)], credit_rows=[by_hand])
    assert found == [(1, 300, 60, 3, 1, OTHERS), (1, 334, 66, 5, None, "")]


def test_a_bundle_came_when_the_last_of_its_components_did() -> None:
    """Its parts are one unit of what was sold."""
    parts = [
        {"credit_row_id": 81, "credit_id": 8, "parent_row_id": 80, "quantity": 1, "is_bundle_child": True},
        {"credit_row_id": 82, "credit_id": 8, "parent_row_id": 80, "quantity": 2, "is_bundle_child": True},
    ]
    rows = [{"credit_row_id": 80, "credit_id": 8, "quantity": 1, "is_bundle_parent": True}, *parts]
    frame = units_flow(
        frame_of("returns_receipts", [receipt(1, 0, credit_row_id=81), receipt(2, 3, credit_row_id=82, quantity=2)]),
        frame_of("brightpearl_sales_credit_rows", rows),
        pd.DataFrame([booked(50, 2, 1000, 200)], columns=list(_LINE_COLUMNS)).astype(_LINE_COLUMNS),
        frame_of("brightpearl_sales_credits", [credit(8, 4)]),
        frame_of("brightpearl_sales_order_rows", [SOLD | {"quantity": 1}]),
        {1: "GBP"},
    )
    (only,) = frame.to_dict("records")
    assert (only["quantity"], only["net_minor"], (only["received_on"] - MARCH_1).days) == (1, 1000, 3)
