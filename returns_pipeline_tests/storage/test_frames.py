"""Frames come back as they went in, and only what changed is written."""

import datetime as dt
from dataclasses import dataclass

import pandas as pd
import pytest
from hypothesis import HealthCheck, given, settings

from returns_pipeline import schemas
from returns_pipeline.storage import frames
from returns_pipeline_tests.storage.rows import NOON, frame, random_frames

# Between them these hold every kind of column: whole numbers, flags, text, moments, days, decimals, lists of numbers and of text, objects.
EVERY_KIND = [
    "returngo_rmas",
    "returngo_transactions",
    "brightpearl_sales_orders",
    "brightpearl_sales_order_rows",
    "finance_month_end_close",
]
PATIENT = settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])


def row_versions(connection, table):
    return connection.execute(f"SELECT ctid::text, xmin::text FROM {table} ORDER BY 1").fetchall()  # noqa: S608


@pytest.mark.parametrize("table", EVERY_KIND)
def test_a_frame_comes_back_as_it_went_in(connection, table):
    """A digit, a type or a missing value lost between stages would be found at month end, if at all."""

    @PATIENT
    @given(random_frames(table))
    def round_trip(written):
        connection.execute(f"TRUNCATE {table}")
        frames.upsert(connection, table, written)
        read = frames.read(connection, table, "all")[list(written.columns)]
        # Text keys sort by the database's collation.
        keys = list(schemas.named(table).key)
        pd.testing.assert_frame_equal(by_keys(read, keys), by_keys(written, keys), check_exact=True)

    round_trip()


def by_keys(rows: pd.DataFrame, keys: list[str]) -> pd.DataFrame:
    return rows.sort_values(keys, ignore_index=True)


@pytest.mark.parametrize("table", EVERY_KIND)
def test_writing_the_same_again_touches_nothing(connection, table):
    """A tick without a change must cost nothing, and downstream looks at what changed."""

    @PATIENT
    @given(random_frames(table))
    def twice(written):
        connection.execute(f"TRUNCATE {table}")
        first = frames.upsert(connection, table, written)
        before = row_versions(connection, table)
        again = frames.upsert(connection, table, written)
        assert (first.inserted, first.changed, first.unchanged) == (len(written), 0, 0)
        assert (again.inserted, again.changed, again.unchanged, again.removed) == (0, 0, len(written), 0)
        assert row_versions(connection, table) == before

    twice()


def test_having_looked_again_is_no_change(connection):
    """Re-judging what is open each pass would otherwise rewrite every open row and call it changed."""
    line = {
        "return_line_id": "1-2-3",
        "rma_id": 1,
        "order_id": 5,
        "order_row_id": 2,
        "sku_sold": "A",
        "currency": "GBP",
    }
    frames.upsert(connection, "returns/return_lines", frame("returns_return_lines", line))
    before = row_versions(connection, "returns_return_lines")
    later = NOON + dt.timedelta(hours=1)
    again = frames.upsert(
        connection, "returns/return_lines", frame("returns_return_lines", line | {"judged_at": later})
    )
    assert (again.changed, again.unchanged) == (0, 1)
    assert row_versions(connection, "returns_return_lines") == before
    changed = frames.upsert(
        connection, "returns/return_lines", frame("returns_return_lines", line | {"judged_at": later, "quantity": 2})
    )
    assert changed.changed == 1
    assert list(frames.read(connection, "returns_return_lines", "changed", since=later)["quantity"]) == [2]


def test_a_sweep_remembers_that_it_read_a_detail_which_was_the_same(connection):
    """The sweep takes the oldest reading first; if an unchanged detail kept its old moment it would be read for ever."""
    frames.upsert(connection, "returngo/rmas", frame("returngo_rmas", {"rma_id": 1}))
    later = NOON + dt.timedelta(hours=1)
    again = frames.upsert(connection, "returngo/rmas", frame("returngo_rmas", {"rma_id": 1, "detail_read_at": later}))
    assert (again.changed, again.unchanged) == (0, 1)
    assert list(frames.read(connection, "returngo/rmas", "all")["detail_read_at"]) == [pd.Timestamp(later)]


def test_what_a_parent_no_longer_has_goes(connection):
    """A unit taken off a return in ReturnGo must not be credited; another return's units stay."""
    items = [{"returned_item_id": number, "rma_id": number // 10} for number in (11, 12, 21)]
    frames.upsert(connection, "returngo/return_items", frame("returngo_return_items", *items))
    written = frames.upsert(
        connection, "returngo/return_items", frame("returngo_return_items", items[0]), replace_within=("rma_id", [1])
    )
    assert (written.unchanged, written.removed) == (1, 1)
    assert list(frames.read(connection, "returngo/return_items", "all")["returned_item_id"]) == [11, 21]


def test_an_empty_answer_for_named_parents_removes_theirs_and_nothing_else(connection):
    """A return whose last unit was cancelled has no rows to send: the empty frame must still say so."""
    frames.upsert(
        connection,
        "returngo/return_items",
        frame("returngo_return_items", {"returned_item_id": 11, "rma_id": 1}, {"returned_item_id": 21, "rma_id": 2}),
    )
    written = frames.upsert(
        connection, "returngo/return_items", frame("returngo_return_items"), replace_within=("rma_id", [1])
    )
    assert written.removed == 1
    assert frames.upsert(connection, "returngo/return_items", frame("returngo_return_items")).removed == 0
    assert list(frames.read(connection, "returngo/return_items", "all")["returned_item_id"]) == [21]


def test_a_goods_in_line_keeps_its_own_number(connection):
    """Receipts and ledger lines point at it: reading the note again must not give the line a new number."""
    note = {"goods_note_id": 7, "credit_row_id": 70, "quantity": 1}
    frames.upsert(connection, "brightpearl/goods_in", frame("brightpearl_goods_in", note))
    number = frames.read(connection, "brightpearl/goods_in", "all")["receipt_line_id"].iloc[0]
    frames.upsert(connection, "brightpearl/goods_in", frame("brightpearl_goods_in", note | {"quantity": 2}))
    again = frames.read(connection, "brightpearl/goods_in", "all")
    assert list(again["receipt_line_id"]) == [number]
    assert list(again["quantity"]) == [2]
    assert frames.upsert(connection, "brightpearl/goods_in", again).unchanged == 1


def test_one_key_twice_is_refused(connection):
    """Whichever of the two won would be chance."""
    with pytest.raises(ValueError, match="repeat a key of rma_id"):
        frames.upsert(
            connection, "returngo/rmas", frame("returngo_rmas", {"rma_id": 1}, {"rma_id": 1, "status": "Done"})
        )


def test_a_cell_of_the_wrong_type_is_refused_before_anything_is_written(connection):
    """A float of money would be rounded on its way in."""
    rows = frame("returngo_return_items", {"returned_item_id": 1})
    rows["paid_price_minor"] = [10.5]
    with pytest.raises(ValueError, match="paid_price_minor"):
        frames.upsert(connection, "returngo/return_items", rows)
    assert frames.read(connection, "returngo/return_items", "all").empty


def test_a_batch_that_fails_leaves_no_part_of_itself(connection):
    """Rows without their cursor, or the other way round, lose or repeat work."""

    def two_batches():
        with connection.transaction():
            frames.upsert(connection, "returngo/rmas", frame("returngo_rmas", {"rma_id": 1}))
            frames.upsert(connection, "returngo/rmas", frame("returngo_rmas", {"rma_id": 2}))
            raise RuntimeError("something later went wrong")

    with pytest.raises(RuntimeError, match="later"):
        two_batches()
    assert frames.read(connection, "returngo/rmas", "all").empty


@pytest.mark.parametrize("table", sorted(schemas.by_table()))
@pytest.mark.parametrize(
    ("scope", "more"), [("all", {}), ("open", {}), ("open", {"rma_ids": [1]}), ("changed", {"since": NOON})]
)
def test_every_table_reads_in_every_scope_with_its_types(connection, table, scope, more):
    """An empty table must give empty columns of the right types, or the first merge of a new shop fails."""
    for shop in (None, "uk"):
        read = frames.read(connection, table, scope, shop=shop, **more)
        assert read.empty
        expected = {column.name: column.dtype for column in schemas.named(table).columns()}
        assert {name: str(dtype) for name, dtype in read.dtypes.items()} == expected


def test_an_empty_frame_is_its_readers_own(connection):
    """A stage that fills the frame it read must not fill the next stage's."""
    mine = frames.read(connection, "returngo_rmas", "all")
    mine["note"] = "mine"
    theirs = frames.read(connection, "returngo_rmas", "all")
    assert theirs.empty
    assert list(theirs.columns) == [column.name for column in schemas.named("returngo_rmas").columns()]
    assert theirs["rma_id"].dtype == frame("returngo_rmas")["rma_id"].dtype


def test_a_scope_with_the_wrong_arguments_is_refused(connection):
    """Silently reading all of it would pass for the changes."""
    with pytest.raises(ValueError, match="since"):
        frames.read(connection, "returngo/rmas", "changed")
    with pytest.raises(ValueError, match="since"):
        frames.read(connection, "returngo/rmas", "all", since=NOON)


@dataclass(frozen=True)
class Parcel:
    """A record as a client parses it, with a field that no table has."""

    shipment_id: int
    rma_id: object = 1
    status: str = "Shipped"
    carrier_name: str | None = None
    tracking_number: str | None = None
    tracking_url: str | None = None
    label_url: str | None = None
    is_outbound: bool = False
    requested_service_level: str | None = "express"


def test_records_become_a_frame_of_the_tables_types():
    """Each ingest would otherwise build its frame by hand, and one of them with a float."""
    made = frames.of_records("returngo_shipments", [Parcel(7), Parcel(8)], shop="uk", tracking_number=["A", None])
    pd.testing.assert_frame_equal(
        made,
        frame(
            "returngo_shipments",
            {"shipment_id": 7, "status": "Shipped", "tracking_number": "A"},
            {"shipment_id": 8, "status": "Shipped"},
        ),
    )
    assert {
        name: str(dtype) for name, dtype in frames.of_records("returngo_shipments", [], shop="uk").dtypes.items()
    } == {name: str(dtype) for name, dtype in made.dtypes.items()}


def test_a_record_that_does_not_fit_is_kept_for_validation_to_hold():
    """Raising here would stop the other records of the batch."""
    made = frames.of_records("returngo_shipments", [Parcel(7), Parcel(8, rma_id="nine")], shop="uk")
    good, held = schemas.validate("returngo_shipments", made)
    assert (good["shipment_id"].tolist(), held["reason"].tolist()) == ([7], ["rma_id is not of type whole"])


def test_a_column_that_neither_record_nor_caller_knows_is_an_error():
    """Filled with nothing it would look as if the source had said so."""
    with pytest.raises(AttributeError, match="detail_read_at"):
        frames.of_records(
            "returngo_rmas",
            [Parcel(7)],
            shop="uk",
            **dict.fromkeys(
                (
                    "order_name",
                    "shopify_order_id",
                    "created_at",
                    "approved_at",
                    "last_updated_at",
                    "store_location_id",
                    "is_out_of_policy",
                    "exchange_orders",
                    "cancellation_fee_minor",
                    "list_fingerprint",
                    "is_open",
                )
            ),
        )
