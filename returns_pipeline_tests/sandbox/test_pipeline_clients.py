"""The pipeline's own clients against the sandbox: every request they may make is answered, and what was written reads back."""

import datetime as dt
from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

import pytest

from returns_pipeline.clients.allow_list import BRIGHTPEARL_READS, RETURNGO_READS, Rule, writes_of
from returns_pipeline.clients.brightpearl import BrightpearlClient
from returns_pipeline.clients.brightpearl_answers import is_permanent
from returns_pipeline.clients.outcomes import CredentialRefused, Outcome, ReadFailed, WriteAnswer
from returns_pipeline.clients.pacing import Pacer
from returns_pipeline.clients.records_brightpearl import SalesCredit, SalesOrder
from returns_pipeline.clients.returngo import ReturnGoClient
from returns_pipeline.clients.transport import Transport
from returns_pipeline.sandbox.faults import Fault
from returns_pipeline.sandbox.serve import RunningSandbox, serve

START = dt.datetime(2026, 3, 2, 8, tzinfo=dt.UTC)
KINDS = (
    "credit.raise", "credit.cancel", "credit.amend", "credit.post", "credit.annotate", "goods_in.write", "refund.record",
    "transfer.create", "transfer.dispatch", "transfer.ship", "transfer.release", "returngo.receive",
)  # fmt: skip


class _NoPacing(Pacer):
    """Never waits."""

    def __init__(self) -> None:
        """Keeps nothing."""

    def wait(self, *_: Any, **__: Any) -> None: ...

    def note(self, *_: Any, **__: Any) -> None: ...


@dataclass
class Meeting:
    """A running sandbox and the pipeline's clients for it."""

    sandbox: RunningSandbox
    brightpearl: BrightpearlClient
    returngo: ReturnGoClient

    def write(self, method: str, path: str, body: Any = None) -> WriteAnswer:
        return self.brightpearl.write({"method": method, "path": path, "body": body})

    def sale(self) -> SalesOrder:
        order = next(
            each for each in self.sandbox.retailer.orders.values() if (each.shop, each.shape) == ("uk", "single")
        )
        return self.brightpearl.orders([order.brightpearl_id or 0])[0]

    def raise_credit(self, reference: str = "rma-1") -> SalesCredit:
        answer = self.write("POST", "/order-service/sales-credit", self.body(reference))
        assert answer.outcome is Outcome.CREATED
        return self.brightpearl.sales_credits([answer.body])[0]

    def body(self, reference: str = "rma-1") -> dict[str, Any]:
        sale = self.sale()
        row = sale.rows[0]
        return {
            "customer": {"id": sale.customer_contact_id},
            "ref": f"{sale.customer_ref} RMA1",
            "parentId": sale.order_id,
            "statusId": 21,
            "warehouseId": 3,
            "channelId": 3,
            "externalRef": reference,
            "installedIntegrationInstanceId": self.brightpearl.installed_integration_instance_id,
            "priceListId": sale.price_list_id,
            "priceModeCode": sale.price_mode,
            "currency": {"code": sale.currency, "fixedExchangeRate": False, "exchangeRate": "1.000000"},
            "rows": [
                {
                    "productId": row.product_id,
                    "quantity": "1",
                    "taxCode": row.tax_code,
                    "net": str(row.row_net),
                    "tax": str(Decimal(row.tax_minor) / 100),
                    "nominalCode": row.nominal_code,
                }
            ],
        }

    def receive(self, credit: SalesCredit) -> WriteAnswer:
        row = credit.rows[0]
        moved = {
            "productId": row.product_id,
            "purchaseOrderRowId": row.credit_row_id,
            "quantity": 1,
            "destinationLocationId": self.brightpearl.location(3, "default"),
            "productValue": {"currency": "GBP", "value": "12.00"},
        }
        body = {
            "transfer": False,
            "warehouseId": 3,
            "receivedOn": "2026-03-02T10:00:00.000+00:00",
            "userBatchReference": "b-1",
            "goodsMoved": [moved],
        }
        return self.write("POST", f"/warehouse-service/order/{credit.credit_id}/goods-note/goods-in", body)


@pytest.fixture
def meeting() -> Iterator[Meeting]:
    with serve(7, start=START) as sandbox:
        environment = sandbox.environment()
        keys = {
            "brightpearl-app-ref": environment["BRIGHTPEARL_APP_REF"],
            "brightpearl-account-token": environment["BRIGHTPEARL_ACCOUNT_TOKEN"],
        }
        shop = {"x-api-key": environment["RETURNGO_API_KEY"], "x-shop-name": "acme-uk.myshopify.com"}
        brightpearl = _transport(
            environment["BRIGHTPEARL_BASE_URL"], keys, BRIGHTPEARL_READS + writes_of(KINDS), "Brightpearl"
        )
        returngo = _transport(
            environment["RETURNGO_BASE_URL"], shop, RETURNGO_READS + writes_of(["returngo.receive"]), "ReturnGo"
        )
        met = Meeting(sandbox, BrightpearlClient(brightpearl), ReturnGoClient(returngo))
        yield met
        met.brightpearl.close()
        met.returngo.close()
        assert not [
            entry
            for server in (sandbox.brightpearl, sandbox.returngo)
            for entry in server.log.entries()
            if entry.is_unknown
        ]


def _transport(url: str, headers: dict[str, str], rules: tuple[Rule, ...], api: str) -> Transport:
    return Transport(
        url,
        lambda: headers,
        rules,
        _NoPacing(),
        lambda *_: None,
        api=api,
        secrets=set,
        permanent=is_permanent,
        sleep=lambda _: None,
    )


def test_returns_of_the_story_are_read_and_found_in_brightpearl(meeting: Meeting) -> None:
    """Every return of a demo must be readable, and its sale found by the Shopify id or by the order's name."""
    meeting.sandbox.story.play(0, "morning")
    rows = list(meeting.returngo.list_rmas(statuses=("Approved",)))
    details = [meeting.returngo.rma_detail(row.rma_id) for row in rows]
    references = [detail.rma.shopify_order_id for detail in details]
    assert len(details) >= 30
    found = meeting.brightpearl.find_sales_orders("externalRef", references)
    assert sum(len(ids) == 1 for ids in found.values()) >= len(set(references)) - 5
    sales = meeting.brightpearl.orders({order_id for ids in found.values() for order_id in ids})
    assert all(sale.net_minor + sale.tax_minor == sale.total_minor for sale in sales)


def test_a_credit_lives_through_its_whole_life(meeting: Meeting) -> None:
    """Raise, receive, post, pay: each a call of its own, and each reads back as what it did."""
    credit = meeting.raise_credit()
    assert (credit.order_id, credit.invoice_reference, credit.external_ref) == (meeting.sale().order_id, "", "rma-1")
    assert meeting.brightpearl.credits_of_orders([meeting.sale().order_id]) == {
        meeting.sale().order_id: {credit.credit_id}
    }
    note = meeting.receive(credit)
    assert [line.quantity for line in meeting.brightpearl.goods_in_notes(note_ids=[note.body])] == [1]
    assert [row["goodsNoteId"] for row in meeting.brightpearl.goods_movements(START)] == [note.body]
    meeting.write(
        "POST", f"/order-service/sales-credit/{credit.credit_id}/close", {"taxDate": "2026-03-02T12:00:00.000+00:00"}
    )
    assert meeting.brightpearl.sales_credits([credit.credit_id])[0].invoice_reference.startswith("SC-")
    payment = {
        "transactionRef": "refund-1", "paymentMethodCode": "SHOPIFYPAY", "paymentType": "PAYMENT", "orderId": credit.credit_id,
        "currencyIsoCode": "GBP", "exchangeRate": "1", "amountPaid": f"{Decimal(credit.total_minor) / 100}", "paymentDate": "2026-03-02T13:00:00.000+00:00",
    }  # fmt: skip
    assert meeting.write("POST", "/accounting-service/customer-payment", payment).outcome is Outcome.CREATED
    assert meeting.write("POST", "/accounting-service/customer-payment", payment).outcome is Outcome.REFUSED
    assert meeting.brightpearl.sales_credits([credit.credit_id])[0].payment_status == "PAID"


def test_a_repeated_credit_is_answered_with_the_first_ones_id(meeting: Meeting) -> None:
    """The pair of references is the last guard against a second credit after a lost answer."""
    meeting.sandbox.faults.add(Fault("commit_then_drop", path="/sales-credit$"))
    meeting.sale()
    lost = meeting.write("POST", "/order-service/sales-credit", meeting.body())
    again = meeting.write("POST", "/order-service/sales-credit", meeting.body())
    assert (lost.outcome, again.outcome, again.first_time) == (Outcome.UNKNOWN, Outcome.CREATED, False)
    assert meeting.brightpearl.credits_by_reference("rma-1") == {again.body}


def test_a_transfer_carries_received_units_to_the_saleable_warehouse(meeting: Meeting) -> None:
    """Received in Returns, sellable in Main only after all four steps; before that the stock is nowhere to be sold."""
    credit = meeting.raise_credit()
    meeting.receive(credit)
    product_id, world = credit.rows[0].product_id or 0, meeting.sandbox.retailer.brightpearl
    sellable = world.stock[(product_id, 21)]
    transfer = meeting.write(
        "POST", "/warehouse-service/warehouse/3/stock-transfer", {"targetWarehouseId": 2, "reference": "t-1"}
    )
    dispatched = {
        "targetWarehouseId": 2,
        "stockTransferId": transfer.body,
        "transferredProducts": [{"productId": product_id, "quantity": 1}],
    }
    notes = meeting.write("POST", "/warehouse-service/warehouse/3/external-transfer", dispatched).body
    assert meeting.brightpearl.stock_transfers([transfer.body])[0].goods_out_note_id == notes[0]
    shipped = {"events": [{"eventCode": "SHW", "occured": "2026-03-02T15:00:00.000+00:00", "eventOwnerId": 4}]}
    meeting.write("POST", f"/warehouse-service/goods-note/goods-out/{notes[0]}/event", shipped)
    assert meeting.brightpearl.goods_out_notes_by_id(notes)[0].is_shipped
    assert (world.stock[(product_id, 22)], world.stock[(product_id, 21)]) == (1, sellable)
    released = {"productId": product_id, "quantity": 1, "toLocationId": 21}
    assert (
        meeting.write("POST", "/warehouse-service/warehouse/2/quarantine/release", released).outcome is Outcome.CREATED
    )
    assert (
        meeting.write("POST", "/warehouse-service/warehouse/2/quarantine/release", released).outcome is Outcome.REFUSED
    )
    assert world.stock[(product_id, 21)] == sellable + 1


def test_credits_are_amended_annotated_and_cancelled(meeting: Meeting) -> None:
    """A parcel that never came: the row is lowered or taken off, the credit told about and cancelled, never deleted."""
    credit = meeting.raise_credit()
    path = f"/order-service/order/{credit.credit_id}"
    lowered = [
        {"op": "replace", "path": "/rowValue/rowNet/value", "value": "5.00"},
        {"op": "replace", "path": "/rowValue/rowTax/value", "value": "0.99"},
    ]
    assert meeting.write("PATCH", f"{path}/row/{credit.rows[0].credit_row_id}", lowered).outcome is Outcome.CREATED
    assert meeting.brightpearl.sales_credits([credit.credit_id])[0].tax_minor == 99
    assert meeting.write("POST", f"{path}/note", {"text": "never came", "isPublic": False}).outcome is Outcome.CREATED
    assert meeting.write("DELETE", f"{path}/row/{credit.rows[0].credit_row_id}").outcome is Outcome.CREATED
    assert meeting.write("PUT", f"{path}/status", {"orderStatusId": 24}).outcome is Outcome.CREATED
    assert meeting.brightpearl.sales_credits([credit.credit_id])[0].is_cancelled


def test_a_revoked_token_and_a_full_pool_are_told_apart(meeting: Meeting) -> None:
    """One needs a person, the other a wait; mixing them up would hammer the account or stop a run for nothing."""
    meeting.sandbox.faults.add(Fault("unauthorized"))
    with pytest.raises(CredentialRefused):
        meeting.brightpearl.warehouses()
    meeting.sandbox.faults.add(Fault("throttle", seconds=0.01))
    assert len(meeting.brightpearl.warehouses()) == 3
    meeting.sandbox.faults.add(Fault("status_before_commit", count=None, status=503))
    with pytest.raises(ReadFailed):
        meeting.brightpearl.warehouses()


def test_a_validated_parcel_releases_the_refund(meeting: Meeting) -> None:
    """The pipeline's only write to ReturnGO is what makes the shop pay."""
    meeting.sandbox.story.play(0, "morning")
    detail = meeting.returngo.rma_detail(next(iter(meeting.returngo.list_rmas(statuses=("Approved",)))).rma_id)
    parcel = detail.shipments[0]
    body = {"status": "Validated", "carrierName": parcel.carrier_name, "trackingNumber": parcel.tracking_number}
    assert (
        meeting.returngo.write({"method": "PUT", "path": f"/shipment/{parcel.shipment_id}", "body": body}).outcome
        is Outcome.CREATED
    )
    assert list(meeting.returngo.list_transactions(rma_ids=[detail.rma.rma_id]))
