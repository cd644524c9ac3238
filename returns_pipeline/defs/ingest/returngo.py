"""Assets read from ReturnGo: returns, their units, and the money ReturnGo moved. Brightpearl's are next door."""

from collections.abc import Iterator

import dagster as dg

from returns_pipeline.defs.assets import checks, spec, stage_asset
from returns_pipeline.defs.metadata import materialized
from returns_pipeline.defs.resources import PipelineResource, ScopeConfig
from returns_pipeline.stages import ingest_returns


@dg.multi_asset(
    name="returngo_returns",
    specs=[
        spec(
            "returngo/rmas",
            group="ingest",
            owner="integration",
            kinds={"returngo", "postgres"},
            description="Returns that customers asked for in ReturnGo, one row per RMA.\n\n"
            "Open returns are listed in pages of 500; a detail is read only when the list shows that something changed. "
            "A shop that cannot be read keeps its old rows, its cursor does not move and its gate is closed.",
        ),
        spec(
            "returngo/return_items",
            group="ingest",
            owner="integration",
            kinds={"returngo", "postgres"},
            description="What customers send back, one row per unit, with reason, price paid, fees and inspection.\n\n"
            "ReturnGo has no quantity: two units of one order line are two rows. No name, address or e-mail is kept.",
        ),
    ],
    check_specs=checks("returngo/rmas", "returngo/return_items"),
)
def returngo_returns(
    context: dg.AssetExecutionContext, config: ScopeConfig, pipeline: PipelineResource
) -> Iterator[dg.MaterializeResult]:
    """Reads the open returns of every shop, and their units from the same detail call."""
    with pipeline.open(context, config) as opened:
        rmas, items = ingest_returns.read_returns(opened)
    yield materialized("returngo/rmas", rmas)
    yield materialized("returngo/return_items", items)


returngo_transactions = stage_asset(
    "returngo/transactions",
    ingest_returns.read_transactions,
    group="ingest",
    owner="finance",
    kinds={"returngo", "postgres"},
    deps=["returngo/rmas"],
    description="Refunds and payments that ReturnGo asked the shop's platform for, with their outcome.\n\n"
    "A refund made straight in the shop's platform is not seen here. Store-credit codes are money and are never kept.",
)
