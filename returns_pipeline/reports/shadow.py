"""The report of shadow mode: what the pipeline would have credited beside what people did. The comparisons come from `domain.shadow`."""

from collections.abc import Sequence

from returns_pipeline.domain.money import format_minor
from returns_pipeline.domain.shadow import SAME, Comparison, agreement_of
from returns_pipeline.reports.content import Chart, Column, Kind, Report, Series, Sheet, Tile

_COLUMNS = (
    Column("rma", "RMA"), Column("order", "Sale"), Column("cause", "How they differ"), Column("currency", "Currency"),
    Column("planned_quantity", "Units planned", Kind.WHOLE), Column("people_quantity", "Units credited", Kind.WHOLE),
    Column("planned_net_minor", "Net planned", Kind.MONEY), Column("people_net_minor", "Net credited", Kind.MONEY),
    Column("planned_tax_minor", "Tax planned", Kind.MONEY), Column("people_tax_minor", "Tax credited", Kind.MONEY),
    Column("difference_minor", "Difference", Kind.MONEY), Column("credit_numbers", "Credit notes"),
)  # fmt: skip


def shadow_report(shop: str, currency: str, zone: str, found: Sequence[Comparison], stamp: str) -> Report:
    """The report of one shop's shadow mode; charts are drawn in the shop's currency."""
    agreement = agreement_of(found, currency)
    rows = [
        {
            **vars(each), "rma": str(each.rma_id), "order": "" if each.order_id is None else str(each.order_id),
            "difference_minor": each.difference_minor,
        }
        for each in found
    ]  # fmt: skip
    causes = _by_cause(found, currency)
    chart = Chart(
        "Why they differ", "Money on returns that are not the same, by cause.", currency, [cause for cause, _, _ in causes],
        [Series("money", [money for _, _, money in causes])],
    )  # fmt: skip
    summary = Sheet(
        "By cause", "How do plans and people differ?",
        [Column("cause", "How they differ"), Column("currency", "Currency"), Column("cases", "Returns", Kind.WHOLE), Column("money_minor", "Money", Kind.MONEY)],
        [{"cause": cause, "currency": currency, "cases": count, "money_minor": money} for cause, count, money in causes],
    )  # fmt: skip
    differing = [row for row in rows if row["cause"] != SAME]
    return Report(
        title="Shadow mode: plans beside people",
        subtitle=f"Shop {shop}",
        stamp=stamp,
        zone=zone,
        tiles=[
            Tile("The same, by count", _per_cent(agreement.hundredths_by_count), f"{agreement.same:,} of {agreement.compared:,} returns that both credited"),
            Tile("The same, by money", _per_cent(agreement.hundredths_by_money), f"{format_minor(agreement.same_minor, currency)} of {format_minor(agreement.compared_minor, currency)}"),
            Tile("Not comparable", f"{len(found) - agreement.compared:,}", "planned or credited by one side only"),
        ],
        charts=[chart] if causes else [],
        sheets=[summary, Sheet("Differences", "Which returns differ, and how?", _COLUMNS, differing), Sheet("Every return", "What was planned, and what did people credit?", _COLUMNS, rows)],
    )  # fmt: skip


def _per_cent(hundredths: int) -> str:
    return f"{hundredths // 100}.{hundredths % 100 // 10} %"


def _by_cause(found: Sequence[Comparison], currency: str) -> list[tuple[str, int, int]]:
    """(cause, returns, money) of what is not the same, the dearest first; money is what is on the larger side."""
    sums: dict[str, tuple[int, int]] = {}
    for each in found:
        if each.cause != SAME and each.currency == currency:
            count, money = sums.get(each.cause, (0, 0))
            worth = max(each.planned_net_minor + each.planned_tax_minor, each.people_net_minor + each.people_tax_minor)
            sums[each.cause] = (count + 1, money + worth)
    return sorted(((cause, count, money) for cause, (count, money) in sums.items()), key=lambda row: (-row[2], row[0]))
