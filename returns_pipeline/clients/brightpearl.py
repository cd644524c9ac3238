"""Brightpearl over HTTP: id-sets of 200, searches of 500, and writes sent once. Parsing is in `records_*`, searching in `brightpearl_search`."""

import datetime as dt
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from dataclasses import replace
from decimal import Decimal
from typing import Any, TypeVar

from returns_pipeline.clients.brightpearl_answers import ABSENT_CODE, id_in, note_id, other_errors, stamps_of
from returns_pipeline.clients.brightpearl_search import Filter, Search, Since
from returns_pipeline.clients.fields import Fields, RecordRejected
from returns_pipeline.clients.outcomes import CredentialRefused, ReadFailed, WriteAnswer
from returns_pipeline.clients.pacing import Priority
from returns_pipeline.clients.records_brightpearl import CreditAsOrder, SalesCredit, SalesOrder
from returns_pipeline.clients.records_catalogue import Product, cost_of
from returns_pipeline.clients.records_warehouse import (
    GoodsInLine,
    GoodsOutNote,
    StockTransfer,
    goods_in_lines,
    goods_out_note,
)
from returns_pipeline.clients.transport import Transport

_IDS_PER_CALL = 200
_ORDER_SEARCH = "/order-service/order-search"
_PAYMENT_SEARCH = "/accounting-service/customer-payment-search"
_SALES_ORDER_SEARCH = "/order-service/sales-order-search"
_SALES_ORDER, _SALES_CREDIT = 1, 3
# How `goods-movement-search` names goods-in notes and moves between the locations of one warehouse.
GOODS_IN, GOODS_OUT, INTERNAL = "GI", "GO", "IT"
_INSTANCE_HEADER = "brightpearl-installed-integration-instance-id"

Parsed = TypeVar("Parsed")
Reject = Callable[[RecordRejected], None]


class BrightpearlClient:
    """One Brightpearl account. Every read raises ReadFailed where the account could not be read: that is never 'nothing there'.

    Args:
        transport: sends with the account's credentials.
        reject: told of each record that cannot be used; the others are returned. Without it the first one raises RecordRejected.
    """

    def __init__(self, transport: Transport, reject: Reject | None = None) -> None:
        self._transport = transport
        self._search = Search(transport)
        self.reject: Reject = reject or _raise
        self._instance_id: int | None = None

    @property
    def installed_integration_instance_id(self) -> int | None:
        """The id that goes beside `externalRef` in the duplicate rule, as the last answer's header named it."""
        text = self._transport.last_headers.get(_INSTANCE_HEADER, "")
        if text.isascii() and text.isdigit():
            self._instance_id = int(text)
        return self._instance_id

    @property
    def server_time(self) -> dt.datetime | None:
        """The account's clock, from the last answer."""
        return self._transport.server_time

    def close(self) -> None:
        """Closes the connections."""
        self._transport.close()

    def take_turn(self) -> None:
        """Waits until a write may go.

        Raises:
            BudgetSpent: it may not go today.
        """
        self._transport.take_turn(Priority.WRITE)

    def write(self, request: Mapping[str, Any]) -> WriteAnswer:
        """Sends a frozen request `{method, path, body}` once; the answer's body is the content of `response`."""
        answer = self._transport.write(request["method"], request["path"], _as_documented(request.get("body")))
        return replace(answer, body=answer.body.get("response")) if isinstance(answer.body, dict) else answer

    def search(
        self, path: str, filters: Mapping[str, Filter], priority: Priority = Priority.POLL
    ) -> Iterator[dict[str, Any]]:
        """Rows of a resource search by column name; see `Search.rows`."""
        return self._search.rows(path, filters, priority)

    # Sales

    def find_sales_orders(self, column: str, references: Collection[str]) -> dict[str, set[int]]:
        """Reference -> ids of the sales orders that carry it.

        Asks `sales-order-search` with dot-separated sets; where that is not to be had, or a reference holds a dot, `order-search` one by one.

        Args:
            column: "externalRef" or "customerRef".
            references: as written in Brightpearl.
        """
        found: dict[str, set[int]] = {reference: set() for reference in references}
        single = sorted(reference for reference in found if "." in reference)
        in_sets = sorted(reference for reference in found if "." not in reference)
        for start in range(0, len(in_sets), _IDS_PER_CALL):
            some = in_sets[start : start + _IDS_PER_CALL]
            hits = self._orders_of_set(column, some) if len(some) > 1 else None
            if hits is None:
                # What one set shows of the account's search holds for the next.
                single += in_sets[start:]
                break
            found |= hits
        for reference in single:
            rows = self.search(_ORDER_SEARCH, {"orderTypeId": _SALES_ORDER, column: reference})
            found[reference] |= {id_in(row, "orderId") for row in rows}
        return found

    def sales_made(self, since: dt.datetime) -> Iterator[dict[str, Any]]:
        """Sales of the account made since then, by column name of `order-search`, oldest first."""
        return self.search(_ORDER_SEARCH, {"orderTypeId": _SALES_ORDER, "createdOn": Since(since)})

    def orders(self, order_ids: Collection[int], external_refs: Mapping[int, str] | None = None) -> list[SalesOrder]:
        """Orders with their rows; an id that no longer exists is simply not among them.

        Args:
            order_ids: of any number.
            external_refs: what a search found them by, because the order itself may not show it.
        """
        refs = external_refs or {}
        return self._by_ids(
            "/order-service/order/{}",
            order_ids,
            lambda raw: SalesOrder.from_api(raw, refs.get(Fields(raw, "an order").integer("id"))),
        )

    # Credits

    def sales_credits(self, credit_ids: Collection[int], priority: Priority = Priority.POLL) -> list[SalesCredit]:
        """Sales credits with their rows and invoice references; ids that are no credit are not among them.

        A credit whose own resource shows no invoice reference is read as an order too, where the reference was recorded: without that look
        it would be a guess that it is not posted.
        """
        credits = self.credits_as_made(credit_ids, priority)
        unclear = [credit.credit_id for credit in credits if not credit.invoice_reference]
        looks = self._by_ids("/order-service/order/{}", unclear, CreditAsOrder.from_api, priority)
        orders = {look.order_id: look for look in looks}
        known = []
        for credit in credits:
            if credit.invoice_reference:
                known.append(credit)
            elif credit.credit_id in orders:
                known.append(credit.with_order(orders[credit.credit_id]))
            else:
                self.reject(
                    RecordRejected(
                        f"sales credit {credit.credit_id}", "invoices", "nothing", "must be shown by its order"
                    )
                )
        return known

    def credits_as_made(self, credit_ids: Collection[int], priority: Priority = Priority.POLL) -> list[SalesCredit]:
        """Sales credits with their rows as their own resource shows them; whether they are posted is not asked."""
        return self._by_ids("/order-service/sales-credit/{}", credit_ids, SalesCredit.from_api, priority)

    def invoice_references(self, credit_ids: Collection[int], priority: Priority = Priority.POLL) -> dict[int, str]:
        """Credit id -> its invoice reference: empty while it is not posted, 'pending' while Brightpearl posts it. Half the calls of the whole credits."""
        looks = self._by_ids("/order-service/order/{}", credit_ids, CreditAsOrder.from_api, priority)
        return {look.order_id: look.invoice_reference for look in looks}

    def credits_of_orders(self, order_ids: Collection[int]) -> dict[int, set[int]]:
        """Sale id -> ids of its credits; in sets where the column takes them, else one by one."""
        found: dict[int, set[int]] = {int(order_id): set() for order_id in order_ids}
        ids = sorted(found)
        if ids and self._search.column_type(_ORDER_SEARCH, "parentOrderId") is None:
            self._add_credits(found, ids.pop(0))
        takes_sets = self._search.column_type(_ORDER_SEARCH, "parentOrderId") == "IDSET"
        size = _IDS_PER_CALL if takes_sets else 1
        for start in range(0, len(ids), size):
            some = ids[start : start + size]
            self._add_credits(found, some if takes_sets else some[0])
        return found

    def credits_changed(self, since: dt.datetime) -> tuple[dict[int, int | None], dt.datetime | None]:
        """Credit id -> sale id (None where it has no parent) for every credit of the account made or changed since, and the newest stamp seen."""
        changed, stamps = self.changed_credits(since)
        return changed, max(stamps.values(), default=None)

    def changed_credits(self, since: dt.datetime) -> tuple[dict[int, int | None], dict[int, dt.datetime]]:
        """The same credits with their sales, and when each was last changed as far as the search says."""
        changed: dict[int, int | None] = {}
        stamps: dict[int, dt.datetime] = {}
        for column in ("createdOn", "updatedOn"):
            for row in self.search(_ORDER_SEARCH, {"orderTypeId": _SALES_CREDIT, column: Since(since)}):
                credit_id = id_in(row, "orderId")
                changed[credit_id] = id_in(row, "parentOrderId") if row.get("parentOrderId") else None
                for stamp in stamps_of(row, "createdOn", "updatedOn"):
                    stamps[credit_id] = max(stamp, stamps.get(credit_id, stamp))
        return changed, stamps

    def credits_by_reference(self, external_ref: str) -> set[int]:
        """Ids of the credits that carry our reference, as far as the index has them."""
        filters: dict[str, Filter] = {"orderTypeId": _SALES_CREDIT, "externalRef": external_ref}
        return {id_in(row, "orderId") for row in self.search(_ORDER_SEARCH, filters, Priority.RECONCILE)}

    def payments(self, order_id: int, priority: Priority = Priority.POLL) -> list[dict[str, Any]]:
        """Payments on one order or credit, by column name of `customer-payment-search`."""
        return list(self.search(_PAYMENT_SEARCH, {"orderId": order_id}, priority))

    def payments_of(self, order_ids: Collection[int]) -> dict[int, list[dict[str, Any]]]:
        """Order id -> payments on it; in sets where the column takes them, else one by one."""
        found: dict[int, list[dict[str, Any]]] = {order_id: [] for order_id in sorted(order_ids)}
        ids = list(found)
        while ids:
            takes_sets = self._search.column_type(_PAYMENT_SEARCH, "orderId") == "IDSET"
            some, ids = (ids[:_IDS_PER_CALL], ids[_IDS_PER_CALL:]) if takes_sets else (ids[:1], ids[1:])
            for row in self.search(_PAYMENT_SEARCH, {"orderId": some if takes_sets else some[0]}):
                found[id_in(row, "orderId")].append(row)
        return found

    # Catalogue and warehouse

    def products(self, product_ids: Collection[int]) -> list[Product]:
        """Products; one that is gone is not among them."""
        return self._by_ids("/product-service/product/{}", product_ids, Product.from_api)

    def cost_prices(self, product_ids: Collection[int], price_list_id: int) -> dict[int, tuple[Decimal, str]]:
        """Product id -> cost of one unit and its currency on a price list; a product without a price there is not among them."""
        path = f"/product-service/product-price/{{}}/price-list/{int(price_list_id)}"
        found = [entry for some in _id_sets(product_ids) for entry in self._list(path.format(some))]
        priced = self._parsed(found, lambda raw: list(cost_of(raw, price_list_id)))
        return {product_id: cost for entries in priced for product_id, cost in entries}

    def goods_movements(
        self, since: dt.datetime, note_types: Collection[str] = (GOODS_IN,)
    ) -> Iterator[dict[str, Any]]:
        """Movements of the account since then by goods notes of these types, by column name of `goods-movement-search`."""
        rows = self.search("/warehouse-service/goods-movement-search", {"updatedOn": Since(since)})
        return (row for row in rows if row.get("goodsNoteTypeCode") in note_types)

    def goods_in_notes(self, note_ids: Collection[int] = (), order_ids: Collection[int] = ()) -> list[GoodsInLine]:
        """The lines of goods-in notes, by note or by order."""
        by_note = self._notes("/warehouse-service/order/*/goods-note/goods-in/{}", note_ids, goods_in_lines)
        by_order = self._notes("/warehouse-service/order/{}/goods-note/goods-in", order_ids, goods_in_lines)
        return [line for lines in (*by_note, *by_order) for line in lines]

    def goods_out_notes(self, order_ids: Collection[int]) -> list[GoodsOutNote]:
        """Goods-out notes of orders: what was really shipped."""
        return self._notes("/warehouse-service/order/{}/goods-note/goods-out", order_ids, goods_out_note)

    def goods_out_notes_by_id(self, note_ids: Collection[int]) -> list[GoodsOutNote]:
        """Goods-out notes by their own ids, transfers' among them."""
        return self._notes("/warehouse-service/order/*/goods-note/goods-out/{}", note_ids, goods_out_note)

    def stock_transfers(self, transfer_ids: Collection[int], priority: Priority = Priority.POLL) -> list[StockTransfer]:
        """Stock transfers by id."""
        return self._by_ids("/warehouse-service/stock-transfer/{}", transfer_ids, StockTransfer.from_api, priority)

    def warehouses(self) -> list[tuple[int, str]]:
        """Id and name of every warehouse."""
        entries = self._list("/warehouse-service/warehouse")
        return [(id_in(entry, "id"), str(entry.get("name") or "")) for entry in entries]

    def location(self, warehouse_id: int, which: str) -> int | None:
        """The `default` or `quarantine` location of a warehouse; None where it has none."""
        found = self._response(f"/warehouse-service/warehouse/{int(warehouse_id)}/location/{which}")
        return None if found is None else id_in({"location": found}, "location")

    # The account itself

    def order_statuses(self) -> list[dict[str, Any]]:
        """Order statuses of the account, of all order types."""
        return self._entries("/order-service/order-status", "statusId")

    def tax_codes(self) -> list[dict[str, Any]]:
        """Tax codes of the account."""
        return self._entries("/accounting-service/tax-code")

    def channels(self) -> list[dict[str, Any]]:
        """Sales channels of the account."""
        return self._entries("/product-service/channel", "id")

    def payment_methods(self) -> list[dict[str, Any]]:
        """Payment methods of the account."""
        return self._entries("/accounting-service/payment-method")

    def webhooks(self) -> list[Any]:
        """Webhook registrations, our own and other people's, as they came."""
        return self._list("/integration-service/webhook")

    # How answers are taken apart

    def _response(self, path: str, priority: Priority = Priority.POLL) -> Any:
        """The content of the envelope, or None where the account says in its own words that there is none."""
        try:
            body = self._transport.read(path, priority=priority)
        except ReadFailed as failure:
            if failure.status == 404 and ABSENT_CODE in str(failure):
                return None
            raise
        if not isinstance(body, dict) or body.get("response") is None or other_errors(body):
            raise ReadFailed(
                f"GET {path} of Brightpearl was answered without a `response`, or with errors in it. Please try again later"
            )
        return body["response"]

    def _list(self, path: str, priority: Priority = Priority.POLL) -> list[Any]:
        response = self._response(path, priority)
        if response is not None and not isinstance(response, list):
            raise ReadFailed(f"GET {path} of Brightpearl was not answered with a list", permanent=True)
        return response or []

    def _entries(self, path: str, number: str | None = None) -> list[dict[str, Any]]:
        """A list of the account's own things, each an object; what stands under `number` is an integer where it is there."""
        found = []
        for raw in self._list(path):
            if not isinstance(raw, dict):
                raise ReadFailed(
                    f"GET {path} of Brightpearl was answered with something else than things", permanent=True
                )
            found.append(raw | {number: id_in(raw, number)} if number and raw.get(number) is not None else raw)
        return found

    def _by_ids(
        self, path: str, ids: Collection[int], parse: Callable[[Any], Parsed], priority: Priority = Priority.POLL
    ) -> list[Parsed]:
        raws = (raw for some in _id_sets(ids) for raw in self._list(path.format(some), priority))
        return self._parsed(raws, parse)

    def _notes(self, path: str, ids: Collection[int], parse: Callable[[int, Any], Parsed]) -> list[Parsed]:
        """Goods notes, which come as an object keyed by the note's id; no notes at all may come as an empty list."""
        found: list[Parsed] = []
        for some in _id_sets(ids):
            response = self._response(path.format(some))
            if not response:
                continue
            if not isinstance(response, Mapping):
                raise ReadFailed(f"GET {path} of Brightpearl was not answered with notes by id", permanent=True)
            found += self._parsed(response.items(), lambda entry: parse(note_id(entry[0]), entry[1]))
        return found

    def _parsed(self, raws: Iterable[Any], parse: Callable[[Any], Parsed]) -> list[Parsed]:
        parsed = []
        for raw in raws:
            try:
                parsed.append(parse(raw))
            except RecordRejected as rejection:
                self.reject(rejection)
        return parsed

    def _orders_of_set(self, column: str, references: Collection[str]) -> dict[str, set[int]] | None:
        """Reference -> order ids of a whole set, or None where the account's search cannot be relied on for sets."""
        found: dict[str, set[int]] = {reference: set() for reference in references}
        try:
            # The plural filter is no column of the answer: one row of another order shows that it was passed over.
            for row in self._search.rows_of_set(_SALES_ORDER_SEARCH, f"{column}s", ".".join(sorted(references))):
                reference, name = str(row.get(column)), "orderId" if "orderId" in row else "salesOrderId"
                if reference not in found or name not in row:
                    return None
                found[reference].add(id_in(row, name))
        except CredentialRefused:
            raise
        except ReadFailed as failure:
            if failure.permanent:
                return None
            raise
        return found

    def _add_credits(self, found: dict[int, set[int]], parents: int | list[int]) -> None:
        for row in self.search(_ORDER_SEARCH, {"orderTypeId": _SALES_CREDIT, "parentOrderId": parents}):
            found[id_in(row, "parentOrderId")].add(id_in(row, "orderId"))


def _as_documented(body: Any) -> Any:
    """The body with the cost of goods as a JSON number, which is how goods-in documents it; every other amount is text there."""
    if not isinstance(body, Mapping) or "goodsMoved" not in body:
        return body
    # Nothing is reckoned with it: the shortest text of a float is the text it was made of, up to 15 digits.
    moved = [
        line | {"productValue": line["productValue"] | {"value": float(line["productValue"]["value"])}}
        for line in body["goodsMoved"]
    ]
    return {**body, "goodsMoved": moved}


def _id_sets(ids: Collection[int]) -> Iterator[str]:
    ordered = sorted({int(entry) for entry in ids})
    for start in range(0, len(ordered), _IDS_PER_CALL):
        yield ",".join(str(entry) for entry in ordered[start : start + _IDS_PER_CALL])


def _raise(rejection: RecordRejected) -> None:
    raise rejection
