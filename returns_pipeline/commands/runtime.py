"""Prepares a process: database up and migrated, Dagster's home in place, log lines free of secrets. No command's own work."""

import os
import shutil
from pathlib import Path
from urllib.parse import urlsplit

from returns_pipeline.storage import database, embedded, home, migrate

_DAGSTER_YAML = Path(__file__).resolve().parents[2] / "dagster.yaml"


def prepare(*, keep_running: bool = False) -> None:
    """Starts the embedded server if no database is named, migrates it, and exports what Dagster reads on import.

    With `keep_running` the embedded server stays up when this process ends.

    Must run before Dagster is imported: the instance is found through DAGSTER_HOME and DAGSTER_POSTGRES_URL.
    """
    if not os.environ.get("RETURNS_DATABASE_URL"):
        os.environ["RETURNS_DATABASE_URL"] = embedded.ensure_started(home.postgres(), keep_running=keep_running)
    migrate.upgrade(os.environ["RETURNS_DATABASE_URL"])
    dagster_home = home.dagster()
    dagster_home.mkdir(parents=True, exist_ok=True)
    shutil.copyfile(_DAGSTER_YAML, dagster_home / "dagster.yaml")
    os.environ["DAGSTER_HOME"] = str(dagster_home)
    if not _is_dagsters_own(os.environ.get("DAGSTER_POSTGRES_URL", ""), os.environ["RETURNS_DATABASE_URL"]):
        os.environ["DAGSTER_POSTGRES_URL"] = database.dagster_url(os.environ["RETURNS_DATABASE_URL"])


def _is_dagsters_own(dagster_url: str, database_url: str) -> bool:
    """Whether Dagster's URL is meant for this pipeline: it differs in its user alone, or RETURNS_ACCOUNT says that accounts share one Dagster."""
    if not dagster_url:
        return False
    if os.environ.get("RETURNS_ACCOUNT"):
        return True
    ours, its = (urlsplit(database.plain_url(url)) for url in (database_url, dagster_url))
    return (ours.hostname, ours.port, ours.path, ours.query) == (its.hostname, its.port, its.path, its.query)
