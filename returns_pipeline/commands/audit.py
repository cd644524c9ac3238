"""`audit`: says what reading past returns costs, reads them, judges them and writes the report. The same body serves the job `historical_audit`."""

import datetime as dt
from collections.abc import Callable, Sequence

from returns_pipeline.commands import runtime
from returns_pipeline.commands.answers import Answer
from returns_pipeline.domain.audit import CAUSES, by_cause
from returns_pipeline.domain.money import format_minor
from returns_pipeline.settings import load_settings
from returns_pipeline.stages import audit, writing
from returns_pipeline.stages.accounts import Accounts
from returns_pipeline.stages.audit import AuditPlan, AuditResult, PastReturns
from returns_pipeline.storage import audits, database


def run(
    first: dt.date,
    last: dt.date,
    shops: Sequence[str],
    *,
    only_plan: bool,
    afresh: bool,
    tell: Callable[[str], None],
) -> Answer:
    """Audits the returns of these days; 1 where something is wrong or not all could be read, 2 for days the wrong way round."""
    if last < first:
        return Answer([f"--to {last} lies before --from {first}"], status=2)
    runtime.prepare()
    return audited(first, last, shops, only_plan=only_plan, afresh=afresh, tell=tell)


def audited(
    first: dt.date, last: dt.date, shops: Sequence[str], *, only_plan: bool, afresh: bool, tell: Callable[[str], None]
) -> Answer:
    """The audit in a process that is prepared already."""
    settings = audit.read_only(load_settings())
    pasts = [PastReturns(shop, first, last) for shop in settings.shops if not shops or shop.label in shops]
    accounts = Accounts(settings)
    lines: list[str] = []
    data = []
    found_any = False
    try:
        with database.connect() as connection:
            for past in pasts:
                if afresh:
                    audits.forget(connection, past.shop.label, past.begins, past.ends)
                costs = audit.plan(connection, accounts, past)
                tell(plan_in_words(costs))
                if only_plan:
                    lines.append(plan_in_words(costs))
                    data.append({**vars(costs), "days": costs.days})
                    continue
                result = audit.run(connection, accounts, past)
                files = writing.write_audit(settings, past, result, dt.datetime.now(dt.UTC))
                lines += [*_in_words(result), *(f"{what}: {path}" for what, path in files.items())]
                data.append(_as_data(result, files))
                found_any = found_any or bool(result.findings or result.left or result.rejected)
    finally:
        accounts.close()
    return Answer(lines, data, status=1 if found_any else 0)


def plan_in_words(costs: AuditPlan) -> str:
    """What is to be read, and how many calls and days that takes."""
    return (
        f"{costs.shop}: {costs.returns} returns, {costs.to_read} of them to be read: {costs.returngo_calls} calls of ReturnGo "
        f"({costs.returngo_calls_now} now and {costs.returngo_calls_a_day} a day are left by today's work: {costs.days} days) and about {costs.brightpearl_calls} of Brightpearl"
    )


def _in_words(result: AuditResult) -> list[str]:
    causes = [
        f"  {CAUSES[cause]}: {count}, {format_minor(money, currency)}"
        for cause, currency, count, money in by_cause(result.findings)
    ]
    left = f"; {result.left} are left: start it again later, it goes on from there" if result.left else ""
    why_left = [f"  {result.why_left}"] if result.why_left else []
    unusable = [f"  not usable: {sentence}" for sentence in result.rejected]
    return [
        f"{result.shop}: {result.read} returns read{left}; {len(result.findings)} findings",
        *why_left,
        *causes,
        *unusable,
    ]


def _as_data(result: AuditResult, files: dict[str, str]) -> dict[str, object]:
    return {**vars(result), "findings": [vars(found) for found in result.findings], "files": files}
