"""Finance's jobs from the launchpad: the audit of past returns and the comparison of shadow plans. What they do is in `commands` and `stages`."""

import datetime as dt

import dagster as dg

from returns_pipeline.commands.audit import audited
from returns_pipeline.domain.shadow import agreement_of
from returns_pipeline.settings import load_settings
from returns_pipeline.stages import shadowing
from returns_pipeline.storage import database


class AuditConfig(dg.Config):
    """Which past returns are looked at: days of each shop's own zone, both included; `only_plan` says what it costs and reads nothing else."""

    first_day: str
    last_day: str
    shops: list[str] = []
    only_plan: bool = False
    afresh: bool = False


@dg.op(
    description="Reads past returns with the calls that today's work leaves and judges them. Only reads from the accounts."
)
def audit_past_returns(context: dg.OpExecutionContext, config: AuditConfig) -> None:
    """What a day leaves for an audit; the next run goes on where it stopped."""
    first, last = dt.date.fromisoformat(config.first_day), dt.date.fromisoformat(config.last_day)
    if last < first:
        raise dg.Failure(f"last_day {last} lies before first_day {first}")
    answer = audited(first, last, config.shops, only_plan=config.only_plan, afresh=config.afresh, tell=context.log.info)
    context.log.info("\n".join(answer.lines))


@dg.job(description="What was wrong with returns made long ago, as a workbook and a page. Never writes to an account.")
def historical_audit() -> None:
    """One audit."""
    audit_past_returns()


@dg.op(
    description="Holds what shadow mode planned against what people credited, return by return. Reads only the database."
)
def compare_shadow_plans(context: dg.OpExecutionContext) -> None:
    """A workbook and a page for each shop."""
    settings = load_settings()
    with database.connect() as connection:
        for shop in settings.shops:
            found = shadowing.compared(connection, settings, shop)
            files = shadowing.write_comparison(settings, shop, found)
            agreement = agreement_of(found, shop.currency)
            context.log.info(
                f"{shop.label}: {agreement.same} of {agreement.compared} returns are the same; {', '.join(files.values())}"
            )


@dg.job(
    description="What the pipeline would have credited beside what people credited, with the agreement by count and money."
)
def shadow_comparison() -> None:
    """One comparison."""
    compare_shadow_plans()
