"""The drill: last night's backup comes back in the middle of a day, and nothing of that day is written a second time."""

import os
from pathlib import Path

from returns_pipeline_tests.scenarios.lockstep import Arrangement, Steps, under
from returns_pipeline_tests.scenarios.retailer import Retailer


@under(Arrangement("restored from a backup"))
def test_a_day_that_the_database_lost_is_not_written_twice(retailer: Retailer) -> Steps:
    """A credit was posted and another raised after the backup: both stand in Brightpearl and the ledger knows neither."""
    order, later = retailer.order(), retailer.order()
    asked = retailer.approved(order)
    yield
    dump = Path(os.environ["RETURNS_HOME"]) / "night.dump"
    retailer.command("db", "backup", str(dump), as_owner=True)
    assert dump.stat().st_mode & 0o077 == 0
    asked_later = retailer.approved(later)
    retailer.send_back(asked)
    yield
    before = [
        (credit.credit_id, credit.is_posted) for credit in (*retailer.all_credits(order), *retailer.all_credits(later))
    ]
    assert [is_posted for _, is_posted in before] == [True, False]
    retailer.command("db", "restore", str(dump), as_owner=True)
    assert retailer.ledger(asked) == [("credit.raise", "confirmed")]
    yield
    retailer.send_back(asked_later)
    yield
    after = [
        (credit.credit_id, credit.is_posted) for credit in (*retailer.all_credits(order), *retailer.all_credits(later))
    ]
    assert after == [(credit_id, True) for credit_id, _ in before]
    for each, of_order in ((asked, order), (asked_later, later)):
        (credit,) = retailer.credits(of_order)
        assert retailer.payments(credit) == [retailer.paid(each)]
        assert retailer.exceptions(each) == set()
