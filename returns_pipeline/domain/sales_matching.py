"""Which sale a return belongs to: by Shopify order id, else by order name as the shop writes it in Brightpearl. Rows are matched elsewhere.

Scenarios 13, 59, 77 and everything on "not in Brightpearl yet": nothing is guessed between several hits.
"""

import datetime as dt

import pandas as pd

from returns_pipeline.domain.money import UnsupportedCurrency, minor_digits
from returns_pipeline.settings import ShopSettings


def formatted_order_name(shop: ShopSettings, order_names: pd.Series) -> pd.Series:
    """Order names as this shop's sales carry them in Brightpearl's reference."""
    prefix, _, suffix = shop.order_name_format.partition("{order_name}")
    return prefix + order_names.astype("str") + suffix


def match_sales(
    rmas: pd.DataFrame, items: pd.DataFrame, orders: pd.DataFrame, order_rows: pd.DataFrame, shop: ShopSettings
) -> pd.DataFrame:
    """One row per RMA: rma_id, order_id (or missing), sale_hold (code or None), sale_found (words for the evidence).

    Args:
        rmas, items, orders, order_rows: columns of their tables, one shop's returns.
        shop: its rules: where the id and the name are kept, and its channel.
    """
    wanted = pd.DataFrame(
        {
            "rma_id": rmas["rma_id"],
            "external_ref": rmas["shopify_order_id"],
            "customer_ref": formatted_order_name(shop, rmas["order_name"]),
        }
    )
    found = _first_hits(wanted, orders, shop.order_match)
    found = _shipped_the_items(found, items, order_rows)
    counts = found.groupby("rma_id")["order_id"].nunique()
    single = found[found["rma_id"].isin(counts[counts == 1].index)].drop_duplicates("rma_id")
    sales = wanted[["rma_id"]].merge(
        single[["rma_id", "order_id", "channel_id", "currency"]], on="rma_id", how="left", validate="1:1"
    )
    sales["order_id"] = sales["order_id"].astype("Int64")
    several = sales["rma_id"].map(counts).fillna(0) > 1
    elsewhere = sales["order_id"].notna() & (sales["channel_id"] != shop.channel_id)
    sales["sale_hold"] = pd.Series(None, index=sales.index, dtype="object")
    sales.loc[sales["order_id"].isna(), "sale_hold"] = "order_not_found"
    sales.loc[several, "sale_hold"] = "order_ambiguous"
    sales.loc[elsewhere, "sale_hold"] = "order_in_other_channel"
    sales.loc[_unsupported(sales["currency"]), "sale_hold"] = "currency_precision_unsupported"
    # Words are joined for the few returns with several sales; all others have one id.
    ids = found.drop_duplicates(["rma_id", "order_id"]).sort_values("order_id")
    words = ids["order_id"].astype("str")
    joined = words[ids["rma_id"].isin(counts[counts > 1].index)].groupby(ids["rma_id"]).agg(", ".join)
    one = words.set_axis(ids["rma_id"])
    found_words = pd.concat([one[~one.index.isin(joined.index)], joined])
    sales["sale_found"] = sales["rma_id"].map(found_words).astype("object")
    return sales[["rma_id", "order_id", "sale_hold", "sale_found"]]


def _first_hits(wanted: pd.DataFrame, orders: pd.DataFrame, columns: tuple[str, ...]) -> pd.DataFrame:
    """Pairs of return and sale by the first column that finds any: what an id has found is not looked for by name."""
    hits = []
    for column in columns:
        pairs = wanted[["rma_id", column]].merge(orders[["order_id", "channel_id", "currency", column]], on=column)
        hits.append(pairs[["rma_id", "order_id", "channel_id", "currency"]])
        wanted = wanted[~wanted["rma_id"].isin(pairs["rma_id"])]
    return pd.concat(hits, ignore_index=True)


def waits_for_sale(rmas: pd.DataFrame, patience: dt.timedelta, now: dt.datetime) -> pd.Series:
    """Whether a return whose sale is not there yet may still wait for it, counted from its approval."""
    return (now - rmas["approved_at"].fillna(rmas["created_at"])) < patience


def _shipped_the_items(found: pd.DataFrame, items: pd.DataFrame, order_rows: pd.DataFrame) -> pd.DataFrame:
    """Where one return has several sales, those that shipped every SKU of it; where none did, all of them again."""
    several = found[found.duplicated("rma_id", keep=False)]
    if several.empty:
        return found
    sold = order_rows.loc[order_rows["shipped_quantity"] > 0, ["order_id", "sku"]].drop_duplicates()
    wanted = items.loc[items["rma_id"].isin(several["rma_id"]), ["rma_id", "sku"]].drop_duplicates()
    pairs = (
        several[["rma_id", "order_id"]]
        .merge(wanted, on="rma_id")
        .merge(sold, on=["order_id", "sku"], how="left", indicator=True)
    )
    complete = (pairs["_merge"] == "both").groupby([pairs["rma_id"], pairs["order_id"]]).all()
    fits = complete[complete].reset_index()[["rma_id", "order_id"]]
    kept = several.merge(fits, on=["rma_id", "order_id"])
    undecided = several[~several["rma_id"].isin(kept["rma_id"])]
    return pd.concat([found[~found["rma_id"].isin(several["rma_id"])], kept, undecided], ignore_index=True)


def _unsupported(currencies: pd.Series) -> pd.Series:
    bad = set()
    for currency in currencies.dropna().unique():
        try:
            minor_digits(currency)
        except UnsupportedCurrency:
            bad.add(currency)
    return currencies.isin(bad)
