"""What drifts apart with time: the pipeline looks again days later. Judging is tested in `domain`.

The cases begin five days before today; a look is so many days from today.
"""

import datetime as dt

from returns_pipeline.sandbox.returngo.records import NO_SHIPMENT
from returns_pipeline.settings import load_settings
from returns_pipeline.stages import reconcile
from returns_pipeline.stages.accounts import Accounts
from returns_pipeline.stages.passes import Pass, Scope
from returns_pipeline.storage import database
from returns_pipeline_tests.scenarios.lockstep import Arrangement, Steps, under
from returns_pipeline_tests.scenarios.retailer import Retailer

# A look days later sees the returns of every case, so that other cases keep away from it.
# Its ReturnGo shows the fee of a whole return on each unit, while the settings say that each unit's fee is its own.
LOOKED_AT_LATER = Arrangement("looked at later", switches={"returngo": {"rma_fee_on_every_item": True}})


def look(days: float, *, is_sweep: bool = False) -> None:
    """Matches three ways as the pipeline would so many days from now."""
    settings = load_settings()
    accounts = Accounts(settings)
    now = dt.datetime.now(dt.UTC) + dt.timedelta(days=days)
    try:
        with database.connect() as connection:
            reconcile.match_three_ways(Pass(settings, connection, accounts, "test", now, Scope(is_sweep=is_sweep)))
    finally:
        accounts.close()


def open_codes(subject_type: str) -> set[str]:
    with database.connect() as connection:
        rows = connection.execute(
            "SELECT code FROM exceptions_open WHERE subject_type = %s", (subject_type,)
        ).fetchall()
    return {row[0] for row in rows}


@under(LOOKED_AT_LATER)
def test_47_a_transfer_that_nobody_ships_is_told_and_heals_when_it_is_shipped(retailer: Retailer) -> Steps:
    """The units are neither here nor there."""
    order = retailer.order(alone=True)
    asked = retailer.approved(order)
    yield
    retailer.send_back(asked)
    retailer.inspect(asked, "pass")
    yield
    assert retailer.transferred(order.sku) == 1
    look(days=2)
    assert open_codes("transfer") == set()
    look(days=4)
    assert open_codes("transfer") == {"transfer_stuck"}
    retailer.act("warehouse", "ship_transfers")
    look(days=4)
    assert open_codes("transfer") == {"transfer_stuck"}, "the account is asked each few hours, not each tick"
    look(days=4.5)
    assert open_codes("transfer") == set()


@under(LOOKED_AT_LATER)
def test_43_units_sent_to_sale_without_a_pass_are_critical(retailer: Retailer) -> Steps:
    """Whatever note they left on, and until they passed."""
    order = retailer.order(alone=True)
    asked = retailer.approved(order)
    yield
    retailer.send_back(asked)
    yield
    assert "premature_restock" not in retailer.exceptions(asked)
    retailer.act("warehouse", "send_to_sale", sku=order.sku)
    yield
    assert "premature_restock" in retailer.exceptions(asked)
    retailer.inspect(asked, "pass")
    yield
    assert "premature_restock" not in retailer.exceptions(asked)


@under(LOOKED_AT_LATER)
def test_43_units_that_passed_may_be_sent_to_sale_by_hand(retailer: Retailer) -> Steps:
    """A pass is all that sale asks for, whoever moves the goods."""
    order = retailer.order(alone=True)
    asked = retailer.approved(order)
    yield
    retailer.send_back(asked)
    yield
    retailer.inspect(asked, "pass")
    retailer.act("warehouse", "send_to_sale", sku=order.sku)
    yield
    assert "premature_restock" not in retailer.exceptions(asked)


@under(LOOKED_AT_LATER)
def test_08_systems_that_say_different_things_are_told_when_neither_moves(retailer: Retailer) -> Steps:
    """The customer keeps the thing and has his money; ReturnGo goes on saying that the return is to come."""
    asked = retailer.approved(retailer.order(), method=NO_SHIPMENT)
    yield
    retailer.refund(asked)
    yield
    look(days=0)
    assert "status_drift" not in retailer.exceptions(asked)
    look(days=4)
    assert "status_drift" in retailer.exceptions(asked)


@under(LOOKED_AT_LATER)
def test_units_that_lie_too_long_are_told_by_the_sweep(retailer: Retailer) -> Steps:
    """Also when their return is long closed: the units are still there."""
    asked = retailer.approved(retailer.order())
    yield
    retailer.send_back(asked)
    yield
    look(days=2, is_sweep=True)
    assert "quarantine_ageing" not in retailer.exceptions(asked)
    look(days=4, is_sweep=True)
    assert "quarantine_ageing" in retailer.exceptions(asked)
    look(days=5)
    assert "quarantine_ageing" in retailer.exceptions(asked)


@under(LOOKED_AT_LATER)
def test_78_the_legal_deadline_is_watched_whatever_holds_the_return(retailer: Retailer) -> Steps:
    """Warned four days before, although finance holds the credit for another reason."""
    order = retailer.order()
    asked = retailer.approved(order)
    yield
    (credit,) = retailer.credits(order)
    retailer.send_back(asked)
    retailer.act("staff", "change_price", credit_id=credit.credit_id, sku=order.sku, net="1.00")
    yield
    look(days=4)
    assert "refund_deadline" not in retailer.exceptions(asked)
    look(days=6.5)
    assert retailer.exceptions(asked) >= {"credit_changed_by_staff", "refund_deadline"}


@under(LOOKED_AT_LATER)
def test_34_refunds_show_that_a_fee_is_repeated_on_each_unit(retailer: Retailer) -> Steps:
    """Two units of one return both say 2.95, and the customer got 2.95 less: the setting would keep back 5.90."""
    asked = retailer.approved(retailer.order("pair"), return_fee="2.95")
    yield
    retailer.send_back(asked)
    yield
    retailer.refund(asked)
    yield
    look(days=1, is_sweep=True)
    assert open_codes("setting") == {"fee_scope_contradicted"}
