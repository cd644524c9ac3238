"""What an answer means for its effect: happened, did not happen, or unknown. Pure; the ledger makes the move, the runner sends.

The table is: not sent and throttled -> planned again; created with an id -> confirmed; a definite no -> rejected; refused credentials
or a certificate that does not hold -> planned, and the account's sink stops; anything else -> unknown, to be looked up and never sent again blindly.
"""

import random
from dataclasses import dataclass

from returns_pipeline.clients.outcomes import Outcome, WriteAnswer
from returns_pipeline.effects import kinds
from returns_pipeline.storage.ledger.effect import Effect
from returns_pipeline.storage.ledger.outcomes import Evidence, Move

_FIRST_LOOK_SECONDS = 5.0
_LONGEST_REST_SECONDS = 600.0
_IN_USE = ("already", "in use", "duplicate", "unique", "exists")


@dataclass(frozen=True)
class Verdict:
    """The evidence to keep, the move to make, and why the account's sink must stop (or None)."""

    evidence: Evidence
    move: Move
    stops_sink: str | None = None


def verdict(effect: Effect, answer: WriteAnswer) -> Verdict:
    """Judges one answer to one effect that is being sent."""
    if answer.outcome is Outcome.CREATED:
        return _created(effect, answer)
    if answer.outcome is Outcome.REFUSED:
        return _refused(effect, answer)
    said = f"{answer.http_status or 'no answer'}: {answer.detail}"
    if answer.outcome is Outcome.NOT_SENT:
        rest = min(_LONGEST_REST_SECONDS, 15.0 * 2**effect.attempt) * random.uniform(0.5, 1.0)  # noqa: S311 - jitter
        return Verdict(_evidence("not_sent", answer), Move("planned", f"not_sent: {said}", wait_seconds=rest))
    if answer.outcome is Outcome.NOT_EXECUTED:
        rest = (answer.retry_after_seconds or 60.0) + random.uniform(0.0, 1.0)  # noqa: S311 - jitter
        move = Move("planned", f"throttled: {said}", wait_seconds=rest, costs_attempt=False)
        return Verdict(_evidence("not_executed", answer), move)
    if answer.outcome is Outcome.UNTRUSTED:
        return _untrusted(effect, answer)
    if answer.outcome is Outcome.UNAUTHORIZED:
        move = Move("planned", f"not_authorized: {said}", costs_attempt=False)
        reason = (
            f"{kinds.sink_of(effect.kind, effect.shop)} refused our credentials ({said}): mend them, nothing was lost"
        )
        return Verdict(_evidence("not_executed", answer), move, stops_sink=reason)
    return _unknown(answer, f"outcome_unknown: {said}")


def remote_id_of(effect: Effect, body: object) -> str | None:
    """The id of what the effect made or acted on; None where the answer must name it and does not."""
    if effect.kind in ("credit.raise", "goods_in.write", "refund.record", "transfer.create"):
        return str(body) if isinstance(body, int) and not isinstance(body, bool) and body > 0 else None
    if effect.kind == "transfer.dispatch":
        ids = body if isinstance(body, list) else []
        return ",".join(map(str, ids)) if ids and all(isinstance(note, int) for note in ids) else None
    for name in ("credit_id", "shipment_id", "goods_out_note_id"):
        if effect.subject.get(name) is not None:
            return str(effect.subject[name])
    return effect.business_key


def _created(effect: Effect, answer: WriteAnswer) -> Verdict:
    remote_id = remote_id_of(effect, answer.body)
    if remote_id is None:
        return _unknown(answer, f"outcome_unknown: {answer.http_status} without a usable id")
    if effect.kind == "credit.post":
        # Closing only starts the posting: the invoice reference tells when it is done.
        move = Move("unknown", "posting_pending: Brightpearl is posting the credit", wait_seconds=_FIRST_LOOK_SECONDS)
        return Verdict(_evidence("created", answer, remote_id), move)
    if effect.kind == "credit.raise" and answer.first_time is False:
        move = Move("unknown", f"answered_as_repeat: credit {remote_id} is to be compared with what was sent")
        return Verdict(_evidence("duplicate", answer, remote_id), move)
    return Verdict(
        _evidence("created", answer, remote_id), Move("confirmed", remote_id=remote_id, confirmed_by="answer")
    )


def _refused(effect: Effect, answer: WriteAnswer) -> Verdict:
    status = answer.http_status or 0
    said = f"{status}: {answer.detail}"
    if 300 <= status < 400:
        reason = (
            f"{kinds.sink_of(effect.kind, effect.shop)} answered a write with a redirect ({said}): check its base URL"
        )
        return Verdict(
            _evidence("refused", answer), Move("planned", f"redirected: {said}", costs_attempt=False), reason
        )
    if effect.kind in kinds.REFERENCED and (
        status == 409 or any(word in (answer.detail or "").lower() for word in _IN_USE)
    ):
        return _unknown(answer, f"reference_in_use: {said}", outcome="refused")
    code = "period_locked" if effect.kind == "credit.post" and "period" in (answer.detail or "").lower() else "refused"
    return Verdict(_evidence("refused", answer), Move("rejected", f"{code}: {said}"))


def _untrusted(effect: Effect, answer: WriteAnswer) -> Verdict:
    sink = kinds.sink_of(effect.kind, effect.shop)
    reason = f"{sink} is not who answers at its address ({answer.detail}): nothing was sent; check the address and its certificate"
    move = Move("planned", f"not_sent: {answer.detail}", costs_attempt=False)
    return Verdict(_evidence("not_sent", answer), move, stops_sink=reason)


def _unknown(answer: WriteAnswer, reason: str, outcome: str = "unknown") -> Verdict:
    return Verdict(_evidence(outcome, answer), Move("unknown", reason, wait_seconds=_FIRST_LOOK_SECONDS))


def _evidence(outcome: str, answer: WriteAnswer, remote_id: str | None = None) -> Evidence:
    return Evidence(outcome, answer.http_status, remote_id, answer.detail)
