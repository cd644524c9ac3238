"""Brightpearl over HTTP: id-sets of 200, searches of 500, and writes sent once. Parsing is in `records_brightpearl`, searching in `brightpearl_search`."""

import datetime as dt
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from typing import Any, TypeVar

from returns_pipeline.clients.brightpearl_search import Filter, Search, Since
from returns_pipeline.clients.fields import Fields, RecordRejected
from returns_pipeline.clients.outcomes import ReadFailed, WriteAnswer
from returns_pipeline.clients.pacing import Priority
from returns_pipeline.clients.records_brightpearl import (
    GoodsInLine,
    GoodsOutNote,
    Product,
    SalesCredit,
    SalesOrder,
    StockTransfer,
    goods_in_lines,
    goods_out_note,
)
from returns_pipeline.clients.transport import Transport

IDS_PER_CALL = 200
_ORDER_SEARCH = "/order-service/order-search"
_SALES_ORDER_SEARCH = "/order-service/sales-order-search"
_SALES_ORDER, _SALES_CREDIT = 1, 3
# 500 for what will never work: a bad filter and an operation that is not allowed.
_PERMANENT_CODES = ("CMNC-018", "CMNC-044")
_INSTANCE_HEADER = "brightpearl-installed-integration-instance-id"

Parsed = TypeVar("Parsed")
Reject = Callable[[RecordRejected], None]


def is_permanent(detail: str) -> bool:
    """Whether an error's text names a code that trying again cannot help."""
    return any(code in detail for code in _PERMANENT_CODES)


class BrightpearlClient:
    """One Brightpearl account.

    Args:
        transport: sends with the account's credentials.
        reject: told of each record that cannot be used; the others are returned.
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
        if text.isdigit():
            self._instance_id = int(text)
        return self._instance_id

    @property
    def server_time(self) -> dt.datetime | None:
        """The account's clock, from the last answer."""
        return self._transport.server_time

    def close(self) -> None:
        """Closes the connections."""
        self._transport.close()

    def write(self, request: Mapping[str, Any]) -> WriteAnswer:
        """Sends a frozen request `{method, path, body}` once; the answer's body is the content of `response`."""
        answer = self._transport.write(request["method"], request["path"], request.get("body"))
        body = answer.body.get("response") if isinstance(answer.body, dict) else answer.body
        return WriteAnswer(
            answer.outcome, answer.http_status, body, answer.detail, answer.retry_after_seconds, answer.first_time
        )

    def search(self, path: str, filters: Mapping[str, Filter], sort: str | None = None) -> Iterator[dict[str, Any]]:
        """Rows of a resource search by column name; see `Search.rows`."""
        return self._search.rows(path, filters, sort)

    # Sales

    def find_sales_orders(self, column: str, references: Collection[str]) -> dict[str, set[int]]:
        """Reference -> ids of the sales orders that carry it.

        Asks `sales-order-search` with dot-separated sets; where that is not to be had, or a reference holds a dot, `order-search` one by one.

        Args:
            column: "externalRef" or "customerRef".
            references: as written in Brightpearl.

        Raises:
            ReadFailed: nothing is known of them.
        """
        found: dict[str, set[int]] = {reference: set() for reference in references}
        in_sets = sorted(reference for reference in references if "." not in reference)
        single = sorted(reference for reference in references if "." in reference)
        for start in range(0, len(in_sets), IDS_PER_CALL):
            some = in_sets[start : start + IDS_PER_CALL]
            rows = self._sales_order_set(column, some) if len(some) > 1 else None
            if rows is None:
                single += some
                continue
            for reference, order_id in rows:
                if reference in found:
                    found[reference].add(order_id)
        for reference in single:
            rows_of_one = self.search(_ORDER_SEARCH, {"orderTypeId": _SALES_ORDER, column: reference})
            found[reference] |= {int(row["orderId"]) for row in rows_of_one}
        return found

    def orders(self, order_ids: Collection[int], external_refs: Mapping[int, str] | None = None) -> list[SalesOrder]:
        """Orders with their rows; an id that no longer exists is simply not among them."""
        refs = external_refs or {}
        return self._by_ids(
            "/order-service/order/{}",
            order_ids,
            lambda raw: SalesOrder.from_api(raw, refs.get(Fields(raw, "an order").integer("id"))),
        )

    # Credits

    def sales_credits(self, credit_ids: Collection[int], priority: Priority = Priority.POLL) -> list[SalesCredit]:
        """Sales credits with their rows and invoice references; ids that are no credit are not among them.

        The invoice reference is read from the order, where it was recorded; the credit's own resource may not show it.
        """
        credits = self._by_ids("/order-service/sales-credit/{}", credit_ids, SalesCredit.from_api, priority)
        unseen = [credit.credit_id for credit in credits if not credit.invoice_reference]
        orders = {
            order.order_id: order for order in self._by_ids("/order-service/order/{}", unseen, _as_order, priority)
        }
        return [_with_order(credit, orders.get(credit.credit_id)) for credit in credits]

    def credits_of_orders(self, order_ids: Collection[int]) -> dict[int, set[int]]:
        """Sale id -> ids of its credits; in sets where the column takes them, else one by one."""
        found: dict[int, set[int]] = {order_id: set() for order_id in order_ids}
        ids = sorted(found)
        if not ids:
            return found
        if self._search.column_type(_ORDER_SEARCH, "parentOrderId") is None:
            self._add_credits(found, ids[0])
            ids = ids[1:]
        takes_sets = self._search.column_type(_ORDER_SEARCH, "parentOrderId") == "IDSET"
        size = IDS_PER_CALL if takes_sets else 1
        for start in range(0, len(ids), size):
            some = ids[start : start + size]
            self._add_credits(found, some if takes_sets else some[0])
        return found

    def credits_changed(self, since: dt.datetime) -> tuple[dict[int, int | None], dt.datetime | None]:
        """Credit id -> sale id (None where it has no parent) for every credit of the account made or changed since, and the newest stamp seen."""
        changed: dict[int, int | None] = {}
        stamps: list[dt.datetime] = []
        for column in ("createdOn", "updatedOn"):
            for row in self.search(_ORDER_SEARCH, {"orderTypeId": _SALES_CREDIT, column: Since(since)}):
                parent = row.get("parentOrderId")
                changed[int(row["orderId"])] = int(parent) if parent else None
                stamps += stamps_of(row, "createdOn", "updatedOn")
        return changed, max(stamps, default=None)

    def credits_by_reference(self, external_ref: str) -> set[int]:
        """Ids of the credits that carry our reference, as far as the index has them."""
        return {
            int(row["orderId"])
            for row in self.search(_ORDER_SEARCH, {"orderTypeId": _SALES_CREDIT, "externalRef": external_ref})
        }

    # Catalogue

    def products(self, product_ids: Collection[int]) -> list[Product]:
        """Products; one that is gone is not among them."""
        return self._by_ids("/product-service/product/{}", product_ids, Product.from_api)

    # Warehouse

    def goods_movements(self, since: dt.datetime) -> Iterator[dict[str, Any]]:
        """Goods-in movements of the account since then, by column name."""
        filters: dict[str, Filter] = {"updatedOn": Since(since)}
        return (
            row
            for row in self.search("/warehouse-service/goods-movement-search", filters)
            if row.get("goodsNoteTypeCode") == "GI"
        )

    def goods_in_notes(self, note_ids: Collection[int] = (), order_ids: Collection[int] = ()) -> list[GoodsInLine]:
        """The lines of goods-in notes, by note or by order."""
        lines: list[GoodsInLine] = []
        for path, ids in (("order/*/goods-note/goods-in/{}", note_ids), ("order/{}/goods-note/goods-in", order_ids)):
            for note_id, raw in self._map_by_ids(f"/warehouse-service/{path}", ids):
                lines += self._parsed([raw], lambda entry, note=note_id: goods_in_lines(note, entry))  # type: ignore[arg-type]
        return [line for several in lines for line in (several if isinstance(several, list) else [several])]

    def goods_out_notes(self, order_ids: Collection[int]) -> list[GoodsOutNote]:
        """Goods-out notes of orders: what was really shipped."""
        return [
            goods_out_note(note_id, raw)
            for note_id, raw in self._map_by_ids("/warehouse-service/order/{}/goods-note/goods-out", order_ids)
        ]

    def goods_out_notes_by_id(self, note_ids: Collection[int]) -> list[GoodsOutNote]:
        """Goods-out notes by their own ids, transfers' among them."""
        return [
            goods_out_note(note_id, raw)
            for note_id, raw in self._map_by_ids("/warehouse-service/order/*/goods-note/goods-out/{}", note_ids)
        ]

    def stock_transfers(self, transfer_ids: Collection[int], priority: Priority = Priority.POLL) -> list[StockTransfer]:
        """Stock transfers by id."""
        return self._by_ids("/warehouse-service/stock-transfer/{}", transfer_ids, StockTransfer.from_api, priority)

    def warehouses(self) -> list[tuple[int, str]]:
        """Id and name of every warehouse."""
        entries = [Fields(entry, "a warehouse") for entry in self._response("/warehouse-service/warehouse")]
        return [(entry.integer("id"), entry.optional_text("name") or "") for entry in entries]

    def location(self, warehouse_id: int, which: str) -> int | None:
        """The `default` or `quarantine` location of a warehouse; None where it has none."""
        try:
            found = self._transport.read(f"/warehouse-service/warehouse/{int(warehouse_id)}/location/{which}")
        except ReadFailed as failure:
            if failure.permanent and " 404" in str(failure):
                return None
            raise
        return Fields(found, f"the {which} location of warehouse {warehouse_id}").optional_integer("response")

    # The account itself

    def order_statuses(self) -> list[dict[str, Any]]:
        """Order statuses of the account, of all order types."""
        return list(self._response("/order-service/order-status"))

    def tax_codes(self) -> list[dict[str, Any]]:
        """Tax codes of the account."""
        return list(self._response("/accounting-service/tax-code"))

    def channels(self) -> list[dict[str, Any]]:
        """Sales channels of the account."""
        return list(self._response("/product-service/channel"))

    def payment_methods(self) -> list[dict[str, Any]]:
        """Payment methods of the account."""
        return list(self._response("/accounting-service/payment-method"))

    def payments(self, order_id: int, priority: Priority = Priority.POLL) -> list[dict[str, Any]]:  # noqa: ARG002 - searches share one priority
        """Payments on one order or credit, by column name."""
        return list(self.search("/accounting-service/customer-payment-search", {"orderId": order_id}))

    # How answers are taken apart

    def _response(self, path: str) -> Iterable[dict[str, Any]]:
        return Fields(self._transport.read(path), f"GET {path}").objects("response")

    def _by_ids(
        self, path: str, ids: Collection[int], parse: Callable[[Any], Parsed], priority: Priority = Priority.POLL
    ) -> list[Parsed]:
        found: list[Parsed] = []
        for some in _id_sets(ids):
            body = Fields(self._transport.read(path.format(some), priority=priority), f"GET {path}")
            found += self._parsed(body.objects("response"), parse)
        return found

    def _map_by_ids(self, path: str, ids: Collection[int]) -> Iterator[tuple[int, Any]]:
        for some in _id_sets(ids):
            try:
                response = Fields(self._transport.read(path.format(some)), f"GET {path}").raw("response")
            except ReadFailed as failure:
                # No note at all on any of these orders reads as 404 on some accounts and as an empty answer on others.
                if failure.permanent and " 404" in str(failure):
                    continue
                raise
            if isinstance(response, Mapping):
                yield from ((int(key), raw) for key, raw in response.items() if str(key).isdigit())

    def _parsed(self, raws: Iterable[Any], parse: Callable[[Any], Parsed]) -> list[Parsed]:
        parsed = []
        for raw in raws:
            try:
                parsed.append(parse(raw))
            except RecordRejected as rejection:
                self.reject(rejection)
        return parsed

    def _sales_order_set(self, column: str, references: list[str]) -> list[tuple[str, int]] | None:
        """Reference and order id of a whole set, or None where the account's search cannot be relied on for sets."""
        try:
            rows = list(self._set_rows(f"{column}s", references))
        except ReadFailed as failure:
            if failure.permanent:
                return None
            raise
        found = []
        for row in rows:
            order_id = row.get("orderId") or row.get("salesOrderId")
            reference = row.get(column)
            if order_id is None or reference is None or str(reference) not in references:
                return None
            found.append((str(reference), int(order_id)))
        return found

    def _set_rows(self, name: str, references: list[str]) -> Iterator[dict[str, Any]]:
        # The plural filter is no column of the answer, so that the rows are held against it by the caller.
        return self._search.rows_of_set(_SALES_ORDER_SEARCH, name, ".".join(references))

    def _add_credits(self, found: dict[int, set[int]], parents: int | list[int]) -> None:
        for row in self.search(_ORDER_SEARCH, {"orderTypeId": _SALES_CREDIT, "parentOrderId": parents}):
            found[int(row["parentOrderId"])].add(int(row["orderId"]))


def stamps_of(row: Mapping[str, Any], *columns: str) -> list[dt.datetime]:
    """The points in time of these columns of a search row, where they are filled."""
    fields = Fields(row, "a row of a search")
    return [moment for column in columns if (moment := fields.optional_moment(column))]


def _id_sets(ids: Collection[int]) -> Iterator[str]:
    ordered = sorted({int(entry) for entry in ids})
    for start in range(0, len(ordered), IDS_PER_CALL):
        yield ",".join(str(entry) for entry in ordered[start : start + IDS_PER_CALL])


def _as_order(raw: Any) -> SalesOrder:  # noqa: ANN401 - JSON
    return SalesOrder.from_api(raw)


def _with_order(credit: SalesCredit, order: SalesOrder | None) -> SalesCredit:
    if order is None:
        return credit
    return SalesCredit(
        **{
            **vars(credit),
            "invoice_reference": order.invoice_reference,
            "invoice_tax_date": order.invoice_tax_date,
            "order_status_id": order.order_status_id,
            "reference": credit.reference or order.customer_ref,
            "payment_status": credit.payment_status or order.payment_status,
        }
    )


def _raise(rejection: RecordRejected) -> None:
    raise rejection
