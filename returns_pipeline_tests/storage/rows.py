"""Frames of any table for tests: plausible rows by default, or rows drawn at random from the columns' kinds."""

import datetime as dt
from decimal import Decimal

import pandas as pd
from hypothesis import strategies as st

from returns_pipeline import schemas
from returns_pipeline.schemas.coercion import series_of
from returns_pipeline.schemas.columns import Column, Kind

EAST = dt.timezone(dt.timedelta(hours=5, minutes=30))
NOON = dt.datetime(2026, 3, 2, 12, tzinfo=dt.UTC)

_PLAIN = {
    Kind.WHOLE: 1,
    Kind.TEXT: "x",
    Kind.FLAG: False,
    Kind.MOMENT: NOON,
    Kind.DAY: dt.date(2026, 3, 1),
    Kind.EXACT: Decimal("1.0000"),
    Kind.JSON: [],
    Kind.NUMBERS: [],
    Kind.TEXTS: [],
}
_BY_NAME = {
    "shop": "uk",
    "currency": "GBP",
    "shop_currency": "GBP",
    "accounting_currency": "GBP",
    "price_mode": "EXC",
    "verdict": "ok",
    "action": "raise",
    "result": "pass",
    "source": "job",
    "passed_quantity": 0,
    "failed_quantity": 0,
}


def frame(table: str, *rows: dict) -> pd.DataFrame:
    """Rows of a table: what is not given is empty where it may be, else plain."""
    columns = [column for column in schemas.named(table).columns() if not column.is_generated]
    return pd.DataFrame(
        {column.name: series_of([row.get(column.name, _plain(column)) for row in rows], column) for column in columns}
    )


def _plain(column: Column):
    if column.nullable:
        return None
    return _BY_NAME.get(column.name, _PLAIN[column.kind])


def random_frames(table: str, most: int = 6) -> st.SearchStrategy[pd.DataFrame]:
    """Frames with any values the columns can hold, and no key twice."""
    schema = schemas.named(table)
    columns = [column for column in schema.columns() if not column.is_generated]
    row = st.fixed_dictionaries({column.name: _cells(column) for column in columns})
    rows = st.lists(row, max_size=most, unique_by=lambda drawn: tuple(drawn[key] for key in schema.key))
    return rows.map(
        lambda drawn: pd.DataFrame(
            {column.name: series_of([each[column.name] for each in drawn], column) for column in columns}
        )
    )


def _cells(column: Column) -> st.SearchStrategy:
    numbers = st.integers(-(2**63), 2**63 - 1)
    text = st.text(st.characters(exclude_characters="\x00", exclude_categories=["Cs"]), max_size=12)
    moments = st.integers(0, 7_258_118_400_000_000).map(
        lambda microseconds: dt.datetime.fromtimestamp(0, EAST) + dt.timedelta(microseconds=microseconds)
    )
    values = {
        Kind.WHOLE: st.integers(-(2**31), 2**31 - 1)
        if column.name in ("sequence", "quantity", "shipped_quantity")
        else numbers,
        Kind.TEXT: text,
        Kind.FLAG: st.booleans(),
        Kind.MOMENT: moments,
        Kind.DAY: st.dates(dt.date(1970, 1, 1), dt.date(2200, 1, 1)),
        Kind.EXACT: st.decimals(Decimal(-99999), Decimal(99999), places=4),
        Kind.JSON: st.lists(
            st.dictionaries(text, st.one_of(st.integers(-(2**53), 2**53), text, st.booleans(), st.none()), max_size=3),
            max_size=3,
        ),
        Kind.NUMBERS: st.lists(numbers, max_size=4),
        Kind.TEXTS: st.lists(text, max_size=4),
    }[column.kind]
    if column.name == "price_mode":
        values = st.sampled_from(["EXC", "INC"])
    return st.one_of(st.none(), values) if column.nullable else values
