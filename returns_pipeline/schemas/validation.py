"""Parts a batch into the rows that fit their table and the rows that are held back, with the reason in words. No storing.

A reason names columns and rules, never a cell: cells may hold what nobody should read in a log.
"""

import functools

import pandas as pd
import pandera.pandas as pa
from pandera.errors import SchemaErrors

from returns_pipeline.schemas.coercion import converted, empty_frame, misfits
from returns_pipeline.schemas.columns import Column
from returns_pipeline.schemas.tables import TableSchema


class BatchMisshapen(Exception):
    """A frame lacks columns of its table or has others: whoever made it is wrong, not a row of it."""


def validate(schema: TableSchema, frame: pd.DataFrame) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Answers (good, held): good in the table's fixed types, held as it came with a column `reason`.

    Every rule is tried on every row, so that a row is held with all its reasons at once.

    Raises:
        BatchMisshapen: a column is missing or unknown.
    """
    wanted = _columns_of(schema, frame)
    if frame.empty:
        return empty_frame(wanted), _none_held(tuple(wanted)).copy(deep=False)
    frame = frame[[column.name for column in wanted]].reset_index(drop=True)
    reasons = _reasons_by_type(schema, frame)
    typed = _typed(schema, frame[~frame.index.isin(reasons)])
    reasons |= _reasons_by_rule(schema, typed)
    good = typed[~typed.index.isin(reasons)].reset_index(drop=True)
    held = frame[frame.index.isin(reasons)].copy()
    held["reason"] = pd.Series([reasons[index] for index in held.index], index=held.index, dtype="str")
    return good, held.reset_index(drop=True)


@functools.cache
def _none_held(columns: tuple[Column, ...]) -> pd.DataFrame:
    """No rows of these columns with a reason; made once, because most batches are empty."""
    return empty_frame(columns).assign(reason=pd.Series(dtype="str"))


def _columns_of(schema: TableSchema, frame: pd.DataFrame) -> list[Column]:
    wanted = [column for column in schema.columns() if not column.is_generated or column.name in frame.columns]
    names = {column.name for column in wanted}
    missing, stray = names - set(frame.columns), set(frame.columns) - names
    if missing or stray:
        raise BatchMisshapen(
            f"a batch for {schema.table} lacks the columns {sorted(missing)} and has the unknown columns {sorted(stray)}"
        )
    return wanted


def _reasons_by_type(schema: TableSchema, frame: pd.DataFrame) -> dict[int, str]:
    wrong: dict[int, list[str]] = {}
    for column in schema.columns():
        if column.name not in frame.columns:
            continue
        missing = frame[column.name].isna()
        for index in frame.index[misfits(frame[column.name], column)]:
            fault = "is missing" if missing[index] else f"is not of type {column.kind}"
            wrong.setdefault(index, []).append(f"{column.name} {fault}")
    return {index: "; ".join(parts) for index, parts in wrong.items()}


def _typed(schema: TableSchema, frame: pd.DataFrame) -> pd.DataFrame:
    columns = {column.name: column for column in schema.columns()}
    typed = {name: converted(frame[name], columns[name]).set_axis(frame.index) for name in frame.columns}
    return pd.DataFrame(typed, index=frame.index, columns=frame.columns)


def _reasons_by_rule(schema: TableSchema, typed: pd.DataFrame) -> dict[int, str]:
    absent = {column.name for column in schema.columns() if column.name not in typed.columns}
    generated = {column.name for column in schema.columns() if column.is_generated}
    try:
        _rules(schema, absent, generated).validate(typed, lazy=True)
    except SchemaErrors as errors:
        cases = errors.failure_cases
        if cases["index"].isna().any():
            # A rule that could not be run at all is a mistake in the rule; holding every row would hide it.
            raise
        return {
            int(index): "; ".join(sorted({_in_words(row) for _, row in group.iterrows()}))
            for index, group in cases.groupby("index")
        }
    return {}


def _rules(schema: TableSchema, absent: set[str], generated: set[str]) -> pa.DataFrameSchema:
    """The table's rules on the columns that are there; those of the usual two shapes are made once."""
    if not absent:
        return schema.pandera
    return schema.pandera_of_incoming if absent == generated else schema.pandera.remove_columns(sorted(absent))


def _in_words(case: pd.Series) -> str:
    rule = str(case["check"])
    if case["schema_context"] == "DataFrameSchema":
        return rule.replace("_", " ")
    if rule.startswith("isin("):
        return f"{case['column']} is not one of the values it may have"
    if rule == "field_uniqueness":
        return f"{case['column']} occurs twice"
    return f"{case['column']} breaks {rule}"
