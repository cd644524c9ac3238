"""Reads the sales that open returns belong to, and the products on them. Credits and goods-in are in `ingest_credits`."""

from collections.abc import Callable, Collection, Sequence
from functools import partial

import pandas as pd

from returns_pipeline.clients.records_brightpearl import GoodsOutNote, SalesOrder
from returns_pipeline.domain.findings import Finding
from returns_pipeline.domain.sales_matching import formatted_order_name
from returns_pipeline.settings import ShopSettings
from returns_pipeline.stages import unmoved
from returns_pipeline.stages.gatekeeping import Batch, collector, commit
from returns_pipeline.stages.passes import Pass
from returns_pipeline.stages.reading import Frames, each_shop
from returns_pipeline.stages.report import StageReport
from returns_pipeline.storage.frames import of_records

_FILTERS = {"external_ref": "externalRef", "customer_ref": "customerRef"}
_PART_SHIPPED, _ALL_SHIPPED = "SPS", "ASS"


def read_sales_orders(stage_pass: Pass) -> StageReport:
    """Finds the sales of open returns that are not known yet, and reads again those that were not yet invoiced or shipped.

    Raises:
        ReadFailed: Brightpearl could not be read at all; nothing was stored.
    """
    return each_shop(
        stage_pass, partial(_unless_known, _read_shop_orders, "sales_orders"), ("brightpearl_sales_orders",)
    )


def read_products(stage_pass: Pass) -> StageReport:
    """Reads the products on open sales that are not known yet; all of them again in a sweep.

    Raises:
        ReadFailed: Brightpearl could not be read at all; nothing was stored.
    """
    return each_shop(stage_pass, partial(_unless_known, _read_shop_products, "products"), ("brightpearl_products",))


def _unless_known(
    read: Callable[[Pass, ShopSettings], StageReport], stage: str, stage_pass: Pass, shop: ShopSettings
) -> StageReport:
    """Where a pass knew all that it needed and nothing has moved since, there is nothing to ask for now either."""
    return unmoved.judged(
        stage_pass,
        f"ingest:{stage}",
        [shop],
        partial(read, stage_pass, shop),
        is_kept=lambda report: report.counts["asked_for"] == 0,
    )


def _read_shop_orders(stage_pass: Pass, shop: ShopSettings) -> StageReport:
    client = stage_pass.accounts.brightpearl
    rejected: list[Finding] = []
    client.reject = collector(rejected, shop.label, "order")
    open_frames = Frames(stage_pass, shop)
    known = open_frames["brightpearl/sales_orders"]
    external_refs = {
        int(order_id): ref for order_id, ref in known[["order_id", "external_ref"]].dropna().itertuples(index=False)
    }
    missing = _missing(shop, open_frames)
    found = _find(stage_pass, shop, missing)
    external_refs |= found
    unfinished = known[(known["invoice_reference"].isin(["", "pending"])) | (known["shipping_status"] != _ALL_SHIPPED)]
    again = set(known["order_id"]) if stage_pass.scope.is_sweep else set(unfinished["order_id"])
    orders = [order for order in client.orders(set(found) | again, external_refs) if order.order_type == "SO"]
    shipped = _shipped_quantities(
        client.goods_out_notes([order.order_id for order in orders if order.shipping_status == _PART_SHIPPED])
    )
    methods = _payment_methods(stage_pass, shop, open_frames)
    report = _store_orders(stage_pass, shop, orders, shipped, known, methods, rejected)
    report.counts["asked_for"] = len(missing) + len(again) + len(methods)
    return report


def _missing(shop: ShopSettings, open_frames: Frames) -> list[tuple[str, str]]:
    """External and customer reference of sales that open returns name and that are not here yet."""
    rmas, known = open_frames["returngo/rmas"], open_frames["brightpearl/sales_orders"]
    replacements = pd.DataFrame(
        [entry for entries in rmas["exchange_orders"] for entry in entries if entry.get("order_id")],
        columns=["order_id", "order_name"],
    )
    wanted = {
        "external_ref": [*rmas["shopify_order_id"], *replacements["order_id"]],
        "customer_ref": [
            *formatted_order_name(shop, rmas["order_name"]),
            *formatted_order_name(shop, replacements["order_name"].dropna()),
        ],
    }
    has = {column: set(known[column].dropna()) for column in wanted}
    rows = list(zip(wanted["external_ref"], wanted["customer_ref"], strict=False))
    return [
        (external, customer)
        for external, customer in rows
        if external not in has["external_ref"] and customer not in has["customer_ref"]
    ]


def _find(stage_pass: Pass, shop: ShopSettings, missing: Sequence[tuple[str, str]]) -> dict[int, str | None]:
    """Ids of the sales that carry one of these references, with the Shopify order id where that found them."""
    client = stage_pass.accounts.brightpearl
    found: dict[int, str | None] = {}
    for column in shop.order_match:
        place = 0 if column == "external_ref" else 1
        hits = client.find_sales_orders(_FILTERS[column], {row[place] for row in missing if row[place]})
        found |= {
            order_id: reference if column == "external_ref" else None
            for reference, ids in hits.items()
            for order_id in ids
            if order_id not in found
        }
        missing = [row for row in missing if not hits.get(row[place])]
        if not missing:
            break
    return found


def _wants_payments(known: pd.DataFrame, open_frames: Frames) -> pd.Series:
    """Sales whose payment method must be known for a refund that was paid, and is not."""
    transactions = open_frames["returngo/transactions"]
    paid = set(transactions.loc[transactions["status"] == "Success", "rma_id"].dropna())
    lines = open_frames["returns/return_lines"]
    orders = set(lines.loc[lines["rma_id"].isin(paid), "order_id"].dropna())
    return known["payment_method_codes"].isna() & known["order_id"].isin(orders)


def _payment_methods(stage_pass: Pass, shop: ShopSettings, open_frames: Frames) -> dict[int, list[str]]:
    """Of sales for which it must be known and is not, the methods that they were paid with."""
    if not shop.policy.record_refunds or "same_as_sale" not in shop.payment_methods.values():
        return {}
    known = open_frames["brightpearl/sales_orders"]
    wanted = {int(order_id) for order_id in known.loc[_wants_payments(known, open_frames), "order_id"]}
    return {
        order_id: sorted(
            {str(row["paymentMethodCode"]) for row in payments if row.get("paymentType") in ("RECEIPT", "CAPTURE")}
        )
        for order_id, payments in stage_pass.accounts.brightpearl.payments_of(wanted).items()
    }


def _store_orders(
    stage_pass: Pass,
    shop: ShopSettings,
    orders: Sequence[SalesOrder],
    shipped: dict[int, int],
    known: pd.DataFrame,
    methods: dict[int, list[str]],
    rejected: Sequence[Finding],
) -> StageReport:
    methods_of = dict(zip(known["order_id"], known["payment_method_codes"], strict=True)) | methods
    read = of_records(
        "brightpearl_sales_orders",
        orders,
        shop=shop.label,
        payment_method_codes=[methods_of.get(order.order_id) for order in orders],
        read_at=stage_pass.now,
    )
    # Of the others only the payments were asked.
    paid = known[known["order_id"].isin(methods) & ~known["order_id"].isin(read["order_id"])]
    paid = paid.assign(payment_method_codes=paid["order_id"].map(methods), read_at=stage_pass.now)
    frame = pd.concat([part for part in (read, paid) if len(part)]) if len(paid) else read
    rows = [row for order in orders for row in order.rows]
    status_of = {order.order_id: order.shipping_status for order in orders}
    quantities = [
        row.quantity if status_of[row.order_id] == _ALL_SHIPPED else shipped.get(row.order_row_id, 0) for row in rows
    ]
    row_frame = of_records("brightpearl_sales_order_rows", rows, shipped_quantity=quantities)
    report = commit(
        stage_pass,
        shop.label,
        "ingest:sales_orders",
        [
            Batch("brightpearl_sales_orders", frame, "order", "order_id", rejected=rejected),
            Batch(
                "brightpearl_sales_order_rows",
                row_frame,
                "order",
                "order_id",
                parents=("order_id", read["order_id"].tolist()),
            ),
        ],
    )
    report.gates = [gate for gate in report.gates if gate.table == "brightpearl_sales_orders"]
    report.add_money("sold", frame, "total_minor")
    return report


def _shipped_quantities(notes: Collection[GoodsOutNote]) -> dict[int, int]:
    quantities: dict[int, int] = {}
    for note in notes:
        if note.is_shipped:
            for row_id, quantity in note.quantities.items():
                quantities[row_id] = quantities.get(row_id, 0) + quantity
    return quantities


def _read_shop_products(stage_pass: Pass, shop: ShopSettings) -> StageReport:
    client = stage_pass.accounts.brightpearl
    rejected: list[Finding] = []
    client.reject = collector(rejected, shop.label, "product")
    open_frames = Frames(stage_pass, shop)
    on_sales = set(open_frames["brightpearl_sales_order_rows"]["product_id"].dropna().astype("int64"))
    known = open_frames["brightpearl/products"]
    cost_list = stage_pass.settings.brightpearl.cost_price_list_id
    # A cost that is missing may be written into the list any day; what is there already is read again in the sweep.
    costless = known.loc[known["cost_value"].isna() & known["is_stock_tracked"], "product_id"] if cost_list else ()
    wanted = (
        on_sales if stage_pass.scope.is_sweep else (on_sales - set(known["product_id"])) | (on_sales & set(costless))
    )
    products = client.products(wanted)
    costs = client.cost_prices(wanted, cost_list) if cost_list and wanted else {}
    frame = of_records(
        "brightpearl_products",
        products,
        cost_value=[costs.get(product.product_id, (None, None))[0] for product in products],
        cost_currency=[costs.get(product.product_id, (None, None))[1] for product in products],
        is_gone=False,
        read_at=stage_pass.now,
    )
    report = commit(
        stage_pass,
        shop.label,
        "ingest:products",
        [Batch("brightpearl_products", frame, "product", "product_id", rejected=rejected)],
    )
    report.counts["asked_for"] = len(wanted)
    return report
