"""ReturnGo over HTTP: lists, details, transactions, and the one write the pipeline makes. Parsing is in `records_returngo`."""

import datetime as dt
from collections.abc import Callable, Collection, Iterator, Mapping
from typing import Any, TypeVar
from urllib.parse import urlencode

from returns_pipeline.clients.fields import Fields, RecordRejected
from returns_pipeline.clients.outcomes import ReadFailed, WriteAnswer
from returns_pipeline.clients.pacing import Priority
from returns_pipeline.clients.records_returngo import RmaDetail, RmaListRow, Transaction, received_by
from returns_pipeline.clients.transport import Transport

_PAGE = 500
_IDS_PER_CALL = 100
Reject = Callable[[RecordRejected], None]
Row = TypeVar("Row")


class ReturnGoClient:
    """One shop's ReturnGo.

    Args:
        transport: sends with this shop's key and name.
        reject: told of each row of a list that cannot be used; the others are yielded. Without it the first one ends the list.
    """

    def __init__(self, transport: Transport, reject: Reject | None = None) -> None:
        self._transport = transport
        self.reject: Reject = reject or _raise

    def list_rmas(
        self,
        statuses: Collection[str] = (),
        updated_since: dt.datetime | None = None,
        order_names: Collection[str] = (),
        created_since: dt.datetime | None = None,
        priority: Priority = Priority.POLL,
    ) -> Iterator[RmaListRow]:
        """`GET /rmas` page by page: id, status and fingerprint only; a detail is a call of its own.

        Rows of other statuses than asked for are passed over, in case the filter is.

        Raises:
            ReadFailed: a page could not be read; what was yielded before is not the whole list.
            RecordRejected: a row without id or with an unknown status, if nobody takes rejections.
        """
        filters = {"status": ",".join(statuses), "order_name": ",".join(order_names)}
        if updated_since is not None:
            filters["rma_updated_at"] = f"gte:{_utc(updated_since)}"
        if created_since is not None:
            filters["rma_created_at"] = f"gte:{_utc(created_since)}"
        for raw in self._pages("/rmas", "rmas", filters, priority):
            row = self._parsed(raw, RmaListRow.from_api)
            if row is not None and (not statuses or row.status in statuses):
                yield row

    def rma_detail(self, rma_id: int, priority: Priority = Priority.POLL) -> RmaDetail:
        """`GET /rma/{id}`: one call of the day's quota.

        Raises:
            ReadFailed: it could not be read, or another return came back.
            RecordRejected: it was read and cannot be used.
        """
        detail = RmaDetail.from_api(self._transport.read(f"/rma/{int(rma_id)}", "includeMedia=false", priority))
        if detail.rma.rma_id != rma_id:
            raise ReadFailed(
                f"GET /rma/{rma_id} of ReturnGo came back with RMA {detail.rma.rma_id}; check the base URL"
            )
        return detail

    def list_transactions(
        self, updated_since: dt.datetime | None = None, rma_ids: Collection[int] = ()
    ) -> Iterator[Transaction]:
        """`GET /transactions` page by page, by time or by return.

        Raises:
            ReadFailed: a page could not be read.
            RecordRejected: a transaction that cannot be used, if nobody takes rejections.
        """
        filters = {"updated_at": f"gte:{_utc(updated_since)}"} if updated_since is not None else {}
        ids = sorted(rma_ids)
        for start in range(0, max(len(ids), 1), _IDS_PER_CALL):
            some = ",".join(str(rma_id) for rma_id in ids[start : start + _IDS_PER_CALL])
            for raw in self._pages("/transactions", "transactions", filters | {"rma_ids": some}, Priority.POLL):
                transaction = self._parsed(raw, Transaction.from_api)
                if transaction is not None:
                    yield transaction

    def received_by(self, rma_id: int) -> str | None:
        """Who set a parcel of the return to Received, by its timeline: "automation" or "people"; None where that is not told.

        Raises:
            ReadFailed: the return could not be read.
        """
        return received_by(self._transport.read(f"/rma/{int(rma_id)}", "includeMedia=false", Priority.BACKFILL))

    @property
    def server_time(self) -> dt.datetime | None:
        """ReturnGo's clock, from the last answer."""
        return self._transport.server_time

    def webhooks(self) -> list[Any]:
        """`GET /webhooks`: the shop's registrations, our own and other people's, as they came.

        Raises:
            ReadFailed: they could not be read.
        """
        found = self._transport.read("/webhooks")
        if not isinstance(found, list):
            raise ReadFailed("GET /webhooks of ReturnGo was not answered with a list", permanent=True)
        return found

    def take_turn(self) -> None:
        """Waits until a write may go.

        Raises:
            BudgetSpent: it may not go today.
        """
        self._transport.take_turn(Priority.WRITE)

    def write(self, request: Mapping[str, Any]) -> WriteAnswer:
        """Sends a frozen request `{method, path, body}` once and says what its answer proves."""
        return self._transport.write(request["method"], request["path"], request.get("body"))

    def close(self) -> None:
        """Closes the connections."""
        self._transport.close()

    def _parsed(self, raw: Any, parse: Callable[[Any], Row]) -> Row | None:
        try:
            return parse(raw)
        except RecordRejected as rejection:
            self.reject(rejection)
            return None

    def _pages(self, path: str, name: str, filters: Mapping[str, str], priority: Priority) -> Iterator[Any]:
        """Raw rows until a page is empty or names no next one; a list that runs in a circle is no list."""
        cursor: str | None = None
        seen: set[str] = set()
        while True:
            given = {"pagesize": str(_PAGE), **{key: value for key, value in filters.items() if value}}
            query = urlencode(given | ({"cursor": cursor} if cursor else {}))
            rows, cursor = self._page(path, name, query, priority)
            if not rows:
                return
            marks = {f"first row {rows[0]}", f"cursor {cursor}"} if cursor else {f"first row {rows[0]}"}
            if marks & seen:
                raise ReadFailed(
                    f"GET {path} of ReturnGo gave the same page twice: the list would never end. Please try again later"
                )
            seen |= marks
            yield from rows
            if not cursor:
                return

    def _page(self, path: str, name: str, query: str, priority: Priority) -> tuple[list[Any], str | None]:
        body = self._transport.read(path, query, priority)
        try:
            fields = Fields(body, f"GET {path} of ReturnGo")
            return fields.required_objects(name), fields.optional_text("next_cursor")
        except RecordRejected as rejection:
            # A list that was not sent is not an empty one.
            raise ReadFailed(
                f"{rejection}: the answer is not in the shape that the API documents", permanent=True
            ) from rejection


def _utc(moment: dt.datetime) -> str:
    return moment.astimezone(dt.UTC).strftime("%Y-%m-%dT%H:%M:%S")


def _raise(rejection: RecordRejected) -> None:
    raise rejection
