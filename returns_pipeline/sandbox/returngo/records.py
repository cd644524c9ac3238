"""The records of the sandbox's ReturnGO: returns, units, parcels, transactions, comments.

Not here: how they change (`world`) and how they look as JSON (`wire`). Money is a Decimal of major units beside its currency.
"""

import datetime as dt
from dataclasses import dataclass, field
from decimal import Decimal

NO_SHIPMENT = "No shipment required"
ANY_CARRIER = "Ship with any carrier"
PREPAID_LABEL = "Ship with pre-paid label"
CANCEL_ORDER = "CancelOrder"

RMA_STATUSES = ("Pending", "Approved", "Received", "Validated", "Done", "Rejected", "Canceled")
RMA_TRANSITIONS = {
    "Pending": {"Approved", "Rejected", "Canceled"},
    "Approved": {"Received", "Validated", "Done", "Canceled"},
    "Received": {"Validated", "Done"},
    "Validated": {"Done"},
    "Rejected": {"Approved"},
    "Canceled": {"Approved"},
    "Done": set(),
}
SHIPMENT_STATUSES = ("Pending", "LabelCreated", "Shipped", "Received", "Validated", "Canceled")
SHIPMENT_TRANSITIONS = {
    "Pending": {"LabelCreated", "Shipped", "Received", "Canceled", "Validated"},
    "LabelCreated": {"Shipped", "Received", "Canceled", "Validated"},
    "Shipped": {"Received", "Canceled", "Validated"},
    "Canceled": {"Received", "Validated"},
    "Received": {"Validated"},
    "Validated": set(),
}


@dataclass(frozen=True)
class Amount:
    """What the customer saw and what the shop booked, in major units."""

    amount: Decimal
    currency: str
    shop_amount: Decimal
    shop_currency: str

    def less(self, deduction: Decimal) -> "Amount":
        """The amount after a deduction that is stated in the customer's currency; the shop's side shrinks in proportion."""
        left = self.amount - deduction
        share = left / self.amount if self.amount else Decimal(0)
        return Amount(left, self.currency, (self.shop_amount * share).quantize(Decimal("0.01")), self.shop_currency)

    def plus(self, other: "Amount") -> "Amount":
        """The sum of two amounts of the same currencies."""
        if (self.currency, self.shop_currency) != (other.currency, other.shop_currency):
            raise ValueError(
                f"cannot add {other.currency}/{other.shop_currency} to {self.currency}/{self.shop_currency}"
            )
        return Amount(
            self.amount + other.amount, self.currency, self.shop_amount + other.shop_amount, self.shop_currency
        )


@dataclass(frozen=True)
class SoldUnit:
    """One unit of a Shopify order line, as ReturnGO sees it when a customer picks it for a return."""

    shop_line_item_id: str
    shop_product_id: str
    variant_id: str
    product_name: str
    variant_name: str | None
    sku: str
    barcode: str | None
    paid_price: Amount
    paid_tax: Amount
    tax_included: bool = True


@dataclass(frozen=True)
class ExchangeItem:
    """What the customer wants instead of a unit."""

    product_id: str
    variant_id: str
    sku: str
    price: Amount
    quantity: int = 1


@dataclass
class Validation:
    """The inspection of one unit; nothing counts before `validated_on` is set."""

    is_returned: bool = False
    is_restockable: bool = False
    non_restockable_reason: str | None = None
    non_returned_reason: str | None = None
    validated_on: dt.datetime | None = None
    validated_by: str | None = None


@dataclass
class ReturnedItem:
    """One unit that comes back."""

    returned_item_id: int
    unit: SoldUnit
    reason: str
    resolution_type: str
    method: str
    shipment_id: int | None
    restocking_fee: Decimal = Decimal(0)
    validation: Validation = field(default_factory=Validation)
    exchange_items: list[ExchangeItem] = field(default_factory=list)


@dataclass
class Shipment:
    """One parcel."""

    shipment_id: int
    rma_id: int
    status: str = "Pending"
    carrier_name: str | None = None
    tracking_number: str | None = None
    tracking_url: str | None = None
    label_url: str | None = None


@dataclass
class Transaction:
    """Money that ReturnGO asked the platform to move."""

    transaction_id: int
    rma_id: int
    type: str
    reference: str
    reference_type: str
    amount: Amount
    status: str
    returned_item_ids: list[int]
    created_at: dt.datetime
    last_updated: dt.datetime


@dataclass(frozen=True)
class Comment:
    """One line of an RMA's timeline, in HTML."""

    comment_type: str
    triggered_by: str
    html_text: str
    written_at: dt.datetime


@dataclass
class ExchangeOrder:
    """The draft order of an exchange; `order_id` is empty until it is released."""

    draft_order_id: str
    order_name: str
    order_id: str = ""
    type: str = "Exchange"


@dataclass(frozen=True)
class Event:
    """A creation or an approval: ReturnGO shows no other event."""

    name: str
    happened_at: dt.datetime
    triggered_via: str


@dataclass
class Rma:
    """One return with everything that hangs on it. `fees` of the RMA (return fee, label fee) are deducted once."""

    rma_id: int
    shop_name: str
    order_id: str
    order_name: str
    status: str
    created_at: dt.datetime
    last_updated: dt.datetime
    items: list[ReturnedItem]
    shipments: list[Shipment]
    return_fee: Decimal = Decimal(0)
    shipment_fee: Decimal = Decimal(0)
    events: list[Event] = field(default_factory=list)
    comments: list[Comment] = field(default_factory=list)
    transactions: list[Transaction] = field(default_factory=list)
    exchange_orders: list[ExchangeOrder] = field(default_factory=list)
    approvals: int = 0
    refund_outcome: str | None = None
    is_out_of_policy: bool = False

    def refunded_item_ids(self) -> set[int]:
        """Units with a refund that was asked for or paid."""
        return {item for each in self.transactions if each.status != "Failed" for item in each.returned_item_ids}
