"""Brings a frame's columns to their fixed types, cell by cell where needed, and says which cells do not fit. No checks of meaning.

Nothing is guessed: a number is not text, text is not a number, a missing flag is not False, a decimal never comes from a float.
"""

import datetime as dt
import functools
from collections.abc import Callable, Iterable, Sequence
from decimal import Decimal
from typing import Any

import numpy as np
import pandas as pd

from returns_pipeline.schemas.columns import Column, Kind

_DTYPES = {Kind.WHOLE: "Int64", Kind.FLAG: "boolean", Kind.TEXT: "str", Kind.MOMENT: "datetime64[us, UTC]"}
_REQUIRED_DTYPES = {Kind.WHOLE: "int64", Kind.FLAG: "bool"}


def dtype_of(column: Column) -> str:
    """The dtype of the column in every frame of ours."""
    if not column.nullable and column.kind in _REQUIRED_DTYPES:
        return _REQUIRED_DTYPES[column.kind]
    return _DTYPES.get(column.kind, "object")


def empty_frame(columns: Sequence[Column]) -> pd.DataFrame:
    """No rows of these columns."""
    return _empty_frame(tuple(columns)).copy(deep=False)


def series_of(values: Sequence[Any], column: Column) -> pd.Series:
    """A column of values that fit, as they come from the database."""
    if dtype_of(column) == "object":
        return _objects(values)
    return pd.Series(values, dtype=dtype_of(column))


def fitted(values: Sequence[Any], column: Column) -> pd.Series:
    """A column of values from outside: in its own dtype if every cell fits, else as it is, so that validation can hold the rows."""
    plain = _objects(values)
    return plain if misfits(plain, column).any() else converted(plain, column)


def misfits(series: pd.Series, column: Column) -> pd.Series:
    """True where a cell cannot be of the column's type; a missing cell is a misfit where the column must be filled."""
    missing = series.isna()
    if str(series.dtype) == dtype_of(column) != "object" or _is_of_kind(series, column.kind) or missing.all():
        wrong = pd.Series(data=False, index=series.index)
    else:
        fits = _FITS[column.kind]
        wrong = pd.Series(
            [not gone and not fits(value) for value, gone in zip(series, missing, strict=True)],
            index=series.index,
            dtype=bool,
        )
    return wrong if column.nullable else wrong | missing


def converted(series: pd.Series, column: Column) -> pd.Series:
    """The column in its own dtype; call it only with cells that fit."""
    wanted = dtype_of(column)
    if wanted == "object":
        return series.astype("object").where(series.notna(), None)
    if str(series.dtype) == wanted:
        return series
    if series.dtype == object and wanted != "str":
        return pd.Series(
            [None if gone else value for value, gone in zip(series, series.isna(), strict=True)],
            index=series.index,
            dtype=wanted,
        )
    return series.astype(pd.api.types.pandas_dtype(wanted))


@functools.cache
def _empty_frame(columns: tuple[Column, ...]) -> pd.DataFrame:
    """Built once, because most frames of a quiet pass are empty and each takes as long as a query."""
    return pd.DataFrame({column.name: series_of((), column) for column in columns})


def _objects(values: Iterable[Any]) -> pd.Series:
    filled = list(values)
    cells = np.empty(len(filled), dtype=object)
    for place, value in enumerate(filled):
        cells[place] = value
    return pd.Series(cells, dtype=object)


def _is_of_kind(series: pd.Series, kind: Kind) -> bool:
    """Whether the dtype alone answers for every cell."""
    if kind is Kind.WHOLE:
        return pd.api.types.is_integer_dtype(series.dtype)
    if kind is Kind.FLAG:
        return pd.api.types.is_bool_dtype(series.dtype)
    if kind is Kind.TEXT:
        return pd.api.types.infer_dtype(series, skipna=True) == "string"
    return kind is Kind.MOMENT and isinstance(series.dtype, pd.DatetimeTZDtype)


def _is_whole(value: object) -> bool:
    if isinstance(value, bool | np.bool_):
        return False
    # Pandas turns whole numbers with gaps into floats; beyond 2**53 a float no longer tells them apart.
    return isinstance(value, int | np.integer) or (
        isinstance(value, float) and value.is_integer() and abs(value) < 2**53
    )


_FITS: dict[Kind, Callable[[Any], bool]] = {
    Kind.WHOLE: _is_whole,
    Kind.FLAG: lambda value: isinstance(value, bool | np.bool_),
    Kind.TEXT: lambda value: isinstance(value, str),
    Kind.MOMENT: lambda value: isinstance(value, dt.datetime) and value.tzinfo is not None,
    Kind.DAY: lambda value: isinstance(value, dt.date) and not isinstance(value, dt.datetime),
    Kind.SPAN: lambda value: isinstance(value, dt.timedelta),
    Kind.EXACT: lambda value: isinstance(value, Decimal) and value.is_finite(),
    Kind.JSON: lambda value: isinstance(value, list | dict),
    Kind.NUMBERS: lambda value: (
        isinstance(value, list) and all(_is_whole(item) and not isinstance(item, float) for item in value)
    ),
    Kind.TEXTS: lambda value: isinstance(value, list) and all(isinstance(item, str) for item in value),
}
