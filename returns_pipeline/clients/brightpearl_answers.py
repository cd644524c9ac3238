"""What Brightpearl's answers say by their form: which errors are final, ids, points in time, parts that failed. Records are `records_*`'."""

import datetime as dt
from collections.abc import Mapping
from typing import Any

from returns_pipeline.clients.fields import Fields, RecordRejected
from returns_pipeline.clients.outcomes import ReadFailed

# 500 for what will never work: a bad filter and an operation that is not allowed.
_PERMANENT_CODES = ("CMNC-018", "CMNC-044")
ABSENT_CODE = "CMNC-404"


def is_permanent(detail: str) -> bool:
    """Whether an error's text names a code that trying again cannot help."""
    return any(code in detail for code in _PERMANENT_CODES)


def stamps_of(row: Mapping[str, Any], *columns: str) -> list[dt.datetime]:
    """The points in time of these columns of a search row, where they are filled."""
    fields = Fields(row, "a row of a search of Brightpearl")
    try:
        return [moment for column in columns if (moment := fields.optional_moment(column))]
    except RecordRejected as rejection:
        raise misshapen(rejection) from rejection


def id_in(row: Any, name: str) -> int:
    """The id in a field of an answer, which must hold one."""
    try:
        return Fields(row, "an answer of Brightpearl").integer(name)
    except RecordRejected as rejection:
        raise misshapen(rejection) from rejection


def note_id(key: Any) -> int:
    """The number of a goods note, which its answer has as the name of a field."""
    return Fields({"id": key}, "a goods note").integer("id")


def misshapen(rejection: RecordRejected) -> ReadFailed:
    """The failure that an answer of another shape is: asking again does not help."""
    return ReadFailed(f"{rejection}: the answer is not in the shape that the API documents", permanent=True)


def other_errors(body: Mapping[str, Any]) -> bool:
    """Whether a part of the answer failed for another reason than that the record is not there."""
    errors = body.get("errors") or []
    codes = {str(error.get("code")) if isinstance(error, dict) else "" for error in errors} if errors else set()
    return bool(codes - {ABSENT_CODE})
