"""When people may be told: quiet hours and the hour of the digest, in the alerts' own zone. Reckoning only."""

import datetime as dt

from returns_pipeline.settings import Settings

_WEEKDAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")


def not_before(now: dt.datetime, severity: str, settings: Settings) -> dt.datetime:
    """When a message may go: now, or at the end of the quiet hours; what is critical wakes people."""
    alerts = settings.alerts
    if severity == "critical" or alerts.quiet_from == alerts.quiet_until:
        return now
    local = now.astimezone(alerts.zone)
    begins, ends = dt.time.fromisoformat(alerts.quiet_from), dt.time.fromisoformat(alerts.quiet_until)
    clock = local.time()
    is_over_midnight = begins > ends
    is_quiet = (clock >= begins or clock < ends) if is_over_midnight else begins <= clock < ends
    if not is_quiet:
        return now
    day = local.date() + dt.timedelta(days=1 if is_over_midnight and clock >= begins else 0)
    return dt.datetime.combine(day, ends, tzinfo=alerts.zone).astimezone(dt.UTC)


def digest_day(now: dt.datetime, settings: Settings) -> dt.date | None:
    """The day whose digest is due by now; None before its hour and on days off."""
    local = now.astimezone(settings.alerts.zone)
    calendar = settings.calendar
    is_working_day = _WEEKDAYS[local.weekday()] in calendar.days and local.date().isoformat() not in calendar.holidays
    is_due = local.time() >= dt.time.fromisoformat(settings.alerts.digest_at)
    return local.date() if is_working_day and is_due else None
