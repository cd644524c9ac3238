"""How every asset of the graph is declared: key, group, owner, kinds, columns, schema check, and one body for all. No asset itself."""

import datetime as dt
from collections.abc import Callable, Sequence

import dagster as dg

from returns_pipeline.defs.metadata import column_schema, materialized, schema_check, standing_checks
from returns_pipeline.defs.names import asset_key
from returns_pipeline.defs.resources import PipelineResource, ScopeConfig
from returns_pipeline.domain import RULES_VERSION
from returns_pipeline.stages.passes import Pass
from returns_pipeline.stages.report import StageReport

_MONTHLY = ("finance/month_end_close",)
_SYNCED = (dt.timedelta(minutes=45), dt.timedelta(hours=2))
_HEALTH = (dt.timedelta(minutes=15), dt.timedelta(minutes=30))


def spec(
    key: str, *, group: str, owner: str, kinds: set[str], description: str, deps: Sequence[str] = ()
) -> dg.AssetSpec:
    """The spec of one asset; its table's columns come from its Pandera model.

    The first line of `description` is what a finance person reads in Dagster.
    """
    return dg.AssetSpec(
        key=asset_key(key),
        deps=[asset_key(dep) for dep in deps],
        group_name=group,
        owners=[f"team:{owner}"],
        kinds=kinds,
        description=description,
        code_version=RULES_VERSION,
        freshness_policy=freshness_of(key),
        metadata={
            "dagster/column_schema": column_schema(key),
            "dagster/table_name": f"returns.{key.replace('/', '_')}",
        },
    )


def freshness_of(key: str) -> dg.FreshnessPolicy | None:
    """How old an asset may be: the sync runs every ten minutes and the health every five; a month's close has no age."""
    if key in _MONTHLY:
        return None
    late, stale = _HEALTH if key == "operations/health" else _SYNCED
    return dg.FreshnessPolicy.time_window(warn_window=late, fail_window=stale)


def checks(*keys: str) -> list[dg.AssetCheckSpec]:
    """The checks that the assets of one step report: their schema and what their stage answers."""
    return [schema_check(key) for key in keys] + [check for key in keys for check in standing_checks(key)]


def stage_asset(
    key: str,
    stage: Callable[[Pass], StageReport],
    *,
    group: str,
    owner: str,
    kinds: set[str],
    description: str,
    deps: Sequence[str] = (),
    has_gate: bool = True,
) -> dg.AssetsDefinition:
    """An asset that opens a pass, calls one stage and reports.

    Deliberately NOT given a retry policy: reads are retried by the clients, writes by the effect ledger, and by nothing else.
    """

    @dg.multi_asset(
        name=key.replace("/", "_"),
        specs=[spec(key, group=group, owner=owner, kinds=kinds, description=description, deps=deps)],
        check_specs=checks(key) if has_gate else standing_checks(key),
    )
    def body(
        context: dg.AssetExecutionContext, config: ScopeConfig, pipeline: PipelineResource
    ) -> dg.MaterializeResult:
        with pipeline.open(context, config) as opened:
            report = stage(opened)
        return materialized(key, report)

    return body
