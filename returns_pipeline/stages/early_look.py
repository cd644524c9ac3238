"""Follows up the hints that webhooks brought: which open returns are worth a look before the next sync. A hint is never a fact; at most one read is made."""

import datetime as dt
from collections.abc import Iterable
from dataclasses import dataclass

import psycopg

from returns_pipeline.settings import Settings
from returns_pipeline.stages.accounts import Accounts
from returns_pipeline.storage import hints, known_credits
from returns_pipeline.storage.hints import WaitingHint

# A sync runs every ten minutes and reads all that moved: what waited longer was overtaken.
_OVERTAKEN_AFTER = dt.timedelta(minutes=10)
_HOUR = dt.timedelta(hours=1)
_IDS_PER_CALL = 200


@dataclass(frozen=True)
class EarlyLook:
    """The returns to look at now, and how many hints were left to the next sync because the hour's looks are used up."""

    rma_ids: tuple[int, ...]
    left: int


def look(connection: psycopg.Connection, accounts: Accounts, settings: Settings, now: dt.datetime) -> EarlyLook:
    """The open returns that waiting hints are about, within the looks of an hour; those hints are taken.

    Goods-in notes are read to learn their credits: one call for up to 200 of them, whoever sent the hint. Nothing is asked for returns of other
    shops than the one that spoke, for ended ones, and for what we moved ourselves.

    Raises:
        ReadFailed: the notes could not be read; the hints go on waiting.
    """
    waiting = hints.waiting(connection, now - _OVERTAKEN_AFTER)
    allowed = max(settings.webhooks.looks_per_hour - hints.looks_since(connection, now - _HOUR), 0)
    returns_of = _returns_of(connection, accounts, waiting) if allowed else {}
    due = [hint for hint in waiting if returns_of.get(hint.hint_id)]
    followed = due[:allowed]
    idle = [hint.hint_id for hint in waiting if allowed and hint not in due]
    hints.take(connection, [hint.hint_id for hint in followed], idle, now, now - _OVERTAKEN_AFTER)
    rma_ids = {rma_id for hint in followed for rma_id in returns_of[hint.hint_id]}
    return EarlyLook(tuple(sorted(rma_ids)), len(waiting) - len(idle) - len(followed))


def _returns_of(
    connection: psycopg.Connection, accounts: Accounts, waiting: Iterable[WaitingHint]
) -> dict[int, set[int]]:
    """Hint id -> open returns that it is about."""
    by_subject: dict[str, list[WaitingHint]] = {"goods_in": [], "order": [], "rma": []}
    for hint in waiting:
        by_subject[hint.subject].append(hint)
    named = {hint.hint_id: {hint.subject_id} for hint in by_subject["rma"]}
    of_order = hints.returns_of_orders(connection, {hint.subject_id for hint in by_subject["order"]})
    named |= {hint.hint_id: of_order.get(hint.subject_id, set()) for hint in by_subject["order"]}
    shop_of = hints.open_returns(connection, {rma_id for some in named.values() for rma_id in some})
    ours = hints.moved_by_us(connection, shop_of, dt.datetime.now(dt.UTC) - _OVERTAKEN_AFTER)
    spoke = {hint.hint_id: hint.shop for hint in waiting}
    found = {
        hint_id: {rma_id for rma_id in rma_ids & shop_of.keys() - ours if spoke[hint_id] in ("", shop_of[rma_id])}
        for hint_id, rma_ids in named.items()
    }
    return found | _returns_of_goods(connection, accounts, by_subject["goods_in"])


def _returns_of_goods(
    connection: psycopg.Connection, accounts: Accounts, named: list[WaitingHint]
) -> dict[int, set[int]]:
    """Hint id -> returns on whose credits the note books goods; a note that was read already is no news."""
    known = known_credits.known_notes(connection, {hint.subject_id for hint in named})
    asked = [hint for hint in named if hint.subject_id not in known][:_IDS_PER_CALL]
    if not asked:
        return {}
    lines = accounts.brightpearl.goods_in_notes(note_ids={hint.subject_id for hint in asked})
    rma_of = known_credits.rma_of_credits(connection, {line.credit_id for line in lines})
    returns: dict[int, set[int]] = {}
    for line in lines:
        if line.credit_id in rma_of:
            returns.setdefault(line.goods_note_id, set()).add(rma_of[line.credit_id])
    return {hint.hint_id: returns.get(hint.subject_id, set()) for hint in asked}
