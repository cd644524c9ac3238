"""The standing inventory of a writer: how many of its writes are open, which of them are stuck, oldest first, and what to do. Not the exceptions."""

import datetime as dt

import pandas as pd

from returns_pipeline.domain.catalogue import CATALOGUE
from returns_pipeline.stages.report import Verdict

# Writer -> the check that its asset answers.
CHECK_OF_WRITER = {
    "expected_returns": "no_expected_return_is_stuck",
    "posted_credits": "no_posting_is_stuck",
    "receipt_confirmations": "no_confirmation_is_stuck",
    "stock_transfers": "no_transfer_write_is_stuck",
}
_DONE = ("confirmed", "voided")
_TROUBLED = {"rejected": "effect_rejected", "halted": "effect_halted", "unknown": "effect_unknown"}
_PATIENCE = dt.timedelta(days=1)
_LONG_PLANNED = "Look at the gates, at the settings' [effects] and at the quota: it was planned and never sent."
_MOST_SHOWN = 20


def inventory(writer: str, effects: pd.DataFrame, now: dt.datetime) -> Verdict:
    """The verdict over a writer's open effects.

    Args:
        writer: a key of `CHECK_OF_WRITER`.
        effects: the writer's effects: effect_id, business_key, state, reason, needs_approval, approved_batch, created_at.
        now: the pass's moment.

    Returns:
        Offending are writes that were refused, stopped or never answered, and those planned for more than a day that nobody has to approve.
    """
    still_open = effects[~effects["state"].isin(_DONE)].sort_values(["created_at", "effect_id"])
    is_waiting = (still_open["state"] == "planned") & still_open["needs_approval"] & still_open["approved_batch"].isna()
    is_late = (still_open["state"] == "planned") & ~is_waiting & (now - still_open["created_at"] > _PATIENCE)
    stuck = still_open[still_open["state"].isin(_TROUBLED) | is_late]
    return Verdict(
        CHECK_OF_WRITER[writer],
        looked_at=len(still_open),
        offending=len(stuck),
        offenders=tuple(
            (
                str(effect["business_key"]),
                f"{effect['state']} since {effect['created_at']:%Y-%m-%d %H:%M} UTC: {effect['reason'] or 'not sent yet'}",
                CATALOGUE[_TROUBLED[effect["state"]]].next_step if effect["state"] in _TROUBLED else _LONG_PLANNED,
            )
            for effect in stuck.head(_MOST_SHOWN).fillna({"reason": ""}).to_dict("records")
        ),
        sums={"open": len(still_open), "awaiting_approval": int(is_waiting.sum())},
    )
