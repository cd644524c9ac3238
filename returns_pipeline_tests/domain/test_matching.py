"""Return lines: the sale, the row, the verdict. A wrong row credits the wrong money to the wrong person."""

import datetime as dt

import pandas as pd
import pytest

from returns_pipeline.domain import lives
from returns_pipeline.domain.matching import COLUMNS, match_lines
from returns_pipeline_tests.domain import worlds
from returns_pipeline_tests.domain.examples import EXAMPLES
from returns_pipeline_tests.domain.worlds import CREATED, NOW, PATIENCE, RMA, SALE


def matched(
    items: pd.DataFrame | None = None,
    rmas: pd.DataFrame | None = None,
    orders: pd.DataFrame | None = None,
    sold: pd.DataFrame | None = None,
    products: pd.DataFrame | None = None,
    decisions: pd.DataFrame | None = None,
    settings: str = "",
    now: dt.datetime = NOW,
) -> pd.DataFrame:
    """The return lines of a small world."""
    lines = match_lines(
        worlds.items() if items is None else items,
        worlds.rmas() if rmas is None else rmas,
        worlds.orders() if orders is None else orders,
        worlds.sold() if sold is None else sold,
        worlds.products() if products is None else products,
        worlds.decisions() if decisions is None else decisions,
        worlds.settings(settings).shops[0],
        PATIENCE,
        now,
    )
    assert list(lines.columns) == list(COLUMNS)
    return lines


def only(lines: pd.DataFrame) -> dict:
    """The single line that a world makes."""
    assert len(lines) == 1
    return lines.to_dict("records")[0]


# Sales


def test_a_sale_is_found_by_the_shopify_order_id() -> None:
    """The id is the shop's own and unique; a name may be used twice."""
    line = only(matched(orders=worlds.orders({"customer_ref": "other"})))
    assert (line["order_id"], line["order_row_id"], line["verdict"]) == (SALE, 1, "ok")
    assert line["return_line_id"] == f"{RMA}-1-{worlds.PARCEL}"


def test_a_sale_is_found_by_the_order_name_as_the_shop_writes_it() -> None:
    """Some accounts keep only the name, with a prefix of their own."""
    shop = 'order_name_format = "UK-{order_name}"'
    text = f"""
[[shops]]
label = "uk"
name = "uk.example"
channel_id = 3
currency = "GBP"
time_zone = "Europe/London"
returns_warehouses = {{ default = 3 }}
saleable_warehouses = {{ "3" = 2 }}
{shop}
"""
    found = only(matched(orders=worlds.orders({"external_ref": None, "customer_ref": "UK-#1001"}), settings=text))
    assert found["order_id"] == SALE


def test_the_order_id_wins_over_a_name_that_another_sale_carries() -> None:
    """Names repeat across shops of one owner; the first way that finds anything decides."""
    line = only(
        matched(
            orders=worlds.orders({}, {"order_id": 2002, "external_ref": "9", "customer_ref": "#1001"}),
        )
    )
    assert (line["order_id"], line["verdict"]) == (SALE, "ok")


def test_a_sale_that_is_not_there_yet_is_waited_for_and_then_held() -> None:
    """Orders come a little later than returns of them; but a sale that never comes must reach a person."""
    no_orders = worlds.orders().iloc[:0]
    waiting = only(matched(orders=no_orders, now=CREATED + PATIENCE - dt.timedelta(minutes=1)))
    held = only(matched(orders=no_orders, now=CREATED + PATIENCE))
    assert (waiting["verdict"], waiting["hold_code"]) == ("waiting", "order_not_found")
    assert (held["verdict"], held["hold_code"]) == ("held", "order_not_found")
    assert held["expected"]
    assert held["found"]


def test_of_two_sales_the_one_that_shipped_the_sku_is_taken() -> None:
    """A split order leaves two sales under one number; only one of them sent the shirt."""
    orders = worlds.orders({}, {"order_id": 2002})
    sold = worlds.sold(
        {"order_row_id": 1, "product_id": 11, "sku": "CAP"},
        {"order_row_id": 2, "order_id": 2002, "product_id": 12, "sku": "SHIRT"},
    )
    line = only(matched(orders=orders, sold=sold))
    assert (line["order_id"], line["order_row_id"]) == (2002, 2)


def test_two_sales_that_both_fit_are_held() -> None:
    """Choosing one would credit a sale that nobody returned."""
    orders = worlds.orders({}, {"order_id": 2002})
    sold = worlds.sold({"order_row_id": 1, "sku": "SHIRT"}, {"order_row_id": 2, "order_id": 2002, "sku": "SHIRT"})
    line = only(matched(orders=orders, sold=sold))
    assert (line["verdict"], line["hold_code"]) == ("held", "order_ambiguous")
    assert "1001" in line["found"]
    assert "2002" in line["found"]


def test_a_sale_of_another_channel_is_held() -> None:
    """Two shops of one owner may count their orders alike."""
    line = only(matched(orders=worlds.orders({"channel_id": 8})))
    assert (line["verdict"], line["hold_code"]) == ("held", "order_in_other_channel")


# Rows


@pytest.mark.parametrize("sku", ["", "SHIRT"])
def test_the_line_id_is_tried_first(sku: str) -> None:
    """Two rows sold the SKU at different prices: only the shop's line says which of them comes back."""
    sold = worlds.sold(
        {"order_row_id": 1, "product_id": 11, "sku": "SHIRT"},
        {"order_row_id": 2, "product_id": 11, "sku": "SHIRT", "net_minor": 1, "external_ref": "777"},
    )
    line = only(matched(items=worlds.items({"shopify_line_item_id": "777", "sku": sku}), sold=sold))
    assert (line["order_row_id"], line["matched_by"], line["sku_sold"]) == (2, "line_id", "SHIRT")


@pytest.mark.parametrize("sku", ["SHIRT", "shirt"])
def test_a_line_that_sold_another_sku_is_held_with_that_line_as_the_suggestion(sku: str) -> None:
    """Which of both is wrong, the line or the SKU, is known to nobody here."""
    sold = worlds.sold(
        {"order_row_id": 1, "product_id": 11, "sku": "SHIRT"},
        {"order_row_id": 2, "product_id": 12, "sku": "CAP", "external_ref": "777"},
    )
    line = only(matched(items=worlds.items({"shopify_line_item_id": "777", "sku": sku}), sold=sold))
    assert (line["verdict"], line["hold_code"]) == ("held", "sku_unknown")
    assert line["suggestion"] == "map it to order row 2, which sold CAP"


def test_a_sku_as_sold_is_matched_exactly() -> None:
    """The plain case."""
    assert only(matched())["matched_by"] == "sku_as_sold"


def test_a_renamed_sku_is_found_through_its_product() -> None:
    """The catalogue renamed the product after the sale; the row still has the old name."""
    line = only(
        matched(
            items=worlds.items({"sku": "SHIRT-NEW"}), products=worlds.products({"product_id": 11, "sku": "SHIRT-NEW"})
        )
    )
    assert (line["order_row_id"], line["matched_by"], line["sku_sold"]) == (1, "renamed_sku", "SHIRT")


def test_a_barcode_is_the_last_way() -> None:
    """A unit without a SKU may still carry its barcode."""
    line = only(
        matched(
            items=worlds.items({"sku": "", "barcode": "501"}),
            products=worlds.products({"product_id": 12, "sku": "CAP", "barcode": "501"}),
        )
    )
    assert (line["order_row_id"], line["matched_by"]) == (2, "barcode")


def test_a_product_that_was_not_on_the_sale_is_no_match() -> None:
    """The catalogue alone proves nothing about this customer."""
    line = only(
        matched(items=worlds.items({"sku": "SOCK"}), products=worlds.products({"product_id": 99, "sku": "SOCK"}))
    )
    assert (line["verdict"], line["hold_code"]) == ("held", "sku_unknown")


def test_two_empty_skus_are_not_the_same() -> None:
    """Free-text rows have no SKU either; emptiness must not match emptiness."""
    sold = worlds.sold({"order_row_id": 1, "product_id": 11, "sku": ""})
    assert only(matched(items=worlds.items({"sku": ""}), sold=sold))["hold_code"] == "sku_unknown"


@pytest.mark.parametrize("sku", ["shirt", " SHIRT", "00SHIRT"])
def test_a_sku_that_is_nearly_right_is_only_suggested(sku: str) -> None:
    """A case or a space apart may be another product; a person maps it with one click."""
    line = only(matched(items=worlds.items({"sku": sku})))
    assert (line["verdict"], line["hold_code"]) == ("held", "sku_unknown")
    assert "order row 1" in line["suggestion"]


def test_two_rows_of_one_sku_at_different_prices_are_held() -> None:
    """Which of the two came back decides how much money goes back."""
    sold = worlds.sold(
        {"order_row_id": 1, "product_id": 11, "sku": "SHIRT", "net_minor": 1000},
        {"order_row_id": 2, "product_id": 11, "sku": "SHIRT", "net_minor": 500},
    )
    line = only(matched(sold=sold))
    assert (line["verdict"], line["hold_code"]) == ("held", "row_ambiguous")


def test_two_rows_of_one_sku_at_one_price_are_filled_in_order() -> None:
    """Where the money is the same, the units are shared out, and never more on a row than it sold."""
    sold = worlds.sold(
        {"order_row_id": 1, "product_id": 11, "sku": "SHIRT", "quantity": 2, "net_minor": 2000, "tax_minor": 400},
        {"order_row_id": 2, "product_id": 11, "sku": "SHIRT", "quantity": 1, "net_minor": 1000, "tax_minor": 200},
    )
    lines = matched(items=worlds.items({}, {}, {}), sold=sold)
    assert dict(zip(lines["order_row_id"], lines["quantity"], strict=True)) == {1: 2, 2: 1}
    assert (lines["verdict"] == "ok").all()


def test_units_that_cover_every_row_need_no_choice() -> None:
    """When all of both rows come back, nothing is left to guess."""
    sold = worlds.sold(
        {"order_row_id": 1, "product_id": 11, "sku": "SHIRT", "net_minor": 1000},
        {"order_row_id": 2, "product_id": 11, "sku": "SHIRT", "net_minor": 500},
    )
    assert matched(items=worlds.items({}, {}), sold=sold)["verdict"].tolist() == ["ok", "ok"]


def test_a_person_maps_a_sku_for_one_return() -> None:
    """The click of a person is what a suggestion waits for."""
    line = only(
        matched(
            items=worlds.items({"sku": "shirt"}),
            decisions=worlds.decisions({"action": "map_sku", "value": {"sku": "shirt", "order_row_id": 1}}),
        )
    )
    assert (line["order_row_id"], line["matched_by"], line["verdict"]) == (1, "person", "ok")


def test_a_person_maps_a_sku_everywhere() -> None:
    """One decision for a SKU that was misspelt at its source mends every return of it."""
    decision = {
        "action": "map_sku",
        "subject_type": "sku",
        "subject_id": "shirt",
        "rma_id": None,
        "value": {"sku_sold": "SHIRT"},
    }
    line = only(matched(items=worlds.items({"sku": "shirt"}), decisions=worlds.decisions(decision)))
    assert (line["order_row_id"], line["matched_by"]) == (1, "person")


def test_a_mapping_to_a_row_of_another_sale_is_not_taken() -> None:
    """A slip of the keyboard must not credit a stranger's row."""
    sold = worlds.sold(
        {"order_row_id": 1, "product_id": 11, "sku": "SHIRT"}, {"order_row_id": 50, "order_id": 7, "sku": "SHIRT"}
    )
    decision = {"action": "map_sku", "value": {"sku": "shirt", "order_row_id": 50}}
    line = only(matched(items=worlds.items({"sku": "shirt"}), sold=sold, decisions=worlds.decisions(decision)))
    assert line["hold_code"] == "sku_unknown"


# Quantities, currencies, lives


def test_the_youngest_return_of_too_many_is_held() -> None:
    """Two people may claim the same unit; the first claim stands, the second is looked at."""
    rmas = worlds.rmas({}, {"rma_id": 71, "created_at": CREATED + dt.timedelta(days=1)})
    items = worlds.items({"sku": "CAP"}, {"sku": "CAP", "rma_id": 71, "shipment_id": 901})
    lines = matched(items=items, rmas=rmas).set_index("rma_id")
    assert lines.loc[RMA, "verdict"] == "ok"
    assert lines.loc[71, "hold_code"] == "quantity_exceeds_shipped"


def test_a_withdrawn_return_does_not_use_up_what_was_shipped() -> None:
    """A customer who cancels and asks again must not be held for the first try."""
    rmas = worlds.rmas({"status": "Canceled"}, {"rma_id": 71, "created_at": CREATED + dt.timedelta(days=1)})
    items = worlds.items({"sku": "CAP"}, {"sku": "CAP", "rma_id": 71, "shipment_id": 901})
    lines = matched(items=items, rmas=rmas).set_index("rma_id")
    assert lines["verdict"].to_dict() == {RMA: "void", 71: "ok"}


def test_the_shops_money_counts_where_the_sale_is_in_the_shops_currency() -> None:
    """A customer who paid in euros on a sale booked in pounds: amounts are never mixed."""
    items = worlds.items({"currency": "EUR", "paid_price_minor": 1400, "shop_currency": "GBP"})
    line = only(matched(items=items))
    assert (line["currency"], line["paid_price_minor"], line["verdict"]) == ("GBP", 1200, "ok")


def test_prices_in_neither_currency_are_held() -> None:
    """T33: nothing is converted."""
    assert EXAMPLES["T33"]["expect"]["reason"] == "currency_mismatch"
    line = only(matched(items=worlds.items({"currency": "EUR", "shop_currency": "EUR"})))
    assert (line["verdict"], line["hold_code"]) == ("held", "currency_mismatch")


def test_a_sale_in_a_currency_of_three_decimals_is_held() -> None:
    """T29 again, at the place where it is met first."""
    line = only(matched(items=worlds.items({"currency": "KWD"}), orders=worlds.orders({"currency": "KWD"})))
    assert (line["verdict"], line["hold_code"]) == ("held", "currency_precision_unsupported")


@pytest.mark.parametrize("status", ["Pending", "Rejected", "Canceled"])
def test_what_is_not_approved_is_void(status: str) -> None:
    """A request is no return."""
    line = only(matched(rmas=worlds.rmas({"status": status})))
    assert line["verdict"] == "void"
    assert pd.isna(line["hold_code"])
    assert pd.isna(line["expected"])


def test_a_cancelled_order_and_a_persons_void_are_void() -> None:
    """Nothing was shipped, or a person said so: nothing is credited."""
    cancelled = only(matched(items=worlds.items({"resolution_type": "CancelOrder"})))
    voided = only(matched(decisions=worlds.decisions({"action": "void"})))
    assert (cancelled["verdict"], voided["verdict"]) == ("void", "void")


@pytest.mark.parametrize(
    ("action", "life"), [("keep_item", lives.KEEP_ITEM), ("lost_in_transit", lives.LOST_IN_TRANSIT)]
)
def test_a_person_decides_on_goods_that_will_not_come(action: str, life: str) -> None:
    """The portal cannot know that a parcel was lost."""
    assert only(matched(decisions=worlds.decisions({"action": action})))["life"] == life


def test_a_resolution_that_nobody_knows_is_held() -> None:
    """ReturnGo may add one any day; crediting it blindly would be a guess."""
    line = only(matched(items=worlds.items({"resolution_type": "Telepathy"})))
    assert (line["verdict"], line["hold_code"]) == ("held", "unknown_resolution")


def test_units_of_one_row_are_one_line_per_parcel() -> None:
    """Two parcels are received, confirmed and credited apart."""
    lines = matched(items=worlds.items({"return_fee_minor": 100}, {"shipment_id": 901, "return_reason": "too big"}))
    assert lines["return_line_id"].tolist() == [f"{RMA}-1-900", f"{RMA}-1-901"]
    assert lines["fee_minor"].tolist() == [100, 0]
    assert lines["return_reasons"].dropna().tolist() == ["too big"]


def test_no_returns_make_no_lines() -> None:
    """A quiet night must not fail."""
    assert matched(items=worlds.items().iloc[:0], rmas=worlds.rmas().iloc[:0]).empty
    assert matched(items=worlds.items().iloc[:0]).empty


def test_one_bad_line_holds_only_itself() -> None:
    """An unknown SKU must not stop the shirt beside it."""
    lines = matched(items=worlds.items({}, {"sku": "SOCK"}))
    assert sorted(lines["verdict"]) == ["held", "ok"]
