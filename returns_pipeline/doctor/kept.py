"""What the returns read so far show: how sales are found, where fees repeat, which words and currencies ReturnGo has, what goods cost. Reads our database only."""

from collections.abc import Iterator, Mapping
from typing import Any

import pandas as pd
import psycopg

from returns_pipeline.clients.least_data import printable
from returns_pipeline.doctor.point import Point
from returns_pipeline.domain import lives
from returns_pipeline.settings import Settings, ShopSettings
from returns_pipeline.storage import refunded_fees

_FEW_PERCENT = 20
_COUNTS = {
    "by_external_ref": "SELECT count(*) FROM returngo_rmas r JOIN brightpearl_sales_orders o ON o.external_ref = r.shopify_order_id WHERE r.shop = %(shop)s",
    "by_customer_ref": "SELECT count(*) FROM returngo_rmas r JOIN brightpearl_sales_orders o ON o.customer_ref = replace(%(format)s, '{order_name}', r.order_name) WHERE r.shop = %(shop)s",
    "returns": "SELECT count(*) FROM returngo_rmas WHERE shop = %(shop)s",
    "from_returns_warehouse": "SELECT count(*) FROM brightpearl_sales_orders WHERE shop = %(shop)s AND warehouse_id = ANY(%(warehouses)s)",
    "without_cost": "SELECT count(*) FROM brightpearl_products WHERE is_stock_tracked AND NOT is_gone AND cost_value IS NULL",
    "refunded": "SELECT count(DISTINCT rma_id) FROM returngo_transactions WHERE shop = %(shop)s AND status = 'Success' AND type LIKE 'RefundTo%%'",
    "refunded_first": """SELECT count(DISTINCT t.rma_id) FROM returngo_transactions t WHERE t.shop = %(shop)s AND t.status = 'Success' AND t.type LIKE 'RefundTo%%'
                           AND t.created_at < coalesce((SELECT min(g.received_on) FROM returns_receipts g WHERE g.rma_id = t.rma_id), 'infinity')""",
    "received_unseen": """SELECT count(*) FROM returngo_shipments s WHERE s.shop = %(shop)s AND s.status = 'Received'
                            AND NOT EXISTS (SELECT FROM returns_receipts g WHERE g.rma_id = s.rma_id)""",
    "in_another_currency": "SELECT count(*) FROM returngo_return_items WHERE shop = %(shop)s AND shop_currency <> %(currency)s",
    "in_the_customers": "SELECT count(*) FROM returngo_return_items WHERE shop = %(shop)s AND currency <> shop_currency",
}
_RESOLUTIONS = (
    "SELECT DISTINCT resolution_type, return_method_type FROM returngo_return_items WHERE shop = %s ORDER BY 1, 2"
)


def points(connection: psycopg.Connection, settings: Settings) -> Iterator[Point]:
    """One set of points per shop; a shop of which nothing was read yet has one that says so."""
    for shop in settings.shops:
        counts = counts_of(connection, shop)
        if not counts["returns"]:
            yield Point(
                f"shop {shop.label}: returns were read",
                False,
                "run `returns-pipeline sync` once in shadow mode: it reads, writes nothing, and this page tells more",
            )
            continue
        yield from _of_shop(connection, shop, settings, counts)
        yield from _words_and_currencies(connection, shop, counts)


def _of_shop(
    connection: psycopg.Connection, shop: ShopSettings, settings: Settings, counts: Mapping[str, Any]
) -> Iterator[Point]:
    found = {"external_ref": counts["by_external_ref"], "customer_ref": counts["by_customer_ref"]}
    yield Point(
        f"shop {shop.label}: sales are found by the references named",
        any(found[way] for way in shop.order_match),
        "no sale was found: look at a sale in Brightpearl, and set order_match and order_name_format to where and how it names the Shopify order",
        seen=f"of {counts['returns']} returns {found['external_ref']} by external reference, {found['customer_ref']} by customer reference",
    )
    evidence = refunded_fees.borne_out(connection, shop.label)
    yield Point(
        f"shop {shop.label}: fees are counted as the settings say",
        not evidence or evidence[0].fee_scope == settings.returngo.fee_scope,
        f"refunds fit [returngo] fee_scope = '{evidence[0].fee_scope}'" if evidence else "",
        seen=f"{len(evidence)} refunds tell"
        if evidence
        else "no refund tells; 'item' is the default, and the nightly sweep goes on looking",
    )
    is_ahead = counts["refunded_first"] * 100 > counts["refunded"] * _FEW_PERCENT
    yield Point(
        f"shop {shop.label}: refunds follow the goods",
        shop.policy.credit_ahead_of_receipt or not is_ahead,
        "say [policy] credit_ahead_of_receipt = true where the shop refunds at drop-off, or mend ReturnGo's refund rule",
        seen=f"{counts['refunded_first']} of {counts['refunded']} refunds were made before goods-in",
    )
    yield Point(
        f"shop {shop.label}: no sale is shipped from a Returns warehouse",
        not counts["from_returns_warehouse"],
        "ship sales from another warehouse: what lies in Returns is not sellable before inspection",
        seen=f"{counts['from_returns_warehouse']} sales",
    )
    asks = settings.brightpearl.cost_price_list_id > 0
    yield Point(
        f"shop {shop.label}: goods have a cost",
        not asks or not counts["without_cost"],
        "give these products a cost on the cost price list: received at zero they spoil the stock value",
        seen=f"{counts['without_cost']} products without one" if asks else "taken from the original sale",
    )


def _words_and_currencies(
    connection: psycopg.Connection, shop: ShopSettings, counts: Mapping[str, Any]
) -> Iterator[Point]:
    words = connection.execute(_RESOLUTIONS, (shop.label,)).fetchall()
    types, methods = pd.Series([row[0] for row in words]), pd.Series([row[1] for row in words])
    unknown = sorted(set(types[lives.lives_of(types, methods) == lives.UNKNOWN]))
    yield Point(
        f"shop {shop.label}: every resolution is known",
        not unknown,
        f"{', '.join(map(printable, unknown))}: returns with these are held as unknown_resolution until a person decides; tell us what they mean",
        seen=", ".join(printable(word) for word in sorted(set(types))),
    )
    yield Point(
        f"shop {shop.label}: ReturnGo books in the shop's currency",
        not counts["in_another_currency"],
        f"write the currency that ReturnGo books in, or look why {counts['in_another_currency']} units are in another: they are held",
        seen=f"{counts['in_the_customers']} units were paid in another currency than they are booked in",
    )


def counts_of(connection: psycopg.Connection, shop: ShopSettings) -> dict[str, int]:
    """What `_COUNTS` counts, for one shop."""
    about = {
        "shop": shop.label,
        "format": shop.order_name_format,
        "currency": shop.currency,
        "warehouses": sorted(set(shop.returns_warehouses.values())),
    }
    counts = {}
    for name, sql in _COUNTS.items():
        ((counts[name],),) = connection.execute(sql, about).fetchall()
    return counts
