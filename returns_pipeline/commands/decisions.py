"""`decisions`: what people decided and is in force, and taking one back. The acts are in `stages.acting`."""

import getpass

from returns_pipeline.commands import runtime
from returns_pipeline.commands.answers import Answer
from returns_pipeline.stages.acting import ActRefused, take_back
from returns_pipeline.storage import database, decisions


def listed() -> Answer:
    """The decisions in force, oldest first."""
    runtime.prepare()
    with database.connect() as connection:
        found = decisions.in_force(connection)
    rows = found.astype(object).where(found.notna(), None).to_dict("records")
    lines = [
        f"{row['decision_id']:>5}  {row['action']:<16} {row['subject_type']} {row['subject_id']} by {row['decided_by']}: {row['reason']}"
        for row in rows
    ]
    return Answer([*lines, f"{len(rows)} in force"], rows)


def revoke(decision_id: int, *, reason: str, by: str) -> Answer:
    """Takes one back; a refusal changes nothing."""
    runtime.prepare()
    try:
        with database.connect() as connection:
            return Answer([take_back(connection, decision_id, reason, by, getpass.getuser())])
    except ActRefused as refusal:
        return Answer([f"refused, nothing was changed: {refusal}"], status=1)
