"""What an account said about itself (warehouses' locations, statuses, the integration's id), so that it is not asked in each run."""

import datetime as dt
from typing import Any

import psycopg
from psycopg.types.json import Jsonb


def read(connection: psycopg.Connection, name: str, *, max_age: dt.timedelta | None = None) -> Any:  # noqa: ANN401 - any JSON
    """The fact's value, or None when it was never read or was read longer ago than `max_age`."""
    row = connection.execute(
        "SELECT value FROM account_facts WHERE name = %s AND (%s::interval IS NULL OR read_at >= clock_timestamp() - %s::interval)",
        (name, max_age, max_age),
    ).fetchone()
    return row[0] if row else None


def read_all(connection: psycopg.Connection) -> dict[str, Any]:
    """Every fact by its name."""
    return dict(connection.execute("SELECT name, value FROM account_facts").fetchall())


def write(connection: psycopg.Connection, name: str, value: Any) -> None:  # noqa: ANN401 - any JSON
    """Keeps a fact as read just now."""
    connection.execute(
        """INSERT INTO account_facts(name, value, read_at) VALUES (%s, %s, clock_timestamp())
           ON CONFLICT (name) DO UPDATE SET value = excluded.value, read_at = excluded.read_at""",
        (name, Jsonb(value)),
    )
