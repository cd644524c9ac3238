"""Verbs that receive goods: booking in against a credit, correcting and deleting a note.

Not here: goods between warehouses and locations (`transfers`).
"""

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal

from returns_pipeline.sandbox.brightpearl.records import CREDIT, GoodsInNote, GoodsMoved, Order, OrderRow
from returns_pipeline.sandbox.brightpearl.world import BrightpearlWorld, RefusedError


@dataclass(frozen=True)
class Receipt:
    """Units of one row of a credit that came in; without a value the row's cost counts."""

    row_id: int
    quantity: int
    product_id: int | None = None
    location_id: int | None = None
    value: Decimal | None = None


def book_goods_in(
    world: BrightpearlWorld,
    order_id: int,
    receipts: Sequence[Receipt],
    *,
    location_id: int,
    received_on: dt.datetime | None = None,
    user_batch_reference: str | None = None,
    created_by: int = 4,
) -> list[int]:
    """Receives goods against rows of a credit; a product on two rows makes a note for each, as in Brightpearl.

    Returns:
        The ids of the notes.

    Raises:
        RefusedError: a wrong row, a bundle's parent row, more than the row holds, a part where parts are off, or a reference in use.
    """
    credit = world.order(order_id, CREDIT)
    warehouse = world.warehouse_of(location_id)
    _check(world, credit, receipts, user_batch_reference)
    notes: list[list[Receipt]] = []
    for receipt in receipts:
        product_id = credit.rows[receipt.row_id].product_id
        fitting = next(
            (group for group in notes if all(credit.rows[each.row_id].product_id != product_id for each in group)), None
        )
        if fitting is None:
            fitting = []
            notes.append(fitting)
        fitting.append(receipt)
    moment = received_on or world.clock.now()
    ids = []
    for group in notes:
        moved = [
            _moved(credit.rows[receipt.row_id], receipt, location_id, world.accounting_currency) for receipt in group
        ]
        note = GoodsInNote(
            world.number("goods_in"),
            order_id,
            warehouse.warehouse_id,
            moment,
            world.clock.now(),
            created_by,
            user_batch_reference,
            moved,
        )
        world.goods_in[note.note_id] = note
        for line in moved:
            credit.rows[line.row_id].received += line.quantity
            _move(world, note, line, line.quantity)
        ids.append(note.note_id)
        world.announce("goods-in-note.created", note.note_id)
    world.touch(credit)
    return ids


def _check(
    world: BrightpearlWorld, credit: Order, receipts: Sequence[Receipt], user_batch_reference: str | None
) -> None:
    if not receipts:
        raise RefusedError("WHSC-011", "goodsMoved must not be empty")
    if credit.is_cancelled:
        raise RefusedError("WHSC-012", f"Sales credit {credit.order_id} is cancelled")
    if user_batch_reference and any(
        note.user_batch_reference == user_batch_reference for note in world.goods_in.values()
    ):
        raise RefusedError("WHSC-013", f"userBatchReference {user_batch_reference} is already in use")
    incoming: dict[int, int] = {}
    for receipt in receipts:
        row = credit.rows.get(receipt.row_id)
        if row is None or row.product_id is None or row.is_bundle_parent:
            raise RefusedError("WHSC-014", f"Row {receipt.row_id} of order {credit.order_id} cannot be received")
        if receipt.product_id is not None and receipt.product_id != row.product_id:
            raise RefusedError("WHSC-015", f"Product {receipt.product_id} is not the product of row {receipt.row_id}")
        incoming[receipt.row_id] = incoming.get(receipt.row_id, 0) + receipt.quantity
    for row_id, quantity in incoming.items():
        row = credit.rows[row_id]
        if quantity <= 0 or row.received + quantity > row.quantity:
            raise RefusedError(
                "WHSC-016",
                f"Row {row_id} holds {row.quantity}, {row.received} received: {quantity} more cannot be received",
            )
    open_rows = [row for row in credit.goods_rows() if row.received + incoming.get(row.row_id, 0) < row.quantity]
    if open_rows and not world.switches.part_receipt_allowed:
        raise RefusedError("WHSC-017", f"Sales credit {credit.order_id} must be received all at once")


def _moved(row: OrderRow, receipt: Receipt, location_id: int, currency: str) -> GoodsMoved:
    value = row.item_cost if receipt.value is None else receipt.value
    return GoodsMoved(
        row.product_id or 0, row.row_id, receipt.quantity, receipt.location_id or location_id, value, currency
    )


def _move(world: BrightpearlWorld, note: GoodsInNote, line: GoodsMoved, quantity: int) -> None:
    world.record_movement(
        "GI",
        note.note_id,
        line.product_id,
        line.location_id,
        quantity,
        value=line.value,
        order_id=note.order_id,
        purchase_row_id=line.row_id,
    )


def correct_goods_in(world: BrightpearlWorld, note_id: int, product_id: int, quantity: int) -> None:
    """Takes units of a note back out, as long as they are still on hand; a note with nothing left is cancelled.

    Raises:
        RefusedError: no such note, or fewer units on it or on hand.
    """
    note = goods_in_note(world, note_id)
    line = next((each for each in note.moved if each.product_id == product_id and each.quantity >= quantity), None)
    if line is None:
        raise RefusedError("WHSC-018", f"Goods-in note {note_id} does not hold {quantity} of product {product_id}")
    _move(world, note, line, -quantity)
    line.quantity -= quantity
    credit = world.order(note.order_id)
    credit.rows[line.row_id].received -= quantity
    if not any(each.quantity for each in note.moved):
        note.status = "CANCELLED"
    world.touch(credit)


def goods_in_note(world: BrightpearlWorld, note_id: int) -> GoodsInNote:
    """The goods-in note of that id.

    Raises:
        RefusedError: there is none (404).
    """
    if note_id not in world.goods_in:
        raise RefusedError("CMNC-404", f"There is no goods-in note with ID {note_id}", 404)
    return world.goods_in[note_id]


def stock_status(order: Order) -> str:
    """How much of an order or credit was moved: none, part, all."""
    rows = order.goods_rows()
    moved = [row.received if order.order_type == CREDIT else row.shipped for row in rows]
    if not any(moved):
        return f"{order.order_type}N"
    return (
        f"{order.order_type}A"
        if all(done >= row.quantity for done, row in zip(moved, rows, strict=True))
        else f"{order.order_type}P"
    )
