"""The report of a month's close: which questions it answers, in which order, with which charts. The lines come from `domain.close`."""

import datetime as dt
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from returns_pipeline.domain.close import FIGURES
from returns_pipeline.domain.money import format_minor
from returns_pipeline.reports.content import Chart, Column, Kind, Report, Series, Sheet, Tile

Line = Mapping[str, Any]

_MONEY = (
    Column("net_minor", "Net", Kind.MONEY),
    Column("tax_minor", "Tax", Kind.MONEY),
    Column("gross_minor", "Gross", Kind.MONEY),
    Column("cost_minor", "Cost", Kind.MONEY),
)
_LINE_COLUMNS = (
    Column("title", "Figure"),
    Column("subject_type", "What"),
    Column("subject_id", "Which"),
    Column("rma", "RMA"),
    Column("currency", "Currency"),
    Column("tax_code", "Tax code"),
    Column("quantity", "Units", Kind.WHOLE),
    *_MONEY,
    Column("happened_on", "Since", Kind.MOMENT),
    Column("age_days", "Days", Kind.WHOLE),
    Column("note", "Note"),
)
# One sheet per question, with the figures beneath it.
_QUESTIONS = (
    ("Received, not credited", "Which goods came and were not credited at the end of the month?", ("received_not_credited", "received_not_credited_at_cost")),
    ("Credited, not received", "Which credits stand without goods at the end of the month?", ("credited_not_received", "credited_without_goods_by_policy")),
    ("Another period", "Which credits of the month belong to goods of another month?", ("posted_in_another_period",)),
    ("Approved, not received", "What may customers still send back? The base of a returns provision.", ("approved_not_received",)),
    ("Money", "Which refunds are on no credit, and which credits are not paid?", ("refunded_not_received", "refunded_not_recorded", "refunded_only_in_shopify", "posted_unpaid")),
    ("Liabilities", "Which store credit and gift cards were issued?", ("store_credit_issued", "gift_cards_issued")),
    ("Stock at cost", "What lies in the Returns warehouses, and what of it in quarantine?", ("returns_stock_at_cost", "in_quarantine")),
    ("Exceptions", "What stood open at the end of the month, and for how much?", ("exceptions_open",)),
    ("Books", "Do our credits and those of others make up what Brightpearl invoiced?", ("books_difference", "our_credits", "others_credits", "invoiced_in_brightpearl")),
    ("Tax row by row", "Is the tax on each credited row that of the original invoice?", ("tax_credited", "tax_invoiced")),
    ("Movements", "What came and what was credited in the month, line by line?", ("received_in_month", "credited_in_month")),
    ("Learnt since last close", "What changed about the start of the month after the last one was closed?", ("adjusted_received_not_credited", "adjusted_credited_not_received")),
)  # fmt: skip
_AGES = ((7, "0 to 7 days"), (14, "8 to 14 days"), (30, "15 to 30 days"), (60, "31 to 60 days"), (None, "over 60 days"))
_MOST_CAUSES = 8


def month_report(
    shop: str,
    month: dt.date,
    currency: str,
    zone: str,
    lines: Sequence[Line],
    figures: Sequence[Line],
    stamp: str,
    changes: Sequence[Mapping[str, Any]] = (),
) -> Report:
    """The report of one shop's month.

    Args:
        shop: label of the shop.
        month: its first day.
        currency: the shop's own, in which charts are drawn; the tables hold all.
        zone: the shop's time zone.
        lines: the lines of the close.
        figures: their sums.
        stamp: when it was computed, whether it is signed, and its hash.
        changes: what a signed close would say differently today.
    """
    total = _totals(figures, currency)
    others = sorted({figure["currency"] for figure in figures} - {currency})
    notes = [f"Charts show {currency}. Amounts in {', '.join(others)} are in the tables."] if others else []
    return Report(
        title=f"Returns in {month:%B %Y}",
        subtitle=f"Shop {shop}, from midnight to midnight in {zone}",
        stamp=stamp,
        zone=zone,
        tiles=_tiles(total, lines, figures, currency, len(changes)),
        charts=(_flow(total, currency), _ageing(lines, currency), _causes(lines, currency), _tax(figures, currency)),
        sheets=(_figures_sheet(figures), _tax_sheet(figures), *_sheets(lines), *_changes_sheet(changes)),
        notes=notes,
    )


def _totals(figures: Iterable[Line], currency: str) -> dict[str, int]:
    totals = dict.fromkeys(FIGURES, 0)
    for figure in figures:
        if figure["currency"] == currency:
            totals[figure["figure"]] += _worth(figure)
    return totals


def _worth(line: Line) -> int:
    gross, cost = line["gross_minor"], line["cost_minor"]
    return int(gross if gross is not None else cost if cost is not None else 0)


def _tiles(
    total: Mapping[str, int], lines: Sequence[Line], figures: Sequence[Line], currency: str, changes: int
) -> list[Tile]:
    def money(figure: str) -> str:
        return format_minor(total[figure], currency)

    def cases(figure: str) -> int:
        return sum(figure_line["cases"] for figure_line in figures if figure_line["figure"] == figure)

    differing = {line["subject_id"] for line in lines if line["figure"] == "books_difference"}
    tiles = [
        Tile("Received and not credited", money("received_not_credited"), "the liability to accrue, at the customer's price", _tone(total["received_not_credited"])),
        Tile("Credited and not received", money("credited_not_received"), f"{cases('credited_not_received')} lines", _tone(total["credited_not_received"])),
        Tile("Approved and not received", money("approved_not_received"), "the base of a returns provision"),
        Tile("Credited in the month", money("credited_in_month"), f"{cases('credited_in_month')} lines"),
        Tile("Refunded and not recorded", money("refunded_not_recorded"), f"{cases('refunded_not_recorded')} refunds", _tone(total["refunded_not_recorded"])),
        Tile("Returns stock at cost", money("returns_stock_at_cost"), f"of it in quarantine {money('in_quarantine')}"),
        Tile("Exceptions open", f"{cases('exceptions_open'):,}", f"{money('exceptions_open')} at stake", _tone(cases("exceptions_open"))),
        Tile("Tie to the books", "ties" if not differing else f"{len(differing)} differ", "our credits and others' against every sales credit that Brightpearl invoiced", "warn" if differing else "good"),
    ]  # fmt: skip
    if changes:
        tiles.append(Tile("Changed since it was signed", f"{changes:,}", "the signed figures stay as they are", "warn"))
    return tiles


def _tone(amount: int) -> str:
    return "warn" if amount else "good"


def _flow(total: Mapping[str, int], currency: str) -> Chart:
    steps = (
        ("Awaited from customers", "approved_not_received"),
        ("Received in the month", "received_in_month"),
        ("Credited in the month", "credited_in_month"),
        ("Received, not credited", "received_not_credited"),
        ("Credited, not received", "credited_not_received"),
        ("Credited, not paid back", "posted_unpaid"),
    )
    values = [total[figure] for _, figure in steps]
    labels = [label for label, _ in steps]
    return Chart(
        "From announced to credited", "Where the month's money stands.", currency, labels, [Series("gross", values)]
    )


def _ageing(lines: Iterable[Line], currency: str) -> Chart:
    figures = {
        "approved_not_received": "awaited",
        "received_not_credited": "received, not credited",
        "credited_not_received": "credited, not received",
    }
    sums = {figure: [0] * len(_AGES) for figure in figures}
    for line in lines:
        if line["figure"] in sums and line["currency"] == currency:
            sums[line["figure"]][_bucket(line["age_days"] or 0)] += max(0, _worth(line))
    series = [Series(name, sums[figure]) for figure, name in figures.items()]
    return Chart(
        "How old it is",
        "Days at the end of the month.",
        currency,
        [label for _, label in _AGES],
        series,
        is_stacked=True,
    )


def _bucket(age: int) -> int:
    return next(place for place, (limit, _) in enumerate(_AGES) if limit is None or age <= limit)


def _causes(lines: Iterable[Line], currency: str) -> Chart:
    sums: dict[str, int] = {}
    for line in lines:
        if line["figure"] == "exceptions_open" and line["currency"] == currency:
            cause = str(line["note"]).partition(" (")[0].replace("_", " ")
            sums[cause] = sums.get(cause, 0) + _worth(line)
    ranked = sorted(((minor, cause) for cause, minor in sums.items() if minor), reverse=True)[:_MOST_CAUSES]
    return Chart(
        "What holds money back", "Exceptions open at the end of the month, by cause.", currency, [cause for _, cause in ranked],
        [Series("at stake", [minor for minor, _ in ranked])],
    )  # fmt: skip


def _tax(figures: Sequence[Line], currency: str) -> Chart:
    rows = [row for row in _tax_rows(figures) if row["currency"] == currency]
    return Chart(
        "Tax on credits", "Tax credited beside the original invoices' tax on the same units, by tax code.", currency,
        [row["tax_code"] or "no code" for row in rows],
        [Series("credited", [row["credited_minor"] for row in rows]), Series("on the invoices", [row["invoiced_minor"] for row in rows])],
    )  # fmt: skip


def _tax_rows(figures: Iterable[Line]) -> list[dict[str, Any]]:
    names = {
        "tax_credited": "credited_minor", "tax_invoiced": "invoiced_minor", "our_credits": "ours_minor", "others_credits": "others_minor",
        "invoiced_in_brightpearl": "books_minor",
    }  # fmt: skip
    rows: dict[tuple[str, str], dict[str, Any]] = {}
    for figure in figures:
        if figure["figure"] in names:
            key = (figure["currency"], figure["tax_code"])
            empty = {"currency": key[0], "tax_code": key[1]} | dict.fromkeys(names.values(), 0)
            rows.setdefault(key, empty)[names[figure["figure"]]] = int(figure["tax_minor"] or 0)
    for row in rows.values():
        row["tax_difference_minor"] = row["credited_minor"] - row["invoiced_minor"]
        row["books_difference_minor"] = row["books_minor"] - row["ours_minor"] - row["others_minor"]
    return [rows[key] for key in sorted(rows)]


def _tax_sheet(figures: Sequence[Line]) -> Sheet:
    columns = (
        Column("currency", "Currency"), Column("tax_code", "Tax code"), Column("credited_minor", "Tax credited on goods", Kind.MONEY),
        Column("invoiced_minor", "Tax on the invoices", Kind.MONEY), Column("tax_difference_minor", "Difference", Kind.MONEY),
        Column("ours_minor", "Tax on our credits", Kind.MONEY), Column("others_minor", "Tax on others' credits", Kind.MONEY),
        Column("books_minor", "Tax in Brightpearl", Kind.MONEY), Column("books_difference_minor", "Difference to the books", Kind.MONEY),
    )  # fmt: skip
    question = "Is the tax on credits that of the invoices, and does it tie to Brightpearl's books?"
    return Sheet("Tax proof", question, columns, _tax_rows(figures))


def _figures_sheet(figures: Sequence[Line]) -> Sheet:
    columns = (
        Column("title", "Figure"), Column("currency", "Currency"), Column("tax_code", "Tax code"), Column("cases", "Lines", Kind.WHOLE),
        Column("quantity", "Units", Kind.WHOLE), *_MONEY,
    )  # fmt: skip
    order = {figure: rank for rank, figure in enumerate(FIGURES)}
    ordered = sorted(figures, key=lambda figure: (order[figure["figure"]], figure["currency"], figure["tax_code"]))
    question = "What does the month come to, by currency and tax code?"
    rows = [_titled(figure) for figure in ordered]
    return Sheet("Figures", question, columns, rows, most_on_page=len(rows))


def _titled(line: Line) -> dict[str, Any]:
    rma = line.get("rma_id")
    return dict(line) | {"title": FIGURES[line["figure"]], "rma": None if rma is None else str(rma)}


def _sheets(lines: Sequence[Line]) -> Iterable[Sheet]:
    for name, question, figures in _QUESTIONS:
        found = sorted(
            (_titled(line) for line in lines if line["figure"] in figures),
            key=lambda row: (figures.index(row["figure"]), -abs(_worth(row))),
        )
        yield Sheet(name, question, _LINE_COLUMNS, found)


def _changes_sheet(changes: Sequence[Mapping[str, Any]]) -> Iterable[Sheet]:
    if not changes:
        return
    columns = (
        Column("title", "Figure"), Column("subject_type", "What"), Column("subject_id", "Which"), Column("currency", "Currency"),
        Column("tax_code", "Tax code"), Column("what", "Change"), Column("was_minor", "Signed", Kind.MONEY), Column("is_minor", "Today", Kind.MONEY),
    )  # fmt: skip
    rows = [
        _titled(change)
        | {"was_minor": _worth(change["was"]) if change["was"] else None, "is_minor": _worth(change["is"]) if change["is"] else None}
        for change in changes
    ]  # fmt: skip
    yield Sheet("Changed since signed", "What would this month say differently today?", columns, rows)
