"""Carries claimed batches out: guards, then for each effect mark, send, judge, record; then reads back what the batches of a kind sent."""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol

import psycopg

from returns_pipeline.clients.outcomes import NotAllowed, Outcome, ReadFailed, WriteAnswer
from returns_pipeline.clients.pacing import BudgetSpent
from returns_pipeline.effects import failpoints, guards, settle, sinks, verify
from returns_pipeline.effects.clock import Clock
from returns_pipeline.effects.connections import Connections
from returns_pipeline.effects.reading import Reader
from returns_pipeline.effects.sinks import Accounts, Breaker
from returns_pipeline.effects.verdicts import Verdict, verdict
from returns_pipeline.settings import Settings
from returns_pipeline.storage.ledger import acts, claiming, outcomes
from returns_pipeline.storage.ledger.effect import Effect, read_one
from returns_pipeline.storage.ledger.outcomes import Evidence, Move
from returns_pipeline.storage.ledger.payloads import payload_sha256

# Longer than a drain's next look, so that what cannot be sent is not tried over and over in one run.
_REST_SECONDS = 60.0
# As many as one call reads: a batch's guards read each resource once, and so does the look at what several smaller ones sent.
READ_AT_ONCE = 200
# What a worker that died had claimed is free again after this at the latest, however slow its account.
_LONGEST_CLAIM_SECONDS = 300


class Counts(Protocol):
    """Where a batch tells what became of its effects."""

    def count(self, kind: str, state: str, by: int = 1) -> None:
        """Effects of that kind came to that state."""
        ...

    def stop(self, reason: str) -> None:
        """Not everything was sent, and why."""
        ...


@dataclass(frozen=True)
class Worker:
    """Who works, with what, and until when (monotonic seconds)."""

    name: str
    accounts: Accounts
    settings: Settings
    clock: Clock
    stop: Callable[[], bool]
    ends_at: float

    @property
    def claim_seconds(self) -> int:
        """How long a claim holds: for a full batch at the account's pace and the deadline of one more call, within bounds; never less than the settings' lease."""
        ledger = self.settings.ledger
        full = math.ceil(READ_AT_ONCE / self._calls_per_second) + ledger.request_deadline_seconds
        return max(ledger.lease_seconds, min(_LONGEST_CLAIM_SECONDS, full))

    @property
    def batch_size(self) -> int:
        """As many as can be sent while their claim holds; more would only be given back."""
        seconds = self.claim_seconds - self.settings.ledger.request_deadline_seconds
        return max(1, min(READ_AT_ONCE, int(seconds * self._calls_per_second)))

    @property
    def _calls_per_second(self) -> float:
        quota = self.settings.quota
        return quota.brightpearl_per_minute * quota.brightpearl_share / 60

    def why_not_send(self) -> str | None:
        """Why no new call may begin, or None."""
        if self.stop():
            return "asked to stop: the rest stays planned"
        if self.clock.monotonic() >= self.ends_at:
            return (
                f"{self.settings.ledger.drain_seconds} s of draining are over: the rest stays planned for the next run"
            )
        return None


class Batches:
    """The batches of one drain; the breaker counts over all of them."""

    def __init__(self, worker: Worker, connections: Connections, report: Counts) -> None:
        self._worker = worker
        self._connections = connections
        self._report = report
        self._reader = Reader(worker.accounts, worker.settings)
        self._breaker = Breaker()
        self._unread: list[Effect] = []

    def carry_out(self, claimed: Sequence[Effect], sink: str) -> bool:
        """Sends what its guards let pass; what is not reached is released to be planned again.

        Returns:
            Whether the next batch may be claimed.

        Raises:
            ReadFailed: what the guards need could not be read; nothing of the batch was sent.
        """
        failpoints.reach("claimed")
        claimed_at = self._worker.clock.monotonic()
        passed = self._guarded(claimed)
        may_go_on = True
        for position, effect in enumerate(passed):
            try:
                why_not = self._why_not_now(effect, claimed_at)
            except BudgetSpent as spent:
                why_not, may_go_on = f"not_sent: {spent}", False
                self._report.stop(str(spent))
            stopped = why_not is not None or not self._send_one(effect, sink)
            if stopped:
                # The effect at hand was recorded by its own answer; a release passes over it.
                claiming.release(self._connections.current, passed[position:], why_not or "the account stopped")
                break
        if len(self._unread) >= READ_AT_ONCE:
            self._unread = self._read_back(self._unread, wait_seconds=0)
        return may_go_on

    def finish(self) -> None:
        """Reads back what is left of a kind, and waits for Brightpearl's asynchronous posting as long as the settings allow; not where it is to stop."""
        wait_seconds = 0 if self._worker.stop() else self._worker.settings.ledger.close_wait_seconds
        self._read_back(self._unread, wait_seconds=wait_seconds)
        self._unread = []

    def _why_not_now(self, effect: Effect, claimed_at: float) -> str | None:
        """Takes the effect's turn, then says why it must not be sent all the same: a turn may be long in coming."""
        why_not = self._worker.why_not_send()
        if why_not is None:
            self._connections.insist(lambda _: self._reader.take_turn(effect))
            why_not = self._worker.why_not_send() or self._lease_is_short(claimed_at)
        return why_not

    def _guarded(self, claimed: Sequence[Effect]) -> list[Effect]:
        connection = self._connections.current
        objections = guards.objections(connection, self._reader, claimed)
        passed = []
        for effect in claimed:
            objection = objections.get(effect.effect_id)
            if objection is None:
                passed.append(effect)
            elif objection.done_as is not None:
                claiming.release(connection, [effect], objection.reason)
                acts.adopt(connection, effect.effect_id, objection.done_as, self._worker.name, objection.reason)
                self._report.count(effect.kind, "confirmed")
            elif objection.is_outdated:
                claiming.release(connection, [effect], objection.reason)
                acts.void(connection, effect.effect_id, self._worker.name, objection.reason)
                self._report.count(effect.kind, "voided")
            else:
                claiming.halt(connection, effect, objection.reason)
                self._report.count(effect.kind, "halted")
        return passed

    def _lease_is_short(self, claimed_at: float) -> str | None:
        ledger = self._worker.settings.ledger
        left = claimed_at + self._worker.claim_seconds - self._worker.clock.monotonic()
        return None if left >= ledger.request_deadline_seconds else "lease too short for another call"

    def _send_one(self, effect: Effect, sink: str) -> bool:
        """Whether the batch may go on."""
        ledger = self._worker.settings.ledger
        marked_at = self._worker.clock.monotonic()
        try:
            sending = claiming.mark_sending(self._connections.current, effect, ledger.lease_seconds)
        except psycopg.OperationalError:
            self._undo_marking(effect)
            return True
        if sending is None:
            return True
        failpoints.reach("marked")
        if payload_sha256(sending.payload) != sending.payload_sha256:
            judged = Verdict(
                Evidence("refused", detail="not sent"),
                Move("rejected", "payload_changed: it is not what was planned and approved"),
            )
        elif self._worker.clock.monotonic() - marked_at + ledger.request_deadline_seconds > ledger.lease_seconds:
            judged = _never_sent("the worker stalled")
        else:
            judged = self._send(sending)
        failpoints.reach("answered")
        self._record(sending, judged)
        failpoints.reach("recorded")
        self._unread.append(sending)
        return self._may_go_on(sink, judged)

    def _send(self, effect: Effect) -> Verdict:
        try:
            return self._judged(effect, self._reader.send(effect))
        except NotAllowed as refusal:
            # Raised before anything leaves the process.
            return _never_sent(str(refusal))

    def _judged(self, effect: Effect, answer: WriteAnswer) -> Verdict:
        if effect.kind == "credit.post" and answer.outcome is Outcome.REFUSED:
            # Closing what somebody has closed already is refused; the credit's own state says whether that is why.
            try:
                if self._reader.is_posted(int(effect.subject["credit_id"])):
                    credit_id = str(effect.subject["credit_id"])
                    return Verdict(
                        Evidence("refused", answer.http_status, credit_id, answer.detail),
                        Move("confirmed", remote_id=credit_id, confirmed_by="reconciled"),
                    )
            except ReadFailed as failure:
                move = Move(
                    "unknown", f"outcome_unknown: refused with {answer.http_status}, and then {failure}", wait_seconds=5
                )
                return Verdict(Evidence("refused", answer.http_status, None, answer.detail), move)
        return verdict(effect, answer)

    def _record(self, effect: Effect, judged: Verdict) -> None:
        def record(connection: psycopg.Connection) -> None:
            try:
                outcomes.record_outcome(connection, effect, judged.evidence, judged.move)
            except psycopg.errors.UniqueViolation:
                reason = f"duplicate_remote: {judged.move.remote_id} already belongs to another effect"
                outcomes.record_outcome(connection, effect, judged.evidence, Move("unknown", reason))

        self._connections.insist(record)
        self._report.count(
            effect.kind, self._connections.insist(lambda connection: read_one(connection, effect.effect_id)).state
        )

    def _undo_marking(self, effect: Effect) -> None:
        # Whether `sending` was committed is not known, but nothing was sent: read it on a new connection and take it back.
        def undo(connection: psycopg.Connection) -> None:
            now = read_one(connection, effect.effect_id)
            if now.state == "sending" and now.fence == effect.fence:
                judged = _never_sent("the database went away before the call")
                outcomes.record_outcome(connection, now, judged.evidence, judged.move)

        self._connections.insist(undo)

    def _may_go_on(self, sink: str, judged: Verdict) -> bool:
        reason = judged.stops_sink or self._breaker.note(sink, judged.evidence.outcome, judged.evidence.detail)
        if reason is None:
            return True
        sinks.stop(self._connections.current, sink, reason)
        self._report.stop(reason)
        return False

    def _read_back(self, sent: Sequence[Effect], wait_seconds: float) -> list[Effect]:
        """Compares what was confirmed with what stands there, settles what a read can settle, and answers what Brightpearl is still posting."""
        if not sent:
            return []
        connection = self._connections.current
        now = [read_one(connection, effect.effect_id) for effect in sent]
        kind = sent[0].kind
        try:
            if kind == "credit.raise":
                mismatched = verify.raised(
                    connection, self._reader, [effect for effect in now if effect.state == "confirmed"]
                )
                self._report.count(kind, "mismatched", mismatched)
            settled = settle.settle_soon(
                connection, self._reader, self._worker.settings, self._worker.clock, now, wait_seconds
            )
        except ReadFailed as failure:
            # What was sent stands recorded; the settle step reads it again.
            self._report.stop(f"what was sent could not be read back: {failure}")
            return []
        for state, count in settled.by_state.items():
            self._report.count(kind, state, count)
            self._report.count(kind, "unknown", -count)
        return settled.pending


def _never_sent(detail: str) -> Verdict:
    move = Move("planned", f"not_sent: {detail}", wait_seconds=_REST_SECONDS, costs_attempt=False)
    return Verdict(Evidence("not_sent", detail=detail), move)
