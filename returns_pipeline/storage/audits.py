"""Past returns as the historical audit read them, apart from the tables that the pipeline works on. Judging them is `domain.audit`'s."""

import datetime as dt
from collections.abc import Iterable, Mapping
from typing import Any

import psycopg
from psycopg.types.json import Jsonb

_MOMENTS = ("created_at", "validated_at", "tax_date", "received_on")


def listed(connection: psycopg.Connection, shop: str, found: Iterable[tuple[int, dt.datetime | None]]) -> None:
    """Notes returns that are to be read; those that were read before stay read."""
    with connection.transaction(), connection.cursor() as cursor:
        cursor.executemany(
            "INSERT INTO audit_cases(shop, rma_id, created_at) VALUES (%s, %s, %s) ON CONFLICT (shop, rma_id) DO NOTHING",
            [(shop, rma_id, created_at) for rma_id, created_at in found],
        )


def unread(connection: psycopg.Connection, shop: str, begins: dt.datetime, ends: dt.datetime) -> list[int]:
    """Returns of the time that nobody has read yet, oldest first; those whose date is unknown count as of the time."""
    rows = connection.execute(
        """SELECT rma_id FROM audit_cases WHERE shop = %s AND facts IS NULL
              AND (created_at IS NULL OR (created_at >= %s AND created_at < %s)) ORDER BY rma_id""",
        (shop, begins, ends),
    ).fetchall()
    return [row[0] for row in rows]


def keep(
    connection: psycopg.Connection, shop: str, rma_id: int, created_at: dt.datetime, facts: Mapping[str, Any]
) -> None:
    """Keeps what both systems said of one return."""
    connection.execute(
        """UPDATE audit_cases SET created_at = %s, facts = %s, read_at = clock_timestamp() WHERE shop = %s AND rma_id = %s""",
        (created_at, Jsonb(_plain(facts)), shop, rma_id),
    )


def read(connection: psycopg.Connection, shop: str, begins: dt.datetime, ends: dt.datetime) -> list[dict[str, Any]]:
    """The facts of every return of the time that was read, oldest first."""
    rows = connection.execute(
        """SELECT facts FROM audit_cases WHERE shop = %s AND facts IS NOT NULL AND created_at >= %s AND created_at < %s
            ORDER BY rma_id""",
        (shop, begins, ends),
    ).fetchall()
    return [_with_moments(row[0]) for row in rows]


def forget(connection: psycopg.Connection, shop: str, begins: dt.datetime, ends: dt.datetime) -> int:
    """Removes the returns of the time, so that they are read afresh; answers how many they were."""
    return connection.execute(
        "DELETE FROM audit_cases WHERE shop = %s AND (created_at IS NULL OR (created_at >= %s AND created_at < %s))",
        (shop, begins, ends),
    ).rowcount


def _plain(value: Any) -> Any:  # noqa: ANN401 - walks whatever the facts hold
    if isinstance(value, Mapping):
        return {name: _plain(entry) for name, entry in value.items()}
    if isinstance(value, list):
        return [_plain(entry) for entry in value]
    return value.isoformat() if isinstance(value, dt.datetime) else value


def _with_moments(value: Any) -> Any:  # noqa: ANN401 - walks whatever the facts hold
    if isinstance(value, dict):
        return {
            name: dt.datetime.fromisoformat(entry) if name in _MOMENTS and entry else _with_moments(entry)
            for name, entry in value.items()
        }
    return [_with_moments(entry) for entry in value] if isinstance(value, list) else value
