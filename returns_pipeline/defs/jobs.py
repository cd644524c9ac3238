"""The jobs people start: which assets each one runs and under which tags. Their schedules and sensors are next door."""

import dagster as dg

from returns_pipeline.defs.names import ACCOUNT, asset_key

CLOSE = dg.AssetSelection.assets(asset_key("finance/month_end_close"))
HEALTH = dg.AssetSelection.assets(asset_key("operations/health"))
WHOLE_GRAPH = dg.AssetSelection.all() - CLOSE - HEALTH

# One sync of an account at a time (dagster.yaml); the second waits in the queue.
SYNC_TAGS = {"account": ACCOUNT, "shops": "all"}
SWEEP_TAGS = SYNC_TAGS | {"sweep": "yes"}

returns_sync = dg.define_asset_job(
    "returns_sync",
    selection=WHOLE_GRAPH,
    description="Reads what changed, matches, decides, writes and reconciles: the ten-minute heartbeat.",
    tags=SYNC_TAGS,
)
full_sweep = dg.define_asset_job(
    "full_sweep",
    selection=WHOLE_GRAPH,
    description="The same as returns_sync, but every open return, credit and goods-in note is read again.",
    tags=SWEEP_TAGS,
)
month_end_close = dg.define_asset_job(
    "month_end_close",
    selection=CLOSE,
    description="Finance's picture of one calendar month, each shop's bounds in its own time zone.",
)
pipeline_health = dg.define_asset_job(
    "pipeline_health",
    selection=HEALTH,
    executor_def=dg.in_process_executor,
    description="Measures the pipeline itself: heartbeats, quota, oldest gap.",
)
