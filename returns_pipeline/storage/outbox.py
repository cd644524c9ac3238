"""The outbox of alerts: queued, claimed, sent or put off. What a message says and who gets it is in `alerts/`."""

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import psycopg
from psycopg.types.json import Jsonb

# Long enough for a slow mail server; a process that died while sending is followed up after it.
_LEASE = dt.timedelta(minutes=2)


@dataclass(frozen=True)
class Due:
    """One message that is being sent now, for the `attempts`-th time."""

    alert_id: int
    attempts: int
    body: dict[str, Any]


def put(
    connection: psycopg.Connection,
    channel: str,
    cause: str,
    body: Mapping[str, Any],
    now: dt.datetime,
    not_before: dt.datetime,
    once: str | None,
) -> int:
    """Queues a message for a channel; 0 when its word of `once` was used on that channel before."""
    return connection.execute(
        """INSERT INTO alert_outbox(channel, cause, body, created_at, not_before, once) VALUES (%s, %s, %s, %s, %s, %s)
           ON CONFLICT (channel, once) DO NOTHING""",
        (channel, cause, Jsonb(dict(body)), now, not_before, once),
    ).rowcount


def claim(connection: psycopg.Connection, channel: str, now: dt.datetime) -> Due | None:
    """Takes the oldest due message of a channel, for one process alone and for a while."""
    row = connection.execute(
        """UPDATE alert_outbox SET attempts = attempts + 1, not_before = %(until)s
            WHERE alert_id = (SELECT alert_id FROM alert_outbox WHERE channel = %(channel)s AND sent_at IS NULL AND not_before <= %(now)s
                              ORDER BY alert_id LIMIT 1 FOR UPDATE SKIP LOCKED)
           RETURNING alert_id, attempts, body""",
        {"channel": channel, "now": now, "until": now + _LEASE},
    ).fetchone()
    return Due(*row) if row else None


def sent(connection: psycopg.Connection, alert_id: int) -> None:
    """Notes that the channel took it."""
    connection.execute(
        "UPDATE alert_outbox SET sent_at = clock_timestamp(), last_error = NULL WHERE alert_id = %s", (alert_id,)
    )


def failed(connection: psycopg.Connection, alert_id: int, again_at: dt.datetime, words: str) -> None:
    """Notes that the channel did not take it, and when it is asked again; the messages behind it wait as long."""
    with connection.transaction():
        connection.execute(
            "UPDATE alert_outbox SET not_before = %s, last_error = %s WHERE alert_id = %s", (again_at, words, alert_id)
        )
        connection.execute(
            """UPDATE alert_outbox o SET not_before = %(again)s FROM alert_outbox f
                WHERE f.alert_id = %(id)s AND o.channel = f.channel AND o.sent_at IS NULL AND o.not_before < %(again)s""",
            {"again": again_at, "id": alert_id},
        )


def was_told_since(connection: psycopg.Connection, cause: str, since: dt.datetime) -> bool:
    """Whether a message about this cause was queued after `since`."""
    row = connection.execute(
        "SELECT EXISTS (SELECT FROM alert_outbox WHERE cause = %s AND created_at > %s)", (cause, since)
    ).fetchone()
    return bool(row and row[0])


def waiting(connection: psycopg.Connection) -> list[tuple[str, int, dt.datetime, str | None]]:
    """Channels with messages that were tried and not sent: how many, since when, and the newest words of refusal."""
    return connection.execute(
        """SELECT channel, count(*), min(created_at), (array_agg(last_error ORDER BY alert_id DESC) FILTER (WHERE last_error IS NOT NULL))[1]
             FROM alert_outbox WHERE sent_at IS NULL AND attempts > 0 GROUP BY channel ORDER BY channel"""
    ).fetchall()
