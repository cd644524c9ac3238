"""`new_goods_in_sensor`: goods were booked in, so their returns are judged now and not at the next sync. The only sensor that calls an API."""

import dagster as dg
import psycopg

from returns_pipeline.defs.jobs import returns_sync
from returns_pipeline.defs.resting import stretched
from returns_pipeline.defs.schedules import sync_is_under_way
from returns_pipeline.defs.scoped import scoped_to
from returns_pipeline.defs.watched import watched_sensor
from returns_pipeline.settings import load_settings
from returns_pipeline.stages import new_goods
from returns_pipeline.stages.accounts import Accounts
from returns_pipeline.stages.parts import SENSOR_INTERVAL_SECONDS


@dg.sensor(
    job=returns_sync,
    minimum_interval_seconds=SENSOR_INTERVAL_SECONDS,
    default_status=dg.DefaultSensorStatus.RUNNING,
    description="Goods booked in on our credits since the last look: one paced search of Brightpearl a minute. "
    "Asks for a sync of just those returns, so that their credits follow within two minutes.",
)
@watched_sensor
def new_goods_in_sensor(
    context: dg.SensorEvaluationContext, connection: psycopg.Connection
) -> dg.RunRequest | dg.SkipReason:
    """Asks for a sync of the returns whose goods came; the cursor moves only with an answer."""
    if sync_is_under_way(context.instance):
        return dg.SkipReason("a sync is under way and reads goods-in itself")
    settings = load_settings()
    accounts = Accounts(settings)
    try:
        arrivals = new_goods.look(connection, accounts, settings, context.cursor)
    finally:
        accounts.close()
    if arrivals is None:
        return dg.SkipReason("no sync has read goods movements yet: the first one begins")
    context.update_cursor(arrivals.cursor)
    if not arrivals.rma_ids:
        return dg.SkipReason("no goods were booked in on our credits since the last look")
    # A sync of single returns reads each from ReturnGo; a whole one costs no call of a day that runs short.
    is_whole = bool(stretched(connection))
    return dg.RunRequest(
        run_config={} if is_whole else scoped_to(context, arrivals.rma_ids),
        tags={"reason": f"goods-in note {', '.join(str(note) for note in arrivals.note_ids)}"[:200]},
    )
