"""Judges returns of the past by what both systems say of them today: missing and double credits, tax gaps, wrong order of events. Reads nothing.

Returns of one sale are judged together, because credits name the sale and not the return.
"""

import datetime as dt
from collections import Counter
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from returns_pipeline.domain.money import format_minor
from returns_pipeline.domain.proration import round_half_up_ratio

CAUSES = {
    "missing_credit": "Received or refunded, and never credited",
    "double_credit": "Credited more often than returned",
    "tax_gap": "The tax credited is not the invoice's share",
    "credit_before_receipt": "Credited before the goods came, or without them",
    "restock_before_inspection": "Back on sale before anybody inspected it",
    "unknown_sku": "A returned SKU that the sale does not have",
    "fee_mismatch": "A fee was kept and the credit does not show it",
    "sale_not_found": "No sale in Brightpearl carries the order's reference",
}
Case = Mapping[str, Any]


@dataclass(frozen=True)
class AuditFinding:
    """One thing that is wrong with past returns of one sale, with the money it is about."""

    cause: str
    rma_id: int
    order_name: str
    subject: str
    currency: str
    money_minor: int
    expected: str
    found: str
    happened_on: dt.datetime | None


def judge_sale(cases: Sequence[Case], inspected_in: Collection[int]) -> Iterator[AuditFinding]:
    """What is wrong with the returns of one sale, or of one return whose sale is not found.

    Args:
        cases: what `stages.audit` has kept of each return: rma, items, refunds, and the sale with its rows, credits and goods-in.
        inspected_in: the Returns warehouses; goods received anywhere else can be sold at once.
    """
    first = cases[0]
    sale = first["sale"]
    if sale is None:
        paid = sum(item["paid_minor"] for item in first["items"])
        yield _finding(
            "sale_not_found", first, first["rma"]["order_name"], paid, "a sale with the order's reference", "none"
        )
        return
    posted = [credit for credit in sale["credits"] if credit["is_posted"]]
    returned = _returned_units(cases, sale)
    for case in cases:
        yield from _unknown_skus(case, sale)
        yield from _fees(case, cases, posted)
        yield from _restocks(case, sale, inspected_in)
    for row in sale["rows"]:
        yield from _quantities(row, cases, posted, returned[row["order_row_id"]])
        yield from _tax(row, cases, posted)
    yield from _before_receipt(cases, sale, posted)


def _finding(
    cause: str,
    case: Case,
    subject: object,
    money: int,
    expected: str,
    found: str,
    happened_on: dt.datetime | None = None,
) -> AuditFinding:
    currency = case["sale"]["currency"] if case["sale"] else case["items"][0]["currency"] if case["items"] else "GBP"
    rma = case["rma"]
    return AuditFinding(
        cause, rma["rma_id"], rma["order_name"], str(subject), currency, abs(money), expected, found,
        happened_on or rma["created_at"],
    )  # fmt: skip


def _is_settled(case: Case) -> bool:
    """Whether the return came to something that a credit must follow: money went back, or goods came."""
    paid = any(refund["is_success"] for refund in case["refunds"])
    return paid or any(item["is_returned"] and item["validated_at"] for item in case["items"])


def _returned_units(cases: Sequence[Case], sale: Mapping[str, Any]) -> dict[int, list[Case]]:
    """Order row -> the returns that sent back each of its units; units of one SKU fill its rows in their order."""
    units: dict[int, list[Case]] = {row["order_row_id"]: [] for row in sale["rows"]}
    for case in cases:
        for item in case["items"]:
            rows = [row for row in sale["rows"] if row["sku"] == item["sku"]]
            free = [row for row in rows if len(units[row["order_row_id"]]) < row["quantity"]] or rows[-1:]
            if free:
                units[free[0]["order_row_id"]].append(case)
    return units


def _unknown_skus(case: Case, sale: Mapping[str, Any]) -> Iterator[AuditFinding]:
    sold = {row["sku"] for row in sale["rows"]} | set(sale["component_skus"])
    for item in case["items"]:
        if item["sku"] not in sold:
            known = ", ".join(sorted(str(sku) for sku in sold if sku))
            yield _finding("unknown_sku", case, item["sku"], item["paid_minor"], f"one of {known}", item["sku"])


def _quantities(
    row: Mapping[str, Any], cases: Sequence[Case], posted: Sequence[Mapping[str, Any]], returned: Sequence[Case]
) -> Iterator[AuditFinding]:
    credited = _on_row(row, posted)
    units = sum(each["quantity"] for each in credited)
    settled = [case for case in returned if _is_settled(case) or _came(case, row)]
    if units < len(settled):
        # The oldest returns are taken as the credited ones.
        missing = settled[units:]
        net, tax = (
            round_half_up_ratio(row[name] * len(missing), row["quantity"]) for name in ("net_minor", "tax_minor")
        )
        yield _finding(
            "missing_credit",
            missing[0],
            row["sku"],
            net + tax,
            f"{len(settled)} units credited",
            f"{units} units credited",
        )
    if units > len(returned) and credited:
        extra = units - max(len(returned), 0)
        gross = sum(each["net_minor"] + each["tax_minor"] for each in credited)
        numbers = ", ".join(sorted({each["number"] for each in credited}))
        case = returned[0] if returned else cases[0]
        yield _finding(
            "double_credit", case, row["sku"], round_half_up_ratio(gross * extra, units), f"{len(returned)} units credited",
            f"{units} units on {numbers}", credited[-1]["tax_date"],
        )  # fmt: skip


def _tax(row: Mapping[str, Any], cases: Sequence[Case], posted: Sequence[Mapping[str, Any]]) -> Iterator[AuditFinding]:
    credited = _on_row(row, posted)
    units = sum(each["quantity"] for each in credited)
    if not credited or units > row["quantity"]:
        return
    share = round_half_up_ratio(row["tax_minor"] * units, row["quantity"])
    tax = sum(each["tax_minor"] for each in credited)
    currency = cases[0]["sale"]["currency"]
    codes = {each["tax_code"] for each in credited} - {row["tax_code"]}
    if tax != share or codes:
        found = f"{format_minor(tax, currency)} under {', '.join(sorted({each['tax_code'] or 'no code' for each in credited}))}"
        yield _finding(
            "tax_gap", cases[0], row["sku"], tax - share, f"{format_minor(share, currency)} under {row['tax_code']}", found,
            credited[-1]["tax_date"],
        )  # fmt: skip


def _before_receipt(
    cases: Sequence[Case], sale: Mapping[str, Any], posted: Sequence[Mapping[str, Any]]
) -> Iterator[AuditFinding]:
    if all(item["is_kept"] for case in cases for item in case["items"]):
        return
    for credit in posted:
        goods = [
            each for each in sale["goods_in"] if each["credit_id"] == credit["credit_id"] and not each["is_reversed"]
        ]
        came = min((each["received_on"] for each in goods), default=None)
        gross = sum(row["net_minor"] + row["tax_minor"] for row in credit["rows"])
        # A tax date is a day; within one day the order of the two is not known.
        if came is None or credit["tax_date"].date() < came.date():
            found = f"received on {came:%Y-%m-%d}" if came else "no goods-in on it"
            yield _finding(
                "credit_before_receipt", cases[0], credit["number"], gross, f"goods by {credit['tax_date']:%Y-%m-%d}", found,
                credit["tax_date"],
            )  # fmt: skip


def _restocks(case: Case, sale: Mapping[str, Any], inspected_in: Collection[int]) -> Iterator[AuditFinding]:
    for goods in sale["goods_in"]:
        if goods["is_reversed"] or goods["warehouse_id"] in inspected_in:
            continue
        skus = {row["product_id"]: row["sku"] for row in sale["rows"]}
        items = [item for item in case["items"] if item["sku"] == skus.get(goods["product_id"])]
        late = [item for item in items if item["validated_at"] is None or item["validated_at"] > goods["received_on"]]
        if late:
            seen = late[0]["validated_at"]
            yield _finding(
                "restock_before_inspection", case, late[0]["sku"], sum(item["paid_minor"] for item in late),
                "inspected before it can be sold", f"inspected on {seen:%Y-%m-%d}" if seen else "never inspected", goods["received_on"],
            )  # fmt: skip


def _fees(case: Case, cases: Sequence[Case], posted: Sequence[Mapping[str, Any]]) -> Iterator[AuditFinding]:
    """Only where the sale has one return: with several, nobody can tell whose credit is whose."""
    fees = sum(item["fee_minor"] for item in case["items"])
    credited = sum(row["net_minor"] + row["tax_minor"] for credit in posted for row in credit["rows"])
    if not fees or len(cases) > 1 or not posted:
        return
    due = sum(item["paid_minor"] for item in case["items"]) - fees
    if abs(credited - due) > len(case["items"]):
        currency = case["sale"]["currency"]
        expected = f"{format_minor(due, currency)} after a fee of {format_minor(fees, currency)}"
        yield _finding(
            "fee_mismatch", case, "fee", credited - due, expected, f"{format_minor(credited, currency)} credited"
        )


def _came(case: Case, row: Mapping[str, Any]) -> bool:
    goods = [
        each for each in case["sale"]["goods_in"] if each["product_id"] == row["product_id"] and not each["is_reversed"]
    ]
    return bool(goods)


def _on_row(row: Mapping[str, Any], posted: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    return [
        {**each, "number": credit["number"], "tax_date": credit["tax_date"]}
        for credit in posted
        for each in credit["rows"]
        if each["order_row_id"] == row["order_row_id"]
    ]


def ranked(findings: Sequence[AuditFinding]) -> list[AuditFinding]:
    """Most money first; by cause and return where it is the same."""
    return sorted(findings, key=lambda found: (-found.money_minor, found.cause, found.rma_id, found.subject))


def by_cause(findings: Sequence[AuditFinding]) -> list[tuple[str, str, int, int]]:
    """(cause, currency, cases, money), the dearest cause first."""
    money: Counter[tuple[str, str]] = Counter()
    count: Counter[tuple[str, str]] = Counter()
    for found in findings:
        money[(found.cause, found.currency)] += found.money_minor
        count[(found.cause, found.currency)] += 1
    return [(*key, count[key], money[key]) for key in sorted(money, key=lambda key: (-money[key], key))]
