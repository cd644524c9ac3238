"""`exceptions`: what does not fit, one with its history, and what a person decides about it. The acts are in `stages.acting`."""

import getpass
from typing import Any

import pandas as pd

from returns_pipeline.commands import runtime
from returns_pipeline.commands.answers import Answer
from returns_pipeline.domain.catalogue import CATALOGUE
from returns_pipeline.domain.money import format_minor
from returns_pipeline.settings import load_settings
from returns_pipeline.stages.acting import Act, ActRefused, act, value_in
from returns_pipeline.storage import database, exceptions, frames


def listed(*, owner: str | None) -> Answer:
    """Open exceptions, most money first."""
    runtime.prepare()
    with database.connect() as connection:
        shown = frames.read(connection, "returns/exceptions", scope="all")
    if owner:
        shown = shown[shown["owner"] == owner]
    shown = shown.sort_values("money_minor", ascending=False, na_position="last")
    rows = [_plain(row) for row in shown.to_dict("records")]
    lines = [
        f"{row['exception_id']:>5}  {row['severity']:<8} {row['owner']:<12} {_money(row):>14}  {_title(row['code'])} ({row['subject_type']} {row['subject_id']})"
        for row in rows
    ]
    return Answer([*lines, f"{len(rows)} open"], rows, status=0)


def shown(exception_id: int) -> Answer:
    """One exception: what was expected and found, what to do, and every turn it took."""
    runtime.prepare()
    with database.connect() as connection:
        found = frames.read(connection, "returns/exceptions", scope="all")
        row = next((_plain(row) for row in found[found["exception_id"] == exception_id].to_dict("records")), None)
        turns = exceptions.history(connection, exception_id)
    if row is None and not turns:
        return Answer([f"there is no exception {exception_id}"], status=1)
    lines = []
    if row is not None:
        kind = CATALOGUE[row["code"]]
        lines += [
            f"{kind.title}: {row['subject_type']} {row['subject_id']} of shop {row['shop']}, owner {row['owner']}, {_money(row)} at stake"
        ]
        lines += [
            f"expected: {row['expected']}",
            f"found: {row['found']}",
            f"suggestion: {row['suggestion'] or 'none'}",
            f"next step: {kind.next_step}",
        ]
    lines += [
        f"{turn.at:%Y-%m-%d %H:%M} {turn.what} by {turn.actor}{': ' + turn.note if turn.note else ''}" for turn in turns
    ]
    return Answer(lines, {"exception": row, "history": [vars(turn) for turn in turns]})


def resolve(exception_id: int, *, action: str, value: str, reason: str, by: str, second: str | None) -> Answer:
    """Decides about one exception; refused acts change nothing."""
    try:
        parsed = value_in(value)
    except ActRefused as refusal:
        return Answer([f"refused, nothing was changed: {refusal}"], status=2)
    runtime.prepare()
    with database.connect() as connection:
        try:
            done = act(
                connection, load_settings(), exception_id, Act(action, parsed, reason, by, second, getpass.getuser())
            )
        except ActRefused as refusal:
            return Answer([f"refused, nothing was changed: {refusal}"], status=1)
    return Answer([done])


def _plain(row: dict[str, Any]) -> dict[str, Any]:
    return {
        name: None if not isinstance(value, list | dict) and pd.isna(value) else value for name, value in row.items()
    }


def _money(row: dict[str, Any]) -> str:
    return (
        format_minor(int(row["money_minor"]), str(row["currency"]))
        if row["money_minor"] is not None and row["currency"]
        else "-"
    )


def _title(code: str) -> str:
    return CATALOGUE[code].title if code in CATALOGUE else code
