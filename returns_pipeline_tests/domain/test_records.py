"""Rows of plain values: what a frame calls missing is None, and numbers are Python's own."""

import datetime as dt
from decimal import Decimal

import numpy as np
import pandas as pd

from returns_pipeline.domain.records import by_key, grouped_by, records

MOMENT = pd.Timestamp(dt.datetime(2026, 11, 1, tzinfo=dt.UTC))
FRAME = pd.DataFrame(
    {
        "rma_id": pd.Series([1, 2], dtype="int64"),
        "credit_id": pd.Series([7, None], dtype="Int64"),
        "sku": pd.Series(["A", None], dtype="str"),
        "passed": pd.Series([True, None], dtype="boolean"),
        "moment": pd.Series([MOMENT, None], dtype="datetime64[us, UTC]"),
        "net": pd.Series([Decimal("1.20"), None], dtype="object"),
        "units": pd.Series([[1, 2], None], dtype="object"),
        "boxed": pd.Series([np.int64(5), float("nan")], dtype="object"),
    }
)


def test_a_missing_cell_of_any_type_is_none():
    assert records(FRAME)[1] == {"rma_id": 2, **dict.fromkeys(list(FRAME.columns)[1:])}


def test_values_are_pythons_own():
    row = records(FRAME)[0]
    assert row == {
        "rma_id": 1, "credit_id": 7, "sku": "A", "passed": True, "moment": MOMENT, "net": Decimal("1.20"), "units": [1, 2], "boxed": 5,
    }  # fmt: skip
    assert [type(row[name]) for name in ("rma_id", "credit_id", "passed", "boxed")] == [int, int, bool, int]


def test_rows_without_a_key_are_left_out_of_a_look_up():
    assert list(by_key(FRAME, "credit_id")) == [7]
    assert grouped_by(FRAME, "sku") == {"A": [records(FRAME)[0]]}


def test_a_frame_without_rows_has_no_records():
    assert records(FRAME.iloc[:0]) == []
