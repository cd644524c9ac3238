"""Connections to the pipeline's Postgres and the forms of its URL. No queries, no starting of servers."""

import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from decimal import Decimal
from urllib.parse import urlsplit, urlunsplit

import psycopg
from psycopg.pq import TransactionStatus
from psycopg.types.json import set_json_loads

SCHEMA = "returns"
# Short, because no transaction of ours waits for anything outside the database.
_SESSION = {
    "search_path": SCHEMA,
    "TimeZone": "UTC",
    "idle_in_transaction_session_timeout": "10s",
    "statement_timeout": "30s",
    "lock_timeout": "5s",
}


class NoDatabase(Exception):
    """RETURNS_DATABASE_URL is not set in this process."""


def database_url() -> str:
    """The URL in RETURNS_DATABASE_URL; the command sets it to the embedded server's where nobody did.

    Raises:
        NoDatabase: the variable is not set.
    """
    url = os.environ.get("RETURNS_DATABASE_URL")
    if not url:
        raise NoDatabase(
            "RETURNS_DATABASE_URL is not set: start this through the returns-pipeline command, or name a Postgres there"
        )
    return url


def connect(url: str | None = None) -> psycopg.Connection:
    """A connection in schema `returns`, in UTC, with the ledger's timeouts.

    It is in autocommit mode: a statement stands by itself, and what belongs together goes into `with connection.transaction():`. So a read
    never leaves a transaction open while a caller computes or waits for an answer.

    Args:
        url: another database than the environment's.
    """
    options = " ".join(f"-c {name}={value}" for name, value in _SESSION.items())
    connection = psycopg.connect(plain_url(url or database_url()), autocommit=True, options=options)
    set_json_loads(_loads, connection)
    return connection


class KeptConnection:
    """One connection for steps that follow each other in a process. After an error the next step has a new one; so it has where the server went away."""

    def __init__(self) -> None:
        self._kept: psycopg.Connection | None = None

    @contextmanager
    def lend(self) -> Iterator[psycopg.Connection]:
        """The connection for one step, in autocommit mode and outside a transaction."""
        connection, self._kept = self._alive() or connect(), None
        try:
            yield connection
        except BaseException:
            connection.close()
            raise
        self._kept = connection

    def close(self) -> None:
        """Closes what is kept."""
        if self._kept is not None:
            self._kept.close()

    def _alive(self) -> psycopg.Connection | None:
        if self._kept is None or self._kept.info.transaction_status != TransactionStatus.IDLE:
            self.close()
            return None
        try:
            self._kept.execute("SELECT")
        except psycopg.OperationalError:
            self.close()
            return None
        return self._kept


def look_up_by_index(connection: psycopg.Connection) -> None:
    """Until the transaction that is open ends, rows are looked up one by one: reading a whole table is never thought to be cheaper."""
    connection.execute(
        """SELECT set_config('enable_hashjoin', 'off', true), set_config('enable_mergejoin', 'off', true),
                  set_config('random_page_cost', '0.1', true)"""
    )


@contextmanager
def joined_by_index(connection: psycopg.Connection) -> Iterator[None]:
    """A transaction whose statements look rows up one by one.

    How few rows are open cannot be seen from statistics: left to itself the planner reads whole tables of history to join them.
    What is sent inside goes to the server together with the transaction's beginning, so that a count of rows is known only once they are fetched.
    """
    with connection.pipeline(), connection.transaction():
        look_up_by_index(connection)
        yield


def plain_url(url: str) -> str:
    """The URL as libpq and psycopg read it, without a SQLAlchemy driver name."""
    return _with_scheme(url, "postgresql")


def dagster_url(url: str) -> str:
    """The URL for dagster-postgres, which works with psycopg2 only."""
    return _with_scheme(url, "postgresql+psycopg2")


def migration_url(url: str) -> str:
    """The URL for SQLAlchemy under Alembic, over the same driver as everything else here."""
    return _with_scheme(url, "postgresql+psycopg")


# Made once: `json.loads` makes a decoder for every cell when it is told how to read numbers.
_DECODER = json.JSONDecoder(parse_float=Decimal)


def _loads(text: str | bytes) -> object:
    return _DECODER.decode(text if isinstance(text, str) else text.decode())


def _with_scheme(url: str, scheme: str) -> str:
    parts = urlsplit(url)
    if parts.scheme.split("+")[0] not in ("postgresql", "postgres"):
        raise ValueError(f"RETURNS_DATABASE_URL must begin with postgresql://, not with {parts.scheme or 'nothing'}://")
    # An empty host ("postgresql://postgres:@/returns?host=/path") must stay empty.
    return urlunsplit((scheme, parts.netloc, parts.path, parts.query, ""))
