"""Signs of life of schedules, sensors and jobs: who should have been heard from, and was not."""

import datetime as dt
from dataclasses import dataclass

import psycopg


@dataclass(frozen=True)
class Heartbeat:
    """The last sign of life of one part, and how often one is expected."""

    name: str
    kind: str
    beat_at: dt.datetime
    expected_every_seconds: int
    note: str | None
    is_stale: bool


def beat(
    connection: psycopg.Connection, name: str, kind: str, expected_every_seconds: int, note: str | None = None
) -> None:
    """Says that a part (kind: schedule, sensor, job) is alive now."""
    connection.execute(
        """INSERT INTO heartbeats(name, kind, beat_at, expected_every_seconds, note) VALUES (%s, %s, clock_timestamp(), %s, %s)
           ON CONFLICT (name) DO UPDATE SET kind = excluded.kind, beat_at = excluded.beat_at,
             expected_every_seconds = excluded.expected_every_seconds, note = excluded.note""",
        (name, kind, expected_every_seconds, note),
    )


def read(connection: psycopg.Connection) -> list[Heartbeat]:
    """Every part by name; stale when it has been silent longer than it may."""
    rows = connection.execute(
        """SELECT name, kind, beat_at, expected_every_seconds, note, beat_at + make_interval(secs => expected_every_seconds) < clock_timestamp()
             FROM heartbeats ORDER BY name"""
    ).fetchall()
    return [Heartbeat(*row) for row in rows]
