"""The parts that keep the pipeline alive, and how long each may be silent before somebody must look. Who beats is in `defs/`."""

from collections.abc import Mapping

from returns_pipeline.storage.heartbeats import Part

_MINUTE, _HOUR, _DAY = 60, 3600, 86400
# Sensors tick each minute; five missed ticks are no longer a slow daemon.
SENSOR_INTERVAL_SECONDS = _MINUTE
_SENSOR_SILENCE_SECONDS = 5 * _MINUTE

_PARTS = (
    Part("returns_sync_schedule", "schedule", 25 * _MINUTE),
    Part("full_sweep_schedule", "schedule", 25 * _HOUR),
    Part("month_end_close_schedule", "schedule", 32 * _DAY),
    Part("health_schedule", "schedule", 15 * _MINUTE),
    Part("housekeeping_schedule", "schedule", 25 * _HOUR),
    Part("receipts_without_credit_sensor", "sensor", _SENSOR_SILENCE_SECONDS),
    Part("new_goods_in_sensor", "sensor", _SENSOR_SILENCE_SECONDS),
    Part("early_look_sensor", "sensor", _SENSOR_SILENCE_SECONDS),
    Part("exception_alert_sensor", "sensor", _SENSOR_SILENCE_SECONDS),
    Part("failed_check_sensor", "sensor", _SENSOR_SILENCE_SECONDS),
    Part("run_failure_sensor", "sensor", _SENSOR_SILENCE_SECONDS),
    # A schedule that ticks while its runs stay in the queue is alive and does nothing.
    Part("returns_sync", "job", _HOUR),
    Part("pipeline_health", "job", 20 * _MINUTE),
)

PARTS: Mapping[str, Part] = {part.name: part for part in _PARTS}
