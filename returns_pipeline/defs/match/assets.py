"""Returns against sales, receipts against returns: the two matching assets. How they match is in `domain/`."""

from returns_pipeline.defs.assets import stage_asset
from returns_pipeline.stages import match

returns_return_lines = stage_asset(
    "returns/return_lines",
    match.match_return_lines,
    group="match",
    owner="product_data",
    kinds={"pandas", "postgres"},
    deps=["returngo/return_items", "brightpearl/sales_orders", "brightpearl/products"],
    description="Units of a return joined to the order row that sold them, with the verdict of the SKU check.\n\n"
    "A wrong or unknown SKU holds that return alone and names its owner; nothing is guessed.",
)

returns_receipts = stage_asset(
    "returns/receipts",
    match.match_receipts,
    group="match",
    owner="warehouse",
    kinds={"pandas", "postgres"},
    deps=["brightpearl/goods_in", "brightpearl/sales_credits", "returns/return_lines"],
    description="What came in, joined to what was announced, with what inspection said of it.\n\n"
    "More than announced, another item or a parcel that nobody announced is held for the warehouse.",
)
