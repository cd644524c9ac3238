"""The sandbox's ReturnGO over real HTTP: what the contract says, and the quirks that bite."""

import base64
import datetime as dt
from decimal import Decimal

import pytest
import requests

from returns_pipeline.sandbox.clock import SandboxClock
from returns_pipeline.sandbox.http import SandboxServer
from returns_pipeline.sandbox.returngo.records import ANY_CARRIER, NO_SHIPMENT, Amount, ExchangeItem, SoldUnit
from returns_pipeline.sandbox.returngo.routes import ReturnGoApp
from returns_pipeline.sandbox.returngo.world import ReturnGoWorld, UnitRequest

START = dt.datetime(2026, 3, 2, 9, 0, tzinfo=dt.UTC)
UK, EU = "acme-uk.myshopify.com", "acme-eu.myshopify.com"


def amount(text, currency="GBP"):
    return Amount(Decimal(text), currency, Decimal(text), currency)


def unit(line_id="1001", price="30.00", tax="5.00", **changes):
    values = {
        "shop_line_item_id": line_id,
        "shop_product_id": "501",
        "variant_id": "601",
        "product_name": "Oxford Shirt",
        "variant_name": "M",
        "sku": "OXF-M",
        "barcode": "200100",
        "paid_price": amount(price),
        "paid_tax": amount(tax),
    }
    return SoldUnit(**{**values, **changes})


def wanted(line_id="1001", **changes):
    sold = {
        name: changes.pop(name)
        for name in list(changes)
        if name in SoldUnit.__dataclass_fields__ or name in ("price", "tax")
    }
    return UnitRequest(unit(line_id, **sold), "Does not fit", **changes)


class Api:
    """A served world with a caller that carries the right key."""

    def __init__(self, world):
        self.world = world
        self.server = SandboxServer(ReturnGoApp(world)).start()
        self.headers = {"x-api-key": "key-uk", "x-shop-name": UK}

    def call(self, method, path, **options):
        headers = {**self.headers, **options.pop("headers", {})}
        return requests.request(method, self.server.base_url + path, headers=headers, timeout=5, **options)

    def get(self, path, **query):
        return self.call("GET", path, params=query)

    def ask(self, *units, name="#UK1001", shop=UK, **options):
        with self.world.lock:
            return self.world.request_return(shop, "5520001", name, units or [wanted()], **options)

    def approved(self, *units, **options):
        rma = self.ask(*units, **options)
        return self.world.set_status(rma.rma_id, "Approved")


@pytest.fixture
def api():
    served = Api(ReturnGoWorld(SandboxClock(START), {UK: "key-uk", EU: "key-eu"}))
    yield served
    served.server.stop()


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({"x-api-key": ""}, 401),
        ({"x-api-key": "wrong"}, 401),
        ({"x-shop-name": EU}, 403),
        ({"x-shop-name": "nobody.myshopify.com"}, 403),
    ],
)
def test_a_wrong_key_or_a_foreign_shop_is_refused(api, headers, status):
    answer = api.call("GET", "/rmas?pagesize=1", headers=headers)
    assert (answer.status_code, list(answer.json())) == (status, ["message"])


def test_header_names_may_be_written_in_any_case(api):
    api.headers = {"X-API-KEY": "key-uk", "X-Shop-Name": UK}
    assert api.get("/rmas", pagesize=1).status_code == 200


def test_an_unknown_route_is_answered_by_the_gateway_and_logged(api):
    answer = api.get("/returns")
    assert (answer.status_code, answer.json()) == (403, {"message": "Missing Authentication Token"})
    assert [entry.is_unknown for entry in api.server.log.entries()] == [True]


@pytest.mark.parametrize("size", [None, "0", "501", "many"])
def test_the_page_size_is_required_and_bounded(api, size):
    assert api.get("/rmas", pagesize=size).status_code == 400
    assert api.get("/transactions", pagesize=size).status_code == 400


def test_the_list_runs_from_the_newest_by_an_opaque_cursor_that_names_the_next_row(api):
    ids = [str(api.ask(name=f"#UK{number}").rma_id) for number in range(5)]
    first = api.get("/rmas", pagesize=2).json()
    assert [row["rmaId"] for row in first["rmas"]] == ids[:2:-1]
    assert base64.b64decode(first["next_cursor"]).decode() == f"returns.id:{ids[2]}"
    second = api.get("/rmas", pagesize=3, cursor=first["next_cursor"]).json()
    assert [row["rmaId"] for row in second["rmas"]] == ids[2::-1]
    assert "next_cursor" not in second


def test_a_row_that_leaves_the_filter_between_two_pages_does_not_lose_the_rest(api):
    ids = [api.approved().rma_id for _ in range(4)]
    first = api.get("/rmas", pagesize=2, status="Approved").json()
    api.world.set_status(ids[1], "Canceled")
    second = api.get("/rmas", pagesize=2, status="Approved", cursor=first["next_cursor"]).json()
    assert [row["rmaId"] for row in second["rmas"]] == [str(ids[0])]


@pytest.mark.parametrize(("last_cursor", "shown"), [("empty", ""), ("null", None)])
def test_the_last_page_may_say_so_in_other_ways(api, last_cursor, shown):
    api.world.switches.last_cursor = last_cursor
    assert api.get("/rmas", pagesize=1).json() == {"rmas": [], "next_cursor": shown}


def test_a_list_row_carries_no_item_no_amount_and_no_date_of_change(api):
    api.ask()
    row = api.get("/rmas", pagesize=1).json()["rmas"][0]
    assert list(row) == ["rmaId", "status", "order_name", "events"]


def test_rmas_can_be_listed_by_status_order_tracking_and_time(api):
    early = api.approved(name="#UK1")
    api.world.clock.advance(dt.timedelta(hours=2))
    late = api.ask(name="#UK2")

    def listed(**query):
        return [int(row["rmaId"]) for row in api.get("/rmas", pagesize=9, **query).json()["rmas"]]

    assert listed(status="Pending,Rejected") == [late.rma_id]
    assert listed(order_name="#UK1") == [early.rma_id]
    assert listed(tracking_numbers=early.shipments[0].tracking_number) == [early.rma_id]
    assert listed(rma_created_at="gte:2026-03-02T10:00:00") == [late.rma_id]
    assert listed(rma_created_at=["gte:2026-03-02T09:00:00", "lt:2026-03-02T10:00:00"]) == [early.rma_id]
    assert listed(sort_by="+rma_created_at") == [early.rma_id, late.rma_id]


def test_a_sort_sign_that_was_not_encoded_is_refused(api):
    assert api.call("GET", "/rmas?pagesize=1&sort_by=+rma_created_at").status_code == 400
    assert api.call("GET", "/rmas?pagesize=1&sort_by=%2Brma_created_at").status_code == 200


@pytest.mark.parametrize("condition", ["2026-03-02T10:00:00", "after:2026-03-02T10:00:00", "gte:2026-03-02"])
def test_a_malformed_time_filter_is_refused(api, condition):
    api.ask()
    assert api.get("/rmas", pagesize=1, rma_updated_at=condition).status_code == 400


def test_the_detail_shows_one_row_per_unit_of_a_line(api):
    rma = api.ask(wanted("77"), wanted("77"), wanted("78"))
    items = api.get(f"/rma/{rma.rma_id}").json()["items"]
    assert [item["shopLineItemId"] for item in items] == ["77", "77", "78"]
    assert len({item["returnedItemId"] for item in items}) == 3


def test_types_are_as_recorded(api):
    rma = api.approved(wanted(price="92.40", tax="15.40"))
    api.world.refund(rma.rma_id)
    raw = api.get(f"/rma/{rma.rma_id}")
    detail, item = raw.json(), raw.json()["items"][0]
    assert '"amount":92.4,' in raw.text
    assert isinstance(item["returnedItemId"], str)
    assert isinstance(detail["transactions"][0]["id"], int)
    assert (detail["isOutOfPolicy"], item["isAutoApprove"], item["restockingFee"]) == (0, 0, 0)
    assert detail["createdAt"] == "2026-03-02T09:00:00+00:00"


def test_optional_keys_are_absent_where_the_product_has_none(api):
    rma = api.ask(wanted(variant_name=None, barcode=None))
    assert {"variantName", "barcode"} & set(api.get(f"/rma/{rma.rma_id}").json()["items"][0]) == set()


def test_keep_the_item_has_no_parcel_and_names_none(api):
    rma = api.approved(wanted(method=NO_SHIPMENT))
    detail = api.get(f"/rma/{rma.rma_id}").json()
    assert (detail["shipments"], detail["items"][0]["shipmentId"]) == ([], "")


def test_only_a_validation_date_means_that_a_unit_was_inspected(api):
    rma = api.approved(wanted(), wanted())
    api.world.validate_item(
        rma.rma_id, rma.items[1].returned_item_id, is_returned=True, is_restockable=False, reason="stained"
    )
    first, second = (item["itemValidationStatusResponse"] for item in api.get(f"/rma/{rma.rma_id}").json()["items"])
    assert (first["isReturned"], first["lastValidationDate"]) == (False, None)
    assert (second["isReturned"], second["isRestockable"], second["nonRestockableReason"]) == (True, False, "stained")
    assert second["lastValidationDate"] == "2026-03-02T09:00:00+00:00"


def test_only_creation_and_approval_are_events(api):
    rma = api.approved()
    api.world.update_shipment(rma.shipments[0].shipment_id, {"status": "Validated"})
    summary = api.get(f"/rma/{rma.rma_id}").json()["rmaSummary"]
    assert (summary["status"], [event["eventName"] for event in summary["events"]]) == (
        "Validated",
        ["RMA_CREATED", "RMA_APPROVED"],
    )


@pytest.mark.parametrize("moves", [False, True])
def test_receipt_and_refund_leave_the_last_update_alone_unless_switched(api, moves):
    api.world.switches.rma_updated_at_moves = moves
    rma = api.approved()
    api.world.clock.advance(dt.timedelta(hours=5))
    api.call("PUT", f"/shipment/{rma.shipments[0].shipment_id}", json={"status": "Validated"})
    last_updated = api.get(f"/rma/{rma.rma_id}").json()["lastUpdated"]
    assert last_updated == ("2026-03-02T14:00:00+00:00" if moves else "2026-03-02T09:00:00+00:00")


def test_each_put_of_a_shipment_leaves_a_line_in_the_timeline(api):
    rma = api.approved()
    shipment_id = rma.shipments[0].shipment_id
    before = len(rma.comments)
    for _ in range(2):
        assert (
            api.call("PUT", f"/shipment/{shipment_id}", json={"carrierName": "Other"}).json()["carrierName"] == "Other"
        )
    assert [entry.html_text for entry in rma.comments[: len(rma.comments) - before]] == [
        f"Shipment with ID: {shipment_id} was updated"
    ] * 2


@pytest.mark.parametrize(
    ("path", "refused"),
    [
        (["Received", "Shipped"], "Shipped"),
        (["Validated", "Received"], "Received"),
        (["Canceled", "Shipped"], "Shipped"),
        (["Lost"], "Lost"),
    ],
)
def test_a_shipment_only_moves_along_the_documented_transitions(api, path, refused):
    shipment_id = api.approved().shipments[0].shipment_id
    answers = [api.call("PUT", f"/shipment/{shipment_id}", json={"status": status}) for status in path]
    assert [answer.status_code for answer in answers] == [200] * (len(path) - 1) + [400]
    assert refused in answers[-1].json()["message"]


def test_a_parcel_of_another_shop_is_not_found(api):
    shipment_id = api.approved(shop=EU).shipments[0].shipment_id
    assert api.call("PUT", f"/shipment/{shipment_id}", json={"status": "Received"}).status_code == 404


def test_validating_a_parcel_releases_one_refund_per_unit_less_the_fees(api):
    fees = {"return_fee": Decimal("2.95")}
    rma = api.approved(
        wanted(restocking_fee=Decimal("1.00")), wanted(), wanted(resolution_type="RefundToStoreCredit"), **fees
    )
    api.call("PUT", f"/shipment/{rma.shipments[0].shipment_id}", json={"status": "Validated"})
    found = api.get(f"/rma/{rma.rma_id}").json()["transactions"]
    assert [(each["amount"]["amount"], each["status"], each["returnItemIds"]) for each in found] == [
        (26.05, "Success", [str(rma.items[0].returned_item_id)]),
        (30, "Success", [str(rma.items[1].returned_item_id)]),
    ]
    assert {each["externalReferenceType"] for each in found} == {"PlatformRefundId"}


def test_a_carriers_receipt_refunds_only_where_the_merchant_chose_so(api):
    kept, paid = api.approved(), api.approved()
    api.world.update_shipment(kept.shipments[0].shipment_id, {"status": "Received"})
    api.world.switches.refund_on_received = True
    api.world.update_shipment(paid.shipments[0].shipment_id, {"status": "Received"})
    assert (len(kept.transactions), len(paid.transactions)) == (0, 1)


def test_a_unit_that_was_found_missing_is_not_refunded_by_the_automation(api):
    rma = api.approved(wanted(), wanted())
    api.world.validate_item(rma.rma_id, rma.items[0].returned_item_id, is_returned=False, is_restockable=False)
    api.world.update_shipment(rma.shipments[0].shipment_id, {"status": "Validated"})
    assert [each.returned_item_ids for each in rma.transactions] == [[rma.items[1].returned_item_id]]


def test_one_of_two_parcels_does_not_move_the_return(api):
    rma = api.approved(wanted(parcel=1), wanted(parcel=2))
    api.world.update_shipment(rma.shipments[0].shipment_id, {"status": "Received"})
    assert rma.status == "Approved"
    api.world.update_shipment(rma.shipments[1].shipment_id, {"status": "Received"})
    assert rma.status == "Received"


@pytest.mark.parametrize(("on_every_item", "shown"), [(False, [2.95, 0]), (True, [2.95, 2.95])])
def test_a_fee_of_the_whole_return_is_shown_once_or_on_every_item(api, on_every_item, shown):
    api.world.switches.rma_fee_on_every_item = on_every_item
    rma = api.approved(wanted(), wanted(), return_fee=Decimal("2.95"))
    assert [item["returnFee"] for item in api.get(f"/rma/{rma.rma_id}").json()["items"]] == shown
    assert sum(each.amount.amount for each in api.world.refund(rma.rma_id)) == Decimal("57.05")


def test_a_failed_refund_keeps_its_reference_and_can_be_tried_again(api):
    rma = api.approved(refund_outcome="Failed")
    failed = api.world.refund(rma.rma_id)[0]
    assert (failed.status, failed.reference_type) == ("Failed", "PlatformRefundId")
    assert rma.comments[0].comment_type == "error"
    assert api.world.refund(rma.rma_id, outcome="Success")[0].status == "Success"
    assert api.world.refund(rma.rma_id, outcome="Success") == []


def test_a_store_credit_code_is_a_secret_that_the_api_does_show(api):
    rma = api.approved(wanted(resolution_type="RefundToStoreCredit"))
    api.world.refund(rma.rma_id)
    shown = api.get(f"/rma/{rma.rma_id}").json()["transactions"][0]
    assert (shown["type"], shown["externalReferenceType"]) == ("RefundToStoreCredit", "StoreCreditCode")
    assert shown["externalReferenceId"].startswith("CANARY")


def test_a_requested_refund_is_settled_later_and_then_listed_as_changed(api):
    rma = api.approved(refund_outcome="Requested")
    requested = api.world.refund(rma.rma_id)[0]
    api.world.clock.advance(dt.timedelta(days=1))
    api.world.settle_transaction(requested.transaction_id, "Success")
    found = api.get("/transactions", pagesize=5, updated_at="gte:2026-03-03T00:00:00", rma_ids=str(rma.rma_id)).json()[
        "transactions"
    ]
    assert [each["status"] for each in found] == ["Success"]


def test_transactions_are_paged_by_a_cursor_that_names_the_last_row(api):
    rma = api.approved(wanted(), wanted(), wanted())
    ids = [each.transaction_id for each in api.world.refund(rma.rma_id)]
    first = api.get("/transactions", pagesize=2).json()
    assert base64.b64decode(first["next_cursor"]).decode() == str(ids[1])
    second = api.get("/transactions", pagesize=2, cursor=first["next_cursor"]).json()
    assert [each["id"] for each in second["transactions"]] == ids[2:]
    assert "next_cursor" not in second


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ({"order_ids": "9"}, 0),
        ({"statuses": "Failed"}, 0),
        ({"types": "RefundToPaymentMethod"}, 1),
        ({"processors": "Shopify"}, 1),
    ],
)
def test_transactions_can_be_filtered(api, query, expected):
    api.world.refund(api.approved().rma_id)
    assert len(api.get("/transactions", pagesize=5, **query).json()["transactions"]) == expected


def test_a_money_refunds_last_update_is_stamped_three_hours_late(api):
    """The recordings show it: whoever computes with the two stamps is wrong."""
    refund = api.world.refund(api.approved().rma_id)[0]
    assert refund.last_updated - refund.created_at == dt.timedelta(hours=3)


def test_an_exchange_shows_its_draft_until_it_is_released(api):
    rma = api.approved(
        wanted(
            resolution_type="InstantVariantExchange", exchange_for=ExchangeItem("501", "602", "OXF-L", amount("30.00"))
        )
    )
    draft = api.get(f"/rma/{rma.rma_id}").json()["exchangeOrders"][0]
    assert (draft["orderId"], draft["orderName"][:2]) == ("", "#D")
    api.world.release_exchange(rma.rma_id, "5529999", "#UK2001")
    released = api.get(f"/rma/{rma.rma_id}").json()["exchangeOrders"][0]
    assert (released["orderId"], released["orderName"]) == ("5529999", "#UK2001")


def test_reopening_makes_a_second_shopify_return(api):
    rma = api.approved()
    for status in ("Canceled", "Approved"):
        assert api.call("PUT", f"/rma/{rma.rma_id}/status", json={"status": status}).status_code == 200
    assert any("-R2" in entry.html_text for entry in rma.comments)
    assert [event.name for event in rma.events] == ["RMA_CREATED", "RMA_APPROVED"]


def test_a_status_that_cannot_follow_is_refused(api):
    assert api.call("PUT", f"/rma/{api.ask().rma_id}/status", json={"status": "Done"}).status_code == 400


def test_a_comment_is_added_on_top(api):
    rma = api.approved()
    assert (
        api.call("POST", f"/rma/{rma.rma_id}/comment", json={"text": "Received", "isPublic": False}).status_code == 201
    )
    assert api.get(f"/rma/{rma.rma_id}").json()["comments"][0]["htmlText"] == "Received"


@pytest.mark.parametrize(("path", "status"), [("/rma/1", 404), ("/rma/abc", 400)])
def test_a_missing_or_malformed_rma_id_is_told_apart(api, path, status):
    assert api.get(path).status_code == status


def test_the_days_calls_are_counted_per_key_and_end_at_midnight(api):
    api.world.switches.daily_quota = 2
    statuses = [api.get("/rmas", pagesize=1).status_code for _ in range(3)]
    assert statuses == [200, 200, 429]
    assert api.call("GET", "/rmas?pagesize=1", headers={"x-api-key": "key-eu", "x-shop-name": EU}).status_code == 200
    api.world.clock.advance(dt.timedelta(days=1))
    assert api.get("/rmas", pagesize=1).status_code == 200


def test_webhooks_are_registered_listed_and_removed_per_shop(api):
    made = api.call("POST", "/webhook", json={"url": "https://example.com/x", "eventName": "RMA_STATUS_UPDATED"}).json()
    assert api.get("/webhooks").json() == [made]
    assert (
        api.call("POST", "/webhook", json={"url": "https://example.com/x", "eventName": "RMA_LOST"}).status_code == 400
    )
    changed = api.call(
        "PUT", f"/webhook/{made['id']}", json={"url": "https://example.com/y", "eventName": "RMA_CREATED"}
    )
    assert changed.json()["url"] == "https://example.com/y"
    assert api.call("DELETE", f"/webhook/{made['id']}").status_code == 200
    assert api.get("/webhooks").json() == []


def test_ids_and_flags_may_come_in_the_other_documented_type(api):
    api.world.switches.number_ids = api.world.switches.json_booleans = True
    rma = api.approved()
    detail = api.get(f"/rma/{rma.rma_id}").json()
    assert (detail["rmaSummary"]["rmaId"], detail["isOutOfPolicy"]) == (rma.rma_id, False)


def test_addresses_carry_canaries_so_that_a_leak_can_be_proven(api):
    rma = api.approved()
    assert "canary.person@example.com" in api.get(f"/rma/{rma.rma_id}").text


def test_a_body_that_is_no_json_is_refused(api):
    shipment_id = api.approved().shipments[0].shipment_id
    assert api.call("PUT", f"/shipment/{shipment_id}", data="{").status_code == 400
    assert api.approved().shipments[0].carrier_name == "Sample Carrier"
    assert wanted().method == ANY_CARRIER
