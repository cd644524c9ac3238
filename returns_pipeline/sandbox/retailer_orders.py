"""The orders of the sandbox's retailer as Shopify has them: about three hundred, of shapes that the story's returns need.

Not here: how an order comes into Brightpearl (`retailer`). Pure and seeded. Money is gross, in major units of the shop's currency.
"""

import datetime as dt
import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from decimal import ROUND_HALF_UP, Decimal

from returns_pipeline.sandbox.retailer_catalogue import (
    ARCHIVED_SKU,
    GOLDEN_SKUS,
    PENNY,
    RENAMED_SKU,
    TAX_RATES,
    CatalogueProduct,
)

DELIVERY_GROSS = Decimal("3.95")
_AGED_DAYS = 75

# shape -> how many orders of it each shop has
UK_SHAPES = {
    "single": 140, "pair": 18, "thirds": 3, "several": 8, "golden": 1, "same_sku_two_prices": 5, "zero_rated": 9, "reduced_rate": 5,
    "mixed_rates": 6, "row_discount": 7, "order_discount": 7, "bundle": 9, "nested_bundle": 3, "with_delivery": 5, "two_payments": 2,
    "uninvoiced": 3, "part_shipped": 3, "late_in_brightpearl": 3, "unshipped": 3, "drop_ship": 2, "renamed": 4, "archived": 1,
    "sku_case": 2, "aged": 6, "presentment": 3,
}  # fmt: skip
EU_SHAPES = {"single": 34, "pair": 4, "several": 5, "order_discount": 3}


@dataclass(frozen=True)
class OrderLine:
    """A Shopify line. `sku` is what Shopify and ReturnGO say; `product` is None for goods that Brightpearl has never seen."""

    line_id: str
    sku: str
    product: CatalogueProduct | None
    name: str
    quantity: int
    gross: Decimal
    tax_code: str
    order_discount: Decimal = Decimal(0)

    @property
    def paid(self) -> Decimal:
        """What the customer paid for the whole line after its share of the order's discount."""
        return self.gross - self.order_discount

    def unit_paid(self, position: int) -> Decimal:
        """What one unit cost, so that the units of a line add up to it."""
        return _slice(self.paid, self.quantity, position)

    def unit_tax(self, position: int) -> Decimal:
        """The tax in one unit's price, so that the units of a line add up to the line's tax."""
        return _slice(tax_of(self.paid, self.tax_code), self.quantity, position)


@dataclass
class RetailOrder:
    """One order. `brightpearl_id` is None until the channel has brought it there."""

    name: str
    shop: str
    shape: str
    shopify_id: str
    currency: str
    placed_on: dt.datetime
    lines: list[OrderLine]
    delivery: Decimal = Decimal(0)
    presentment: tuple[str, Decimal] | None = None
    brightpearl_id: int | None = None
    row_ids: dict[str, int] = field(default_factory=dict)

    @property
    def gross(self) -> Decimal:
        """What the customer paid in all."""
        return sum((line.paid for line in self.lines), self.delivery)


def tax_of(gross: Decimal, tax_code: str) -> Decimal:
    """The tax inside a gross amount, to the penny."""
    rate = TAX_RATES[tax_code]
    return (gross * rate / (100 + rate)).quantize(PENNY, ROUND_HALF_UP)


def _slice(total: Decimal, quantity: int, position: int) -> Decimal:
    upto = (total * (position + 1) / quantity).quantize(PENNY, ROUND_HALF_UP)
    return upto - (total * position / quantity).quantize(PENNY, ROUND_HALF_UP)


class OrderBook:
    """Writes orders of a shape: the same seed and calls give the same orders."""

    def __init__(self, products: dict[str, CatalogueProduct], seed: int, opened_on: dt.datetime) -> None:
        """`opened_on` is the story's first day; orders are placed before it."""
        self._products = products
        self._chance = random.Random(seed)  # noqa: S311 - a reproducible world, no secret
        self._opened_on = opened_on
        # Far apart: an order's number gives its Shopify id, which both shops share.
        self._numbers = {"uk": 1000, "eu": 50_000}
        self._line_number = 0
        self._plain = [
            p
            for p in products.values()
            if p.tax_code == "T20" and not p.components and p.sku not in (ARCHIVED_SKU, *RENAMED_SKU)
        ]

    def opening_orders(self) -> Iterator[RetailOrder]:
        """Every order of both shops, in the order they are numbered."""
        for shop, shapes in (("uk", UK_SHAPES), ("eu", EU_SHAPES)):
            for shape, count in shapes.items():
                for _ in range(count):
                    yield self.write(shop, shape)

    def write(self, shop: str, shape: str) -> RetailOrder:
        """The next order of a shop, of a shape named in `UK_SHAPES`."""
        lines = self._lines(shop, shape)
        if shape == "order_discount":
            lines = _spread_discount(lines, _tenth(lines))
        self._numbers[shop] += 1
        number = self._numbers[shop]
        return RetailOrder(
            name=f"#{shop.upper()}{number}",
            shop=shop,
            shape=shape,
            shopify_id=str(5_520_000_000_000 + number * 1_003),
            currency="GBP" if shop == "uk" else "EUR",
            placed_on=self._placed_on(shape),
            lines=lines,
            delivery=DELIVERY_GROSS if shape in ("with_delivery", "several") else Decimal(0),
            presentment=("USD", Decimal("1.30")) if shape == "presentment" else None,
        )

    def write_replacement(
        self, replaced: RetailOrder, skus: Sequence[str], placed_on: dt.datetime, *, is_undervalued: bool
    ) -> RetailOrder:
        """The order of an exchange: the wanted goods at today's price, or at nothing."""
        price = Decimal(0) if is_undervalued else None
        # Numbered after the order it replaces, so that the order in which exchanges are released changes no number.
        lines = [
            replace(
                self._line(replaced.shop, self._products[sku], gross=price), line_id=f"{replaced.lines[0].line_id}{at}"
            )
            for at, sku in enumerate(skus)
        ]
        return RetailOrder(
            f"{replaced.name}-X",
            replaced.shop,
            "replacement",
            f"{replaced.shopify_id}9",
            replaced.currency,
            placed_on,
            lines,
        )

    def _placed_on(self, shape: str) -> dt.datetime:
        days = self._chance.randint(4, 40) + (_AGED_DAYS if shape == "aged" else 0)
        return self._opened_on - dt.timedelta(days=days, minutes=self._chance.randint(0, 600))

    def _lines(self, shop: str, shape: str) -> list[OrderLine]:
        if shape == "golden":
            return [self._line(shop, self._products[sku]) for sku in GOLDEN_SKUS]
        if shape == "thirds":
            return [self._line(shop, self._products["THIRDS-1"], 3, gross=Decimal("10.00"))]
        if shape == "same_sku_two_prices":
            product = self._pick(self._plain)
            return [self._line(shop, product), self._line(shop, product, gross=_price(shop, product) - Decimal("2.00"))]
        if shape in ("drop_ship", "sku_case", "renamed", "archived"):
            return [self._odd_line(shop, shape)]
        if shape == "row_discount":
            product = self._pick(self._plain)
            return [self._line(shop, product, 2, gross=_nine_tenths(_price(shop, product) * 2))]
        return [self._line(shop, product, quantity) for product, quantity in self._basket(shape)]

    def _basket(self, shape: str) -> Sequence[tuple[CatalogueProduct, int]]:
        if shape in ("several", "order_discount", "part_shipped"):
            return [(product, self._chance.choice((1, 1, 2))) for product in self._chance.sample(self._plain, 3)]
        if shape == "mixed_rates":
            return [
                (self._pick(self._plain), 1),
                (self._pick(self._of_code("T5")), 1),
                (self._pick(self._of_code("T0")), 2),
            ]
        if shape == "pair":
            return [(self._pick(self._plain), 2)]
        singles = {
            "zero_rated": self._of_code("T0"),
            "reduced_rate": self._of_code("T5"),
            "bundle": [self._products["SET-TOWEL"], self._products["SET-TEA"]],
            "nested_bundle": [self._products["HAMPER-1"]],
        }
        return [(self._pick(singles.get(shape, self._plain)), 1)]

    def _odd_line(self, shop: str, shape: str) -> OrderLine:
        if shape == "drop_ship":
            return self._line(
                shop, None, sku="DROP-7741", name="Garden Bench (sent by the maker)", gross=Decimal("210.00")
            )
        if shape == "sku_case":
            product = self._products["00417-LAMP"]
            return self._line(shop, product, sku=product.sku.lower().lstrip("0"))
        return self._line(shop, self._products[RENAMED_SKU[0] if shape == "renamed" else ARCHIVED_SKU])

    def _line(
        self,
        shop: str,
        product: CatalogueProduct | None,
        quantity: int = 1,
        *,
        gross: Decimal | None = None,
        sku: str | None = None,
        name: str | None = None,
    ) -> OrderLine:
        self._line_number += 1
        if gross is None:
            gross = _price(shop, product) * quantity if product else Decimal(0)
        return OrderLine(
            line_id=str(14_230_000_000_000 + self._line_number * 17),
            sku=sku or (product.sku if product else ""),
            product=product,
            name=name or (product.name if product else ""),
            quantity=quantity,
            gross=gross,
            tax_code="T21" if shop == "eu" else product.tax_code if product else "T20",
        )

    def _pick(self, products: Sequence[CatalogueProduct]) -> CatalogueProduct:
        return self._chance.choice(products)

    def _of_code(self, tax_code: str) -> list[CatalogueProduct]:
        return [product for product in self._products.values() if product.tax_code == tax_code]


def _price(shop: str, product: CatalogueProduct) -> Decimal:
    return product.price_gbp if shop == "uk" else product.price_eur


def _nine_tenths(amount: Decimal) -> Decimal:
    return (amount * 9 / 10).quantize(PENNY, ROUND_HALF_UP)


def _tenth(lines: Sequence[OrderLine]) -> Decimal:
    total = sum((line.gross for line in lines), Decimal(0))
    return total - _nine_tenths(total)


def _spread_discount(lines: Sequence[OrderLine], discount: Decimal) -> list[OrderLine]:
    """The order's discount over its lines by value: whole pennies down, the pennies left over to the largest remainders."""
    total = sum((line.gross for line in lines), Decimal(0))
    exact = [discount * line.gross / total for line in lines]
    shares = [each.quantize(PENNY, "ROUND_DOWN") for each in exact]
    left = int((discount - sum(shares, Decimal(0))) / PENNY)
    for index in sorted(range(len(lines)), key=lambda at: (shares[at] - exact[at], at))[:left]:
        shares[index] += PENNY
    return [replace(line, order_discount=share) for line, share in zip(lines, shares, strict=True)]
