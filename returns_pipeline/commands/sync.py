"""`sync`: one pass of `returns_sync` in this process, on the persistent instance, so that it shows in the Dagster UI."""

import functools
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

import dagster as dg
import psycopg
from dagster import DagsterInstance

from returns_pipeline.commands.carrying_on import Companion
from returns_pipeline.defs import tidying
from returns_pipeline.defs.names import asset_of
from returns_pipeline.settings import Settings, load_settings
from returns_pipeline.stages.accounts import Accounts
from returns_pipeline.stages.passes import Scope, refuse_unfit, refuse_unready
from returns_pipeline.storage import database, locks

_MOST_ROUNDS = 60
_MOVED = ("changed_rows", "effects_planned", "effects_confirmed", "effects_settled", "exceptions_changed")


@dataclass
class SyncResult:
    """What one or several passes did: run ids, failed steps, closed gates, and how much moved."""

    run_ids: list[str] = field(default_factory=list)
    failed_steps: dict[str, str] = field(default_factory=dict)
    closed_gates: list[str] = field(default_factory=list)
    moved: int = 0
    counts: dict[str, int] = field(default_factory=dict)

    @property
    def left_by_time(self) -> int:
        """How many effects the last pass's writers left planned because their time was over."""
        return sum(count for name, count in self.counts.items() if name.endswith(":effects_left_by_time"))

    @property
    def is_good(self) -> bool:
        """Whether the pass did its work; open exceptions do not count against it."""
        return not self.failed_steps and not self.closed_gates


def sync(
    scope: Scope, *, until_idle: bool = False, lock_wait: float = 0.0, tell: Callable[[str], None] = lambda _: None
) -> SyncResult:
    """Runs the graph once, or until a pass moves nothing.

    Raises:
        SettingsError, NotReady: before anything is read.
        locks.Busy: another sync holds the account; the message names it.
    """
    settings = load_settings()
    refuse_unready(settings)
    with (
        database.connect() as connection,
        locks.hold(connection, "sync", wait_seconds=lock_wait),
        _instance() as instance,
    ):
        _refuse_unfit(connection, settings)
        result = _one_pass(instance, scope)
        return _until_idle(instance, scope, result, tell) if until_idle else result


def _until_idle(instance: DagsterInstance, scope: Scope, result: SyncResult, tell: Callable[[str], None]) -> SyncResult:
    """More passes until one moves nothing; what a writer left by its time is sent on beside them."""
    with Companion(tell) as companion:
        for number in range(1, _MOST_ROUNDS):
            if not result.is_good or not (result.moved or companion.end()):
                break
            tell(f"pass {number}: {result.moved} things moved")
            if result.left_by_time:
                companion.begin()
            result = _joined(result, _one_pass(instance, scope))
    return result


def _refuse_unfit(connection: psycopg.Connection, settings: Settings) -> None:
    """Stops before the first pass when credentials are missing or, in live mode, the settings do not fit the account."""
    accounts = Accounts(settings)
    try:
        accounts.check()
        refuse_unfit(connection, accounts, settings)
    finally:
        accounts.close()


@functools.cache
def _job(name: str) -> dg.JobDefinition:
    """A job of the graph; built once per process, because building it takes as long as a quiet pass."""
    from returns_pipeline.definitions import defs

    return defs().resolve_job_def(name)


@contextmanager
def _instance() -> Iterator[DagsterInstance]:
    """The instance with its connections kept open; else each event of a run opens one, about 120 in a pass where nothing moves."""
    with DagsterInstance.get() as instance:
        tidying.keep_connections(instance)
        yield instance


def _one_pass(instance: DagsterInstance, scope: Scope) -> SyncResult:
    job = _job("full_sweep" if scope.is_sweep else "returns_sync")
    ops = (
        {name: {"config": {"rma_ids": list(scope.rma_ids)}} for name in _configurable_steps(job)}
        if scope.rma_ids
        else {}
    )
    executed = job.execute_in_process(
        instance=instance,
        raise_on_error=False,
        run_config={"ops": ops, "loggers": {"console": {"config": {"log_level": "CRITICAL"}}}},
        tags={"mode": load_settings().mode, "shops": ",".join(scope.shops) or "all"},
    )
    return _read(executed)


def _configurable_steps(job: dg.JobDefinition) -> list[str]:
    return [node.name for node in job.nodes if node.definition.has_config_field]


def _read(executed: dg.ExecuteInProcessResult) -> SyncResult:
    result = SyncResult(run_ids=[executed.run_id])
    for event in executed.all_events:
        if event.is_step_failure:
            error = event.step_failure_data.error
            cause = error.cause or error if error else None
            result.failed_steps[event.step_key or "?"] = _told(cause.message) if cause else "no error was recorded"
        elif event.event_type == dg.DagsterEventType.ASSET_MATERIALIZATION and event.asset_key:
            metadata = event.materialization.metadata
            for name, value in metadata.items():
                if isinstance(value, dg.IntMetadataValue) and value.value is not None:
                    result.counts[f"{asset_of(event.asset_key)}:{name}"] = value.value
                    result.moved += value.value if name in _MOVED else 0
        elif event.event_type == dg.DagsterEventType.ASSET_CHECK_EVALUATION:
            evaluation = event.asset_check_evaluation_data
            if evaluation.check_name.endswith("_conform_to_schema") and not evaluation.passed:
                result.closed_gates += [
                    f"{asset_of(evaluation.asset_key)}, {name.removeprefix('gate_')}: {value.value}"
                    for name, value in evaluation.metadata.items()
                    if name.startswith("gate_") and value.value != "open"
                ]
    return result


def _told(message: str) -> str:
    """An error's own words, without the name of its class in front."""
    name, _, words = message.strip().partition(": ")
    return words if words and " " not in name else message.strip()


def _joined(before: SyncResult, after: SyncResult) -> SyncResult:
    after.run_ids = before.run_ids + after.run_ids
    return after


def in_words(result: SyncResult, seconds: float) -> list[str]:
    """The pass for people: what moved, what failed and what is closed."""
    lines = [f"{len(result.run_ids)} pass(es) in {seconds:.1f} s, {result.moved} things moved in the last one"]
    lines += [f"step {step} failed: {message}" for step, message in sorted(result.failed_steps.items())]
    lines += [f"gate closed for {gate}" for gate in result.closed_gates]
    return lines
