"""Puts cases into words: a cause, an escalation, a digest, a failed check, a failed run. Reads nothing and sends nothing."""

import datetime as dt
from collections.abc import Mapping, Sequence

from returns_pipeline.alerts.message import Message, plain
from returns_pipeline.domain.catalogue import CATALOGUE
from returns_pipeline.domain.money import format_minor
from returns_pipeline.settings import Settings
from returns_pipeline.storage.announcements import Cause, OpenCode
from returns_pipeline.storage.check_results import CheckResult
from returns_pipeline.storage.heartbeats import Heartbeat

_EXCEPTIONS = "assets/returns/exceptions"
_HEALTH = "assets/operations/health"
_RANK = ("info", "warn", "error", "critical")


def of_cause(cause: Cause, settings: Settings) -> Message:
    """One message about all cases of a cause that nobody was told of yet."""
    kind = CATALOGUE[cause.code]
    return Message(
        kind="cause",
        cause=cause.key,
        severity=cause.severity,
        group=settings.group_of(cause.owner),
        title=f"{kind.title}: {_cases(cause.count)}, {_money(cause.money)} ({cause.shop})",
        lines=(
            f"cause: {plain(cause.cause)}",
            *_example(cause),
            f"next step: {kind.next_step}",
            f"show it: returns-pipeline exceptions show {cause.exception_id}",
        ),
        count=cause.count,
        money=cause.money,
        links=links(_EXCEPTIONS, settings, kind.code),
    )


def of_escalation(cause: Cause, now: dt.datetime, settings: Settings) -> Message:
    """One message to the next owner about cases whose time is over."""
    kind = CATALOGUE[cause.code]
    owner, next_owner = settings.group_of(cause.owner), settings.escalation.of(cause.owner)
    return Message(
        kind="escalation",
        cause=f"escalation {cause.key}",
        severity=max(cause.severity, "warn", key=_RANK.index),
        group=next_owner,
        title=f"Overdue with {owner}: {kind.title}, {_cases(cause.count)}, {_money(cause.money)} ({cause.shop})",
        lines=(
            f"the oldest is open for {_age(now - cause.oldest)}; its time is over since {_when(cause.due, settings)}",
            *_example(cause),
            f"next step: {kind.next_step}",
        ),
        count=cause.count,
        money=cause.money,
        links=links(_EXCEPTIONS, settings, kind.code),
    )


def of_digest(group: str, day: dt.date, codes: Sequence[OpenCode], now: dt.datetime, settings: Settings) -> Message:
    """A group's morning list: what is open by code, most severe and oldest first."""
    ordered = sorted(codes, key=lambda code: (-_RANK.index(code.severity), code.oldest))
    money: dict[str, int] = {}
    for code in codes:
        for currency, minor in code.money.items():
            money[currency] = money.get(currency, 0) + minor
    count, overdue = sum(code.count for code in codes), sum(code.overdue for code in codes)
    resolved, opened = sum(code.resolved for code in codes), sum(code.opened for code in codes)
    return Message(
        kind="digest",
        cause=f"digest {group} {day.isoformat()}",
        severity="info",
        group=group,
        title=f"Returns, {day.isoformat()}: {_cases(count)} open, {overdue} overdue, {_money(money)}",
        lines=(
            f"in the last day {opened} opened and {resolved} closed",
            *(_digest_line(code, now) for code in ordered if code.count),
        ),
        count=count,
        money=money,
        links=links(_EXCEPTIONS, settings),
    )


def of_check(result: CheckResult, settings: Settings) -> Message:
    """A check that began to fail."""
    detail = result.detail
    first = ", ".join(plain(entry) for entry in detail.get("first", [])[:5])
    return Message(
        kind="check",
        cause=f"check {result.asset_key} {result.check_name}",
        severity=result.severity,
        group=settings.group_of(str(detail.get("owner", "integration"))),
        title=f"Check failed: {plain(detail.get('title') or result.check_name)} ({result.asset_key})",
        lines=(f"{result.violations} of {result.rows_checked} do not hold", *((f"first: {first}",) if first else ())),
        count=result.violations,
        links=links(f"assets/{result.asset_key}?view=checks", settings),
    )


def of_failed_runs(job: str, step: str, words: str, run_id: str, count: int, settings: Settings) -> Message:
    """Runs of a job that failed at the same step."""
    where = f" at {step}" if step else ""
    return Message(
        kind="run",
        cause=f"run {job} {step}",
        severity="error",
        group=settings.group_of("integration"),
        title=f"Run failed: {job}{where}",
        lines=(f"{plain(words)}", f"{count} of its runs failed in the last 24 hours"),
        count=count,
        links=links(f"runs/{run_id}", settings),
    )


def of_silence(heart: Heartbeat, settings: Settings) -> Message:
    """A part that should tell people and is silent itself."""
    return Message(
        kind="silence",
        cause=f"silence {heart.name}",
        severity="critical",
        group=settings.group_of("integration"),
        title=f"{heart.name} is silent: alerts may be missing",
        lines=(heart.in_words, "next step: look whether the Dagster daemon runs, and at the sensor's last tick"),
        links=links(_HEALTH, settings),
    )


def of_test(settings: Settings) -> Message:
    """What `doctor --alert` sends."""
    return Message(
        kind="test",
        cause="test",
        severity="info",
        group=settings.group_of("integration"),
        title="Test of the returns pipeline's alerts: nothing is wrong",
        lines=("Somebody asked for this message with `returns-pipeline doctor --alert`.",),
        links=links(_EXCEPTIONS, settings),
    )


def links(page: str, settings: Settings, code: str | None = None) -> tuple[tuple[str, str], ...]:
    """The page in Dagster, and the runbook's section where the settings say where it is served."""
    if settings.account:
        page = page.replace("assets/", f"assets/{settings.account}/", 1)
    found = [("Dagster", f"{settings.alerts.dagster_url.rstrip('/')}/{page}")]
    if code and settings.alerts.runbook_url:
        found.append(("runbook", f"{settings.alerts.runbook_url}#{CATALOGUE[code].runbook.partition('#')[2]}"))
    return tuple(found)


def _example(cause: Cause) -> tuple[str, ...]:
    return_of = f", return {cause.rma_id}" if cause.rma_id and cause.subject_type != "rma" else ""
    told = f"example: {cause.subject_type} {plain(cause.subject_id, 80)}{return_of}"
    evidence = [
        f"{name} {plain(value)}" for name, value in (("expected", cause.expected), ("found", cause.found)) if value
    ]
    return (told, *(("; ".join(evidence),) if evidence else ()))


def _digest_line(code: OpenCode, now: dt.datetime) -> str:
    overdue = f", {code.overdue} overdue" if code.overdue else ""
    title = CATALOGUE[code.code].title
    return f"[{code.severity}] {title}: {_cases(code.count)}{overdue}, {_money(code.money)}, oldest {_age(now - code.oldest)}"


def _cases(count: int) -> str:
    return "1 case" if count == 1 else f"{count} cases"


def _money(money: Mapping[str, int]) -> str:
    return ", ".join(format_minor(minor, currency) for currency, minor in sorted(money.items())) or "no money named"


def _age(age: dt.timedelta) -> str:
    hours = int(age.total_seconds()) // 3600
    return f"{hours} h" if hours < 48 else f"{hours // 24} days"


def _when(moment: dt.datetime | None, settings: Settings) -> str:
    return moment.astimezone(settings.alerts.zone).strftime("%Y-%m-%d %H:%M") if moment else "now"
