"""How far a source was read, by name and shop. Moved in the transaction of the rows it stands for, and in no other."""

import psycopg


def read(connection: psycopg.Connection, name: str, shop: str = "") -> str | None:
    """Where the source was left, or None when it was never read."""
    row = connection.execute("SELECT value FROM cursors WHERE name = %s AND shop = %s", (name, shop)).fetchone()
    return row[0] if row else None


def move(connection: psycopg.Connection, name: str, shop: str, value: str, run_id: str) -> None:
    """Says that the source was read up to `value` by that run."""
    connection.execute(
        """INSERT INTO cursors AS c (name, shop, value, run_id) VALUES (%s, %s, %s, %s)
           ON CONFLICT (name, shop) DO UPDATE SET value = excluded.value, run_id = excluded.run_id, moved_at = clock_timestamp()
            WHERE c.value <> excluded.value""",
        (name, shop, value, run_id),
    )
