"""What is past its retention goes, and what a customer asks to be forgotten; the books and their proof stay."""

import datetime as dt

import psycopg
import pytest
from psycopg import sql
from psycopg.types.json import Jsonb

from returns_pipeline.settings import load_settings
from returns_pipeline.storage import erasure, evidence, frames, ledger
from returns_pipeline_tests.storage.rows import frame

NOW = dt.datetime.now(dt.UTC)
OLD, YOUNG = NOW - dt.timedelta(days=91), NOW - dt.timedelta(days=89)
WORDS = "my knee hurts"
EVERY_TABLE = "SELECT table_name FROM information_schema.tables WHERE table_schema = 'returns' AND table_type = 'BASE TABLE' ORDER BY 1"
DAYS = load_settings({}).retention.by_kind()


def keep(connection: psycopg.Connection, table: str, *rows: dict) -> None:
    frames.upsert(connection, table, frame(table, *rows))


def a_return(
    connection: psycopg.Connection, rma_id: int, *, read_at: dt.datetime = NOW, is_open: bool = False, **order: object
) -> None:
    """A return with a remark, a parcel and a line."""
    order = {"shopify_order_id": f"55{rma_id}", "order_name": f"#{rma_id}"} | order
    keep(connection, "returngo/rmas", {"rma_id": rma_id, "is_open": is_open, "detail_read_at": read_at, **order})
    unit = {"returned_item_id": rma_id * 10, "rma_id": rma_id, "return_reason": WORDS}
    keep(connection, "returngo/return_items", unit)
    keep(
        connection, "returns/return_lines", {"return_line_id": f"l{rma_id}", "rma_id": rma_id, "return_reasons": WORDS}
    )
    proposal = {
        "proposal_id": f"p{rma_id}",
        "rma_id": rma_id,
        "details": {"reasons": WORDS, "note": WORDS, "life": "ordinary"},
    }
    keep(connection, "returns/credit_proposals", proposal)
    connection.execute(
        "INSERT INTO inspections(shop, rma_id, returned_item_id, quantity, result, reason, source, recorded_by) VALUES ('uk', %s, %s, 1, 'pass', %s, 'job', 'Ada')",
        [rma_id, rma_id * 10, WORDS],
    )
    a_note(connection, rma_id)
    keep(
        connection,
        "returngo_shipments",
        {"shipment_id": rma_id, "rma_id": rma_id, "tracking_number": "JD0002", "label_url": "https://labels/1"},
    )


def a_note(connection: psycopg.Connection, rma_id: int, state: str = "confirmed") -> None:
    """A note on a credit that the ledger has settled, in the customer's words."""
    connection.execute(
        "INSERT INTO gates(shop, table_name, run_id, passed) SELECT 'uk', table_name, 'r', true FROM gate_needed WHERE kind = 'credit.annotate'"
    )
    payload = {
        "request": {
            "path": "/order-service/order/7/status",
            "body": {"orderStatusId": 23, "orderNote": {"text": WORDS}},
        },
        "subject": {"rma_id": rma_id},
    }
    connection.execute(
        """INSERT INTO effect(shop, kind, business_key, payload, payload_sha256, state, attempt, sent_at, remote_id)
           VALUES ('uk', 'credit.annotate', %s, %s, '\\x00', %s, 1, now(), %s)""",
        [f"annotate:{rma_id}", Jsonb(payload), state, "7" if state == "confirmed" else None],
    )


def where_words_are(connection: psycopg.Connection) -> set[str]:
    """Every table of ours that still holds the customer's words, wherever in it."""
    tables = [row[0] for row in connection.execute(EVERY_TABLE).fetchall()]
    return {
        table
        for table in tables
        if connection.execute(
            sql.SQL("SELECT count(*) FROM {t} t WHERE to_jsonb(t)::text LIKE %s").format(t=sql.Identifier(table)),
            [f"%{WORDS}%"],
        ).fetchone()
        != (0,)
    }


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
        assert (removed["comments"], removed["tracking"]) == (5, 1)
        assert remarks(connection) == {
            1: (None, None),
            2: ("my knee hurts", "JD0002"),
            3: ("my knee hurts", "JD0002"),
        }

    def test_of_a_closed_return_nobodys_words_are_left_anywhere(self, connection):
        """The remark is copied to lines, proposals and the note on the credit; each copy is forgotten with it, or it is not forgotten."""
        a_return(connection, 1, read_at=OLD)
        assert len(where_words_are(connection)) == 5
        evidence.remove_older(connection, DAYS)
        assert where_words_are(connection) == set()
        assert evidence.remove_older(connection, DAYS)["comments"] == 0, "what is forgotten is not forgotten each night"

    def test_the_ledger_lets_a_settled_note_forget_its_words_and_change_in_nothing_else(self, connection):
        """The one change of a frozen payload must not become a way to change another."""
        for rma_id, state, path, text in (
            (1, "confirmed", "{request,body,orderNote,text}", "paid twice"),
            (2, "confirmed", "{request,path}", "[erased]"),
            (3, "unknown", "{request,body,orderNote,text}", "[erased]"),
        ):
            a_note(connection, rma_id, state)
            with pytest.raises(psycopg.errors.RaiseException, match="are frozen"):
                connection.execute(
                    "UPDATE effect SET payload = jsonb_set(payload, %s, to_jsonb(%s::text)) WHERE business_key = %s",
                    [path, text, f"annotate:{rma_id}"],
                )

    def test_every_table_has_its_days_or_a_reason_to_stay(self, connection):
        """A new table that nobody thought about would be kept for ever."""
        tables = {row[0] for row in connection.execute(EVERY_TABLE).fetchall()} - {"alembic_version"}
        assert tables == set(evidence.TABLES)
        named = {end for end in evidence.TABLES.values() if " " not in end}
        assert named == set(evidence.KINDS)

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
        assert {kind: days for kind, days in DAYS.items() if days != 90} == {"hints": 7}


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
        assert where_words_are(connection) == set()
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
