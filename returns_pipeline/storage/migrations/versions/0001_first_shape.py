"""The first shape: facts, operations, the ledger and its guards, views, the roles and what each may do.

The statements are in `migrations/sql/`, where they can be read as one page each.
"""

from returns_pipeline.storage.migrations.statements import run_files

revision = "0001"
down_revision = None

_FILES = ("facts.sql", "operations.sql", "ledger.sql", "views.sql", "roles.sql")


def upgrade() -> None:
    """Creates everything in schema `returns`."""
    run_files(_FILES)
