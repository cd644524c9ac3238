"""A sync where nothing moves beside the same graph with empty bodies, in one run: what the pipeline's own work adds to Dagster's. No growth, no calls.

The twin has the same assets, checks, job, executor and instance; its bodies answer at once and touch nothing.
"""

import statistics
import time
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import dagster as dg

from returns_pipeline.defs.jobs import SYNC_TAGS, WHOLE_GRAPH
from returns_pipeline_tests.benchmarks import season
from returns_pipeline_tests.benchmarks.calls import retailer

MOST_TIMES_AS_LONG = 1.5
_TIMES = 9


def figures() -> dict[str, Any]:
    """Median seconds of a quiet sync and of its twin, taken in turn, and their ratio; the first of each is left out, it fills the caches."""
    with retailer({'posting = "automatic"': 'posting = "review"'}) as sandbox:
        from returns_pipeline.commands.sync import sync
        from returns_pipeline.stages.passes import Scope

        season.begin(sandbox)
        twin = empty_twin()
        seconds: dict[str, list[float]] = {"sync": [], "empty": []}
        for _ in range(_TIMES + 1):
            seconds["empty"].append(_seconds_of(lambda: _run(twin)))
            begun = time.perf_counter()
            result = sync(Scope())
            seconds["sync"].append(time.perf_counter() - begun)
            if not result.is_good or result.moved:
                raise AssertionError(f"not a quiet sync: {result.failed_steps or result.closed_gates or result.counts}")
    medians = {name: statistics.median(taken[1:]) for name, taken in seconds.items()}
    return {
        "open_returns": season.ORIGINALS,
        "syncs_each": _TIMES,
        "sync_median_seconds": round(medians["sync"], 2),
        "empty_median_seconds": round(medians["empty"], 2),
        "times_as_long": round(medians["sync"] / medians["empty"], 2),
    }


def broken_bounds(found: Mapping[str, Any]) -> list[str]:
    """The pipeline's own work is half of the framework's at most."""
    if found["times_as_long"] <= MOST_TIMES_AS_LONG:
        return []
    return [
        f"a quiet sync takes {found['times_as_long']} times the same graph with empty bodies, above {MOST_TIMES_AS_LONG}"
    ]


def empty_twin() -> dg.JobDefinition:
    """The job `returns_sync` with every body empty."""
    from returns_pipeline.definitions import defs

    graph = defs()
    assets = [_empty_asset(each) for each in graph.assets or () if isinstance(each, dg.AssetsDefinition)]
    checks = [_empty_check(each) for each in graph.asset_checks or () if isinstance(each, dg.AssetChecksDefinition)]
    job = dg.define_asset_job("returns_sync", selection=WHOLE_GRAPH, tags=SYNC_TAGS)
    twin = dg.Definitions(assets=assets, asset_checks=checks, jobs=[job], executor=dg.in_process_executor)
    return twin.resolve_job_def("returns_sync")


def _empty_asset(asset: dg.AssetsDefinition) -> dg.AssetsDefinition:
    specs, checks = list(asset.specs), list(asset.check_specs)

    @dg.multi_asset(name=asset.op.name, specs=specs, check_specs=checks, partitions_def=asset.partitions_def)
    def body() -> Iterator[dg.MaterializeResult]:
        for spec in specs:
            yield dg.MaterializeResult(
                asset_key=spec.key,
                check_results=[_passed(check) for check in checks if check.asset_key == spec.key],
            )

    return body


def _empty_check(checks: dg.AssetChecksDefinition) -> dg.AssetChecksDefinition:
    specs = list(checks.check_specs)

    @dg.multi_asset_check(name=checks.op.name, specs=specs)
    def body() -> Iterator[dg.AssetCheckResult]:
        yield from (_passed(check) for check in specs)

    return body


def _passed(check: dg.AssetCheckSpec) -> dg.AssetCheckResult:
    return dg.AssetCheckResult(passed=True, check_name=check.name, asset_key=check.asset_key)


def _run(job: dg.JobDefinition) -> None:
    from returns_pipeline.defs import tidying

    with dg.DagsterInstance.get() as instance:
        tidying.keep_connections(instance)
        executed = job.execute_in_process(
            instance=instance, run_config={"loggers": {"console": {"config": {"log_level": "CRITICAL"}}}}
        )
        assert executed.success


def _seconds_of(work: Callable[[], None]) -> float:
    begun = time.perf_counter()
    work()
    return time.perf_counter() - begun
