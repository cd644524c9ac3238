"""When a case is late: service levels in working hours of the shop's zone, or in days that the law counts through. Reckoning only."""

import datetime as dt
from zoneinfo import ZoneInfo

from pandas import NaT

from returns_pipeline.settings import Settings

_WEEKDAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
# A calendar without any working day must end the search for one.
_FARTHEST_DAYS = 3660


def due_at(start: dt.datetime, service_level: str | float | None, settings: Settings, shop: str) -> dt.datetime | None:
    """The moment by which a case seen at `start` is to be done, in UTC; None without a service level.

    Args:
        start: when it was seen.
        service_level: a key of `[sla]`, or a number of working hours. Keys that end in `_days` count calendar days.
        settings: with `[sla]` and `[calendar]`.
        shop: label of the shop whose zone counts; one that the settings do not have counts in UTC.
    """
    if service_level is None:
        return None
    amount = getattr(settings.sla, service_level) if isinstance(service_level, str) else service_level
    if isinstance(service_level, str) and service_level.endswith("_days"):
        return (start + dt.timedelta(days=amount)).astimezone(dt.UTC)
    zones = [entry.zone for entry in settings.shops if entry.label == shop]
    return _after_working_hours(
        start.astimezone(zones[0] if zones else ZoneInfo("UTC")), dt.timedelta(hours=amount), settings
    )


def _after_working_hours(start: dt.datetime, left: dt.timedelta, settings: Settings) -> dt.datetime:
    for ahead in range(_FARTHEST_DAYS):
        opens, closes = _opening(start.date() + dt.timedelta(days=ahead), start.tzinfo, settings)
        begins = max(start.astimezone(dt.UTC), opens)
        if begins < closes:
            if left <= closes - begins:
                return begins + left
            left -= closes - begins
    raise ValueError(
        f"the calendar in the settings has too few working hours to reach {left} within ten years: look at [calendar] days and holidays"
    )


def _opening(day: dt.date, zone: dt.tzinfo | None, settings: Settings) -> tuple[dt.datetime, dt.datetime]:
    """Opening and closing of a day in UTC, so that a change of the clock between them counts for what it is; the same moment twice when closed."""
    calendar = settings.calendar
    opens, closes = (
        dt.datetime.combine(day, dt.time.fromisoformat(clock), tzinfo=zone).astimezone(dt.UTC)
        for clock in (calendar.opens, calendar.closes)
    )
    is_open = _WEEKDAYS[day.weekday()] in calendar.days and day.isoformat() not in calendar.holidays
    return (opens, closes) if is_open else (opens, opens)


def is_late(since: dt.datetime | None, service_level: str, settings: Settings, shop: str, now: dt.datetime) -> bool:
    """Whether what began at `since` has lasted longer than its service level; what has no beginning is not late."""
    due = None if since is None or since is NaT else due_at(since, service_level, settings, shop)
    return due is not None and due <= now
