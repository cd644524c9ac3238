"""A detail is a call of ReturnGo's day: what the list tells by itself must not cost one."""

import pytest

from returns_pipeline.commands.sync import sync
from returns_pipeline.stages.passes import Scope
from returns_pipeline.storage import database
from returns_pipeline_tests.benchmarks import calls
from returns_pipeline_tests.scenarios.lockstep import Arrangement

_ELSEWHERE = Arrangement("inspected elsewhere", changes={calls.INSPECTED_IN_RETURNGO: calls.INSPECTED_ELSEWHERE})
_DETAIL = ("returngo", "GET", "/rma/{id}")


def details_of_a_pass() -> int:
    before = calls.calls()[_DETAIL]
    assert sync(Scope()).is_good
    return calls.calls()[_DETAIL] - before


@pytest.mark.xdist_group("calls")
def test_an_arrival_costs_no_detail_and_a_cancellation_does(open_shop):
    """The list shows that the only parcel arrived; why and how a return ended otherwise is in its detail."""
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
        assert details_of_a_pass() == 2
        # All that were open have ended: the list of open returns is empty, and that is believed.
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
        assert opened(connection) - before < 80


def opened(connection) -> int:
    """How many connections this database has seen."""
    ((count,),) = connection.execute(
        "SELECT sessions FROM pg_stat_database WHERE datname = current_database()"
    ).fetchall()
    return count
