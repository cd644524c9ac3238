"""Verbs on products: adding, renaming, archiving.

Not here: what the retailer sells (`sandbox/retailer_catalogue.py`).
"""

from collections.abc import Sequence
from decimal import Decimal

from returns_pipeline.sandbox.brightpearl.records import Product
from returns_pipeline.sandbox.brightpearl.world import BrightpearlWorld


def add_product(
    world: BrightpearlWorld,
    *,
    sku: str,
    name: str,
    tax_code: str,
    price: Decimal,
    cost: Decimal,
    components: Sequence[tuple[int, int]] = (),
) -> int:
    """Adds a product; components of (product id, quantity) make it a bundle.

    Returns:
        Its id.
    """
    now = world.clock.now()
    product_id = world.number("product")
    barcode = "" if components else f"50{product_id:011d}"
    world.products[product_id] = Product(
        product_id, sku, name, barcode, tax_code, price, cost, list(components), now, now
    )
    return product_id


def rename_sku(world: BrightpearlWorld, product_id: int, sku: str) -> None:
    """Gives a product another SKU; rows of old orders keep what was written on them."""
    product = world.product(product_id)
    product.sku, product.updated_on, product.version = sku, world.clock.now(), product.version + 1


def archive_product(world: BrightpearlWorld, product_id: int) -> None:
    """Takes a product out of the catalogue without deleting it."""
    product = world.product(product_id)
    product.status, product.updated_on, product.version = "ARCHIVED", world.clock.now(), product.version + 1
