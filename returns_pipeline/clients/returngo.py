"""ReturnGo over HTTP: lists, details, transactions, and the one write the pipeline makes. Parsing is in `records_returngo`."""

import datetime as dt
from collections.abc import Collection, Iterator
from typing import Any
from urllib.parse import urlencode

from returns_pipeline.clients.fields import Fields
from returns_pipeline.clients.outcomes import ReadFailed, WriteAnswer
from returns_pipeline.clients.pacing import Priority
from returns_pipeline.clients.records_returngo import RmaDetail, RmaListRow, Transaction
from returns_pipeline.clients.transport import Transport

_PAGE = 500
_IDS_PER_CALL = 100


class ReturnGoClient:
    """One shop's ReturnGo.

    Args:
        transport: sends with this shop's key and name.
    """

    def __init__(self, transport: Transport) -> None:
        self._transport = transport

    def list_rmas(
        self,
        statuses: Collection[str] = (),
        updated_since: dt.datetime | None = None,
        order_names: Collection[str] = (),
    ) -> Iterator[RmaListRow]:
        """`GET /rmas` page by page: id, status and fingerprint only; a detail is a call of its own.

        Raises:
            ReadFailed: a page could not be read; what was yielded before is not the whole list.
            RecordRejected: a row without id or with an unknown status.
        """
        filters = {"status": ",".join(statuses), "order_name": ",".join(order_names)}
        if updated_since is not None:
            filters["rma_updated_at"] = f"gte:{_utc(updated_since)}"
        for raw in self._pages("/rmas", "rmas", filters):
            yield RmaListRow.from_api(raw)

    def rma_detail(self, rma_id: int, priority: Priority = Priority.POLL) -> RmaDetail:
        """`GET /rma/{id}`: one call of the day's quota.

        Raises:
            ReadFailed: it could not be read.
            RecordRejected: it was read and cannot be used.
        """
        return RmaDetail.from_api(self._transport.read(f"/rma/{int(rma_id)}", "includeMedia=false", priority))

    def list_transactions(
        self, updated_since: dt.datetime | None = None, rma_ids: Collection[int] = ()
    ) -> Iterator[Transaction]:
        """`GET /transactions` page by page, by time or by return.

        Raises:
            ReadFailed: a page could not be read.
            RecordRejected: a transaction that cannot be used.
        """
        filters = {"updated_at": f"gte:{_utc(updated_since)}"} if updated_since is not None else {}
        ids = sorted(rma_ids)
        for start in range(0, max(len(ids), 1), _IDS_PER_CALL):
            some = ",".join(str(rma_id) for rma_id in ids[start : start + _IDS_PER_CALL])
            for raw in self._pages("/transactions", "transactions", filters | {"rma_ids": some}):
                yield Transaction.from_api(raw)

    def write(self, request: dict[str, Any]) -> WriteAnswer:
        """Sends a frozen request `{method, path, body}` once and says what its answer proves."""
        return self._transport.write(request["method"], request["path"], request["body"])

    def close(self) -> None:
        """Closes the connections."""
        self._transport.close()

    def _pages(self, path: str, name: str, filters: dict[str, str]) -> Iterator[Any]:
        cursor, seen = "", set()
        while True:
            given = {"pagesize": str(_PAGE), **{key: value for key, value in filters.items() if value}} | (
                {"cursor": cursor} if cursor else {}
            )
            body = Fields(self._transport.read(path, urlencode(given)), f"GET {path}")
            rows = body.objects(name)
            yield from rows
            cursor = body.optional_text("next_cursor") or ""
            if not rows or not cursor:
                return
            if cursor in seen:
                raise ReadFailed(
                    f"GET {path} of ReturnGo gave the same cursor twice: the list would never end; try again later"
                )
            seen.add(cursor)


def _utc(moment: dt.datetime) -> str:
    return moment.astimezone(dt.UTC).strftime("%Y-%m-%dT%H:%M:%S")
