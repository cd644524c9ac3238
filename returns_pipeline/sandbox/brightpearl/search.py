"""The sandbox Brightpearl's resource search: columns, filters, order and pages, with the recorded metadata.

Not here: which searches there are and their rows (`searches`).
"""

import datetime as dt
import random
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from returns_pipeline.sandbox.brightpearl.moments import stamp
from returns_pipeline.sandbox.brightpearl.world import RefusedError

_LARGEST_PAGE = 500
Matches = Callable[[dict[str, Any]], bool]
_CONTROLS = {"columns", "sort", "pageSize", "firstResult"}


@dataclass(frozen=True)
class Column:
    """One column of a search: its name, its type, and whether it may be filtered by."""

    name: str
    type: str
    is_filterable: bool = True
    reference: tuple[str, ...] = ()
    is_sortable: bool = True


@dataclass(frozen=True)
class Paging:
    """How pages and filters misbehave: rows in any order, a later page again the first, rows twice, filters passed over."""

    shuffle: random.Random | None = None
    repeats: bool = False
    overlap: int = 0
    ignores_unknown_filters: bool = True


def bad_filter(name: str, value: str, kind: str) -> RefusedError:
    """The recorded answer to a filter that cannot be read: a 500 that no retry helps."""
    return RefusedError("CMNC-018", f"The filter {name}={value} cannot be parsed as: {kind}", 500)


def parse_id_set(text: str) -> set[int]:
    """The ids of `8`, `1-5`, `1,2,5-9` or `2.1`.

    Raises:
        ValueError: it is none of these, or a range or list runs downwards.
    """
    found: list[int] = []
    for part in re.split(r"[,.]", text):
        first, dash, last = part.partition("-")
        low = int(first)
        high = int(last) if dash else low
        if high < low or high - low > 100_000:
            raise ValueError(f"the range {part} does not ascend")
        found += range(low, high + 1)
    if "." not in text and found != sorted(found):
        raise ValueError(f"the list {text} does not ascend")
    return set(found)


def run(
    columns: Sequence[Column], rows: Sequence[dict[str, Any]], query: dict[str, list[str]], references: dict[str, dict[str, str]], paging: Paging,
    hidden_filters: dict[str, Callable[[str], Matches]] | None = None,
) -> dict[str, Any]:  # fmt: skip
    """The body of a search's answer.

    Args:
        columns: in the order of the answer.
        rows: by column name; moments as datetimes.
        query: the parsed query.
        references: the lists of names that go beside the answer.
        paging: how pages misbehave.
        hidden_filters: filters that are no column; unknown ones are ignored, as integrators saw, unless `paging` says otherwise.

    Raises:
        RefusedError: a filter cannot be read.
    """
    found = list(rows)
    by_name = {column.name: column for column in columns}
    for name, values in query.items():
        if name in by_name and by_name[name].is_filterable:
            matches = _matcher(by_name[name], values[-1])
            found = [row for row in found if matches(row[name])]
        elif hidden_filters and name in hidden_filters:
            is_wanted = hidden_filters[name](values[-1])
            found = [row for row in found if is_wanted(row)]
        elif name not in _CONTROLS and not paging.ignores_unknown_filters:
            raise bad_filter(name, values[-1], "FILTER")
    sorting = _sorting(query, by_name, columns[0])
    found.sort(key=lambda row: _sort_key(row[sorting[0]]), reverse=sorting[1] == "DESC")
    if paging.shuffle and "sort" not in query:
        paging.shuffle.shuffle(found)
    return _page(columns, found, query, references, paging, sorting)


def _page(
    columns: Sequence[Column], found: Sequence[dict[str, Any]], query: dict[str, list[str]], references: dict[str, dict[str, str]], paging: Paging,
    sorting: tuple[str, str],
) -> dict[str, Any]:  # fmt: skip
    size = min(_number(query, "pageSize", _LARGEST_PAGE), _LARGEST_PAGE)
    first = _number(query, "firstResult", 1)
    start = 0 if paging.repeats else max(first - 1 - paging.overlap, 0)
    wanted = query.get("columns", [""])[-1]
    shown = [column for column in columns if not wanted or column.name in wanted.split(",")]
    page = found[start : start + size]
    metadata: dict[str, Any] = {
        "morePagesAvailable": start + len(page) < len(found),
        "resultsAvailable": len(found),
        "resultsReturned": len(page),
        **({"firstResult": start + 1, "lastResult": start + len(page)} if page else {}),
        "columns": [_described(column) for column in shown],
        "sorting": [
            {
                "filterable": _described(next(each for each in columns if each.name == sorting[0])),
                "direction": sorting[1],
            }
        ],
    }
    results = [[_written(row[column.name]) for column in shown] for row in page]
    used = {
        name: values
        for name, values in references.items()
        if page and any(name in column.reference for column in shown)
    }
    return {"response": {"results": results, "metaData": metadata}, "reference": used}


def _described(column: Column) -> dict[str, Any]:
    return {
        "name": column.name,
        "sortable": column.is_sortable,
        "filterable": column.is_filterable,
        "reportDataType": column.type,
        "referenceData": list(column.reference),
        "isFreeTextSearchable": False,
        "required": False,
    }


def _matcher(column: Column, text: str) -> Callable[[Any], bool]:
    if column.type in ("IDSET", "INTEGER"):
        try:
            wanted = parse_id_set(text) if column.type == "IDSET" else {int(text)}
        except ValueError as error:
            raise bad_filter(column.name, text, column.type) from error
        return lambda value: value in wanted
    if column.type == "BOOLEAN":
        if text not in ("true", "false"):
            raise bad_filter(column.name, text, column.type)
        return lambda value: value is (text == "true")
    if column.type == "PERIOD":
        return _period(column.name, text)
    if column.type == "SEARCH_STRING":
        return lambda value: value is not None and text.lower() in str(value).lower()
    return lambda value: value is not None and str(value) == text


def _period(name: str, text: str) -> Callable[[Any], bool]:
    start_text, slash, end_text = text.partition("/")
    try:
        start, end = (_bound(part) for part in (start_text, end_text))
    except ValueError as error:
        raise bad_filter(name, text, "PERIOD") from error
    if not slash or (start is None and end is None):
        raise bad_filter(name, text, "PERIOD")
    return lambda value: value is not None and (start is None or value >= start) and (end is None or value <= end)


def _bound(text: str) -> dt.datetime | None:
    if not text:
        return None
    moment = dt.datetime.fromisoformat(text)
    return moment if moment.tzinfo else moment.replace(tzinfo=dt.UTC)


def _sorting(query: dict[str, list[str]], by_name: dict[str, Column], first: Column) -> tuple[str, str]:
    name, _, direction = query.get("sort", [""])[-1].partition(".")
    return (name, direction or "ASC") if name in by_name else (first.name, "ASC")


def _sort_key(value: Any) -> tuple[bool, Any]:  # noqa: ANN401 - a cell of any type
    return value is not None, value if value is not None else 0


def _number(query: dict[str, list[str]], name: str, default: int) -> int:
    text = query.get(name, [str(default)])[-1]
    if not text.isdigit() or int(text) < 1:
        raise bad_filter(name, text, "INTEGER")
    return int(text)


def _written(value: Any) -> Any:  # noqa: ANN401 - a cell of any type
    return stamp(value) if isinstance(value, dt.datetime) else value
