"""`inspections record`: what the bench found about one unit."""

from returns_pipeline.commands import runtime
from returns_pipeline.commands.answers import Answer
from returns_pipeline.stages import acting
from returns_pipeline.storage import database


def record(*, rma_id: int, item_id: int, result: str, reason: str, by: str) -> Answer:
    """Records pass, damaged or write_off of one unit; refused for a unit that is not of that return."""
    runtime.prepare()
    try:
        with database.connect() as connection:
            return Answer([acting.record_inspection(connection, rma_id, item_id, result, reason, by)])
    except acting.ActRefused as refusal:
        return Answer([f"refused, nothing was recorded: {refusal}"], status=1)
