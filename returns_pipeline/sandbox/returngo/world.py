"""The true state of the sandbox's ReturnGO and the verbs that change it.

Not here: HTTP (`routes`), JSON (`wire`), or the people who use the verbs (`actors*.py` beside this folder).
"""

import json
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from decimal import Decimal

from returns_pipeline.sandbox.clock import SandboxClock
from returns_pipeline.sandbox.returngo import refunds
from returns_pipeline.sandbox.returngo.records import (
    NO_SHIPMENT,
    RMA_TRANSITIONS,
    SHIPMENT_STATUSES,
    SHIPMENT_TRANSITIONS,
    Comment,
    Event,
    ExchangeItem,
    ExchangeOrder,
    ReturnedItem,
    Rma,
    Shipment,
    SoldUnit,
    Transaction,
)
from returns_pipeline.sandbox.returngo.switches import ReturnGoSwitches

_FIRST_RMA_ID = 9_850_001
_STAFF = "Staff Member 1"
_AUTOMATION = "Automation"
_API = "ReturnGO API"
_ARRIVED = {"Received", "Validated"}


def _nobody(url: str, body: str) -> None:  # noqa: ARG001 - what stands here before somebody delivers
    """Delivers nothing."""


class NotFoundError(Exception):
    """No RMA, parcel or transaction of that id."""


class RefusedError(Exception):
    """ReturnGO's own rules forbid the change; the message says why."""


@dataclass(frozen=True)
class UnitRequest:
    """One unit that a customer wants to return."""

    unit: SoldUnit
    reason: str
    resolution_type: str = "RefundToPaymentMethod"
    method: str = "Ship with any carrier"
    parcel: int = 0
    restocking_fee: Decimal = Decimal(0)
    exchange_for: ExchangeItem | None = None


class ReturnGoWorld:
    """Every shop's returns. Take `lock` around a verb: routes and actors run in different threads."""

    def __init__(self, clock: SandboxClock, api_keys: dict[str, str], switches: ReturnGoSwitches | None = None) -> None:
        """`api_keys` names each shop (as in x-shop-name) and its owner's key; one key may own several shops."""
        self.clock = clock
        self.api_keys = dict(api_keys)
        self.switches = switches or ReturnGoSwitches()
        self.lock = threading.RLock()
        self.rmas: dict[int, Rma] = {}
        self.webhooks: dict[int, dict[str, str]] = {}
        self.deliver: Callable[[str, str], None] = _nobody
        self._used_numbers: dict[str, int] = {}

    def announce(self, event: str, rma: Rma) -> None:
        """Sends an event to the shop's registrations for it. Only `eventName` is documented of the body; the rest is the sandbox's guess."""
        body = json.dumps({"eventName": event, "data": {"rmaId": rma.rma_id}})
        for webhook in self.webhooks.values():
            if (webhook["shop"], webhook["eventName"]) == (rma.shop_name, event):
                self.deliver(webhook["url"], body)

    def rma(self, rma_id: int) -> Rma:
        """The RMA of that id; ids are unique over all shops."""
        if rma_id not in self.rmas:
            raise NotFoundError(f"RMA {rma_id} not found")
        return self.rmas[rma_id]

    def shipment(self, shipment_id: int) -> tuple[Rma, Shipment]:
        """The parcel of that id with its RMA."""
        for rma in self.rmas.values():
            for shipment in rma.shipments:
                if shipment.shipment_id == shipment_id:
                    return rma, shipment
        raise NotFoundError(f"Shipment {shipment_id} not found")

    def transaction(self, transaction_id: int) -> tuple[Rma, Transaction]:
        """The transaction of that id with its RMA."""
        for rma in self.rmas.values():
            for transaction in rma.transactions:
                if transaction.transaction_id == transaction_id:
                    return rma, transaction
        raise NotFoundError(f"Transaction {transaction_id} not found")

    def request_return(
        self,
        shop_name: str,
        order_id: str,
        order_name: str,
        units: Sequence[UnitRequest],
        *,
        return_fee: Decimal = Decimal(0),
        shipment_fee: Decimal = Decimal(0),
        refund_outcome: str | None = None,
    ) -> Rma:
        """A customer's request: status Pending, one item per unit, one parcel per distinct `parcel` number."""
        now = self.clock.now()
        rma_id = self.number("rma", _FIRST_RMA_ID)
        shipments: dict[int, Shipment] = {}
        for each in units:
            if each.method != NO_SHIPMENT and each.parcel not in shipments:
                shipments[each.parcel] = Shipment(self.number("shipment", 7_410_001), rma_id)
        items = [self._item(each, shipments.get(each.parcel)) for each in units]
        rma = Rma(rma_id, shop_name, order_id, order_name, "Pending", now, now, items, list(shipments.values()))
        rma.return_fee, rma.shipment_fee, rma.refund_outcome = return_fee, shipment_fee, refund_outcome
        rma.events.append(Event("RMA_CREATED", now, "Return Portal"))
        if any(item.exchange_items for item in items):
            draft = self.number("draft", 3_535_025_450_001)
            rma.exchange_orders.append(ExchangeOrder(str(draft), f"#D{draft % 10_000}"))
        self.rmas[rma_id] = rma
        self.comment(rma, "Request SUBMITTED", by="")
        return rma

    def set_status(self, rma_id: int, status: str, *, by: str = _STAFF) -> Rma:
        """Approves, rejects, cancels, reopens or closes an RMA.

        Raises:
            NotFoundError: no such RMA.
            RefusedError: the status is unknown or cannot follow the present one.
        """
        rma = self.rma(rma_id)
        if status not in RMA_TRANSITIONS:
            raise RefusedError(f"Invalid status: {status}")
        if status == rma.status:
            return rma
        if status not in RMA_TRANSITIONS[rma.status]:
            raise RefusedError(f"Invalid status transition from {rma.status} to {status}")
        was_closed = rma.status in ("Rejected", "Canceled")
        rma.status = status
        if status == "Approved":
            self._approve(rma, by, is_reopened=was_closed)
        elif status == "Canceled":
            self.comment(
                rma,
                f"Canceled Shopify return {rma.order_name}-R{max(rma.approvals, 1)} for order {rma.order_name}",
                by=by,
            )
            self.comment(rma, "Request <strong>CANCELED</strong> (reason: customer keeps the goods)", by=by)
        else:
            self.comment(rma, f"Request <strong>{status.upper()}</strong>", by=by)
        self._touch(rma, always=status in ("Approved", "Rejected", "Canceled"))
        self.announce("RMA_STATUS_UPDATED", rma)
        return rma

    def update_shipment(self, shipment_id: int, changes: dict[str, str | None], *, by: str = _API) -> Shipment:
        """Sets a parcel's status and carrier fields; an arrival moves the RMA and may release the refund.

        Raises:
            NotFoundError: no such parcel.
            RefusedError: the status is unknown or cannot follow the present one.
        """
        rma, shipment = self.shipment(shipment_id)
        status = changes.get("status") or shipment.status
        if status not in SHIPMENT_STATUSES:
            raise RefusedError(f"Invalid shipment status: {status}")
        if status != shipment.status and status not in SHIPMENT_TRANSITIONS[shipment.status]:
            raise RefusedError(f"Invalid status transition from {shipment.status} to {status}")
        has_moved = status != shipment.status
        shipment.status = status
        for name in ("carrier_name", "tracking_number", "tracking_url", "label_url"):
            if name in changes:
                setattr(shipment, name, changes[name])
        self.comment(rma, f"Shipment with ID: {shipment_id} was updated", by=by)
        if has_moved:
            self._follow_shipment(rma, shipment)
        self._touch(rma)
        return shipment

    def validate_item(
        self, rma_id: int, returned_item_id: int, *, is_returned: bool, is_restockable: bool, reason: str | None = None
    ) -> ReturnedItem:
        """An inspection in ReturnGO's dashboard. It writes no parcel status: only the person's click on the parcel does."""
        rma = self.rma(rma_id)
        item = next((each for each in rma.items if each.returned_item_id == returned_item_id), None)
        if item is None:
            raise NotFoundError(f"RMA {rma_id} has no item {returned_item_id}")
        found = item.validation
        found.is_returned, found.is_restockable = is_returned, is_returned and is_restockable
        found.non_returned_reason = None if is_returned else reason or "Not in the parcel"
        found.non_restockable_reason = None if found.is_restockable else reason or "Not fit for sale"
        found.validated_on, found.validated_by = self.clock.now(), "Inspector 1"
        self._touch(rma)
        return item

    def refund(
        self,
        rma_id: int,
        item_ids: Sequence[int] | None = None,
        *,
        outcome: str | None = None,
        adjustment: Decimal = Decimal(0),
        by: str = _STAFF,
    ) -> list[Transaction]:
        """Asks the platform for the refund of units (all that have none when `item_ids` is None), one transaction each.

        `adjustment` joins the first transaction: delivery given back (positive) or a deduction for damage (negative).
        """
        rma = self.rma(rma_id)
        made = refunds.refund_items(
            self, rma, item_ids, outcome or rma.refund_outcome or self.switches.refund_outcome, adjustment, by
        )
        self._touch(rma)
        for _ in made:
            self.announce("TRANSACTION_CREATED", rma)
        return made

    def settle_transaction(self, transaction_id: int, status: str) -> Transaction:
        """The platform's late answer to a refund that was only requested."""
        rma, transaction = self.transaction(transaction_id)
        if status not in ("Success", "Failed"):
            raise RefusedError(f"Invalid transaction status: {status}")
        transaction.status, transaction.last_updated = status, self.clock.now()
        if status == "Failed":
            refunds.note_failure(self, rma)
        return transaction

    def release_exchange(self, rma_id: int, order_id: str, order_name: str) -> ExchangeOrder:
        """Turns the draft into a real order.

        Raises:
            RefusedError: the RMA has no exchange.
        """
        rma = self.rma(rma_id)
        if not rma.exchange_orders:
            raise RefusedError(f"RMA {rma_id} has no exchange order")
        draft = rma.exchange_orders[0]
        draft.order_id, draft.order_name = order_id, order_name
        self._touch(rma)
        return draft

    def change_resolution(self, rma_id: int, resolution_type: str) -> Rma:
        """Another outcome for the whole return, such as a refund where the wanted article is out of stock; the exchange's draft goes."""
        rma = self.rma(rma_id)
        for item in rma.items:
            item.resolution_type, item.exchange_items = resolution_type, []
        rma.exchange_orders.clear()
        self._touch(rma)
        return rma

    def comment(self, rma: Rma, html: str, *, by: str, comment_type: str = "system") -> Comment:
        """Adds to the timeline, newest first."""
        entry = Comment(comment_type, by, html, self.clock.now())
        rma.comments.insert(0, entry)
        return entry

    def number(self, kind: str, first: int) -> int:
        """The next id of a kind; ids never depend on the order of threads because every caller holds the lock."""
        self._used_numbers[kind] = self._used_numbers.get(kind, first - 1) + 1
        return self._used_numbers[kind]

    def _item(self, asked: UnitRequest, shipment: Shipment | None) -> ReturnedItem:
        return ReturnedItem(
            returned_item_id=self.number("item", 93_460_001),
            unit=asked.unit,
            reason=asked.reason,
            resolution_type=asked.resolution_type,
            method=asked.method,
            shipment_id=shipment.shipment_id if shipment else None,
            restocking_fee=asked.restocking_fee,
            exchange_items=[asked.exchange_for] if asked.exchange_for else [],
        )

    def _approve(self, rma: Rma, by: str, *, is_reopened: bool) -> None:
        rma.approvals += 1
        rma.events = [event for event in rma.events if event.name != "RMA_APPROVED"]
        rma.events.append(Event("RMA_APPROVED", self.clock.now(), "Dashboard"))
        self.comment(
            rma,
            f"Created & approved Shopify return {rma.order_name}-R{rma.approvals} for order {rma.order_name}",
            by=by,
        )
        self.comment(rma, f"Request <strong>{'REOPENED' if is_reopened else 'APPROVED'}</strong>", by=by)
        for shipment in rma.shipments:
            if shipment.status == "Pending":
                tracking = f"TRACK-{shipment.shipment_id}"
                label: dict[str, str | None] = {
                    "status": "LabelCreated",
                    "carrier_name": "Sample Carrier",
                    "tracking_number": tracking,
                    "tracking_url": f"https://carrier.example.com/track/{tracking}",
                    "label_url": "https://carrier.example.com/label.pdf",
                }
                self.update_shipment(shipment.shipment_id, label)

    def _follow_shipment(self, rma: Rma, shipment: Shipment) -> None:
        if shipment.status == "Shipped":
            self.comment(rma, "Shipment <strong>IN TRANSIT</strong>", by=_AUTOMATION)
        if shipment.status in _ARRIVED:
            self.comment(rma, f"Shipment <strong>{shipment.status.upper()}</strong>", by=_AUTOMATION)
            self._follow_arrivals(rma)
        refunds_now = {"Validated": self.switches.refund_on_validated, "Received": self.switches.refund_on_received}
        if refunds_now.get(shipment.status, False):
            due = [
                item.returned_item_id
                for item in rma.items
                if item.shipment_id == shipment.shipment_id and refunds.is_due(item)
            ]
            self.refund(rma.rma_id, due, by=_AUTOMATION)

    def _follow_arrivals(self, rma: Rma) -> None:
        """A return moves on when each of its parcels has; one of several parcels leaves it where it is."""
        before = rma.status
        reached = {shipment.status for shipment in rma.shipments if shipment.status != "Canceled"}
        if reached == {"Validated"} and rma.status in ("Approved", "Received"):
            rma.status = "Validated"
        elif reached <= _ARRIVED and rma.status == "Approved":
            rma.status = "Received"
        if rma.status != before:
            self.announce("RMA_STATUS_UPDATED", rma)

    def _touch(self, rma: Rma, *, always: bool = False) -> None:
        if always or self.switches.rma_updated_at_moves:
            rma.last_updated = self.clock.now()
