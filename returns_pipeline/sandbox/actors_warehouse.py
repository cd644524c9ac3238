"""The people at the returns bench: the warehouse that books goods in and moves stock, and the inspector.

Not here: the carrier (`actors_returns`) and those who change credits in Brightpearl (`actors_office`).
The bench knows a credit by what it can read on it, the reference with the RMA's number; without a credit the parcel stays on the bench.
"""

import re
from collections.abc import Mapping, Sequence
from typing import Any

from returns_pipeline.sandbox import retailer_account as account
from returns_pipeline.sandbox.brightpearl import goods, transfers
from returns_pipeline.sandbox.brightpearl.goods import Receipt
from returns_pipeline.sandbox.brightpearl.records import CREDIT, Order
from returns_pipeline.sandbox.retailer import Retailer
from returns_pipeline.sandbox.returngo.records import ReturnedItem


class Warehouse:
    """Receives, puts away and ships transfers."""

    def __init__(self, retailer: Retailer) -> None:
        self._retailer = retailer
        self._world = retailer.brightpearl

    def find_credits(self, rma_id: int) -> list[int]:
        """Credits whose reference names the RMA and that can still take goods, oldest first."""
        named = re.compile(rf"(?<!\d){rma_id}(?!\d)")
        found = [
            order
            for order in self._world.orders.values()
            if order.order_type == CREDIT
            and not order.is_cancelled
            and not order.is_invoiced
            and named.search(order.reference)
        ]
        return [credit.order_id for credit in found if any(row.received < row.quantity for row in credit.goods_rows())]

    def receive(
        self,
        rma_id: int,
        units: Mapping[str, int] | None = None,
        *,
        credit_id: int | None = None,
        place: str = "default",
        note_reference: str | None = None,
    ) -> dict[str, Any]:
        """Books goods in against the return's credits: all that is open, or `units` by SKU as Brightpearl spells it.

        `place` is default, quarantine, pass or damaged. Answers `booked: false` while no credit can be found.
        """
        credits = [credit_id] if credit_id else self.find_credits(rma_id)
        wanted = dict(units) if units is not None else None
        notes: list[int] = []
        for found in credits:
            receipts = self._receipts(self._world.order(found, CREDIT), wanted)
            if receipts:
                location = self.location(self._world.order(found).warehouse_id, place)
                notes += goods.book_goods_in(
                    self._world, found, receipts, location_id=location, user_batch_reference=note_reference
                )
        return {"booked": bool(notes), "note_ids": notes, "credit_ids": credits, "not_booked": wanted or {}}

    def receive_wrong_sku(self, sku: str, quantity: int = 1) -> dict[str, Any]:
        """Something else was in the parcel: it goes to quarantine as found stock, and nothing is booked on the credit."""
        return self._find_stock(sku, quantity)

    def receive_extra(self, sku: str, quantity: int = 1) -> dict[str, Any]:
        """More came than announced: the credit takes no more, the extra is found stock in quarantine."""
        return self._find_stock(sku, quantity)

    def receive_unannounced(self, sku: str, quantity: int = 1, *, credit_id: int | None = None) -> dict[str, Any]:
        """A parcel that no one announced: found stock, or booked onto a credit that somebody made."""
        if credit_id is None:
            return self._find_stock(sku, quantity)
        receipts = self._receipts(self._world.order(credit_id, CREDIT), {sku: quantity})
        location = self.location(self._world.order(credit_id).warehouse_id, "default")
        return {"note_ids": goods.book_goods_in(self._world, credit_id, receipts, location_id=location)}

    def report_empty_box(self, rma_id: int) -> dict[str, Any]:
        """An empty box: nothing is booked, the bench writes to customer service."""
        rma = self._retailer.returngo.rma(rma_id)
        self._retailer.returngo.comment(rma, "The box was empty", by="Staff Member 3", comment_type="merchant")
        return {"rma_id": rma_id, "booked": False}

    def correct_goods_in(self, note_id: int, sku: str, quantity: int) -> dict[str, Any]:
        """Takes units out of a goods-in note that was wrong."""
        goods.correct_goods_in(self._world, note_id, self._product_id(sku), quantity)
        return {"note_id": note_id, "status": goods.goods_in_note(self._world, note_id).status}

    def ship_transfers(self) -> dict[str, Any]:
        """Ships what stands on dispatched transfers, whoever made them."""
        waiting = [
            note.note_id
            for note in self._world.goods_out.values()
            if note.stock_transfer_id and note.shipped_on is None
        ]
        for note_id in waiting:
            transfers.ship_goods_out_note(self._world, note_id)
        return {"note_ids": waiting}

    def send_to_sale(self, sku: str, quantity: int = 1) -> dict[str, Any]:
        """Staff move units from Returns to the warehouse that sells, on a transfer of their own, inspected or not."""
        transfer_id = transfers.create_stock_transfer(self._world, account.RETURNS, account.MAIN, None)
        products = [(self._product_id(sku), quantity, None)]
        (note_id,) = transfers.dispatch_transfer(self._world, transfer_id, products)
        transfers.ship_goods_out_note(self._world, note_id)
        return {"transfer_id": transfer_id, "note_id": note_id}

    def put_away(self, warehouse_id: int = account.MAIN) -> dict[str, Any]:
        """Releases everything in a warehouse's quarantine to its default location."""
        warehouse = self._world.warehouse(warehouse_id)
        released = {
            product: held
            for (product, place), held in self._world.stock.items()
            if place == warehouse.quarantine_location_id and held > 0
        }
        for product_id, quantity in released.items():
            transfers.release_quarantine(self._world, warehouse_id, product_id, quantity, warehouse.default_location_id)
        return {
            "released": {self._world.product(product_id).sku: quantity for product_id, quantity in released.items()}
        }

    def location(self, warehouse_id: int, place: str) -> int:
        """The location id of a place in a warehouse."""
        warehouse = self._world.warehouse(warehouse_id)
        places = {
            "default": warehouse.default_location_id,
            "quarantine": warehouse.quarantine_location_id,
            **warehouse.shelves,
        }
        if place not in places:
            raise LookupError(f"warehouse {warehouse_id} has no place {place!r}; it has {sorted(places)}")
        return places[place]

    def _receipts(self, credit: Order, wanted: dict[str, int] | None) -> list[Receipt]:
        """Open rows of a credit, limited to what is wanted; what was found is taken off `wanted`."""
        receipts = []
        for row in credit.goods_rows():
            open_quantity = row.quantity - row.received
            sku = self._world.product(row.product_id or 0).sku
            quantity = open_quantity if wanted is None else min(open_quantity, wanted.get(sku, 0))
            if quantity > 0:
                receipts.append(Receipt(row.row_id, quantity))
                if wanted is not None:
                    wanted[sku] -= quantity
        return receipts

    def _find_stock(self, sku: str, quantity: int) -> dict[str, Any]:
        transfers.correct_stock(
            self._world, self._product_id(sku), self.location(account.RETURNS, "quarantine"), quantity
        )
        return {"sku": sku, "found": quantity}

    def _product_id(self, sku: str) -> int:
        product = self._world.product_by_sku(sku)
        if product is None:
            raise LookupError(f"Brightpearl has no product with SKU {sku!r}")
        return product.product_id


class Inspector:
    """Looks at what came: in ReturnGO's dashboard, or by putting it on a shelf."""

    def __init__(self, retailer: Retailer) -> None:
        self._retailer = retailer
        self._world = retailer.brightpearl

    def inspect(
        self, rma_id: int, result: str = "pass", item_ids: Sequence[int] | None = None, *, reason: str | None = None
    ) -> dict[str, Any]:
        """Validates units in ReturnGO (all when None): pass, fail (came, but is damaged) or missing (did not come)."""
        if result not in ("pass", "fail", "missing"):
            raise LookupError(f"an inspection is pass, fail or missing, not {result!r}")
        rma = self._retailer.returngo.rma(rma_id)
        done: list[ReturnedItem] = [
            self._retailer.returngo.validate_item(
                rma_id,
                item.returned_item_id,
                is_returned=result != "missing",
                is_restockable=result == "pass",
                reason=reason,
            )
            for item in rma.items
            if item_ids is None or item.returned_item_id in item_ids
        ]
        return {"rma_id": rma_id, "item_ids": [item.returned_item_id for item in done], "result": result}

    def move_to_shelf(self, sku: str, quantity: int, shelf: str) -> dict[str, Any]:
        """Moves received units inside Returns onto the shelf pass or damaged."""
        warehouse = self._world.warehouse(account.RETURNS)
        product = self._world.product_by_sku(sku)
        if product is None or shelf not in warehouse.shelves:
            raise LookupError(f"no product {sku!r} or no shelf {shelf!r}; shelves are {sorted(warehouse.shelves)}")
        transfers.internal_transfer(
            self._world,
            account.RETURNS,
            product.product_id,
            quantity,
            warehouse.default_location_id,
            warehouse.shelves[shelf],
        )
        return {"sku": sku, "shelf": shelf, "quantity": quantity}
