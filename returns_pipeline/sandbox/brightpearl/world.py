"""The true state of the sandbox's Brightpearl, and what every verb needs of it: ids, moments, look-ups, refusals.

Not here: the verbs themselves (`catalogue`, `sales`, `credits`, `goods`, `transfers`), which take the world as their first argument.
"""

import copy
import datetime as dt
import random
import threading
import time
from collections.abc import Callable
from decimal import Decimal
from typing import Any

from returns_pipeline.sandbox.brightpearl.records import (
    CREDIT,
    GoodsInNote,
    GoodsOutNote,
    Movement,
    Order,
    OrderStatus,
    Payment,
    PaymentMethod,
    Product,
    StockTransfer,
    TaxCode,
    Warehouse,
)
from returns_pipeline.sandbox.brightpearl.switches import BrightpearlSwitches
from returns_pipeline.sandbox.clock import SandboxClock

_FIRST_IDS = {
    "product": 1007,
    "contact": 200,
    "order": 500_001,
    "row": 900_001,
    "note": 7001,
    "goods_in": 30_001,
    "goods_out": 60_001,
}
_FIRST_IDS |= {
    "movement": 80_001,
    "transfer": 401,
    "payment": 20_001,
    "webhook": 1,
    "sale_invoice": 100_001,
    "credit_invoice": 10_001,
}


class RefusedError(Exception):
    """Brightpearl's own rules forbid it: answered with an error envelope of that status and code."""

    def __init__(self, code: str, message: str, status: int = 400) -> None:
        super().__init__(message)
        self.code, self.message, self.status = code, message, status


def _nobody(url: str, body: str) -> None:  # noqa: ARG001 - what stands here before somebody delivers
    """Delivers nothing."""


class BrightpearlWorld:
    """One account. Take `lock` around verbs: routes and actors run in different threads."""

    def __init__(self, clock: SandboxClock, switches: BrightpearlSwitches | None = None, seed: int = 0) -> None:
        self.clock = clock
        self.switches = switches or BrightpearlSwitches()
        self.random = random.Random(seed)  # noqa: S311 - order of pages, no secret
        self.lock = threading.RLock()
        self.installation_id = 34
        self.app_contact_id = 203
        self.accounting_currency = "GBP"
        self.products: dict[int, Product] = {}
        self.warehouses: dict[int, Warehouse] = {}
        self.stock: dict[tuple[int, int], int] = {}
        self.tax_codes: dict[str, TaxCode] = {}
        self.statuses: dict[int, OrderStatus] = {}
        self.payment_methods: dict[str, PaymentMethod] = {}
        self.channels: dict[int, str] = {}
        self.price_lists: dict[int, tuple[str, str]] = {}
        self.orders: dict[int, Order] = {}
        self.goods_in: dict[int, GoodsInNote] = {}
        self.goods_out: dict[int, GoodsOutNote] = {}
        self.movements: list[Movement] = []
        self.transfers: dict[int, StockTransfer] = {}
        self.payments: dict[int, Payment] = {}
        self.webhooks: dict[int, dict[str, Any]] = {}
        self.deliver: Callable[[str, str], None] = _nobody
        self._numbers = dict(_FIRST_IDS)
        self._versions: dict[int, list[tuple[float, Order]]] = {}

    def number(self, kind: str) -> int:
        """The next id of a kind."""
        self._numbers[kind] += 1
        return self._numbers[kind] - 1

    def product(self, product_id: int) -> Product:
        """The product of that id.

        Raises:
            RefusedError: there is none.
        """
        if product_id not in self.products:
            raise RefusedError("PRDC-024", f"Product {product_id} does not exist")
        return self.products[product_id]

    def product_by_sku(self, sku: str) -> Product | None:
        """The product that carries exactly this SKU today."""
        return next((each for each in self.products.values() if each.sku == sku), None)

    def order(self, order_id: int, order_type: str | None = None) -> Order:
        """The order of that id, of that type where one is given.

        Raises:
            RefusedError: there is none (404).
        """
        order = self.orders.get(order_id)
        if order is None or (order_type and order.order_type != order_type):
            raise RefusedError(
                "CMNC-404", f"There is no {'sales credit' if order_type == CREDIT else 'order'} with ID {order_id}", 404
            )
        return order

    def warehouse(self, warehouse_id: int) -> Warehouse:
        """The warehouse of that id.

        Raises:
            RefusedError: there is none (404).
        """
        if warehouse_id not in self.warehouses:
            raise RefusedError("CMNC-404", f"There is no warehouse with ID {warehouse_id}", 404)
        return self.warehouses[warehouse_id]

    def warehouse_of(self, location_id: int) -> Warehouse:
        """The warehouse that a location is in."""
        for warehouse in self.warehouses.values():
            if location_id in warehouse.location_ids():
                return warehouse
        raise RefusedError("WHSC-070", f"There is no location with ID {location_id}")

    def touch(self, order: Order, moment: dt.datetime | None = None) -> None:
        """Notes a change of an order: its date, its version, and what searches will show once they have caught up."""
        order.updated_on, order.version = moment or self.clock.now(), order.version + 1
        self.index(order)
        self.announce("order.modified", order.order_id)

    def announce(self, event: str, resource_id: int) -> None:
        """Sends an event to those who registered for it or for all of its resource."""
        filled = {"${full-event}": event, "${resource-id}": str(resource_id), "${resource-type}": event.split(".")[0]}
        for webhook in self.webhooks.values():
            if f"{event}.".startswith(f"{webhook['subscribeTo']}."):
                url, body = str(webhook["uriTemplate"]), str(webhook["bodyTemplate"])
                for name, value in filled.items():
                    url, body = url.replace(name, value), body.replace(name, value)
                self.deliver(url, body)

    def index(self, order: Order) -> None:
        """Hands an order, as it is now, to the searches, which show it when their lag has passed."""
        versions = self._versions.setdefault(order.order_id, [])
        versions.append((self.seen_from(), copy.copy(order)))
        visible = [at for at, (seen_from, _) in enumerate(versions) if seen_from <= time.monotonic()]
        del versions[: visible[-1] if visible else 0]

    def indexed_orders(self) -> list[Order]:
        """Every order as the searches know it at this moment."""
        now = time.monotonic()
        visible = ([order for seen_from, order in versions if seen_from <= now] for versions in self._versions.values())
        return [versions[-1] for versions in visible if versions]

    def seen_from(self) -> float:
        """The monotonic second from which searches show what changes now."""
        return time.monotonic() + self.switches.search_lag_seconds

    def move(self, product_id: int, location_id: int, quantity: int) -> None:
        """Changes the stock of one product in one location; a bundle holds none.

        Raises:
            RefusedError: less would be left than nothing.
        """
        if self.product(product_id).is_bundle:
            return
        left = self.stock.get((product_id, location_id), 0) + quantity
        if left < 0:
            raise RefusedError("WHSB-023", f"None of the products {product_id} are available in location {location_id}")
        self.stock[(product_id, location_id)] = left

    def record_movement(
        self,
        note_type: str,
        note_id: int,
        product_id: int,
        location_id: int,
        quantity: int,
        *,
        value: Decimal = Decimal(0),
        order_id: int = 0,
        sale_row_id: int | None = None,
        purchase_row_id: int | None = None,
    ) -> None:
        """Moves stock and writes the line that the goods-movement search shows.

        Raises:
            RefusedError: less would be left in the location than nothing.
        """
        warehouse = self.warehouse_of(location_id)
        self.move(product_id, location_id, quantity)
        self.movements.append(
            Movement(
                self.number("movement"),
                note_type,
                product_id,
                quantity,
                location_id,
                warehouse.warehouse_id,
                note_id,
                value,
                self.accounting_currency,
                order_id,
                sale_row_id,
                purchase_row_id,
                location_id == warehouse.quarantine_location_id,
                self.clock.now(),
                self.seen_from(),
            )  # fmt: skip
        )

    def credits_of(self, order_id: int) -> list[Order]:
        """The credits of a sale, in the order of their making."""
        return [order for order in self.orders.values() if order.order_type == CREDIT and order.parent_id == order_id]
