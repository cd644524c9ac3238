"""Filters, order and cursors of the sandbox ReturnGO's lists.

Not here: which lists exist (`routes`). Every function is pure: rows in, rows out.
"""

import base64
import binascii
import datetime as dt
import operator
from collections.abc import Callable, Sequence
from typing import TypeVar

Row = TypeVar("Row")
Query = dict[str, list[str]]

_OPERATORS: dict[str, Callable[[dt.datetime, dt.datetime], bool]] = {
    "lt": operator.lt,
    "lte": operator.le,
    "gt": operator.gt,
    "gte": operator.ge,
    "eq": operator.eq,
    "neq": operator.ne,
}
_LARGEST_PAGE = 500


class BadQueryError(Exception):
    """A parameter is missing or malformed: answered with 400."""


def page_size(query: Query) -> int:
    """The required `pagesize`, 1 to 500."""
    given = query.get("pagesize", [""])[-1]
    if not given.isdigit() or not 1 <= int(given) <= _LARGEST_PAGE:
        raise BadQueryError(f"pagesize is required and must be between 1 and {_LARGEST_PAGE}")
    return int(given)


def words(query: Query, name: str) -> set[str] | None:
    """A comma list as a set; None when the parameter is absent or empty."""
    found = {word for given in query.get(name, []) for word in given.split(",") if word}
    return found or None


def is_within(query: Query, name: str, moment: dt.datetime) -> bool:
    """Whether a moment passes every `<op>:<YYYY-MM-DDTHH:mm:ss>` given under that name (UTC, whole seconds)."""
    return all(_passes(name, condition, moment.replace(microsecond=0)) for condition in query.get(name, []))


def _passes(name: str, condition: str, moment: dt.datetime) -> bool:
    word, colon, text = condition.partition(":")
    if not colon or word not in _OPERATORS:
        raise BadQueryError(f"{name} must be <op>:<YYYY-MM-DDTHH:mm:ss> with op of {', '.join(_OPERATORS)}")
    try:
        bound = dt.datetime.strptime(text, "%Y-%m-%dT%H:%M:%S").replace(tzinfo=dt.UTC)
    except ValueError as error:
        raise BadQueryError(f"{name} must be <op>:<YYYY-MM-DDTHH:mm:ss>, got {condition!r}") from error
    return _OPERATORS[word](moment, bound)


def sort_keys(query: Query, allowed: set[str]) -> list[tuple[str, bool]]:
    """`sort_by` as (column, descending); a plus that was sent unencoded arrives as a space and is refused."""
    keys = []
    for word in ",".join(query.get("sort_by", [])).split(","):
        if not word:
            continue
        sign, column = word[0], word[1:]
        if sign not in "+-" or column not in allowed:
            raise BadQueryError(f"sort_by must be a comma list of +column or -column of {', '.join(sorted(allowed))}")
        keys.append((column, sign == "-"))
    return keys


def sort_rows(
    rows: Sequence[Row], keys: Sequence[tuple[str, bool]], values: dict[str, Callable[[Row], dt.datetime]]
) -> list[Row]:
    """Rows by several columns, the first key ruling."""
    ordered = list(rows)
    for column, is_descending in reversed(keys):
        ordered.sort(key=values[column], reverse=is_descending)
    return ordered


def start_of_page(query: Query, ordered_ids: Sequence[int], prefix: str) -> int:
    """Where the page begins: at the row that the cursor names, which is looked up among all rows, filtered or not."""
    given = query.get("cursor", [""])[-1]
    if not given:
        return 0
    try:
        text = base64.b64decode(given, validate=True).decode()
        return list(ordered_ids).index(int(text.removeprefix(prefix)))
    except (binascii.Error, UnicodeDecodeError, ValueError) as error:
        raise BadQueryError("cursor is not one of ours") from error


def cursor_to(row_id: int, prefix: str) -> str:
    """The opaque cursor that names a row."""
    return base64.b64encode(f"{prefix}{row_id}".encode()).decode()
