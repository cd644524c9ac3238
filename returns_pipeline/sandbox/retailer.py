"""The sandbox's retailer: one Brightpearl account, two ReturnGO shops, a catalogue and the orders that both know.

Not here: what people do with it (`actors*`) and when (`story*`).
"""

import dataclasses
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from decimal import ROUND_HALF_UP, Decimal

from returns_pipeline.sandbox import retailer_account as account
from returns_pipeline.sandbox.brightpearl import catalogue, sales
from returns_pipeline.sandbox.brightpearl.records import Order
from returns_pipeline.sandbox.brightpearl.sales import SaleRow
from returns_pipeline.sandbox.brightpearl.switches import BrightpearlSwitches
from returns_pipeline.sandbox.brightpearl.world import BrightpearlWorld
from returns_pipeline.sandbox.clock import SandboxClock
from returns_pipeline.sandbox.retailer_catalogue import ARCHIVED_SKU, PENNY, RENAMED_SKU, TAX_RATES
from returns_pipeline.sandbox.retailer_catalogue import catalogue as catalogue_products
from returns_pipeline.sandbox.retailer_orders import OrderBook, OrderLine, RetailOrder, tax_of
from returns_pipeline.sandbox.returngo.records import Amount, Rma, SoldUnit
from returns_pipeline.sandbox.returngo.switches import ReturnGoSwitches
from returns_pipeline.sandbox.returngo.world import ReturnGoWorld

_OPENING_STOCK = 500
_CENT, _FOUR_PLACES = Decimal("0.01"), Decimal("0.0001")


class Retailer:
    """Both worlds of one retailer. The same seed and start give the same retailer."""

    def __init__(
        self,
        clock: SandboxClock,
        *,
        seed: int,
        returngo_switches: ReturnGoSwitches | None = None,
        brightpearl_switches: BrightpearlSwitches | None = None,
    ) -> None:
        self.clock = clock
        self.brightpearl = BrightpearlWorld(clock, brightpearl_switches, seed)
        keys = {name: account.API_KEYS[label] for label, name in account.SHOP_NAMES.items()}
        self.returngo = ReturnGoWorld(clock, keys, returngo_switches)
        self.products = catalogue_products()
        self.product_ids: dict[str, int] = {}
        self.orders: dict[str, RetailOrder] = {}
        self._book = OrderBook(self.products, seed, clock.now())
        account.set_up(self.brightpearl)
        self._stock_the_shelves()
        for order in self._book.opening_orders():
            self.orders[order.name] = order
            if order.shape != "late_in_brightpearl":
                self.land(order)
        catalogue.rename_sku(self.brightpearl, self.product_ids[RENAMED_SKU[0]], RENAMED_SKU[1])
        catalogue.archive_product(self.brightpearl, self.product_ids[ARCHIVED_SKU])

    @contextmanager
    def locked(self) -> Iterator[None]:
        """Holds both worlds still; a request takes only one of the two locks, so that nobody waits in a circle."""
        with self.returngo.lock, self.brightpearl.lock:
            yield

    def order(self, name: str) -> RetailOrder:
        """The order of that name, such as `#UK1001`.

        Raises:
            LookupError: there is none.
        """
        if name not in self.orders:
            raise LookupError(f"no order is called {name!r}; they run from {min(self.orders)} to {max(self.orders)}")
        return self.orders[name]

    def order_of(self, rma: Rma) -> RetailOrder:
        """The order that a return belongs to."""
        return self.order(rma.order_name)

    def sale_of(self, order: RetailOrder) -> Order:
        """The order in Brightpearl.

        Raises:
            LookupError: the channel has not brought it there yet.
        """
        if order.brightpearl_id is None:
            raise LookupError(f"order {order.name} is not in Brightpearl yet: let it land first")
        return self.brightpearl.order(order.brightpearl_id)

    def sell(self, shop: str, shape: str) -> RetailOrder:
        """A new order of today, in Shopify and in Brightpearl."""
        order = self._book.write(shop, shape)
        order.placed_on = self.clock.now()
        self.orders[order.name] = order
        self.land(order)
        return order

    def sell_replacement(self, order_name: str, skus: Sequence[str], *, is_undervalued: bool) -> RetailOrder:
        """The order that an exchange becomes once it is released."""
        order = self._book.write_replacement(
            self.order(order_name), skus, self.clock.now(), is_undervalued=is_undervalued
        )
        self.orders[order.name] = order
        self.land(order)
        return order

    def land(self, order: RetailOrder) -> int:
        """The channel brings the order into Brightpearl; its id there."""
        rows = [self._row(order, line) for line in order.lines] + self._extra_rows(order)
        shipped: bool | dict[int, int] = (
            {0: order.lines[0].quantity} if order.shape == "part_shipped" else order.shape != "unshipped"
        )
        order.brightpearl_id = sales.add_sales_order(
            self.brightpearl,
            channel_id=account.CHANNELS[order.shop],
            external_ref=None if (order.shop, order.shape) == ("eu", "pair") else order.shopify_id,
            customer_ref=order.name,
            currency=order.currency,
            price_mode=account.PRICE_MODES[order.shop],
            rows=rows,
            placed_on=order.placed_on,
            exchange_rate=account.EXCHANGE_RATES[order.shop],
            price_list_id=account.PRICE_LISTS[order.shop],
            warehouse_id=account.MAIN,
            country="GB" if order.shop == "uk" else "NL",
            is_invoiced=order.shape not in ("uninvoiced", "unshipped"),
            shipped=shipped,
            payment_method_code=None if order.shape == "two_payments" else account.CARD,
        )
        if order.shape == "two_payments":
            self._pay_twice(order)
        sale = self.brightpearl.order(order.brightpearl_id)
        roots = [
            row.row_id for row in sorted(sale.rows.values(), key=lambda row: row.row_id) if not row.is_bundle_child
        ]
        order.row_ids = {line.line_id: row_id for line, row_id in zip(order.lines, roots, strict=False)}
        return order.brightpearl_id

    def sold_unit(self, order: RetailOrder, line: OrderLine, position: int) -> SoldUnit:
        """One unit of a line as ReturnGO reads it from Shopify."""
        product = line.product
        product_number = self.product_ids.get(product.sku, 0) if product else 0
        return SoldUnit(
            shop_line_item_id=line.line_id,
            shop_product_id=str(8_100_000_000_000 + product_number),
            variant_id=str(46_100_000_000_000 + product_number),
            product_name=line.name,
            variant_name=product.variant if product else None,
            sku=line.sku,
            barcode=f"50{product_number:011d}"
            if product and product.has_barcode and order.shape != "sku_case"
            else None,
            paid_price=_seen_by_customer(order, line.unit_paid(position)),
            paid_tax=_seen_by_customer(order, line.unit_tax(position)),
        )

    def component_unit(self, order: RetailOrder, line: OrderLine, sku: str) -> SoldUnit:
        """One component of a bundle, as a portal shows it that takes bundles apart: a line of its own, at its part of the price by units."""
        parts = dict(line.product.components) if line.product else {}
        if sku not in parts:
            raise LookupError(f"{line.sku} of order {order.name} has no component {sku!r}; it has {sorted(parts)}")
        pieces, number = sum(parts.values()), self.product_ids[sku]
        paid, tax = ((whole / pieces).quantize(_CENT, ROUND_HALF_UP) for whole in (line.unit_paid(0), line.unit_tax(0)))
        return dataclasses.replace(
            self.sold_unit(order, line, 0),
            shop_line_item_id=f"{line.line_id}{number}",
            shop_product_id=str(8_100_000_000_000 + number),
            variant_id=str(46_100_000_000_000 + number),
            product_name=self.products[sku].name,
            sku=sku,
            barcode=None,
            paid_price=_seen_by_customer(order, paid),
            paid_tax=_seen_by_customer(order, tax),
        )

    def price_of(self, order: RetailOrder, sku: str) -> Amount:
        """Today's price of a product in the order's shop, for an exchange."""
        product = self.products[sku]
        return _seen_by_customer(order, product.price_gbp if order.shop == "uk" else product.price_eur)

    def _stock_the_shelves(self) -> None:
        location = self.brightpearl.warehouse(account.MAIN).default_location_id
        for product in self.products.values():
            rate = TAX_RATES[product.tax_code]
            self.product_ids[product.sku] = catalogue.add_product(
                self.brightpearl,
                sku=product.sku,
                name=f"{product.name} {product.variant}" if product.variant else product.name,
                tax_code=product.tax_code,
                price=(product.price_gbp * 100 / (100 + rate)).quantize(_FOUR_PLACES, ROUND_HALF_UP),
                cost=product.cost_gbp,
                components=[(self.product_ids[part], quantity) for part, quantity in product.components],
            )
            if not product.components:
                self.brightpearl.move(self.product_ids[product.sku], location, _OPENING_STOCK)

    def _row(self, order: RetailOrder, line: OrderLine) -> SaleRow:
        net, tax = _net_and_tax(order.shop, line.gross, line.tax_code)
        return SaleRow(
            product_id=self.product_ids[line.product.sku] if line.product else None,
            quantity=line.quantity,
            net=net,
            tax=tax,
            tax_code=line.tax_code,
            name=line.name,
            external_ref=line.line_id if order.shop == "uk" else None,
            discount_percentage=Decimal(10) if order.shape == "row_discount" else Decimal(0),
        )

    def _extra_rows(self, order: RetailOrder) -> list[SaleRow]:
        tax_code = order.lines[0].tax_code
        discount = sum((line.order_discount for line in order.lines), Decimal(0))
        extras = [("Discount code TENOFF", -discount), ("Delivery", order.delivery)]
        return [
            SaleRow(None, 1, *_net_and_tax(order.shop, gross, tax_code), tax_code, name)
            for name, gross in extras
            if gross
        ]

    def _pay_twice(self, order: RetailOrder) -> None:
        by_gift_card = Decimal("5.00")
        for code, paid in ((account.GIFT_CARD, by_gift_card), (account.CARD, order.gross - by_gift_card)):
            sales.record_payment(
                self.brightpearl,
                order.brightpearl_id or 0,
                "RECEIPT",
                code,
                order.currency,
                paid,
                order.placed_on,
                f"{order.shopify_id}-{code}",
            )


def _net_and_tax(shop: str, gross: Decimal, tax_code: str) -> tuple[Decimal, Decimal]:
    """A row's net and tax: four decimals of net where prices include tax, as Brightpearl keeps them."""
    tax = tax_of(gross, tax_code)
    if account.PRICE_MODES[shop] == "EXC":
        return gross - tax, tax
    net = (gross * 100 / (100 + TAX_RATES[tax_code])).quantize(_FOUR_PLACES, ROUND_HALF_UP)
    # Where the tax is rounded by just half a penny, four decimals of net would add up to a penny more than was paid.
    return (net if (net + tax).quantize(PENNY, ROUND_HALF_UP) == gross else gross - tax), tax


def _seen_by_customer(order: RetailOrder, shop_amount: Decimal) -> Amount:
    if order.presentment is None:
        return Amount(shop_amount, order.currency, shop_amount, order.currency)
    currency, rate = order.presentment
    return Amount((shop_amount * rate).quantize(PENNY, ROUND_HALF_UP), currency, shop_amount, order.currency)
