"""Brightpearl's resource search: pages of arrays turned into rows by column name, with its filters held to their word.

Sources: resource search of the API, recorded metadata. An unknown filter may be ignored silently, so that every row is held against it.
"""

import datetime as dt
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

from returns_pipeline.clients.fields import Fields
from returns_pipeline.clients.outcomes import ReadFailed
from returns_pipeline.clients.transport import Transport

PAGE = 500
_SAFE = "/:,.-_"


@dataclass(frozen=True)
class Since:
    """An open-ended period: from this moment on."""

    moment: dt.datetime

    def __str__(self) -> str:
        return f"{self.moment.astimezone(dt.UTC).strftime('%Y-%m-%dT%H:%M:%S.000+00:00')}/"


Filter = str | int | Since | Collection[int]


class Search:
    """Searches of one account; remembers the columns that each resource has shown."""

    def __init__(self, transport: Transport) -> None:
        self._transport = transport
        self._types: dict[str, dict[str, str]] = {}

    def column_type(self, path: str, column: str) -> str | None:
        """The type of a column as the metadata of the last search said, None where it was never seen."""
        return self._types.get(path, {}).get(column)

    def rows(self, path: str, filters: Mapping[str, Filter], sort: str | None = None) -> Iterator[dict[str, Any]]:
        """Every row that matches, by column name.

        Raises:
            ReadFailed: a page could not be read, the resource has no such column, or it does not keep to a filter.
        """
        for names, row in self._paged(path, filters, sort):
            for name in filters:
                if name not in names:
                    raise ReadFailed(
                        f"GET {path} of Brightpearl has no column {name}, so that it cannot be searched by it",
                        permanent=True,
                    )
            _hold_to(path, filters, row)
            yield row

    def rows_of_set(self, path: str, name: str, references: str) -> Iterator[dict[str, Any]]:
        """Rows for a filter that is no column of the answer (`externalRefs`); the caller holds them against what it asked.

        Raises:
            ReadFailed: a page could not be read.
        """
        return (row for _, row in self._paged(path, {name: references}, None))

    def _paged(
        self, path: str, filters: Mapping[str, Filter], sort: str | None
    ) -> Iterator[tuple[list[str], dict[str, Any]]]:
        first, last_first_row = 1, None
        while True:
            body = Fields(self._transport.read(path, _query(filters, sort, first)), f"GET {path}")
            names = self._columns(path, body)
            results = body.objects("response.results")
            for result in results:
                yield names, dict(zip(names, result, strict=False))
            if not results or not body.boolean("response.metaData.morePagesAvailable", default=False):
                return
            # A page that comes twice would be read for ever.
            if results[0] == last_first_row:
                raise ReadFailed(f"GET {path} of Brightpearl gave the same page twice; try again later")
            last_first_row = results[0]
            first = (body.optional_integer("response.metaData.lastResult") or first + len(results) - 1) + 1

    def _columns(self, path: str, body: Fields) -> list[str]:
        columns = [Fields(column, f"a column of {path}") for column in body.objects("response.metaData.columns")]
        names = [column.text("name") for column in columns]
        self._types[path] = {
            name: column.optional_text("reportDataType") or "" for name, column in zip(names, columns, strict=True)
        }
        return names


def _query(filters: Mapping[str, Filter], sort: str | None, first: int) -> str:
    # The slash of a period must stay as it is; the plus of an offset must not.
    parts = [f"{name}={quote(_written(value), safe=_SAFE)}" for name, value in filters.items()]
    parts += [f"sort={quote(sort, safe=_SAFE)}"] if sort else []
    return "&".join([*parts, f"pageSize={PAGE}", f"firstResult={first}"])


def _written(value: Filter) -> str:
    if isinstance(value, str | int | Since):
        return str(value)
    return ",".join(str(entry) for entry in sorted(set(value)))


def _hold_to(path: str, filters: Mapping[str, Filter], row: Mapping[str, Any]) -> None:
    for name, wanted in filters.items():
        value = row.get(name)
        if isinstance(wanted, Since) or name not in row:
            continue
        accepted = {str(wanted)} if isinstance(wanted, str | int) else {str(entry) for entry in wanted}
        if str(value) not in accepted and not (isinstance(wanted, str) and str(value).lower() == wanted.lower()):
            raise ReadFailed(
                f"GET {path} of Brightpearl was asked for {name} and answered with other rows: it does not keep to that filter",
                permanent=True,
            )
