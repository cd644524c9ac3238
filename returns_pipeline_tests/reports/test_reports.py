"""Workbook and page, opened again and looked at. A number that is text cannot be added up; a text that is a formula can steal."""

import datetime as dt
import re
import zipfile
from decimal import Decimal
from html.parser import HTMLParser
from pathlib import Path

import openpyxl
import pytest

from returns_pipeline.reports import page, workbook
from returns_pipeline.reports.content import Chart, Column, Report, Series, Sheet, Tile
from returns_pipeline_tests.reports import samples


@pytest.fixture(scope="module")
def opened(tmp_path_factory: pytest.TempPathFactory) -> openpyxl.Workbook:
    path = tmp_path_factory.mktemp("reports") / "deep" / "close.xlsx"
    workbook.write(samples.month(), path)
    assert [entry.name for entry in path.parent.iterdir()] == ["close.xlsx"]
    return openpyxl.load_workbook(path)


def column(sheet: openpyxl.worksheet.worksheet.Worksheet, title: str) -> list:
    place = [cell.value for cell in sheet[4]].index(title)
    return [row[place] for row in sheet.iter_rows(min_row=5)]


def test_each_question_has_a_sheet_with_filters_and_frozen_headings(opened: openpyxl.Workbook) -> None:
    """Finance filters and scrolls; the summary links to each sheet."""
    assert opened.sheetnames[:3] == ["Summary", "Figures", "Tax proof"]
    for sheet in opened.worksheets[1:]:
        assert sheet.freeze_panes == "B5", sheet.title
        assert sheet.auto_filter.ref.startswith("A4:"), sheet.title
        assert sheet.print_title_rows == "$4:$4"
        assert sheet["A2"].value.endswith((".", "?"))


def test_amounts_are_numbers_and_dates_are_dates_on_the_shops_clock(opened: openpyxl.Workbook) -> None:
    """They tie to the lines to the penny, currency by currency."""
    sheet = opened["Received, not credited"]
    shown = [
        (currency.value, Decimal(str(cell.value)))
        for currency, cell in zip(column(sheet, "Currency"), column(sheet, "Gross"), strict=True)
        if cell.value is not None
    ]
    lines = [each for each in samples.some_lines() if each["figure"] == "received_not_credited"]
    for currency in ("GBP", "EUR"):
        expected = sum(each["gross_minor"] for each in lines if each["currency"] == currency)
        assert sum(amount for code, amount in shown if code == currency) * 100 == expected
    first = column(sheet, "Since")[0]
    assert isinstance(first.value, dt.datetime)
    assert first.number_format == "yyyy-mm-dd hh:mm"
    assert {cell.number_format for cell in column(sheet, "Gross") if cell.value is not None} == {
        "#,##0.00;[Red]-#,##0.00"
    }


def test_what_third_parties_wrote_is_text_in_the_workbook(opened: openpyxl.Workbook) -> None:
    """`=HYPERLINK(...)` stays what it is: words."""
    cells = [cell for row in opened["Exceptions"].iter_rows() for cell in row if samples.NASTY in str(cell.value)]
    assert cells
    assert {cell.data_type for cell in cells} == {"s"}
    assert not [cell for sheet in opened for row in sheet.iter_rows() for cell in row if cell.data_type == "f"]


def test_a_text_that_begins_like_a_formula_is_written_as_text(tmp_path: Path) -> None:
    """An order's name may begin with =, +, - or @."""
    names = ["=1+1", "+44", "-1", "@x", "{=1}", "0012", "https://example.com"]
    sheet = Sheet("Names", "Which?", [Column("name", "Name")], [{"name": name} for name in names])
    report = Report("T", "S", "now", "Europe/London", [Tile("=1", "=2", "=3")], [], [sheet])
    workbook.write(report, tmp_path / "names.xlsx")
    cells = column(openpyxl.load_workbook(tmp_path / "names.xlsx")["Names"], "Name")
    assert [(cell.value, cell.data_type, cell.hyperlink) for cell in cells] == [(name, "s", None) for name in names]
    with zipfile.ZipFile(tmp_path / "names.xlsx") as archive:
        assert b"<f>" not in b"".join(archive.read(name) for name in archive.namelist())


class Opened(HTMLParser):
    """Which elements a page has, and what it would fetch."""

    def __init__(self) -> None:
        super().__init__()
        self.elements: list[str] = []
        self.fetched: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append(tag)
        self.fetched += [value for name, value in attrs if name in ("src", "href", "srcset") and value]


def test_the_page_needs_nothing_else_and_runs_nothing() -> None:
    """It is sent by mail and opened offline; a customer's words in it are words."""
    text = page.rendered(samples.month())
    parser = Opened()
    parser.feed(text)
    assert parser.elements.count("svg") == 4
    assert "script" not in parser.elements
    assert parser.fetched == []
    assert not re.findall(r"url\(|@import", text)
    assert "&lt;script&gt;alert(1)&lt;/script&gt;" in text


def test_the_page_says_how_many_rows_it_leaves_to_the_workbook_and_what_it_does_not_draw() -> None:
    """A page that silently cuts a list is a lie."""
    rows = [{"name": str(number)} for number in range(45)]
    sheet = Sheet("Names", "Which?", [Column("name", "Name")], rows)
    report = Report("T", "S", "now", "Europe/London", [], [], [sheet])
    assert "5 more rows are in the workbook" in page.rendered(report)
    assert "Charts show GBP. Amounts in EUR are in the tables." in page.rendered(samples.month())


def test_a_month_that_ties_says_so_and_one_that_does_not_names_how_many() -> None:
    """The first thing that finance looks for."""
    ties = {tile.label: tile for tile in samples.month(differing=False).tiles}["Tie to the books"]
    differs = {tile.label: tile for tile in samples.month().tiles}["Tie to the books"]
    assert (ties.value, ties.tone, differs.value, differs.tone) == ("ties", "good", "1 differ", "warn")


def test_a_signed_month_shows_what_changed_since() -> None:
    """The figures stay; the difference has a sheet and a tile of its own."""
    money = {"quantity": 1, "net_minor": None, "tax_minor": None, "gross_minor": 500, "cost_minor": None}
    change = {"figure": "posted_unpaid", "subject_type": "credit", "subject_id": "8", "currency": "GBP", "tax_code": "", "was": None, "is": money, "what": "came"}  # fmt: skip
    report = samples.month(changes=(change,))
    assert "Changed since it was signed" in {tile.label for tile in report.tiles}
    (sheet,) = [sheet for sheet in report.sheets if sheet.name == "Changed since signed"]
    assert [(row["was_minor"], row["is_minor"]) for row in sheet.rows] == [(None, 500)]


def test_bars_are_as_long_as_their_amounts() -> None:
    """Half the money is half the bar, in whatever currency."""
    drawn = page.charts.svg(Chart("T", "Q", "JPY", ["a", "b", "none"], [Series("gross", [1000, 500, 0])]))
    lengths = [float(width) for width in re.findall(r'<rect [^>]*width="([\d.]+)"', drawn)]
    assert lengths[0] == pytest.approx(2 * lengths[1], abs=0.1)
    assert lengths[2] == 0
    assert ">1,000</text>" in drawn
