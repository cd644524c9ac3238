"""Passed units on their way back to sale. Nothing that did not pass may follow them."""

import datetime as dt
import json

import pandas as pd
import pytest

from returns_pipeline import schemas
from returns_pipeline.domain.places import places_of_units
from returns_pipeline.domain.transfers import (
    build_create_plans,
    build_follow_up_plans,
    build_release_plans,
    propose_transfers,
)
from returns_pipeline_tests.domain import worlds
from returns_pipeline_tests.domain.frames import settings_with
from returns_pipeline_tests.domain.worlds import NOW
from returns_pipeline_tests.storage.rows import frame

AT_ONCE = {"transfers": {"at": ()}}
LOCATIONS = {3: 5, 2: 40}


def proposed(
    receipts: pd.DataFrame,
    effects: pd.DataFrame | None = None,
    now: dt.datetime = NOW,
    units: pd.DataFrame | None = None,
    moves: tuple = (),
    **tables,
) -> pd.DataFrame:
    """The proposals for these receipts, at once unless the tables say an hour; location 6 is the Returns warehouse's quarantine."""
    shop = settings_with(**(AT_ONCE | tables)).shops[0]
    found = propose_transfers(
        receipts,
        worlds.return_lines(),
        worlds.items() if units is None else units,
        worlds.inspections(),
        worlds.orders(),
        worlds.effects() if effects is None else effects,
        places_of_units(receipts, frame("brightpearl_shelf_moves", *moves), {"33": "pass", "34": "damaged"}),
        {3: 6},
        shop,
        now,
    )
    good, refused = schemas.validate("returns_transfer_proposals", found)
    assert refused.empty
    assert len(good) == len(found)
    return found


def created(proposals: pd.DataFrame, effects: pd.DataFrame | None = None, **tables) -> list:
    """The transfers made of these proposals."""
    shop = settings_with(**(AT_ONCE | tables)).shops[0]
    plans = build_create_plans(proposals, worlds.effects() if effects is None else effects, LOCATIONS, shop)
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
        "payload": {"subject": {"units": [{"receipt_line_id": 30, "quantity": 1}]}},
    }
    receipts = worlds.receipts({"passed_quantity": 1})
    assert proposed(receipts, worlds.effects(effect)).empty
    assert len(proposed(receipts, worlds.effects(effect | {"state": "voided"}))) == 1


def test_what_was_put_on_a_transfer_since_the_proposal_was_judged_is_not_planned_again() -> None:
    """A writer plans in rounds from one judgement: planned twice, the second transfer finds empty shelves."""
    for location in (5, 6):
        receipts = worlds.receipts(
            {"quantity": 2, "matched_quantity": 2, "passed_quantity": 2, "location_id": location}
        )
        found = proposed(receipts)
        released = {
            "kind": "transfer.release",
            "business_key": "r",
            "payload": {"subject": {"receipt_line_id": 30, "quantity": 2}},
        }
        (first,) = created(found, worlds.effects(released))
        made = {"kind": first.kind, "business_key": first.business_key, "payload": first.payload, "remote_id": "77"}
        effects = worlds.effects(released, made)
        assert created(found, effects) == []
        assert build_release_plans(found, effects, LOCATIONS) == []


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
    (release,) = build_release_plans(found, worlds.effects(), LOCATIONS)
    json.dumps(release.payload, allow_nan=False)
    assert release.payload["request"]["body"] == {"productId": 11, "quantity": 1, "toLocationId": 5}
    done = worlds.effects(
        {"kind": "transfer.release", "business_key": release.business_key, "payload": release.payload}
    )
    (plan,) = created(found, done)
    assert plan.payload["subject"]["units"][0]["location_id"] == 5


@pytest.mark.parametrize(
    ("passed", "now", "verdict"),
    [
        ("2026-03-10T14:00+00:00", "2026-03-10T14:59+00:00", "waiting"),
        ("2026-03-10T14:00+00:00", "2026-03-10T15:00+00:00", "ok"),
        ("2026-03-10T15:01+00:00", "2026-03-10T23:00+00:00", "waiting"),
        ("2026-03-10T15:01+00:00", "2026-03-11T15:00+00:00", "ok"),
        ("2026-06-10T13:00+00:00", "2026-06-10T14:00+00:00", "ok"),
    ],
)
def test_passed_units_gather_until_the_shops_hour(passed: str, now: str, verdict: str) -> None:
    """The hour is the warehouse's clock, in summer too, and one lorry a day takes what passed before it."""
    moment = dt.datetime.fromisoformat(passed)
    receipts = worlds.receipts({"passed_quantity": 1, "received_on": moment - dt.timedelta(hours=5)})
    units = worlds.items({"validated_at": moment, "is_returned": True, "is_restockable": True})
    found = proposed(receipts, now=dt.datetime.fromisoformat(now), units=units, transfers={"at": ("15:00",)})
    assert found["verdict"].tolist() == [verdict]
    assert found["passed_at"].tolist() == [moment]


def test_a_unit_that_passes_later_than_its_neighbours_still_travels() -> None:
    """Counted by goods-in line instead of by unit, it would lie in Returns for ever."""
    receipts = worlds.receipts({"quantity": 2, "matched_quantity": 2, "passed_quantity": 1})
    (first,) = created(proposed(receipts))
    effect = worlds.effects(
        {"kind": first.kind, "business_key": first.business_key, "payload": first.payload, "remote_id": "77"}
    )
    assert proposed(receipts, effect).empty
    both = worlds.receipts({"quantity": 2, "matched_quantity": 2, "passed_quantity": 2})
    (second,) = created(proposed(both, effect), effect)
    assert [unit["quantity"] for unit in second.payload["subject"]["units"]] == [1]
    assert second.business_key != first.business_key


def test_quarantined_units_that_pass_later_are_released_by_themselves() -> None:
    """A release has no reference: one of too many units would put uninspected goods beside the passed ones."""
    receipts = worlds.receipts({"quantity": 2, "matched_quantity": 2, "passed_quantity": 1, "location_id": 6})
    (first,) = build_release_plans(proposed(receipts), worlds.effects(), LOCATIONS)
    effects = worlds.effects({"kind": first.kind, "business_key": first.business_key, "payload": first.payload})
    assert build_release_plans(proposed(receipts), effects, LOCATIONS) == []
    both = worlds.receipts({"quantity": 2, "matched_quantity": 2, "passed_quantity": 2, "location_id": 6})
    (second,) = build_release_plans(proposed(both), effects, LOCATIONS)
    assert second.payload["request"]["body"]["quantity"] == 1
    (plan,) = created(proposed(both), effects)
    assert [unit["quantity"] for unit in plan.payload["subject"]["units"]] == [1]


def test_a_created_transfer_is_dispatched_with_its_units_by_place() -> None:
    """Two lines of one product in one place are one line of the transfer."""
    (plan,) = created(proposed(worlds.receipts({"passed_quantity": 1}, {"receipt_line_id": 31, "passed_quantity": 1})))
    effect = {"kind": plan.kind, "business_key": plan.business_key, "payload": plan.payload, "remote_id": "77"}
    (dispatch,) = build_follow_up_plans(worlds.effects(effect), LOCATIONS, settings_with())
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
    assert build_follow_up_plans(worlds.effects(effect, sent), LOCATIONS, settings_with()) == []
    by_pipeline = settings_with(transfers={"ship_by": "pipeline"})
    shipped = build_follow_up_plans(worlds.effects(effect, sent), LOCATIONS, by_pipeline)
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
    assert build_follow_up_plans(worlds.effects(sent, ships[0]), LOCATIONS, automatic) == []
    assert build_follow_up_plans(worlds.effects(sent, *ships), LOCATIONS, settings_with()) == []
    (release,) = build_follow_up_plans(worlds.effects(sent, *ships), LOCATIONS, automatic)
    assert release.payload["request"]["body"] == {"productId": 11, "quantity": 2, "toLocationId": 40}
    put_away = {"kind": release.kind, "business_key": release.business_key, "payload": release.payload}
    assert build_follow_up_plans(worlds.effects(sent, *ships, put_away), LOCATIONS, automatic) == []


def test_nothing_received_moves_nothing() -> None:
    """A quiet day must not fail."""
    assert proposed(worlds.receipts().iloc[:0]).empty


def shelved(number: int, units: int, to: int) -> tuple[dict, dict]:
    """A move of shirts from where they were booked in to another location of the warehouse."""
    move = {"goods_note_id": number, "product_id": 11, "warehouse_id": 3, "moved_on": NOW}
    return (
        move | {"goods_movement_id": 2 * number, "location_id": 5, "quantity": -units},
        move | {"goods_movement_id": 2 * number + 1, "location_id": to, "quantity": units},
    )


def test_a_failed_unit_that_was_put_aside_no_longer_holds_the_passed_one_back() -> None:
    """Both were booked in on one shelf; once the damaged one is on its own, the shelf holds passed goods only."""
    mixed = worlds.receipts({"quantity": 2, "matched_quantity": 2, "passed_quantity": 1, "failed_quantity": 1})
    (held,) = proposed(mixed).to_dict("records")
    assert held["hold_code"] == "mixed_inspection_location"
    (free,) = proposed(mixed, moves=shelved(1, 1, 34)).to_dict("records")
    assert (free["verdict"], free["quantity"], free["source_location_id"]) == ("ok", 1, 5)


def test_a_unit_that_was_moved_is_transferred_from_where_it_lies_now() -> None:
    """Taken from the shelf of its goods-in, Brightpearl finds nothing there and refuses the whole transfer."""
    two = worlds.receipts({"quantity": 2, "matched_quantity": 2, "passed_quantity": 2})
    found = proposed(two, moves=shelved(1, 1, 33))
    assert [(row["source_location_id"], row["quantity"]) for row in found.to_dict("records")] == [(5, 1), (33, 1)]
    (plan,) = created(found)
    assert [(unit["location_id"], unit["quantity"]) for unit in plan.payload["subject"]["units"]] == [(5, 1), (33, 1)]
