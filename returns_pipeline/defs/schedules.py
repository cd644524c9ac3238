"""When jobs start by the clock. All run from the start: RETURNS_MODE is the safety, not a hidden switch."""

import datetime as dt

import dagster as dg

from returns_pipeline.defs.jobs import full_sweep, month_end_close, pipeline_health, returns_sync
from returns_pipeline.defs.names import ACCOUNT
from returns_pipeline.defs.resting import tag_of_pace
from returns_pipeline.defs.watched import watched_schedule

_SYNC_JOBS = ("returns_sync", "full_sweep")
_BUSY = [
    dg.DagsterRunStatus.QUEUED,
    dg.DagsterRunStatus.NOT_STARTED,
    dg.DagsterRunStatus.STARTING,
    dg.DagsterRunStatus.STARTED,
]


def sync_is_under_way(instance: dg.DagsterInstance) -> bool:
    """Whether a sync or sweep of this account is queued or started: a second one would only wait behind it."""
    ours = {"account": ACCOUNT}
    return any(
        instance.get_runs(filters=dg.RunsFilter(job_name=job, statuses=_BUSY, tags=ours), limit=1) for job in _SYNC_JOBS
    )


@dg.schedule(job=returns_sync, cron_schedule="*/10 * * * *", default_status=dg.DefaultScheduleStatus.RUNNING)
@watched_schedule
def returns_sync_schedule(context: dg.ScheduleEvaluationContext) -> dg.RunRequest | dg.SkipReason:
    """Every ten minutes: read what changed and act on it. A run is tagged with ReturnGo's pace where its day runs short, and never skipped for that.

    Deliberately NOT skipped: goods, credits and confirmations do not wait for ReturnGo's lists.
    """
    if sync_is_under_way(context.instance):
        return dg.SkipReason("a sync is queued or under way")
    return dg.RunRequest(tags=tag_of_pace())


@dg.schedule(job=full_sweep, cron_schedule="30 2 * * *", default_status=dg.DefaultScheduleStatus.RUNNING)
@watched_schedule
def full_sweep_schedule(context: dg.ScheduleEvaluationContext) -> dg.RunRequest | dg.SkipReason:
    """Every night: read every open return, credit and goods-in note again."""
    if sync_is_under_way(context.instance):
        return dg.SkipReason("a sync is queued or under way")
    return dg.RunRequest()


@dg.schedule(job=month_end_close, cron_schedule="0 6 1 * *", default_status=dg.DefaultScheduleStatus.RUNNING)
@watched_schedule
def month_end_close_schedule(context: dg.ScheduleEvaluationContext) -> dg.RunRequest:
    """On the first of each month: the picture of the month that ended."""
    ended = (context.scheduled_execution_time.replace(day=1) - dt.timedelta(days=1)).strftime("%Y-%m-01")
    return dg.RunRequest(partition_key=ended)


@dg.schedule(job=pipeline_health, cron_schedule="*/5 * * * *", default_status=dg.DefaultScheduleStatus.RUNNING)
@watched_schedule
def health_schedule() -> dg.RunRequest:
    """Every five minutes: measure the pipeline itself, whatever the rest does."""
    return dg.RunRequest()
