"""Brightpearl's products as records: only the fields that the pipeline needs.

Sources: product GET, product-price GET. What was sold is in `records_brightpearl`.
"""

import datetime as dt
from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from returns_pipeline.clients.fields import Fields


@dataclass(frozen=True)
class Product:
    """One product as the catalogue has it today."""

    product_id: int
    sku: str | None
    barcode: str | None
    ean: str | None
    upc: str | None
    name: str
    status: str
    is_stock_tracked: bool
    is_bundle: bool
    components: list[dict[str, int]]
    tax_code: str | None
    nominal_code_sales: str | None
    updated_on: dt.datetime | None

    @classmethod
    def from_api(cls, raw: Any) -> "Product":
        """Raises RecordRejected for a product without id."""
        fields = Fields(raw, "a product")
        product_id = fields.integer("id")
        fields.subject = f"product {product_id}"
        channels = [Fields(channel, fields.subject) for channel in fields.objects("salesChannels")]
        return cls(
            product_id=product_id,
            sku=fields.optional_text("identity.sku"),
            barcode=fields.optional_text("identity.barcode"),
            ean=fields.optional_text("identity.ean"),
            upc=fields.optional_text("identity.upc"),
            name=(channels[0].optional_text("productName") if channels else None) or "",
            status=fields.optional_text("status") or "LIVE",
            is_stock_tracked=fields.boolean("stock.stockTracked", default=True),
            is_bundle=fields.boolean("composition.bundle", default=False),
            components=list(_components(fields)),
            tax_code=fields.optional_text("financialDetails.taxCode.code"),
            nominal_code_sales=fields.optional_text("nominalCodeSales"),
            updated_on=fields.optional_moment("updatedOn"),
        )


def cost_of(raw: Any, price_list_id: int) -> Iterator[tuple[int, tuple[Decimal, str]]]:
    """The product's id with its price for one unit on a list, of an entry of `GET product-price`; nothing where there is none above zero."""
    fields = Fields(raw, "a product price")
    product_id = fields.integer("productId")
    for entry in fields.objects("priceLists"):
        prices = Fields(entry, f"price of product {product_id}")
        price = prices.optional_decimal("quantityPrice.1")
        if prices.integer("priceListId") == price_list_id and price:
            yield product_id, (price, prices.currency("currencyCode"))


def _components(fields: Fields) -> Iterator[dict[str, int]]:
    for entry in fields.objects("composition.bundleComponents"):
        component = Fields(entry, fields.subject)
        yield {"product_id": component.integer("productId"), "quantity": component.quantity("productQuantity")}
