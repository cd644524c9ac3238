"""Closes a month: reads what it needs, has its lines found, ties them to Brightpearl's books as they stand now, keeps and signs. Rules are `domain.close`'s."""

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pandas as pd

from returns_pipeline import schemas
from returns_pipeline.clients.records_brightpearl import SalesCredit
from returns_pipeline.domain import close
from returns_pipeline.domain.books import lines_of_books, tax_proof_lines
from returns_pipeline.domain.bundles import open_bundles, opened_bundles
from returns_pipeline.domain.close import Cutoff
from returns_pipeline.domain.cutoff import UnitCost, approved_not_received, lines_of_goods
from returns_pipeline.domain.cutoff_money import exception_lines, refund_lines, stock_lines, unit_costs
from returns_pipeline.domain.flow import units_flow
from returns_pipeline.settings import ShopSettings
from returns_pipeline.stages import writing
from returns_pipeline.stages.decide import locations
from returns_pipeline.stages.gatekeeping import Batch, commit
from returns_pipeline.stages.passes import Pass
from returns_pipeline.stages.report import GateVerdict, StageReport, total_of
from returns_pipeline.storage import closes, decisions, frames, ledger

# A credit invoiced in a month was made or changed then or later; one dated ahead was changed at most this long before.
_DATED_AHEAD = dt.timedelta(days=31)


@dataclass(frozen=True)
class SignOff:
    """Who signs a month off, why, and a word on each difference by its number; the name is asserted, not proved."""

    by: str
    reason: str
    explanations: Mapping[str, str]


class SignOffRefused(Exception):
    """The month cannot be signed; the message says what is missing. Its figures are kept."""


def close_month(stage_pass: Pass, month: dt.date, sign_off: SignOff | None = None) -> StageReport:
    """The lines and figures of one month for every shop; with `sign_off` they are signed as well.

    Raises:
        ReadFailed: Brightpearl's credits could not be read, so that nothing is tied and nothing kept.
        SignOffRefused: the month has not ended, or a difference to the books is not explained.
    """
    cutoffs = [Cutoff.of(shop, month) for shop in stage_pass.shops]
    books = _read_books(stage_pass, min(cutoff.begins for cutoff in cutoffs))
    report = total_of(_close_shop(stage_pass, cutoff, _of_shop(stage_pass, cutoff.shop, books)) for cutoff in cutoffs)
    if sign_off is not None:
        _sign(stage_pass, cutoffs, sign_off)
    for cutoff in cutoffs:
        report.files |= writing.write_month(stage_pass, cutoff)
    if sign_off is not None:
        report.notes.append(f"{month:%Y-%m} is signed off by {sign_off.by} (name asserted): {sign_off.reason}")
    return report


def month_lines(stage_pass: Pass, cutoff: Cutoff, books: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """All lines of one shop's month."""
    connection, shop = stage_pass.connection, cutoff.shop

    def whole(table: str) -> pd.DataFrame:
        return frames.read(connection, table, scope="all", shop=shop.label)

    receipts, credits, credit_rows = (
        whole("returns/receipts"), whole("brightpearl/sales_credits"), whole("brightpearl_sales_credit_rows")
    )  # fmt: skip
    return_lines = whole("returns/return_lines")
    orders = whole("brightpearl/sales_orders")[["order_id", "currency"]]
    opened = opened_bundles(decisions.in_force(connection, shop.label))
    order_rows = open_bundles(whole("brightpearl_sales_order_rows"), opened).merge(orders, on="order_id", how="left")
    currencies = dict(zip(order_rows["order_row_id"], order_rows["currency"], strict=True))
    effects = ledger.read_effects(connection, scope="all", shop=shop.label)
    ledger_lines = ledger.read_lines(connection, scope="all", shop=shop.label)
    posted = ledger_lines[
        (ledger_lines["kind"] == "credit.post") & (ledger_lines["state"] == "confirmed") & ~ledger_lines["released"]
    ]
    flow = units_flow(receipts, credit_rows, posted, credits, order_rows, currencies)
    costs = unit_costs(whole("brightpearl/goods_in"), receipts)
    quarantine = {
        warehouse: places["quarantine"]
        for warehouse, places in locations(stage_pass, sorted(set(shop.returns_warehouses.values()))).items()
        if places["quarantine"]
    }
    dated = {row["credit_id"]: row["tax_date"] for row in books}
    tax_codes = dict(zip(order_rows["order_row_id"], order_rows["tax_code"], strict=True))
    return [
        *lines_of_goods(flow, cutoff, _costs_of_lines(costs, receipts)),
        *approved_not_received(return_lines, flow, order_rows, cutoff),
        *refund_lines(
            whole("returngo/transactions"), closes.imported_refunds(connection, shop.label), effects, return_lines, flow, cutoff
        ),
        *stock_lines(receipts, effects, costs, quarantine, cutoff),
        *exception_lines(closes.exceptions_until(connection, shop.label, cutoff.ends), cutoff),
        *lines_of_books(effects, posted, books, tax_codes, cutoff),
        *tax_proof_lines(posted, dated, order_rows, cutoff),
    ]  # fmt: skip


def _close_shop(stage_pass: Pass, cutoff: Cutoff, books: Sequence[Mapping[str, Any]]) -> StageReport:
    connection, shop = stage_pass.connection, cutoff.shop
    found = month_lines(stage_pass, cutoff, books)
    last = closes.read(connection, shop.label, (cutoff.month - dt.timedelta(days=1)).replace(day=1))
    if last is not None:
        found += close.carried_forward(last.lines, found)
    lines = close.close_lines(found, cutoff)
    figures = close.figures_of(lines, stage_pass.now)
    before = closes.read(connection, shop.label, cutoff.month)
    if before is not None and before.signed_at is not None:
        report = _compare_with_signed(stage_pass, cutoff, before, lines)
    else:
        report = _keep(stage_pass, cutoff, lines, figures)
    for row in figures.to_dict("records"):
        minor = row["gross_minor"] if not pd.isna(row["gross_minor"]) else row["cost_minor"]
        report.money[(row["figure"], row["currency"])] += 0 if pd.isna(minor) else int(minor)
    report.counts["lines"] += len(lines)
    report.counts["differences_to_the_books"] += int((lines["figure"] == "books_difference").sum())
    return report


def _keep(stage_pass: Pass, cutoff: Cutoff, lines: pd.DataFrame, figures: pd.DataFrame) -> StageReport:
    connection, shop = stage_pass.connection, cutoff.shop.label
    plain = close.canonical(lines)
    with connection.transaction():
        closes.forget_figures(connection, shop, cutoff.month)
        report = commit(
            stage_pass,
            shop,
            "reconcile:close",
            [
                Batch("finance_month_end_close", figures, "figure", "figure"),
                Batch("finance_month_end_lines", lines, "figure", "figure"),
            ],
        )
        closes.keep(connection, shop, cutoff.month, close.digest(plain), plain, stage_pass.run_id, stage_pass.now)
    report.gates = [gate for gate in report.gates if gate.table == "finance_month_end_close"]
    return report


def _compare_with_signed(stage_pass: Pass, cutoff: Cutoff, signed: closes.Close, lines: pd.DataFrame) -> StageReport:
    """A signed close stays; what it would say differently now is kept beside it."""
    report = StageReport(gates=[GateVerdict(cutoff.shop.label, "finance_month_end_close", passed=True)])
    good, refused = schemas.validate("finance_month_end_lines", lines)
    plain = close.canonical(good)
    changes = close.changes_since(signed.lines, plain)
    closes.keep_rerun(
        stage_pass.connection, cutoff.shop.label, cutoff.month, close.digest(plain), changes, stage_pass.run_id
    )
    report.counts["held_rows"] += len(refused)
    report.counts["changed_since_signed"] += len(changes)
    report.notes.append(
        f"{cutoff.shop.label}: {cutoff.month:%Y-%m} was signed by {signed.signed_by} and stays; {len(changes)} lines would differ today"
    )
    report.offenders += [(each["figure"], f"{each['subject_type']} {each['subject_id']}") for each in changes[:10]]
    return report


def _sign(stage_pass: Pass, cutoffs: Sequence[Cutoff], sign_off: SignOff) -> None:
    """Signs every shop's close or none."""
    connection = stage_pass.connection
    for cutoff in cutoffs:
        if stage_pass.now < cutoff.ends:
            raise SignOffRefused(f"{cutoff.month:%Y-%m} of {cutoff.shop.label} has not ended: it cannot be signed yet")
        kept = frames.read(connection, "finance_month_end_lines", scope="all", shop=cutoff.shop.label)
        numbers = close.unexplained(kept[kept["month"] == cutoff.month], sign_off.explanations)
        if numbers:
            raise SignOffRefused(
                f"{cutoff.month:%Y-%m} of {cutoff.shop.label} does not tie to Brightpearl's books: explain {', '.join(numbers)} "
                "in `explanations`, by number, or mend them and compute the month again"
            )
    with connection.transaction():
        for cutoff in cutoffs:
            found = closes.read(connection, cutoff.shop.label, cutoff.month)
            try:
                closes.sign(
                    connection, cutoff.shop.label, cutoff.month, sha256=found.sha256 if found else "", signed_by=sign_off.by,
                    reason=sign_off.reason, explanations=sign_off.explanations,
                )  # fmt: skip
            except (closes.AlreadySigned, ValueError) as refusal:
                raise SignOffRefused(str(refusal)) from refusal


def _read_books(stage_pass: Pass, begins: dt.datetime) -> list[SalesCredit]:
    """Every posted sales credit of the account that may be dated in the month, as Brightpearl has it now."""
    client = stage_pass.accounts.brightpearl
    changed, _ = client.credits_changed(begins - _DATED_AHEAD)
    return [
        credit
        for credit in client.sales_credits(changed)
        if credit.invoice_reference not in ("", "pending") and credit.invoice_tax_date and not credit.is_cancelled
    ]


def _of_shop(stage_pass: Pass, shop: ShopSettings, books: Sequence[SalesCredit]) -> list[dict[str, Any]]:
    """The shop's own by their channel; the first shop takes those of no shop."""
    channels = {each.channel_id for each in stage_pass.settings.shops}
    takes_the_rest = shop.label == stage_pass.settings.shops[0].label
    return [
        {
            "credit_id": credit.credit_id, "number": credit.invoice_reference, "currency": credit.currency, "tax_date": credit.invoice_tax_date,
            "rows": [
                {"tax_code": row.tax_code, "quantity": row.quantity, "net_minor": row.net_minor, "tax_minor": row.tax_minor}
                for row in credit.rows
                if not row.is_bundle_child
            ],
        }
        for credit in books
        if credit.channel_id == shop.channel_id or (takes_the_rest and credit.channel_id not in channels)
    ]  # fmt: skip


def _costs_of_lines(costs: Mapping[int, UnitCost], receipts: pd.DataFrame) -> dict[str, UnitCost]:
    """What the units of each return line cost, over its goods-in lines."""
    found: dict[str, UnitCost] = {}
    named = receipts.dropna(subset=["return_line_id"])
    for line_id, receipt_id in zip(named["return_line_id"], named["receipt_line_id"], strict=True):
        cost, before = costs.get(receipt_id), found.get(line_id)
        if cost is not None:
            found[line_id] = (
                UnitCost(before.total_minor + cost.total_minor, before.units + cost.units, cost.currency)
                if before
                else cost
            )
    return found
