"""What drifts with time, in a living retailer: the pipeline looks again days later. Judging is tested in `domain`."""

import datetime as dt
from collections.abc import Callable, Iterator

import pytest

from returns_pipeline.settings import load_settings
from returns_pipeline.stages import reconcile
from returns_pipeline.stages.accounts import Accounts
from returns_pipeline.stages.passes import Pass, Scope
from returns_pipeline.storage import database
from returns_pipeline_tests.scenarios.conftest import OpenShop, open_shop  # noqa: F401 - a fixture
from returns_pipeline_tests.scenarios.retailer import Retailer, Return

Look = Callable[..., None]


@pytest.fixture(scope="module")
def retailer(open_shop: OpenShop) -> Iterator[Retailer]:  # noqa: F811
    with open_shop() as opened:
        yield opened


@pytest.fixture
def look() -> Look:
    """Matches three ways as the pipeline would so many days from now."""

    def looked(days: float, *, is_sweep: bool = False) -> None:
        settings = load_settings()
        accounts = Accounts(settings)
        now = dt.datetime.now(dt.UTC) + dt.timedelta(days=days)
        try:
            with database.connect() as connection:
                scope = Scope(is_sweep=is_sweep)
                reconcile.match_three_ways(Pass(settings, connection, accounts, "test", now, scope))
        finally:
            accounts.close()

    return looked


def open_codes(subject_type: str) -> list[str]:
    with database.connect() as connection:
        rows = connection.execute(
            "SELECT code FROM exceptions_open WHERE subject_type = %s ORDER BY 1", (subject_type,)
        ).fetchall()
    return [row[0] for row in rows]


def received(retailer: Retailer) -> Return:
    asked = retailer.approved(retailer.order())
    retailer.sync()
    retailer.ship(asked)
    retailer.receive(asked)
    return asked


def test_units_sent_to_sale_without_a_pass_are_critical(retailer: Retailer) -> None:
    """Scenario 43: whatever note they left on, and until they passed or came back under another life."""
    asked = received(retailer)
    retailer.sync()
    assert "premature_restock" not in retailer.exceptions(asked)
    retailer.act("warehouse", "send_to_sale", sku=asked.order.sku)
    retailer.sync()
    assert "premature_restock" in retailer.exceptions(asked)
    retailer.inspect(asked, "pass")
    retailer.sync(is_sweep=True)
    assert "premature_restock" not in retailer.exceptions(asked)


def test_units_that_passed_may_be_sent_to_sale_by_hand(retailer: Retailer) -> None:
    asked = received(retailer)
    retailer.inspect(asked, "pass")
    retailer.act("warehouse", "send_to_sale", sku=asked.order.sku)
    retailer.sync(is_sweep=True)
    assert "premature_restock" not in retailer.exceptions(asked)


def test_a_transfer_that_nobody_ships_is_told_and_heals_when_it_is_shipped(retailer: Retailer, look: Look) -> None:
    """Scenario 47: the units are neither here nor there."""
    asked = received(retailer)
    retailer.inspect(asked, "pass")
    retailer.sync(is_sweep=True)
    assert retailer.transferred(asked.order.sku) == 1
    look(days=2)
    assert open_codes("transfer") == []
    look(days=4)
    assert set(open_codes("transfer")) == {"transfer_stuck"}
    retailer.act("warehouse", "ship_transfers")
    look(days=4)
    assert set(open_codes("transfer")) == {"transfer_stuck"}, "the account is asked each few hours, not each tick"
    look(days=4.5)
    assert open_codes("transfer") == []


def test_units_that_lie_too_long_are_told_by_the_sweep(retailer: Retailer, look: Look) -> None:
    """Also when their return is long closed: the units are still there."""
    asked = received(retailer)
    retailer.sync()
    look(days=6, is_sweep=True)
    assert "quarantine_ageing" not in retailer.exceptions(asked)
    look(days=8, is_sweep=True)
    assert "quarantine_ageing" in retailer.exceptions(asked)
    look(days=9)
    assert "quarantine_ageing" in retailer.exceptions(asked)


def test_the_legal_deadline_is_watched_whatever_holds_the_return(retailer: Retailer, look: Look) -> None:
    """Scenario 78: warned four days before, although finance holds the credit for another reason."""
    asked = received(retailer)
    (credit,) = retailer.credits(asked.order)
    retailer.act("finance", "change_price", credit_id=credit.credit_id, sku=asked.order.sku, net="1.00")
    retailer.sync()
    held = retailer.exceptions(asked)
    assert held
    assert "refund_deadline" not in held
    look(days=9)
    assert "refund_deadline" not in retailer.exceptions(asked)
    look(days=10.5)
    assert retailer.exceptions(asked) >= held | {"refund_deadline"}
