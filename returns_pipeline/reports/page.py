"""Writes a report as one page of HTML that needs nothing else: no script, no font, no picture from elsewhere. How charts are drawn is `charts.py`'s."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import jinja2
from markupsafe import Markup

from returns_pipeline.reports import charts
from returns_pipeline.reports.content import Column, Kind, Report, Sheet


def write(report: Report, path: Path) -> None:
    """Writes the page in place of an older one, whole or not at all.

    Raises:
        OSError: the folder cannot be written to.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_suffix(".part.html")
    partial.write_text(rendered(report), encoding="utf-8")
    partial.replace(path)


def rendered(report: Report) -> str:
    """The page's text; whatever third parties wrote is escaped."""
    environment = jinja2.Environment(
        loader=jinja2.PackageLoader("returns_pipeline", "reports"),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    zone = ZoneInfo(report.zone)
    return environment.get_template("page.html").render(
        report=report,
        charts=[(chart, Markup(charts.svg(chart))) for chart in report.charts],  # noqa: S704 - `charts` escapes every text
        tables=[_table(sheet, zone) for sheet in report.sheets if sheet.rows],
    )


def _table(sheet: Sheet, zone: ZoneInfo) -> dict[str, Any]:
    shown = sheet.rows[: sheet.most_on_page]
    return {
        "name": sheet.name,
        "question": sheet.question,
        "columns": sheet.columns,
        "rows": [[(_said(row, column, zone), column.kind) for column in sheet.columns] for row in shown],
        "left_out": len(sheet.rows) - len(shown),
    }


def _said(row: Mapping[str, Any], column: Column, zone: ZoneInfo) -> str:
    value = row.get(column.name)
    if value is None:
        return ""
    if column.kind is Kind.MONEY:
        return charts.amount_text(value, row["currency"])
    if column.kind is Kind.MOMENT:
        return f"{value.astimezone(zone):%Y-%m-%d}"
    if column.kind is Kind.SHARE:
        return f"{value // 100}.{value % 100 // 10} %"
    return f"{value:,}" if column.kind is Kind.WHOLE else str(value)
