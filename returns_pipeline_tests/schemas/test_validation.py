"""Bad rows are held with their reasons; good rows go on in their fixed types."""

import datetime as dt
from decimal import Decimal

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from returns_pipeline import schemas
from returns_pipeline_tests.storage.rows import frame

LINE = {"return_line_id": "1-2-3", "order_id": 5, "order_row_id": 2, "sku_sold": "A", "currency": "GBP"}
PROPOSAL = {
    "proposal_id": "raise:1:1",
    "action": "raise",
    "order_row_id": 2,
    "quantity": 1,
    "net_minor": 1000,
    "tax_minor": 200,
    "charged_quantity": 3,
    "charged_net_minor": 3000,
    "charged_tax_minor": 600,
    "before_quantity": 0,
    "before_net_minor": 0,
    "before_tax_minor": 0,
}


def reasons(table, *rows):
    good, held = schemas.validate(table, frame(table, *rows))
    assert len(good) + len(held) == len(rows)
    return held["reason"].tolist()


def test_one_bad_row_does_not_stop_the_others():
    """199 of 200 returns must go on when one SKU is broken."""
    rows = [{"returned_item_id": number, "currency": "XXX" if number == 117 else "GBP"} for number in range(200)]
    good, held = schemas.validate("returngo/return_items", frame("returngo_return_items", *rows))
    assert len(good) == 199
    assert held["returned_item_id"].tolist() == [117]
    assert held["reason"].tolist() == ["currency is not one of the values it may have"]
    assert good.index.tolist() == list(range(199))


def test_a_row_is_held_once_with_all_its_reasons():
    """A check over several columns names each of them; counted by column, one row would look like four."""
    assert reasons(
        "returns/return_lines",
        LINE | {"order_row_id": None, "quantity": 0, "verdict": "ok", "hold_code": "sku_unknown"},
    ) == ["a good line has its row and sku; a hold has its code; quantity breaks greater_than(0)"]


def test_a_reason_never_shows_what_a_cell_held():
    """Cells come from customers; reasons go to logs and to the UI."""
    rows = frame("returngo_return_items", {"returned_item_id": 1})
    rows["sku"] = pd.Series([4407], dtype=object)
    rows["currency"] = "secret@example.com"
    _, held = schemas.validate("returngo/return_items", rows)
    assert held["reason"].tolist() == ["sku is not of type text"]
    assert "secret" not in held["reason"].iloc[0]


@pytest.mark.parametrize(
    ("column", "cell", "reason"),
    [
        ("paid_price_minor", 10.5, "paid_price_minor is not of type whole"),
        ("paid_price_minor", "1050", "paid_price_minor is not of type whole"),
        ("paid_price_minor", True, "paid_price_minor is not of type whole"),
        ("paid_price_minor", None, "paid_price_minor is missing"),
        ("paid_price_minor", -1, "paid_price_minor breaks greater_than_or_equal_to(0)"),
        ("is_returned", None, "is_returned is missing"),
        ("is_returned", 1, "is_returned is not of type flag"),
        ("is_returned", "false", "is_returned is not of type flag"),
        ("sku", 4407, "sku is not of type text"),
        ("validated_at", dt.datetime.fromisoformat("2026-03-02"), "validated_at is not of type moment"),
        ("validated_at", "2026-03-02T00:00:00Z", "validated_at is not of type moment"),
        ("exchange_items", "[]", "exchange_items is not of type json"),
    ],
)
def test_nothing_is_guessed(column, cell, reason):
    """A missing flag read as False is an uninspected unit; a float of money is a rounded one."""
    rows = frame("returngo_return_items", {"returned_item_id": 1}, {"returned_item_id": 2})
    rows[column] = rows[column].astype(object)
    rows.at[1, column] = cell  # noqa: PD008
    good, held = schemas.validate("returngo/return_items", rows)
    assert good["returned_item_id"].tolist() == [1]
    assert held["reason"].tolist() == [reason]


def test_a_decimal_never_comes_from_a_float():
    """Four decimals of evidence are worthless once they have been a float."""
    rows = frame("brightpearl_sales_order_rows", {"order_row_id": 1})
    rows["row_net"] = pd.Series([9.0909], dtype=object)
    assert schemas.validate("brightpearl_sales_order_rows", rows)[1]["reason"].tolist() == [
        "row_net is not of type exact"
    ]
    rows["row_net"] = pd.Series([Decimal("9.0909")], dtype=object)
    assert schemas.validate("brightpearl_sales_order_rows", rows)[1].empty


def test_good_rows_come_in_the_tables_own_types_whatever_pandas_made_of_them():
    """Gaps turn whole numbers into floats and an all-empty column into objects: merges on such keys go wrong."""
    columns = {column.name: column for column in schemas.named("returns/return_lines").columns()}
    rows = frame(
        "returns_return_lines",
        LINE,
        LINE | {"return_line_id": "x", "verdict": "waiting", "hold_code": "order_not_found", "order_id": None},
    )
    loose = rows.astype(
        {"order_id": "float64", "rma_id": "Int64", "shipment_id": object, "shop": object, "sku_sold": object}
    )
    loose["shipment_id"] = [None, np.nan]
    loose["judged_at"] = loose["judged_at"].dt.tz_convert("Asia/Tokyo").astype("datetime64[ns, Asia/Tokyo]")
    good, held = schemas.validate("returns/return_lines", loose)
    assert held.empty
    assert {name: str(dtype) for name, dtype in good.dtypes.items()} == {
        name: column.dtype for name, column in columns.items()
    }
    pd.testing.assert_frame_equal(good, rows)


def test_an_empty_batch_is_good():
    """A shop without open returns is no error."""
    good, held = schemas.validate("returns/return_lines", frame("returns_return_lines"))
    assert good.empty
    assert held.empty
    assert "reason" in held.columns


def test_a_batch_without_its_columns_is_no_bad_row():
    """Holding every row would hide that the maker of the frame is wrong."""
    rows = frame("returngo_rmas", {"rma_id": 1})
    with pytest.raises(
        schemas.BatchMisshapen, match=r"lacks the columns \['status'\] and has the unknown columns \['state'\]"
    ):
        schemas.validate("returngo/rmas", rows.rename(columns={"status": "state"}))


def test_a_key_that_occurs_twice_holds_both():
    """Which of the two is right is not for a machine to choose."""
    assert reasons("returngo/rmas", {"rma_id": 1}, {"rma_id": 1}, {"rma_id": 2}) == ["rma_id occurs twice"] * 2


def test_rows_filled_by_the_database_may_be_missing_or_present():
    """A goods-in line has its number once it was stored, and none before."""
    fresh = frame("brightpearl_goods_in", {"goods_note_id": 1})
    stored = fresh.assign(receipt_line_id=pd.Series([7], dtype="int64"))
    for rows in (fresh, stored):
        good, held = schemas.validate("brightpearl/goods_in", rows)
        assert (len(good), len(held)) == (1, 0)
    assert schemas.validate("brightpearl/goods_in", stored)[0]["receipt_line_id"].tolist() == [7]


@pytest.mark.parametrize("missing", ["order_id", "order_row_id", "sku_sold", "currency"])
def test_a_line_judged_good_names_its_sale_and_sku(missing):
    """SKU validity: a credit is raised on what is judged good."""
    assert reasons("returns/return_lines", LINE | {missing: None}) == ["a good line has its row and sku"]
    assert reasons("returns/return_lines", LINE | {missing: None, "verdict": "held", "hold_code": "sku_unknown"}) == []


def test_an_empty_sku_is_no_sku():
    """Blank SKUs occur in Brightpearl."""
    assert reasons("returns/return_lines", LINE | {"sku_sold": ""}) == ["a good line has its row and sku"]


@pytest.mark.parametrize(
    ("net", "tax", "fits"),
    [
        (1000, 200, True),
        (1000, 0, True),
        (-500, -100, True),
        (0, 0, True),
        (1000, -1, False),
        (-500, 100, False),
        (0, 1, False),
    ],
)
def test_tax_goes_the_way_of_its_net(net, tax, fits):
    """Tax against its net cannot be shared out over the units."""
    expected = [] if fits else ["tax has the sign of the net"]
    assert reasons("brightpearl_sales_order_rows", {"order_row_id": 1, "net_minor": net, "tax_minor": tax}) == expected


@pytest.mark.parametrize(
    ("changes", "fits"),
    [
        ({}, True),
        ({"tax_minor": 201}, True),
        ({"tax_minor": 199}, True),
        ({"tax_minor": 202}, False),
        ({"tax_minor": 198}, False),
        ({"tax_minor": 0}, False),
        ({"quantity": 3, "tax_minor": 600}, True),
        ({"quantity": 2, "before_quantity": 1, "before_tax_minor": 200, "tax_minor": 400}, True),
        ({"quantity": 2, "before_quantity": 1, "before_tax_minor": 0, "tax_minor": 500}, False),
        ({"charged_tax_minor": 0, "tax_minor": 0}, True),
        # Others gave back value without units, before we raised or after: what is left, or the units' own share.
        ({"before_tax_minor": 150, "tax_minor": 50}, True),
        ({"before_tax_minor": 150, "tax_minor": 200}, True),
        ({"before_tax_minor": 150, "tax_minor": 120}, False),
        ({"before_tax_minor": 500, "tax_minor": 0}, True),
        # A fee's row is not a share of a row of the sale.
        ({"order_row_id": None, "charged_quantity": None, "net_minor": -295, "tax_minor": -59}, True),
        ({"tax_minor": 400, "verdict": "held", "hold_code": "tax_out_of_proportion"}, True),
    ],
)
def test_tax_is_the_units_share_of_the_tax_charged(changes, fits):
    """Tax proportion: a credit out of proportion is found at month end, by the tax office at the latest."""
    assert reasons("returns/credit_proposals", PROPOSAL | changes) == ([] if fits else ["tax is in proportion"])


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 10**12), st.lists(st.integers(1, 50), min_size=1, max_size=6))
def test_shares_taken_one_after_the_other_are_in_proportion(tax, parts):
    """The check must not hold what the proration rightly gives, whatever the amounts and the order."""
    ordered, before, taken, rows = sum(parts), 0, 0, []
    for number, quantity in enumerate(parts):
        share = (2 * tax * (before + quantity) + ordered) // (2 * ordered) - taken
        row = {
            "quantity": quantity,
            "tax_minor": share,
            "charged_quantity": ordered,
            "charged_tax_minor": tax,
            "before_quantity": before,
            "before_tax_minor": taken,
        }
        rows.append(PROPOSAL | row | {"proposal_id": str(number), "business_key": f"raise:{number}"})
        before, taken = before + quantity, taken + share
    assert reasons("returns/credit_proposals", *rows) == []


def test_a_row_cut_along_its_receipts_is_proved_as_the_one_row_it_is():
    """Three goods-in lines of one unit each may hold 1, 0 and 0 of one penny; the credit has one row."""
    cut = PROPOSAL | {"action": "post", "business_key": "post:7", "charged_tax_minor": 1}
    pieces = [
        cut | {"proposal_id": str(number), "receipt_line_id": number, "tax_minor": tax}
        for number, tax in enumerate((0, 0, 1))
    ]
    assert reasons("returns/credit_proposals", *pieces) == []
    assert (
        reasons("returns/credit_proposals", *(piece | {"tax_minor": 1} for piece in pieces))
        == ["tax is in proportion"] * 3
    )


def test_what_is_posted_was_received_or_says_why_not():
    """Nothing is credited before it is received."""
    posting = PROPOSAL | {"action": "post"}
    assert reasons("returns/credit_proposals", posting) == ["what is posted was received or says why not"]
    assert reasons("returns/credit_proposals", posting | {"receipt_line_id": 9}) == []
    assert reasons("returns/credit_proposals", posting | {"without_receipt_reason": "keep_item"}) == []


@pytest.mark.parametrize("changes", [{"quantity": 0, "tax_minor": 0}, {"net_minor": -1}])
def test_a_row_of_the_sale_gives_back_units_and_money(changes):
    """A negative share would charge the customer again."""
    assert "what takes from a row takes something" in reasons("returns/credit_proposals", PROPOSAL | changes)[0]


@pytest.mark.parametrize(("quantities", "fits"), [((2, 2, 1, 1), True), ((2, 3, 0, 0), False), ((2, 1, 2, 1), False)])
def test_a_received_unit_is_matched_and_inspected_once(quantities, fits):
    """Matched twice it would be credited twice."""
    received, matched, passed, failed = quantities
    row = {
        "receipt_line_id": 1,
        "quantity": received,
        "matched_quantity": matched,
        "passed_quantity": passed,
        "failed_quantity": failed,
    }
    assert reasons("returns/receipts", row) == ([] if fits else ["no more matched or inspected than received"])


@pytest.mark.parametrize(("target", "fits"), [(2, True), (None, False), (3, False)])
def test_a_transfer_goes_to_a_named_warehouse_other_than_its_own(target, fits):
    """Goods sent to a default warehouse go on sale where nobody looks for them."""
    row = {"proposal_id": "a", "source_warehouse_id": 3, "target_warehouse_id": target}
    assert reasons("returns/transfer_proposals", row) == ([] if fits else ["a good transfer has its target"])
