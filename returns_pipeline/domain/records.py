"""Frames as rows of plain Python values, for rules that read better one case at a time. Rules over whole columns stay with the frames."""

from typing import Any

import numpy as np
import pandas as pd


def records(frame: pd.DataFrame) -> list[dict[str, Any]]:
    """The rows as dicts, with None wherever a cell is missing, whatever the column's dtype."""
    if frame.empty:
        return []
    names = [str(name) for name in frame.columns]
    columns = [_plain_cells(column) for _, column in frame.items()]
    return [dict(zip(names, row, strict=True)) for row in zip(*columns, strict=True)]


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


def _plain_cells(column: pd.Series) -> list[Any]:
    values, missing = column.tolist(), column.isna()
    if column.dtype == object:
        values = [value.item() if isinstance(value, np.generic) else value for value in values]
    if missing.any():
        values = [None if gone else value for value, gone in zip(values, missing.tolist(), strict=True)]
    return values


def plain(value: object) -> Any:  # noqa: ANN401 - whatever the cell holds
    """The value, or None where a frame says missing."""
    if value is None or isinstance(value, list | dict | str):
        return value
    return None if pd.isna(value) else value
