"""The folders under RETURNS_HOME: the embedded server, Dagster's own files, rotated credentials. No reading or writing of them."""

import os
from pathlib import Path


def root() -> Path:
    """Absolute path of RETURNS_HOME, by default `.returns` in the working directory."""
    return Path(os.environ.get("RETURNS_HOME") or ".returns").expanduser().resolve()


def postgres() -> Path:
    """The embedded server's data."""
    return root() / "postgres"


def dagster() -> Path:
    """DAGSTER_HOME: the copy of `dagster.yaml` and the logs of runs."""
    return root() / "dagster"


def credentials() -> Path:
    """Rotated OAuth tokens, mode 0600."""
    return root() / "credentials"


def ledger_head() -> Path:
    """The newest audit entry as known outside the database, so that a restored backup is noticed."""
    return root() / "ledger-head"


def reports(folder: str) -> Path | None:
    """Where reports are written: a folder below the home or a whole path; None where the settings name none."""
    return root() / folder if folder else None
