"""Brightpearl's goods notes and stock transfers as records: only the fields that the pipeline needs.

Sources: goods-in note GET, goods-out note GET, stock-transfer GET. Sales, credits and products are in `records_brightpearl`.
"""

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import Any

from returns_pipeline.clients.fields import Fields


@dataclass(frozen=True)
class GoodsInLine:
    """One line of a goods-in note on an order."""

    goods_note_id: int
    credit_id: int
    credit_row_id: int
    product_id: int
    location_id: int
    warehouse_id: int
    quantity: int
    received_on: dt.datetime
    created_by: int | None
    user_batch_reference: str | None
    cost_value: Decimal | None
    cost_currency: str | None
    is_reversed: bool


@dataclass(frozen=True)
class ShelfMove:
    """Units that came into a location of a warehouse from another one of it, or (below zero) left it."""

    goods_movement_id: int
    goods_note_id: int
    product_id: int
    warehouse_id: int
    location_id: int
    quantity: int
    moved_on: dt.datetime

    @classmethod
    def from_row(cls, row: Mapping[str, Any]) -> "ShelfMove":
        """Of a row of `goods-movement-search`; raises RecordRejected where an id, the quantity or the moment is missing."""
        fields = Fields(row, "an internal goods movement")
        return cls(
            fields.integer("goodsMovementId"),
            fields.integer("goodsNoteId"),
            fields.integer("productId"),
            fields.integer("warehouseId"),
            fields.integer("destinationLocationId"),
            fields.integer("quantity"),
            fields.moment("updatedOn"),
        )


@dataclass(frozen=True)
class GoodsOutNote:
    """One goods-out note: of an order, or of a stock transfer."""

    goods_out_note_id: int
    order_id: int
    is_transfer: bool
    stock_transfer_id: int | None
    is_shipped: bool
    quantities: dict[int, int]


@dataclass(frozen=True)
class StockTransfer:
    """One stock transfer between warehouses; `goods_out_note_id` 0 means not dispatched."""

    stock_transfer_id: int
    source_warehouse_id: int
    target_warehouse_id: int
    goods_out_note_id: int
    reference: str | None

    @classmethod
    def from_api(cls, raw: Any) -> "StockTransfer":
        """Raises RecordRejected for a transfer without its ids."""
        fields = Fields(raw, "a stock transfer")
        return cls(
            fields.integer("stockTransferId"),
            fields.integer("sourceWarehouseId"),
            fields.integer("targetWarehouseId"),
            fields.optional_integer("goodsOutNoteId") or 0,
            fields.optional_text("reference"),
        )


def goods_in_lines(note_id: int, raw: Any) -> list[GoodsInLine]:
    """The lines of one note of `GET …/goods-note/goods-in`; lines of one row, product and location are added up."""
    fields = Fields(raw, f"goods-in note {note_id}")
    order_id = fields.integer("orderId")
    is_reversed = fields.optional_text("goodsNoteStatus") == "CANCELLED"
    lines: dict[tuple[int, int, int], GoodsInLine] = {}
    for entry in fields.objects("goodsMoved") if is_reversed else fields.required_objects("goodsMoved"):
        moved = Fields(entry, fields.subject)
        line = GoodsInLine(
            goods_note_id=note_id,
            credit_id=order_id,
            credit_row_id=moved.integer("purchaseOrderRowId"),
            product_id=moved.integer("productId"),
            location_id=moved.optional_integer("destinationLocationId") or 0,
            warehouse_id=moved.optional_integer("warehouseId") or fields.integer("warehouseId"),
            quantity=moved.quantity("quantity"),
            received_on=fields.moment("receivedOn"),
            created_by=fields.optional_integer("createdBy"),
            user_batch_reference=fields.optional_text("userBatchReference"),
            cost_value=moved.optional_decimal("productValue.value"),
            cost_currency=moved.optional_text("productValue.currency"),
            is_reversed=is_reversed,
        )
        key = (line.credit_row_id, line.product_id, line.location_id)
        before = lines.get(key)
        lines[key] = line if before is None else replace(line, quantity=before.quantity + line.quantity)
    return list(lines.values())


def goods_out_note(note_id: int, raw: Any) -> GoodsOutNote:
    """One note of `GET …/goods-note/goods-out`; quantities by order row."""
    fields = Fields(raw, f"goods-out note {note_id}")
    quantities: dict[int, int] = {}
    for row_id, moves in fields.keyed("orderRows"):
        for entry in moves if isinstance(moves, list) else [moves]:
            quantities[row_id] = quantities.get(row_id, 0) + Fields(entry, fields.subject).quantity("quantity")
    return GoodsOutNote(
        goods_out_note_id=note_id,
        order_id=fields.optional_integer("orderId") or 0,
        is_transfer=fields.boolean("transfer", default=False),
        stock_transfer_id=fields.optional_integer("stockTransferId") or None,
        is_shipped=fields.boolean("status.shipped", default=False),
        quantities=quantities,
    )
