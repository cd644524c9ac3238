"""Takes due effects for one worker, marks them as being sent, and gives up leases that ran out. No calls, no outcomes.

All times are the database's: a worker whose clock is wrong can neither reclaim early nor hold on for longer.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import psycopg

from returns_pipeline.storage.ledger import audit
from returns_pipeline.storage.ledger.effect import COLUMNS, Effect, fetch

_CLAIM = f"""
WITH due AS MATERIALIZED (
  SELECT c.effect_id FROM effect c LEFT JOIN effect d ON d.effect_id = c.depends_on
  WHERE c.state = 'planned' AND c.kind = %(kind)s AND c.not_before <= now()
    AND c.shop IN (SELECT s FROM unnest(%(shops)s::text[]) s WHERE gates_open(s, %(kind)s))
    AND (NOT c.needs_approval OR c.approved_batch IS NOT NULL)
    AND (d.effect_id IS NULL OR d.state = 'confirmed')
  ORDER BY c.waiting_since, c.effect_id LIMIT %(limit)s FOR UPDATE OF c SKIP LOCKED)
UPDATE effect e SET state = 'claimed', claimed_by = %(worker)s, lease_until = now() + make_interval(secs => %(lease)s), fence = nextval('fence_seq')
FROM due WHERE e.effect_id = due.effect_id RETURNING {COLUMNS}"""  # noqa: S608 - a literal


@dataclass(frozen=True)
class Expired:
    """What leases that ran out left behind: back to planned (nothing was sent), or unknown (it may have been)."""

    planned: int
    unknown: int


def claim(
    connection: psycopg.Connection, kind: str, shops: Sequence[str], worker: str, lease_seconds: int, limit: int
) -> list[Effect]:
    """Takes up to `limit` due effects of one kind for `worker`, what waits longest first; none while a gate is closed.

    Due means: planned, approved where approval is asked, its time come, and what it depends on confirmed. Two workers never get the same one.
    """
    parameters = {"kind": kind, "shops": list(shops), "worker": worker, "lease": lease_seconds, "limit": limit}
    with connection.transaction():
        claimed = sorted(fetch(connection, _CLAIM, parameters), key=lambda each: (each.waiting_since, each.effect_id))
        for effect in claimed:
            audit.append(connection, effect.effect_id, "claimed", {"by": worker, "fence": effect.fence})
    return claimed


def mark_sending(connection: psycopg.Connection, effect: Effect, lease_seconds: int) -> Effect | None:
    """Commits that the call is about to be made, with a fresh lease; None when the claim is no longer ours.

    The commit is its own: only after it may the request leave. The audit row of the write stands in the same commit.
    """
    refuse_inside_a_transaction(connection)
    with connection.transaction():
        marked = fetch(
            connection,
            f"""UPDATE effect e SET state = 'sending', attempt = attempt + 1, sent_at = clock_timestamp(),
                  lease_until = clock_timestamp() + make_interval(secs => %s), reconcile_tries = 0
                WHERE effect_id = %s AND state = 'claimed' AND fence = %s AND lease_until > clock_timestamp() RETURNING {COLUMNS}""",  # noqa: S608
            [lease_seconds, effect.effect_id, effect.fence],
        )
        for sending in marked:
            detail = {
                "attempt": sending.attempt,
                "fence": sending.fence,
                "payload_sha256": sending.payload_sha256.hex(),
            }
            audit.append(connection, sending.effect_id, "sending", detail)
    return marked[0] if marked else None


def release(connection: psycopg.Connection, effects: Sequence[Effect], reason: str) -> int:
    """Puts claimed effects back to planned: nothing was sent."""
    return _move_claimed(connection, effects, "planned", reason)


def halt(connection: psycopg.Connection, effect: Effect, reason: str) -> bool:
    """Stops a claimed effect before its call, for a person; `reason` begins with a code and a colon."""
    return _move_claimed(connection, [effect], "halted", reason) == 1


def expire_leases(connection: psycopg.Connection) -> Expired:
    """Claims that ran out become planned again; calls that ran out become unknown, and are never sent again blindly."""
    with connection.transaction():
        planned = connection.execute(
            """UPDATE effect SET state = 'planned', claimed_by = NULL, lease_until = NULL
               WHERE state = 'claimed' AND lease_until < clock_timestamp() RETURNING effect_id"""
        ).fetchall()
        unknown = connection.execute(
            """UPDATE effect SET state = 'unknown', claimed_by = NULL, lease_until = NULL, reconcile_after = clock_timestamp(),
                 reason = 'outcome_unknown: the worker ended during the call'
               WHERE state = 'sending' AND lease_until < clock_timestamp() RETURNING effect_id"""
        ).fetchall()
        connection.execute(
            """INSERT INTO effect_attempt(effect_id, attempt, fence, outcome, detail)
               SELECT effect_id, attempt, fence, 'unknown', 'the worker ended during the call' FROM effect
               WHERE effect_id = ANY(%s)""",
            [[row[0] for row in unknown]],
        )
        audit.append_moves(
            connection, [row[0] for row in planned], "planned", {"reason": "lease ran out, nothing was sent"}
        )
        audit.append_moves(
            connection, [row[0] for row in unknown], "unknown", {"reason": "lease ran out during the call"}
        )
    return Expired(len(planned), len(unknown))


def refuse_inside_a_transaction(connection: psycopg.Connection) -> None:
    """Stops a caller whose commit would not be one.

    Raises:
        RuntimeError: a transaction is open on this connection.
    """
    if connection.info.transaction_status != psycopg.pq.TransactionStatus.IDLE:
        raise RuntimeError("this step must be a commit of its own, and a transaction is open on the connection")


def _move_claimed(connection: psycopg.Connection, effects: Sequence[Effect], state: str, reason: str) -> int:
    with connection.transaction():
        moved = connection.execute(
            """UPDATE effect e SET state = %s::effect_state, reason = %s, claimed_by = NULL, lease_until = NULL
               FROM unnest(%s::bigint[], %s::bigint[]) AS mine(effect_id, fence)
               WHERE e.effect_id = mine.effect_id AND e.fence = mine.fence AND e.state = 'claimed' RETURNING e.effect_id""",
            [state, reason, [effect.effect_id for effect in effects], [effect.fence for effect in effects]],
        ).fetchall()
        audit.append_moves(connection, [row[0] for row in moved], state, {"reason": reason})
    return len(moved)
