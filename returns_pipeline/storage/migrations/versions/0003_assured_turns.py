"""An account's minute tells who drew each call, and assures reading of a part of it."""

from returns_pipeline.storage.migrations.statements import run_files

revision = "0003"
down_revision = "0002"


def upgrade() -> None:
    """Adds the priority to each draw, and has it heeded."""
    run_files(("assured_turns.sql",))
