"""A detail is a call of ReturnGo's day: what the list tells by itself must not cost one."""

import datetime as dt

import pytest

from returns_pipeline.clients.brightpearl import BrightpearlClient
from returns_pipeline.commands.sync import sync
from returns_pipeline.stages.passes import Scope
from returns_pipeline.storage import database, exceptions
from returns_pipeline_tests.benchmarks import calls
from returns_pipeline_tests.scenarios.lockstep import Arrangement

_ELSEWHERE = Arrangement("inspected elsewhere", changes={calls.INSPECTED_IN_RETURNGO: calls.INSPECTED_ELSEWHERE})
_DETAIL = ("returngo", "GET", "/rma/{id}")
_CREDIT = ("brightpearl", "GET", "/order-service/sales-credit/{ids}")


def details_of_a_pass() -> int:
    before = calls.calls()[_DETAIL]
    assert sync(Scope()).is_good
    return calls.calls()[_DETAIL] - before


@pytest.mark.xdist_group("calls")
def test_what_the_list_tells_costs_no_detail(open_shop):
    """The list shows that the only parcel arrived, and that a return was withdrawn; what it may not show is in the detail."""
    with open_shop(_ELSEWHERE) as retailer:
        returns = [retailer.approved(retailer.order()) for _ in range(5)]
        retailer.sandbox.post("/advance", {"hours": 25})
        assert details_of_a_pass() == 5
        for each in returns[:3]:
            retailer.ship(each)
        assert details_of_a_pass() == 0
        with database.connect() as connection:
            statuses = connection.execute(
                "SELECT DISTINCT r.status, s.status FROM returngo_rmas r JOIN returngo_shipments s USING (rma_id) WHERE r.rma_id = ANY(%s)",
                [[each.rma_id for each in returns[:3]]],
            ).fetchall()
        assert statuses == [("Received", "Received")]
        for each in returns[3:]:
            retailer.act("cx", "cancel", rma_id=each.rma_id)
        assert details_of_a_pass() == 0
        assert [retailer.ledger(each) for each in returns[3:]] == [
            [("credit.raise", "confirmed"), ("credit.cancel", "confirmed")]
        ] * 2
        retailer.act("cx", "reopen", rma_id=returns[3].rma_id)
        assert details_of_a_pass() == 1
        # All that were open have ended: the list of open returns is empty, and that is believed.
        retailer.act("cx", "cancel", rma_id=returns[3].rma_id)
        for each in returns[:3]:
            retailer.act("cx", "mark_done", rma_id=each.rma_id)
        assert details_of_a_pass() <= 3


@pytest.mark.xdist_group("calls")
def test_a_quiet_pass_keeps_its_connections(open_shop):
    """One for each event of the run would be about 120, and each costs the database a process."""
    with open_shop(_ELSEWHERE), database.connect() as connection:
        assert sync(Scope()).is_good
        before = opened(connection)
        assert sync(Scope()).is_good
        assert opened(connection) - before < 50


@pytest.mark.xdist_group("calls")
def test_how_a_sale_was_paid_is_asked_without_reading_the_sale_again(open_shop, monkeypatch):
    """It is finished and known; only its payments are not, until a refund must be recorded by the same method."""
    read: set[int] = set()
    original = BrightpearlClient.orders

    def remembered(client, order_ids, external_refs=None):
        read.update(order_ids)
        return original(client, order_ids, external_refs)

    with open_shop(_ELSEWHERE) as retailer:
        asked = retailer.approved(retailer.order())
        retailer.sync()
        retailer.send_back(asked)
        monkeypatch.setattr(BrightpearlClient, "orders", remembered)
        retailer.sync()
        credit = retailer.credited(asked.order, asked)
        assert retailer.payments_by_method(credit) == [("SHOPIFYPAY", retailer.paid(asked))]
        assert asked.order.order_id not in read


@pytest.mark.xdist_group("calls")
def test_a_pass_where_nothing_moved_judges_nothing_again_and_one_after_a_persons_act_does(open_shop):
    """A gap that somebody calls resolved although it stands must be open again ten minutes later, not when the half hour is over."""
    with open_shop(_ELSEWHERE) as retailer, database.connect() as connection:
        asked = retailer.approved(retailer.order())
        retailer.sync()
        (credit,) = retailer.credits(asked.order)
        retailer.act("finance", "close_credit", credit_id=credit.credit_id)
        retailer.sync()
        ((code, _, number, _),) = retailer.open_exceptions(asked)
        before = judged_at(connection)
        assert sync(Scope()).is_good
        assert (judged_at(connection), len(before)) == (before, 22)
        exceptions.resolve(connection, number, actor="Finance One", note="looks fine")
        assert sync(Scope()).is_good
        assert retailer.exceptions(asked) == {code}
        assert all(judged_at(connection)[stage] > before[stage] for stage in before)


def judged_at(connection) -> dict[tuple[str, str], dt.datetime]:
    """When each stage last judged each shop."""
    rows = connection.execute("SELECT stage, shop, judged_at FROM judgements").fetchall()
    return {(stage, shop): at for stage, shop, at in rows}


def opened(connection) -> int:
    """How many connections this database has seen."""
    ((count,),) = connection.execute(
        "SELECT sessions FROM pg_stat_database WHERE datname = current_database()"
    ).fetchall()
    return count


@pytest.mark.xdist_group("calls")
def test_a_tick_without_change_costs_three_calls_per_account_and_a_change_is_still_seen(open_shop):
    """The overlap of the search shows the newest change in every tick; only what changed since it was read is worth another call."""
    with open_shop(_ELSEWHERE) as retailer:
        order = retailer.order()
        retailer.approved(order)
        retailer.sandbox.post("/advance", {"hours": 25})
        assert sync(Scope(), until_idle=True).is_good
        told = calls.quiet_tick(retailer.sandbox)
        assert max(told.values()) <= 3, told
        (credit,) = retailer.credits(order)
        retailer.act("staff", "add_row", credit_id=credit.credit_id, name="Goodwill", net="1.00", tax="0.20")
        before = calls.calls()[_CREDIT]
        assert sync(Scope()).is_good
        assert calls.calls()[_CREDIT] - before == 1
