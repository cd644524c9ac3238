"""Passed units on their way back to sale. Nothing that did not pass may follow them."""

import datetime as dt
import json

import pandas as pd
import pytest

from returns_pipeline import schemas
from returns_pipeline.domain.transfers import (
    build_create_plans,
    build_follow_up_plans,
    build_release_plans,
    is_time,
    propose_transfers,
)
from returns_pipeline_tests.domain import worlds
from returns_pipeline_tests.domain.frames import settings_with
from returns_pipeline_tests.domain.worlds import NOW

AT_ONCE = {"transfers": {"at": ()}}
LOCATIONS = {3: 5, 2: 40}


def proposed(receipts: pd.DataFrame, effects: pd.DataFrame | None = None, **tables) -> pd.DataFrame:
    """The proposals for these receipts; location 6 is the Returns warehouse's quarantine."""
    shop = settings_with(**tables).shops[0]
    found = propose_transfers(
        receipts, worlds.orders(), worlds.effects() if effects is None else effects, {3: 6}, shop, NOW
    )
    good, refused = schemas.validate("returns_transfer_proposals", found)
    assert refused.empty
    assert len(good) == len(found)
    return found


def created(proposals: pd.DataFrame, effects: pd.DataFrame | None = None, **tables) -> list:
    """The transfers made of these proposals."""
    shop = settings_with(**(AT_ONCE | tables)).shops[0]
    plans = build_create_plans(proposals, worlds.effects() if effects is None else effects, LOCATIONS, shop, NOW)
    json.dumps([plan.payload for plan in plans], allow_nan=False)
    return plans


def test_only_passed_units_are_proposed() -> None:
    """An uninspected or damaged unit on the shelf is sold to the next customer."""
    receipts = worlds.receipts(
        {},
        {"receipt_line_id": 31, "quantity": 1, "failed_quantity": 1, "location_id": 7},
        {"receipt_line_id": 32, "quantity": 2, "passed_quantity": 2, "location_id": 8},
    )
    found = proposed(receipts)
    assert found[["receipt_line_id", "quantity", "target_warehouse_id", "verdict"]].values.tolist() == [
        [32, 2, 2, "ok"]
    ]


def test_passed_units_beside_failed_ones_of_their_product_stay() -> None:
    """A picker cannot tell two shirts in one bin apart."""
    receipts = worlds.receipts({"passed_quantity": 1}, {"receipt_line_id": 31, "failed_quantity": 1})
    assert proposed(receipts)["hold_code"].tolist() == ["mixed_inspection_location"]


def test_a_channel_without_a_saleable_warehouse_holds() -> None:
    """There is no fallback: stock in the wrong country cannot be sold."""
    found = proposed(worlds.receipts({"passed_quantity": 1}), shop={"saleable_warehouses": {"9": 2}})
    assert found["hold_code"].tolist() == ["no_saleable_warehouse"]


def test_units_on_a_transfer_are_not_proposed_again() -> None:
    """Moving them twice would take somebody else's units."""
    effect = {
        "kind": "transfer.create",
        "business_key": "t",
        "payload": {"subject": {"units": [{"receipt_line_id": 30}]}},
    }
    receipts = worlds.receipts({"passed_quantity": 1})
    assert proposed(receipts, worlds.effects(effect)).empty
    assert len(proposed(receipts, worlds.effects(effect | {"state": "voided"}))) == 1


def test_one_transfer_carries_all_ready_units_of_a_route() -> None:
    """Its reference follows from the units, so that the same transfer is never made twice."""
    receipts = worlds.receipts({"passed_quantity": 1}, {"receipt_line_id": 31, "product_id": 12, "passed_quantity": 1})
    (plan,) = created(proposed(receipts))
    (again,) = created(proposed(receipts.iloc[::-1]))
    assert plan.business_key == again.business_key
    assert plan.remote_ref == "rt-" + plan.business_key.rsplit(":", 1)[1]
    assert plan.payload["request"]["path"] == "/warehouse-service/warehouse/3/stock-transfer"
    assert [unit["receipt_line_id"] for unit in plan.payload["subject"]["units"]] == [30, 31]


def test_too_few_units_wait_for_more() -> None:
    """A lorry for one shirt."""
    assert created(proposed(worlds.receipts({"passed_quantity": 1})), transfers={"at": (), "min_units": 2}) == []


def test_quarantined_units_are_released_before_they_travel() -> None:
    """Brightpearl moves nothing out of a quarantine by a transfer."""
    found = proposed(worlds.receipts({"passed_quantity": 1, "location_id": 6}))
    assert found["is_from_quarantine"].tolist() == [True]
    assert created(found) == []
    (release,) = build_release_plans(found, LOCATIONS)
    json.dumps(release.payload, allow_nan=False)
    assert release.payload["request"]["body"] == {"productId": 11, "quantity": 1, "toLocationId": 5}
    done = worlds.effects({"kind": "transfer.release", "business_key": release.business_key})
    (plan,) = created(found, done)
    assert plan.payload["subject"]["units"][0]["location_id"] == 5


@pytest.mark.parametrize(
    ("last", "now", "due"),
    [
        (None, "2026-03-10T15:01+00:00", True),
        ("2026-03-10T14:00+00:00", "2026-03-10T14:59+00:00", False),
        ("2026-03-10T14:00+00:00", "2026-03-10T15:00+00:00", True),
        ("2026-03-10T15:00+00:00", "2026-03-10T23:00+00:00", False),
        ("2026-03-10T15:05+00:00", "2026-03-11T15:00+00:00", True),
        ("2026-06-10T13:00+00:00", "2026-06-10T14:00+00:00", True),
    ],
)
def test_transfers_leave_at_the_shops_hour(last: str | None, now: str, due: bool) -> None:
    """The hour is the warehouse's clock, in summer too."""
    shop = settings_with(transfers={"at": ("15:00",)}).shops[0]
    moment = None if last is None else dt.datetime.fromisoformat(last)
    assert is_time(shop, moment, dt.datetime.fromisoformat(now)) is due


def test_a_created_transfer_is_dispatched_with_its_units_by_place() -> None:
    """Two lines of one product in one place are one line of the transfer."""
    (plan,) = created(proposed(worlds.receipts({"passed_quantity": 1}, {"receipt_line_id": 31, "passed_quantity": 1})))
    effect = {"kind": plan.kind, "business_key": plan.business_key, "payload": plan.payload, "remote_id": "77"}
    (dispatch,) = build_follow_up_plans(worlds.effects(effect), LOCATIONS, settings_with(), NOW)
    assert dispatch.business_key == "dispatch:77"
    assert dispatch.depends_on_key == plan.business_key
    assert dispatch.payload["request"]["body"]["transferredProducts"] == [
        {"productId": 11, "quantity": 2, "fromLocationId": 5}
    ]
    sent = {
        "kind": dispatch.kind,
        "business_key": dispatch.business_key,
        "payload": dispatch.payload,
        "remote_id": "600,601",
    }
    assert build_follow_up_plans(worlds.effects(effect, sent), LOCATIONS, settings_with(), NOW) == []
    by_pipeline = settings_with(transfers={"ship_by": "pipeline"})
    shipped = build_follow_up_plans(worlds.effects(effect, sent), LOCATIONS, by_pipeline, NOW)
    assert [each.business_key for each in shipped] == ["ship:600", "ship:601"]


def test_shipped_units_are_put_away_once_where_the_shop_leaves_that_to_us() -> None:
    """A transfer of two notes arrives in two parts: put away per note, its units would be released twice."""
    products = [{"productId": 11, "quantity": 2, "fromLocationId": 5}]
    subject = {"transfer_id": 77, "source_warehouse_id": 3, "target_warehouse_id": 2, "products": products}
    sent = {
        "kind": "transfer.dispatch",
        "business_key": "dispatch:77",
        "payload": {"subject": subject},
        "remote_id": "600,601",
    }
    ships = [
        {"kind": "transfer.ship", "business_key": f"ship:{note}", "payload": {"subject": subject}}
        for note in (600, 601)
    ]
    automatic = settings_with(policy={"put_away": "automatic"})
    assert build_follow_up_plans(worlds.effects(sent, ships[0]), LOCATIONS, automatic, NOW) == []
    assert build_follow_up_plans(worlds.effects(sent, *ships), LOCATIONS, settings_with(), NOW) == []
    (release,) = build_follow_up_plans(worlds.effects(sent, *ships), LOCATIONS, automatic, NOW)
    assert release.payload["request"]["body"] == {"productId": 11, "quantity": 2, "toLocationId": 40}
    put_away = {"kind": release.kind, "business_key": release.business_key, "payload": release.payload}
    assert build_follow_up_plans(worlds.effects(sent, *ships, put_away), LOCATIONS, automatic, NOW) == []


def test_nothing_received_moves_nothing() -> None:
    """A quiet day must not fail."""
    assert proposed(worlds.receipts().iloc[:0]).empty
