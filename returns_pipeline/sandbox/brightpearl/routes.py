"""The HTTP face of the sandbox's Brightpearl: every route, who may call, how often, and the headers of each answer.

Not here: the routes of orders (`routes_orders`), goods (`routes_goods`) and webhooks (`routes_integration`), and the state (`world`).
"""

import re
from decimal import Decimal
from typing import Any
from urllib.parse import parse_qs

from returns_pipeline.sandbox.brightpearl import sales, searches, wire
from returns_pipeline.sandbox.brightpearl.account import THROTTLED_BODY, Credentials, Pool, request_id
from returns_pipeline.sandbox.brightpearl.bodies import decimal_of, integer_of, read_moment
from returns_pipeline.sandbox.brightpearl.records import Product
from returns_pipeline.sandbox.brightpearl.routes_goods import ROUTES as GOODS_ROUTES
from returns_pipeline.sandbox.brightpearl.routes_integration import ROUTES as INTEGRATION_ROUTES
from returns_pipeline.sandbox.brightpearl.routes_orders import ROUTES as ORDER_ROUTES
from returns_pipeline.sandbox.brightpearl.routing import (
    Call,
    Route,
    answer,
    listed,
    no_content,
    object_body,
    refusal,
    search_route,
    uris,
    wanted_ids,
)
from returns_pipeline.sandbox.brightpearl.world import BrightpearlWorld, RefusedError
from returns_pipeline.sandbox.http import Request, Response, write_json

_MOST_MESSAGES = 10
_PAYMENT_TYPES = ("AUTH", "CAPTURE", "RECEIPT", "PAYMENT", "VOID")


class BrightpearlApp:
    """Answers like one account's public API, below `/public-api/{account}`."""

    def __init__(
        self, world: BrightpearlWorld, *, credentials: Credentials | None = None, requests_per_minute: int = 200
    ) -> None:
        self.world = world
        self.credentials = credentials or Credentials()
        self.pool = Pool(requests_per_minute)

    @property
    def base_path(self) -> str:
        """What stands before every path."""
        return f"/public-api/{self.credentials.account}"

    def __call__(self, request: Request) -> Response:
        """One answer; the world is locked meanwhile, so that each call is atomic."""
        if request.path == f"/token/{self.credentials.account}":
            return self.credentials.token(request, parse_qs(request.content.decode()))
        has_room, throttle = self.pool.take(self.world.switches.neighbour_usage_per_minute)
        if not has_room:
            return Response(503, THROTTLED_BODY, throttle | request_id() | {"Message-Type": "api-proxy"})
        refused = self.credentials.refusal(request)
        if refused:
            refused.headers = throttle | request_id() | {"Message-Type": "api-proxy"}
            return refused
        with self.world.lock:
            message_type, response = self._route(request)
        response.headers |= throttle | request_id() | {"Message-Type": message_type}
        if self.world.switches.installation_header:
            response.headers["Brightpearl-Installed-Integration-Instance-Id"] = str(self.world.installation_id)
        return response

    def _route(self, request: Request) -> tuple[str, Response]:
        path = request.path.removeprefix(self.base_path)
        if path == "/multi-message" and request.method == "POST":
            return "multi-message", self._multi_message(request)
        for route in _ROUTES:
            found = re.fullmatch(route.pattern, path)
            if found and route.method == request.method:
                return route.message_type, _handled(
                    route, Call(self.world, request, tuple(each or "" for each in found.groups()))
                )
        unknown = RefusedError("CMNC-404", f"No resource at {request.method} {path}", 404)
        return "api-proxy", Response(404, refusal(unknown).body, is_unknown=True)

    def _multi_message(self, request: Request) -> Response:
        body = request.body if isinstance(request.body, dict) else {}
        messages, stops = body.get("messages") or [], body.get("onFail") == "STOP"
        if not 0 < len(messages) <= _MOST_MESSAGES or (stops and body.get("processingMode") == "PARALLEL"):
            return refusal(
                RefusedError(
                    "CMNC-030", f"1 to {_MOST_MESSAGES} messages are required, and STOP cannot go with PARALLEL"
                )
            )
        processed: list[dict[str, Any]] = []
        for message in messages:
            if message.get("httpMethod") not in ("POST", "PUT", "DELETE"):
                return refusal(RefusedError("CMNC-031", "Only POST, PUT and DELETE may be sent as messages"))
            one = Request(
                message["httpMethod"], f"{self.base_path}{message['uri']}", "", {}, request.headers, message.get("body")
            )
            response = self._route(one)[1]
            content = write_json(response.body).decode()
            processed.append({"label": message["label"], "statusCode": response.status, "body": {"content": content}})
            if stops and response.status >= 300:
                break
        left = [message["label"] for message in messages[len(processed) :]]
        is_mixed = len({entry["statusCode"] < 300 for entry in processed}) > 1 or bool(left)
        return Response(
            207 if is_mixed else 200, {"response": {"processedMessages": processed, "unprocessedMessages": left}}
        )


def _handled(route: Route, call: Call) -> Response:
    if call.request.is_malformed:
        return refusal(RefusedError("CMNC-010", "The body is not JSON"))
    try:
        return route.handle(call)
    except RefusedError as refused:
        return refusal(refused)


def get_products(call: Call) -> Response:
    """`GET product/{ids}`."""
    found = [call.world.products[each] for each in sorted(wanted_ids(call)) if each in call.world.products]
    return listed(call, [wire.product(call.world, each) for each in found], "product")


def list_product_uris(call: Call) -> Response:
    """`OPTIONS product/{ids}`."""
    return answer({"getUris": uris("product", [each for each in wanted_ids(call) if each in call.world.products])})


def get_bundle_parents(call: Call) -> Response:
    """`GET product/{id}/bundle`: the bundles a component is in."""
    product_id = int(call.groups[0])
    parents = [each.product_id for each in call.world.products.values() if product_id in dict(each.components)]
    if not parents:
        raise RefusedError("CMNC-404", f"Product {product_id} is in no bundle", 404)
    return answer(parents)


def get_prices(call: Call) -> Response:
    """`GET product-price/{ids}/price-list/{id}`: prices are strings by quantity."""
    products = [call.world.products[each] for each in sorted(wanted_ids(call)) if each in call.world.products]
    lists = [int(call.groups[1])] if call.groups[1] else list(call.world.price_lists)
    rows = [
        {"productId": each.product_id, "priceLists": prices}
        for each in products
        if (prices := [_price(call.world, each, list_id) for list_id in lists if list_id in call.world.price_lists])
    ]
    if not rows:
        raise RefusedError("CMNC-404", "No Product Prices Found", 404)
    return answer(rows)


def _price(world: BrightpearlWorld, product: Product, list_id: int) -> dict[str, Any]:
    name, currency = world.price_lists[list_id]
    price = product.cost if name == "COST" else product.price
    return {"priceListId": list_id, "currencyCode": currency, "quantityPrice": {"1": f"{price:.4f}"} if price else {}}


def get_channels(call: Call) -> Response:
    """`GET channel`."""
    return answer([{"id": each, "name": name, "channelTypeId": 1} for each, name in call.world.channels.items()])


def get_price_lists(call: Call) -> Response:
    """`GET price-list`."""
    return answer(
        [
            {"id": each, "code": name, "currencyCode": currency}
            for each, (name, currency) in call.world.price_lists.items()
        ]
    )


def get_tax_codes(call: Call) -> Response:
    """`GET tax-code`: a code without tax has no rate."""
    return answer(
        [
            {"id": each.tax_id, "code": each.code, "description": each.description}
            | ({"rate": each.rate.quantize(Decimal("0.1"))} if each.rate else {})
            for each in call.world.tax_codes.values()
        ]
    )


def get_payment_methods(call: Call) -> Response:
    """`GET payment-method`."""
    return answer(
        [
            {"id": each.method_id, "code": each.code, "name": each.name, "isActive": True}
            for each in call.world.payment_methods.values()
        ]
    )


def get_payment_totals(call: Call) -> Response:
    """`GET sale-payment-total/{orderIds}`: what was paid less what was refunded, by order."""
    rows = []
    for order_id in sorted(wanted_ids(call)):
        signs = {"RECEIPT": 1, "CAPTURE": 1, "PAYMENT": -1}
        paid = [
            signs.get(each.payment_type, 0) * each.amount
            for each in call.world.payments.values()
            if each.order_id == order_id
        ]
        rows.append({"orderId": order_id, "totalPaid": sum(paid, Decimal(0))})
    return answer(rows)


def post_payment(call: Call) -> Response:
    """`POST customer-payment`: a refund is a PAYMENT against the credit, positive."""
    body = object_body(call)
    amount, moment = decimal_of(body, "amountPaid"), read_moment(body.get("paymentDate"))
    if body.get("paymentType") not in _PAYMENT_TYPES or amount <= 0 or moment is None:
        raise RefusedError("ACCC-016", "paymentType, a positive amountPaid and paymentDate are required")
    order = call.world.order(integer_of(body, "orderId"))
    if body.get("currencyIsoCode") != order.currency:
        raise RefusedError("ACCC-018", f"The payment's currency is not the order's {order.currency}")
    payment_id = sales.record_payment(
        call.world, order.order_id, body["paymentType"], str(body.get("paymentMethodCode")), order.currency, amount, moment,
        body.get("transactionRef"), body.get("transactionCode"),
    )  # fmt: skip
    return answer(payment_id)


def delete_payment(call: Call) -> Response:
    """`DELETE customer-payment/{id}`."""
    if call.world.payments.pop(int(call.groups[0]), None) is None:
        raise RefusedError("CMNC-404", f"There is no payment with ID {call.groups[0]}", 404)
    return no_content()


_IDS = r"([\d,.\-]+)"
_ROUTES: tuple[Route, ...] = (
    *ORDER_ROUTES,
    *GOODS_ROUTES,
    *INTEGRATION_ROUTES,
    Route("GET", rf"/product-service/product/{_IDS}", get_products, "product-get"),
    Route("OPTIONS", rf"/product-service/product/{_IDS}", list_product_uris, "product-options"),
    Route("GET", r"/product-service/product/(\d+)/bundle", get_bundle_parents, "get-product-bundle"),
    search_route(r"/product-service/product-search", searches.products),
    Route("GET", rf"/product-service/product-price/{_IDS}(?:/price-list/(\d+))?", get_prices, "get-product-price"),
    Route("GET", r"/product-service/channel", get_channels, "get-channel"),
    Route("GET", r"/product-service/price-list", get_price_lists, "get-price-list"),
    Route("GET", r"/accounting-service/tax-code/?", get_tax_codes, "get-tax-code"),
    Route("GET", rf"/accounting-service/sale-payment-total/{_IDS}", get_payment_totals, "get-sale-payment-total"),
    Route("GET", r"/accounting-service/payment-method", get_payment_methods, "get-payment-method"),
    Route("POST", r"/accounting-service/customer-payment", post_payment, "post-customer-payment"),
    Route("DELETE", r"/accounting-service/customer-payment/(\d+)", delete_payment, "delete-customer-payment"),
    search_route(r"/accounting-service/customer-payment-search", searches.payments),
)
