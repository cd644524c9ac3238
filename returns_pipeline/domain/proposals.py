"""The shape of a credit proposal: its columns, its empty frame, its key. What is proposed is decided in `raising`, `settling` and `refunds`."""

import datetime as dt
from collections.abc import Mapping, Sequence
from decimal import Decimal
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
MILLIONTHS = Decimal(1_000_000)


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
    """The rows as a frame of COLUMNS with whole numbers kept whole."""
    frame = pd.DataFrame(list(rows), columns=COLUMNS)
    for name in _WHOLE:
        frame[name] = frame[name].astype("int64" if name in _REQUIRED_WHOLE else "Int64")
    frame["judged_at"] = pd.Series(now, index=frame.index, dtype="datetime64[us, UTC]")
    return frame


def exact(millionths: int) -> Decimal:
    """Millionths of a minor unit as an exact number for the proof."""
    return (Decimal(int(millionths)) / MILLIONTHS).quantize(Decimal("0.000001"))
