"""Goods that came and whose credit or money did not follow: what is told, and when a sync is asked for."""

import datetime as dt

import dagster as dg
import psycopg
import pytest

from returns_pipeline.defs.jobs import SYNC_TAGS
from returns_pipeline.storage import frames, gaps, ledger
from returns_pipeline_tests.defs.conftest import Tick
from returns_pipeline_tests.storage import rows
from returns_pipeline_tests.storage.ledger import books

SENSOR = "receipts_without_credit_sensor"
CREDIT, RMA = 801, 77
LINE = f"{RMA}-{books.ROW_ID}-0"


@pytest.fixture
def goods_came(connection: psycopg.Connection) -> psycopg.Connection:
    """One unit received on an unposted credit of ours."""
    frames.upsert(
        connection,
        "brightpearl_sales_credits",
        rows.frame(
            "brightpearl_sales_credits",
            {"credit_id": CREDIT, "order_id": books.ORDER_ID, "invoice_reference": "", "is_cancelled": False},
        ),
    )
    frames.upsert(
        connection,
        "returns_receipts",
        rows.frame(
            "returns_receipts",
            {"receipt_line_id": 31, "rma_id": RMA, "credit_id": CREDIT, "matched_quantity": 1, "return_line_id": LINE},
        ),
    )
    return connection


def held(connection: psycopg.Connection, action: str, code: str, credit_id: int | None = CREDIT) -> None:
    proposal = {"proposal_id": f"{action}:1", "action": action, "rma_id": RMA, "credit_id": credit_id}
    frame = rows.frame("returns_credit_proposals", proposal | {"verdict": "held", "hold_code": code, "details": {}})
    frames.upsert(connection, "returns_credit_proposals", frame)


def shapes(connection: psycopg.Connection) -> list[tuple[str, str]]:
    return [(gap.shape, gap.state) for gap in gaps.read(connection, ["uk"])]


def test_goods_without_a_credit_ask_for_one_sync_and_not_again(goods_came: psycopg.Connection, tick: Tick) -> None:
    """A sync each minute for a state that a sync did not mend would only spend calls."""
    assert shapes(goods_came) == [("received_and_no_credit", "not planned")]
    asked = tick(SENSOR)
    assert isinstance(asked, dg.RunRequest)
    assert "1 received and no credit; oldest: credit 801, not planned" in asked.tags["reason"]
    again = tick(SENSOR)
    assert isinstance(again, dg.SkipReason)
    assert again.skip_message.startswith("nothing changed")


def test_what_a_person_holds_up_asks_for_no_sync(goods_came: psycopg.Connection, tick: Tick) -> None:
    """No number of syncs inspects a parcel."""
    held(goods_came, "post", "failed_inspection")
    assert shapes(goods_came) == [("received_and_no_credit", "held: failed_inspection")]
    answer = tick(SENSOR)
    assert isinstance(answer, dg.SkipReason)
    assert answer.skip_message.startswith("a person has to act, not a run: 1 received and no credit")


def test_a_gap_that_closes_does_not_ask_again_for_the_others(goods_came: psycopg.Connection, tick: Tick) -> None:
    """Each gap is asked for once; else a backlog of a hundred would ask a hundred times for its last one."""
    second = {"receipt_line_id": 32, "rma_id": 78, "credit_id": 802, "matched_quantity": 1, "return_line_id": "78-1-0"}
    credit = {"credit_id": 802, "order_id": 1, "invoice_reference": "", "is_cancelled": False}
    frames.upsert(goods_came, "brightpearl_sales_credits", rows.frame("brightpearl_sales_credits", credit))
    frames.upsert(goods_came, "returns_receipts", rows.frame("returns_receipts", second))
    assert isinstance(tick(SENSOR), dg.RunRequest)
    goods_came.execute("UPDATE brightpearl_sales_credits SET invoice_reference = 'SC-1' WHERE credit_id = 801")
    answer = tick(SENSOR)
    assert isinstance(answer, dg.SkipReason)
    assert answer.skip_message == ("a sync was asked for: 1 received and no credit; oldest: credit 802, not planned")
    goods_came.execute("UPDATE brightpearl_sales_credits SET invoice_reference = 'SC-2'")
    answer = tick(SENSOR)
    assert isinstance(answer, dg.SkipReason)
    assert answer.skip_message == "every receipt has its credit"


def test_a_posting_that_waits_is_the_second_shape(goods_came: psycopg.Connection, tick: Tick) -> None:
    """Planned and unapproved is another case than never planned: the first waits for finance."""
    books.open_gates(goods_came)
    books.balance(goods_came)
    books.received(goods_came, 3)
    ledger.plan(goods_came, [books.raise_plan()], "test")
    books.confirm(goods_came, "credit.raise", str(CREDIT))
    ledger.plan(goods_came, [books.post_plan(needs_approval=True)], "test")
    assert shapes(goods_came) == [("received_and_not_posted", "awaits approval")]
    answer = tick(SENSOR)
    assert isinstance(answer, dg.SkipReason)
    assert "a person has to act" in answer.skip_message
    goods_came.execute("UPDATE effect SET needs_approval = false WHERE kind = 'credit.post'")
    assert shapes(goods_came) == [("received_and_not_posted", "planned")]
    assert isinstance(tick(SENSOR), dg.RunRequest)


def test_a_refund_that_was_paid_and_not_recorded_is_the_third_shape(
    connection: psycopg.Connection, tick: Tick, monkeypatch: pytest.MonkeyPatch, tmp_path
) -> None:
    """Only where this pipeline records refunds: elsewhere the money is written by somebody else."""
    frames.upsert(connection, "returngo_rmas", rows.frame("returngo_rmas", {"rma_id": RMA, "is_open": True}))
    match = {"return_line_id": LINE, "rma_id": RMA, "state": "complete", "credited_quantity": 1, "refunded_minor": 1200}
    match |= {"recorded_minor": 0, "raised_credit_ids": [CREDIT], "credited_on": dt.datetime(2026, 3, 3, tzinfo=dt.UTC)}
    frames.upsert(connection, "finance_three_way_match", rows.frame("finance_three_way_match", match))
    assert shapes(connection) == [("posted_and_money_not_recorded", "not planned")]
    assert gaps.read(connection, []) == []
    assert isinstance(tick(SENSOR), dg.SkipReason)
    settings = tmp_path / "settings.toml"
    settings.write_text("[policy]\nrecord_refunds = true\n", encoding="utf-8")
    monkeypatch.setenv("RETURNS_SETTINGS", str(settings))
    assert isinstance(tick(SENSOR), dg.RunRequest)
    held(connection, "record_refund", "payment_method_unclear")
    assert shapes(connection) == [("posted_and_money_not_recorded", "held: payment_method_unclear")]


def test_while_a_sync_works_nothing_is_asked_for_and_nothing_forgotten(
    goods_came: psycopg.Connection, tick: Tick, instance: dg.DagsterInstance
) -> None:
    """The sync under way may mend it; what it leaves is asked for after it."""
    run = instance.create_run_for_job(_empty_job(), status=dg.DagsterRunStatus.STARTED, tags=SYNC_TAGS)
    answer = tick(SENSOR)
    assert isinstance(answer, dg.SkipReason)
    assert answer.skip_message.startswith("a sync is under way")
    instance.delete_run(run.run_id)
    assert isinstance(tick(SENSOR), dg.RunRequest)


def _empty_job() -> dg.JobDefinition:
    @dg.op
    def nothing() -> None: ...

    @dg.job(name="returns_sync")
    def job() -> None:
        nothing()

    return job
