"""Writes what people open: a workbook and a page per month and shop, from the close as it is kept. What is in them is `reports`'."""

import datetime as dt

from returns_pipeline.domain import close
from returns_pipeline.domain.close import Cutoff
from returns_pipeline.domain.records import records
from returns_pipeline.reports import page, workbook
from returns_pipeline.reports.audit import audit_report
from returns_pipeline.reports.content import Report
from returns_pipeline.reports.month import month_report
from returns_pipeline.settings import Settings
from returns_pipeline.stages.audit import AuditResult, PastReturns
from returns_pipeline.stages.passes import Pass
from returns_pipeline.storage import closes, home


def write_month(stage_pass: Pass, cutoff: Cutoff) -> dict[str, str]:
    """The files of one shop's month, by what they are; of a signed month as it was signed, with what changed since.

    Raises:
        OSError: the folder of `[reports]` cannot be written to.
    """
    kept = closes.read(stage_pass.connection, cutoff.shop.label, cutoff.month)
    if kept is None:
        return {}
    changes = closes.newest_changes(stage_pass.connection, cutoff.shop.label, cutoff.month)
    lines = records(close.close_lines(close.revived(kept.lines), cutoff))
    figures = records(close.figures_of(close.close_lines(lines, cutoff), kept.computed_at))
    report = month_report(
        cutoff.shop.label, cutoff.month, cutoff.shop.currency, cutoff.shop.time_zone, lines, figures, _stamp(kept, cutoff), changes
    )  # fmt: skip
    return write(stage_pass.settings, report, f"close-{cutoff.month:%Y-%m}-{cutoff.shop.label}", cutoff.shop.label)


def write_audit(settings: Settings, past: PastReturns, result: AuditResult, now: dt.datetime) -> dict[str, str]:
    """The files of one shop's historical audit, by what they are.

    Raises:
        OSError: the folder of `[reports]` cannot be written to.
    """
    shop = past.shop
    report = audit_report(
        shop.label, shop.currency, shop.time_zone, past.first, past.last, result.read, result.left, result.findings,
        f"Made {now.astimezone(shop.zone):%Y-%m-%d %H:%M} from what both systems say today.",
    )  # fmt: skip
    return write(settings, report, f"audit-{past.first}-{past.last}-{shop.label}", shop.label)


def write(settings: Settings, report: Report, name: str, shop: str) -> dict[str, str]:
    """Writes a report both ways where the settings say; nothing where they name no folder.

    Raises:
        OSError: the folder cannot be written to.
    """
    folder = home.reports(settings.reports.folder)
    if folder is None:
        return {}
    paths = {f"workbook_{shop}": folder / f"{name}.xlsx", f"page_{shop}": folder / f"{name}.html"}
    workbook.write(report, paths[f"workbook_{shop}"])
    page.write(report, paths[f"page_{shop}"])
    return {what: str(path.resolve()) for what, path in paths.items()}


def _stamp(kept: closes.Close, cutoff: Cutoff) -> str:
    def local(moment: dt.datetime) -> str:
        return f"{moment.astimezone(cutoff.shop.zone):%Y-%m-%d %H:%M}"

    signed = (
        f"Signed by {kept.signed_by} on {local(kept.signed_at)}: {kept.reason}." if kept.signed_at else "Not signed."
    )
    return f"Computed {local(kept.computed_at)}. {signed} Hash {kept.sha256[:16]}"
