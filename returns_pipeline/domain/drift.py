"""What drifts apart with time although no single step failed: late credits, refunds and statuses, books that differ, units that lie too long.

Scenarios 3, 8, 43, 47. Each finding names both sides and since when. Lateness is `deadlines`', the match itself is `three_way`'s.
"""

import datetime as dt
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pandas as pd

from returns_pipeline.domain.deadlines import is_late
from returns_pipeline.domain.findings import Finding, subject_of
from returns_pipeline.domain.money import format_minor
from returns_pipeline.domain.records import records
from returns_pipeline.settings import Settings, ShopSettings

_DONE_HERE = {"complete", "credited", "stock_only", "credited_by_others"}
_TROUBLED = ("rejected", "halted", "unknown")


@dataclass(frozen=True)
class Leaving:
    """Units that left a Returns warehouse on notes that are not ours, against those that passed and are on no transfer of ours."""

    product_id: int
    warehouse_id: int
    rma_id: int
    unpassed: int
    left: int
    passed: int
    note_ids: Sequence[int]


def late_credits(
    matched: pd.DataFrame,
    proposals: pd.DataFrame,
    effects: pd.DataFrame,
    shop: ShopSettings,
    settings: Settings,
    now: dt.datetime,
) -> list[Finding]:
    """Received longer ago than `sla.receipt_without_credit_hours`, with no credit posted and no other exception that says why."""
    said = _explained(proposals, effects)
    return [
        _of_line(
            line,
            "receipt_without_credit",
            cause="received, and nothing says why there is no credit",
            expected=f"a posted credit within {settings.sla.receipt_without_credit_hours} working hours",
            found=f"received on {line['received_on']:%Y-%m-%d %H:%M} UTC",
        )
        for line in records(matched[matched["state"] == "received"])
        if line["rma_id"] not in said
        and line["received_quantity"] > line["credited_quantity"] + line["foreign_quantity"]
        and is_late(line["received_on"], "receipt_without_credit_hours", settings, shop.label, now)
    ]


def _explained(proposals: pd.DataFrame, effects: pd.DataFrame) -> set[object]:
    """Returns about which another exception says why they stand still: a held proposal, an effect in trouble, an approval that is awaited."""
    awaits = (effects["state"] == "planned") & effects["needs_approval"] & effects["approved_batch"].isna()
    troubled = effects[effects["state"].isin(_TROUBLED) | awaits]
    return {
        *proposals.loc[proposals["hold_code"].notna(), "rma_id"],
        *(subject_of(payload).get("rma_id") for payload in troubled["payload"]),
    }


def late_refunds(
    matched: pd.DataFrame, effects: pd.DataFrame, shop: ShopSettings, settings: Settings, now: dt.datetime
) -> list[Finding]:
    """Credited longer ago than `sla.credit_without_refund_hours`, and no refund of the customer's succeeded."""
    posts = effects[(effects["kind"] == "credit.post") & (effects["state"] == "confirmed")]
    posted_at: dict[object, dt.datetime] = {}
    for payload, moment in zip(posts["payload"], posts["updated_at"], strict=True):
        rma_id = subject_of(payload).get("rma_id")
        posted_at[rma_id] = max(moment, posted_at.get(rma_id, moment))
    return [
        _of_line(
            line,
            "credit_without_refund",
            cause="credited, and no refund succeeded",
            expected=f"a refund within {settings.sla.credit_without_refund_hours} working hours",
            found=f"none; credited on {posted_at[line['rma_id']]:%Y-%m-%d %H:%M} UTC",
        )
        for line in records(matched[matched["state"] == "credited"])
        if is_late(posted_at.get(line["rma_id"]), "credit_without_refund_hours", settings, shop.label, now)
    ]


def status_drift(
    matched: pd.DataFrame,
    proposals: pd.DataFrame,
    effects: pd.DataFrame,
    rmas: pd.DataFrame,
    credits: pd.DataFrame,
    shop: ShopSettings,
    settings: Settings,
    now: dt.datetime,
) -> Iterator[Finding]:
    """Returns on which ReturnGo and Brightpearl disagree, and neither has moved for `sla.status_drift_hours`; not where another exception says why."""
    said = _explained(proposals, effects)
    standing = {int(credit["credit_id"]): credit for credit in records(credits)}
    by_rma = {int(rma["rma_id"]): rma for rma in records(rmas)}
    for rma_id, lines in matched[~matched["rma_id"].isin(said)].groupby("rma_id"):
        rma = by_rma.get(int(str(rma_id)))
        ids = sorted({credit_id for raised in lines["raised_credit_ids"] for credit_id in raised})
        own = [standing[credit_id] for credit_id in ids if credit_id in standing]
        there = None if rma is None else _disagreement(str(rma["status"]), set(lines["state"]), own)
        if rma is None or there is None:
            continue
        moved = [rma["last_updated_at"] or rma["approved_at"], *(credit["updated_on"] for credit in own)]
        since = max((moment for moment in moved if moment is not None), default=None)
        if is_late(since, "status_drift_hours", settings, shop.label, now):
            yield Finding(
                code="status_drift",
                subject_type="rma",
                subject_id=str(rma_id),
                shop=shop.label,
                cause=f"ReturnGo says {rma['status']}, {there}",
                rma_id=int(str(rma_id)),
                expected="the same in both systems",
                found=f"ReturnGo says {rma['status']}; {there}; neither moved since {since:%Y-%m-%d %H:%M} UTC",
            )


def _disagreement(status: str, states: set[str], own: Sequence[Mapping[str, Any]]) -> str | None:
    """What Brightpearl says against ReturnGo's status; None where both agree or another exception tells it."""
    if status == "Done" and states <= {"announced", "announced_not_arrived"}:
        return "Brightpearl has received nothing"
    unposted = [credit for credit in own if not credit["is_cancelled"] and credit["invoice_reference"] == ""]
    if status in ("Canceled", "Rejected") and unposted and states == {"cancelled"}:
        return f"Brightpearl still expects it on {len(unposted)} credits"
    if status in ("Pending", "Approved") and states <= _DONE_HERE:
        return "Brightpearl has finished with it"
    return None


def booked_otherwise(credits: pd.DataFrame, effects: pd.DataFrame, shop: str) -> Iterator[Finding]:
    """Posted credits of ours that stand in the books with another tax or another amount than was planned."""
    booked = {int(credit["credit_id"]): credit for credit in records(credits)}
    posts = effects[(effects["kind"] == "credit.post") & (effects["state"] == "confirmed") & (effects["shop"] == shop)]
    for payload in posts["payload"]:
        subject, expect = subject_of(payload), payload["expect"]
        credit = booked.get(int(str(subject["credit_id"])))
        if credit is None or credit["is_gone"] or "rows" not in expect:
            continue
        planned = (sum(row["net_minor"] for row in expect["rows"]), sum(row["tax_minor"] for row in expect["rows"]))
        stands = (int(credit["net_minor"]), int(credit["tax_minor"]))
        if planned == stands and not credit["is_cancelled"]:
            continue
        is_tax = planned[1] != stands[1] and not credit["is_cancelled"]
        told = {
            "subject_type": "credit",
            "subject_id": str(credit["credit_id"]),
            "shop": shop,
            "rma_id": int(str(subject["rma_id"])),
            "money_minor": abs(planned[1] - stands[1]) if is_tax else abs(sum(planned) - sum(stands)),
            "currency": str(credit["currency"]),
            "expected": _net_and_tax(planned, credit["currency"]),
            "found": "cancelled after it was posted"
            if credit["is_cancelled"]
            else _net_and_tax(stands, credit["currency"]),
        }
        if is_tax:
            yield Finding(code="tax_gap", cause="a posted credit with another tax than was planned", **told)
        else:
            yield Finding(code="credit_error", cause="a posted credit that differs from what was planned", **told)


def foreign_tax_gaps(
    foreign: pd.DataFrame, order_rows: pd.DataFrame, shop: str, settings: Settings
) -> Iterator[Finding]:
    """Order rows on which somebody else credited a tax that is not the share of the net."""
    sold = {int(row["order_row_id"]): row for row in records(order_rows)}
    for row in records(foreign):
        charged = sold.get(int(row["order_row_id"]))
        if charged is None:
            continue
        net, tax = int(charged["net_minor"]), int(charged["tax_minor"])
        share = round(tax * int(row["foreign_net"]) / net) if net else 0
        gap = abs(int(row["foreign_tax"]) - share)
        if gap > settings.tolerances.tax_minor_per_line * max(int(row["foreign_qty"]), 1):
            yield Finding(
                code="tax_gap",
                subject_type="order_row",
                subject_id=str(row["order_row_id"]),
                shop=shop,
                cause="a credit by somebody else with a tax that is not its share",
                money_minor=gap,
                expected=f"tax of {share} for a net of {row['foreign_net']} (minor units)",
                found=f"tax of {row['foreign_tax']} on credit {', '.join(str(credit) for credit in row['credit_ids'])}",
            )


def ageing_quarantine(lying: pd.DataFrame, days: int, now: dt.datetime) -> list[Finding]:
    """Received units that lie longer than `sla.quarantine_days` without a pass: uninspected, or failed and undecided."""
    return [
        Finding(
            code="quarantine_ageing",
            subject_type="receipt",
            subject_id=str(row["receipt_line_id"]),
            shop=row["shop"],
            cause=f"units in warehouse {row['warehouse_id']} that {'failed' if row['failed_quantity'] else 'are not inspected'}",
            rma_id=row["rma_id"],
            expected=f"a decision within {days} days",
            found=f"{row['matched_quantity'] - row['passed_quantity']} of product {row['product_id']} in location {row['location_id']} "
            f"since {row['received_on']:%Y-%m-%d}",
        )
        for row in records(lying)
        if row["received_on"] <= now - dt.timedelta(days=days)
    ]


def stuck_transfer(transfer_id: int, note_id: int, shop: str, dispatched_at: dt.datetime, days: int) -> Finding:
    """A transfer of ours whose goods-out note was not shipped within `sla.transfer_stuck_days`."""
    return Finding(
        code="transfer_stuck",
        subject_type="transfer",
        subject_id=f"{transfer_id}:{note_id}",
        shop=shop,
        cause="a transfer that nobody shipped",
        expected=f"goods-out note {note_id} shipped within {days} days",
        found=f"not shipped; made on {dispatched_at:%Y-%m-%d}",
    )


def premature_restocks(leaving: Sequence[Leaving], shop: str) -> Iterator[Finding]:
    """Products of which more units left a Returns warehouse, on notes that are not ours, than have passed."""
    for entry in leaving:
        excess = min(entry.left - max(entry.passed, 0), entry.unpassed)
        if excess > 0:
            yield Finding(
                code="premature_restock",
                subject_type="product",
                subject_id=f"{entry.warehouse_id}:{entry.product_id}",
                shop=shop,
                cause=f"units left warehouse {entry.warehouse_id} without a pass",
                rma_id=entry.rma_id,
                expected=f"{max(entry.passed, 0)} of product {entry.product_id} to leave: so many passed",
                found=f"{entry.left} left on note {', '.join(str(note) for note in entry.note_ids)}; {excess} of them without a pass",
            )


def misplaced_receipts(receipts: pd.DataFrame, shop: ShopSettings) -> list[Finding]:
    """Returned units that were booked straight into a warehouse that sells."""
    saleable = set(shop.saleable_warehouses.values()) - set(shop.returns_warehouses.values())
    wrong = receipts[
        receipts["warehouse_id"].isin(saleable) & (receipts["matched_quantity"] > receipts["passed_quantity"])
    ]
    return [
        Finding(
            code="premature_restock",
            subject_type="receipt",
            subject_id=str(row["receipt_line_id"]),
            shop=shop.label,
            cause=f"goods-in booked into warehouse {row['warehouse_id']}, which sells",
            rma_id=row["rma_id"],
            expected="goods-in in a Returns warehouse, and a pass before sale",
            found=f"{row['matched_quantity']} of product {row['product_id']} in warehouse {row['warehouse_id']}, without a pass",
        )
        for row in records(wrong)
    ]


def _of_line(line: Mapping[str, Any], code: str, *, cause: str, expected: str, found: str) -> Finding:
    return Finding(
        code=code,
        subject_type="return_line",
        subject_id=str(line["return_line_id"]),
        shop=str(line["shop"]),
        cause=cause,
        rma_id=int(line["rma_id"]),
        money_minor=abs(int(line["difference_minor"]))
        or abs(int(line["credited_net_minor"] + line["credited_tax_minor"])),
        currency=line["currency"],
        expected=expected,
        found=found,
    )


def _net_and_tax(money: tuple[int, int], currency: str) -> str:
    return f"{format_minor(money[0], currency)} net, {format_minor(money[1], currency)} tax"
