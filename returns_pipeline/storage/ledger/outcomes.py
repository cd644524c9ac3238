"""What became of a call: the evidence, and the move that it allows. Which move an answer means is decided in `effects/`.

An answer counts only while its effect is still in the state and under the fence it was sent with; the evidence is kept in any case.
"""

from dataclasses import dataclass

import psycopg

from returns_pipeline.storage.ledger import audit
from returns_pipeline.storage.ledger.balances import Moves, given_back
from returns_pipeline.storage.ledger.effect import COLUMNS, Effect, fetch


@dataclass(frozen=True)
class Evidence:
    """What was seen of one attempt: not_sent, not_executed, created, duplicate, refused or unknown; never a body."""

    outcome: str
    http_status: int | None = None
    remote_id: str | None = None
    detail: str | None = None


@dataclass(frozen=True)
class Move:
    """Where an effect goes.

    Attributes:
        state: the new state.
        reason: why, as `code: words`; required for rejected and halted.
        remote_id: required for confirmed.
        confirmed_by: answer, reconciled or adopted.
        wait_seconds: how long a planned effect rests, or an unknown one until it is looked up.
        costs_attempt: false where the call was provably not carried out (throttled, not authorised).
    """

    state: str
    reason: str | None = None
    remote_id: str | None = None
    confirmed_by: str | None = None
    wait_seconds: float = 0.0
    costs_attempt: bool = True


def record_outcome(connection: psycopg.Connection, effect: Effect, evidence: Evidence, move: Move) -> bool:
    """Stores the evidence, and makes the move if the effect is still being sent under this fence.

    Returns:
        False when somebody else has moved it meanwhile (its lease ran out): the evidence is left for the reconciler.
    """
    with connection.transaction():
        add_evidence(connection, effect, evidence)
        return _move(
            connection, effect, "sending", move, {"http_status": evidence.http_status, "outcome": evidence.outcome}
        )


def settle(connection: psycopg.Connection, effect: Effect, move: Move) -> bool:
    """Moves an effect that was looked up, if it is still as it was read; gives back what a confirmed amendment or cancellation frees."""
    with connection.transaction():
        return _move(connection, effect, effect.state, move, {"looked_up": True})


def look_again(connection: psycopg.Connection, effect: Effect, wait_seconds: float, reason: str | None = None) -> None:
    """Counts one search that found nothing, and sets when to look next."""
    connection.execute(
        """UPDATE effect SET reconcile_tries = reconcile_tries + 1, reconcile_after = clock_timestamp() + make_interval(secs => %s),
             reason = coalesce(%s, reason)
           WHERE effect_id = %s AND state = %s::effect_state AND fence = %s""",
        [wait_seconds, reason, effect.effect_id, effect.state, effect.fence],
    )


def look_later(connection: psycopg.Connection, effect: Effect, wait_seconds: float, reason: str) -> None:
    """Sets when to look next without counting a search, and says what is waited for."""
    connection.execute(
        """UPDATE effect SET reconcile_after = clock_timestamp() + make_interval(secs => %s), reason = %s
           WHERE effect_id = %s AND state = %s::effect_state AND fence = %s""",
        [wait_seconds, reason, effect.effect_id, effect.state, effect.fence],
    )


def note_mismatch(connection: psycopg.Connection, effect_id: int, reason: str) -> None:
    """Writes on a confirmed effect that what stands in the other system differs from what was sent."""
    with connection.transaction():
        connection.execute(
            "UPDATE effect SET reason = %s WHERE effect_id = %s AND state = 'confirmed'", [reason, effect_id]
        )
        audit.append(connection, effect_id, "mismatch", {"reason": reason})


def add_evidence(connection: psycopg.Connection, effect: Effect, evidence: Evidence) -> None:
    """Inserts one row of evidence."""
    connection.execute(
        "INSERT INTO effect_attempt(effect_id, attempt, fence, outcome, http_status, remote_id, detail) VALUES (%s, %s, %s, %s, %s, %s, %s)",
        [
            effect.effect_id,
            effect.attempt,
            effect.fence,
            evidence.outcome,
            evidence.http_status,
            evidence.remote_id,
            evidence.detail[:500] if evidence.detail else None,
        ],
    )


def remote_ids_seen(connection: psycopg.Connection, effect_id: int) -> list[str]:
    """Ids that answers of earlier attempts named, newest first: the surest road to what they made."""
    rows = connection.execute(
        "SELECT remote_id FROM effect_attempt WHERE effect_id = %s AND remote_id IS NOT NULL ORDER BY at DESC",
        [effect_id],
    ).fetchall()
    return list(dict.fromkeys(row[0] for row in rows))


def take_confirmed(connection: psycopg.Connection, effect: Effect) -> None:
    """Gives back what a confirmed cancellation or amendment frees, in the caller's transaction."""
    if effect.kind not in ("credit.cancel", "credit.amend"):
        return
    moves = Moves()
    moves.announce(given_back(effect.payload), sign=-1)
    moves.book(connection)
    if effect.kind == "credit.cancel":
        connection.execute(
            """UPDATE effect_line l SET released = true FROM effect e
               WHERE e.effect_id = l.effect_id AND e.kind = 'credit.raise' AND e.remote_id = %s AND NOT l.released""",
            [str(effect.subject["credit_id"])],
        )


def _move(
    connection: psycopg.Connection, effect: Effect, expected_state: str, move: Move, detail: dict[str, object]
) -> bool:
    moved = fetch(
        connection,
        f"""UPDATE effect e SET state = %(state)s::effect_state, reason = %(reason)s, remote_id = %(remote_id)s, confirmed_by = %(confirmed_by)s,
              not_before = CASE WHEN %(state)s = 'planned' THEN clock_timestamp() + make_interval(secs => %(wait)s) ELSE not_before END,
              reconcile_after = clock_timestamp() + make_interval(secs => %(wait)s), attempt = attempt - %(refund)s,
              claimed_by = NULL, lease_until = NULL
            WHERE effect_id = %(effect_id)s AND state = %(expected)s::effect_state AND fence = %(fence)s RETURNING {COLUMNS}""",  # noqa: S608
        {
            "state": move.state,
            "reason": move.reason,
            "remote_id": move.remote_id,
            "confirmed_by": move.confirmed_by,
            "wait": move.wait_seconds,
            "refund": 0 if move.costs_attempt else 1,
            "effect_id": effect.effect_id,
            "expected": expected_state,
            "fence": effect.fence,
        },
    )
    for after in moved:
        if after.state == "confirmed":
            take_confirmed(connection, after)
        told = {"reason": move.reason, "remote_id": move.remote_id, "fence": effect.fence, **detail}
        audit.append(connection, effect.effect_id, move.state, told)
    return bool(moved)
