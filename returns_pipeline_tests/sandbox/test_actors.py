"""Each actor's verb changes the true state as it says: the story, the drills and the tests stand on it."""

import datetime as dt
from decimal import Decimal

import pytest

from returns_pipeline.sandbox import retailer_account as account
from returns_pipeline.sandbox.actors import REFUSALS, Actors, UnknownVerbError
from returns_pipeline.sandbox.clock import SandboxClock
from returns_pipeline.sandbox.retailer import Retailer

START = dt.datetime(2026, 3, 2, 8, tzinfo=dt.UTC)


@pytest.fixture
def people():
    return Actors(Retailer(SandboxClock(START), seed=7))


def order_of(people, shape, shop="uk"):
    return next(order for order in people.retailer.orders.values() if (order.shape, order.shop) == (shape, shop))


def announced(people, shape="single", **options):
    """An approved return with the credit that the bench receives against."""
    order = order_of(people, shape)
    asked = people.customer.request_return(order.name, **options)
    people.cx.approve(asked["rma_id"])
    credit_id = people.returngo_link.raise_credit(asked["rma_id"])["credit_id"]
    return asked["rma_id"], people.retailer.brightpearl.order(credit_id)


def stock(people, sku, place, warehouse=account.RETURNS):
    world = people.retailer.brightpearl
    return world.stock.get((people.retailer.product_ids[sku], people.warehouse.location(warehouse, place)), 0)


def sku_of(credit):
    return next(iter(credit.rows.values())).sku


def test_the_one_door_acts_by_name_and_says_what_it_does_not_know(people):
    assert people.act("customer", "buy", {"shop": "eu"})["order_name"].startswith("#EU")
    for actor, verb, arguments in (
        ("nobody", "buy", {}),
        ("customer", "steal", {}),
        ("customer", "buy", {"for": "free"}),
    ):
        with pytest.raises(UnknownVerbError):
            people.act(actor, verb, arguments)
    assert "approve" in people.verbs()["cx"]


def test_a_customer_returns_units_of_lines_in_parcels(people):
    order = order_of(people, "pair")
    units = [{"line": 0, "quantity": 1, "parcel": 1}, {"sku": order.lines[0].sku, "quantity": 1, "parcel": 2}]
    asked = people.customer.request_return(order.name, units, reason="Too small")
    rma = people.retailer.returngo.rma(asked["rma_id"])
    assert (len(asked["item_ids"]), len(asked["shipment_ids"])) == (2, 2)
    assert {item.reason for item in rma.items} == {"Too small"}
    with pytest.raises(LookupError, match="no line with SKU"):
        people.customer.request_return(order.name, [{"sku": "NOPE"}])


def test_customer_service_moves_a_return_through_its_statuses(people):
    asked = people.customer.request_return(order_of(people, "single").name)
    steps = [people.cx.approve, people.cx.cancel, people.cx.reopen, people.cx.mark_done]
    assert [step(asked["rma_id"])["status"] for step in steps] == ["Approved", "Canceled", "Approved", "Done"]
    rejected = people.customer.request_return(order_of(people, "pair").name)
    assert people.cx.reject(rejected["rma_id"])["status"] == "Rejected"


def test_a_refund_can_carry_delivery_and_be_settled_later(people):
    rma_id, _ = announced(people)
    made = people.cx.refund(rma_id, outcome="Requested", adjustment="3.95")
    rma = people.retailer.returngo.rma(rma_id)
    assert rma.transactions[0].amount.amount == rma.items[0].unit.paid_price.amount + Decimal("3.95")
    people.cx.settle_refund(made["transaction_ids"][0], "Success")
    assert rma.transactions[0].status == "Success"


@pytest.mark.parametrize(("undervalued", "value"), [(False, "price"), (True, "nothing")])
def test_a_released_exchange_becomes_an_order_in_brightpearl(people, undervalued, value):
    rma_id, _ = announced(people, resolution="InstantVariantExchange", exchange_for="OXF-L")
    released = people.cx.release_exchange(rma_id, is_undervalued=undervalued)
    sale = people.retailer.brightpearl.order(released["order_id"])
    assert (sale.net > 0) is (value == "price")
    assert people.retailer.returngo.rma(rma_id).exchange_orders[0].order_id == sale.external_ref


def test_an_exchange_can_become_a_refund(people):
    rma_id, _ = announced(people, resolution="InstantVariantExchange", exchange_for="OXF-L")
    people.cx.change_resolution(rma_id, "RefundToPaymentMethod")
    rma = people.retailer.returngo.rma(rma_id)
    assert (rma.exchange_orders, people.cx.refund(rma_id)["statuses"]) == ([], ["Success"])


def test_the_carrier_moves_the_parcel_but_no_stock(people):
    rma_id, credit = announced(people)
    assert people.carrier.ship(rma_id)["status"] == "Approved"
    assert people.carrier.deliver(rma_id)["status"] == "Received"
    assert sum(row.received for row in credit.rows.values()) == 0


def test_the_bench_waits_for_a_credit_and_books_in_against_it(people):
    asked = people.customer.request_return(order_of(people, "single").name)
    people.cx.approve(asked["rma_id"])
    assert people.warehouse.receive(asked["rma_id"])["booked"] is False
    people.returngo_link.raise_credit(asked["rma_id"])
    booked = people.warehouse.receive(asked["rma_id"])
    assert booked["booked"]
    sku = people.retailer.order(order_of(people, "single").name).lines[0].sku
    assert stock(people, sku, "default") == 1
    assert people.warehouse.find_credits(asked["rma_id"]) == []


def test_the_bench_does_not_take_the_number_of_another_return_for_its_own(people):
    rma_id, credit = announced(people)
    credit.reference = f"#UK1001 RMA{rma_id}9"
    assert people.warehouse.find_credits(rma_id) == []


def test_the_bench_can_book_in_a_part_and_say_what_found_no_row(people):
    rma_id, credit = announced(people, "pair")
    sku = sku_of(credit)
    booked = people.warehouse.receive(rma_id, {sku: 1, "UMB-BLK": 1}, place="quarantine")
    assert booked["not_booked"] == {sku: 0, "UMB-BLK": 1}
    assert (stock(people, sku, "quarantine"), people.warehouse.find_credits(rma_id)) == (1, [credit.order_id])


def test_a_bundle_is_received_by_its_components(people):
    rma_id, credit = announced(people, "nested_bundle")
    people.warehouse.receive(rma_id)
    assert stock(people, "MUG-BLU", "default") == 2
    assert all(row.received == row.quantity for row in credit.goods_rows())


@pytest.mark.parametrize("verb", ["receive_wrong_sku", "receive_extra", "receive_unannounced"])
def test_goods_without_a_place_on_a_credit_are_found_stock_in_quarantine(people, verb):
    _, credit = announced(people)
    getattr(people.warehouse, verb)("UMB-BLK", 1)
    assert stock(people, "UMB-BLK", "quarantine") == 1
    assert sum(row.received for row in credit.rows.values()) == 0


def test_an_unannounced_parcel_may_be_booked_onto_a_credit_that_staff_made(people):
    order = order_of(people, "single")
    credit_id = people.staff.clone_credit(order.name)["credit_id"]
    people.warehouse.receive_unannounced(order.lines[0].sku, credit_id=credit_id)
    assert [row.received for row in people.retailer.brightpearl.order(credit_id).goods_rows()] == [1]


def test_an_empty_box_leaves_a_word_and_no_goods(people):
    rma_id, credit = announced(people)
    people.warehouse.report_empty_box(rma_id)
    assert "empty" in people.retailer.returngo.rma(rma_id).comments[0].html_text
    assert sum(row.received for row in credit.rows.values()) == 0


def test_a_goods_in_can_be_taken_back(people):
    rma_id, credit = announced(people)
    note_id = people.warehouse.receive(rma_id)["note_ids"][0]
    assert people.warehouse.correct_goods_in(note_id, sku_of(credit), 1)["status"] == "CANCELLED"
    assert stock(people, sku_of(credit), "default") == 0


def test_staff_ship_a_transfer_and_put_it_away(people):
    from returns_pipeline.sandbox.brightpearl import transfers

    rma_id, credit = announced(people)
    people.warehouse.receive(rma_id)
    world, sku = people.retailer.brightpearl, sku_of(credit)
    before = stock(people, sku, "default", account.MAIN)
    transfer_id = transfers.create_stock_transfer(world, account.RETURNS, account.MAIN, "t1")
    transfers.dispatch_transfer(world, transfer_id, [(people.retailer.product_ids[sku], 1, None)])
    assert len(people.warehouse.ship_transfers()["note_ids"]) == 1
    assert stock(people, sku, "quarantine", account.MAIN) == 1
    assert people.warehouse.put_away()["released"] == {sku: 1}
    assert stock(people, sku, "default", account.MAIN) == before + 1


def test_the_inspector_validates_units_or_puts_them_on_a_shelf(people):
    rma_id, credit = announced(people, "pair")
    people.warehouse.receive(rma_id)
    item_ids = [item.returned_item_id for item in people.retailer.returngo.rma(rma_id).items]
    people.inspector.inspect(rma_id, "fail", item_ids[:1], reason="stained")
    people.inspector.inspect(rma_id, "pass", item_ids[1:])
    found = [item.validation for item in people.retailer.returngo.rma(rma_id).items]
    assert [(each.is_returned, each.is_restockable) for each in found] == [(True, False), (True, True)]
    people.inspector.move_to_shelf(sku_of(credit), 1, "damaged")
    assert (stock(people, sku_of(credit), "damaged"), stock(people, sku_of(credit), "default")) == (1, 1)


def test_finance_locks_a_period_and_closes_credits(people):
    _, credit = announced(people)
    people.finance.lock_period("2026-03-31")
    with pytest.raises(REFUSALS):
        people.finance.close_credit(credit.order_id)
    people.finance.lock_period(None)
    assert people.finance.close_credit(credit.order_id)["invoice_reference"].startswith("SC-")


def test_staff_clone_a_sale_without_any_reference_of_ours(people):
    order = order_of(people, "single")
    credit = people.retailer.brightpearl.order(people.staff.clone_credit(order.name, close=True)["credit_id"])
    row = next(iter(credit.rows.values()))
    assert (credit.parent_id, credit.external_ref, credit.is_invoiced) == (order.brightpearl_id, None, True)
    assert row.cloned_from_id == order.row_ids[order.lines[0].line_id]


def test_staff_change_an_unposted_credit(people):
    _, credit = announced(people, "pair")
    sku, row = sku_of(credit), next(iter(credit.rows.values()))
    net, tax = row.net, row.tax
    people.staff.lower_quantity(credit.order_id, sku, 1)
    assert (row.quantity, row.net * 2, row.tax * 2) == (
        1,
        pytest.approx(net, abs=Decimal("0.001")),
        pytest.approx(tax, abs=Decimal("0.02")),
    )
    assert people.staff.change_price(credit.order_id, sku, "10.00")["tax"] == "2.00"
    people.staff.add_row(credit.order_id, "Goodwill", "2.50", "0.50")
    assert len(credit.rows) == 2
    assert people.staff.cancel_credit(credit.order_id)["is_cancelled"]


def test_staff_invoice_a_sale_and_the_channel_brings_a_late_one(people):
    assert people.staff.invoice_order(order_of(people, "uninvoiced").name)["invoice_reference"].startswith("SI-")
    late = order_of(people, "late_in_brightpearl")
    landed = people.channel.land_order(late.name)["order_id"]
    assert people.channel.land_order(late.name)["order_id"] == landed


def test_the_shopify_app_credits_only_what_was_refunded_and_knows_no_return(people):
    rma_id, _ = announced(people, "pair")
    first = people.retailer.returngo.rma(rma_id).items[0].returned_item_id
    people.cx.refund(rma_id, [first])
    credit = people.retailer.brightpearl.order(people.shopify_app.credit_refund(rma_id)["credit_id"])
    assert [row.quantity for row in credit.rows.values()] == [1]
    assert str(rma_id) not in credit.reference


def test_returngos_own_link_names_the_return_on_its_credit(people):
    rma_id, credit = announced(people)
    assert str(rma_id) in credit.reference
    assert (credit.warehouse_id, credit.installation_id != people.retailer.brightpearl.installation_id) == (
        account.RETURNS,
        True,
    )


def test_a_return_is_repeated_in_returngo_alone(people):
    rma_id, _ = announced(people)
    apart = people.cx.repeat(rma_id, 1, 3)["rma_ids_apart"]
    rmas = people.retailer.returngo.rmas
    original, copies = rmas[rma_id], [rmas[number * apart + rma_id] for number in (1, 2, 3)]
    assert [copy.order_name for copy in copies] == [f"{original.order_name}-{number}" for number in (1, 2, 3)]
    assert {copy.status for copy in copies} == {"Approved"}
    parcels = {parcel.shipment_id for rma in (original, *copies) for parcel in rma.shipments}
    assert len(parcels) == 4
    assert all(copy.items[0].shipment_id == copy.shipments[0].shipment_id for copy in copies)
