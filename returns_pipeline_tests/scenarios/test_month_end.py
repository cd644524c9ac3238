"""Scenarios 54 to 60 at a live retailer: a month closes, ties to the books, is signed, and stays."""

import dataclasses
import datetime as dt
from collections.abc import Iterator
from contextlib import contextmanager

import dagster as dg
import pandas as pd
import psycopg
import pytest

from returns_pipeline.definitions import defs
from returns_pipeline.settings import load_settings
from returns_pipeline.stages.accounts import Accounts
from returns_pipeline.stages.closing import SignOff, SignOffRefused
from returns_pipeline.stages.closing import close_month as close_in_stage
from returns_pipeline.stages.passes import Pass, Scope, open_pass
from returns_pipeline.storage import closes, database
from returns_pipeline_tests.scenarios.lockstep import Steps, in_lockstep
from returns_pipeline_tests.scenarios.retailer import Retailer


def close_month(month: dt.date, **config: object) -> dg.ExecuteInProcessResult:
    """Runs the job as a person does from the launchpad."""
    with dg.DagsterInstance.get() as instance:
        return (
            defs()
            .resolve_job_def("month_end_close")
            .execute_in_process(
                instance=instance,
                partition_key=f"{month:%Y-%m-01}",
                run_config={"ops": {"finance_month_end_close": {"config": config}}},
                raise_on_error=False,
            )
        )


def error_of(result: dg.ExecuteInProcessResult) -> str:
    return next(str(event.step_failure_data.error) for event in result.all_events if event.is_step_failure)


def kept(month: dt.date) -> closes.Close:
    with database.connect() as connection:
        found = closes.read(connection, "uk", month)
    assert found is not None
    return found


def gross(month: dt.date, figure: str, rma_id: int | None = None) -> int:
    return sum(
        each["gross_minor"]
        for each in kept(month).lines
        if each["figure"] == figure and rma_id in (None, each["rma_id"])
    )


@in_lockstep
def test_56_a_month_ties_to_the_books_and_shows_what_was_received_and_credited(retailer: Retailer) -> Steps:
    """Our credits and those that staff write are all that Brightpearl invoiced, per tax code; nothing is left to explain."""
    asked = retailer.approved(retailer.order("pair"))
    yield
    retailer.send_back(asked)
    yield
    yield
    month = dt.datetime.now(dt.UTC).date().replace(day=1)
    result = close_month(month)
    assert result.success, error_of(result)
    (credit,) = retailer.credits(asked.order)
    in_minor = int(credit.gross * 100)
    assert gross(month, "our_credits", asked.rma_id) == in_minor
    assert gross(month, "our_credits") + gross(month, "others_credits") == gross(month, "invoiced_in_brightpearl")
    assert not [each for each in kept(month).lines if each["figure"] == "books_difference"]
    assert gross(month, "tax_credited", asked.rma_id) == gross(month, "tax_invoiced", asked.rma_id) == in_minor
    with database.connect() as connection:
        totals = connection.execute("SELECT sum(lines), sum(credited_net_minor) FROM match_totals").fetchone()
        lines = connection.execute("SELECT count(*), sum(credited_net_minor) FROM finance_three_way_match").fetchone()
        (day,) = connection.execute(
            "SELECT sum(lines), sum(met_lines), sum(met_minor) FROM finance_match_coverage WHERE shop = 'uk'"
        ).fetchall()
    assert totals == lines
    assert day[0] >= day[1] >= 0 <= day[2]
    unsigned = close_month(month, signed_by="Ada", reason="too early")
    assert "has not ended" in error_of(unsigned)


@contextmanager
def next_month(*, others_channel: bool = False) -> Iterator[Pass]:
    """A pass of some weeks later; with `others_channel` the shop's credits stand in Brightpearl under another shop's channel."""
    settings = load_settings()
    if others_channel:
        first, second, *rest = settings.shops
        channels = (
            first.model_copy(update={"channel_id": 99}),
            second.model_copy(update={"channel_id": first.channel_id}),
        )
        settings = settings.model_copy(update={"shops": (*channels, *rest)})
    accounts = Accounts(settings)
    try:
        with open_pass(settings, accounts, "run-1", Scope(shops=("uk",))) as opened:
            yield dataclasses.replace(opened, now=dt.datetime.now(dt.UTC) + dt.timedelta(days=40))
    finally:
        accounts.close()


@in_lockstep
def test_57_a_month_is_signed_only_with_every_difference_explained_and_then_stays(retailer: Retailer) -> Steps:
    """Computing it again tells what changed since; the signed lines never change, not even by hand in the database."""
    asked = retailer.approved(retailer.order())
    yield
    retailer.send_back(asked)
    yield
    yield
    yield
    month = dt.datetime.now(dt.UTC).date().replace(day=1)
    (credit,) = retailer.credits(asked.order)
    with next_month(others_channel=True) as later:
        with pytest.raises(SignOffRefused, match=f"credit {credit.credit_id}"):
            close_in_stage(later, month, SignOff("Ada", "all agreed", {}))
        assert kept(month).signed_at is None
        words = {
            each["subject_id"]: "booked to the other shop's channel"
            for each in kept(month).lines
            if each["figure"] == "books_difference"
        }
        close_in_stage(later, month, SignOff("Ada", "all agreed", words))
        signed = kept(month)
        assert (signed.signed_by, signed.reason, signed.explanations) == ("Ada", "all agreed", words)
        ((detail,),) = later.connection.execute("SELECT detail FROM audit WHERE what = 'month signed off'").fetchall()
        assert (detail["by"], detail["sha256"]) == ("Ada", signed.sha256)
        with pytest.raises(SignOffRefused, match="was signed by Ada"):
            close_in_stage(later, month, SignOff("Bob", "again", words))
        late = pd.DataFrame(
            [("991", "#UK1", dt.datetime.now(dt.UTC) - dt.timedelta(minutes=1), "GBP", 500)],
            columns=["refund_id", "order_name", "refunded_on", "currency", "amount_minor"],
        )
        assert closes.import_refunds(later.connection, "uk", late, "Ada") == 1
        report = close_in_stage(later, month)
        assert report.counts["changed_since_signed"] >= 1
        changes = closes.newest_changes(later.connection, "uk", month)
        came = [(each["what"], each["subject_id"]) for each in changes if each["figure"] == "refunded_only_in_shopify"]
        assert came == [("came", "991")]
        assert kept(month) == signed
        for statement in (
            "UPDATE month_closes SET reason = 'x' WHERE shop = 'uk'",
            "DELETE FROM finance_month_end_lines",
        ):
            with pytest.raises(psycopg.errors.RaiseException, match="is signed and stays"):
                later.connection.execute(statement)
