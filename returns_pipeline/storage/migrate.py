"""Brings the schema `returns` up to the newest migration. The migrations themselves are in `migrations/`."""

from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, create_engine, text

from returns_pipeline.storage.database import SCHEMA, migration_url

_MIGRATIONS = Path(__file__).parent / "migrations"
_LOCK = 7_265_419


def upgrade(url: str, to: str = "head") -> bool:
    """Applies what is missing, all of it or nothing, and answers whether there was something to apply.

    Two processes may call it at once: the second waits and finds nothing left. Dagster's tables in `public` are not touched.

    Args:
        url: of the database.
        to: the revision to stop at.
    """
    config = Config()
    config.set_main_option("script_location", str(_MIGRATIONS).replace("%", "%%"))
    engine = create_engine(migration_url(url))
    try:
        with engine.begin() as connection:
            if _revision(connection) == ScriptDirectory.from_config(config).get_current_head():
                return False
        with engine.begin() as connection:
            connection.execute(text("SELECT pg_advisory_xact_lock(:lock)"), {"lock": _LOCK})
            connection.execute(text(f"CREATE SCHEMA IF NOT EXISTS {SCHEMA}"))
            before = _revision(connection)
            config.attributes["connection"] = connection
            command.upgrade(config, to)
            return _revision(connection) != before
    finally:
        engine.dispose()


def _revision(connection: Connection) -> str | None:
    return MigrationContext.configure(connection, opts={"version_table_schema": SCHEMA}).get_current_revision()
