"""Session advisory locks: they keep runs from working side by side for nothing, and the server frees them when their holder dies.

Correctness never rests on them: the ledger holds without.
"""

import hashlib
import os
import socket
from collections.abc import Collection, Iterator
from contextlib import contextmanager

import psycopg

_NAMESPACE = 7_265_418


class Busy(Exception):
    """Another process holds the lock; the message names it and since when."""


@contextmanager
def hold(connection: psycopg.Connection, name: str, *, wait_seconds: float = 0.0) -> Iterator[None]:
    """Holds the lock of that name on this connection's session.

    Raises:
        Busy: it was not free within `wait_seconds`.
    """
    number = _number(name)
    if not (_try(connection, number) or wait_seconds > 0 and _wait(connection, number, wait_seconds)):
        raise Busy(
            f"{name} is already being run by {_holder(connection, number)}; wait for it or pass a longer --lock-wait"
        )
    connection.execute(
        "SELECT set_config('application_name', %s, false)",
        (f"{name} by process {os.getpid()} on {socket.gethostname()}"[:63],),
    )
    connection.commit()
    try:
        yield
    finally:
        _unlock(connection, number)


def is_wanted(connection: psycopg.Connection, names: Collection[str]) -> bool:
    """Whether somebody waits for one of these locks."""
    found = connection.execute(
        """SELECT FROM pg_locks WHERE locktype = 'advisory' AND classid = %s::bigint::oid AND NOT granted
              AND objid::bigint = ANY(%s) AND database = (SELECT oid FROM pg_database WHERE datname = current_database()) LIMIT 1""",
        (_NAMESPACE, [_number(name) & 0xFFFFFFFF for name in names]),
    ).fetchone()
    return found is not None


def _number(name: str) -> int:
    return int.from_bytes(hashlib.sha256(name.encode()).digest()[:4], "big", signed=True)


def _wait(connection: psycopg.Connection, number: int, seconds: float) -> bool:
    """Waits in the server's own queue, where the holder can see it."""
    try:
        with connection.transaction():
            connection.execute("SELECT set_config('statement_timeout', '0', true)")
            connection.execute("SELECT set_config('lock_timeout', %s, true)", (f"{max(1, round(seconds * 1000))}ms",))
            connection.execute("SELECT pg_advisory_lock(%s, %s)", (_NAMESPACE, number))
    except psycopg.errors.LockNotAvailable:
        return False
    return True


def _try(connection: psycopg.Connection, number: int) -> bool:
    row = connection.execute("SELECT pg_try_advisory_lock(%s, %s)", (_NAMESPACE, number)).fetchone()
    connection.commit()
    return bool(row and next(iter(row.values() if isinstance(row, dict) else row)))


def _unlock(connection: psycopg.Connection, number: int) -> None:
    try:
        if not connection.closed:
            connection.rollback()
            connection.execute("SELECT pg_advisory_unlock(%s, %s)", (_NAMESPACE, number))
            connection.commit()
    except psycopg.OperationalError:
        # A session that broke took its lock with it; its end must not hide what the holder was doing.
        if not connection.closed:
            raise


def _holder(connection: psycopg.Connection, number: int) -> str:
    row = connection.execute(
        """SELECT coalesce(nullif(a.application_name, ''), 'process ' || a.pid) || ', since ' || to_char(a.backend_start, 'HH24:MI:SS')
             FROM pg_locks l JOIN pg_stat_activity a USING (pid)
            WHERE l.locktype = 'advisory' AND l.classid = %s::bigint::oid AND l.objid = (%s::bigint & 4294967295)::oid AND l.granted""",
        (_NAMESPACE, number),
    ).fetchone()
    connection.commit()
    return (
        str(next(iter(row.values() if isinstance(row, dict) else row))) if row else "a process that has just finished"
    )
