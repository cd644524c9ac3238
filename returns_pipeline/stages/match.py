"""Joins returns to sales and receipts to returns, for what is open. The joins themselves are in `domain/`."""

import pandas as pd

from returns_pipeline.domain import findings, matching, receipts
from returns_pipeline.stages.gatekeeping import Batch, commit
from returns_pipeline.stages.passes import Pass
from returns_pipeline.stages.report import StageReport, total_of
from returns_pipeline.stages.recording import observe
from returns_pipeline.storage import decisions, frames, ledger


def match_return_lines(stage_pass: Pass) -> StageReport:
    """Judges the units of every open return; `returns.returns_return_lines`."""
    return total_of(_match_shop(stage_pass, shop.label) for shop in stage_pass.shops)


def match_receipts(stage_pass: Pass) -> StageReport:
    """Judges every goods-in line on the credits of open returns; `returns.returns_receipts`."""
    return total_of(_match_shop_receipts(stage_pass, shop.label) for shop in stage_pass.shops)


def _match_shop(stage_pass: Pass, shop: str) -> StageReport:
    read = _reader(stage_pass, shop)
    rmas = read("returngo/rmas")
    lines = matching.match_lines(
        items=read("returngo/return_items"),
        rmas=rmas,
        shipments=read("returngo_shipments"),
        orders=read("brightpearl/sales_orders"),
        order_rows=read("brightpearl_sales_order_rows"),
        products=read("brightpearl/products"),
        decisions=decisions.in_force(stage_pass.connection, shop),
        shops=stage_pass.shops,
        now=stage_pass.now,
    )
    known = set(read("returns/return_lines")["return_line_id"])
    new = lines[~lines["return_line_id"].isin(known)]
    report = commit(
        stage_pass,
        shop,
        "match:schema:lines",
        [Batch("returns_return_lines", lines, "rma", "rma_id", parents=("rma_id", rmas["rma_id"].tolist()), newly_judged=len(new))],
        refusal=_too_many_held(stage_pass, new),
    )
    report.merge(observe(stage_pass, "match:lines", shop, findings.findings_from_lines(lines), judged=None if not stage_pass.scope.rma_ids else _rma_subjects(lines)))
    report.counts.update({f"lines_{verdict}": int(count) for verdict, count in lines["verdict"].value_counts().items()})
    report.add_money("paid", lines.dropna(subset=["currency"]), "paid_price_minor")
    return report


def _match_shop_receipts(stage_pass: Pass, shop: str) -> StageReport:
    read = _reader(stage_pass, shop)
    rmas = read("returngo/rmas")
    judged = receipts.match_receipts(
        goods_in=read("brightpearl/goods_in"),
        credits=read("brightpearl/sales_credits"),
        credit_rows=read("brightpearl_sales_credit_rows"),
        return_lines=read("returns/return_lines"),
        items=read("returngo/return_items"),
        inspections=read("inspections"),
        ledger_lines=ledger.read_lines(stage_pass.connection, scope="open", shop=shop),
        shops=stage_pass.shops,
        now=stage_pass.now,
    )
    report = commit(
        stage_pass,
        shop,
        "match:schema:receipts",
        [Batch("returns_receipts", judged, "receipt", "receipt_line_id", parents=("rma_id", rmas["rma_id"].tolist()))],
    )
    report.merge(observe(stage_pass, "match:receipts", shop, findings.findings_from_receipts(judged), judged=None if not stage_pass.scope.rma_ids else _rma_subjects(judged)))
    report.counts["units_received"] = int(judged["quantity"].sum())
    report.counts["units_passed"] = int(judged["passed_quantity"].sum())
    return report


def _reader(stage_pass: Pass, shop: str):  # noqa: ANN202 - a closure over frames.read
    def read(table: str) -> pd.DataFrame:
        return frames.read(stage_pass.connection, table, scope="open", shop=shop, rma_ids=stage_pass.scope.rma_ids or None)

    return read


def _too_many_held(stage_pass: Pass, new: pd.DataFrame) -> str | None:
    limits = stage_pass.settings.limits
    held = int((new["verdict"] == "held").sum())
    if len(new) < limits.max_held_min_rows or held <= len(new) * limits.max_held_share:
        return None
    return f"{held} of {len(new)} return lines judged for the first time are held, more than limits.max_held_share allows: look at their exceptions first"


def _rma_subjects(frame: pd.DataFrame) -> set[tuple[str, str]]:
    return {("rma", str(rma_id)) for rma_id in frame["rma_id"].dropna().unique()}
