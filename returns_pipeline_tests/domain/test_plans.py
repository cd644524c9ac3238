"""Requests as the two APIs take them, from the raised credit to the refund. What is frozen here is sent byte for byte."""

import datetime as dt
import json
from decimal import Decimal
from typing import Any

import pytest

from returns_pipeline.domain import plan_bodies
from returns_pipeline.domain.plans import EffectPlan, Sources, build_credit_plans
from returns_pipeline.domain.proposals import frame_of, proposal
from returns_pipeline_tests.domain import worlds
from returns_pipeline_tests.domain.frames import settings_with

ABOUT = {"shop": "uk", "rma_id": worlds.RMA, "order_id": worlds.SALE, "part": 1, "currency": "GBP"}
RAISED = {"life": "ordinary", "shipment_id": 900, "reasons": ""}


def built(*rows: dict[str, Any], orders: dict | None = None, **tables: Any) -> list[EffectPlan]:
    """The plans of some proposals."""
    sources = Sources(
        worlds.orders(orders or {}),
        worlds.sold(),
        worlds.rmas(),
        worlds.items(),
        {"installed_integration_instance_id": 13, "locations": {"3": {"default": 5, "quarantine": 6}}},
        settings_with(**tables),
        worlds.NOW,
    )
    plans = build_credit_plans(frame_of(rows, worlds.NOW), sources)
    json.dumps([plan.payload for plan in plans], allow_nan=False)
    return plans


def raising(number: int = 0, **columns: Any) -> dict[str, Any]:
    """One row of a credit to raise."""
    plain = ABOUT | {
        "tax_code": "T20",
        "order_row_id": 1,
        "quantity": 2,
        "net_minor": 2000,
        "tax_minor": 400,
        "details": RAISED,
        "return_line_id": "70-1-900",
    }
    return proposal("raise", "raise:70:1001:1", number, **plain | columns)


def on_credit(action: str, key: str, number: int = 0, **columns: Any) -> dict[str, Any]:
    """One row about a credit that stands."""
    return proposal(action, key, number, **ABOUT | {"credit_id": 8001} | columns)


def test_a_credit_is_raised_with_the_sales_own_header_and_the_share_of_each_row() -> None:
    """A wrong parent, rate or tax code books the credit into another account."""
    (plan,) = built(raising(), raising(1, order_row_id=2, quantity=1, net_minor=5, tax_minor=0))
    assert plan.payload["request"] == {
        "method": "POST",
        "path": "/order-service/sales-credit",
        "body": {
            "customer": {"id": 44},
            "ref": "#1001 RMA70",
            "parentId": worlds.SALE,
            "statusId": 21,
            "warehouseId": 3,
            "channelId": 3,
            "externalRef": "rg-70-1001-1",
            "priceModeCode": "EXC",
            "currency": {"code": "GBP", "fixedExchangeRate": True, "exchangeRate": "1.000000"},
            "installedIntegrationInstanceId": 13,
            "rows": [
                {"productId": 11, "quantity": "2", "taxCode": "T20", "net": "20.00", "tax": "4.00", "nominalCode": "4000", "sequence": 10},
                {"productId": 12, "quantity": "1", "taxCode": "T20", "net": "0.05", "tax": "0.00", "nominalCode": "4000", "sequence": 20},
            ],
        },
    }  # fmt: skip
    assert plan.remote_ref == "rg-70-1001-1"
    assert [(line.order_row_id, line.phase, line.quantity) for line in plan.lines] == [
        (1, "announce", 2),
        (2, "announce", 1),
    ]
    assert plan.payload["expect"]["rows"][0] == {"product_id": 11, "quantity": 2, "net_minor": 2000, "tax_minor": 400}


def test_whole_yen_are_written_without_decimals() -> None:
    """A currency without a smaller unit has none in the request either."""
    (plan,) = built(raising(currency="JPY", net_minor=303, tax_minor=30), orders={"currency": "JPY"})
    assert (plan.payload["request"]["body"]["rows"][0]["net"], plan.payload["request"]["body"]["rows"][0]["tax"]) == (
        "303",
        "30",
    )


def test_a_fee_goes_out_as_a_row_with_a_minus_and_takes_nothing_of_an_order_row() -> None:
    """What the portal keeps back is the retailer's income beside the share."""
    fee = {
        "kind": "return",
        "name": "Return fee",
        "net_minor": 246,
        "tax_minor": 49,
        "tax_code": "T20",
        "nominal_code": "4905",
        "netted_into": [],
    }
    (plan,) = built(
        raising(), raising(1, order_row_id=None, quantity=1, net_minor=-246, tax_minor=-49, details={"fee": fee})
    )
    row = plan.payload["request"]["body"]["rows"][1]
    assert (row["name"], row["net"], row["tax"], row["nominalCode"]) == ("Return fee", "-2.46", "-0.49", "4905")
    assert [line.order_row_id for line in plan.lines] == [1]
    assert plan.payload["fees"] == [fee]


def test_a_credit_that_stands_already_is_adopted() -> None:
    """Writing it again would double it."""
    (plan,) = built(raising(details=RAISED | {"adopt_remote_id": 55}))
    assert plan.payload["adopt_remote_id"] == "55"


@pytest.mark.parametrize(
    ("store", "country", "method", "warehouse"),
    [(None, None, "Ship", 3), (None, "DE", "Ship", 7), ("123", "DE", "Ship", 9), (None, "FR", "Drop-off", 8)],
)
def test_the_returns_warehouse_follows_store_country_and_method(store, country, method, warehouse) -> None:
    """Goods that are expected in the wrong warehouse cannot be booked in where they arrive."""
    warehouses = {"default": 3, "country:DE": 7, "store:123": 9, "method:Drop-off": 8}
    shop = settings_with(shop={"returns_warehouses": warehouses}).shops[0]
    assert plan_bodies.returns_warehouse(shop, store, country, method) == warehouse


def test_a_row_is_lowered_with_its_quantity_net_and_tax_in_one_call() -> None:
    """With the net alone Brightpearl would reckon the tax anew, and the proof would be wrong."""
    back = {"order_row_id": 1, "quantity": 1, "net_minor": 1000, "tax_minor": 200}
    row = on_credit("amend", "amend:8001:61:1", credit_row_id=61, order_row_id=1, quantity=1, net_minor=1000, tax_minor=200,
                    details={"give_back": back, "kept_back": (0, 0), "is_done": False})  # fmt: skip
    (plan,) = built(row)
    assert plan.payload["request"] == {
        "method": "PATCH",
        "path": "/order-service/order/8001/row/61",
        "body": [
            {"op": "replace", "path": "/quantity/magnitude", "value": "1"},
            {"op": "replace", "path": "/rowValue/rowNet/value", "value": "10.00"},
            {"op": "replace", "path": "/rowValue/rowTax/value", "value": "2.00"},
        ],
    }
    assert plan.payload["give_back"] == [back]
    (removed,) = built(row | {"quantity": 0, "net_minor": 0, "tax_minor": 0})
    assert (removed.payload["request"]["method"], removed.payload["request"]["body"]) == ("DELETE", None)
    (done,) = built(row | {"details": {"give_back": back, "kept_back": (0, 0), "is_done": True}})
    assert (done.payload["request"], done.payload["adopt_remote_id"]) == (None, "8001")


def test_a_cancel_sets_the_status_and_gives_back_what_the_credit_held() -> None:
    """A status alone would leave the units taken for ever."""
    (plan,) = built(
        on_credit("cancel", "cancel:8001", order_row_id=1, quantity=2, net_minor=2000, tax_minor=400, details={"why": "withdrawn", "is_done": False})
    )  # fmt: skip
    assert plan.payload["request"]["path"] == "/order-service/order/8001/status"
    assert plan.payload["request"]["body"]["orderStatusId"] == 24
    assert plan.payload["request"]["body"]["orderNote"]["isPublic"] is False
    assert plan.payload["give_back"] == [{"order_row_id": 1, "quantity": 2, "net_minor": 2000, "tax_minor": 400}]


def test_goods_are_booked_in_on_the_credits_row_at_the_cost_of_the_sale() -> None:
    """The row goes into a field that is named after purchase orders; a zero cost would spoil the stock value."""
    details = {
        "product_id": 11,
        "warehouse_id": 3,
        "received_on": "2026-03-10T09:00:00+00:00",
        "cost": "4.5",
        "cost_currency": "GBP",
    }
    row = on_credit("write_goods_in", "goods-in:8001:61", credit_row_id=61, order_row_id=1, quantity=2, details=details)
    (plan,) = built(row)
    assert plan.payload["request"] == {
        "method": "POST",
        "path": "/warehouse-service/order/8001/goods-note/goods-in",
        "body": {
            "transfer": False,
            "warehouseId": 3,
            "receivedOn": "2026-03-10T09:00:00+00:00",
            "userBatchReference": "rg-70-61",
            "goodsMoved": [
                {"productId": 11, "purchaseOrderRowId": 61, "quantity": 2, "destinationLocationId": 5, "productValue": {"currency": "GBP", "value": "4.5"}}
            ],
        },
    }  # fmt: skip
    (quarantined,) = built(row, brightpearl={"receive_into": "quarantine"})
    assert quarantined.payload["request"]["body"]["goodsMoved"][0]["destinationLocationId"] == 6


def test_a_posting_names_its_receipts_and_expects_each_row_once() -> None:
    """Two notes brought one row: two lines in the ledger, one row in Brightpearl."""
    details = {
        "needs_approval": True,
        "tax_date": "2026-03-10T12:00:00.000+00:00",
        "gross_minor": 2400,
        "received_on": "2026-03-09T08:00:00+00:00",
    }
    rows = [
        on_credit("post", "post:8001", number, order_row_id=1, quantity=1, net_minor=1000, tax_minor=200, receipt_line_id=30 + number, details=details)
        for number in range(2)
    ]  # fmt: skip
    (plan,) = built(*rows)
    assert plan.payload["request"] == {
        "method": "POST",
        "path": "/order-service/sales-credit/8001/close",
        "body": {"taxDate": "2026-03-10T12:00:00.000+00:00"},
    }
    assert plan.payload["expect"]["total_minor"] == 2400
    assert plan.payload["expect"]["rows"] == [{"product_id": 11, "quantity": 2, "net_minor": 2000, "tax_minor": 400}]
    assert [line.receipt_line_id for line in plan.lines] == [30, 31]
    assert plan.needs_approval
    assert plan.waiting_since == dt.datetime(2026, 3, 9, 8, tzinfo=dt.UTC)


def test_a_refund_is_a_positive_payment_on_the_credit_after_its_posting() -> None:
    """The other type of payment would take the customer's money a second time."""
    details = {
        "transaction_id": 42,
        "paid_at": "2026-03-10T09:00:00+00:00",
        "type": "RefundToPaymentMethod",
        "method": "CARD",
    }
    (plan,) = built(on_credit("record_refund", "refund:42:8001", net_minor=1200, details=details))
    assert plan.payload["request"] == {
        "method": "POST",
        "path": "/accounting-service/customer-payment",
        "body": {
            "transactionRef": "rg-42-8001",
            "transactionCode": "rg-42-8001",
            "paymentMethodCode": "CARD",
            "paymentType": "PAYMENT",
            "orderId": 8001,
            "currencyIsoCode": "GBP",
            "exchangeRate": "1.000000",
            "amountPaid": "12.00",
            "paymentDate": "2026-03-10T09:00:00+00:00",
        },
    }
    assert plan.depends_on_key == "post:8001"


def test_a_note_comes_with_its_status_and_after_the_posting() -> None:
    """One call for both, or a crash between them leaves half."""
    (plan,) = built(on_credit("annotate", "annotate:8001", details={"note": "Return RMA70 credited."}))
    body = plan.payload["request"]["body"]
    assert body == {"orderStatusId": 23, "orderNote": {"text": "Return RMA70 credited.", "isPublic": False}}
    assert plan.depends_on_key == "post:8001"


def test_only_what_is_ok_becomes_a_plan_and_in_the_order_of_the_steps() -> None:
    """A held row that slipped through would be money given without its reason."""
    details = {"needs_approval": False, "tax_date": "x", "gross_minor": 0, "received_on": None}
    post = on_credit("post", "post:8001", order_row_id=1, quantity=1, receipt_line_id=3, details=details)
    waiting = on_credit("post", "post:8002", order_row_id=1) | {"verdict": "waiting", "hold_code": "sale_not_invoiced"}
    assert [plan.kind for plan in built(post, waiting, raising())] == ["credit.raise", "credit.post"]


def test_rows_keep_their_order_beyond_the_tenth() -> None:
    """Sorted as text, the eleventh row would become the second, and receipts would meet the wrong rows."""
    (plan,) = built(*(raising(number, order_row_id=1 + number % 2, net_minor=number) for number in range(12)))
    assert [row["net"] for row in plan.payload["request"]["body"]["rows"]] == [
        f"0.{number:02d}" for number in range(12)
    ]


def test_a_parcel_is_confirmed_with_the_carriers_fields_as_they_were_read() -> None:
    """The call replaces them: what is left out would be wiped for the customer."""
    shipment = {
        "shipment_id": 900,
        "carrier_name": "DPD",
        "tracking_number": "T1",
        "tracking_url": None,
        "label_url": "https://label.example/1",
    }
    assert plan_bodies.confirm_shipment(shipment, "Validated") == {
        "method": "PUT",
        "path": "/shipment/900",
        "body": {"status": "Validated", "carrierName": "DPD", "trackingNumber": "T1", "labelURL": "https://label.example/1"},
    }  # fmt: skip


def test_stock_moves_are_written_as_brightpearl_takes_them() -> None:
    """`occured` is how Brightpearl itself spells it."""
    assert plan_bodies.stock_transfer(3, 2, "rt-abc")["body"] == {"targetWarehouseId": 2, "reference": "rt-abc"}
    moved = [{"productId": 11, "quantity": 1, "fromLocationId": 5}]
    external = plan_bodies.external_transfer(3, 2, 77, moved)
    assert external["path"] == "/warehouse-service/warehouse/3/external-transfer"
    assert external["body"] == {"targetWarehouseId": 2, "stockTransferId": 77, "transferredProducts": moved}
    shipped = plan_bodies.ship(600, dt.datetime(2026, 3, 10, 9, tzinfo=dt.UTC))["body"]
    assert shipped == {"events": [{"eventCode": "SHW", "occured": "2026-03-10T09:00:00.000+00:00"}]}
    released = plan_bodies.release(3, 11, 2, 5)
    assert released["path"] == "/warehouse-service/warehouse/3/quarantine/release"
    assert released["body"] == {"productId": 11, "quantity": 2, "toLocationId": 5}


def test_a_rate_of_a_sale_is_sent_exactly() -> None:
    """A rate that went through a float would book another amount in the accounting currency."""
    (plan,) = built(raising(currency="EUR"), orders={"currency": "EUR", "exchange_rate": Decimal("1.153846")})
    assert plan.payload["request"]["body"]["currency"]["exchangeRate"] == "1.153846"
