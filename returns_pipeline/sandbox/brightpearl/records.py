"""The records of the sandbox's Brightpearl: products, orders and credits, notes, movements, transfers, payments.

Not here: how they change (`world` and the modules of its verbs) and how they look as JSON (`wire`). Money is a Decimal of major units.
"""

import datetime as dt
from dataclasses import dataclass, field
from decimal import Decimal

FREE_TEXT_PRODUCT = 1000
SALE, CREDIT = "SO", "SC"
ORDER_TYPE_IDS = {"SO": 1, "PO": 2, "SC": 3, "PC": 4}
ORDER_TYPE_NAMES = {"SO": "SALES_ORDER", "PO": "PURCHASE_ORDER", "SC": "SALES_CREDIT", "PC": "PURCHASE_CREDIT"}
PENDING_INVOICE = "pending"


@dataclass
class Product:
    """One product; `components` (product id, quantity) make it a bundle, which is never stock-tracked."""

    product_id: int
    sku: str
    name: str
    barcode: str
    tax_code: str
    price: Decimal
    cost: Decimal
    components: list[tuple[int, int]]
    created_on: dt.datetime
    updated_on: dt.datetime
    nominal_code: str = "4000"
    status: str = "LIVE"
    version: int = 1

    @property
    def is_bundle(self) -> bool:
        """Whether it is made of other products."""
        return bool(self.components)


@dataclass(frozen=True)
class TaxCode:
    """One tax code of the account."""

    tax_id: int
    code: str
    description: str
    rate: Decimal


@dataclass(frozen=True)
class OrderStatus:
    """One order status; a status belongs to one order type."""

    status_id: int
    name: str
    order_type: str


@dataclass(frozen=True)
class PaymentMethod:
    """One payment method of the account."""

    method_id: int
    code: str
    name: str


@dataclass
class Warehouse:
    """A warehouse with its locations: `shelves` maps a name to a location id."""

    warehouse_id: int
    name: str
    default_location_id: int
    quarantine_location_id: int
    shelves: dict[str, int] = field(default_factory=dict)

    def location_ids(self) -> set[int]:
        """Every location of the warehouse."""
        return {self.default_location_id, self.quarantine_location_id, *self.shelves.values()}


@dataclass
class OrderRow:
    """One row of an order or credit; net and tax are row totals."""

    row_id: int
    sequence: int
    product_id: int | None
    name: str
    sku: str | None
    quantity: int
    tax_code: str
    net: Decimal
    tax: Decimal
    nominal_code: str = "4000"
    item_cost: Decimal = Decimal(0)
    discount_percentage: Decimal = Decimal(0)
    is_bundle_parent: bool = False
    is_bundle_child: bool = False
    parent_row_id: int = 0
    cloned_from_id: int = 0
    external_ref: str | None = None
    received: int = 0
    shipped: int = 0


@dataclass(frozen=True)
class Note:
    """A note on an order."""

    note_id: int
    text: str
    is_public: bool
    added_on: dt.datetime
    status_id: int | None = None


@dataclass
class Order:
    """A sales order or a sales credit. `close_asked_at` is the monotonic second of the last close."""

    order_id: int
    order_type: str
    parent_id: int
    reference: str
    status_id: int
    contact_id: int
    currency: str
    accounting_currency: str
    exchange_rate: Decimal
    is_rate_fixed: bool
    price_list_id: int
    price_mode: str
    channel_id: int
    warehouse_id: int
    placed_on: dt.datetime
    created_on: dt.datetime
    created_by: int
    external_ref: str | None = None
    installation_id: int | None = None
    assignment: dict[str, int] = field(default_factory=dict)
    shipping_method_id: int = 0
    country: str = "GB"
    updated_on: dt.datetime | None = None
    closed_on: dt.datetime | None = None
    delivery_date: dt.datetime | None = None
    invoice_reference: str = ""
    tax_date: dt.datetime | None = None
    is_cancelled: bool = False
    rows: dict[int, OrderRow] = field(default_factory=dict)
    notes: list[Note] = field(default_factory=list)
    close_asked_at: float | None = None
    reads_since_close: int = 0
    version: int = 1

    @property
    def is_invoiced(self) -> bool:
        """Whether the accounting was posted, or is being posted."""
        return self.invoice_reference != ""

    @property
    def net(self) -> Decimal:
        """Net of all rows, unrounded."""
        return sum((row.net for row in self.rows.values()), Decimal(0))

    @property
    def tax(self) -> Decimal:
        """Tax of all rows."""
        return sum((row.tax for row in self.rows.values()), Decimal(0))

    def goods_rows(self) -> list[OrderRow]:
        """Rows that move stock: products, but for a bundle's parent row."""
        return [row for row in self.rows.values() if row.product_id is not None and not row.is_bundle_parent]


@dataclass
class GoodsMoved:
    """One line of a goods-in note, against a row of the credit."""

    product_id: int
    row_id: int
    quantity: int
    location_id: int
    value: Decimal
    currency: str


@dataclass
class GoodsInNote:
    """What was received against a credit at one time."""

    note_id: int
    order_id: int
    warehouse_id: int
    received_on: dt.datetime
    created_on: dt.datetime
    created_by: int
    user_batch_reference: str | None
    moved: list[GoodsMoved]
    status: str = "CLOSED"


@dataclass
class GoodsOutNote:
    """What left a warehouse: for an order, or for a stock transfer. `lines` are (row id, product id, quantity, location id)."""

    note_id: int
    order_id: int
    warehouse_id: int
    lines: list[tuple[int, int, int, int]]
    created_on: dt.datetime
    stock_transfer_id: int = 0
    target_warehouse_id: int = 0
    shipped_on: dt.datetime | None = None
    events: list[tuple[str, dt.datetime]] = field(default_factory=list)


@dataclass(frozen=True)
class Movement:
    """One line of the goods-movement search; `seen_from` is the monotonic second from which searches show it."""

    movement_id: int
    note_type: str
    product_id: int
    quantity: int
    location_id: int
    warehouse_id: int
    note_id: int
    value: Decimal
    currency: str
    order_id: int
    sale_row_id: int | None
    purchase_row_id: int | None
    is_quarantine: bool
    updated_on: dt.datetime
    seen_from: float


@dataclass
class StockTransfer:
    """Goods on their way between warehouses; `goods_out_note_id` 0 means that nothing was dispatched."""

    transfer_id: int
    source_id: int
    target_id: int
    reference: str | None
    goods_out_note_id: int = 0


@dataclass(frozen=True)
class Payment:
    """A payment marked on an order or credit; it moves no money."""

    payment_id: int
    order_id: int
    payment_type: str
    method_code: str
    currency: str
    amount: Decimal
    transaction_ref: str | None
    transaction_code: str | None
    payment_date: dt.datetime
    created_on: dt.datetime
    seen_from: float
