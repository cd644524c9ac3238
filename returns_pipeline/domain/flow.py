"""Received and credited units as they flowed: one row per slice of units, with the moment it came, the moment it was credited, and its money.

What a month's end makes of them is in `cutoff.py`. A slice that never came or was never credited has that moment missing.
"""

import datetime as dt
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import pandas as pd

from returns_pipeline.domain.components import top_rows, whole_units
from returns_pipeline.domain.proration import round_half_up_ratio
from returns_pipeline.domain.records import by_key, grouped_by, records

COLUMNS = [
    "slice_id", "rma_id", "order_row_id", "return_line_id", "currency", "tax_code", "quantity", "net_minor", "tax_minor", "received_on",
    "credited_on", "credit_id", "credited_by", "reason",
]  # fmt: skip
US, OTHERS, NOBODY = "us", "others", ""


@dataclass(frozen=True)
class Posted:
    """What somebody else credited, still to be held against goods that came."""

    key: str
    credit_id: int
    credited_on: dt.datetime
    quantity: int
    net_minor: int
    tax_minor: int


def units_flow(
    receipts: pd.DataFrame,
    credit_rows: pd.DataFrame,
    posted_lines: pd.DataFrame,
    credits: pd.DataFrame,
    order_rows: pd.DataFrame,
    currencies: Mapping[int, str],
) -> pd.DataFrame:
    """Every slice of one shop's units, with `COLUMNS`.

    A goods-in line that one of our credits was posted for is one slice, with that credit's money. What came without a credit of its own is
    held against credits by others, oldest first; what is left is worth its share of the invoice.

    Args:
        receipts: goods-in lines matched to return lines.
        credit_rows: rows of all credits, with the sale's row they give back.
        posted_lines: the ledger's lines of confirmed postings.
        credits: all credits, ours and others'.
        order_rows: the sales' rows: net, tax, tax code, quantity.
        currencies: order row -> currency of its sale.
    """
    tax_codes = dict(zip(order_rows["order_row_id"], order_rows["tax_code"], strict=True))
    came, merged_into = _receipts(receipts, credit_rows)
    dated = {row["credit_id"]: row["invoice_tax_date"] for row in records(credits) if _is_posted(row)}
    slices: list[dict[str, Any]] = []
    settled: dict[int, int] = {}
    taken: dict[int, int] = {}
    by_receipt = {row["receipt_line_id"]: row for row in came}
    for line in records(posted_lines):
        receipt_id = merged_into.get(line["receipt_line_id"], line["receipt_line_id"])
        receipt = by_receipt.get(receipt_id) if receipt_id is not None else None
        credited_on = dated.get(line["credit_id"])
        if credited_on is None:
            continue
        taken[line["order_row_id"]] = taken.get(line["order_row_id"], 0) + line["qty"]
        if receipt is not None:
            settled[receipt_id] = settled.get(receipt_id, 0) + line["qty"]
        slices.append(_ours(line, receipt, credited_on))
    others = _by_others(credits, credit_rows, posted_lines)
    left = grouped_by(pd.DataFrame(_unsettled(came, settled)), "order_row_id") if came else {}
    sold = by_key(order_rows, "order_row_id")
    for order_row_id in sorted(left.keys() | others.keys()):
        slices += _paired(
            left.get(order_row_id, []),
            others.get(order_row_id, []),
            order_row_id,
            sold.get(order_row_id),
            taken.get(order_row_id, 0),
        )
    for each in slices:
        each["currency"] = currencies.get(each["order_row_id"])
        each["tax_code"] = tax_codes.get(each["order_row_id"]) or ""
    return _frame(slices)


def _is_posted(credit: Mapping[str, Any]) -> bool:
    return (
        credit["invoice_reference"] not in ("", "pending")
        and not credit["is_cancelled"]
        and credit["invoice_tax_date"] is not None
    )


def _receipts(receipts: pd.DataFrame, credit_rows: pd.DataFrame) -> tuple[list[dict[str, Any]], dict[int, int]]:
    """Goods-in lines as whole units: a bundle's components are one line, which came when the last of them did; and which line each went into."""
    good = receipts[receipts["return_line_id"].notna() & receipts["order_row_id"].notna()]
    good = good.assign(top_row_id=top_rows(credit_rows, good["credit_row_id"]))
    is_component = good["top_row_id"] != good["credit_row_id"]
    names = ["receipt_line_id", "rma_id", "order_row_id", "return_line_id", "matched_quantity", "received_on"]
    came = [row for row in records(good.loc[~is_component, names]) if row["matched_quantity"] > 0]
    merged_into: dict[int, int] = {}
    bundled = good[is_component]
    if len(bundled):
        units = whole_units(bundled, credit_rows, ["matched_quantity"])["matched_quantity"]
        for top_row_id, group in bundled.groupby("top_row_id"):
            first = records(group[names])[0]
            first |= {"matched_quantity": int(units.get(top_row_id, 0)), "received_on": group["received_on"].max()}
            merged_into |= {int(receipt): first["receipt_line_id"] for receipt in group["receipt_line_id"]}
            came += [first] if first["matched_quantity"] > 0 else []
    return came, merged_into


def _ours(line: Mapping[str, Any], receipt: Mapping[str, Any] | None, credited_on: dt.datetime) -> dict[str, Any]:
    return {
        "slice_id": f"credit {line['credit_id']}, line {line['effect_id']}.{line['line_no']}", "rma_id": line["rma_id"],
        "order_row_id": line["order_row_id"], "return_line_id": receipt["return_line_id"] if receipt else None, "quantity": line["qty"],
        "net_minor": line["net_minor"], "tax_minor": line["tax_minor"], "received_on": receipt["received_on"] if receipt else None,
        "credited_on": credited_on, "credit_id": line["credit_id"], "credited_by": US, "reason": line["without_receipt_reason"] or "",
    }  # fmt: skip


def _by_others(credits: pd.DataFrame, credit_rows: pd.DataFrame, posted_lines: pd.DataFrame) -> dict[int, list[Posted]]:
    """Posted credits that are not ours, by the sale's row they give back."""
    ours = set(posted_lines["credit_id"].dropna().astype("int64"))
    strangers = {row["credit_id"]: row for row in records(credits) if row["credit_id"] not in ours and _is_posted(row)}
    rows = credit_rows[credit_rows["order_row_id"].notna() & ~credit_rows["is_bundle_child"]]
    found: dict[int, list[Posted]] = {}
    for row in records(rows[rows["credit_id"].isin(strangers)]):
        key = f"credit {row['credit_id']}, row {row['credit_row_id']}"
        on = strangers[row["credit_id"]]["invoice_tax_date"]
        found.setdefault(row["order_row_id"], []).append(
            Posted(key, row["credit_id"], on, row["quantity"], row["net_minor"], row["tax_minor"])
        )
    return found


def _unsettled(came: list[dict[str, Any]], settled: Mapping[int, int]) -> Iterator[dict[str, Any]]:
    for receipt in came:
        quantity = receipt["matched_quantity"] - settled.get(receipt["receipt_line_id"], 0)
        if quantity > 0:
            yield receipt | {"left": quantity}


def _paired(
    receipts: list[dict[str, Any]],
    by_others: list[Posted],
    order_row_id: int,
    sold: Mapping[str, Any] | None,
    taken: int,
) -> Iterator[dict[str, Any]]:
    """Units that came against units that were credited without them, oldest with oldest; then what is left on either side."""
    waiting = sorted(receipts, key=lambda receipt: (receipt["received_on"], receipt["receipt_line_id"]))
    for credit in sorted(by_others, key=lambda credit: (credit.credited_on, credit.key)):
        used = 0
        while used < credit.quantity:
            receipt = next((each for each in waiting if each["left"] > 0), None)
            units = min(receipt["left"], credit.quantity - used) if receipt else credit.quantity - used
            if receipt:
                receipt["left"] -= units
            yield _slice_of(credit, receipt, order_row_id, used, units)
            used += units
        taken += credit.quantity
    for receipt in waiting:
        if receipt["left"] > 0:
            net, tax = _share(sold, taken, receipt["left"])
            taken += receipt["left"]
            yield {
                "slice_id": f"goods-in line {receipt['receipt_line_id']}", "rma_id": receipt["rma_id"], "order_row_id": order_row_id,
                "return_line_id": receipt["return_line_id"], "quantity": receipt["left"], "net_minor": net, "tax_minor": tax,
                "received_on": receipt["received_on"], "credited_on": None, "credit_id": None, "credited_by": NOBODY, "reason": "",
            }  # fmt: skip


def _slice_of(
    credit: Posted, receipt: Mapping[str, Any] | None, order_row_id: int, used: int, units: int
) -> dict[str, Any]:
    net, tax = (
        round_half_up_ratio(total * (used + units), credit.quantity)
        - round_half_up_ratio(total * used, credit.quantity)
        for total in (credit.net_minor, credit.tax_minor)
    )
    return {
        "slice_id": f"{credit.key}, unit {used + 1}", "rma_id": receipt["rma_id"] if receipt else None,
        "order_row_id": order_row_id, "return_line_id": receipt["return_line_id"] if receipt else None, "quantity": units,
        "net_minor": net, "tax_minor": tax, "received_on": receipt["received_on"] if receipt else None,
        "credited_on": credit.credited_on, "credit_id": credit.credit_id, "credited_by": OTHERS, "reason": "",
    }  # fmt: skip


def _share(sold: Mapping[str, Any] | None, taken: int, units: int) -> tuple[int, int]:
    """Net and tax of `units` more of a row after `taken`, by the invoice; a row that is not known, or used up, has nothing to give."""
    if sold is None or sold["quantity"] <= 0 or sold["net_minor"] < 0:
        return 0, 0
    ordered = sold["quantity"]
    first, last = min(taken, ordered), min(taken + units, ordered)
    net, tax = (
        round_half_up_ratio(sold[name] * last, ordered) - round_half_up_ratio(sold[name] * first, ordered)
        for name in ("net_minor", "tax_minor")
    )
    return net, tax


def _frame(slices: list[dict[str, Any]]) -> pd.DataFrame:
    frame = pd.DataFrame(slices, columns=COLUMNS)
    for name in ("received_on", "credited_on"):
        frame[name] = pd.to_datetime(frame[name], utc=True).astype("datetime64[us, UTC]")
    whole = {"quantity": "int64", "net_minor": "int64", "tax_minor": "int64"}
    return frame.astype(whole | {"rma_id": "Int64", "credit_id": "Int64", "order_row_id": "Int64"})
