"""Which returns are worth another call of ReturnGo's day."""

import datetime as dt

import pytest

from returns_pipeline.storage import frames, open_returns
from returns_pipeline_tests.storage.rows import NOON, frame


@pytest.fixture
def kept(connection):
    """Return 1, whose detail was read and kept at noon, and its parcel."""
    frames.upsert(
        connection,
        "returngo_rmas",
        frame(
            "returngo_rmas", {"rma_id": 1, "shop": "uk", "status": "Approved", "is_open": True, "detail_read_at": NOON}
        ),
    )
    frames.upsert(
        connection,
        "returngo_shipments",
        frame(
            "returngo_shipments",
            {"shipment_id": 5, "rma_id": 1, "shop": "uk", "status": "Shipped", "is_outbound": False},
        ),
    )
    return connection


def test_a_detail_that_could_not_be_kept_is_remembered_for_a_day_and_a_kept_one_is_not(kept):
    """Read in every pass, one bad return would cost 144 calls a day."""
    open_returns.remember_unusable(kept, "uk", {1: "Approved a", 2: "Approved b"}, NOON)
    assert open_returns.unusable(kept, "uk", NOON) == {2: "Approved b"}
    assert open_returns.unusable(kept, "uk", NOON + dt.timedelta(days=1)) == {}
    assert open_returns.unusable(kept, "de", NOON) == {}


def test_a_detail_that_was_mended_is_forgotten(kept):
    """Else the day's memory would outlive its cause."""
    earlier = NOON - dt.timedelta(hours=1)
    open_returns.remember_unusable(kept, "uk", {1: "Approved a"}, earlier)
    assert open_returns.unusable(kept, "uk", NOON) == {1: "Approved a"}
    open_returns.remember_unusable(kept, "uk", {1: "Approved a"}, NOON)
    assert open_returns.unusable(kept, "uk", NOON) == {}


def test_a_parcel_arrives_with_its_return_and_counts_as_untold_until_we_confirm_it(kept):
    """A stale parcel would let an announcement expire although the goods are there."""
    assert open_returns.untold_parcels(kept, "uk") == {1: ["Shipped"]}
    assert open_returns.move_on(kept, "de", {1: "Received"}) == 0
    assert open_returns.move_on(kept, "uk", {1: "Received"}) == 1
    assert open_returns.untold_parcels(kept, "uk") == {1: ["Received"]}
