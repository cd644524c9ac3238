"""Bundles in a return: whole ones go back on the row with the money, parts are for a person, and an opened bundle's parts go back one by one."""

from typing import Any

import pandas as pd

from returns_pipeline.domain.bundles import component_balances, open_bundles
from returns_pipeline_tests.domain import worlds
from returns_pipeline_tests.domain.examples import EXAMPLES
from returns_pipeline_tests.domain.test_matching import matched, only

GIFT_SET = (
    {"order_row_id": 1, "product_id": 20, "sku": "SET", "net_minor": 3000, "tax_minor": 600, "is_bundle_parent": True},
    {"order_row_id": 2, "product_id": 21, "sku": "MUG", "net_minor": 0, "tax_minor": 0, "is_bundle_child": True, "parent_row_id": 1, "quantity": 2},
    {"order_row_id": 3, "product_id": 22, "sku": "TIN", "net_minor": 0, "tax_minor": 0, "is_bundle_child": True, "parent_row_id": 1},
)  # fmt: skip


def test_the_parts_of_a_whole_bundle_go_back_on_the_row_with_the_money() -> None:
    """The component rows are worth nothing; three units are one bundle."""
    line = only(
        matched(items=worlds.items({"sku": "MUG"}, {"sku": "MUG"}, {"sku": "TIN"}), sold=worlds.sold(*GIFT_SET))
    )
    assert (line["order_row_id"], line["quantity"], line["verdict"], line["sku_sold"]) == (1, 1, "ok", "SET")
    assert line["returned_item_ids"] == [1, 2, 3]


def test_a_part_of_a_bundle_is_held_with_its_share() -> None:
    """T30: what a tin alone is worth is a person's decision; its share by units is a start."""
    assert EXAMPLES["T30"]["expect"]["reason"] == "partial_bundle"
    line = only(matched(items=worlds.items({"sku": "TIN"}), sold=worlds.sold(*GIFT_SET)))
    assert (line["verdict"], line["hold_code"]) == ("held", "partial_bundle")
    assert "1000 minor units" in line["suggestion"]


def test_a_bundle_within_a_bundle_goes_back_on_the_topmost_row() -> None:
    """The money stands at the top, however deep the unit lies."""
    rows = (
        {"order_row_id": 1, "product_id": 20, "sku": "SET", "net_minor": 3000, "is_bundle_parent": True},
        {
            "order_row_id": 2,
            "product_id": 21,
            "sku": "BOX",
            "net_minor": 0,
            "is_bundle_child": True,
            "parent_row_id": 1,
        },
        {
            "order_row_id": 3,
            "product_id": 22,
            "sku": "TIN",
            "net_minor": 0,
            "is_bundle_child": True,
            "parent_row_id": 2,
        },
    )
    line = only(matched(items=worlds.items({"sku": "TIN"}), sold=worlds.sold(*rows)))
    assert (line["order_row_id"], line["quantity"], line["verdict"]) == (1, 1, "ok")


def test_a_bundle_returned_as_itself_is_one_unit() -> None:
    """Some portals know the bundle and not its parts."""
    line = only(matched(items=worlds.items({"sku": "SET"}), sold=worlds.sold(*GIFT_SET)))
    assert (line["order_row_id"], line["quantity"], line["verdict"]) == (1, 1, "ok")


def test_a_bundle_in_two_parcels_is_held() -> None:
    """Each parcel is credited when it comes: the first would be credited whole although the tin is still away."""
    lines = matched(
        items=worlds.items({"sku": "MUG"}, {"sku": "MUG"}, {"sku": "TIN", "shipment_id": 901}),
        sold=worlds.sold(*GIFT_SET),
    )
    assert lines["hold_code"].tolist() == ["partial_bundle", "partial_bundle"]


# Bundles that a person opened

GIFT_SETS = [{**row, "quantity": row.get("quantity", 1) * 2} for row in GIFT_SET]


def opened(*rows: dict[str, Any]) -> pd.DataFrame:
    """The rows of a sale whose row 1 was opened."""
    return open_bundles(worlds.sold(*rows), {1})


def test_s24_the_parts_of_an_opened_bundle_go_back_one_by_one() -> None:
    """A person accepted the mugs at their share: they are goods of their own from then on."""
    line = only(matched(items=worlds.items({"sku": "MUG"}), sold=opened(*GIFT_SET)))
    assert (line["order_row_id"], line["quantity"], line["verdict"], line["hold_code"]) == (2, 1, "ok", None)


def test_s24_nothing_of_an_opened_bundle_goes_back_as_a_whole() -> None:
    """Else the same mugs would be credited with their set once more."""
    line = only(matched(items=worlds.items({"sku": "SET"}), sold=opened(*GIFT_SET)))
    assert (line["verdict"], line["hold_code"]) == ("held", "quantity_exceeds_shipped")


def test_the_money_of_an_opened_bundle_is_on_its_components_to_the_penny() -> None:
    """30.01 over four mugs and two tins; the set itself holds nothing any more, and other rows are as they were."""
    other = {"order_row_id": 9, "product_id": 30, "sku": "HAT", "net_minor": 500, "tax_minor": 100}
    rows = opened({**GIFT_SETS[0], "net_minor": 3001}, *GIFT_SETS[1:], other).set_index("order_row_id")
    assert rows["net_minor"].to_dict() == {1: 0, 2: 2001, 3: 1000, 9: 500}
    assert rows["tax_minor"].to_dict() == {1: 0, 2: 400, 3: 200, 9: 100}
    assert rows.loc[[2, 3, 9], "is_bundle_child"].tolist() == [False, False, False]


def test_components_share_what_their_bundle_was_charged_after_the_discount() -> None:
    """An order discount took 5.00 off the set before: its components hold 25.00 together, not 30.00."""
    sold = worlds.sold(*GIFT_SET)
    charged = pd.DataFrame(
        [{"order_row_id": 1, "order_id": 5001, "currency": "GBP", "minor_digits": 2, "price_mode": "INC", "net_minor": 2500, "tax_minor": 500}]
    )  # fmt: skip
    made = component_balances(sold, {1}, charged).set_index("order_row_id")
    assert made["net_minor"].to_dict() == {2: 1667, 3: 833}
    assert made["tax_minor"].to_dict() == {2: 333, 3: 167}
    assert (made["ordered_qty"].to_dict(), set(made["price_mode"])) == ({2: 2, 3: 1}, {"INC"})


def test_a_sale_without_an_opened_bundle_is_left_as_it_was() -> None:
    """Nothing was accepted."""
    sold = worlds.sold(*GIFT_SET)
    assert open_bundles(sold, {99}) is sold
    assert component_balances(
        sold,
        set(),
        pd.DataFrame(
            columns=["order_row_id", "order_id", "currency", "minor_digits", "price_mode", "net_minor", "tax_minor"]
        ),
    ).empty
