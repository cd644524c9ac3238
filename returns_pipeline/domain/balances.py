"""What an order row holds at the start: quantity, net and tax as charged, with the order's discount spread once. The ledger freezes it.

Scenarios 31, 32: a discount row is shared over the goods by largest remainder; delivery stays a row of its own.
"""

import numpy as np
import pandas as pd

from returns_pipeline.domain.money import UnsupportedCurrency, minor_digits
from returns_pipeline.domain.proration import largest_remainder

COLUMNS = [
    "order_row_id",
    "order_id",
    "currency",
    "minor_digits",
    "price_mode",
    "ordered_qty",
    "net_minor",
    "tax_minor",
]


def opening_balances(orders: pd.DataFrame, order_rows: pd.DataFrame) -> pd.DataFrame:
    """The balance of every row that can be credited; bundle components, discounts and rows without quantity have none.

    Args:
        orders: order_id, currency, price_mode.
        order_rows: the columns of `brightpearl_sales_order_rows`.
    """
    rows = order_rows.merge(orders[["order_id", "currency", "price_mode"]], on="order_id", validate="m:1")
    rows = rows[~rows["is_bundle_child"]].reset_index(drop=True)
    rows = _with_discounts_spread(rows)
    rows = rows[is_creditable(rows)]
    rows = rows[rows["currency"].isin({currency for currency in rows["currency"].unique() if _is_supported(currency)})]
    # A net with four decimals is exact only as gross less tax, which is how inclusive rows are shared.
    has_four_decimals = (
        rows["row_net"].map(lambda net: net != round(net, 2)).astype("bool") if len(rows) else pd.Series(dtype="bool")
    )
    rows["price_mode"] = np.where(has_four_decimals, "INC", rows["price_mode"])
    rows["minor_digits"] = (
        rows["currency"]
        .map({currency: minor_digits(currency) for currency in rows["currency"].unique()})
        .astype("int64")
    )
    return rows.rename(columns={"quantity": "ordered_qty"})[COLUMNS].reset_index(drop=True)


def is_creditable(rows: pd.DataFrame) -> pd.Series:
    """Which rows of sales hold something that can be credited; a discount taken off leaves them so."""
    return (
        ~rows["is_bundle_child"]
        & (rows["quantity"] > 0)
        & (rows["net_minor"] >= 0)
        & (rows["tax_minor"] >= 0)
        & ((rows["net_minor"] > 0) | (rows["tax_minor"] == 0))
    )


def _with_discounts_spread(rows: pd.DataFrame) -> pd.DataFrame:
    """Negative rows of an order taken off its goods rows, in proportion to their net."""
    rows = rows.copy()
    is_discounted = rows["order_id"].isin(rows.loc[rows["net_minor"] < 0, "order_id"])
    for _, of_order in rows[is_discounted].groupby("order_id"):
        goods = of_order[(of_order["net_minor"] > 0) & of_order["product_id"].notna() & (of_order["quantity"] > 0)]
        discount = of_order[of_order["net_minor"] < 0]
        for column in ("net_minor", "tax_minor"):
            off = -int(discount[column].sum())
            if 0 < off <= int(goods[column].sum()):
                parts = largest_remainder(
                    off, [int(value) for value in goods[column]], [int(value) for value in goods["order_row_id"]]
                )
                rows.loc[goods.index, column] = goods[column].to_numpy() - np.array(parts)
    return rows


def _is_supported(currency: str) -> bool:
    try:
        minor_digits(currency)
    except UnsupportedCurrency:
        return False
    return True
