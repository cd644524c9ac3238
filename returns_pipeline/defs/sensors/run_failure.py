"""`run_failure_sensor`: runs that failed. A plain sensor, because Dagster's own kind ticks only after a failure and could die unseen."""

import datetime as dt
from collections.abc import Sequence

import dagster as dg
import psycopg

from returns_pipeline.alerts.announce import FailedRuns
from returns_pipeline.defs.alerting import NO_CHANNEL, announcer
from returns_pipeline.defs.watched import watched_sensor
from returns_pipeline.stages.parts import SENSOR_INTERVAL_SECONDS

_DAY = dt.timedelta(days=1)
_MOST_RUNS = 100


@dg.sensor(
    minimum_interval_seconds=SENSOR_INTERVAL_SECONDS,
    default_status=dg.DefaultSensorStatus.RUNNING,
    description="Runs of any job that failed: one message per job and step, at most one per [alerts] gather_minutes. Starts no run.",
)
@watched_sensor
def run_failure_sensor(context: dg.SensorEvaluationContext, connection: psycopg.Connection) -> dg.SkipReason:
    """Tells runs that failed since the last tick; the cursor is the moment of the newest."""
    speaker = announcer(connection)
    if speaker is None:
        return dg.SkipReason(NO_CHANNEL)
    now = dt.datetime.now(dt.UTC)
    since = dt.datetime.fromisoformat(context.cursor) if context.cursor else now - _DAY
    records = _failed(context, now - _DAY)
    fresh = [record for record in records if record.update_timestamp > since]
    told = speaker.failed_runs(_grouped(context.instance, fresh, records))
    context.update_cursor(max([since, *(record.update_timestamp for record in fresh)]).isoformat())
    return dg.SkipReason(f"{len(fresh)} runs failed since the last look, {told} messages")


def _failed(context: dg.SensorEvaluationContext, since: dt.datetime) -> Sequence[dg.RunRecord]:
    """Failed runs but those of other accounts' code locations: their own sensors tell them, to their own people."""
    filters = dg.RunsFilter(statuses=[dg.DagsterRunStatus.FAILURE], updated_after=since)
    records = context.instance.get_run_records(filters=filters, limit=_MOST_RUNS)
    return [record for record in records if _location_of(record) in (None, _name_of(context))]


def _location_of(record: dg.RunRecord) -> str | None:
    """None where the run was made by the command and not by a code location."""
    origin = record.dagster_run.remote_job_origin
    return origin.repository_origin.code_location_origin.location_name if origin else None


def _name_of(context: dg.SensorEvaluationContext) -> str | None:
    origin = context.code_location_origin
    return origin.location_name if origin else None


def _grouped(
    instance: dg.DagsterInstance, fresh: Sequence[dg.RunRecord], of_the_day: Sequence[dg.RunRecord]
) -> list[FailedRuns]:
    """By job and step, the newest run of each."""
    found: dict[tuple[str, str], FailedRuns] = {}
    for record in sorted(fresh, key=lambda record: record.update_timestamp, reverse=True):
        run = record.dagster_run
        step, words = _cause(instance, run.run_id)
        count = sum(other.dagster_run.job_name == run.job_name for other in of_the_day)
        found.setdefault((run.job_name, step), FailedRuns(run.job_name, step, words, run.run_id, count))
    return list(found.values())


def _cause(instance: dg.DagsterInstance, run_id: str) -> tuple[str, str]:
    """The step that failed first, with the first line of its own error; the run's own words where no step failed."""
    for kind in (dg.DagsterEventType.STEP_FAILURE, dg.DagsterEventType.RUN_FAILURE):
        for record in instance.get_records_for_run(run_id, of_type=kind, limit=1).records:
            event = record.event_log_entry.get_dagster_event()
            if event.is_step_failure:
                error = event.step_failure_data.error
                error = error.cause or error if error else None
                return event.step_key or "", error.message.strip().split("\n")[0] if error else "no error was recorded"
            return "", event.message or "no error was recorded"
    return "", "no error was recorded"
