"""`decisions`: what people decided about single subjects, and taking a decision back. Deciding is `exceptions resolve`."""

import getpass

from returns_pipeline.commands import runtime
from returns_pipeline.commands.answers import Answer
from returns_pipeline.stages import acting
from returns_pipeline.storage import database, decisions


def listed() -> Answer:
    """The decisions in force, oldest first."""
    runtime.prepare()
    with database.connect() as connection:
        rows = decisions.in_force(connection).to_dict("records")
    lines = [
        f"{row['decision_id']:>5}  {row['action']:<22} {row['subject_type']} {row['subject_id']} of shop {row['shop']}, {row['decided_by']}: {row['reason']}"
        for row in rows
    ]
    return Answer([*lines, f"{len(rows)} in force"], rows)


def revoke(decision_id: int, *, reason: str, by: str) -> Answer:
    """Takes a decision back; 1 where there is none of that id, or where a credit was raised on it."""
    runtime.prepare()
    try:
        with database.connect() as connection:
            return Answer([acting.take_back(connection, decision_id, reason, by, getpass.getuser())])
    except acting.ActRefused as refusal:
        return Answer([f"refused, nothing was changed: {refusal}"], status=1)
