"""`early_look_sensor`: a webhook said that something moved, so its return is looked at before the next sync. Hints only; polling stays the truth."""

import datetime as dt

import dagster as dg
import psycopg

from returns_pipeline.defs.jobs import returns_sync
from returns_pipeline.defs.resting import all_rest
from returns_pipeline.defs.schedules import sync_is_under_way
from returns_pipeline.defs.scoped import scoped_to
from returns_pipeline.defs.watched import watched_sensor
from returns_pipeline.settings import load_settings
from returns_pipeline.stages import early_look
from returns_pipeline.stages.accounts import Accounts
from returns_pipeline.stages.parts import SENSOR_INTERVAL_SECONDS


@dg.sensor(
    job=returns_sync,
    minimum_interval_seconds=SENSOR_INTERVAL_SECONDS,
    default_status=dg.DefaultSensorStatus.RUNNING,
    description="Open returns that a webhook named since the last look. Asks for a sync of just those, so many an hour as [webhooks] allows; "
    "what a message says is never believed. Rests while [webhooks] public_url is empty.",
)
@watched_sensor
def early_look_sensor(
    context: dg.SensorEvaluationContext, connection: psycopg.Connection
) -> dg.RunRequest | dg.SkipReason:
    """Asks for a sync of the returns that hints name."""
    settings = load_settings()
    if not settings.webhooks.public_url:
        return dg.SkipReason("[webhooks] public_url is empty: no webhooks are taken in")
    if sync_is_under_way(context.instance):
        return dg.SkipReason("a sync is under way and reads what moved itself")
    if all_rest(connection):
        return dg.SkipReason("ReturnGo's calls of the day are kept for what goes first: hints wait for the next sync")
    accounts = Accounts(settings)
    try:
        found = early_look.look(connection, accounts, settings, dt.datetime.now(dt.UTC))
    finally:
        accounts.close()
    left = f"; {found.left} hints wait for the next sync, the hour's looks are used" if found.left else ""
    if not found.rma_ids:
        return dg.SkipReason(f"no hint names an open return{left}")
    named = ", ".join(str(rma_id) for rma_id in found.rma_ids)
    return dg.RunRequest(
        run_config=scoped_to(context, found.rma_ids), tags={"reason": f"hints about RMA {named}"[:200]}
    )
