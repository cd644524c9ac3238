"""Goods-in lines against what was announced. What is counted here is what customers are paid for."""

import pandas as pd
import pytest

from returns_pipeline import schemas
from returns_pipeline.domain.receipts import match_receipts
from returns_pipeline.domain.standing import standing_lines
from returns_pipeline_tests.domain import worlds
from returns_pipeline_tests.domain.frames import frame_of, settings_with
from returns_pipeline_tests.domain.worlds import NOW, PARCEL, RMA, SALE
from returns_pipeline_tests.storage.rows import frame

CREDIT = 8001
TWO_SHIRTS = worlds.return_lines({"quantity": 2, "returned_item_ids": [1, 2]})


def goods_in(*rows: dict) -> pd.DataFrame:
    """Goods-in lines: by default one shirt on the credit's row."""
    plain = {
        "credit_id": CREDIT,
        "credit_row_id": 61,
        "product_id": 11,
        "quantity": 1,
        "warehouse_id": 3,
        "location_id": 5,
        "received_on": NOW,
    }
    numbered = [
        plain | {"receipt_line_id": number, "goods_note_id": number} | row
        for number, row in enumerate(rows or ({},), start=30)
    ]
    return frame_of("brightpearl_goods_in", numbered)


def credit_rows(*rows: dict) -> pd.DataFrame:
    """Rows of credits: by default two shirts."""
    plain = {"credit_row_id": 61, "credit_id": CREDIT, "product_id": 11, "quantity": 2, "order_row_id": 1}
    return frame("brightpearl_sales_credit_rows", *(plain | row for row in rows or ({},)))


def received(
    lines: pd.DataFrame,
    rows: pd.DataFrame | None = None,
    return_lines: pd.DataFrame | None = None,
    items: pd.DataFrame | None = None,
    inspections: pd.DataFrame | None = None,
    ours: bool = True,
    units: int = 2,
    moves: tuple = (),
    credit_shop: str = "uk",
    **tables: object,
) -> pd.DataFrame:
    """The receipts of a small world in which the credit of two shirts is ours, or somebody else's."""
    subject = {"rma_id": RMA, "order_id": SALE, "part": 1, "shipment_id": PARCEL}
    raised = {
        "kind": "credit.raise",
        "business_key": "raise:70:1001:1",
        "remote_id": str(CREDIT),
        "payload": {"subject": subject},
    }
    standing = standing_lines(
        worlds.effects(*([raised] if ours else [])), worlds.ledger_lines({"kind": "credit.raise", "qty": units})
    )
    found = match_receipts(
        lines,
        frame("brightpearl_sales_credits", {"credit_id": CREDIT, "order_id": SALE, "shop": credit_shop}),
        credit_rows() if rows is None else rows,
        TWO_SHIRTS if return_lines is None else return_lines,
        worlds.items({}, {}) if items is None else items,
        frame_of("inspections", []) if inspections is None else inspections,
        frame("brightpearl_shelf_moves", *moves),
        standing,
        settings_with(**tables),
        "uk",
        NOW,
    )
    good, refused = schemas.validate("returns_receipts", found)
    assert refused.empty, refused
    assert len(good) == len(found)
    return found


def test_goods_on_our_credit_belong_to_its_return_line() -> None:
    """The link from a unit on the bench to the customer who is paid for it."""
    (line,) = received(goods_in({"quantity": 2})).to_dict("records")
    assert (line["rma_id"], line["return_line_id"], line["order_row_id"]) == (RMA, f"{RMA}-1-{PARCEL}", 1)
    assert (line["matched_quantity"], line["verdict"]) == (2, "ok")


def test_more_units_than_were_announced_are_held_and_not_counted() -> None:
    """The third shirt is somebody's, but not this credit's; first come, first counted."""
    found = received(goods_in({}, {}, {}))
    assert found["matched_quantity"].tolist() == [1, 1, 0]
    assert found["hold_code"].fillna("").tolist() == ["", "", "over_receipt"]


def test_another_product_on_the_row_is_held() -> None:
    """A cap that is booked in as a shirt must not pay for a shirt."""
    (line,) = received(goods_in({"product_id": 12})).to_dict("records")
    assert (line["hold_code"], line["matched_quantity"]) == ("wrong_item_received", 0)
    assert line["rma_id"] == RMA


def test_goods_that_nobody_announced_are_held_until_their_return_turns_up() -> None:
    """A blind return: the bench booked it on a credit of its own."""
    unknown = received(goods_in(), ours=False, return_lines=worlds.return_lines().iloc[:0])
    assert unknown["hold_code"].tolist() == ["receipt_without_return"]
    known = received(goods_in(), ours=False)
    assert known[["rma_id", "matched_quantity", "verdict"]].values.tolist() == [[RMA, 1, "ok"]]


def test_a_reversed_line_and_an_empty_one_are_nothing() -> None:
    """Goods that were booked out again did not come."""
    assert received(goods_in({"is_reversed": True}, {"quantity": 0})).empty


def test_a_lowered_credit_holds_fewer_units() -> None:
    """What staff took off the credit is not announced any more."""
    assert received(goods_in({"quantity": 2}), units=1)["matched_quantity"].tolist() == [1]


def test_components_are_counted_on_their_own_rows_of_the_bundle() -> None:
    """Two mugs and a tin are three goods-in units of one bundle."""
    rows = credit_rows(
        {"quantity": 1, "is_bundle_parent": True},
        {"credit_row_id": 62, "product_id": 21, "is_bundle_child": True, "parent_row_id": 61, "order_row_id": None},
    )
    found = received(goods_in({"credit_row_id": 62, "product_id": 21, "quantity": 3}), rows=rows, units=1)
    assert found[["order_row_id", "matched_quantity", "hold_code"]].values.tolist() == [[1, 2, "over_receipt"]]


@pytest.mark.parametrize(
    ("is_returned", "is_restockable", "passed", "failed"),
    [(True, True, 1, 0), (True, False, 0, 1), (False, True, 0, 0)],
)
def test_inspection_is_read_from_the_portal_once_a_unit_is_validated(
    is_returned, is_restockable, passed, failed
) -> None:
    """Restockable is true by default there: without a validation date it means nothing."""
    unit = {"is_returned": is_returned, "is_restockable": is_restockable}
    looked_at = received(goods_in({"quantity": 2}), items=worlds.items(unit | {"validated_at": NOW}, {}))
    assert looked_at[["passed_quantity", "failed_quantity"]].values.tolist() == [[passed, failed]]
    not_yet = received(goods_in({"quantity": 2}), items=worlds.items(unit, {}))
    assert not_yet[["passed_quantity", "failed_quantity"]].values.tolist() == [[0, 0]]


def test_a_persons_record_wins_over_the_portal_and_the_latest_over_earlier_ones() -> None:
    """The bench looked twice, and its second look counts."""
    items = worlds.items({"is_returned": True, "is_restockable": True, "validated_at": NOW}, {})
    looks = [
        {"inspection_id": number, "returned_item_id": 1, "source": "job", "result": result}
        for number, result in enumerate(("damaged", "pass", "damaged"))
    ]
    found = received(goods_in({"quantity": 2}), items=items, inspections=frame_of("inspections", looks))
    assert found[["passed_quantity", "failed_quantity"]].values.tolist() == [[0, 1]]


def test_passed_units_are_spread_over_the_notes_that_brought_them() -> None:
    """Never more passed on a line than came on it."""
    items = worlds.items(
        *({"is_returned": True, "is_restockable": good, "validated_at": NOW} for good in (True, False))
    )
    found = received(goods_in({}, {}), items=items)
    assert found[["passed_quantity", "failed_quantity"]].values.tolist() == [[1, 0], [0, 1]]


def test_a_location_may_be_the_inspection() -> None:
    """Some benches book straight into a bin that says what they found."""
    tables = {
        "policy": {"inspection_source": ("brightpearl_location",)},
        "brightpearl": {"inspection_locations": {"5": "pass", "6": "damaged"}},
    }
    found = received(goods_in({}, {"location_id": 6}), **tables)
    assert found[["passed_quantity", "failed_quantity"]].values.tolist() == [[1, 0], [0, 1]]


def test_no_goods_are_no_failure() -> None:
    """A quiet day at the bench."""
    assert received(goods_in().iloc[:0]).empty
    assert received(goods_in(), return_lines=TWO_SHIRTS.iloc[:0])["rma_id"].tolist() == [RMA]


def test_goods_on_a_credit_that_no_return_knows_belong_to_the_credits_own_shop() -> None:
    """Every shop of the account saw them as its own, so that one parcel was asked about twice."""
    unknown = {"return_lines": TWO_SHIRTS.iloc[:0], "ours": False}
    (line,) = received(goods_in(), **unknown).to_dict("records")
    assert (line["shop"], line["hold_code"]) == ("uk", "receipt_without_return")
    assert received(goods_in(), credit_shop="eu", **unknown).empty


@pytest.mark.parametrize(("shelf", "judged"), [(33, (1, 0)), (34, (0, 1))])
def test_a_unit_put_on_a_shelf_after_its_receipt_is_judged_by_the_shelf(shelf: int, judged: tuple[int, int]) -> None:
    """Where the bench inspects by putting things on shelves, nobody types anything anywhere else."""
    move = {"goods_note_id": 1, "product_id": 11, "warehouse_id": 3, "moved_on": NOW}
    moves = (
        move | {"goods_movement_id": 1, "location_id": 5, "quantity": -1},
        move | {"goods_movement_id": 2, "location_id": shelf, "quantity": 1},
    )
    tables = {
        "brightpearl": {"inspection_locations": {"33": "pass", "34": "damaged"}},
        "policy": {"inspection_source": ("brightpearl_location",)},
    }
    (line,) = received(goods_in({"quantity": 2}), moves=moves, **tables).to_dict("records")
    assert (line["passed_quantity"], line["failed_quantity"]) == judged
