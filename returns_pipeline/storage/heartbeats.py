"""Signs of life of schedules, sensors and jobs: who should have been heard from, and was not. Which parts there are is said in `stages/parts`."""

import datetime as dt
from collections.abc import Collection
from dataclasses import dataclass

import psycopg


@dataclass(frozen=True)
class Part:
    """A part of the pipeline that must be heard from.

    Attributes:
        kind: schedule, sensor or job.
        expected_every_seconds: how long it may be silent.
    """

    name: str
    kind: str
    expected_every_seconds: int


@dataclass(frozen=True)
class Heartbeat:
    """How long one part has been silent, and how long it may be; `beat_at` is None for one that was never heard."""

    name: str
    kind: str
    beat_at: dt.datetime | None
    expected_every_seconds: int
    note: str | None
    silent_seconds: int

    @property
    def is_stale(self) -> bool:
        """Whether it has been silent longer than it may."""
        return self.silent_seconds > self.expected_every_seconds

    @property
    def in_words(self) -> str:
        """Since when it is silent, for people."""
        heard = "was never heard from, awaited for" if self.beat_at is None else "was last heard from"
        ago = "" if self.beat_at is None else " ago"
        return f"{self.name} {heard} {self.silent_seconds} s{ago}; it may be silent for {self.expected_every_seconds} s"


def beat(connection: psycopg.Connection, part: Part, note: str | None = None) -> None:
    """Says that a part is alive now."""
    connection.execute(
        """INSERT INTO heartbeats(name, kind, beat_at, expected_every_seconds, note) VALUES (%s, %s, clock_timestamp(), %s, %s)
           ON CONFLICT (name) DO UPDATE SET kind = excluded.kind, beat_at = excluded.beat_at,
             expected_every_seconds = excluded.expected_every_seconds, note = excluded.note""",
        (part.name, part.kind, part.expected_every_seconds, note),
    )


def expect(connection: psycopg.Connection, parts: Collection[Part]) -> None:
    """Awaits exactly these parts from now on: a new one gets its time to be heard, one that is no more is forgotten."""
    with connection.transaction():
        for part in parts:
            connection.execute(
                """INSERT INTO heartbeats AS h (name, kind, expected_every_seconds) VALUES (%s, %s, %s) ON CONFLICT (name) DO UPDATE
                     SET kind = excluded.kind, expected_every_seconds = excluded.expected_every_seconds
                   WHERE (h.kind, h.expected_every_seconds) <> (excluded.kind, excluded.expected_every_seconds)""",
                (part.name, part.kind, part.expected_every_seconds),
            )
        connection.execute("DELETE FROM heartbeats WHERE name <> ALL(%s)", ([part.name for part in parts],))


def read(connection: psycopg.Connection) -> list[Heartbeat]:
    """Every part by name."""
    rows = connection.execute(
        """SELECT name, kind, beat_at, expected_every_seconds, note,
                  greatest(extract(epoch FROM clock_timestamp() - coalesce(beat_at, awaited_since)), 0)::bigint
             FROM heartbeats ORDER BY name"""
    ).fetchall()
    return [Heartbeat(*row) for row in rows]
