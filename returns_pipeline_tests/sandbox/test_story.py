"""The story: enough returns of enough kinds, the same for the same seed, and played to its end by whoever raises the credits."""

import datetime as dt
import threading
from collections import Counter

import pytest

from returns_pipeline.sandbox.clock import SandboxClock
from returns_pipeline.sandbox.retailer import Retailer
from returns_pipeline.sandbox.retailer_account import RETURNS
from returns_pipeline.sandbox.story import DAYS, Story
from returns_pipeline.sandbox.story_case import NEXT_PHASE, PHASES, Wait
from returns_pipeline.sandbox.story_kinds import KINDS

START = dt.datetime(2026, 3, 2, 8, tzinfo=dt.UTC)


def story(seed=7):
    return Story(Retailer(SandboxClock(START), seed=seed), seed)


def raise_missing_credits(told):
    """Stands in for the pipeline: each approved return gets a credit, each received one is confirmed."""
    world = told.retailer.returngo
    for rma in list(world.rmas.values()):
        has_sale = told.retailer.order_of(rma).brightpearl_id is not None
        is_named = any(str(rma.rma_id) in order.reference for order in told.retailer.brightpearl.orders.values())
        if rma.status in ("Approved", "Received") and rma.shipments and has_sale and not is_named:
            told.actors.returngo_link.raise_credit(rma.rma_id)
        elif rma.status == "Received" and not told.actors.warehouse.find_credits(rma.rma_id):
            for shipment in rma.shipments:
                world.update_shipment(shipment.shipment_id, {"status": "Validated"})


@pytest.fixture(scope="module")
def played():
    told = story()
    for day in range(DAYS + 1):
        for phase in PHASES:
            told.play(day, phase)
            raise_missing_credits(told)
    return told


def test_there_are_at_least_two_hundred_returns_of_twenty_kinds_most_of_them_ordinary(played):
    counts = Counter(case.kind.name for case in played.cases)
    assert len(played.retailer.returngo.rmas) >= 200
    assert len(counts) >= 20
    ordinary = sum(case.kind.script.__name__ in ("whole_order", "one_unit", "slow_approval") for case in played.cases)
    assert ordinary * 2 > len(played.cases)


def test_every_kind_names_its_scenarios_and_the_kinds_have_names_of_their_own():
    assert all(kind.scenarios for kind in KINDS)
    assert len({kind.name for kind in KINDS}) == len(KINDS)


def test_both_shops_take_part(played):
    assert {case.order.shop for case in played.cases} == {"uk", "eu"}


def test_no_order_is_used_twice(played):
    """Two scripts over one order would disturb each other."""
    assert max(Counter(case.order.name for case in played.cases).values()) == 1


def test_every_return_is_played_to_its_end_but_those_that_no_credit_can_fit(played):
    left = {case.kind.name: case.ended_by for case in played.cases if case.ended_by != "played to its end"}
    assert left == {"sku_unknown": None}


def test_what_the_bench_booked_is_in_the_returns_warehouse(played):
    world = played.retailer.brightpearl
    received = [
        movement
        for movement in world.movements
        if movement.note_type == "GI" and "RMA" in world.order(movement.order_id).reference
    ]
    assert len(received) > 180
    assert {movement.warehouse_id for movement in received} == {RETURNS}


def requests_of(told):
    return [
        (rma.rma_id, rma.order_name, rma.created_at, [item.unit.shop_line_item_id for item in rma.items])
        for rma in told.retailer.returngo.rmas.values()
    ]


def test_the_same_seed_tells_the_same_story_whether_or_not_anyone_raises_credits(played):
    """A demo that depended on the pipeline's speed could not be repeated."""
    alone = story()
    for day in range(DAYS + 1):
        alone.play_day(day)
    assert requests_of(alone) == requests_of(played)


def test_another_seed_tells_another_story(played):
    other = story(8)
    for day in range(DAYS):
        other.play_day(day)
    assert requests_of(other) != requests_of(played)


def test_phases_run_forward_only_and_skipped_ones_are_caught_up():
    told = story()
    told.play(1, "midday")
    assert any(rma.created_at.date() <= dt.date(2026, 3, 3) for rma in told.retailer.returngo.rmas.values())
    for day, phase in ((0, "morning"), (1, "midnight"), (-1, "morning")):
        with pytest.raises(LookupError):
            told.play(day, phase)


def test_days_and_phases_are_listed_before_they_are_played():
    days = story().days()
    assert [day["day"] for day in days] == list(range(DAYS))
    assert days[0] == {"day": 0, "date": "2026-03-02", "phases": ["morning", "midday", "afternoon", "evening"]}


def test_what_the_worlds_refuse_ends_one_return_and_is_told():
    told = story()
    for name in [name for name, order in told.retailer.orders.items() if order.shape == "late_in_brightpearl"]:
        del told.retailer.orders[name]
    for day in range(DAYS):
        told.play_day(day)
    refused = [each for each in told.describe()["cases"] if (each["ended_by"] or "").startswith("refused")]
    assert {each["kind"] for each in refused} == {"order_comes_late"}


@pytest.mark.parametrize(
    ("wait", "slot", "target"),
    [
        (Wait("midday"), 4, 5),
        (Wait("midday"), 5, 5),
        (Wait("morning"), 6, 8),
        (Wait("midday", days=1), 5, 9),
        (Wait("morning", days=1), 2, 4),
        (NEXT_PHASE, 3, 4),
    ],
)
def test_waiting_for_a_phase_finds_the_right_one(wait, slot, target):
    assert wait.slot_after(slot) == target


def test_the_living_go_on_making_returns_in_real_time():
    told = story()
    before, stop = len(told.cases), threading.Event()
    grown = threading.Event()
    life = threading.Thread(target=told.living, args=(stop,), kwargs={"tick_seconds": 0.01})
    life.start()
    for _ in range(500):
        if len(told.cases) > before + 3:
            grown.set()
            break
        stop.wait(0.01)
    stop.set()
    life.join()
    assert grown.is_set()
    assert told.retailer.clock.is_living
