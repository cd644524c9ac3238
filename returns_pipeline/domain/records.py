"""Frames as rows of plain Python values, for rules that read better one case at a time. Rules over whole columns stay with the frames."""

from typing import Any

import pandas as pd


def records(frame: pd.DataFrame) -> list[dict[str, Any]]:
    """The rows as dicts, with None wherever a cell is missing, whatever the column's dtype."""
    return [{name: plain(value) for name, value in row.items()} for row in frame.to_dict("records")]


def by_key(frame: pd.DataFrame, key: str) -> dict[Any, dict[str, Any]]:
    """The rows by a column that is unique; rows without it are left out."""
    return {row[key]: row for row in records(frame) if row[key] is not None}


def grouped_by(frame: pd.DataFrame, key: str) -> dict[Any, list[dict[str, Any]]]:
    """The rows under each value of a column, in their order; rows without it are left out."""
    groups: dict[Any, list[dict[str, Any]]] = {}
    for row in records(frame):
        if row[key] is not None:
            groups.setdefault(row[key], []).append(row)
    return groups


def plain(value: object) -> Any:  # noqa: ANN401 - whatever the cell holds
    """The value, or None where a frame says missing."""
    if value is None or isinstance(value, list | dict | str):
        return value
    return None if pd.isna(value) else value
