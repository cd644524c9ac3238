"""`exception_alert_sensor`: tells people of new causes, of what is overdue and of the day's list, and sends what the outbox holds."""

import dagster as dg
import psycopg

from returns_pipeline.defs.alerting import NO_CHANNEL, announcer
from returns_pipeline.defs.watched import watched_sensor
from returns_pipeline.stages.parts import SENSOR_INTERVAL_SECONDS


@dg.sensor(
    minimum_interval_seconds=SENSOR_INTERVAL_SECONDS,
    default_status=dg.DefaultSensorStatus.RUNNING,
    description="One message per cause to its owner, once to the next owner when its time is over, and the day's list. "
    "Reads only the database; a channel that does not answer gets its messages later. Starts no run.",
)
@watched_sensor
def exception_alert_sensor(_: dg.SensorEvaluationContext, connection: psycopg.Connection) -> dg.SkipReason:
    """Queues what changed and delivers what is due."""
    speaker = announcer(connection)
    if speaker is None:
        return dg.SkipReason(NO_CHANNEL)
    causes, escalations, digests = speaker.causes(), speaker.escalations(), speaker.digests()
    delivered = speaker.deliver()
    failures = "".join(f"; {words}" for words in delivered.failures.values())
    return dg.SkipReason(
        f"{causes} new causes, {escalations} escalations, {digests} lists; {delivered.sent} messages sent{failures}"
    )
