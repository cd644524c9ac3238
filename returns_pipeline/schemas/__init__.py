"""One Pandera model per table: types, meaning, unit and source of each column, and the rules a row must keep. No input or output."""

import functools
from collections.abc import Mapping

import pandas as pd

from returns_pipeline.schemas import brightpearl, finance, operations, returngo, returns, validation
from returns_pipeline.schemas.tables import TableSchema
from returns_pipeline.schemas.validation import BatchMisshapen

__all__ = ["BatchMisshapen", "TableSchema", "by_asset_key", "by_table", "named", "validate"]

_ALL = (*returngo.TABLES, *brightpearl.TABLES, *returns.TABLES, *finance.TABLES, *operations.TABLES)


@functools.cache
def by_table() -> Mapping[str, TableSchema]:
    """Table name -> schema, for every table and view that a frame is read from."""
    return {schema.table: schema for schema in _ALL}


def by_asset_key() -> dict[str, TableSchema]:
    """`system/noun` -> schema, for every asset."""
    return {schema.asset_key: schema for schema in _ALL if schema.asset_key}


def named(table: str) -> TableSchema:
    """The schema of a table or of an asset's key (`returngo/rmas` is `returngo_rmas`).

    Raises:
        KeyError: there is no such table.
    """
    schema = by_table().get(table.replace("/", "_"))
    if schema is None:
        raise KeyError(f"no table {table}; there are {', '.join(sorted(by_table()))}")
    return schema


def validate(table: str, frame: pd.DataFrame) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Parts a batch into (good, held with a column `reason`); see `validation.validate`."""
    return validation.validate(named(table), frame)
