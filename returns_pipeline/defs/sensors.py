"""What is watched between schedules. Sensors read only the database; what is wrong is decided below, in `storage.gaps` and `domain`."""

import hashlib
import os
from collections.abc import Sequence

import dagster as dg

from returns_pipeline.defs.jobs import returns_sync
from returns_pipeline.defs.schedules import sync_is_under_way
from returns_pipeline.storage import database, gaps, heartbeats

_INTERVAL_SECONDS = 60


@dg.sensor(
    job=returns_sync,
    minimum_interval_seconds=_INTERVAL_SECONDS,
    default_status=dg.DefaultSensorStatus.RUNNING,
    description="Goods that came back and whose credit or money has not followed: not raised, not posted, or not recorded. "
    "Asks for a sync where time can heal it, and never twice for the same state.",
)
def receipts_without_credit_sensor(context: dg.SensorEvaluationContext) -> dg.RunRequest | dg.SkipReason:
    """Announces only changes: the cursor is the fingerprint of the gaps seen last."""
    if not os.environ.get("RETURNS_DATABASE_URL"):
        return dg.SkipReason("RETURNS_DATABASE_URL is not set for this process, so nothing can be watched")
    with database.connect() as connection:
        found = gaps.read(connection)
        heartbeats.beat(
            connection, "receipts_without_credit_sensor", "sensor", expected_every_seconds=_INTERVAL_SECONDS * 5
        )
        connection.commit()
    fingerprint = _fingerprint(found)
    if fingerprint == context.cursor:
        return dg.SkipReason(f"nothing changed: {_in_words(found)}")
    healing = [gap for gap in found if gap.heals_with_time]
    if healing and sync_is_under_way(context.instance):
        return dg.SkipReason(f"a sync is under way; {_in_words(found)}")
    context.update_cursor(fingerprint)
    if not healing:
        return dg.SkipReason(
            f"a person has to act, not a run: {_in_words(found)}" if found else "every receipt has its credit"
        )
    return dg.RunRequest(run_key=f"gaps-{fingerprint}", tags={"reason": _in_words(found)[:200]})


def _fingerprint(found: Sequence[gaps.Gap]) -> str:
    state = "\n".join(f"{gap.shape} {gap.credit_id} {gap.state} {gap.units}" for gap in found)
    return hashlib.sha256(state.encode()).hexdigest()[:32]


def _in_words(found: Sequence[gaps.Gap]) -> str:
    if not found:
        return "no receipt without a credit"
    shapes = {shape: sum(gap.shape == shape for gap in found) for shape in dict.fromkeys(gap.shape for gap in found)}
    oldest = found[0]
    return (
        ", ".join(f"{count} {shape.replace('_', ' ')}" for shape, count in shapes.items())
        + f"; oldest: credit {oldest.credit_id}, {oldest.state}"
    )
