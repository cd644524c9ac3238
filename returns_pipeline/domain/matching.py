"""Return lines: the units of one RMA, one parcel and one order row, with the verdict of the SKU check. Sales and rows are found next door.

A line that cannot be judged is held alone, with what was expected, what was found and a suggestion; nothing is guessed.
"""

import datetime as dt
from collections.abc import Sequence

import numpy as np
import pandas as pd

from returns_pipeline.domain import lives
from returns_pipeline.domain.bundles import fold_bundles
from returns_pipeline.domain.row_matching import match_rows
from returns_pipeline.domain.sales_matching import match_sales, waits_for_sale
from returns_pipeline.settings import ShopSettings

_EXPECTED = {
    "order_not_found": "a sale in Brightpearl with this Shopify order id or order name",
    "order_ambiguous": "one sale with this reference",
    "order_in_other_channel": "a sale in this shop's channel",
    "currency_precision_unsupported": "a currency with at most two decimals",
    "currency_mismatch": "a price in the sale's currency",
    "sku_unknown": "a SKU that was sold on this order",
    "row_ambiguous": "one order row for this SKU, or rows at one price",
    "partial_bundle": "all components of the bundle as sold",
    "quantity_exceeds_shipped": "no more units than were shipped",
    "unknown_resolution": "a resolution that the policy knows",
}
_VOID_STATUSES = ("Pending", "Rejected", "Canceled")


def match_lines(
    items: pd.DataFrame,
    rmas: pd.DataFrame,
    orders: pd.DataFrame,
    order_rows: pd.DataFrame,
    products: pd.DataFrame,
    decisions: pd.DataFrame,
    shop: ShopSettings,
    patience: dt.timedelta,
    now: dt.datetime,
) -> pd.DataFrame:
    """The return lines of one shop's returns, with the columns of `returns_return_lines`.

    Args:
        items, rmas, orders, order_rows, products: frames of their tables.
        decisions: what people decided (`operator_decisions` in force): map_sku, keep_item, waive, void.
        shop: the shop's rules.
        patience: how long a sale that is not in Brightpearl yet may be waited for.
        now: the pass's moment.
    """
    sales = match_sales(rmas, items, orders, order_rows, shop)
    units = items.merge(sales, on="rma_id", validate="m:1").merge(
        rmas[["rma_id", "status", "created_at", "approved_at"]].assign(may_wait=waits_for_sale(rmas, patience, now)),
        on="rma_id",
        validate="m:1",
    )
    units = _with_rows(units, order_rows, products, decisions)
    units["life"] = lives.lives_of(units["resolution_type"], units["return_method_type"])
    units = _honour_decisions(units, decisions)
    units = _in_the_sales_currency(units, orders)
    units["hold_code"] = units["sale_hold"].where(units["sale_hold"].notna(), units["row_hold"])
    units.loc[units["hold_code"].isna() & units["money_missing"], "hold_code"] = "currency_mismatch"
    units.loc[units["hold_code"].isna() & (units["life"] == lives.UNKNOWN), "hold_code"] = "unknown_resolution"
    lines = _grouped(units)
    lines = _described(lines, order_rows)
    lines = _within_shipped(lines, order_rows)
    return _with_verdicts(lines, now)


def _with_rows(
    units: pd.DataFrame, order_rows: pd.DataFrame, products: pd.DataFrame, decisions: pd.DataFrame
) -> pd.DataFrame:
    known = units[units["order_id"].notna() & units["sale_hold"].isna()]
    rows = match_rows(known, order_rows, products)
    rows = _mapped_by_people(rows, known, decisions, order_rows)
    units = units.merge(rows, on="returned_item_id", how="left", validate="1:1")
    return fold_bundles(units, order_rows)


def _mapped_by_people(
    rows: pd.DataFrame, units: pd.DataFrame, decisions: pd.DataFrame, order_rows: pd.DataFrame
) -> pd.DataFrame:
    """Applies `map_sku` decisions: for one return (subject rma, value sku and order_row_id) or for a SKU everywhere (value sku_sold)."""
    mappings = decisions[decisions["action"] == "map_sku"]
    if mappings.empty:
        return rows
    rows = rows.merge(units[["returned_item_id", "rma_id", "order_id", "sku"]], on="returned_item_id")
    sold = {(row.order_id, row.sku): row.order_row_id for row in order_rows.itertuples()}
    for decision in mappings.itertuples():
        value = decision.value
        of_subject = (
            rows["sku"] == decision.subject_id if decision.subject_type == "sku" else rows["rma_id"] == decision.rma_id
        )
        of_sku = rows["sku"] == value["sku"] if "sku" in value else of_subject
        for place in rows.index[of_subject & of_sku & rows["order_row_id"].isna()]:
            row_id = value.get("order_row_id") or sold.get((rows.at[place, "order_id"], value.get("sku_sold")))
            if row_id is not None and row_id in set(
                order_rows.loc[order_rows["order_id"] == rows.at[place, "order_id"], "order_row_id"]
            ):
                rows.loc[place, ["order_row_id", "matched_by", "row_hold", "suggestion"]] = [
                    int(row_id),
                    "person",
                    None,
                    None,
                ]
    return rows.drop(columns=["rma_id", "order_id", "sku"])


def _honour_decisions(units: pd.DataFrame, decisions: pd.DataFrame) -> pd.DataFrame:
    def rmas_of(action: str) -> set[int]:
        return set(decisions.loc[decisions["action"] == action, "rma_id"].dropna().astype("int64"))

    units["is_void"] = (
        units["rma_id"].isin(rmas_of("void"))
        | units["status"].isin(_VOID_STATUSES)
        | (units["life"] == lives.CANCEL_ORDER)
    )
    units.loc[units["rma_id"].isin(rmas_of("keep_item")), "life"] = lives.KEEP_ITEM
    units.loc[units["rma_id"].isin(rmas_of("lost_in_transit")), "life"] = lives.LOST_IN_TRANSIT
    return units


def _in_the_sales_currency(units: pd.DataFrame, orders: pd.DataFrame) -> pd.DataFrame:
    """Price and tax in the sale's currency: what the customer saw or what the shop booked, never a mix of both."""
    currency = units["order_id"].map(orders.set_index("order_id")["currency"]).astype("object")
    seen, booked = units["currency"] == currency, units["shop_currency"] == currency
    units["money_missing"] = currency.notna() & ~seen & ~booked
    for name in ("paid_price_minor", "paid_tax_minor"):
        units[name] = np.where(seen | ~booked, units[name], units[f"shop_{name}"])
    fees = units["restocking_fee_minor"] + units["return_fee_minor"] + units["shipment_fee_minor"]
    units["fee_minor"] = fees
    units["currency"] = currency.where(currency.notna(), units["currency"])
    return units


def _grouped(units: pd.DataFrame) -> pd.DataFrame:
    """Units of one RMA, parcel and row (or, unmatched, each by itself) as one line."""
    parcel = units["shipment_id"].fillna(0).astype("int64").astype("str")
    row = (
        units["order_row_id"]
        .astype("str")
        .where(units["order_row_id"].notna(), "x" + units["returned_item_id"].astype("str"))
    )
    units = units.assign(return_line_id=units["rma_id"].astype("str") + "-" + row + "-" + parcel).sort_values(
        "returned_item_id"
    )
    first = ["shop", "rma_id", "status", "shipment_id", "order_id", "order_row_id", "life", "matched_by", "currency", "resolution_type", "approved_at", "created_at",
             "hold_code", "suggestion", "sale_found", "may_wait", "is_void", "sku", "bundles"]  # fmt: skip
    grouped = units.groupby("return_line_id", sort=True)
    lines = grouped[first].first()
    lines["units"] = grouped.size()
    for name in ("paid_price_minor", "paid_tax_minor", "fee_minor"):
        lines[name] = grouped[name].sum().astype("int64")
    lines["returned_item_ids"] = _gathered(units, "returned_item_id").to_numpy()
    reasons = units[units["return_reason"].notna() & (units["return_reason"] != "")]
    reasons = _gathered(reasons.drop_duplicates(["return_line_id", "return_reason"]), "return_reason").str.join("; ")
    lines["return_reasons"] = reasons.reindex(lines.index).astype("object").where(lambda words: words.notna(), None)
    lines["quantity"] = lines["bundles"].fillna(lines["units"]).astype("int64")
    return lines.reset_index().rename(columns={"status": "rma_status", "sku": "sku_returned"})


def _gathered(units: pd.DataFrame, column: str) -> pd.Series:
    """The values of each return line as a list, in the units' order; by sorted return line."""
    ordered = units.sort_values("return_line_id", kind="stable")
    ids, values = ordered["return_line_id"].to_numpy(), ordered[column].tolist()
    starts = np.flatnonzero(np.append(True, ids[1:] != ids[:-1])[: len(ids)])
    ends = np.append(starts, len(values))[1:]
    lists = [values[start:end] for start, end in zip(starts, ends, strict=True)]
    return pd.Series(lists, index=ids[starts], dtype="object")


def _described(lines: pd.DataFrame, order_rows: pd.DataFrame) -> pd.DataFrame:
    sold = order_rows.set_index("order_row_id")
    lines["product_id"] = lines["order_row_id"].map(sold["product_id"]).astype("Int64")
    lines["sku_sold"] = lines["order_row_id"].map(sold["sku"])
    return lines


def _within_shipped(lines: pd.DataFrame, order_rows: pd.DataFrame) -> pd.DataFrame:
    """Holds the youngest returns of a row whose returns together exceed what was shipped of it."""
    counted = lines[lines["hold_code"].isna() & ~lines["is_void"] & lines["order_row_id"].notna()]
    counted = counted.sort_values(["created_at", "rma_id", "return_line_id"])
    asked = counted.groupby("order_row_id")["quantity"].cumsum()
    shipped = counted["order_row_id"].map(order_rows.set_index("order_row_id")["shipped_quantity"])
    lines.loc[asked.index[asked > shipped], "hold_code"] = "quantity_exceeds_shipped"
    return lines


def _with_verdicts(lines: pd.DataFrame, now: dt.datetime) -> pd.DataFrame:
    is_waiting = (lines["hold_code"] == "order_not_found") & lines["may_wait"]
    lines["verdict"] = np.select(
        [lines["is_void"], lines["hold_code"].isna(), is_waiting], ["void", "ok", "waiting"], "held"
    )
    lines.loc[lines["is_void"], "hold_code"] = None
    lines["expected"] = lines["hold_code"].map(_EXPECTED)
    found = lines["units"].astype("str") + " of SKU " + lines["sku_returned"].astype("str")
    found = found.where(
        ~lines["hold_code"].isin(["order_ambiguous", "order_in_other_channel"]),
        "sale " + lines["sale_found"].fillna("?").astype("str"),
    )
    lines["found"] = found.where(lines["hold_code"].notna())
    lines.loc[lines["hold_code"].isna(), "suggestion"] = None
    lines["judged_at"] = now
    return lines[COLUMNS]


COLUMNS: Sequence[str] = [
    "return_line_id", "shop", "rma_id", "rma_status", "shipment_id", "order_id", "order_row_id", "product_id", "sku_returned", "sku_sold", "quantity",
    "returned_item_ids", "life", "matched_by", "currency", "paid_price_minor", "paid_tax_minor", "fee_minor", "resolution_type", "return_reasons",
    "approved_at", "verdict", "hold_code", "expected", "found", "suggestion", "judged_at",
]  # fmt: skip
