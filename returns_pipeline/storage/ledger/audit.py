"""The append-only, hash-chained record of everything the ledger did. The chain itself is kept by the database."""

from collections.abc import Mapping
from dataclasses import dataclass

import psycopg
from psycopg.types.json import Jsonb


@dataclass(frozen=True)
class Head:
    """The newest audit row: its number and hash; number 0 when there is none."""

    seq: int
    hash_hex: str

    def __str__(self) -> str:
        return f"row {self.seq}, SHA-256 {self.hash_hex or 'none'}"


def append(connection: psycopg.Connection, effect_id: int | None, what: str, detail: Mapping[str, object]) -> None:
    """Adds one row; it stands or falls with the caller's transaction."""
    connection.execute(
        "INSERT INTO audit(effect_id, what, detail) VALUES (%s, %s, %s)", (effect_id, what, Jsonb(dict(detail)))
    )


def append_moves(
    connection: psycopg.Connection, effect_ids: list[int], what: str, detail: Mapping[str, object]
) -> None:
    """Adds one row per effect, with the same detail."""
    for effect_id in sorted(effect_ids):
        append(connection, effect_id, what, detail)


def head(connection: psycopg.Connection) -> Head:
    """The newest row, to be kept outside the database as well."""
    row = connection.execute("SELECT seq, encode(hash, 'hex') FROM audit ORDER BY seq DESC LIMIT 1").fetchone()
    return Head(*row) if row else Head(0, "")


def hash_at(connection: psycopg.Connection, seq: int) -> str | None:
    """The hash of one row, or None where there is no such row."""
    row = connection.execute("SELECT encode(hash, 'hex') FROM audit WHERE seq = %s", (seq,)).fetchone()
    return row[0] if row else None


def verify(connection: psycopg.Connection) -> int | None:
    """Number of the first row that was changed after it was written, or None when the chain holds."""
    with connection.transaction():
        # The whole chain is walked: with years of rows that takes longer than any other statement may.
        connection.execute("SET LOCAL statement_timeout = '30min'")
        row = connection.execute("SELECT audit_verify()").fetchone()
    return row[0] if row else None


def verify_since(connection: psycopg.Connection, seq: int) -> int | None:
    """The same for the rows from `seq` on, so that it can be asked before each drain."""
    row = connection.execute(
        """SELECT min(seq) FROM (
             SELECT seq, prev <> coalesce(lag(hash) OVER (ORDER BY seq), prev) OR hash <> sha256(prev || convert_to(concat_ws('|', seq,
               to_char(at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US'), actor, effect_id, what, detail::text), 'UTF8')) AS bad
             FROM audit WHERE seq >= %s) q WHERE bad""",
        [seq],
    ).fetchone()
    return row[0] if row else None
