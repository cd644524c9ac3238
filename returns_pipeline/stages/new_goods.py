"""Looks for goods booked in since the last look, with one paced search: which returns must be judged now. Reads only; stores nothing."""

import datetime as dt
import json
from dataclasses import dataclass

import psycopg

from returns_pipeline.clients.brightpearl_answers import stamps_of
from returns_pipeline.settings import Settings
from returns_pipeline.stages.accounts import Accounts
from returns_pipeline.stages.ingest_credits import MOVEMENTS_SINCE, OVERLAP
from returns_pipeline.storage import cursors, known_credits


@dataclass(frozen=True)
class Arrivals:
    """The returns on whose credits goods were booked in, the notes, and where the next look begins."""

    rma_ids: tuple[int, ...]
    note_ids: tuple[int, ...]
    cursor: str


def look(connection: psycopg.Connection, accounts: Accounts, settings: Settings, cursor: str | None) -> Arrivals | None:
    """Searches goods movements since the cursor, or since the last sync; None while no sync has read any.

    Goods on a credit that is not ours are left to the sync. A note is answered once, however long the search goes on showing it.

    Raises:
        ReadFailed: the account could not be read; ask again.
    """
    before = json.loads(cursor) if cursor else {"since": None, "asked": []}
    synced = [cursors.read(connection, MOVEMENTS_SINCE, shop.label) for shop in settings.shops]
    known = [dt.datetime.fromisoformat(text) for text in (*synced, before["since"]) if text]
    if not any(synced):
        return None
    since = max(known) if before["since"] else min(known)
    movements = list(accounts.brightpearl.goods_movements(since - OVERLAP))
    notes = {
        int(row["goodsNoteId"]): int(row["orderId"])
        for row in movements
        if row.get("goodsNoteId") and row.get("orderId")
    }
    fresh = notes.keys() - set(before["asked"]) - known_credits.known_notes(connection, notes.keys())
    rma_of = known_credits.rma_of_credits(connection, {notes[note] for note in fresh})
    ours = sorted(note for note in fresh if notes[note] in rma_of)
    seen = max((stamp for row in movements for stamp in stamps_of(row, "updatedOn")), default=since)
    # A stamp ahead of the account's own clock would skip what is stamped rightly.
    newest = max(since, min(seen, accounts.brightpearl.server_time or seen))
    asked = sorted((set(before["asked"]) & notes.keys()) | set(ours))
    return Arrivals(
        tuple(sorted({rma_of[notes[note]] for note in ours})),
        tuple(ours),
        json.dumps({"since": newest.isoformat(), "asked": asked}),
    )
