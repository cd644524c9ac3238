"""What is past its retention goes, and what a customer asks to be forgotten; the books and their proof stay."""

import datetime as dt

import psycopg
import pytest

from returns_pipeline.settings import load_settings
from returns_pipeline.storage import erasure, evidence, frames, ledger
from returns_pipeline_tests.storage.rows import frame

NOW = dt.datetime.now(dt.UTC)
OLD, YOUNG = NOW - dt.timedelta(days=91), NOW - dt.timedelta(days=89)
DAYS = load_settings({}).retention.by_kind()


def keep(connection: psycopg.Connection, table: str, *rows: dict) -> None:
    frames.upsert(connection, table, frame(table, *rows))


def a_return(
    connection: psycopg.Connection, rma_id: int, *, read_at: dt.datetime = NOW, is_open: bool = False, **order: object
) -> None:
    """A return with a remark, a parcel and a line."""
    order = {"shopify_order_id": f"55{rma_id}", "order_name": f"#{rma_id}"} | order
    keep(connection, "returngo/rmas", {"rma_id": rma_id, "is_open": is_open, "detail_read_at": read_at, **order})
    unit = {"returned_item_id": rma_id * 10, "rma_id": rma_id, "return_reason": "my knee hurts"}
    keep(connection, "returngo/return_items", unit)
    keep(
        connection,
        "returngo_shipments",
        {"shipment_id": rma_id, "rma_id": rma_id, "tracking_number": "JD0002", "label_url": "https://labels/1"},
    )


def remarks(connection: psycopg.Connection) -> dict[int, tuple[str | None, str | None]]:
    """Remark and tracking number by return."""
    rows = connection.execute(
        "SELECT rma_id, return_reason, tracking_number FROM returngo_return_items JOIN returngo_shipments USING (rma_id)"
    ).fetchall()
    return {rma_id: (reason, number) for rma_id, reason, number in rows}


class TestRetention:
    def test_remarks_and_parcels_of_closed_returns_are_forgotten_after_their_days(self, connection):
        """An open return still needs them, a young one may come back."""
        a_return(connection, 1, read_at=OLD)
        a_return(connection, 2, read_at=YOUNG)
        a_return(connection, 3, read_at=OLD, is_open=True)
        removed = evidence.remove_older(connection, DAYS)
        assert (removed["comments"], removed["tracking"]) == (1, 1)
        assert remarks(connection) == {
            1: (None, None),
            2: ("my knee hurts", "JD0002"),
            3: ("my knee hurts", "JD0002"),
        }

    def test_the_newest_verdict_of_a_gate_stays_however_old_it_is(self, connection):
        """Without it the gate would be closed."""
        for at in (OLD - dt.timedelta(days=1), OLD):
            connection.execute(
                "INSERT INTO gates(shop, table_name, run_id, passed, at) VALUES ('uk', 'returngo_rmas', 'r', true, %s)",
                [at],
            )
        assert evidence.remove_older(connection, DAYS)["gates"] == 1
        assert connection.execute("SELECT at FROM gates").fetchall() == [(OLD,)]

    def test_each_kind_has_days_of_its_own(self, connection):
        """A retailer may keep what checks found for years, and calls for a month."""
        for at in (OLD, YOUNG):
            connection.execute(
                """INSERT INTO check_results(check_name, asset_key, run_id, passed, severity, is_blocking, rows_checked, violations, at)
                   VALUES ('c', 'a', 'r', true, 'warn', false, 1, 0, %s)""",
                [at],
            )
        assert evidence.remove_older(connection, DAYS | {"check_results": 2000})["check_results"] == 0
        assert evidence.remove_older(connection, DAYS)["check_results"] == 1

    def test_the_settings_name_every_kind(self):
        """A kind without days would be kept for ever, or fail the night."""
        assert set(DAYS) == set(evidence.KINDS)
        assert set(DAYS.values()) == {90}


class TestErasure:
    def test_an_order_is_found_by_each_of_its_names_and_only_it_is_forgotten(self, connection):
        """The customer writes the order's name, the shop has its id."""
        for rma_id, order in ((1, "551"), (2, "#2")):
            a_return(connection, rma_id)
            erasure.erase(connection, order, by="Ada", reason="the customer asked")
        a_return(connection, 3)
        assert remarks(connection) == {1: (None, None), 2: (None, None), 3: ("my knee hurts", "JD0002")}

    def test_what_was_erased_when_and_by_whom_is_in_the_audit_without_what_it_was(self, connection):
        """The proof must not hold what was to be forgotten."""
        a_return(connection, 1)
        done = erasure.erase(connection, "#1", by="Ada", reason="the customer asked")
        assert (done.rma_ids, done.rows["parcels"]) == ((1,), 1)
        ((detail,),) = connection.execute("SELECT detail FROM audit WHERE what = 'order erased'").fetchall()
        assert (detail["rma_ids"], detail["by"]) == ([1], "Ada")
        assert "knee" not in str(detail)
        assert ledger.verify(connection) is None

    @pytest.mark.parametrize(
        ("order", "by", "words"),
        [("#9", "Ada", "no return of an order"), ("#1", "Ada", "RMA 1 is still open"), ("#1", " ", "needs a reason")],
    )
    def test_what_cannot_be_erased_is_refused_and_nothing_is_changed(self, connection, order, by, words):
        """A return under way needs its parcel; a typing error must not look like done."""
        a_return(connection, 1, is_open=True)
        with pytest.raises(erasure.NotErased, match=words):
            erasure.erase(connection, order, by=by, reason="the customer asked")
        assert remarks(connection) == {1: ("my knee hurts", "JD0002")}
