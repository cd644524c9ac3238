"""The historical audit at a live retailer: it finds what people did wrong, writes nothing anywhere but its report, and stays within the quota."""

import datetime as dt
from pathlib import Path

import psycopg

from returns_pipeline import cli
from returns_pipeline.commands.audit import audited
from returns_pipeline.storage import database
from returns_pipeline_tests.scenarios.lockstep import Steps, in_lockstep
from returns_pipeline_tests.scenarios.retailer import Retailer

FIRST, LAST = dt.date(2020, 1, 1), dt.date(2030, 12, 31)


def writes_of(retailer: Retailer) -> dict:
    """Every request of either API that was no read."""
    return retailer.sandbox.get("/requests?writes=true")


def calls_of_returngo(connection: psycopg.Connection) -> tuple[int, int]:
    """All calls so far, and those of them that were for history."""
    ((calls, history),) = connection.execute(
        "SELECT coalesce(sum(calls), 0), coalesce(sum(history), 0) FROM api_usage WHERE api = 'returngo'"
    ).fetchall()
    return int(calls), int(history)


def causes(found: dict, rma_id: int) -> dict[str, int]:
    return {each["cause"]: each["money_minor"] for each in found["findings"] if each["rma_id"] == rma_id}


@in_lockstep
def test_the_audit_finds_what_people_did_and_writes_to_nobody(retailer: Retailer) -> Steps:
    """A credit by hand without goods, one credited twice, one refunded and never credited; the pipeline's own are in order."""
    right, refunded, twice = (retailer.approved(retailer.order()) for _ in range(3))
    yield
    for asked in (right, twice):
        retailer.ship(asked)
        retailer.receive(asked)
    retailer.refund(refunded)
    yield
    by_hand = retailer.act("staff", "clone_credit", order_name=twice.order.name)
    retailer.act("finance", "close_credit", credit_id=by_hand["credit_id"])
    yield
    before = writes_of(retailer)
    with database.connect() as connection:
        ledger_before = connection.execute("SELECT count(*) FROM effect").fetchone()
        calls_before, history_before = calls_of_returngo(connection)
    told: list[str] = []
    planned = audited(FIRST, LAST, ["uk"], only_plan=True, afresh=False, tell=told.append)
    assert planned.data[0]["to_read"] == planned.data[0]["returngo_calls"] >= 3
    assert planned.data[0]["days"] == 1
    assert "days) and about" in told[0]
    answer = audited(FIRST, LAST, ["uk"], only_plan=False, afresh=False, tell=told.append)
    (found,) = answer.data
    assert (found["left"], found["rejected"]) == (0, ())
    assert found["read"] == planned.data[0]["to_read"]
    assert causes(found, right.rma_id) == {}
    assert set(causes(found, refunded.rma_id)) == {"missing_credit"}
    paid = int(retailer.paid(refunded) * 100)
    assert causes(found, refunded.rma_id)["missing_credit"] == paid
    assert {"double_credit", "credit_before_receipt"} <= set(causes(found, twice.rma_id))
    assert all(Path(path).stat().st_size for path in found["files"].values())
    assert writes_of(retailer) == before
    with database.connect() as connection:
        assert connection.execute("SELECT count(*) FROM effect").fetchone() == ledger_before
        calls, history = calls_of_returngo(connection)
    pages = 2
    assert calls - calls_before <= found["read"] + pages
    assert history - history_before == calls - calls_before, "what history takes must not look like today's work"
    again = audited(FIRST, LAST, ["uk"], only_plan=True, afresh=False, tell=told.append)
    assert again.data[0]["to_read"] == 0


def test_days_the_wrong_way_round_are_refused() -> None:
    """Before anything is started."""
    assert cli.main(["audit", "--from", "2025-06-30", "--to", "2025-01-01"]) == cli.USAGE
