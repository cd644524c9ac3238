"""Deletes what Dagster would keep for ever: old successful runs of the jobs that the clock starts. Our own evidence is `storage/evidence`'s.

Failed runs, closes, and what people started stay.
"""

import datetime as dt
import time
from collections.abc import Sequence
from dataclasses import dataclass

import dagster as dg
import sqlalchemy as sa
from dagster._core.storage.event_log.schema import AssetCheckExecutionsTable
from dagster._core.storage.event_log.sql_event_log import SqlEventLogStorage

JOBS = ("returns_sync", "full_sweep", "pipeline_health", "settle_effects")
_AT_ONCE = 500
_STATEMENT_TIMEOUT_MILLISECONDS = 60_000
_RECYCLED_AFTER_SECONDS = 600


@dataclass(frozen=True)
class Deleted:
    """How many runs went, and whether none is left that should have gone."""

    runs: int
    is_all: bool


def keep_connections(instance: dg.DagsterInstance) -> None:
    """Lets an instance of this process keep its connections; else each event and each deletion opens one."""
    instance.optimize_for_webserver(
        statement_timeout=_STATEMENT_TIMEOUT_MILLISECONDS, pool_recycle=_RECYCLED_AFTER_SECONDS, max_overflow=-1
    )


def delete_runs(instance: dg.DagsterInstance, before: dt.datetime, most_seconds: float) -> Deleted:
    """Deletes successful runs created before then, with their events and the results of their checks.

    Args:
        instance: where the runs are.
        before: younger ones stay.
        most_seconds: after so long the rest is left to the next night.
    """
    deleted, ends_at = 0, time.monotonic() + most_seconds
    for job in JOBS:
        old = dg.RunsFilter(job_name=job, statuses=[dg.DagsterRunStatus.SUCCESS], created_before=before)
        while run_ids := instance.get_run_ids(filters=old, limit=_AT_ONCE):
            if time.monotonic() >= ends_at:
                return Deleted(deleted, is_all=False)
            _forget_checks(instance, run_ids)
            for run_id in run_ids:
                instance.delete_run(run_id)
            deleted += len(run_ids)
    return Deleted(deleted, is_all=True)


def _forget_checks(instance: dg.DagsterInstance, run_ids: Sequence[str]) -> None:
    """Deletes what these runs' checks said, which `delete_run` leaves; the newest result of a check is what the UI shows, and stays."""
    storage, table = instance.event_log_storage, AssetCheckExecutionsTable
    if isinstance(storage, SqlEventLogStorage):
        newest = sa.select(sa.func.max(table.c.id)).group_by(table.c.asset_key, table.c.check_name, table.c.partition)
        with storage.index_connection() as connection:
            connection.execute(table.delete().where(table.c.run_id.in_(run_ids), table.c.id.not_in(newest)))
