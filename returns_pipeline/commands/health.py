"""`health`: for a monitor outside Dagster, which notices when Dagster itself is dead."""

import datetime as dt

from returns_pipeline.commands import runtime
from returns_pipeline.commands.answers import Answer
from returns_pipeline.settings import load_settings
from returns_pipeline.stages.parts import PARTS
from returns_pipeline.storage import database, heartbeats, measures


def heartbeats_now() -> Answer:
    """Every measure of the pipeline; 1 on a stale heartbeat, a closed gate or a broken audit chain, and where nothing ever beat."""
    runtime.prepare()
    now = dt.datetime.now(dt.UTC)
    with database.connect() as connection:
        heartbeats.expect(connection, PARTS.values())
        measured = measures.measure(connection, load_settings(), now)
        was_heard = any(heart.beat_at for heart in heartbeats.read(connection))
    rows = measured.to_dict("records")
    lines = [f"{row['state']:<4} {row['shop'] or '-':<6} {row['message']}" for row in rows]
    if not was_heard:
        lines.append("bad  -      no schedule or sensor has ever beaten: is the Dagster daemon running?")
    is_bad = not was_heard or any(row["state"] == "bad" for row in rows)
    return Answer(lines, rows, status=1 if is_bad else 0)
