"""`failed_check_sensor`: a check that fails without blocking leaves its run green, so its result is watched here."""

import json

import dagster as dg
import psycopg

from returns_pipeline.alerts.announce import began_to_fail, key_of
from returns_pipeline.defs.alerting import NO_CHANNEL, announcer
from returns_pipeline.defs.watched import watched_sensor
from returns_pipeline.stages.parts import SENSOR_INTERVAL_SECONDS
from returns_pipeline.storage import check_results


@dg.sensor(
    minimum_interval_seconds=SENSOR_INTERVAL_SECONDS,
    default_status=dg.DefaultSensorStatus.RUNNING,
    description="Checks that passed before and fail now, from returns.check_results: each is told once, until it has passed again. Starts no run.",
)
@watched_sensor
def failed_check_sensor(context: dg.SensorEvaluationContext, connection: psycopg.Connection) -> dg.SkipReason:
    """Tells what began to fail; the cursor keeps the names of the checks that fail."""
    newest = check_results.newest(connection)
    failing = sorted(key_of(result) for result in newest if not result.passed)
    speaker = announcer(connection)
    if speaker is None:
        return dg.SkipReason(f"{len(failing)} checks fail; {NO_CHANNEL}")
    before = set(json.loads(context.cursor or "[]"))
    told = speaker.checks(began_to_fail(newest, before))
    context.update_cursor(json.dumps(failing))
    return dg.SkipReason(f"{len(failing)} of {len(newest)} checks fail, {told} of them were told now")
