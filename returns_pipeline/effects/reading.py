"""What the runner reads of the two accounts and the one call it writes with, in the shape that payloads are compared in.

Columns are named as in the tables. Credits are remembered between looks of one batch until `forget`. No judging.
"""

import datetime as dt
from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeVar

from returns_pipeline.clients.brightpearl import BrightpearlClient
from returns_pipeline.clients.brightpearl_search import Filter, Since
from returns_pipeline.clients.fields import RecordRejected
from returns_pipeline.clients.outcomes import ReadFailed, WriteAnswer
from returns_pipeline.clients.pacing import BudgetSpent, Priority
from returns_pipeline.clients.returngo import ReturnGoClient
from returns_pipeline.domain.money import to_minor
from returns_pipeline.effects.sinks import Accounts
from returns_pipeline.settings import Settings
from returns_pipeline.storage.ledger.effect import Effect

_ORDER_SEARCH = "/order-service/order-search"
_SALES_CREDIT = 3
# Two clocks and an index that lags: a window opens this much earlier.
_OVERLAP = dt.timedelta(minutes=10)
Row = Mapping[str, Any]
Result = TypeVar("Result")


class Reader:
    """Reads for guards and looks. Every method raises `ReadFailed` when it cannot be read: that is never 'nothing there'."""

    def __init__(self, accounts: Accounts, settings: Settings) -> None:
        self._accounts = accounts
        self._settings = settings
        self._credits: dict[int, Row | None] = {}
        self._invoices: dict[int, str | None] = {}

    @property
    def _brightpearl(self) -> BrightpearlClient:
        client = self._accounts.brightpearl
        # Whoever read before may have set unusable records aside; here one that is set aside would look as if it were gone.
        client.reject = _unread
        return client

    def take_turn(self, effect: Effect) -> None:
        """Waits until the account may be called by an effect.

        Raises:
            BudgetSpent: it may not today.
        """
        self._client_of(effect).take_turn()

    def send(self, effect: Effect) -> WriteAnswer:
        """The one call of an effect, whose turn was taken."""
        return self._client_of(effect).write(effect.request)

    def _client_of(self, effect: Effect) -> BrightpearlClient | ReturnGoClient:
        if effect.kind.startswith("returngo."):
            return self._accounts.returngo(self._settings.shop(effect.shop))
        return self._brightpearl

    def forget(self) -> None:
        """Reads credits anew from now on."""
        self._credits.clear()
        self._invoices.clear()

    def prefetch(self, effects: Sequence[Effect]) -> None:
        """Reads the credits that these effects are about in one go; of those that are being posted only the invoice reference."""
        about = [effect for effect in effects if effect.subject.get("credit_id") is not None]
        posting = {int(effect.subject["credit_id"]) for effect in about if effect.kind == "credit.post"}
        self.invoice_references(sorted(posting))
        self.credits(sorted({int(effect.subject["credit_id"]) for effect in about if effect.kind != "credit.post"}))

    def invoice_references(self, credit_ids: Sequence[int]) -> list[str | None]:
        """Of each credit its invoice reference, or None where it is gone."""
        wanted = [credit_id for credit_id in credit_ids if credit_id not in self._invoices]
        if wanted:
            found = _read(lambda: self._brightpearl.invoice_references(wanted, Priority.RECONCILE))
            self._invoices |= {credit_id: found.get(credit_id) for credit_id in wanted}
        return [self._invoices[credit_id] for credit_id in credit_ids]

    def credits(self, credit_ids: Sequence[int]) -> list[Row]:
        """Credits with their rows, without the components that Brightpearl adds below a bundle; what is gone is left out."""
        wanted = [credit_id for credit_id in credit_ids if credit_id not in self._credits]
        if wanted:
            read = _read(lambda: self._brightpearl.sales_credits(wanted, Priority.RECONCILE))
            found = {credit.credit_id: _credit(credit) for credit in read}
            self._credits |= {credit_id: found.get(credit_id) for credit_id in wanted}
        return [credit for credit_id in credit_ids if (credit := self._credits[credit_id]) is not None]

    def credits_as_made(self, credit_ids: Sequence[int]) -> list[Row]:
        """The same read anew, without asking whether they are posted: half the calls."""
        read = _read(lambda: self._brightpearl.credits_as_made(credit_ids, Priority.RECONCILE))
        return [_credit(credit) for credit in read]

    def credits_by_reference(self, reference: str) -> list[Row]:
        """Credits that the search finds under a reference of ours, read by their id."""
        return self.credits(sorted(_read(lambda: self._brightpearl.credits_by_reference(reference))))

    def credits_of_order(self, order_id: int) -> list[Row]:
        """All credits of one sale, read by their id."""
        return self.credits(sorted(_read(lambda: self._brightpearl.credits_of_orders([order_id]))[order_id]))

    def credits_of_orders_since(self, order_ids: Sequence[int], since: dt.datetime) -> list[Row]:
        """Credits of these sales made since a moment (ten minutes of overlap), read by their id: one search for all of them."""
        orders = {str(order_id) for order_id in order_ids}
        recent = self._made_since(since - _OVERLAP)
        return self.credits(sorted(int(row["orderId"]) for row in recent if str(row.get("parentOrderId")) in orders))

    def shows_credit_after(self, moment: dt.datetime) -> bool:
        """Whether the search shows any credit of the account made after a moment."""
        return bool(self._made_since(moment))

    def is_posted(self, credit_id: int) -> bool:
        """Whether a credit has its invoice reference, read anew."""
        self._invoices.pop(credit_id, None)
        return self.invoice_references([credit_id])[0] not in (None, "", "pending")

    def goods_in_notes(self, credit_ids: Sequence[int]) -> list[Row]:
        """Goods-in notes of credits that were not reversed: `goods_note_id`, `credit_id`, `user_batch_reference` and `lines`."""
        notes: dict[int, dict[str, Any]] = {}
        for line in _read(lambda: self._brightpearl.goods_in_notes(order_ids=list(credit_ids))):
            if not line.is_reversed:
                notes.setdefault(line.goods_note_id, {**vars(line), "lines": []})["lines"].append(vars(line))
        return list(notes.values())

    def payments(self, credit_id: int) -> list[Row]:
        """Payments on a credit: `payment_id`, `transaction_ref`, `payment_method_code`, `amount_minor` (never negative) and `currency`."""
        return [_payment(row) for row in _read(lambda: self._brightpearl.payments(credit_id, Priority.RECONCILE))]

    def stock_transfers(self, transfer_ids: Sequence[int]) -> list[Row]:
        """Stock transfers by id."""
        return [
            vars(transfer)
            for transfer in _read(lambda: self._brightpearl.stock_transfers(transfer_ids, Priority.RECONCILE))
        ]

    def is_shipped(self, goods_out_note_id: int) -> bool:
        """Whether a goods-out note has been shipped."""
        notes = _read(lambda: self._brightpearl.goods_out_notes_by_id([goods_out_note_id]))
        return any(note.is_shipped for note in notes)

    def shipment_status(self, shop: str, rma_id: int, shipment_id: int) -> str | None:
        """The status of one parcel in ReturnGo, or None where the return no longer has it."""
        client = self._accounts.returngo(self._settings.shop(shop))
        detail = _read(lambda: client.rma_detail(rma_id, Priority.RECONCILE))
        return next((shipment.status for shipment in detail.shipments if shipment.shipment_id == shipment_id), None)

    def _made_since(self, moment: dt.datetime) -> list[dict[str, Any]]:
        theirs = self._brightpearl.server_time
        # Their search knows their clock only; the Date of their last answer tells how far it is from ours.
        ahead = theirs - dt.datetime.now(dt.UTC) if theirs is not None else dt.timedelta(0)
        filters: dict[str, Filter] = {"orderTypeId": _SALES_CREDIT, "createdOn": Since(moment + ahead)}
        return _read(lambda: list(self._brightpearl.search(_ORDER_SEARCH, filters, Priority.RECONCILE)))


def _read(step: Callable[[], Result]) -> Result:
    try:
        return step()
    except RecordRejected as rejection:
        # A record that cannot be read is not a record that is gone.
        raise ReadFailed(str(rejection), permanent=True) from rejection
    except BudgetSpent as spent:
        raise ReadFailed(str(spent)) from spent


def _unread(rejection: RecordRejected) -> None:
    raise rejection


def _credit(credit: Any) -> Row:  # noqa: ANN401 - the client's record
    return {**vars(credit), "rows": [vars(row) for row in credit.rows if not row.is_bundle_child]}


def _payment(row: Mapping[str, Any]) -> Row:
    currency = str(row["currencyCode"])
    return {
        "payment_id": int(row["paymentId"]),
        "transaction_ref": row.get("transactionRef"),
        "payment_method_code": row.get("paymentMethodCode"),
        "amount_minor": abs(to_minor(str(row["amountPaid"]), currency)),
        "currency": currency,
    }
