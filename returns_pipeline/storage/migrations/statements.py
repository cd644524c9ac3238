"""Runs the pages of `migrations/sql/` within a migration. What they say is theirs, which come when is the versions'."""

from collections.abc import Sequence
from pathlib import Path

from alembic import op

from returns_pipeline.storage.database import SCHEMA


def run_files(names: Sequence[str]) -> None:
    """Runs these files in schema `returns`, in their order."""
    connection = op.get_bind()
    connection.exec_driver_sql(f"SET LOCAL search_path TO {SCHEMA}")
    for name in names:
        statements = (Path(__file__).parent / "sql" / name).read_text(encoding="utf-8")
        # Without parameters the driver sends the text as it stands: percent signs and several statements at once.
        connection.connection.cursor().execute(statements)
