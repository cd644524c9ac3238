"""The sandbox ReturnGO's records as the JSON that the recordings show: every key, type, null and quirk.

Not here: state (`records`) and choice of rows (`lists`). Addresses and staff carry canary data, so that a leak can be proven.
"""

import datetime as dt
from decimal import Decimal
from typing import Any

from returns_pipeline.sandbox.returngo.records import (
    Amount,
    Comment,
    Event,
    ExchangeItem,
    ReturnedItem,
    Rma,
    Shipment,
    Transaction,
)
from returns_pipeline.sandbox.returngo.switches import ReturnGoSwitches

_NAMES = {
    "RefundToPaymentMethod": "Refund to payment method",
    "RefundToStoreCredit": "Refund to store credit",
    "RefundToGiftCard": "Refund by gift card",
    "InstantVariantExchange": "Variant exchange",
    "CancelOrder": "Cancel order",
}
_CUSTOMER_ADDRESS = {
    "name": "Canary Person",
    "street1": "1 Canary Street",
    "street2": "",
    "city": "Canarytown",
    "state": "",
    "zip": "CA1 1AA",
    "country": "GB",
    "phone": "+441632960001",
    "email": "canary.person@example.com",
}
_RETURN_ADDRESS = {
    "name": "Canary Returns Desk",
    "street1": "2 Canary Park",
    "street2": "Unit 1",
    "city": "Canarytown",
    "state": "",
    "zip": "CA1 1AB",
    "country": "GB",
    "phone": "",
    "email": "canary.desk@example.com",
}
_STAFF_MEMBER = {
    "userFirstName": "Canary",
    "userLastName": "Staff",
    "userEmailAddress": "canary.staff@example.com",
    "userRole": "Owner",
}


def list_row(rma: Rma) -> dict[str, Any]:
    """A row of `GET /rmas`."""
    return {
        "rmaId": str(rma.rma_id),
        "status": rma.status,
        "order_name": rma.order_name,
        "events": [_event(each) for each in rma.events],
    }


def detail(rma: Rma, switches: ReturnGoSwitches, *, with_media: bool) -> dict[str, Any]:
    """The whole answer of `GET /rma/{rmaId}`."""
    answer = {
        "rmaSummary": list_row(rma),
        "orderDetails": {"orderId": rma.order_id, "order_name": rma.order_name},
        "shipments": [shipment(each) for each in rma.shipments],
        "items": [_item(rma, position, each, switches, with_media) for position, each in enumerate(rma.items)],
        "comments": [_comment(each) for each in rma.comments],
        "exchangeOrders": [
            {
                "draftOrderId": each.draft_order_id,
                "orderId": each.order_id,
                "orderName": each.order_name,
                "type": each.type,
            }
            for each in rma.exchange_orders
        ],
        "exchangeItems": [],
        "cancellationFee": 0,
        "transactions": [transaction(each) for each in rma.transactions],
        "createdAt": stamp(rma.created_at),
        "lastUpdated": stamp(rma.last_updated),
        "isOutOfPolicy": flag(rma.is_out_of_policy, switches),
    }
    return _with_number_ids(answer) if switches.number_ids else answer


def shipment(parcel: Shipment) -> dict[str, Any]:
    """A parcel, as in the detail and as the answer of `PUT /shipment/{shipmentId}`."""
    return {
        "shipmentId": str(parcel.shipment_id),
        "status": parcel.status,
        "carrierName": parcel.carrier_name,
        "requestedServiceLevel": None,
        "actualServiceLevel": None,
        "trackingNumber": parcel.tracking_number,
        "trackingURL": parcel.tracking_url,
        "labelURL": parcel.label_url,
        "customerAddress": dict(_CUSTOMER_ADDRESS),
        "returnAddress": dict(_RETURN_ADDRESS),
        "isOutbound": False,
    }


def transaction(entry: Transaction) -> dict[str, Any]:
    """A transaction, as in the detail and in `GET /transactions`: its id is a number, its amounts are positive."""
    return {
        "id": entry.transaction_id,
        "type": entry.type,
        "externalReferenceId": entry.reference,
        "externalReferenceType": entry.reference_type,
        "amount": amount(entry.amount),
        "status": entry.status,
        "processor": "Shopify",
        "bankAccountDetails": None,
        "returnItemIds": [str(each) for each in entry.returned_item_ids],
        "createdAt": stamp(entry.created_at),
        "lastUpdated": stamp(entry.last_updated),
    }


def amount(value: Amount) -> dict[str, Any]:
    """An amount of money with both currencies."""
    return {
        "amount": number(value.amount),
        "currency": value.currency,
        "shopAmount": number(value.shop_amount),
        "shopCurrency": value.shop_currency,
    }


def number(value: Decimal) -> int | Decimal:
    """A JSON number as recorded: 409, not 409.00; 53.4, not 53.40."""
    return int(value) if value == value.to_integral_value() else value.normalize()


def stamp(moment: dt.datetime) -> str:
    """A moment as recorded: whole seconds, `+00:00`."""
    return moment.astimezone(dt.UTC).replace(microsecond=0).isoformat()


def flag(value: bool, switches: ReturnGoSwitches) -> int | bool:
    """0 or 1 as recorded, or a boolean as in the OpenAPI page."""
    return value if switches.json_booleans else int(value)


def _item(rma: Rma, position: int, item: ReturnedItem, switches: ReturnGoSwitches, with_media: bool) -> dict[str, Any]:
    unit = item.unit
    shows_rma_fees = position == 0 or switches.rma_fee_on_every_item
    names = {"variantName": unit.variant_name} if unit.variant_name is not None else {}
    return {
        "shopLineItemId": unit.shop_line_item_id,
        "shopProductId": unit.shop_product_id,
        "variantId": unit.variant_id,
        "returnedItemId": str(item.returned_item_id),
        "fullName": f"{unit.product_name} - {unit.variant_name}" if unit.variant_name else unit.product_name,
        "productName": unit.product_name,
        **names,
        "image": "https://cdn.example.com/files/product_600x600.jpg",
        "sku": unit.sku,
        **({"barcode": unit.barcode} if unit.barcode is not None else {}),
        "paidPrice": amount(unit.paid_price),
        "paidTax": amount(unit.paid_tax),
        "taxIncluded": unit.tax_included,
        "returnReason": item.reason,
        "resolutionName": _NAMES.get(item.resolution_type, item.resolution_type),
        "policyRuleName": _NAMES.get(item.resolution_type, item.resolution_type),
        "isAutoApprove": flag(False, switches),
        "resolutionType": item.resolution_type,
        "restockingFee": number(item.restocking_fee),
        "returnFee": number(rma.return_fee) if shows_rma_fees else 0,
        "shipmentFee": number(rma.shipment_fee) if shows_rma_fees else 0,
        "shipmentId": str(item.shipment_id) if item.shipment_id else "",
        "extendedReason": " > Other <br />\n > Yes",
        "returnMethod": {"type": item.method, "name": "Sample Carrier return" if item.shipment_id else item.method},
        "itemValidationStatusResponse": _validation(item),
        "exchangeItems": [_exchange_item(each) for each in item.exchange_items],
        "followUpQuestions": _follow_up_questions(with_media),
    }


def _validation(item: ReturnedItem) -> dict[str, Any]:
    found = item.validation
    is_done = found.validated_on is not None
    return {
        **({"returnedItemId": str(item.returned_item_id)} if is_done else {}),
        "isRestockable": found.is_restockable,
        "isReturned": found.is_returned,
        "nonRestockableReason": found.non_restockable_reason,
        "nonReturnedReason": found.non_returned_reason,
        "storeLocationId": "online" if is_done else None,
        "lastValidationDate": stamp(found.validated_on) if found.validated_on else None,
        "lastValidatedBy": found.validated_by,
        "thirdPartyName": None,
        "userDetails": dict(_STAFF_MEMBER) if is_done else None,
    }


def _exchange_item(wanted: ExchangeItem) -> dict[str, Any]:
    return {
        "productId": wanted.product_id,
        "variantId": wanted.variant_id,
        "quantity": wanted.quantity,
        "sku": wanted.sku,
        "itemPriceMethod": "CatalogPrice",
        "freeExchangePriceRange": {"min": 0, "max": 110},
        "catalogPrice": amount(wanted.price),
        "effectivePrice": amount(wanted.price),
    }


def _follow_up_questions(with_media: bool) -> list[dict[str, Any]]:
    photograph = {
        "mediaType": "image/jpeg",
        "mediaFileSize": 204_800,
        "tempDownloadUrl": "https://media.example.com/canary.jpg",
    }
    return [
        {"type": "TextArray", "name": "Why?", "answer": {"textArrayAnswer": ["Other"]}},
        {"type": "Media", "name": "Proof of tags", "answer": {"mediaAnswer": [photograph]} if with_media else {}},
        {"type": "Text", "name": "Original Packaging", "answer": {"textAnswer": "Yes"}},
    ]


def _event(event: Event) -> dict[str, Any]:
    return {
        "eventName": event.name,
        "eventDate": stamp(event.happened_at),
        "triggeredVia": event.triggered_via,
        "storeLocationId": "online",
        "userDetails": dict(_STAFF_MEMBER) if event.triggered_via == "Dashboard" else None,
    }


def _comment(entry: Comment) -> dict[str, Any]:
    return {
        "commentType": entry.comment_type,
        "triggeredBy": entry.triggered_by,
        "htmlText": entry.html_text,
        "datetime": stamp(entry.written_at),
    }


def _with_number_ids(value: Any) -> Any:  # noqa: ANN401 - JSON
    """The same answer with every id as a number: whether ids are strings everywhere is not established."""
    if isinstance(value, list):
        return [_with_number_ids(each) for each in value]
    if not isinstance(value, dict):
        return value
    return {
        key: int(each) if key.endswith("Id") and isinstance(each, str) and each.isdigit() else _with_number_ids(each)
        for key, each in value.items()
    }
