"""The true state of the sandbox's Brightpearl in plain JSON, for proofs: what it holds, whatever the API says at the moment.

Not here: how the API shows it (`wire`). Money is text in major units, so that nothing is rounded on the way.
"""

from decimal import ROUND_HALF_UP, Decimal
from typing import Any

from returns_pipeline.sandbox.brightpearl.credits import settle
from returns_pipeline.sandbox.brightpearl.goods import stock_status
from returns_pipeline.sandbox.brightpearl.records import CREDIT, Order
from returns_pipeline.sandbox.brightpearl.world import BrightpearlWorld

_CENT = Decimal("0.01")


def summary(world: BrightpearlWorld) -> dict[str, Any]:
    """Credits with their rows, goods-in notes, stock by location, payments and transfers."""
    with world.lock:
        for order in world.orders.values():
            settle(world, order)
        return {
            "credits": [_credit(order) for order in world.orders.values() if order.order_type == CREDIT],
            "goods_in": [_goods_in(world, note_id) for note_id in world.goods_in],
            "stock": _stock(world),
            "payments": [
                {
                    "payment_id": each.payment_id,
                    "order_id": each.order_id,
                    "type": each.payment_type,
                    "method": each.method_code,
                    "currency": each.currency,
                    "amount": str(each.amount),
                    "transaction_ref": each.transaction_ref,
                }
                for each in world.payments.values()
            ],
            "transfers": [_transfer(world, transfer_id) for transfer_id in world.transfers],
        }


def _credit(credit: Order) -> dict[str, Any]:
    gross = (credit.net + credit.tax).quantize(_CENT, ROUND_HALF_UP)
    tax = credit.tax.quantize(_CENT, ROUND_HALF_UP)
    return {
        "credit_id": credit.order_id,
        "order_id": credit.parent_id or None,
        "external_ref": credit.external_ref,
        "reference": credit.reference,
        "currency": credit.currency,
        "net": str(gross - tax),
        "tax": str(tax),
        "gross": str(gross),
        "invoice_reference": credit.invoice_reference,
        "tax_date": credit.tax_date.isoformat() if credit.tax_date else None,
        "status_id": credit.status_id,
        "stock_status": stock_status(credit),
        "is_cancelled": credit.is_cancelled,
        "created_by": credit.created_by,
        "rows": [
            {
                "row_id": row.row_id,
                "product_id": row.product_id,
                "sku": row.sku,
                "name": row.name,
                "quantity": row.quantity,
                "received": row.received,
                "net": str(row.net),
                "tax": str(row.tax),
                "tax_code": row.tax_code,
                "is_bundle_child": row.is_bundle_child,
            }
            for row in credit.rows.values()
        ],
    }


def _goods_in(world: BrightpearlWorld, note_id: int) -> dict[str, Any]:
    note = world.goods_in[note_id]
    lines = [
        {
            "row_id": line.row_id,
            "product_id": line.product_id,
            "quantity": line.quantity,
            "location_id": line.location_id,
            "value": str(line.value),
        }
        for line in note.moved
    ]
    named = {"note_id": note.note_id, "credit_id": note.order_id, "status": note.status}
    return {**named, "reference": note.user_batch_reference, "lines": lines}


def _stock(world: BrightpearlWorld) -> list[dict[str, Any]]:
    places = {
        location_id: warehouse for warehouse in world.warehouses.values() for location_id in warehouse.location_ids()
    }
    return [
        {
            "product_id": product_id,
            "sku": world.products[product_id].sku,
            "warehouse_id": places[location_id].warehouse_id,
            "location_id": location_id,
            "is_quarantine": location_id == places[location_id].quarantine_location_id,
            "quantity": quantity,
        }
        for (product_id, location_id), quantity in sorted(world.stock.items())
        if quantity
    ]


def _transfer(world: BrightpearlWorld, transfer_id: int) -> dict[str, Any]:
    transfer = world.transfers[transfer_id]
    note = world.goods_out.get(transfer.goods_out_note_id)
    return {
        "transfer_id": transfer.transfer_id,
        "source_warehouse_id": transfer.source_id,
        "target_warehouse_id": transfer.target_id,
        "reference": transfer.reference,
        "goods_out_note_id": transfer.goods_out_note_id,
        "is_shipped": bool(note and note.shipped_on),
        "lines": [
            {"product_id": product_id, "quantity": quantity, "location_id": location_id}
            for _, product_id, quantity, location_id in (note.lines if note else [])
        ],
    }
