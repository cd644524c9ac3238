"""Looks for what drifts apart with time, and keeps it as exceptions. What counts as drift is decided in `domain/drift`."""

import datetime as dt

import pandas as pd

from returns_pipeline.clients.outcomes import ReadFailed
from returns_pipeline.clients.pacing import BudgetSpent
from returns_pipeline.domain import drift
from returns_pipeline.domain.fee_evidence import against_the_setting
from returns_pipeline.domain.findings import Finding, findings_near_deadline
from returns_pipeline.settings import ShopSettings
from returns_pipeline.stages.passes import Pass
from returns_pipeline.stages.reading import Frames
from returns_pipeline.stages.recording import judged_rmas, observe
from returns_pipeline.stages.report import StageReport
from returns_pipeline.storage import refunded_fees, stock


def find_drift(
    stage_pass: Pass, shop: ShopSettings, read: Frames, matched: pd.DataFrame, foreign: pd.DataFrame
) -> StageReport:
    """Late credits, refunds and deadlines, statuses that disagree, books that differ, units that left or lie too long, transfers not shipped, fees counted otherwise."""
    settings, now, effects = stage_pass.settings, stage_pass.now, read.effects()
    receipts, credits = read["returns/receipts"], read["brightpearl/sales_credits"]
    proposals = read["returns/credit_proposals"]
    found: list[Finding] = [
        *findings_near_deadline(matched, dt.timedelta(days=settings.sla.refund_deadline_days)),
        *drift.late_credits(matched, proposals, effects, shop, settings, now),
        *drift.late_refunds(matched, effects, shop, settings, now),
        *drift.status_drift(matched, proposals, effects, read["returngo/rmas"], credits, shop, settings, now),
        *drift.booked_otherwise(credits, effects, shop.label),
        *drift.foreign_tax_gaps(foreign, read["brightpearl_sales_order_rows"], shop.label, settings),
        *drift.misplaced_receipts(receipts, shop),
        *drift.premature_restocks(stock.leaving(stage_pass.connection, shop.label), shop.label),
    ]
    report = observe(stage_pass, "reconcile:drift", shop.label, found, judged_rmas(stage_pass))
    if not stage_pass.scope.rma_ids:
        report.merge(_stuck_transfers(stage_pass, shop))
    if stage_pass.scope.is_sweep:
        report.merge(_ageing_units(stage_pass, shop))
        fee_scope = stage_pass.settings.returngo.fee_scope
        evidence = refunded_fees.borne_out(stage_pass.connection, shop.label)
        told = against_the_setting(evidence, fee_scope, shop.label)
        report.merge(observe(stage_pass, "reconcile:fee_scope", shop.label, told, judged=None))
    return report


def _ageing_units(stage_pass: Pass, shop: ShopSettings) -> StageReport:
    """Once a night, because it looks at closed returns too; not where nobody inspects, because there nothing ever passes."""
    days = stage_pass.settings.sla.quarantine_days
    found: list[Finding] = []
    if shop.policy.inspection_source:
        lying = stock.lying(stage_pass.connection, shop.label, stage_pass.now - dt.timedelta(days=days))
        found = drift.ageing_quarantine(lying, days, stage_pass.now)
    return observe(stage_pass, "reconcile:ageing", shop.label, found, judged=None)


def _stuck_transfers(stage_pass: Pass, shop: ShopSettings) -> StageReport:
    """Reads the notes of overdue transfers at most each few hours; one that cannot be read stays as it was known."""
    days, connection = stage_pass.settings.sla.transfer_stuck_days, stage_pass.connection
    before = stage_pass.now - dt.timedelta(days=days)
    waiting, is_due = stock.unshipped(connection, shop.label, before, stage_pass.now)
    note = ""
    if is_due:
        try:
            notes = stage_pass.accounts.brightpearl.goods_out_notes_by_id([entry.note_id for entry in waiting])
        except (ReadFailed, BudgetSpent) as failure:
            note = f"{shop.label}: whether transfers were shipped could not be read: {failure}"
        else:
            stock.record_looks(
                connection, {entry.goods_out_note_id: entry.is_shipped for entry in notes}, stage_pass.now
            )
            waiting, _ = stock.unshipped(connection, shop.label, before, stage_pass.now)
    found = [
        drift.stuck_transfer(entry.transfer_id, entry.note_id, entry.shop, entry.dispatched_at, days)
        for entry in waiting
    ]
    report = observe(stage_pass, "reconcile:transfers", shop.label, found, judged=None)
    report.notes += [note] if note else []
    return report
