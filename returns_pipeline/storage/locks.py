"""Session advisory locks: they keep runs from working side by side for nothing, and the server frees them when their holder dies.

Correctness never rests on them: the ledger holds without.
"""

import hashlib
import os
import socket
import time
from collections.abc import Iterator
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
    number = int.from_bytes(hashlib.sha256(name.encode()).digest()[:4], "big", signed=True)
    deadline = time.monotonic() + wait_seconds
    while not _try(connection, number):
        if time.monotonic() >= deadline:
            raise Busy(
                f"{name} is already being run by {_holder(connection, number)}; wait for it or pass a longer --lock-wait"
            )
        time.sleep(min(0.25, max(0.0, deadline - time.monotonic())))
    connection.execute(
        "SELECT set_config('application_name', %s, false)",
        (f"{name} by process {os.getpid()} on {socket.gethostname()}"[:63],),
    )
    connection.commit()
    try:
        yield
    finally:
        _unlock(connection, number)


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
