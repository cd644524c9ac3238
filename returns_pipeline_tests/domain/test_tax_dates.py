"""The day on a credit note. A midnight in UTC is another month in London, and a locked month takes nothing more."""

import datetime as dt

import pytest

from returns_pipeline.domain.tax_dates import TaxDate, tax_date
from returns_pipeline.settings import ShopSettings
from returns_pipeline_tests.domain.frames import settings_with

CAME = dt.datetime(2026, 3, 30, 23, 30, tzinfo=dt.UTC)  # the 31st in London, where summer began on the 29th
TODAY = dt.datetime(2026, 4, 2, 22, 59, tzinfo=dt.UTC)


def shop(policy: str) -> ShopSettings:
    return settings_with(policy={"tax_date": policy}).shops[0]


@pytest.mark.parametrize(
    ("policy", "text"),
    [("posting", "2026-04-02T12:00:00.000+01:00"), ("receipt", "2026-03-31T12:00:00.000+01:00")],
)
def test_it_is_local_noon_of_the_day_that_the_policy_names(policy: str, text: str) -> None:
    """With the offset of that day, both ways."""
    assert tax_date(CAME, TODAY, None, shop(policy)) == TaxDate(text)
    assert tax_date(CAME, TODAY, dt.date(2026, 3, 30), shop(policy)) == TaxDate(text)


def test_57_a_locked_day_gives_way_to_today_and_says_so() -> None:
    """The period of receipt is closed: the entry belongs to the open one."""
    moved = tax_date(CAME, TODAY, dt.date(2026, 3, 31), shop("receipt"))
    assert moved == TaxDate("2026-04-02T12:00:00.000+01:00", "received on 2026-03-31, which is locked until 2026-03-31")
    assert tax_date(CAME, TODAY, dt.date(2026, 3, 31), shop("posting")) == TaxDate("2026-04-02T12:00:00.000+01:00")


@pytest.mark.parametrize("policy", ["posting", "receipt"])
def test_57_where_today_is_locked_as_well_nothing_can_be_dated(policy: str) -> None:
    """It waits for finance; nothing is dated into the future."""
    assert tax_date(CAME, TODAY, dt.date(2026, 4, 2), shop(policy)) is None


def test_a_credit_for_goods_that_never_come_is_dated_when_it_is_posted() -> None:
    """There is no receipt to take the day from."""
    assert tax_date(None, TODAY, None, shop("receipt")) == TaxDate("2026-04-02T12:00:00.000+01:00")
