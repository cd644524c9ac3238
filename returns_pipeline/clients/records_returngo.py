"""ReturnGo's JSON as records with the columns of our tables, and only the fields that the pipeline needs.

No customer name, e-mail, address or phone, no bank detail and no store-credit code passes through here.
"""

import datetime as dt
import hashlib
import json
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from returns_pipeline.clients.fields import Fields, RecordRejected

RMA_STATUSES = ("Pending", "Approved", "Received", "Validated", "Done", "Rejected", "Canceled")
SHIPMENT_STATUSES = ("Pending", "LabelCreated", "Shipped", "Received", "Validated", "Canceled")
_ZERO = Decimal(0)


@dataclass(frozen=True)
class RmaListRow:
    """One row of `GET /rmas`; the fingerprint changes whenever the row does."""

    rma_id: int
    status: str
    order_name: str
    fingerprint: str

    @classmethod
    def from_api(cls, raw: Any) -> "RmaListRow":  # noqa: ANN401 - JSON
        """Raises RecordRejected for a row without id or with an unknown status."""
        fields = Fields(raw, "a row of the list of RMAs")
        rma_id = fields.integer("rmaId")
        fields.subject = f"rma {rma_id}"
        seen = [status_of(fields, "status", RMA_STATUSES), fields.optional_text("order_name") or "", *_events(fields)]
        return cls(rma_id, str(seen[0]), str(seen[1]), hashlib.sha256(json.dumps(seen).encode()).hexdigest()[:32])


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
    def from_api(cls, raw: Any) -> "Transaction":  # noqa: ANN401 - JSON
        """Raises RecordRejected for a transaction without id, amount or date."""
        fields = Fields(raw, "a transaction")
        transaction_id = fields.integer("id")
        fields.subject = f"transaction {transaction_id}"
        currency, shop_currency = _currencies(fields, "amount")
        reference_type = fields.optional_text("externalReferenceType")
        return cls(
            transaction_id=transaction_id,
            type=fields.text("type"),
            status=fields.text("status"),
            amount_minor=fields.minor("amount.amount", currency),
            currency=currency,
            shop_amount_minor=fields.minor("amount.shopAmount", shop_currency, default=fields.decimal("amount.amount")),
            shop_currency=shop_currency,
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
    def from_api(cls, raw: Any) -> "RmaDetail":  # noqa: ANN401 - JSON
        """Raises RecordRejected where the return, a parcel, a unit or a transaction cannot be used: a return is judged whole."""
        fields = Fields(raw, "an RMA")
        rma_id = fields.integer("rmaSummary.rmaId")
        fields.subject = f"rma {rma_id}"
        items = [_item(rma_id, entry) for entry in fields.objects("items")]
        currency = items[0].currency if items else None
        return cls(
            rma=_rma(rma_id, fields, currency),
            shipments=[_shipment(rma_id, entry) for entry in fields.objects("shipments")],
            items=items,
            transactions=[Transaction.from_api(entry) for entry in fields.objects("transactions")],
        )


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
        cancellation_fee_minor=fields.minor("cancellationFee", currency, default=_ZERO) if currency else 0,
    )


def _shipment(rma_id: int, raw: Any) -> Shipment:  # noqa: ANN401 - JSON
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


def _item(rma_id: int, raw: Any) -> ReturnItem:  # noqa: ANN401 - JSON
    fields = Fields(raw, f"a unit of rma {rma_id}")
    item_id = fields.integer("returnedItemId")
    fields.subject = f"unit {item_id} of rma {rma_id}"
    currency, shop_currency = _currencies(fields, "paidPrice")
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
        paid_price_minor=fields.minor("paidPrice.amount", currency),
        paid_tax_minor=fields.minor("paidTax.amount", currency, default=_ZERO),
        currency=currency,
        shop_paid_price_minor=fields.minor(
            "paidPrice.shopAmount", shop_currency, default=fields.decimal("paidPrice.amount")
        ),
        shop_paid_tax_minor=fields.minor(
            "paidTax.shopAmount", shop_currency, default=fields.decimal("paidTax.amount", default=_ZERO)
        ),
        shop_currency=shop_currency,
        is_tax_included=fields.boolean("taxIncluded", default=True),
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


def _exchange_item(subject: str, raw: Any) -> dict[str, Any]:  # noqa: ANN401 - JSON
    fields = Fields(raw, f"an exchange item of {subject}")
    currency, _ = _currencies(fields, "effectivePrice")
    return {
        "variant_id": fields.optional_text("variantId"),
        "quantity": fields.quantity("quantity"),
        "sku": fields.optional_text("sku"),
        "effective_price_minor": fields.minor("effectivePrice.amount", currency),
        "currency": currency,
    }


def _currencies(fields: Fields, path: str) -> tuple[str, str]:
    currency = fields.currency(f"{path}.currency")
    return currency, fields.currency(f"{path}.shopCurrency") if fields.raw(f"{path}.shopCurrency") else currency


def _event_pairs(fields: Fields) -> list[tuple[str, dt.datetime]]:
    events = [Fields(event, fields.subject) for event in fields.objects("rmaSummary.events")]
    return [
        (event.optional_text("eventName") or "", date)
        for event in events
        if (date := event.optional_moment("eventDate"))
    ]


def _events(fields: Fields) -> list[list[str]]:
    events = [Fields(event, fields.subject) for event in fields.objects("events")]
    return [[event.optional_text("eventName") or "", event.optional_text("eventDate") or ""] for event in events]


def _location(fields: Fields) -> str | None:
    events = [Fields(event, fields.subject) for event in fields.objects("rmaSummary.events")]
    return next((location for event in events if (location := event.optional_text("storeLocationId"))), None)


def _listed_id(fields: Fields, value: Any) -> int:  # noqa: ANN401 - JSON
    return Fields({"id": value}, fields.subject).integer("id")


__all__ = ["Rma", "RmaDetail", "RmaListRow", "RecordRejected", "ReturnItem", "Shipment", "Transaction"]
