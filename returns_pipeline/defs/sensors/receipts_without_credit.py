"""`receipts_without_credit_sensor`: goods came and credit or money did not follow. Reads only the database."""

import json
from collections.abc import Sequence

import dagster as dg
import psycopg

from returns_pipeline.defs.jobs import returns_sync
from returns_pipeline.defs.schedules import sync_is_under_way
from returns_pipeline.defs.watched import watched_sensor
from returns_pipeline.settings import load_settings
from returns_pipeline.stages.parts import SENSOR_INTERVAL_SECONDS
from returns_pipeline.storage import gaps


@dg.sensor(
    job=returns_sync,
    minimum_interval_seconds=SENSOR_INTERVAL_SECONDS,
    default_status=dg.DefaultSensorStatus.RUNNING,
    description="Goods that came back and whose credit or money has not followed: no credit, not posted, or money not recorded. "
    "Asks for a sync where time can heal it, and never twice for the same state.",
)
@watched_sensor
def receipts_without_credit_sensor(
    context: dg.SensorEvaluationContext, connection: psycopg.Connection
) -> dg.RunRequest | dg.SkipReason:
    """Asks once per gap and state; the cursor keeps the marks of what was told and of what was asked for."""
    recording = [shop.label for shop in load_settings().shops if shop.policy.record_refunds]
    found = gaps.read(connection, recording)
    before = json.loads(context.cursor or '{"told": [], "asked": []}')
    told = sorted(gap.mark for gap in found)
    if told == before["told"]:
        return dg.SkipReason(f"nothing changed: {_in_words(found)}")
    healing = {gap.mark for gap in found if gap.heals_with_time}
    fresh = healing - set(before["asked"])
    if fresh and sync_is_under_way(context.instance):
        return dg.SkipReason(f"a sync is under way; {_in_words(found)}")
    context.update_cursor(json.dumps({"told": told, "asked": sorted(healing)}))
    if fresh:
        return dg.RunRequest(tags={"reason": _in_words(found)[:200]})
    whose = "a sync was asked for" if healing else "a person has to act, not a run"
    return dg.SkipReason(f"{whose}: {_in_words(found)}" if found else "every receipt has its credit")


def _in_words(found: Sequence[gaps.Gap]) -> str:
    if not found:
        return "no receipt without a credit"
    shapes = {shape: sum(gap.shape == shape for gap in found) for shape in dict.fromkeys(gap.shape for gap in found)}
    oldest = found[0]
    return (
        ", ".join(f"{count} {shape.replace('_', ' ')}" for shape, count in shapes.items())
        + f"; oldest: credit {oldest.credit_id}, {oldest.state}"
    )
