"""Settles effects whose outcome is unknown, by looking them up. GET only: it runs with gates closed, writers off and ingest failing.

Absence is concluded only after the horizon, after several empty looks apart from each other, and when the search has shown something newer.
"""

import datetime as dt
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field

import psycopg

from returns_pipeline.clients.outcomes import ReadFailed
from returns_pipeline.effects import kinds, restore
from returns_pipeline.effects.clock import Clock
from returns_pipeline.effects.reading import Reader
from returns_pipeline.effects.sightings import Sighting, look
from returns_pipeline.effects.sinks import Accounts
from returns_pipeline.settings import Settings
from returns_pipeline.storage.ledger import claiming, outcomes, reading
from returns_pipeline.storage.ledger.effect import Effect, read_one
from returns_pipeline.storage.ledger.outcomes import Move

_MOST_ATTEMPTS = 5
_HALTED_LOOK_SECONDS = 3600.0
_POSTING_LOOK_SECONDS = 30.0
# Another system's clock may differ by this much from the database's.
_CLOCK_SKEW = dt.timedelta(minutes=5)


@dataclass
class SettleReport:
    """What looking up did: effects by the state they came to, how many are still unknown, what could not be read, what is still being posted."""

    by_state: Counter[str] = field(default_factory=Counter)
    still_unknown: int = 0
    unread: list[str] = field(default_factory=list)
    pending: list[Effect] = field(default_factory=list)

    @property
    def moved(self) -> int:
        """How many effects left `unknown`, or had news while halted."""
        return sum(self.by_state.values())


def settle(
    connection: psycopg.Connection, accounts: Accounts, wanted: Sequence[str], settings: Settings
) -> SettleReport:
    """Expires leases, then looks up every unknown outcome of these kinds that is due; after a restore, everything unconfirmed."""
    claiming.expire_leases(connection)
    reader = Reader(accounts, settings)
    report = SettleReport()
    if restore.is_noticed(connection):
        try:
            restore.adopt_what_stands(connection, reader, report.by_state)
        except ReadFailed as failure:
            report.unread.append(f"after the restore: {failure}")
    due = reading.due_to_look_up(connection, wanted)
    reader.prefetch(due)
    _look_up(connection, reader, settings, due, report)
    return report


def settle_soon(
    connection: psycopg.Connection,
    reader: Reader,
    settings: Settings,
    clock: Clock,
    effects: Sequence[Effect],
    wait_seconds: float,
) -> SettleReport:
    """Right after sending: compares answered repeats, and looks whether Brightpearl has posted what it was asked to, again for so long.

    Raises:
        ReadFailed: what was sent could not be read back; it stays unknown.
    """
    report = SettleReport()
    repeats = [
        effect
        for effect in effects
        if effect.state == "unknown" and (effect.reason or "").startswith("answered_as_repeat:")
    ]
    _look_up(connection, reader, settings, repeats, report)
    pending = [
        effect
        for effect in effects
        if effect.state == "unknown" and (effect.reason or "").startswith("posting_pending:")
    ]
    ends_at = clock.monotonic() + wait_seconds
    pause = 1.0
    while pending:
        reader.forget()
        reader.prefetch(pending)
        _look_up(connection, reader, settings, pending, report)
        pending = [
            now for now in (read_one(connection, effect.effect_id) for effect in pending) if now.state == "unknown"
        ]
        if not pending or clock.monotonic() + pause > ends_at:
            break
        clock.sleep(pause)
        pause *= 2
    report.pending = pending
    return report


def _look_up(
    connection: psycopg.Connection, reader: Reader, settings: Settings, effects: Sequence[Effect], report: SettleReport
) -> None:
    for effect in effects:
        try:
            sighting = look(reader, effect, outcomes.remote_ids_seen(connection, effect.effect_id))
            state = _Judge(connection, reader, settings).move(effect, sighting)
        except ReadFailed as failure:
            report.unread.append(f"{effect}: {failure}")
            outcomes.look_later(connection, effect, settings.ledger.absence_search_interval_seconds, str(effect.reason))
            state = None
        if state is None:
            report.still_unknown += effect.state == "unknown"
        else:
            report.by_state[state] += 1


class _Judge:
    """What follows from a sighting. Times are compared on the database's clock."""

    def __init__(self, connection: psycopg.Connection, reader: Reader, settings: Settings) -> None:
        self._connection = connection
        self._reader = reader
        self._settings = settings

    def move(self, effect: Effect, sighting: Sighting) -> str | None:
        """Makes the move and answers the new state, or None where the effect stays as it is."""
        if effect.state == "halted":
            return self._late(effect, sighting)
        if sighting.state == "found":
            return self._confirm(effect, str(sighting.remote_id))
        if sighting.state == "mismatch":
            return self._halt(effect, f"payload_mismatch: {sighting.remote_id} stands there, but {sighting.detail}")
        if sighting.state == "several":
            return self._halt(
                effect, f"duplicate_remote: {sighting.detail} carry the same reference; delete none of them unseen"
            )
        if sighting.state == "cancelled":
            return self._halt(
                effect, f"credit_gone: it was made as {sighting.remote_id}, and somebody has cancelled that"
            )
        if sighting.state == "pending":
            return self._pending(effect)
        if not self._past_horizon(effect):
            self._wait(effect)
            return None
        return self._absent(effect, sighting)

    def _confirm(self, effect: Effect, remote_id: str) -> str | None:
        try:
            done = outcomes.settle(
                self._connection, effect, Move("confirmed", remote_id=remote_id, confirmed_by="reconciled")
            )
        except psycopg.errors.UniqueViolation:
            return self._halt(effect, f"duplicate_remote: {remote_id} already belongs to another effect")
        return "confirmed" if done else None

    def _halt(self, effect: Effect, reason: str) -> str | None:
        wait = _HALTED_LOOK_SECONDS
        return (
            "halted" if outcomes.settle(self._connection, effect, Move("halted", reason, wait_seconds=wait)) else None
        )

    def _late(self, effect: Effect, sighting: Sighting) -> str | None:
        if sighting.state not in ("found", "mismatch", "several"):
            outcomes.look_later(self._connection, effect, _HALTED_LOOK_SECONDS, str(effect.reason))
            return None
        words = {
            "found": f"adoption_proposed: {sighting.remote_id} has appeared and matches: adopt it, or void this and delete it by hand",
            "mismatch": f"payload_mismatch: {sighting.remote_id} has appeared, but {sighting.detail}",
            "several": f"duplicate_remote: {sighting.detail} carry the same reference",
        }
        outcomes.look_later(self._connection, effect, _HALTED_LOOK_SECONDS, words[sighting.state])
        return "halted"

    def _pending(self, effect: Effect) -> str | None:
        if not self._past_horizon(effect):
            outcomes.look_later(
                self._connection, effect, _POSTING_LOOK_SECONDS, "posting_pending: Brightpearl is posting the credit"
            )
            return None
        return self._again(
            effect, "posting_stuck: Brightpearl has not finished posting; closing again is allowed while it is pending"
        )

    def _absent(self, effect: Effect, sighting: Sighting) -> str | None:
        if effect.kind not in kinds.MAKING:
            return self._again(effect, "not_carried_out: its state shows that it did not happen")
        if sighting.state == "absent" and not self._is_proven_absent(effect):
            self._wait(effect)
            return None
        if self._settings.brightpearl.dedupe == "proven" and effect.kind in kinds.REFERENCED:
            return self._again(
                effect, "not_found: sent again under the same reference, which Brightpearl takes only once"
            )
        return self._halt(
            effect, "outcome_unknown: it was not found, and may still appear; look for it, then retry, adopt or void"
        )

    def _is_proven_absent(self, effect: Effect) -> bool:
        return effect.reconcile_tries + 1 >= self._settings.ledger.absence_searches and self._shows_newer(effect)

    def _again(self, effect: Effect, reason: str) -> str | None:
        if effect.attempt >= _MOST_ATTEMPTS:
            return self._halt(effect, f"no_progress: {effect.attempt} attempts, the last one {reason}")
        return "planned" if outcomes.settle(self._connection, effect, Move("planned", reason)) else None

    def _wait(self, effect: Effect) -> None:
        outcomes.look_again(self._connection, effect, self._settings.ledger.absence_search_interval_seconds)

    def _past_horizon(self, effect: Effect) -> bool:
        row = self._connection.execute(
            "SELECT clock_timestamp() > %s::timestamptz + make_interval(secs => %s)",
            [effect.sent_at, self._settings.ledger.unknown_horizon_seconds],
        ).fetchone()
        return bool(row and row[0])

    def _shows_newer(self, effect: Effect) -> bool:
        """Whether the search has shown something made after this could have been: only then is its silence about this worth anything."""
        if effect.kind != "credit.raise" or effect.sent_at is None:
            return True  # looked up by the record it hangs on, not through an index
        since = effect.sent_at + dt.timedelta(seconds=self._settings.ledger.unknown_horizon_seconds / 2)
        later = self._connection.execute(
            """SELECT remote_ref FROM effect WHERE kind = 'credit.raise' AND state = 'confirmed' AND sent_at > %s
               ORDER BY sent_at LIMIT 1""",
            [since],
        ).fetchone()
        if later is not None and self._reader.credits_by_reference(later[0]):
            return True
        return self._reader.shows_credit_after(since + _CLOCK_SKEW)
