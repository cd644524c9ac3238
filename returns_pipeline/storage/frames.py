"""Reads tables as frames of fixed types and writes frames back, touching only what changed. No judging of rows, no choice of scope's meaning.

What is read is what was written, to the last digit: whole minor units, Decimals, lists, UTC moments, missing values. Names of tables and columns
in the statements come from the models alone (so no S608), values always travel beside them.
"""

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import pandas as pd
import psycopg
from psycopg.rows import tuple_row
from psycopg.types.json import Jsonb

from returns_pipeline import schemas
from returns_pipeline.schemas.coercion import converted, empty_frame, fitted, misfits, series_of
from returns_pipeline.schemas.columns import Column, Freshness, Kind
from returns_pipeline.schemas.tables import TableSchema
from returns_pipeline.storage import database, scopes


@dataclass(frozen=True)
class Written:
    """How many rows an upsert added, changed, found as they were, and removed."""

    inserted: int = 0
    changed: int = 0
    unchanged: int = 0
    removed: int = 0


def read(
    connection: psycopg.Connection,
    table: str,
    scope: str = "open",
    *,
    shop: str | None = None,
    rma_ids: Sequence[int] | None = None,
    since: dt.datetime | None = None,
    order_name_format: str = "{order_name}",
) -> pd.DataFrame:
    """The rows of a table or asset (`returngo/rmas`) in the order of their key.

    Naming returns means exactly those, open or not, whether 'open' or 'changed' was asked.

    Args:
        connection: a connection of `database.connect`.
        table: name of the table, or the asset's key.
        scope: 'open': what hangs on open returns, and receipts that nobody has matched; 'changed': changed at or after `since`; 'all'.
        shop: only what concerns this shop.
        rma_ids: exactly what hangs on these returns.
        since: with 'changed', the moment.
        order_name_format: how the shop's order names are written in Brightpearl, by which sales of open returns are found.

    Raises:
        ValueError: the scope does not go with the other arguments.
    """
    if (scope == "changed") != (since is not None) or (rma_ids is not None and scope != "open"):
        raise ValueError(
            f"scope '{scope}' of {table}: `since` goes with 'changed' and only with it, `rma_ids` with 'open'"
        )
    schema = schemas.named(table)
    columns = schema.columns()
    query = scopes.query(
        schema.table,
        ", ".join(f"t.{column.name}" for column in columns),
        scope,
        of_one_shop=shop is not None,
        of_named_rmas=rma_ids is not None,
    )
    parameters = {
        "shop": shop,
        "rma_ids": None if rma_ids is None else list(rma_ids),
        "since": since,
        "order_name_format": order_name_format,
    }
    reading = database.joined_by_index(connection) if scope == "open" else connection.transaction()
    with reading, connection.cursor(binary=True, row_factory=tuple_row) as cursor:
        cursor.execute(f"{query} ORDER BY {', '.join(f't.{name}' for name in schema.key)}", parameters)
        return _frame_of(cursor.fetchall(), columns)


def empty(table: str) -> pd.DataFrame:
    """No rows of a table or asset, in its fixed types."""
    return empty_frame(schemas.named(table).columns())


def of_records(table: str, records: Sequence[object], **columns: Any) -> pd.DataFrame:  # noqa: ANN401 - one value, or one per record
    """The frame of a table from records whose attributes are named as its columns, in the table's own types where the cells fit them.

    Args:
        table: name of the table, or the asset's key.
        records: one per row; attributes that are no column of the table are left out.
        columns: what the records do not know: one value for all rows, or a list of one per row.

    Raises:
        AttributeError: a column is neither given nor an attribute.
    """
    schema = schemas.named(table)
    given = {name: value if isinstance(value, list) else [value] * len(records) for name, value in columns.items()}
    names = [column for column in schema.columns() if column.name in given or not column.is_generated]
    if not records:
        return empty_frame(names)
    cells = {
        column.name: given[column.name]
        if column.name in given
        else [getattr(record, column.name) for record in records]
        for column in names
    }
    return pd.DataFrame({column.name: fitted(cells[column.name], column) for column in names})


def upsert(
    connection: psycopg.Connection,
    table: str,
    frame: pd.DataFrame,
    keys: Sequence[str] | None = None,
    replace_within: tuple[str, Sequence[int] | Sequence[str]] | None = None,
) -> Written:
    """Writes a frame by key in one transaction; rows that say the same as before are not touched.

    A column that only says when we looked (`read_at`, `judged_at`) is no change by itself. Columns that the database fills are left to it.

    Args:
        connection: a connection of `database.connect`; inside its transaction, if one is open.
        table: name of the table, or the asset's key.
        frame: the table's columns.
        keys: other unique columns than the table's own key.
        replace_within: a column and the values of it whose rows are known completely: other rows of theirs are removed.

    Raises:
        ValueError: a key occurs twice, or a cell is not of its column's type.
    """
    schema = schemas.named(table)
    if schema.is_view:
        raise ValueError(f"{schema.table} is a view: it is written where its rows are made")
    keys = list(keys or schema.key)
    columns = [column for column in schema.columns() if not column.is_generated or column.name in keys]
    if frame.empty and not (replace_within and len(replace_within[1])):
        return Written()
    _refuse_doubles(schema, frame, keys)
    cells = [_cells(schema, frame, column) for column in columns]
    with connection.transaction(), connection.cursor(row_factory=tuple_row) as cursor:
        # A first load is longer than the session's patience with one statement.
        cursor.execute("SET LOCAL statement_timeout = '10min'")
        # What is written is compared with the rows of its keys: the others may be a million.
        database.look_up_by_index(connection)
        _load(cursor, schema, columns, cells)
        removed = _remove_others(cursor, schema, keys, replace_within) if replace_within else 0
        inserted, changed = _count(cursor, schema, columns, keys)
        _write(cursor, schema, columns, keys)
        cursor.execute("DROP TABLE incoming")
    return Written(inserted, changed, len(frame) - inserted - changed, removed)


def _frame_of(rows: Sequence[tuple[Any, ...]], columns: Sequence[Column]) -> pd.DataFrame:
    if not rows:
        return empty_frame(columns)
    by_column = list(zip(*rows, strict=True))
    return pd.DataFrame(
        {column.name: series_of(values, column) for column, values in zip(columns, by_column, strict=True)}
    )


def _refuse_doubles(schema: TableSchema, frame: pd.DataFrame, keys: list[str]) -> None:
    doubles = int(frame.duplicated(keys).sum())
    if doubles:
        raise ValueError(
            f"{doubles} rows for {schema.table} repeat a key of {', '.join(keys)}: one row cannot say two things"
        )


def _cells(schema: TableSchema, frame: pd.DataFrame, column: Column) -> list[Any]:
    """The column as Python values that the driver writes without loss."""
    series = frame[column.name]
    wrong = int(misfits(series, column).sum())
    if wrong:
        raise ValueError(f"{wrong} cells of {schema.table}.{column.name} are missing or not of type {column.kind}")
    typed = converted(series, column)
    values = [None if gone else value for value, gone in zip(typed.tolist(), typed.isna(), strict=True)]
    if column.kind is Kind.MOMENT:
        return [None if value is None else value.to_pydatetime() for value in values]
    if column.kind is Kind.JSON:
        return [None if value is None else Jsonb(value) for value in values]
    if column.kind is Kind.NUMBERS:
        return [None if value is None else [int(item) for item in value] for value in values]
    return values


def _load(cursor: psycopg.Cursor, schema: TableSchema, columns: list[Column], cells: list[list[Any]]) -> None:
    names = ", ".join(column.name for column in columns)
    cursor.execute(f"CREATE TEMPORARY TABLE incoming ON COMMIT DROP AS SELECT {names} FROM {schema.table} WITH NO DATA")  # noqa: S608
    with cursor.copy(f"COPY incoming ({names}) FROM STDIN") as copy:
        for row in zip(*cells, strict=True):
            copy.write_row(row)
    cursor.execute("ANALYZE incoming")


def _remove_others(
    cursor: psycopg.Cursor,
    schema: TableSchema,
    keys: list[str],
    replace_within: tuple[str, Sequence[int] | Sequence[str]],
) -> int:
    parent, values = replace_within
    if parent not in {column.name for column in schema.columns()}:
        raise ValueError(f"{schema.table} has no column {parent} to replace rows within")
    cursor.execute(
        f"DELETE FROM {schema.table} t WHERE t.{parent} = ANY(%s) AND NOT EXISTS (SELECT FROM incoming i WHERE {_same(keys)})",  # noqa: S608
        [[value if isinstance(value, str) else int(value) for value in values]],
    )
    return cursor.rowcount


def _count(cursor: psycopg.Cursor, schema: TableSchema, columns: list[Column], keys: list[str]) -> tuple[int, int]:
    compared = [column.name for column in columns if column.freshness is None and column.name not in keys]
    row = cursor.execute(
        f"""SELECT count(*) FILTER (WHERE t.{keys[0]} IS NULL), count(*) FILTER (WHERE t.{keys[0]} IS NOT NULL AND {_differs(compared, "t", "i")})
              FROM incoming i LEFT JOIN {schema.table} t ON {_same(keys)}"""  # noqa: S608
    ).fetchone()
    return (0, 0) if row is None else (row[0], row[1])


def _write(cursor: psycopg.Cursor, schema: TableSchema, columns: list[Column], keys: list[str]) -> None:
    names = [column.name for column in columns]
    values = [column for column in columns if column.name not in keys]
    decisive = [column.name for column in values if column.freshness is not Freshness.WITH_CHANGE]
    # Only new and different rows reach the INSERT: a conflict alone would already lock and rewrite its row.
    cursor.execute(
        f"""INSERT INTO {schema.table} ({", ".join(names)})
            SELECT {", ".join(f"i.{name}" for name in names)} FROM incoming i LEFT JOIN {schema.table} t ON {_same(keys)}
             WHERE t.{keys[0]} IS NULL OR {_differs(decisive, "t", "i")}
            ON CONFLICT ({", ".join(keys)}) DO UPDATE SET {", ".join(f"{column.name} = excluded.{column.name}" for column in values)}"""  # noqa: S608
    )


def _same(keys: list[str]) -> str:
    return " AND ".join(f"t.{key} = i.{key}" for key in keys)


def _differs(names: list[str], left: str, right: str) -> str:
    return f"({', '.join(f'{left}.{name}' for name in names)}) IS DISTINCT FROM ({', '.join(f'{right}.{name}' for name in names)})"
