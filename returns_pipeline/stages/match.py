"""Joins returns to sales and receipts to returns, for what is open. The joins themselves are in `domain/`."""

import datetime as dt
from functools import partial

import pandas as pd

from returns_pipeline.domain import findings, matching, receipts
from returns_pipeline.settings import ShopSettings
from returns_pipeline.stages import unmoved
from returns_pipeline.stages.gatekeeping import Batch, commit
from returns_pipeline.stages.passes import Pass
from returns_pipeline.stages.reading import Frames
from returns_pipeline.stages.recording import judged_rmas, observe
from returns_pipeline.stages.report import StageReport, total_of


def match_return_lines(stage_pass: Pass) -> StageReport:
    """Judges the units of every open return; `returns.returns_return_lines`."""
    return total_of(
        unmoved.judged(stage_pass, "match:lines", [shop], partial(_match_shop, stage_pass, shop))
        for shop in stage_pass.shops
    )


def match_receipts(stage_pass: Pass) -> StageReport:
    """Judges every goods-in line on the credits of open returns; `returns.returns_receipts`."""
    return total_of(
        unmoved.judged(stage_pass, "match:receipts", [shop], partial(_match_shop_receipts, stage_pass, shop))
        for shop in stage_pass.shops
    )


def _match_shop(stage_pass: Pass, shop: ShopSettings) -> StageReport:
    read = Frames(stage_pass, shop)
    lines = read["returns/return_lines"] if read.is_idle else _lines(stage_pass, read)
    new = lines[~lines["return_line_id"].isin(set(read["returns/return_lines"]["return_line_id"]))]
    rma_ids = read["returngo/rmas"]["rma_id"].tolist()
    report = commit(
        stage_pass,
        shop.label,
        "match:schema:lines",
        [Batch("returns_return_lines", lines, "rma", "rma_id", parents=("rma_id", rma_ids), newly_judged=len(new))],
        refusal=_too_many_held(stage_pass, new),
    )
    found = findings.findings_from_lines(lines)
    found += findings.findings_from_costs(
        lines, read["brightpearl/products"], stage_pass.settings.brightpearl.cost_price_list_id
    )
    report.merge(observe(stage_pass, "match:lines", shop.label, found, judged_rmas(stage_pass)))
    report.counts.update({f"lines_{verdict}": int(count) for verdict, count in lines["verdict"].value_counts().items()})
    report.add_money("paid", lines.dropna(subset=["currency"]), "paid_price_minor")
    return report


def _lines(stage_pass: Pass, read: Frames) -> pd.DataFrame:
    return matching.match_lines(
        items=read["returngo/return_items"],
        rmas=read["returngo/rmas"],
        orders=read["brightpearl/sales_orders"],
        order_rows=read["brightpearl_sales_order_rows"],
        products=read["brightpearl/products"],
        decisions=read.decisions(),
        shop=read.shop,
        patience=dt.timedelta(hours=stage_pass.settings.sla.order_not_found_hours),
        now=stage_pass.now,
    )


def _match_shop_receipts(stage_pass: Pass, shop: ShopSettings) -> StageReport:
    read = Frames(stage_pass, shop)
    judged = read["returns/receipts"] if read.is_idle else _receipts(stage_pass, read)
    rma_ids = read["returngo/rmas"]["rma_id"].tolist()
    report = commit(
        stage_pass,
        shop.label,
        "match:schema:receipts",
        [Batch("returns_receipts", judged, "receipt", "receipt_line_id", parents=("rma_id", rma_ids))],
    )
    found = findings.findings_from_receipts(judged)
    found += findings.findings_from_inspections(read["returngo/return_items"], read["returns/return_lines"])
    report.merge(observe(stage_pass, "match:receipts", shop.label, found, judged_rmas(stage_pass)))
    report.counts["units_received"] = int(judged["quantity"].sum())
    report.counts["units_passed"] = int(judged["passed_quantity"].sum())
    return report


def _receipts(stage_pass: Pass, read: Frames) -> pd.DataFrame:
    return receipts.match_receipts(
        goods_in=read["brightpearl/goods_in"],
        credits=read["brightpearl/sales_credits"],
        credit_rows=read["brightpearl_sales_credit_rows"],
        return_lines=read["returns/return_lines"],
        items=read["returngo/return_items"],
        inspections=read["inspections"],
        moves=read["brightpearl_shelf_moves"],
        standing=read.standing(),
        settings=stage_pass.settings,
        shop=read.shop.label,
        now=stage_pass.now,
    )


def _too_many_held(stage_pass: Pass, new: pd.DataFrame) -> str | None:
    limits = stage_pass.settings.limits
    held = int((new["verdict"] == "held").sum())
    if len(new) < limits.max_held_min_rows or held <= len(new) * limits.max_held_share:
        return None
    return f"{held} of {len(new)} return lines judged for the first time are held, more than limits.max_held_share allows: look at their exceptions first"
