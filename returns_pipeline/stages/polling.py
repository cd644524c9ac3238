"""Whether a pass asks a shop's lists in ReturnGo, by the plan of its key's day. What is read then is `ingest_returns`'.

Only lists and details ever rest. Writes, the look-up of lost answers and everything in Brightpearl go on in each pass, so a sync is never skipped.
"""

import datetime as dt

from returns_pipeline.domain.quota import TICK_MINUTES
from returns_pipeline.settings import ShopSettings
from returns_pipeline.stages.passes import Pass
from returns_pipeline.storage import cursors

RETURNS_ASKED_AT = "returngo_rmas_asked_at"
TRANSACTIONS_ASKED_AT = "returngo_transactions_asked_at"
# A tick comes some seconds earlier or later than the one before.
_EARLY = dt.timedelta(minutes=TICK_MINUTES / 2)


def why_rest(stage_pass: Pass, shop: ShopSettings, asked_at_name: str) -> str | None:
    """Why this pass does not ask, or None when it does. A sweep does not wait for the interval, and a run about single returns asks no list."""
    day = stage_pass.accounts.day_of(stage_pass.connection, shop)
    every = day.plan.asks_every_minutes
    if every is None:
        return f"not asked, and known as it was: {day.in_words}"
    asked_at = cursors.read(stage_pass.connection, asked_at_name, shop.label)
    if not day.plan.is_stretched or stage_pass.scope.is_sweep or asked_at is None:
        return None
    next_at = dt.datetime.fromisoformat(asked_at) + dt.timedelta(minutes=every)
    if stage_pass.now >= next_at - _EARLY:
        return None
    return f"not asked before {next_at.astimezone(shop.zone):%H:%M}, and known as it was: {day.in_words}"


def asked_now(stage_pass: Pass, asked_at_name: str) -> dict[str, str]:
    """The cursor that remembers this pass's asking; moved with what was read."""
    return {} if stage_pass.scope.rma_ids else {asked_at_name: stage_pass.now.isoformat()}
