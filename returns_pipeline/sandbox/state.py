"""What is really so in the sandbox, as JSON: the measure that the pipeline's tables are held against.

Not here: what the APIs would answer (`wire` of either world), which may lag, hide or lie.
"""

from decimal import Decimal
from typing import Any

from returns_pipeline.sandbox.brightpearl import wire
from returns_pipeline.sandbox.brightpearl.records import CREDIT, Order
from returns_pipeline.sandbox.brightpearl.world import BrightpearlWorld
from returns_pipeline.sandbox.retailer import Retailer
from returns_pipeline.sandbox.returngo.records import Rma


def state(retailer: Retailer) -> dict[str, Any]:
    """Both worlds; take their locks first."""
    world = retailer.brightpearl
    return {
        "now": retailer.clock.now().isoformat(),
        "returngo": {"rmas": [_rma(rma) for rma in retailer.returngo.rmas.values()]},
        "brightpearl": {
            "credits": [_credit(world, order) for order in world.orders.values() if order.order_type == CREDIT],
            "stock": _stock(world),
            "goods_in": [
                {
                    "note_id": note.note_id,
                    "credit_id": note.order_id,
                    "status": note.status,
                    "lines": [
                        {"row_id": line.row_id, "product_id": line.product_id, "quantity": line.quantity}
                        for line in note.moved
                    ],
                }
                for note in world.goods_in.values()
            ],
            "payments": [
                {
                    "payment_id": each.payment_id,
                    "order_id": each.order_id,
                    "type": each.payment_type,
                    "method": each.method_code,
                    "amount": str(each.amount),
                    "currency": each.currency,
                    "reference": each.transaction_ref,
                }
                for each in world.payments.values()
            ],
            "transfers": [_transfer(world, transfer_id) for transfer_id in world.transfers],
        },
    }


def _rma(rma: Rma) -> dict[str, Any]:
    return {
        "rma_id": rma.rma_id,
        "shop": rma.shop_name,
        "order_name": rma.order_name,
        "status": rma.status,
        "shipments": {str(each.shipment_id): each.status for each in rma.shipments},
        "units": len(rma.items),
        "transactions": [
            {
                "id": each.transaction_id,
                "type": each.type,
                "status": each.status,
                "amount": str(each.amount.shop_amount),
            }
            for each in rma.transactions
        ],
    }


def _credit(world: BrightpearlWorld, credit: Order) -> dict[str, Any]:
    gross = (credit.net + credit.tax).quantize(Decimal("0.01"))
    return {
        "credit_id": credit.order_id,
        "parent_id": credit.parent_id,
        "reference": credit.reference,
        "external_ref": credit.external_ref,
        "status": world.statuses[credit.status_id].name,
        "currency": credit.currency,
        "net": str(gross - credit.tax),
        "tax": str(credit.tax),
        "gross": str(gross),
        "invoice_reference": credit.invoice_reference,
        "is_cancelled": credit.is_cancelled,
        "stock_status": wire.stock_status(credit),
        "payment_status": wire.payment_status(world, credit),
        "rows": [
            {
                "row_id": row.row_id,
                "product_id": row.product_id,
                "sku": row.sku,
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


def _stock(world: BrightpearlWorld) -> list[dict[str, Any]]:
    return [
        {
            "sku": world.product(product_id).sku,
            "warehouse_id": world.warehouse_of(location_id).warehouse_id,
            "location_id": location_id,
            "quantity": held,
        }
        for (product_id, location_id), held in sorted(world.stock.items())
        if held
    ]


def _transfer(world: BrightpearlWorld, transfer_id: int) -> dict[str, Any]:
    transfer = world.transfers[transfer_id]
    note = world.goods_out.get(transfer.goods_out_note_id)
    return {
        "transfer_id": transfer_id,
        "source_id": transfer.source_id,
        "target_id": transfer.target_id,
        "reference": transfer.reference,
        "goods_out_note_id": transfer.goods_out_note_id,
        "is_shipped": bool(note and note.shipped_on),
        "units": sum(line[2] for line in note.lines) if note else 0,
    }
