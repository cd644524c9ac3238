"""How the sandbox's Brightpearl takes numbers and moments out of requests, refusing what is none.

Not here: how it writes them (`moments`, `wire`).
"""

import datetime as dt
from collections.abc import Mapping
from decimal import Decimal, InvalidOperation
from typing import Any

from returns_pipeline.sandbox.brightpearl.world import RefusedError


def decimal_of(fields: Mapping[str, Any], name: str, decimals: int = 4) -> Decimal:
    """A number that may be written as a string, with no more than so many decimals.

    Raises:
        RefusedError: it is missing, no number, or too fine.
    """
    try:
        value = Decimal(str(fields[name]))
    except (KeyError, InvalidOperation) as error:
        raise RefusedError("ORDC-020", f"{name} is required and must be a number") from error
    if not value.is_finite() or value != round(value, decimals):
        raise RefusedError("ORDC-023", f"{name} must have at most {decimals} decimal places, got {value}")
    return value


def whole(value: Decimal) -> int:
    """A whole number.

    Raises:
        RefusedError: it has a fraction.
    """
    if value != value.to_integral_value():
        raise RefusedError("ORDC-021", f"A whole number is required, got {value}")
    return int(value)


def integer_of(fields: Mapping[str, Any], name: str) -> int:
    """A whole number that may be written as a string.

    Raises:
        RefusedError: it is missing, no number, or has a fraction.
    """
    return whole(decimal_of(fields, name))


def optional_integer_of(fields: Mapping[str, Any], name: str, default: int = 0) -> int:
    """The same where the field may be absent, null or empty."""
    return integer_of(fields, name) if fields.get(name) not in (None, "") else default


def read_moment(text: Any) -> dt.datetime | None:  # noqa: ANN401 - JSON
    """A moment out of a request; a bare date, or one without an offset, is UTC.

    Raises:
        RefusedError: it is no date.
    """
    if text in (None, ""):
        return None
    try:
        moment = dt.datetime.fromisoformat(str(text))
    except ValueError as error:
        raise RefusedError("CMNC-020", f"{str(text)[:40]!r} is not a date") from error
    return moment if moment.tzinfo else moment.replace(tzinfo=dt.UTC)
