"""The HTTP face of the sandbox's ReturnGO: keys, quota, routes, and its refusals in the gateway's own words.

Not here: the state (`world`) and the JSON of a record (`wire`).
"""

import datetime as dt
import re
from collections.abc import Callable
from typing import Any

from returns_pipeline.sandbox.http import Request, Response
from returns_pipeline.sandbox.returngo import lists, wire
from returns_pipeline.sandbox.returngo.records import Rma, Transaction
from returns_pipeline.sandbox.returngo.world import NotFoundError, RefusedError, ReturnGoWorld

_SORTABLE = {"rma_created_at", "rma_updated_at"}
_SHIPMENT_FIELDS = {
    "status": "status",
    "carrierName": "carrier_name",
    "trackingNumber": "tracking_number",
    "trackingURL": "tracking_url",
    "labelURL": "label_url",
}
_WEBHOOK_EVENTS = {
    "RMA_CREATED",
    "RMA_STATUS_UPDATED",
    "SHIPMENT_CREATED",
    "SHIPMENT_STATUS_UPDATED",
    "SHIPMENT_TRACKER_STATUS_UPDATED",
    "TRANSACTION_CREATED",
    "REFUND_CREATED",
}
Route = Callable[["ReturnGoApp", Request, str, re.Match[str]], Response]


class ReturnGoApp:
    """Answers like api.returngo.ai for the shops of a world."""

    def __init__(self, world: ReturnGoWorld) -> None:
        self.world = world
        self._calls_of_day: dict[tuple[str, dt.date], int] = {}

    def __call__(self, request: Request) -> Response:
        """One answer; the world is locked meanwhile, so that each call is atomic."""
        with self.world.lock:
            for method, pattern, route in _ROUTES:
                found = re.fullmatch(pattern, request.path)
                if found and method == request.method:
                    return self._guarded(request, route, found)
        return Response(403, {"message": "Missing Authentication Token"}, is_unknown=True)

    def _guarded(self, request: Request, route: Route, found: re.Match[str]) -> Response:
        shop_name = request.headers.get("x-shop-name", "")
        refusal = self._refusal_of_caller(request.headers.get("x-api-key", ""), shop_name)
        if refusal:
            return refusal
        if request.is_malformed:
            return Response(400, {"message": "Could not parse request body into json"})
        try:
            return route(self, request, shop_name, found)
        except NotFoundError as missing:
            return Response(404, {"message": str(missing)})
        except (RefusedError, lists.BadQueryError) as refused:
            return Response(400, {"message": str(refused)})

    def _refusal_of_caller(self, api_key: str, shop_name: str) -> Response | None:
        if api_key not in self.world.api_keys.values():
            return Response(401, {"message": "Unauthorized"})
        day = (api_key, self.world.clock.now().date())
        if self._calls_of_day.get(day, 0) >= self.world.switches.daily_quota:
            return Response(429, {"message": "Limit Exceeded"})
        self._calls_of_day[day] = self._calls_of_day.get(day, 0) + 1
        if self.world.api_keys.get(shop_name) != api_key:
            return Response(403, {"message": "No such shop for this user"})
        return None

    def calls_today(self, api_key: str) -> int:
        """How much of the day's quota a key has used."""
        return self._calls_of_day.get((api_key, self.world.clock.now().date()), 0)

    def _rma_of_shop(self, shop_name: str, text: str) -> Rma:
        rma = self.world.rma(int(text)) if text.isdigit() else None
        if rma is None:
            raise RefusedError(f"Invalid rmaId: {text}")
        if rma.shop_name != shop_name:
            raise NotFoundError(f"RMA {text} not found")
        return rma

    def list_rmas(self, request: Request, shop_name: str, _: re.Match[str]) -> Response:
        """`GET /rmas`: newest id first unless sorted."""
        query = request.query
        size, keys = lists.page_size(query), lists.sort_keys(query, _SORTABLE)
        of_shop = sorted(
            (rma for rma in self.world.rmas.values() if rma.shop_name == shop_name), key=lambda rma: -rma.rma_id
        )
        values: dict[str, Callable[[Rma], dt.datetime]] = {
            "rma_created_at": lambda rma: rma.created_at,
            "rma_updated_at": lambda rma: rma.last_updated,
        }
        ordered = lists.sort_rows(of_shop, keys, values)
        start = lists.start_of_page(query, [rma.rma_id for rma in ordered], "returns.id:")
        matching = [rma for rma in ordered[start:] if _wanted_rma(query, rma)]
        page, rest = matching[:size], matching[size:]
        cursor = lists.cursor_to(rest[0].rma_id, "returns.id:") if rest else None
        return self._page({"rmas": [wire.list_row(rma) for rma in page]}, cursor)

    def show_rma(self, request: Request, shop_name: str, found: re.Match[str]) -> Response:
        """`GET /rma/{rmaId}`."""
        with_media = request.query.get("includeMedia", ["false"])[-1] == "true"
        return Response(
            200, wire.detail(self._rma_of_shop(shop_name, found[1]), self.world.switches, with_media=with_media)
        )

    def set_rma_status(self, request: Request, shop_name: str, found: re.Match[str]) -> Response:
        """`PUT /rma/{rmaId}/status`, with the likely body."""
        rma = self._rma_of_shop(shop_name, found[1])
        self.world.set_status(rma.rma_id, str(_object(request).get("status")), by="ReturnGO API")
        return Response(200, wire.list_row(rma))

    def add_comment(self, request: Request, shop_name: str, found: re.Match[str]) -> Response:
        """`POST /rma/{rmaId}/comment`."""
        rma = self._rma_of_shop(shop_name, found[1])
        text = _object(request).get("text")
        if not isinstance(text, str) or not text:
            raise RefusedError("text is required")
        self.world.comment(rma, text, by="ReturnGO API", comment_type="merchant")
        return Response(201, {"message": "Comment added"})

    def put_shipment(self, request: Request, shop_name: str, found: re.Match[str]) -> Response:
        """`PUT /shipment/{shipmentId}`: acts on the whole parcel."""
        rma, shipment = self.world.shipment(int(found[1]))
        if rma.shop_name != shop_name:
            raise NotFoundError(f"Shipment {found[1]} not found")
        body = _object(request)
        changes = {_SHIPMENT_FIELDS[name]: value for name, value in body.items() if name in _SHIPMENT_FIELDS}
        return Response(200, wire.shipment(self.world.update_shipment(shipment.shipment_id, changes)))

    def list_transactions(self, request: Request, shop_name: str, _: re.Match[str]) -> Response:
        """`GET /transactions`: ascending ids; the cursor names the last row that was sent."""
        query, size = request.query, lists.page_size(request.query)
        of_shop = [
            (rma, each) for rma in self.world.rmas.values() if rma.shop_name == shop_name for each in rma.transactions
        ]
        of_shop.sort(key=lambda pair: pair[1].transaction_id)
        ids = [each.transaction_id for _, each in of_shop]
        start = lists.start_of_page(query, ids, "") + 1 if query.get("cursor", [""])[-1] else 0
        matching = [each for rma, each in of_shop[start:] if _wanted_transaction(query, rma, each)]
        cursor = lists.cursor_to(matching[size - 1].transaction_id, "") if len(matching) > size else None
        return self._page({"transactions": [wire.transaction(each) for each in matching[:size]]}, cursor)

    def list_webhooks(self, request: Request, shop_name: str, found: re.Match[str]) -> Response:  # noqa: ARG002 - a route's signature
        """`GET /webhooks` of the shop."""
        rows = [
            {"id": str(number), "url": each["url"], "eventName": each["eventName"]}
            for number, each in self.world.webhooks.items()
            if each["shop"] == shop_name
        ]
        return Response(200, rows)

    def put_webhook(self, request: Request, shop_name: str, found: re.Match[str]) -> Response:
        """`POST /webhook` and `PUT /webhook/{webhookId}`."""
        body = _object(request)
        url, event = body.get("url"), body.get("eventName")
        if not isinstance(url, str) or event not in _WEBHOOK_EVENTS:
            raise RefusedError("url and a known eventName are required")
        number = self._webhook_of_shop(shop_name, found[1]) if found.re.groups else self.world.number("webhook", 10_001)
        self.world.webhooks[number] = {"url": url, "eventName": str(event), "shop": shop_name}
        return Response(200, {"id": str(number), "url": url, "eventName": event})

    def delete_webhook(self, request: Request, shop_name: str, found: re.Match[str]) -> Response:  # noqa: ARG002 - a route's signature
        """`DELETE /webhook/{webhookId}`."""
        del self.world.webhooks[self._webhook_of_shop(shop_name, found[1])]
        return Response(200, {})

    def _webhook_of_shop(self, shop_name: str, text: str) -> int:
        if self.world.webhooks.get(int(text), {}).get("shop") != shop_name:
            raise NotFoundError(f"Webhook {text} not found")
        return int(text)

    def _page(self, body: dict[str, Any], cursor: str | None) -> Response:
        if cursor is not None or self.world.switches.last_cursor != "absent":
            body["next_cursor"] = cursor if cursor is not None or self.world.switches.last_cursor == "null" else ""
        return Response(200, body)


def _wanted_rma(query: lists.Query, rma: Rma) -> bool:
    statuses, names, numbers = (lists.words(query, name) for name in ("status", "order_name", "tracking_numbers"))
    return (
        (statuses is None or rma.status in statuses)
        and (names is None or rma.order_name in names)
        and (numbers is None or any(shipment.tracking_number in numbers for shipment in rma.shipments))
        and lists.is_within(query, "rma_created_at", rma.created_at)
        and lists.is_within(query, "rma_updated_at", rma.last_updated)
    )


def _wanted_transaction(query: lists.Query, rma: Rma, entry: Transaction) -> bool:
    facts = {
        "rma_ids": str(rma.rma_id),
        "order_ids": rma.order_id,
        "statuses": entry.status,
        "types": entry.type,
        "processors": "Shopify",
        "ids": str(entry.transaction_id),
    }
    return (
        all((wanted := lists.words(query, name)) is None or value in wanted for name, value in facts.items())
        and lists.is_within(query, "created_at", entry.created_at)
        and lists.is_within(query, "updated_at", entry.last_updated)
    )


def _object(request: Request) -> dict[str, Any]:
    if not isinstance(request.body, dict):
        raise RefusedError("a JSON object is required")
    return request.body


_ROUTES: tuple[tuple[str, str, Route], ...] = (
    ("GET", r"/rmas", ReturnGoApp.list_rmas),
    ("GET", r"/rma/([^/]+)", ReturnGoApp.show_rma),
    ("PUT", r"/rma/([^/]+)/status", ReturnGoApp.set_rma_status),
    ("POST", r"/rma/([^/]+)/comment", ReturnGoApp.add_comment),
    ("PUT", r"/shipment/(\d+)", ReturnGoApp.put_shipment),
    ("GET", r"/transactions", ReturnGoApp.list_transactions),
    ("GET", r"/webhooks", ReturnGoApp.list_webhooks),
    ("POST", r"/webhook", ReturnGoApp.put_webhook),
    ("PUT", r"/webhook/(\d+)", ReturnGoApp.put_webhook),
    ("DELETE", r"/webhook/(\d+)", ReturnGoApp.delete_webhook),
)
