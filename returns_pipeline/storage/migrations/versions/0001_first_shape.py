"""The first shape: facts, operations, the ledger and its guards, views, the roles and what each may do.

The statements are in `migrations/sql/`, where they can be read as one page each.
"""

from pathlib import Path

from alembic import op

from returns_pipeline.storage.database import SCHEMA

revision = "0001"
down_revision = None

_FILES = ("facts.sql", "operations.sql", "ledger.sql", "views.sql", "moves.sql", "roles.sql")


def upgrade() -> None:
    """Creates everything in schema `returns`."""
    connection = op.get_bind()
    connection.exec_driver_sql(f"SET LOCAL search_path TO {SCHEMA}")
    for name in _FILES:
        statements = (Path(__file__).parents[1] / "sql" / name).read_text(encoding="utf-8")
        # Without parameters the driver sends the text as it stands: percent signs and several statements at once.
        connection.connection.cursor().execute(statements)
