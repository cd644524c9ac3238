"""What does not meet, the month's picture and the pipeline's own health."""

import datetime as dt

import dagster as dg

from returns_pipeline.defs.assets import checks, spec, stage_asset
from returns_pipeline.defs.metadata import materialized
from returns_pipeline.defs.resources import PipelineResource, ScopeConfig
from returns_pipeline.stages import reconcile

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


@dg.multi_asset(
    name="finance_month_end_close",
    specs=[
        spec(
            "finance/month_end_close",
            group="reconcile",
            owner="finance",
            kinds={"pandas", "postgres"},
            deps=["finance/three_way_match"],
            description="One calendar month as it stood: received and not credited, credited and not received, refunds not recorded, tax by code.\n\n"
            "Each shop's month begins and ends at midnight in its own time zone.",
        )
    ],
    check_specs=checks("finance/month_end_close"),
    partitions_def=dg.MonthlyPartitionsDefinition(start_date="2025-01-01", end_offset=1),
)
def finance_month_end_close(
    context: dg.AssetExecutionContext, config: ScopeConfig, pipeline: PipelineResource
) -> dg.MaterializeResult:
    """Computes the figures of one month for every shop."""
    with pipeline.open(context, config) as opened:
        report = reconcile.close_month(opened, dt.date.fromisoformat(context.partition_key))
    return materialized("finance/month_end_close", report)


operations_health = stage_asset(
    "operations/health",
    reconcile.measure_health,
    group="reconcile",
    owner="integration",
    kinds={"postgres"},
    has_gate=False,
    description="Whether the pipeline itself is alive: heartbeats, quota left, oldest receipt without a credit, effects without an answer.",
)
