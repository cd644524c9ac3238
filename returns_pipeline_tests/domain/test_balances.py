"""What an order row holds at the start. It is frozen by the ledger, so a slip here lasts."""

from decimal import Decimal

import pytest

from returns_pipeline.domain.balances import COLUMNS, opening_balances
from returns_pipeline.domain.money import decimal_text, to_minor
from returns_pipeline_tests.domain import worlds
from returns_pipeline_tests.domain.examples import EXAMPLES


def balances(*rows: dict, **order: object) -> dict[int, dict]:
    """Balances by row of a sale."""
    found = opening_balances(worlds.orders(order), worlds.sold(*rows))
    assert list(found.columns) == COLUMNS
    return {row["order_row_id"]: row for row in found.to_dict("records")}


def test_a_row_opens_with_what_was_charged() -> None:
    """Quantity, net and tax of the invoice, in the sale's own mode and currency."""
    row = balances(currency="EUR", price_mode="INC")[1]
    assert row == {"order_row_id": 1, "order_id": worlds.SALE, "currency": "EUR", "minor_digits": 2, "price_mode": "INC", "ordered_qty": 2, "net_minor": 2000, "tax_minor": 400}  # fmt: skip


def test_an_orders_discount_is_spread_over_its_goods_and_not_over_delivery() -> None:
    """T15: the spare penny goes where the remainder is largest; a discount that stayed a row could never be credited."""
    example = EXAMPLES["T15"]
    weights = [to_minor(weight, "GBP") for weight in example["spread"]["weights"]]
    goods = [
        {"order_row_id": number, "product_id": number, "net_minor": weight} for number, weight in enumerate(weights, 1)
    ]
    found = balances(
        *goods,
        {"order_row_id": 8, "product_id": None, "net_minor": -1000, "tax_minor": 0},
        {"order_row_id": 9, "product_id": None, "net_minor": 413, "tax_minor": 82, "name": "Delivery"},
    )
    assert [decimal_text(found[number]["net_minor"], "GBP") for number in (1, 2, 3)] == [
        line["net"] for line in example["lines"]
    ]
    assert (found[9]["net_minor"], 8 in found) == (413, False)


@pytest.mark.parametrize(
    "row",
    [
        {"is_bundle_child": True, "parent_row_id": 2},
        {"quantity": 0},
        {"net_minor": 0, "tax_minor": 200},
        {"net_minor": -500, "tax_minor": -100, "product_id": 11},
    ],
)
def test_a_row_that_cannot_be_credited_has_no_balance(row: dict) -> None:
    """T30 and its like: nothing can be taken from what holds nothing."""
    assert 1 not in balances({"order_row_id": 1, **row})


def test_a_net_with_four_decimals_is_shared_by_its_gross() -> None:
    """T35: its pennies are exact only together with the tax."""
    example = EXAMPLES["T35"]["lines"][0]
    row = {
        "order_row_id": 1,
        "quantity": 3,
        "net_minor": 2727,
        "tax_minor": 273,
        "row_net": Decimal(example["source_net"]),
    }
    assert balances(row)[1]["price_mode"] == "INC"


def test_a_currency_of_three_decimals_opens_nothing() -> None:
    """T29: what has no balance cannot be credited by anybody."""
    assert balances(currency="KWD") == {}


def test_a_free_gift_can_be_credited_at_nothing() -> None:
    """It comes back to stock like anything else."""
    assert balances({"order_row_id": 1, "net_minor": 0, "tax_minor": 0})[1]["net_minor"] == 0
