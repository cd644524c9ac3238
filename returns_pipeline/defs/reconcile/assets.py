"""What does not meet, the month's picture and the pipeline's own health."""

import datetime as dt

import dagster as dg

from returns_pipeline.defs.assets import checks, spec, stage_asset
from returns_pipeline.defs.metadata import materialized
from returns_pipeline.defs.resources import PipelineResource, ScopeConfig
from returns_pipeline.stages import closing, reconcile

_WRITERS = [
    "brightpearl/expected_returns",
    "brightpearl/posted_credits",
    "returngo/receipt_confirmations",
    "brightpearl/stock_transfers",
]

returns_exceptions = stage_asset(
    "returns/exceptions",
    reconcile.gather_exceptions,
    group="reconcile",
    owner="integration",
    kinds={"postgres"},
    deps=_WRITERS,
    has_gate=False,
    description="Everything that does not fit, with its owner, its age, the money at stake and the next step.\n\n"
    "An exception closes itself when the facts heal and opens again under the same number if they break again.",
)

finance_three_way_match = stage_asset(
    "finance/three_way_match",
    reconcile.match_three_ways,
    group="reconcile",
    owner="finance",
    kinds={"pandas", "postgres"},
    deps=_WRITERS,
    description="Every return line beside its goods-in, its credit and its money: quantity, net, tax, dates and the cause of a difference.",
)


class CloseConfig(ScopeConfig):
    """Leave it empty to compute the month. To sign it off, give your name, a reason, and a word on each difference that is listed."""

    signed_by: str = ""
    reason: str = ""
    explanations: dict[str, str] = {}


@dg.multi_asset(
    name="finance_month_end_close",
    specs=[
        spec(
            "finance/month_end_close",
            group="reconcile",
            owner="finance",
            kinds={"pandas", "postgres"},
            deps=["finance/three_way_match"],
            description="One calendar month as it stood: what came, what was credited, what did not meet, and how it ties to Brightpearl's books.\n\n"
            "Each shop's month begins and ends at midnight in its own time zone. A signed month never changes; "
            "running it again tells what changed since. To sign off, give name and reason in the launchpad.",
        )
    ],
    check_specs=checks("finance/month_end_close"),
    partitions_def=dg.MonthlyPartitionsDefinition(start_date="2025-01-01", end_offset=1),
)
def finance_month_end_close(
    context: dg.AssetExecutionContext, config: CloseConfig, pipeline: PipelineResource
) -> dg.MaterializeResult:
    """Computes the lines and figures of one month for every shop, or signs them off."""
    wanted = closing.SignOff(config.signed_by, config.reason, config.explanations) if config.signed_by else None
    with pipeline.open(context, config) as opened:
        report = closing.close_month(opened, dt.date.fromisoformat(context.partition_key), wanted)
    return materialized("finance/month_end_close", report)


operations_health = stage_asset(
    "operations/health",
    reconcile.measure_health,
    group="reconcile",
    owner="integration",
    kinds={"postgres"},
    has_gate=False,
    description="Whether the pipeline itself is alive: heartbeats, the plan of ReturnGo's day, oldest receipt without a credit, effects without an answer.",
)
