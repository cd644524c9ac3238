"""Verbs on sales credits: creating, cloning by hand, amending rows, closing.

Not here: receiving against a credit (`goods`) and its JSON (`wire`).
"""

import datetime as dt
import time
from collections.abc import Mapping
from decimal import ROUND_HALF_UP, Decimal
from typing import Any

from returns_pipeline.sandbox.brightpearl.bodies import (
    decimal_of,
    integer_of,
    optional_integer_of,
    read_moment,
    whole,
)
from returns_pipeline.sandbox.brightpearl.records import CREDIT, FREE_TEXT_PRODUCT, PENDING_INVOICE, Order, OrderRow
from returns_pipeline.sandbox.brightpearl.sales import SaleRow, add_row, set_order_status
from returns_pipeline.sandbox.brightpearl.world import BrightpearlWorld, RefusedError

_CENT = Decimal("0.01")
STAFF = 4


def create_sales_credit(world: BrightpearlWorld, body: Mapping[str, Any]) -> tuple[int, int]:
    """Creates a credit with its rows, or nothing at all.

    Returns:
        201 and the new id; 200 and the existing id where reference and installation were seen before.

    Raises:
        RefusedError: a field is missing or wrong.
    """
    reference, installation = body.get("externalRef"), body.get("installedIntegrationInstanceId")
    if world.switches.dedupe_credits and reference and installation:
        pair = (CREDIT, reference, integer_of(body, "installedIntegrationInstanceId"))
        for credit in world.orders.values():
            if (credit.order_type, credit.external_ref, credit.installation_id) == pair:
                return 200, credit.order_id
    rows = [asked_row(world, row) for row in body.get("rows") or []]
    credit = _header(world, body)
    world.orders[credit.order_id] = credit
    for row in rows:
        add_row(world, credit, row)
    world.index(credit)
    return 201, credit.order_id


def _header(world: BrightpearlWorld, body: Mapping[str, Any]) -> Order:
    customer_id = optional_integer_of(body, "customerId") or optional_integer_of(body.get("customer") or {}, "id")
    if not customer_id:
        raise RefusedError("ORDC-012", "Customer id is required")
    status_id = optional_integer_of(body, "statusId") or default_status(world)
    if status_id not in world.statuses or world.statuses[status_id].order_type != CREDIT:
        raise RefusedError("ORDC-031", f"The order status {status_id} cannot be used for an order of type SC")
    currency = body.get("currency") or {}
    rate = decimal_of(currency, "exchangeRate", 6) if currency.get("exchangeRate") else Decimal(1)
    now = world.clock.now()
    credit = Order(
        world.number("order"), CREDIT, optional_integer_of(body, "parentId"), body.get("ref") or "", status_id, customer_id,
        currency.get("code") or world.accounting_currency, world.accounting_currency, rate, bool(currency.get("fixedExchangeRate")),
        optional_integer_of(body, "priceListId", 1), body.get("priceModeCode") or "EXC", optional_integer_of(body, "channelId"),
        optional_integer_of(body, "warehouseId", 2),
        read_moment(body.get("placedOn")) or now, now, world.app_contact_id, body.get("externalRef"),
    )  # fmt: skip
    world.warehouse(credit.warehouse_id)
    credit.installation_id = optional_integer_of(body, "installedIntegrationInstanceId") or None
    credit.tax_date = read_moment(body.get("taxDate"))
    names = {
        "staffOwnerId": "staffOwnerContactId",
        "projectId": "projectId",
        "leadSourceId": "leadSourceId",
        "teamId": "teamId",
    }
    credit.assignment = {there: integer_of(body, here) for here, there in names.items() if body.get(here)}
    delivery = body.get("delivery") or {}
    credit.shipping_method_id = optional_integer_of(delivery, "shippingMethodId")
    credit.delivery_date = read_moment(delivery.get("date"))
    return credit


def default_status(world: BrightpearlWorld) -> int:
    """The account's first status of a credit."""
    return next(status.status_id for status in world.statuses.values() if status.order_type == CREDIT)


def asked_row(world: BrightpearlWorld, row: Mapping[str, Any]) -> SaleRow:
    """A row out of a request.

    Raises:
        RefusedError: a field is missing or wrong.
    """
    net, tax, quantity = decimal_of(row, "net"), decimal_of(row, "tax"), whole(decimal_of(row, "quantity"))
    if quantity <= 0:
        raise RefusedError("ORDC-021", f"Quantity must be a positive integer, got {quantity}")
    if net < 0 and not world.switches.negative_rows_allowed:
        raise RefusedError("ORDC-024", f"Net must not be negative, got {net}")
    code = str(row.get("taxCode") or "")
    if code not in world.tax_codes:
        raise RefusedError("ORDC-019", f"There is no tax code {code!r}")
    product_id = optional_integer_of(row, "productId") or None
    if product_id is None and not row.get("name"):
        raise RefusedError("ORDC-018", "A row needs a productId or a name")
    if product_id is not None and product_id != FREE_TEXT_PRODUCT:
        world.product(product_id)
    if world.switches.post_recomputes_tax:
        tax = tax_on(world, net, code)
    return SaleRow(
        product_id if product_id != FREE_TEXT_PRODUCT else None, quantity, net, tax, code, row.get("name"), row.get("externalRef"),
        decimal_of(row, "discountPercentage") if row.get("discountPercentage") else Decimal(0), row.get("nominalCode"),
        optional_integer_of(row, "sequence") or None,
    )  # fmt: skip


def tax_on(world: BrightpearlWorld, net: Decimal, tax_code: str) -> Decimal:
    """What Brightpearl itself computes: rate times net, rounded half up."""
    return (net * world.tax_codes[tax_code].rate / 100).quantize(_CENT, rounding=ROUND_HALF_UP)


def clone_order_to_credit(
    world: BrightpearlWorld,
    order_id: int,
    quantities: Mapping[int, int],
    *,
    close: bool = False,
    external_ref: str | None = None,
    created_by: int = STAFF,
) -> int:
    """What staff do by hand, or a connector under its own reference: a credit of some of the sale's rows, with parent and cloned rows."""
    sale = world.order(order_id, "SO")
    now = world.clock.now()
    credit = Order(
        world.number("order"), CREDIT, order_id, sale.reference, default_status(world), sale.contact_id, sale.currency, sale.accounting_currency,
        sale.exchange_rate, sale.is_rate_fixed, sale.price_list_id, sale.price_mode, sale.channel_id, sale.warehouse_id, now, now, created_by, external_ref,
    )  # fmt: skip
    world.orders[credit.order_id] = credit
    for row_id, quantity in quantities.items():
        source = sale.rows[row_id]
        share = Decimal(quantity) / source.quantity
        net, tax = (source.net * share).quantize(Decimal("0.0001")), (source.tax * share).quantize(_CENT, ROUND_HALF_UP)
        new = add_row(
            world,
            credit,
            SaleRow(
                source.product_id, quantity, net, tax, source.tax_code, source.name, nominal_code=source.nominal_code
            ),
        )
        credit.rows[new].cloned_from_id = row_id
    world.index(credit)
    if close:
        close_credit(world, credit.order_id, None)
    return credit.order_id


def update_row(
    world: BrightpearlWorld,
    order_id: int,
    row_id: int,
    *,
    quantity: int | None = None,
    net: Decimal | None = None,
    tax: Decimal | None = None,
) -> OrderRow:
    """Changes a row of an order that is not invoiced; a net without a tax makes Brightpearl recompute the tax.

    Raises:
        RefusedError: no such row, an invoiced order, or fewer units than were received.
    """
    order, row = _open_row(world, order_id, row_id)
    if quantity is not None:
        if quantity < row.received:
            raise RefusedError("ORDC-054", f"Quantity {quantity} is below the {row.received} already fulfilled")
        for child in _children(order, row_id):
            child.quantity = child.quantity * quantity // row.quantity
        row.quantity = quantity
    if net is not None:
        row.net, row.tax = net, tax_on(world, net, row.tax_code)
    row.tax = row.tax if tax is None else tax
    world.touch(order)
    return row


def delete_row(world: BrightpearlWorld, order_id: int, row_id: int) -> None:
    """Deletes a row, with a bundle's children."""
    order, row = _open_row(world, order_id, row_id)
    family = [row, *_children(order, row_id)]
    if any(each.received for each in family):
        raise RefusedError("ORDC-055", f"Row {row_id} is already fulfilled")
    for each in family:
        del order.rows[each.row_id]
    world.touch(order)


def _open_row(world: BrightpearlWorld, order_id: int, row_id: int) -> tuple[Order, OrderRow]:
    order = world.order(order_id)
    if row_id not in order.rows:
        raise RefusedError("CMNC-404", f"There is no row {row_id} on order {order_id}", 404)
    if order.is_invoiced:
        raise RefusedError("ORDC-050", f"Order {order_id} is invoiced: its rows cannot be changed")
    return order, order.rows[row_id]


def _children(order: Order, row_id: int) -> list[OrderRow]:
    direct = [row for row in order.rows.values() if row.parent_row_id == row_id]
    return direct + [deeper for row in direct for deeper in _children(order, row.row_id)]


def cancel_credit(world: BrightpearlWorld, credit_id: int) -> None:
    """Puts a credit into the account's cancelled status."""
    status = next(
        each for each in world.statuses.values() if each.order_type == CREDIT and "cancel" in each.name.lower()
    )
    set_order_status(world, credit_id, status.status_id)


def close_credit(world: BrightpearlWorld, credit_id: int, tax_date: dt.datetime | None) -> None:
    """Begins to post a credit; `settle` finishes it. A credit whose posting failed stays pending and may be closed again.

    Raises:
        RefusedError: it is posted already, cancelled, or the tax date lies in a locked period.
    """
    credit = world.order(credit_id, CREDIT)
    if credit.invoice_reference not in ("", PENDING_INVOICE) or credit.is_cancelled:
        raise RefusedError("ORDC-060", f"Sales credit {credit_id} is already invoiced or cancelled")
    moment = tax_date or credit.tax_date or world.clock.now()
    locked = world.switches.period_locked_until
    if locked and moment.date() <= locked:
        raise RefusedError(
            "ACCC-031",
            f"The accounting period is locked until {locked.isoformat()}: tax date {moment.date().isoformat()} is not allowed",
        )
    credit.invoice_reference, credit.tax_date = PENDING_INVOICE, moment
    credit.close_asked_at, credit.reads_since_close = time.monotonic(), 0
    world.touch(credit)
    settle(world, credit)


def settle(world: BrightpearlWorld, order: Order) -> None:
    """Finishes a pending posting whose time has come; called whenever a credit is read."""
    switches = world.switches
    if order.invoice_reference != PENDING_INVOICE or order.close_asked_at is None or switches.close_sticks_pending:
        return
    if (
        order.reads_since_close < switches.close_after_reads
        or time.monotonic() - order.close_asked_at < switches.close_seconds
    ):
        return
    order.invoice_reference, order.closed_on = f"SC-{world.number('credit_invoice')}", world.clock.now()
    world.touch(order)
