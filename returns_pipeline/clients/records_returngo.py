"""ReturnGo's JSON as records with the columns of our tables, and only the fields that the pipeline needs.

No customer name, e-mail, address or phone, no bank detail and no store-credit code passes through here.
"""

import datetime as dt
import hashlib
import json
import re
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, NamedTuple

from returns_pipeline.clients.fields import Fields, RecordRejected

RMA_STATUSES = ("Pending", "Approved", "Received", "Validated", "Done", "Rejected", "Canceled")
SHIPMENT_STATUSES = ("Pending", "LabelCreated", "Shipped", "Received", "Validated", "Canceled")
_ZERO = Decimal(0)
_RECEIVED_LINE, _LONGEST_LINE = re.compile(r"Shipment\s*<strong>\s*RECEIVED"), 500


@dataclass(frozen=True)
class RmaListRow:
    """One row of `GET /rmas`; the fingerprint changes whenever anything but the status does, such as an approval after a reopening."""

    rma_id: int
    status: str
    order_name: str
    fingerprint: str
    created_at: dt.datetime | None = None

    @classmethod
    def from_api(cls, raw: Any) -> "RmaListRow":
        """Raises RecordRejected for a row without id or with an unknown status."""
        fields = Fields(raw, "a row of the list of RMAs")
        rma_id = fields.integer("rmaId")
        fields.subject = f"rma {rma_id}"
        status = status_of(fields, "status", RMA_STATUSES)
        return cls(rma_id, status, fields.optional_text("order_name") or "", _fingerprint(raw), _created_at(fields))


def _created_at(fields: Fields) -> dt.datetime | None:
    """When the list says that the return was made; missing where it does not tell, because the detail will."""
    events = fields.raw("events")
    for event in events if isinstance(events, list) else ():
        if isinstance(event, dict) and event.get("eventName") == "RMA_CREATED":
            try:
                return Fields(event, fields.subject).optional_moment("eventDate")
            except RecordRejected:
                return None
    return None


@dataclass(frozen=True)
class Rma:
    """One return, as `returngo_rmas` keeps it."""

    rma_id: int
    status: str
    order_name: str
    shopify_order_id: str
    created_at: dt.datetime
    approved_at: dt.datetime | None
    last_updated_at: dt.datetime | None
    store_location_id: str | None
    is_out_of_policy: bool
    exchange_orders: list[dict[str, str | None]]
    cancellation_fee_minor: int


@dataclass(frozen=True)
class Shipment:
    """One parcel, with the carrier's fields that a confirmation must send back unchanged."""

    shipment_id: int
    rma_id: int
    status: str
    carrier_name: str | None
    tracking_number: str | None
    tracking_url: str | None
    label_url: str | None
    is_outbound: bool


@dataclass(frozen=True)
class ReturnItem:
    """One unit that comes back; money in minor units of `currency` (what the customer saw) and `shop_currency` (what the shop booked)."""

    returned_item_id: int
    rma_id: int
    shipment_id: int | None
    shopify_line_item_id: str
    shopify_product_id: str | None
    shopify_variant_id: str | None
    sku: str
    barcode: str | None
    paid_price_minor: int
    paid_tax_minor: int
    currency: str
    shop_paid_price_minor: int
    shop_paid_tax_minor: int
    shop_currency: str
    is_tax_included: bool
    return_reason: str | None
    resolution_type: str
    return_method_type: str
    restocking_fee_minor: int
    return_fee_minor: int
    shipment_fee_minor: int
    is_returned: bool
    is_restockable: bool
    validated_at: dt.datetime | None
    non_restockable_reason: str | None
    non_returned_reason: str | None
    exchange_items: list[dict[str, Any]]


@dataclass(frozen=True)
class Transaction:
    """Money that ReturnGo asked the platform to move."""

    transaction_id: int
    type: str
    status: str
    amount_minor: int
    currency: str
    shop_amount_minor: int
    shop_currency: str
    external_reference_type: str | None
    platform_refund_id: str | None
    returned_item_ids: list[int]
    created_at: dt.datetime
    last_updated_at: dt.datetime | None

    @classmethod
    def from_api(cls, raw: Any) -> "Transaction":
        """Raises RecordRejected for a transaction without id, amount or date."""
        fields = Fields(raw, "a transaction")
        transaction_id = fields.integer("id")
        fields.subject = f"transaction {transaction_id}"
        amount = _amount(fields, "amount")
        reference_type = fields.optional_text("externalReferenceType")
        return cls(
            transaction_id=transaction_id,
            type=fields.text("type"),
            status=fields.text("status"),
            amount_minor=amount.minor,
            currency=amount.currency,
            shop_amount_minor=amount.shop_minor,
            shop_currency=amount.shop_currency,
            external_reference_type=reference_type,
            platform_refund_id=fields.optional_text("externalReferenceId")
            if reference_type == "PlatformRefundId"
            else None,
            returned_item_ids=[_listed_id(fields, value) for value in fields.objects("returnItemIds")],
            created_at=fields.moment("createdAt"),
            last_updated_at=fields.optional_moment("lastUpdated"),
        )


@dataclass(frozen=True)
class RmaDetail:
    """Everything one detail call says of a return."""

    rma: Rma
    shipments: list[Shipment]
    items: list[ReturnItem]
    transactions: list[Transaction]

    @classmethod
    def from_api(cls, raw: Any) -> "RmaDetail":
        """Raises RecordRejected where the return, a parcel, a unit or a transaction cannot be used: a return is judged whole."""
        fields = Fields(raw, "an RMA")
        rma_id = fields.integer("rmaSummary.rmaId")
        fields.subject = f"rma {rma_id}"
        items = [_item(rma_id, entry) for entry in fields.required_objects("items")]
        return cls(
            rma=_rma(rma_id, fields, items[0].currency if items else None),
            shipments=[_shipment(rma_id, entry) for entry in fields.required_objects("shipments")],
            items=items,
            transactions=[Transaction.from_api(entry) for entry in fields.required_objects("transactions")],
        )


def received_by(raw: Any) -> str | None:
    """Who set a parcel to Received, as the newest such line of a return's timeline says: "automation" or "people"; no name passes through.

    None where no line tells, or the timeline is in another shape: it is written for people.
    """
    comments = raw.get("comments") if isinstance(raw, dict) else None
    for comment in comments if isinstance(comments, list) else ():
        if isinstance(comment, dict) and _RECEIVED_LINE.search(str(comment.get("htmlText", ""))[:_LONGEST_LINE]):
            return "automation" if str(comment.get("triggeredBy", "")).casefold() == "automation" else "people"
    return None


def status_of(fields: Fields, path: str, known: tuple[str, ...]) -> str:
    """A status out of a closed set; an unknown one is rejected, because acting on it would be a guess."""
    status = fields.text(path)
    if status not in known:
        raise fields.rejected(path, status, f"is {status[:40]!r}, which is none of {', '.join(known)}")
    return status


def _rma(rma_id: int, fields: Fields, currency: str | None) -> Rma:
    approvals = [date for name, date in _event_pairs(fields) if name == "RMA_APPROVED"]
    exchange_orders = [Fields(entry, fields.subject) for entry in fields.objects("exchangeOrders")]
    return Rma(
        rma_id=rma_id,
        status=status_of(fields, "rmaSummary.status", RMA_STATUSES),
        order_name=fields.optional_text("orderDetails.order_name") or fields.text("rmaSummary.order_name"),
        shopify_order_id=fields.identifier("orderDetails.orderId"),
        created_at=fields.moment("createdAt"),
        approved_at=max(approvals, default=None),
        last_updated_at=fields.optional_moment("lastUpdated"),
        store_location_id=_location(fields),
        is_out_of_policy=fields.boolean("isOutOfPolicy", default=False),
        exchange_orders=[
            {
                "draft_order_id": entry.optional_text("draftOrderId"),
                "order_id": entry.optional_text("orderId"),
                "order_name": entry.optional_text("orderName"),
                "type": entry.optional_text("type"),
            }
            for entry in exchange_orders
        ],
        cancellation_fee_minor=_cancellation_fee(fields, currency),
    )


def _cancellation_fee(fields: Fields, currency: str | None) -> int:
    """The fee carries no currency of its own: it is the units'."""
    fee = fields.decimal("cancellationFee", default=_ZERO)
    if currency is None and fee != 0:
        raise fields.rejected("cancellationFee", fee, "has no unit whose currency it could be in")
    return fields.exact_minor("cancellationFee", fee, currency) if currency else 0


def _shipment(rma_id: int, raw: Any) -> Shipment:
    fields = Fields(raw, f"a shipment of rma {rma_id}")
    return Shipment(
        shipment_id=fields.integer("shipmentId"),
        rma_id=rma_id,
        status=status_of(fields, "status", SHIPMENT_STATUSES),
        carrier_name=fields.optional_text("carrierName"),
        tracking_number=fields.optional_text("trackingNumber"),
        tracking_url=fields.optional_text("trackingURL"),
        label_url=fields.optional_text("labelURL"),
        is_outbound=fields.boolean("isOutbound", default=False),
    )


def _item(rma_id: int, raw: Any) -> ReturnItem:
    fields = Fields(raw, f"a unit of rma {rma_id}")
    item_id = fields.integer("returnedItemId")
    fields.subject = f"unit {item_id} of rma {rma_id}"
    price, tax = _amount(fields, "paidPrice"), _amount(fields, "paidTax")
    if (tax.currency, tax.shop_currency) != (price.currency, price.shop_currency):
        raise fields.rejected("paidTax.currency", tax.currency, "must be that of the price")
    currency = price.currency
    validation = "itemValidationStatusResponse"
    return ReturnItem(
        returned_item_id=item_id,
        rma_id=rma_id,
        shipment_id=fields.optional_integer("shipmentId"),
        shopify_line_item_id=fields.identifier("shopLineItemId"),
        shopify_product_id=fields.optional_text("shopProductId"),
        shopify_variant_id=fields.optional_text("variantId"),
        sku=fields.optional_text("sku") or "",
        barcode=fields.optional_text("barcode"),
        paid_price_minor=price.minor,
        paid_tax_minor=tax.minor,
        currency=currency,
        shop_paid_price_minor=price.shop_minor,
        shop_paid_tax_minor=tax.shop_minor,
        shop_currency=price.shop_currency,
        is_tax_included=fields.boolean("taxIncluded"),
        return_reason=fields.free_text("returnReason"),
        resolution_type=fields.text("resolutionType"),
        return_method_type=fields.optional_text("returnMethod.type") or "",
        restocking_fee_minor=fields.minor("restockingFee", currency, default=_ZERO),
        return_fee_minor=fields.minor("returnFee", currency, default=_ZERO),
        shipment_fee_minor=fields.minor("shipmentFee", currency, default=_ZERO),
        is_returned=fields.boolean(f"{validation}.isReturned", default=False),
        is_restockable=fields.boolean(f"{validation}.isRestockable", default=False),
        validated_at=fields.optional_moment(f"{validation}.lastValidationDate"),
        non_restockable_reason=fields.free_text(f"{validation}.nonRestockableReason"),
        non_returned_reason=fields.free_text(f"{validation}.nonReturnedReason"),
        exchange_items=[_exchange_item(fields.subject, entry) for entry in fields.objects("exchangeItems")],
    )


def _exchange_item(subject: str, raw: Any) -> dict[str, Any]:
    fields = Fields(raw, f"an exchange item of {subject}")
    price = _amount(fields, "effectivePrice")
    return {
        "variant_id": fields.optional_text("variantId"),
        "quantity": fields.quantity("quantity"),
        "sku": fields.optional_text("sku"),
        "effective_price_minor": price.minor,
        "currency": price.currency,
    }


class _Amount(NamedTuple):
    """What the customer saw and what the shop booked, in minor units."""

    minor: int
    currency: str
    shop_minor: int
    shop_currency: str


def _amount(fields: Fields, path: str) -> _Amount:
    """Both amounts at a path; the shop's may be left out only where it is in the same currency."""
    currency = fields.currency(f"{path}.currency")
    shop_currency = fields.currency(f"{path}.shopCurrency") if fields.has(f"{path}.shopCurrency") else currency
    minor = fields.minor(f"{path}.amount", currency)
    if shop_currency == currency and not fields.has(f"{path}.shopAmount"):
        return _Amount(minor, currency, minor, currency)
    return _Amount(minor, currency, fields.minor(f"{path}.shopAmount", shop_currency), shop_currency)


def _event_pairs(fields: Fields) -> list[tuple[str, dt.datetime]]:
    events = [Fields(event, fields.subject) for event in fields.objects("rmaSummary.events")]
    return [
        (event.optional_text("eventName") or "", date)
        for event in events
        if (date := event.optional_moment("eventDate"))
    ]


def _fingerprint(row: Any) -> str:
    """A hash of the row without its status and the staff it names; it changes whenever anything else of the row does."""
    text = json.dumps(
        _without_people({name: value for name, value in row.items() if name != "status"}),
        sort_keys=True,
        separators=(",", ":"),
        default=str,
    )
    return hashlib.sha256(text.encode()).hexdigest()


def _without_people(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: _without_people(entry) for name, entry in value.items() if name != "userDetails"}
    if isinstance(value, list):
        return [_without_people(entry) for entry in value]
    return value


def _location(fields: Fields) -> str | None:
    events = [Fields(event, fields.subject) for event in fields.objects("rmaSummary.events")]
    return next((location for event in events if (location := event.optional_text("storeLocationId"))), None)


def _listed_id(fields: Fields, value: Any) -> int:
    return Fields({"id": value}, fields.subject).integer("id")


__all__ = ["Rma", "RmaDetail", "RmaListRow", "RecordRejected", "ReturnItem", "Shipment", "Transaction"]
