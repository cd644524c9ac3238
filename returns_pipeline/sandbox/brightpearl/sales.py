"""Verbs on orders and rows: placing a sale, expanding bundles, shipping, invoicing, payments, statuses, notes.

Not here: what happens to credits only (`credits`) and what moves stock back in (`goods`).
"""

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal

from returns_pipeline.sandbox.brightpearl.records import SALE, GoodsOutNote, Note, Order, OrderRow, Payment
from returns_pipeline.sandbox.brightpearl.world import BrightpearlWorld, RefusedError


@dataclass(frozen=True)
class SaleRow:
    """What is sold on one row; net and tax are row totals, and a row without product is free text."""

    product_id: int | None
    quantity: int
    net: Decimal
    tax: Decimal
    tax_code: str
    name: str | None = None
    external_ref: str | None = None
    discount_percentage: Decimal = Decimal(0)
    nominal_code: str | None = None
    sequence: int | None = None


def add_sales_order(
    world: BrightpearlWorld,
    *,
    channel_id: int,
    external_ref: str | None,
    customer_ref: str,
    currency: str,
    price_mode: str,
    rows: Sequence[SaleRow],
    placed_on: dt.datetime,
    exchange_rate: Decimal = Decimal(1),
    price_list_id: int = 2,
    warehouse_id: int = 2,
    status_id: int = 1,
    country: str = "GB",
    is_invoiced: bool = True,
    shipped: bool | Mapping[int, int] = True,
    payment_method_code: str | None = None,
) -> int:
    """A sale as the shop's connector makes it; `shipped` may map a row's position to how many units left.

    Returns:
        The order's id.
    """
    order = Order(
        world.number("order"), SALE, 0, customer_ref, status_id, world.number("contact"), currency, world.accounting_currency, exchange_rate,
        exchange_rate != 1, price_list_id, price_mode, channel_id, warehouse_id, placed_on, placed_on, world.app_contact_id, external_ref, country=country,
    )  # fmt: skip
    world.orders[order.order_id] = order
    row_ids = [add_row(world, order, row) for row in rows]
    world.index(order)
    if shipped:
        wanted = (
            {row_ids[position]: quantity for position, quantity in shipped.items()}
            if isinstance(shipped, Mapping)
            else None
        )
        ship_order(world, order.order_id, wanted, placed_on + dt.timedelta(hours=20))
    if is_invoiced:
        invoice_order(world, order.order_id, placed_on + dt.timedelta(hours=20))
    if payment_method_code:
        gross = (order.net + order.tax).quantize(Decimal("0.01"))
        record_payment(
            world,
            order.order_id,
            "RECEIPT",
            payment_method_code,
            currency,
            gross,
            placed_on,
            transaction_ref=external_ref,
        )
    return order.order_id


def add_row(world: BrightpearlWorld, order: Order, asked: SaleRow) -> int:
    """Adds a row; a bundle also gets a child row per component, with the cost and without value.

    Returns:
        The id of the row that was asked for.
    """
    product = world.product(asked.product_id) if asked.product_id is not None else None
    row = OrderRow(
        world.number("row"), asked.sequence or 10 * (len(order.rows) + 1), asked.product_id, asked.name or (product.name if product else ""),
        product.sku if product else None, asked.quantity, asked.tax_code, asked.net, asked.tax, asked.nominal_code or (product.nominal_code if product else "4000"),
        product.cost if product else Decimal(0), asked.discount_percentage, product.is_bundle if product else False, external_ref=asked.external_ref,
    )  # fmt: skip
    order.rows[row.row_id] = row
    if product and product.is_bundle:
        _add_children(world, order, row, product.product_id, asked.quantity)
    return row.row_id


def _add_children(world: BrightpearlWorld, order: Order, parent: OrderRow, bundle_id: int, quantity: int) -> None:
    for component_id, each in world.product(bundle_id).components:
        component = world.product(component_id)
        child = OrderRow(
            world.number("row"), 10 * (len(order.rows) + 1), component_id, component.name, component.sku, quantity * each, parent.tax_code, Decimal(0),
            Decimal(0), component.nominal_code, component.cost, is_bundle_parent=component.is_bundle, is_bundle_child=True, parent_row_id=parent.row_id,
        )  # fmt: skip
        order.rows[child.row_id] = child
        if component.is_bundle:
            _add_children(world, order, child, component_id, quantity * each)


def ship_order(
    world: BrightpearlWorld, order_id: int, quantities: Mapping[int, int] | None, shipped_on: dt.datetime | None = None
) -> int:
    """Ships units of rows (all when None) out of the warehouse's default location, on one goods-out note; a bundle's row ships its children."""
    order = world.order(order_id, SALE)
    location = world.warehouse(order.warehouse_id).default_location_id
    moment, note_id = shipped_on or world.clock.now(), world.number("goods_out")
    lines = []
    for row in order.goods_rows():
        wanted = row.quantity if quantities is None else _wanted(order, row, quantities)
        quantity = min(wanted, row.quantity - row.shipped)
        if quantity > 0:
            row.shipped += quantity
            product_id = row.product_id or 0
            _make_room(world, product_id, location, quantity)
            world.record_movement(
                "GO", note_id, product_id, location, -quantity, order_id=order_id, sale_row_id=row.row_id
            )
            lines.append((row.row_id, product_id, quantity, location))
    world.goods_out[note_id] = GoodsOutNote(
        note_id, order_id, order.warehouse_id, lines, moment, shipped_on=moment, events=[("SHW", moment)]
    )
    world.touch(order, moment)
    return note_id


def _make_room(world: BrightpearlWorld, product_id: int, location_id: int, quantity: int) -> None:
    """What was sold was in stock: tops the location up, so that nobody must stock a warehouse before selling from it."""
    on_hand = world.stock.get((product_id, location_id), 0)
    world.move(product_id, location_id, max(0, quantity - on_hand))


def _wanted(order: Order, row: OrderRow, quantities: Mapping[int, int]) -> int:
    if row.row_id in quantities:
        return quantities[row.row_id]
    parent = order.rows.get(row.parent_row_id)
    return row.quantity * _wanted(order, parent, quantities) // parent.quantity if parent else 0


def invoice_order(world: BrightpearlWorld, order_id: int, tax_date: dt.datetime | None = None) -> str:
    """Posts a sale."""
    order = world.order(order_id, SALE)
    if not order.is_invoiced:
        moment = tax_date or world.clock.now()
        order.invoice_reference, order.tax_date, order.closed_on = (
            f"SI-{world.number('sale_invoice')}",
            moment,
            moment,
        )
        world.touch(order, moment)
    return order.invoice_reference


def set_order_status(
    world: BrightpearlWorld, order_id: int, status_id: int, note: str | None = None, *, is_public: bool = False
) -> None:
    """Moves an order to a status of its own type; a status whose name says cancelled cancels it.

    Raises:
        RefusedError: the status is unknown, of another type, or cancels what is invoiced, received or paid.
    """
    order = world.order(order_id)
    status = world.statuses.get(status_id)
    if status is None or status.order_type != order.order_type:
        raise RefusedError(
            "ORDC-031", f"The order status {status_id} cannot be used for an order of type {order.order_type}"
        )
    if "cancel" in status.name.lower():
        cancel(world, order)
    order.status_id = status_id
    add_note(world, order_id, note or f"Status changed to {status.name}", is_public=is_public, status_id=status_id)
    world.touch(order)


def cancel(world: BrightpearlWorld, order: Order) -> None:
    """Marks an order or credit as cancelled, which needs it to be untouched by accounting, stock and payments."""
    is_paid = any(payment.order_id == order.order_id for payment in world.payments.values())
    is_moved = any(row.received or row.shipped for row in order.rows.values())
    if order.is_invoiced or is_moved or is_paid:
        raise RefusedError("ORDC-042", f"Order {order.order_id} cannot be cancelled: it is invoiced, fulfilled or paid")
    order.is_cancelled = True


def add_note(
    world: BrightpearlWorld, order_id: int, text: str, *, is_public: bool = False, status_id: int | None = None
) -> int:
    """Adds a note to an order; its id."""
    note = Note(world.number("note"), text, is_public, world.clock.now(), status_id)
    world.order(order_id).notes.append(note)
    return note.note_id


def record_payment(
    world: BrightpearlWorld, order_id: int, payment_type: str, method_code: str, currency: str, amount: Decimal, payment_date: dt.datetime,
    transaction_ref: str | None = None, transaction_code: str | None = None,
) -> int:  # fmt: skip
    """Marks a payment on an order; its id.

    Raises:
        RefusedError: no such payment method, or the pair of reference and method is taken.
    """
    world.order(order_id)
    if method_code not in world.payment_methods:
        raise RefusedError("ACCC-017", f"There is no payment method with code {method_code}")
    if transaction_ref and any(
        (each.transaction_ref, each.method_code) == (transaction_ref, method_code) for each in world.payments.values()
    ):
        raise RefusedError(
            "ACCC-020", f"A payment with transactionRef {transaction_ref} and method {method_code} already exists"
        )
    payment = Payment(
        world.number("payment"), order_id, payment_type, method_code, currency, amount, transaction_ref, transaction_code, payment_date,
        world.clock.now(), world.seen_from(),
    )  # fmt: skip
    world.payments[payment.payment_id] = payment
    return payment.payment_id
