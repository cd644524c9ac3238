"""Assets read from Brightpearl: sales, products, credits and goods-in. ReturnGo's are next door."""

from returns_pipeline.defs.assets import stage_asset
from returns_pipeline.stages import ingest_credits, ingest_sales

brightpearl_sales_orders = stage_asset(
    "brightpearl/sales_orders",
    ingest_sales.read_sales_orders,
    group="ingest",
    owner="integration",
    kinds={"brightpearl", "postgres"},
    deps=["returngo/rmas", "returngo/return_items"],
    description="The sales that open returns belong to, with every row as it was invoiced.\n\n"
    "Found by Shopify order id or order name in sets of up to 200. The tax charged on these rows is what a credit gives back.",
)

brightpearl_products = stage_asset(
    "brightpearl/products",
    ingest_sales.read_products,
    group="ingest",
    owner="product_data",
    kinds={"brightpearl", "postgres"},
    deps=["brightpearl/sales_orders"],
    description="The products on those sales as the catalogue has them today: SKU, bundle recipe, stock tracking.\n\n"
    "A SKU renamed since the sale is recognised by its product; the catalogue alone never decides what was sold.",
)

brightpearl_sales_credits = stage_asset(
    "brightpearl/sales_credits",
    ingest_credits.read_sales_credits,
    group="ingest",
    owner="finance",
    kinds={"brightpearl", "postgres"},
    deps=["brightpearl/sales_orders"],
    description="Every sales credit on those sales, ours and others', posted or not.\n\n"
    "Staff, Brightpearl's Shopify app or a warehouse system write credits too: what they gave back is counted, never doubled.",
)

brightpearl_goods_in = stage_asset(
    "brightpearl/goods_in",
    ingest_credits.read_goods_in,
    group="ingest",
    owner="warehouse",
    kinds={"brightpearl", "postgres"},
    deps=["brightpearl/sales_credits"],
    description="What the warehouse really received, one row per line of a goods-in note on a sales credit.\n\n"
    "This, and not a carrier's message, is the receipt that releases a credit.",
)
