"""How the sandbox's Brightpearl reads and writes moments: with the account's offset, to the millisecond.

Not here: the clock (`sandbox/clock.py`).
"""

import datetime as dt
from typing import Any
from zoneinfo import ZoneInfo

from returns_pipeline.sandbox.brightpearl.world import RefusedError

ACCOUNT_ZONE = ZoneInfo("Europe/London")


def stamp(moment: dt.datetime) -> str:
    """As recorded: `2022-01-26T10:39:46.000+01:00`."""
    return moment.astimezone(ACCOUNT_ZONE).isoformat(timespec="milliseconds")


def optional_stamp(moment: dt.datetime | None) -> str | None:
    """The same for a moment that may be absent."""
    return stamp(moment) if moment else None


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
