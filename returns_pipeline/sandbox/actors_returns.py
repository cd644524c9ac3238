"""The people around a return in ReturnGO: the customer, customer service and the carrier.

Not here: the warehouse and inspection (`actors_warehouse`), finance and staff in Brightpearl (`actors_office`).
Each public method is a verb: plain values in, plain values out, so that the story and the admin address use the same ones.
"""

import dataclasses
from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any

from returns_pipeline.sandbox import retailer_account as account
from returns_pipeline.sandbox.retailer import Retailer
from returns_pipeline.sandbox.retailer_orders import RetailOrder
from returns_pipeline.sandbox.returngo.records import ANY_CARRIER, NO_SHIPMENT, ExchangeItem, Rma
from returns_pipeline.sandbox.returngo.world import UnitRequest

_EXCHANGE = "InstantVariantExchange"
# Above any id that a world of its own counts up to.
_IDS_APART = 1_000_000_000


class Customer:
    """Buys, and asks for returns in the portal."""

    def __init__(self, retailer: Retailer) -> None:
        self._retailer = retailer

    def buy(self, shop: str = "uk", shape: str = "single") -> dict[str, Any]:
        """A new order of today, shipped and invoiced; `shape` as in the retailer's order book."""
        order = self._retailer.sell(shop, shape)
        return {"order_name": order.name, "order_id": order.brightpearl_id, "skus": [line.sku for line in order.lines]}

    def request_return(
        self,
        order_name: str,
        units: Sequence[Mapping[str, Any]] | None = None,
        *,
        reason: str = "Does not fit",
        resolution: str = "RefundToPaymentMethod",
        method: str = ANY_CARRIER,
        return_fee: str = "0",
        shipment_fee: str = "0",
        restocking_fee: str = "0",
        refund_outcome: str | None = None,
        exchange_for: str | None = None,
    ) -> dict[str, Any]:
        """Asks to return units: each entry is {"line": position or "sku": text, "quantity": 1, "parcel": 0}; None is the whole order.

        An entry of a bundle may name one "component" of it by SKU.
        """
        order = self._retailer.order(order_name)
        asked: list[UnitRequest] = []
        taken = self._units_returned_already(order)
        for entry in (
            units
            if units is not None
            else [{"line": at, "quantity": line.quantity} for at, line in enumerate(order.lines)]
        ):
            at = _line_position(order, entry)
            line = order.lines[at]
            for _ in range(int(entry.get("quantity", 1))):
                position = taken.get(line.line_id, 0)
                taken[line.line_id] = position + 1
                sold = (
                    self._retailer.component_unit(order, line, str(entry["component"]))
                    if "component" in entry
                    else self._retailer.sold_unit(order, line, min(position, line.quantity - 1))
                )
                exchange = self._exchange_item(order, exchange_for) if exchange_for else None
                parcel = int(entry.get("parcel", 0))
                asked.append(UnitRequest(sold, reason, resolution, method, parcel, Decimal(restocking_fee), exchange))
        rma = self._retailer.returngo.request_return(
            account.SHOP_NAMES[order.shop],
            order.shopify_id,
            order.name,
            asked,
            return_fee=Decimal(return_fee),
            shipment_fee=Decimal(shipment_fee),
            refund_outcome=refund_outcome,
        )
        return {
            "rma_id": rma.rma_id,
            "item_ids": [item.returned_item_id for item in rma.items],
            "shipment_ids": [shipment.shipment_id for shipment in rma.shipments],
        }

    def _units_returned_already(self, order: RetailOrder) -> dict[str, int]:
        taken: dict[str, int] = {}
        for rma in self._retailer.returngo.rmas.values():
            if rma.order_name == order.name and rma.status not in ("Rejected", "Canceled"):
                for item in rma.items:
                    taken[item.unit.shop_line_item_id] = taken.get(item.unit.shop_line_item_id, 0) + 1
        return taken

    def _exchange_item(self, order: RetailOrder, sku: str) -> ExchangeItem:
        number = self._retailer.product_ids[sku]
        return ExchangeItem(
            str(8_100_000_000_000 + number), str(46_100_000_000_000 + number), sku, self._retailer.price_of(order, sku)
        )


class CustomerService:
    """Works in ReturnGO's dashboard."""

    def __init__(self, retailer: Retailer) -> None:
        self._retailer = retailer

    def approve(self, rma_id: int) -> dict[str, Any]:
        """Approves a request; parcels get their label."""
        return self._set_status(rma_id, "Approved")

    def reject(self, rma_id: int) -> dict[str, Any]:
        """Rejects a request."""
        return self._set_status(rma_id, "Rejected")

    def cancel(self, rma_id: int) -> dict[str, Any]:
        """Cancels a return."""
        return self._set_status(rma_id, "Canceled")

    def reopen(self, rma_id: int) -> dict[str, Any]:
        """Opens a rejected or cancelled return again."""
        return self._set_status(rma_id, "Approved")

    def mark_done(self, rma_id: int) -> dict[str, Any]:
        """Closes a return."""
        return self._set_status(rma_id, "Done")

    def validate_parcel(self, rma_id: int, shipment_id: int | None = None) -> dict[str, Any]:
        """Clicks a parcel to Validated by hand."""
        return _move_parcels(self._retailer, rma_id, shipment_id, "Validated", by="Staff Member 2")

    def refund(
        self, rma_id: int, item_ids: Sequence[int] | None = None, *, outcome: str | None = None, adjustment: str = "0"
    ) -> dict[str, Any]:
        """Issues the refund of units (all when None); `adjustment` adds delivery or takes off for damage."""
        made = self._retailer.returngo.refund(rma_id, item_ids, outcome=outcome, adjustment=Decimal(adjustment))
        return {"transaction_ids": [each.transaction_id for each in made], "statuses": [each.status for each in made]}

    def settle_refund(self, transaction_id: int, status: str) -> dict[str, Any]:
        """The platform answers a pending refund: Success or Failed."""
        return {
            "transaction_id": transaction_id,
            "status": self._retailer.returngo.settle_transaction(transaction_id, status).status,
        }

    def comment(self, rma_id: int, text: str) -> dict[str, Any]:
        """Writes a note into the timeline."""
        rma = self._retailer.returngo.rma(rma_id)
        return {
            "comment": self._retailer.returngo.comment(
                rma, text, by="Staff Member 2", comment_type="merchant"
            ).html_text
        }

    def rename(self, rma_id: int, order_name: str, sku: str) -> dict[str, Any]:
        """Other words for the order and its articles, as a shop may write anything there; the ids stay."""
        rma = self._retailer.returngo.rma(rma_id)
        rma.order_name = order_name
        for item in rma.items:
            item.unit = dataclasses.replace(item.unit, sku=sku)
        return {"rma_id": rma_id}

    def repeat(self, rma_id: int, first: int, last: int) -> dict[str, Any]:
        """More returns like this one as it stands, in ReturnGO alone: each number from first to last goes before its ids and behind its order's names."""
        world = self._retailer.returngo
        original = world.rma(rma_id)
        for number in range(first, last + 1):
            ahead = number * _IDS_APART
            world.rmas[ahead + rma_id] = dataclasses.replace(
                original,
                rma_id=ahead + rma_id,
                order_id=f"{original.order_id}-{number}",
                order_name=f"{original.order_name}-{number}",
                items=[
                    dataclasses.replace(
                        item,
                        returned_item_id=ahead + item.returned_item_id,
                        shipment_id=ahead + item.shipment_id if item.shipment_id else None,
                    )
                    for item in original.items
                ],
                shipments=[
                    dataclasses.replace(parcel, shipment_id=ahead + parcel.shipment_id, rma_id=ahead + rma_id)
                    for parcel in original.shipments
                ],
                comments=list(original.comments),
                transactions=[],
            )
        return {"rma_ids_apart": _IDS_APART}

    def release_exchange(self, rma_id: int, *, is_undervalued: bool = False) -> dict[str, Any]:
        """Releases the exchange: the replacement becomes an order, at its price or (as some apps write it) at nothing."""
        rma = self._retailer.returngo.rma(rma_id)
        wanted = [each for item in rma.items for each in item.exchange_items]
        order = self._retailer.sell_replacement(
            rma.order_name, [each.sku for each in wanted], is_undervalued=is_undervalued
        )
        self._retailer.returngo.release_exchange(rma_id, order.shopify_id, order.name)
        return {"order_name": order.name, "order_id": order.brightpearl_id}

    def change_resolution(self, rma_id: int, resolution: str) -> dict[str, Any]:
        """Agrees another outcome with the customer."""
        rma = self._retailer.returngo.change_resolution(rma_id, resolution)
        return {"rma_id": rma_id, "resolutions": sorted({item.resolution_type for item in rma.items})}

    def _set_status(self, rma_id: int, status: str) -> dict[str, Any]:
        rma = self._retailer.returngo.set_status(rma_id, status)
        return {"rma_id": rma_id, "status": rma.status}


class Carrier:
    """Moves parcels; ReturnGO's automation follows its tracking."""

    def __init__(self, retailer: Retailer) -> None:
        self._retailer = retailer

    def ship(self, rma_id: int, shipment_id: int | None = None) -> dict[str, Any]:
        """Takes parcels in (all of the return when no shipment is named)."""
        return _move_parcels(self._retailer, rma_id, shipment_id, "Shipped")

    def deliver(self, rma_id: int, shipment_id: int | None = None) -> dict[str, Any]:
        """Says that parcels were delivered, which is not yet a receipt."""
        return _move_parcels(self._retailer, rma_id, shipment_id, "Received")


def _move_parcels(
    retailer: Retailer, rma_id: int, shipment_id: int | None, status: str, *, by: str = "ReturnGO API"
) -> dict[str, Any]:
    rma: Rma = retailer.returngo.rma(rma_id)
    wanted = [each for each in rma.shipments if shipment_id in (None, each.shipment_id)]
    for shipment in wanted:
        retailer.returngo.update_shipment(shipment.shipment_id, {"status": status}, by=by)
    return {
        "rma_id": rma_id,
        "status": rma.status,
        "shipments": {str(each.shipment_id): each.status for each in wanted},
    }


def _line_position(order: RetailOrder, entry: Mapping[str, Any]) -> int:
    if "line" in entry:
        return int(entry["line"])
    found = [at for at, line in enumerate(order.lines) if line.sku == entry.get("sku")]
    if not found:
        raise LookupError(
            f"order {order.name} has no line with SKU {entry.get('sku')!r}; it has {[line.sku for line in order.lines]}"
        )
    return found[0]


__all__ = ["NO_SHIPMENT", "Carrier", "Customer", "CustomerService"]
