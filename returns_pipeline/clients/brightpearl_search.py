"""Brightpearl's resource search: pages of arrays turned into rows by column name, with its filters held to their word.

Sources: resource search of the API, recorded metadata. An unknown filter may be ignored silently, so that every row is held against it.
"""

import datetime as dt
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

from returns_pipeline.clients.fields import Fields, RecordRejected
from returns_pipeline.clients.outcomes import ReadFailed, names_errors
from returns_pipeline.clients.pacing import Priority
from returns_pipeline.clients.transport import Transport

_PAGE = 500
_SAFE = "/:,.-_"
# Without an order of its own a search may give its pages in any, and rows between two pages would be missed.
_SORTS = {
    "/order-service/order-search": "orderId.ASC",
    "/warehouse-service/goods-movement-search": "goodsMovementId.ASC",
    "/accounting-service/customer-payment-search": "paymentId.ASC",
}
# Accounts answer in their own offset and take a bare date as UTC: only a row older than any offset explains shows an ignored filter.
_WIDEST_OFFSET = dt.timedelta(hours=26)


@dataclass(frozen=True)
class Since:
    """An open-ended period: from this moment on."""

    moment: dt.datetime

    def __str__(self) -> str:
        return f"{self.moment.astimezone(dt.UTC).strftime('%Y-%m-%dT%H:%M:%S.000+00:00')}/"


Filter = str | int | Since | Collection[int]
Row = dict[str, Any]


@dataclass(frozen=True)
class _Page:
    names: list[str]
    rows: list[Row]
    next_first: int | None


class Search:
    """Searches of one account; remembers the types of the columns that each resource has shown."""

    def __init__(self, transport: Transport) -> None:
        self._transport = transport
        self._types: dict[str, dict[str, str]] = {}

    def column_type(self, path: str, column: str) -> str | None:
        """The type of a column as the metadata of the last search said, None where it was never seen."""
        return self._types.get(path, {}).get(column)

    def rows(self, path: str, filters: Mapping[str, Filter], priority: Priority = Priority.POLL) -> Iterator[Row]:
        """Every row that matches, once, by column name.

        Raises:
            ReadFailed: a page could not be read, the resource has no such column, or it does not keep to a filter.
        """
        for page in self._pages(path, filters, priority):
            missing = [name for name in filters if name not in page.names]
            if missing:
                raise ReadFailed(
                    f"GET {path} of Brightpearl has no column {missing[0]}: its filter would be passed over",
                    permanent=True,
                )
            yield from (row for row in page.rows if _keeps(path, filters, row))

    def rows_of_set(self, path: str, name: str, references: str) -> Iterator[Row]:
        """Rows for a filter that is no column of the answer (`externalRefs`); the caller holds them against what it asked.

        Raises:
            ReadFailed: a page could not be read.
        """
        for page in self._pages(path, {name: references}, Priority.POLL):
            yield from page.rows

    def _pages(self, path: str, filters: Mapping[str, Filter], priority: Priority) -> Iterator[_Page]:
        first: int | None = 1
        seen: set[str] = set()
        while first is not None:
            body = self._transport.read(path, _query(filters, _SORTS.get(path), first), priority)
            try:
                page = self._page(path, body, first)
            except RecordRejected as rejection:
                raise ReadFailed(
                    f"{rejection}: the answer is not in the shape that the API documents", permanent=True
                ) from rejection
            fresh = {repr(row): row for row in page.rows if repr(row) not in seen}
            if page.rows and not fresh:
                raise ReadFailed(
                    f"GET {path} of Brightpearl gave the same page twice: it would never end. Please try again later"
                )
            seen |= fresh.keys()
            yield _Page(page.names, list(fresh.values()), page.next_first)
            first = page.next_first

    def _page(self, path: str, body: Any, first: int) -> _Page:
        fields = Fields(body, f"GET {path} of Brightpearl")
        if names_errors(body):
            raise fields.rejected("errors", body["errors"], "must not be there")
        columns = [Fields(column, fields.subject) for column in fields.required_objects("response.metaData.columns")]
        names = [column.text("name") for column in columns]
        types = [column.optional_text("reportDataType") or "" for column in columns]
        self._types[path] = dict(zip(names, types, strict=True))
        rows = []
        for result in fields.required_objects("response.results"):
            if not isinstance(result, list) or len(result) != len(names):
                raise fields.rejected("response.results", result, "must hold one value per column")
            rows.append(dict(zip(names, result, strict=True)))
        more = fields.boolean("response.metaData.morePagesAvailable", default=False)
        last = fields.optional_integer("response.metaData.lastResult") or first + len(rows) - 1
        if more and rows and last < first:
            raise fields.rejected("response.metaData.lastResult", last, "must not run backwards")
        return _Page(names, rows, last + 1 if more and rows else None)


def _query(filters: Mapping[str, Filter], sort: str | None, first: int) -> str:
    # The slash of a period must stay as it is; the plus of an offset must not.
    parts = [f"{name}={quote(_written(value), safe=_SAFE)}" for name, value in filters.items()]
    parts += [f"sort={quote(sort, safe=_SAFE)}"] if sort else []
    return "&".join([*parts, f"pageSize={_PAGE}", f"firstResult={first}"])


def _written(value: Filter) -> str:
    if isinstance(value, str | int | Since):
        return str(value)
    return ",".join(str(entry) for entry in sorted(set(value)))


def _keeps(path: str, filters: Mapping[str, Filter], row: Row) -> bool:
    """Whether a row is one of those asked for. A search for text may find more than the text; anything else shows a filter passed over."""
    is_exact = True
    for name, wanted in filters.items():
        value = row[name]
        if isinstance(wanted, Since):
            found, merely_near = _is_since(value, wanted), False
        elif isinstance(wanted, str):
            found = str(value).lower() == wanted.lower()
            merely_near = wanted.lower() in str(value).lower()
        else:
            accepted = {str(wanted)} if isinstance(wanted, int) else {str(entry) for entry in wanted}
            found, merely_near = str(value) in accepted, False
        if not found and not merely_near:
            raise ReadFailed(
                f"GET {path} of Brightpearl was asked for {name} and answered with other rows: it does not keep to that filter",
                permanent=True,
            )
        is_exact = is_exact and found
    return is_exact


def _is_since(value: object, wanted: Since) -> bool:
    try:
        moment = Fields({"moment": value}, "a row of a search").optional_moment("moment")
    except RecordRejected:
        return False
    return moment is not None and moment >= wanted.moment - _WIDEST_OFFSET
