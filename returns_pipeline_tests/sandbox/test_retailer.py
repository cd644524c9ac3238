"""The sandbox's retailer: what it sells, what Shopify and Brightpearl know of each order, and that a seed makes it."""

import datetime as dt
from collections import Counter
from decimal import ROUND_HALF_UP, Decimal

import pytest

from returns_pipeline.sandbox import retailer_account as account
from returns_pipeline.sandbox.clock import SandboxClock
from returns_pipeline.sandbox.retailer import Retailer
from returns_pipeline.sandbox.retailer_catalogue import ARCHIVED_SKU, RENAMED_SKU, catalogue

START = dt.datetime(2026, 3, 2, 8, tzinfo=dt.UTC)


def retailer(seed=7):
    return Retailer(SandboxClock(START), seed=seed)


@pytest.fixture(scope="module")
def shop():
    return retailer()


def orders(shop, shape, label="uk"):
    return [order for order in shop.orders.values() if (order.shape, order.shop) == (shape, label)]


def test_the_retailer_is_of_the_promised_size(shop):
    assert 55 <= len(shop.products) <= 65
    assert 290 <= len(shop.orders) <= 320
    assert {order.shop for order in shop.orders.values()} == {"uk", "eu"}
    assert sorted(shop.brightpearl.warehouses) == [2, 3, 4]


def test_the_catalogue_has_variants_bundles_and_every_rate():
    products = catalogue().values()
    assert {product.tax_code for product in products} == {"T20", "T5", "T0"}
    assert sum(product.variant is not None for product in products) > 20
    bundles = {product.sku: product for product in products if product.components}
    assert any(part in bundles for bundle in bundles.values() for part, _ in bundle.components)


def test_the_same_seed_makes_the_same_retailer_and_another_seed_another():
    def told(seed):
        made = retailer(seed)
        return [(order.name, order.placed_on, order.brightpearl_id, order.lines) for order in made.orders.values()]

    assert told(7) == told(7)
    assert told(7) != told(8)


def test_brightpearl_holds_to_the_penny_what_the_customer_paid(shop):
    """A sale whose rows do not add up would make every tax proof on it false."""
    for order in shop.orders.values():
        if order.brightpearl_id:
            rows = shop.sale_of(order).rows.values()
            assert sum((row.net + row.tax).quantize(Decimal("0.01"), ROUND_HALF_UP) for row in rows) == order.gross, (
                order.name
            )


def test_the_units_of_a_line_add_up_to_the_line(shop):
    for order in shop.orders.values():
        for line in order.lines:
            assert sum(line.unit_paid(at) for at in range(line.quantity)) == line.paid


def test_inclusive_prices_have_four_decimals_of_net_and_exclusive_ones_two(shop):
    nets = {
        label: [row.net for order in orders(shop, "single", label) for row in shop.sale_of(order).rows.values()]
        for label in ("uk", "eu")
    }
    assert any(net != net.quantize(Decimal("0.01")) for net in nets["uk"])
    assert all(net == net.quantize(Decimal("0.01")) for net in nets["eu"])


def test_an_order_discount_is_a_negative_row_in_brightpearl(shop):
    sale = shop.sale_of(orders(shop, "order_discount")[0])
    assert [row.product_id for row in sale.rows.values() if row.net < 0] == [None]


def test_a_bundles_value_sits_on_its_parent_row(shop):
    sale = shop.sale_of(orders(shop, "nested_bundle")[0])
    children = [row for row in sale.rows.values() if row.is_bundle_child]
    assert {row.net for row in children} == {Decimal(0)}
    assert any(row.is_bundle_parent for row in children), "the hamper holds a bundle"


def test_rows_name_their_shopify_line_in_one_shop_only(shop):
    uk, eu = (shop.sale_of(orders(shop, "single", label)[0]) for label in ("uk", "eu"))
    assert [row.external_ref is not None for row in (*uk.rows.values(), *eu.rows.values())] == [True, False]


def test_some_sales_can_only_be_found_by_their_name(shop):
    sale = shop.sale_of(orders(shop, "pair", "eu")[0])
    assert (sale.external_ref, sale.reference[:3]) == (None, "#EU")


@pytest.mark.parametrize(
    ("shape", "invoiced", "shipped"),
    [
        ("single", True, "all"),
        ("uninvoiced", False, "all"),
        ("part_shipped", True, "some"),
        ("unshipped", False, "none"),
    ],
)
def test_sales_are_in_every_state_of_invoicing_and_shipping(shop, shape, invoiced, shipped):
    sale = shop.sale_of(orders(shop, shape)[0])
    done = [row.shipped >= row.quantity for row in sale.goods_rows()]
    assert sale.is_invoiced is invoiced
    assert shipped == ("all" if all(done) else "some" if any(done) else "none")


def test_late_orders_are_not_in_brightpearl_until_they_land():
    made = retailer()
    order = orders(made, "late_in_brightpearl")[0]
    with pytest.raises(LookupError):
        made.sale_of(order)
    made.land(order)
    assert made.sale_of(order).reference == order.name


def test_one_sku_was_renamed_and_one_product_archived_after_the_sales(shop):
    renamed = shop.brightpearl.product(shop.product_ids[RENAMED_SKU[0]])
    sold = next(iter(shop.sale_of(orders(shop, "renamed")[0]).rows.values()))
    assert (renamed.sku, sold.sku) == (RENAMED_SKU[1], RENAMED_SKU[0])
    assert shop.brightpearl.product(shop.product_ids[ARCHIVED_SKU]).status == "ARCHIVED"


def test_two_payments_of_different_methods_cover_one_sale(shop):
    order = orders(shop, "two_payments")[0]
    paid = [payment for payment in shop.brightpearl.payments.values() if payment.order_id == order.brightpearl_id]
    assert Counter(payment.method_code for payment in paid) == {account.CARD: 1, account.GIFT_CARD: 1}
    assert sum(payment.amount for payment in paid) == order.gross


def test_a_foreign_customer_sees_other_amounts_than_the_shop(shop):
    order = orders(shop, "presentment")[0]
    price = shop.sold_unit(order, order.lines[0], 0).paid_price
    assert (price.currency, price.shop_currency) == ("USD", "GBP")
    assert price.amount > price.shop_amount


def test_nothing_is_sold_out(shop):
    main = shop.brightpearl.warehouse(account.MAIN).default_location_id
    assert min(held for (_, place), held in shop.brightpearl.stock.items() if place == main) > 0
