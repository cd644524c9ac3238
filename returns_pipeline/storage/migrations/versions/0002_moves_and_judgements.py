"""What moved since a stage last judged: the two tables, the triggers, and the roles' rights to them."""

from returns_pipeline.storage.migrations.statements import run_files

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    """Adds both tables, and lets every table that judgements rest on note its moves."""
    run_files(("moves.sql", "roles.sql"))
