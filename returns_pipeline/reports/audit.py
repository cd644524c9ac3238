"""The report of a historical audit: what is wrong, by cause and by money. The findings come from `domain.audit`."""

import datetime as dt
from collections.abc import Sequence

from returns_pipeline.domain.audit import CAUSES, AuditFinding, by_cause
from returns_pipeline.domain.money import format_minor
from returns_pipeline.reports.content import Chart, Column, Kind, Report, Series, Sheet, Tile

_COLUMNS = (
    Column("cause", "Cause"), Column("rma", "RMA"), Column("order_name", "Order"), Column("subject", "Which"), Column("currency", "Currency"),
    Column("money_minor", "Money", Kind.MONEY), Column("expected", "Expected"), Column("found", "Found"), Column("happened_on", "When", Kind.MOMENT),
)  # fmt: skip
_TABS = {
    "missing_credit": "Missing credits", "double_credit": "Double credits", "tax_gap": "Tax gaps", "credit_before_receipt": "Credited before receipt",
    "restock_before_inspection": "Restocked uninspected", "unknown_sku": "Unknown SKUs", "fee_mismatch": "Fees", "sale_not_found": "Sales not found",
}  # fmt: skip


def audit_report(
    shop: str,
    currency: str,
    zone: str,
    first: dt.date,
    last: dt.date,
    read: int,
    left: int,
    findings: Sequence[AuditFinding],
    stamp: str,
) -> Report:
    """The report of one shop's past, most money first.

    Args:
        shop, currency, zone: of the shop; charts are drawn in its currency.
        first, last: the days that were looked at, both included.
        read, left: returns that were read, and those that were not yet.
        findings: what is wrong, the dearest first.
        stamp: when it was made.
    """
    causes = by_cause(findings)
    drawn = [(_TABS[cause], money) for cause, code, _, money in causes if code == currency and money]
    chart = Chart(
        "What went wrong, by money", "The money that each cause is about.", currency, [cause for cause, _ in drawn],
        [Series("money", [money for _, money in drawn])],
    )  # fmt: skip
    rows = [_row(found) for found in findings]
    ranked = [
        {"cause": CAUSES[cause], "currency": code, "cases": count, "money_minor": money}
        for cause, code, count, money in causes
    ]
    summary = Sheet(
        "By cause", "What costs most?",
        [Column("cause", "Cause"), Column("currency", "Currency"), Column("cases", "Cases", Kind.WHOLE), Column("money_minor", "Money", Kind.MONEY)],
        ranked,
    )  # fmt: skip
    sheets = [
        Sheet(
            _TABS[cause],
            f"{CAUSES[cause]}: which, and for how much?",
            _COLUMNS,
            [row for row in rows if row["key"] == cause],
        )
        for cause in CAUSES
        if any(row["key"] == cause for row in rows)
    ]
    notes = (
        [f"{left} returns are not read yet: start the same audit again tomorrow, it goes on from here."] if left else []
    )
    return Report(
        title="Audit of past returns", subtitle=f"Shop {shop}, returns made from {first} to {last}", stamp=stamp, zone=zone,
        tiles=_tiles(findings, read, left, currency), charts=[chart] if drawn else [],
        sheets=[summary, Sheet("All findings", "Everything, most money first.", _COLUMNS, rows), *sheets], notes=notes,
    )  # fmt: skip


def _tiles(findings: Sequence[AuditFinding], read: int, left: int, currency: str) -> list[Tile]:
    def money(*causes: str) -> int:
        return sum(found.money_minor for found in findings if found.cause in causes and found.currency == currency)

    read_note = f"{left:,} are still to be read" if left else "all of the time"
    tiles = [
        Tile("Returns read", f"{read:,}", read_note, "warn" if left else "good"),
        Tile("Findings", f"{len(findings):,}", f"on {len({found.rma_id for found in findings}):,} returns"),
    ]
    for label, cause in (
        ("Never credited", "missing_credit"),
        ("Credited twice", "double_credit"),
        ("Tax gaps", "tax_gap"),
    ):
        amount = money(cause)
        tiles.append(Tile(label, format_minor(amount, currency), CAUSES[cause], "warn" if amount else "good"))
    return tiles


def _row(found: AuditFinding) -> dict[str, object]:
    return {
        "key": found.cause, "cause": CAUSES[found.cause], "rma": str(found.rma_id), "order_name": found.order_name, "subject": found.subject,
        "currency": found.currency, "money_minor": found.money_minor, "expected": found.expected, "found": found.found,
        "happened_on": found.happened_on,
    }  # fmt: skip
