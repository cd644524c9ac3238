"""Writes a report as an Excel workbook: one sheet per question, real numbers and dates, filters, frozen headings. No judging of figures.

Third-party text is written as text and never as a formula, a link or a number.
"""

from collections.abc import Mapping
from decimal import Decimal
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import xlsxwriter
from xlsxwriter.format import Format
from xlsxwriter.worksheet import Worksheet

from returns_pipeline.domain.money import format_minor
from returns_pipeline.reports.content import Column, Kind, Report, Sheet

_OPTIONS = {"strings_to_formulas": False, "strings_to_urls": False, "strings_to_numbers": False}
_INK, _PAPER, _LINE, _TEAL = "#1F2933", "#F4F7F6", "#D5DDDB", "#0F766E"
_NARROWEST, _WIDEST = 9, 60
_HEADING_ROW = 3


def write(report: Report, path: Path) -> None:
    """Writes the workbook in place of an older one, whole or not at all.

    Raises:
        OSError: the folder cannot be written to.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_suffix(".part.xlsx")
    book = xlsxwriter.Workbook(str(partial), _OPTIONS)
    book.set_properties({"title": report.title, "subject": report.subtitle})
    looks = _looks(book)
    _write_summary(book.add_worksheet("Summary"), report, looks)
    for sheet in report.sheets:
        _write_sheet(book.add_worksheet(sheet.name), sheet, looks, ZoneInfo(report.zone))
    book.close()
    partial.replace(path)


def _looks(book: xlsxwriter.Workbook) -> dict[str, Format]:
    base = {"font_name": "Calibri", "font_size": 11, "font_color": _INK, "valign": "top"}
    return {
        "title": book.add_format(base | {"bold": True, "font_size": 18}),
        "question": book.add_format(base | {"italic": True, "font_color": "#52606D"}),
        "heading": book.add_format(
            base | {"bold": True, "font_color": "#FFFFFF", "bg_color": _TEAL, "text_wrap": True, "valign": "vcenter"}
        ),
        "label": book.add_format(base | {"bold": True, "bg_color": _PAPER, "bottom": 1, "bottom_color": _LINE}),
        "value": book.add_format(base | {"font_size": 13, "bottom": 1, "bottom_color": _LINE}),
        "note": book.add_format(
            base | {"font_color": "#52606D", "bottom": 1, "bottom_color": _LINE, "text_wrap": True}
        ),
        Kind.TEXT: book.add_format(base | {"text_wrap": True}),
        Kind.WHOLE: book.add_format(base | {"num_format": "#,##0"}),
        Kind.MOMENT: book.add_format(base | {"num_format": "yyyy-mm-dd hh:mm", "align": "left"}),
        Kind.SHARE: book.add_format(base | {"num_format": "0.0%"}),
        "money 0": book.add_format(base | {"num_format": "#,##0;[Red]-#,##0"}),
        "money 2": book.add_format(base | {"num_format": "#,##0.00;[Red]-#,##0.00"}),
        "money 3": book.add_format(base | {"num_format": "#,##0.000;[Red]-#,##0.000"}),
    }


def _write_summary(page: Worksheet, report: Report, looks: Mapping[str, Format]) -> None:
    page.hide_gridlines(2)
    page.set_column(0, 0, 46)
    page.set_column(1, 1, 24)
    page.set_column(2, 2, 70)
    page.write_string(0, 0, report.title, looks["title"])
    page.write_string(1, 0, f"{report.subtitle}. {report.stamp}", looks["question"])
    row = 3
    for tile in report.tiles:
        page.write_string(row, 0, tile.label, looks["label"])
        page.write_string(row, 1, tile.value, looks["value"])
        page.write_string(row, 2, tile.note, looks["note"])
        row += 1
    row += 1
    for sheet in report.sheets:
        page.write_url(row, 0, f"internal:'{sheet.name}'!A1", string=sheet.name)
        page.write_number(row, 1, len(sheet.rows), looks[Kind.WHOLE])
        page.write_string(row, 2, sheet.question, looks["note"])
        row += 1
    for note in report.notes:
        page.write_string(row + 1, 0, note, looks["question"])
        row += 1
    _for_paper(page)


def _write_sheet(page: Worksheet, sheet: Sheet, looks: Mapping[str, Format], zone: ZoneInfo) -> None:
    page.hide_gridlines(2)
    page.write_string(0, 0, sheet.name, looks["title"])
    page.write_string(1, 0, sheet.question, looks["question"])
    page.set_row(_HEADING_ROW, 30)
    for place, column in enumerate(sheet.columns):
        page.write_string(_HEADING_ROW, place, column.title, looks["heading"])
        page.set_column(place, place, _width(column, sheet))
    for number, row in enumerate(sheet.rows, start=_HEADING_ROW + 1):
        for place, column in enumerate(sheet.columns):
            _write_cell(page, number, place, column, row, looks, zone)
    page.freeze_panes(_HEADING_ROW + 1, 1)
    page.autofilter(_HEADING_ROW, 0, max(_HEADING_ROW + len(sheet.rows), _HEADING_ROW + 1), len(sheet.columns) - 1)
    page.repeat_rows(_HEADING_ROW)
    _for_paper(page)


def _write_cell(
    page: Worksheet,
    number: int,
    place: int,
    column: Column,
    row: Mapping[str, Any],
    looks: Mapping[str, Format],
    zone: ZoneInfo,
) -> None:
    value = row.get(column.name)
    if value is None:
        page.write_blank(number, place, None, looks[Kind.TEXT])
    elif column.kind is Kind.MONEY:
        amount = Decimal(format_minor(value, row["currency"]).rpartition(" ")[0].replace(",", ""))
        page.write_number(number, place, amount, looks[f"money {-int(amount.as_tuple().exponent)}"])
    elif column.kind is Kind.WHOLE:
        page.write_number(number, place, value, looks[Kind.WHOLE])
    elif column.kind is Kind.SHARE:
        page.write_number(number, place, Decimal(value).scaleb(-4), looks[Kind.SHARE])
    elif column.kind is Kind.MOMENT:
        # Excel knows no zones: the shop's own clock, as the sheet's readers have it.
        page.write_datetime(number, place, value.astimezone(zone).replace(tzinfo=None), looks[Kind.MOMENT])
    else:
        page.write_string(number, place, str(value), looks[Kind.TEXT])


def _width(column: Column, sheet: Sheet) -> int:
    if column.kind is Kind.MOMENT:
        return 17
    longest = max((len(str(row.get(column.name) or "")) for row in sheet.rows), default=0)
    return min(_WIDEST, max(_NARROWEST, len(column.title) + 3, longest + 2))


def _for_paper(page: Worksheet) -> None:
    page.set_landscape()
    page.set_paper(9)
    page.fit_to_pages(1, 0)
    page.set_footer("&L&A&RPage &P of &N")
