"""The shape of a credit proposal: its columns, its empty frame, its key. What is proposed is decided in `raising`, `settling` and `refunds`."""

import datetime as dt
from collections.abc import Mapping, Sequence
from typing import Any

import pandas as pd

COLUMNS = [
    "proposal_id", "action", "business_key", "shop", "rma_id", "order_id", "part", "credit_id", "credit_row_id", "order_row_id", "return_line_id",
    "receipt_line_id", "without_receipt_reason", "quantity", "net_minor", "tax_minor", "currency", "tax_code", "charged_quantity",
    "charged_net_minor", "charged_tax_minor", "before_quantity", "before_net_minor", "before_tax_minor", "exact_tax_minor", "rounding_minor",
    "portal_paid_minor", "portal_fee_minor", "details", "verdict", "hold_code", "expected", "found", "judged_at",
]  # fmt: skip
_WHOLE = [
    "rma_id", "order_id", "part", "credit_id", "credit_row_id", "order_row_id", "receipt_line_id", "quantity", "net_minor", "tax_minor",
    "charged_quantity", "charged_net_minor", "charged_tax_minor", "before_quantity", "before_net_minor", "before_tax_minor", "portal_paid_minor",
    "portal_fee_minor",
]  # fmt: skip
_REQUIRED_WHOLE = ["rma_id", "order_id", "part", "quantity", "net_minor", "tax_minor"]
_TEXT = [
    "proposal_id", "action", "business_key", "shop", "return_line_id", "without_receipt_reason", "currency", "tax_code", "verdict", "hold_code",
    "expected", "found",
]  # fmt: skip


def proposal(action: str, business_key: str, line: int, **columns: Any) -> dict[str, Any]:  # noqa: ANN401 - a row of COLUMNS
    """One row of the proposals; columns that are not given are empty, the verdict is ok."""
    row: dict[str, Any] = dict.fromkeys(COLUMNS)
    row |= {
        "proposal_id": f"{action}:{business_key}:{line}",
        "action": action,
        "business_key": business_key,
        "verdict": "ok",
        "details": {},
    }
    row |= {"quantity": 0, "net_minor": 0, "tax_minor": 0} | columns
    return row


def held(row: dict[str, Any], code: str, expected: str, found: str, *, waits: bool = False) -> dict[str, Any]:
    """The row with its verdict: held for a person, or waiting for time."""
    return row | {"verdict": "waiting" if waits else "held", "hold_code": code, "expected": expected, "found": found}


def frame_of(rows: Sequence[Mapping[str, Any]], now: dt.datetime) -> pd.DataFrame:
    """The rows as a frame of COLUMNS in their table's types."""
    return _typed(pd.DataFrame(list(rows), columns=COLUMNS), now)


def frame_of_columns(columns: Mapping[str, Any], index: pd.Index, now: dt.datetime) -> pd.DataFrame:
    """Whole columns as a frame of COLUMNS in their table's types; columns that are not given are empty."""
    return _typed(pd.DataFrame({name: columns.get(name) for name in COLUMNS}, index=index), now)


def _typed(frame: pd.DataFrame, now: dt.datetime) -> pd.DataFrame:
    types = dict.fromkeys(_WHOLE, "Int64") | dict.fromkeys(_REQUIRED_WHOLE, "int64") | dict.fromkeys(_TEXT, "str")
    frame = frame.astype(types)
    frame["judged_at"] = pd.Series(now, index=frame.index, dtype="datetime64[us, UTC]")
    return frame
