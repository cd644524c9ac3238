"""What is known of locked periods. A credit dated into a signed month makes the signature worth nothing."""

import datetime as dt

from returns_pipeline.storage import closes, period_locks

JANUARY, FEBRUARY = dt.date(2026, 1, 1), dt.date(2026, 2, 1)
NOW = dt.datetime(2026, 3, 2, tzinfo=dt.UTC)


def test_a_month_signed_here_is_locked_to_its_last_day_for_its_shop_only(connection):
    """A computed month that nobody signed locks nothing."""
    for month in (JANUARY, FEBRUARY):
        closes.keep(connection, "uk", month, "abc", [], "run", NOW)
    assert period_locks.locked_until(connection, "uk") is None
    closes.sign(connection, "uk", FEBRUARY, sha256="abc", signed_by="Ada", reason="done", explanations={})
    assert period_locks.locked_until(connection, "uk") == dt.date(2026, 2, 28)
    assert period_locks.locked_until(connection, "eu") is None
