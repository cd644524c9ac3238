"""How the sandbox's Brightpearl writes moments: with the account's offset, to the millisecond.

Not here: the clock (`sandbox/clock.py`) and moments in requests (`bodies`).
"""

import datetime as dt
from zoneinfo import ZoneInfo

ACCOUNT_ZONE = ZoneInfo("Europe/London")


def stamp(moment: dt.datetime) -> str:
    """As recorded: `2022-01-26T10:39:46.000+01:00`."""
    return moment.astimezone(ACCOUNT_ZONE).isoformat(timespec="milliseconds")


def optional_stamp(moment: dt.datetime | None) -> str | None:
    """The same for a moment that may be absent."""
    return stamp(moment) if moment else None
