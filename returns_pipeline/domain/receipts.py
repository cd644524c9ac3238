"""What came in against what was announced, line by line of the goods-in notes, and what inspection said of it.

Scenarios 6, 14, 15, 16, 43, 46, 72, 75, 80: over-receipts, other items and parcels that nobody announced are held for the warehouse.
"""

import datetime as dt

import numpy as np
import pandas as pd

from returns_pipeline.domain.components import top_rows
from returns_pipeline.domain.places import places_of_units
from returns_pipeline.settings import Settings

_EXPECTED = {
    "over_receipt": "no more units than were announced on this credit",
    "wrong_item_received": "a product that was announced on this credit",
    "receipt_without_return": "a return that announced this parcel",
}
COLUMNS = [
    "receipt_line_id", "shop", "rma_id", "return_line_id", "credit_id", "credit_row_id", "order_id", "order_row_id", "product_id", "quantity",
    "matched_quantity", "passed_quantity", "failed_quantity", "warehouse_id", "location_id", "received_on", "verdict", "hold_code", "expected",
    "found", "judged_at",
]  # fmt: skip


def match_receipts(
    goods_in: pd.DataFrame,
    credits: pd.DataFrame,
    credit_rows: pd.DataFrame,
    return_lines: pd.DataFrame,
    items: pd.DataFrame,
    inspections: pd.DataFrame,
    moves: pd.DataFrame,
    standing: pd.DataFrame,
    settings: Settings,
    shop: str,
    now: dt.datetime,
) -> pd.DataFrame:
    """The goods-in lines of one shop with the columns of `returns_receipts`.

    Args:
        goods_in, credits, credit_rows, return_lines, items, inspections: frames of their tables.
        moves: `brightpearl_shelf_moves` of the products received.
        standing: what our credits hold (`standing_lines`).
        settings: where inspections come from, by location.
        shop: its label.
        now: the pass's moment.
    """
    lines = goods_in[~goods_in["is_reversed"] & (goods_in["quantity"] > 0)].merge(
        credits[["credit_id", "order_id", "shop"]].rename(columns={"shop": "credit_shop"}),
        on="credit_id",
        how="inner",
        validate="m:1",
    )
    lines = _with_order_rows(lines, credit_rows)
    lines = _with_return_lines(lines, standing, return_lines)
    lines = _with_capacity(lines, standing, credit_rows)
    lines["shop"] = lines["line_shop"].fillna(lines["credit_shop"]) if len(lines) else pd.Series(dtype="str")
    lines = lines[lines["shop"] == shop].reset_index(drop=True)
    lines = _inspected(lines, return_lines, items, inspections, settings, shop)
    lines = _judged_by_place(lines, moves, settings, shop)
    lines["hold_code"] = np.select(
        [lines["rma_id"].isna(), lines["order_row_id"].isna(), lines["matched_quantity"] < lines["quantity"]],
        ["receipt_without_return", "wrong_item_received", "over_receipt"],
        "",
    )
    lines["hold_code"] = lines["hold_code"].where(lines["hold_code"] != "")
    lines["verdict"] = np.where(lines["hold_code"].notna(), "held", "ok")
    lines["expected"] = lines["hold_code"].map(_EXPECTED)
    found = (
        lines["quantity"].astype("str")
        + " units of product "
        + lines["product_id"].astype("str")
        + " on credit "
        + lines["credit_id"].astype("str")
    )
    lines["found"] = found.where(lines["hold_code"].notna())
    lines["judged_at"] = pd.Series(now, index=lines.index, dtype="datetime64[us, UTC]")
    return lines[COLUMNS]


def _with_order_rows(lines: pd.DataFrame, credit_rows: pd.DataFrame) -> pd.DataFrame:
    """The sale's row of each goods-in line; a component's is its bundle's."""
    rows = credit_rows.set_index("credit_row_id")
    climbed = top_rows(credit_rows, lines["credit_row_id"])
    product = lines["credit_row_id"].map(rows["product_id"])
    order_row = climbed.map(rows["order_row_id"])
    # Goods booked on a row of another product are not that row's goods.
    lines["order_row_id"] = order_row.where(product.isna() | (product == lines["product_id"])).astype("Int64")
    return lines


def _with_return_lines(lines: pd.DataFrame, standing: pd.DataFrame, return_lines: pd.DataFrame) -> pd.DataFrame:
    """Ours through the credit we raised; others' through the order row, if a return line has it."""
    ours = standing.dropna(subset=["credit_id"])[
        ["credit_id", "order_row_id", "rma_id", "shipment_id", "shop"]
    ].drop_duplicates(["credit_id", "order_row_id"])
    lines = lines.drop(columns="shop").merge(
        ours.rename(columns={"shop": "line_shop"}), on=["credit_id", "order_row_id"], how="left", validate="m:1"
    )
    by_credit = standing.dropna(subset=["credit_id"]).drop_duplicates("credit_id").set_index("credit_id")
    for column, source in (("rma_id", "rma_id"), ("line_shop", "shop")):
        lines[column] = lines[column].where(lines[column].notna(), lines["credit_id"].map(by_credit[source]))
    known = return_lines[return_lines["order_row_id"].notna() & (return_lines["verdict"] != "void")]
    own = known.assign(parcel=known["shipment_id"].fillna(0)).drop_duplicates(["rma_id", "order_row_id", "parcel"])
    lines["parcel"] = lines["shipment_id"].fillna(0).astype("int64") if len(lines) else pd.Series(dtype="int64")
    lines = lines.merge(
        own[["rma_id", "order_row_id", "parcel", "return_line_id"]], on=["rma_id", "order_row_id", "parcel"], how="left"
    )
    anyone = known.drop_duplicates("order_row_id").set_index("order_row_id")
    strangers = ~lines["credit_id"].isin(by_credit.index)
    for column, source in (("rma_id", "rma_id"), ("return_line_id", "return_line_id"), ("line_shop", "shop")):
        of_anyone = lines["order_row_id"].map(anyone[source]).astype("object")
        lines[column] = of_anyone.where(strangers, lines[column].astype("object"))
    lines["rma_id"] = lines["rma_id"].astype("Int64")
    return lines


def _with_capacity(lines: pd.DataFrame, standing: pd.DataFrame, credit_rows: pd.DataFrame) -> pd.DataFrame:
    """How much of each line was announced: receipts fill a credit row first come, first served."""
    lines = lines.sort_values(["received_on", "receipt_line_id"]).reset_index(drop=True)
    own = credit_rows.set_index("credit_row_id")
    is_component = lines["credit_row_id"].map(own["is_bundle_child"]).fillna(value=False).astype("bool")
    held = standing.dropna(subset=["credit_id"]).set_index(["credit_id", "order_row_id"])["quantity"]
    keys = pd.MultiIndex.from_arrays([lines["credit_id"].astype("Int64"), lines["order_row_id"]])
    announced = pd.Series(held.reindex(keys).to_numpy(), index=lines.index)
    # Components count in their own units, and others' credits by their own row.
    by_row = lines["credit_row_id"].map(own["quantity"])
    capacity = announced.where(announced.notna() & ~is_component, by_row).fillna(0).astype("int64")
    before = lines.groupby("credit_row_id")["quantity"].cumsum() - lines["quantity"]
    matched = np.clip(capacity - before, 0, lines["quantity"])
    lines["matched_quantity"] = np.where(lines["order_row_id"].notna() & lines["rma_id"].notna(), matched, 0).astype(
        "int64"
    )
    return lines


def _inspected(
    lines: pd.DataFrame,
    return_lines: pd.DataFrame,
    items: pd.DataFrame,
    inspections: pd.DataFrame,
    settings: Settings,
    shop: str,
) -> pd.DataFrame:
    """Passed and failed units per goods-in line, never more than came."""
    sources = settings.shop(shop).policy.inspection_source
    passed, failed = _results_per_return_line(return_lines, items, inspections, sources)
    quantity = lines["matched_quantity"]
    earlier = lines.groupby("return_line_id", dropna=False)["matched_quantity"].cumsum() - quantity
    ok = lines["return_line_id"].map(passed).fillna(0).astype("int64")
    bad = lines["return_line_id"].map(failed).fillna(0).astype("int64")
    lines["passed_quantity"] = np.clip(ok - earlier, 0, quantity).astype("int64")
    room = quantity - lines["passed_quantity"]
    lines["failed_quantity"] = np.clip(ok + bad - earlier - lines["passed_quantity"], 0, room).astype("int64")
    if "brightpearl_location" in sources:
        result = lines["location_id"].astype("str").map(settings.brightpearl.inspection_locations)
        lines.loc[result == "pass", ["passed_quantity"]] = quantity[result == "pass"]
        lines.loc[result == "pass", ["failed_quantity"]] = 0
        lines.loc[result.isin(["damaged", "write_off"]), "failed_quantity"] = quantity[
            result.isin(["damaged", "write_off"])
        ]
        lines.loc[result.isin(["damaged", "write_off"]), "passed_quantity"] = 0
    return lines


def _judged_by_place(lines: pd.DataFrame, moves: pd.DataFrame, settings: Settings, shop: str) -> pd.DataFrame:
    """Units that somebody put on a shelf for passed or for damaged goods after they were booked in."""
    if moves.empty or "brightpearl_location" not in settings.shop(shop).policy.inspection_source:
        return lines
    places = places_of_units(lines, moves, settings.brightpearl.inspection_locations)
    totals = places.groupby("receipt_line_id")[["passed", "failed"]].sum()
    for column, name in (("passed_quantity", "passed"), ("failed_quantity", "failed")):
        lines[column] = lines["receipt_line_id"].map(totals[name]).fillna(0).astype("int64")
    return lines


def _results_per_return_line(
    return_lines: pd.DataFrame, items: pd.DataFrame, inspections: pd.DataFrame, sources: tuple[str, ...]
) -> tuple[pd.Series, pd.Series]:
    """Units that passed and units that failed, by return line: a person's record wins over ReturnGo's validation."""
    units = (
        return_lines[["return_line_id", "returned_item_ids"]]
        .explode("returned_item_ids")
        .rename(columns={"returned_item_ids": "returned_item_id"})
    )
    units["returned_item_id"] = units["returned_item_id"].astype("int64")
    units = units.merge(
        items[["returned_item_id", "is_returned", "is_restockable", "validated_at"]], on="returned_item_id"
    )
    validated = units["validated_at"].notna() & units["is_returned"] & ("returngo" in sources)
    units["result"] = np.select([validated & units["is_restockable"], validated], ["pass", "damaged"], "")
    if "job" in sources and len(inspections):
        recorded = (
            inspections[inspections["source"] == "job"].dropna(subset=["returned_item_id"]).sort_values("inspection_id")
        )
        latest = recorded.drop_duplicates("returned_item_id", keep="last").set_index("returned_item_id")["result"]
        units["result"] = units["returned_item_id"].map(latest).fillna(units["result"])
    is_pass, is_fail = units["result"] == "pass", units["result"].isin(["damaged", "write_off"])
    return is_pass.groupby(units["return_line_id"]).sum(), is_fail.groupby(units["return_line_id"]).sum()
