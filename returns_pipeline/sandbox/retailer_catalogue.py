"""What the sandbox's small retailer sells: about sixty products with prices, costs, tax codes, variants and bundles.

Not here: orders (`retailer_orders`) or how products come into Brightpearl (`retailer`). Prices are gross, in major units.
"""

from dataclasses import dataclass, replace
from decimal import ROUND_HALF_UP, Decimal

PENNY = Decimal("0.01")
TAX_RATES = {"T20": Decimal(20), "T5": Decimal(5), "T0": Decimal(0), "T21": Decimal(21)}
EUROS_PER_POUND = Decimal("1.25")


@dataclass(frozen=True)
class CatalogueProduct:
    """A product, variant or bundle; `components` of a bundle are (SKU, quantity) and may name another bundle."""

    sku: str
    name: str
    price_gbp: Decimal
    cost_gbp: Decimal
    variant: str | None = None
    tax_code: str = "T20"
    components: tuple[tuple[str, int], ...] = ()
    has_barcode: bool = True

    @property
    def price_eur(self) -> Decimal:
        """The gross price in the euro shop."""
        return (self.price_gbp * EUROS_PER_POUND).quantize(PENNY, ROUND_HALF_UP)


_VARIANTS = (
    ("OXF", "Oxford Shirt", "39.00", ("S", "M", "L", "XL")),
    ("LIN", "Linen Dress", "68.33", ("8", "10", "12", "14")),
    ("CHN", "Chino Trousers", "45.50", ("30", "32", "34")),
    ("MER", "Merino Jumper", "57.50", ("S", "M", "L")),
    ("RJK", "Rain Jacket", "85.00", ("S", "M", "L")),
    ("TRN", "Canvas Trainers", "59.99", ("6", "7", "8", "9")),
)
_CHILDRENS_WEAR = (
    ("KTE", "Child's T-Shirt", "12.50", ("3-4y", "5-6y", "7-8y")),
    ("KDU", "Child's Dungarees", "24.99", ("3-4y", "5-6y", "7-8y")),
)
_SINGLES = (
    ("MUG-BLU", "Blue Mug", "9.99"),
    ("TEAPOT-1", "Stoneware Teapot", "28.75"),
    ("00417-LAMP", "Desk Lamp", "49.95"),
    ("CUSH-GRN", "Green Cushion", "19.00"),
    ("TWL-BATH", "Bath Towel", "18.00"),
    ("TWL-HAND", "Hand Towel", "9.50"),
    ("TWL-FACE", "Face Cloth", "4.25"),
    ("CNDL-FIG", "Fig Candle", "16.00"),
    ("BPK-20", "Backpack 20 l", "64.99"),
    ("BELT-OLD", "Woven Belt", "22.00"),
    ("SCARF-RED", "Red Scarf", "25.00"),
    ("WATCH-3", "Field Watch", "149.00"),
    ("UMB-BLK", "Umbrella", "21.99"),
    ("NOTE-A5", "Notebook Pack of Three", "3.33"),
    ("WLT-TAN", "Tan Wallet", "34.50"),
    ("BTL-500", "Steel Bottle", "17.77"),
    ("BLNK-WL", "Wool Blanket", "79.00"),
    ("APRN-NV", "Navy Apron", "23.45"),
    ("VASE-GL", "Glass Vase", "31.01"),
    ("CLK-WALL", "Wall Clock", "42.42"),
    ("THIRDS-1", "Sample Pouch", "3.34"),
)
_BOOKS = tuple((f"BOOK-{number:03d}", title, price) for number, title, price in (
    (1, "A Field Guide to Moths", "14.99"), (2, "Bread at Home", "20.00"), (3, "The Long Canal", "8.99"),
    (4, "Knots and Hitches", "11.00"), (5, "Small Gardens", "25.00"), (6, "Rivers of the North", "9.99"), (7, "An Atlas of Clouds", "30.00"),
))  # fmt: skip
_REDUCED_RATE = (
    ("SEAT-1", "Child Car Seat", "129.00"),
    ("SEAT-2", "Child Car Seat with Base", "189.99"),
    ("BOOST-1", "Booster Cushion", "34.95"),
)
_BUNDLES = (
    ("SET-TOWEL", "Towel Set", "54.00", (("TWL-BATH", 2), ("TWL-HAND", 2), ("TWL-FACE", 1))),
    ("SET-TEA", "Tea for Two", "44.50", (("TEAPOT-1", 1), ("MUG-BLU", 2))),
    ("HAMPER-1", "Evening Hamper", "69.99", (("SET-TEA", 1), ("CNDL-FIG", 2))),
)

RENAMED_SKU = ("SCARF-RED", "SCF-RED-01")
ARCHIVED_SKU = "BELT-OLD"
GOLDEN_SKUS = ("LIN-8", "LIN-10", "MER-S", "RJK-S")


def catalogue() -> dict[str, CatalogueProduct]:
    """Every product by SKU, components before the bundles that hold them."""
    products = [*_family(_VARIANTS, "T20"), *_family(_CHILDRENS_WEAR, "T0")]
    products += [_single(row, "T20") for row in _SINGLES]
    products += [replace(_single(row, "T0"), has_barcode=False) for row in _BOOKS]
    products += [_single(row, "T5") for row in _REDUCED_RATE]
    found = {product.sku: product for product in products}
    for sku, name, price, components in _BUNDLES:
        cost = sum((found[part].cost_gbp * quantity for part, quantity in components), Decimal(0))
        found[sku] = CatalogueProduct(sku, name, Decimal(price), cost, components=components)
    return found


def _family(rows: tuple[tuple[str, str, str, tuple[str, ...]], ...], tax_code: str) -> list[CatalogueProduct]:
    return [
        CatalogueProduct(f"{stem}-{size.upper()}", name, Decimal(price), _cost(price), variant=size, tax_code=tax_code)
        for stem, name, price, sizes in rows
        for size in sizes
    ]


def _single(row: tuple[str, str, str], tax_code: str) -> CatalogueProduct:
    sku, name, price = row
    return CatalogueProduct(sku, name, Decimal(price), _cost(price), tax_code=tax_code)


def _cost(price: str) -> Decimal:
    return (Decimal(price) * Decimal("0.4")).quantize(PENNY, ROUND_HALF_UP)
