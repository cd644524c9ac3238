"""Verbs that move stock between warehouses and locations: transfers, quarantine release, shelf to shelf, corrections.

Not here: receiving a return (`goods`).
"""

from collections.abc import Sequence

from returns_pipeline.sandbox.brightpearl.records import GoodsOutNote, StockTransfer
from returns_pipeline.sandbox.brightpearl.world import BrightpearlWorld, RefusedError

_BEFORE_SHIPPED = ("PRI", "PIC", "PAC")


def create_stock_transfer(world: BrightpearlWorld, source_id: int, target_id: int, reference: str | None) -> int:
    """An empty transfer between two warehouses; its id.

    Raises:
        RefusedError: no such warehouse, or the reference is taken.
    """
    world.warehouse(source_id)
    world.warehouse(target_id)
    if reference and any(each.reference == reference for each in world.transfers.values()):
        raise RefusedError("WHSC-041", f"A stock transfer with reference {reference} already exists")
    transfer = StockTransfer(world.number("transfer"), source_id, target_id, reference)
    world.transfers[transfer.transfer_id] = transfer
    return transfer.transfer_id


def dispatch_transfer(
    world: BrightpearlWorld, transfer_id: int, products: Sequence[tuple[int, int, int | None]]
) -> list[int]:
    """Puts (product, quantity, location or None for any) of the source warehouse on the transfer; the ids of its goods-out notes.

    Raises:
        RefusedError: no such transfer, one already dispatched, or not enough on hand outside quarantine.
    """
    transfer = world.transfers.get(transfer_id)
    if transfer is None:
        raise RefusedError("CMNC-404", f"There is no stock transfer with ID {transfer_id}", 404)
    if transfer.goods_out_note_id:
        raise RefusedError("WHSC-042", f"Stock transfer {transfer_id} is already processed")
    warehouse = world.warehouse(transfer.source_id)
    sellable = sorted(warehouse.location_ids() - {warehouse.quarantine_location_id})
    lines: list[tuple[int, int, int, int]] = []
    for product_id, quantity, location_id in products:
        lines += _allocate(world, product_id, quantity, [location_id] if location_id else sellable, lines)
    note = GoodsOutNote(
        world.number("goods_out"),
        0,
        transfer.source_id,
        lines,
        world.clock.now(),
        transfer.transfer_id,
        transfer.target_id,
    )
    world.goods_out[note.note_id] = note
    for _, product_id, quantity, location_id in lines:
        world.record_movement("GO", note.note_id, product_id, location_id, -quantity)
    transfer.goods_out_note_id = note.note_id
    return [note.note_id]


def _allocate(
    world: BrightpearlWorld,
    product_id: int,
    quantity: int,
    locations: Sequence[int],
    taken: Sequence[tuple[int, int, int, int]],
) -> list[tuple[int, int, int, int]]:
    lines, wanted = [], quantity
    for location_id in locations:
        reserved = sum(line[2] for line in taken if (line[1], line[3]) == (product_id, location_id))
        some = min(wanted, world.stock.get((product_id, location_id), 0) - reserved)
        if some > 0:
            lines.append((0, product_id, some, location_id))
            wanted -= some
    if wanted:
        raise RefusedError(
            "WHSC-043", f"Not enough of product {product_id} is on hand: {quantity} wanted, {wanted} missing"
        )
    return lines


def ship_goods_out_note(world: BrightpearlWorld, note_id: int) -> None:
    """Ships a note; a transfer's goods land in the target warehouse's quarantine.

    Raises:
        RefusedError: no such note, or one already shipped.
    """
    note = world.goods_out.get(note_id)
    if note is None:
        raise RefusedError("CMNC-404", f"There is no goods-out note with ID {note_id}", 404)
    if note.shipped_on:
        raise RefusedError("WHSC-044", f"Goods-out note {note_id} is already shipped")
    note.shipped_on = world.clock.now()
    note.events += [(code, note.shipped_on) for code in (*_BEFORE_SHIPPED, "SHW")]
    if note.stock_transfer_id:
        target = world.warehouse(note.target_warehouse_id).quarantine_location_id
        for _, product_id, quantity, _ in note.lines:
            world.record_movement("GO", note.note_id, product_id, target, quantity)


def release_quarantine(
    world: BrightpearlWorld, warehouse_id: int, product_id: int, quantity: int, to_location_id: int
) -> None:
    """Makes quarantined units sellable.

    Raises:
        RefusedError: fewer are there, or the location is in another warehouse.
    """
    warehouse = world.warehouse(warehouse_id)
    internal_transfer(world, warehouse_id, product_id, quantity, warehouse.quarantine_location_id, to_location_id)


def internal_transfer(
    world: BrightpearlWorld,
    warehouse_id: int,
    product_id: int,
    quantity: int,
    from_id: int,
    to_id: int,
    *,
    note_id: int | None = None,
) -> None:
    """Moves units between two locations of one warehouse, on a note of their own unless one is given.

    Raises:
        RefusedError: fewer are there, or a location is in another warehouse.
    """
    locations = world.warehouse(warehouse_id).location_ids()
    if not {from_id, to_id} <= locations:
        raise RefusedError("WHSC-070", f"Locations {from_id} and {to_id} are not both in warehouse {warehouse_id}")
    if quantity <= 0:
        raise RefusedError("WHSB-038", f"Quantity must be positive, got {quantity}")
    note = note_id or world.number("goods_out")
    world.record_movement("IT", note, product_id, from_id, -quantity)
    world.record_movement("IT", note, product_id, to_id, quantity)


def correct_stock(world: BrightpearlWorld, product_id: int, location_id: int, quantity: int) -> int:
    """Adds or takes units out of thin air; adding to an archived product makes it live again.

    Returns:
        The id of the correction's note.

    Raises:
        RefusedError: more is taken than is there.
    """
    product, note_id = world.product(product_id), world.number("goods_out")
    world.record_movement("SC", note_id, product_id, location_id, quantity)
    if quantity > 0:
        product.status = "LIVE"
    return note_id
