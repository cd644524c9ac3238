"""The order service of the sandbox's Brightpearl: orders, credits, rows, statuses, notes.

Not here: the verbs (`sales`, `credits`) and how answers look (`wire`).
"""

from collections.abc import Mapping
from typing import Any

from returns_pipeline.sandbox.brightpearl import credits, sales, searches, wire  # noqa: A004 - the trade's word
from returns_pipeline.sandbox.brightpearl.bodies import decimal_of, integer_of, read_moment, whole
from returns_pipeline.sandbox.brightpearl.moments import stamp
from returns_pipeline.sandbox.brightpearl.records import CREDIT, ORDER_TYPE_IDS, ORDER_TYPE_NAMES, Order
from returns_pipeline.sandbox.brightpearl.routing import (
    Call,
    Route,
    answer,
    no_content,
    object_body,
    search_route,
    uris,
    wanted_ids,
)
from returns_pipeline.sandbox.brightpearl.world import BrightpearlWorld, RefusedError
from returns_pipeline.sandbox.http import Response


def get_orders(call: Call) -> Response:
    """`GET order/{ids}`: ids that do not exist are simply not there, even all of them."""
    return answer([wire.order(call.world, entry) for entry in _read(call.world, wanted_ids(call), None)])


def get_credits(call: Call) -> Response:
    """`GET sales-credit/{ids}`: 207 when only some of the ids exist."""
    ids = wanted_ids(call)
    found = _read(call.world, ids, CREDIT)
    status = 207 if found and len(found) < len(ids) else 200
    return Response(status, {"response": [wire.sales_credit(call.world, entry) for entry in found]})


def _read(world: BrightpearlWorld, ids: set[int], order_type: str | None) -> list[Order]:
    found = [world.orders[each] for each in sorted(ids) if each in world.orders]
    entries = [entry for entry in found if order_type is None or entry.order_type == order_type]
    for entry in entries:
        entry.reads_since_close += 1
        credits.settle(world, entry)
    return entries


def list_uris(call: Call) -> Response:
    """`OPTIONS order/{ids}` and `sales-credit/{ids}`: what exists, in calls of at most 200 ids."""
    kind = call.groups[0]
    wanted_type = CREDIT if kind == "sales-credit" else None
    known = [
        each
        for each in wanted_ids(call, 1)
        if each in call.world.orders and wanted_type in (None, call.world.orders[each].order_type)
    ]
    return answer({"getUris": uris(kind, known)})


def post_credit(call: Call) -> Response:
    """`POST sales-credit`: 201 and a new id, or 200 where the pair of references was seen before."""
    status, credit_id = credits.create_sales_credit(call.world, object_body(call))
    if status == 200 and not call.world.switches.dedupe_answers_id:
        return Response(200, {})
    return Response(status, {"response": credit_id})


def close_credit(call: Call) -> Response:
    """`POST sales-credit/{id}/close`: answers before the accounting has run."""
    body = call.request.body if isinstance(call.request.body, dict) else {}
    credits.close_credit(call.world, int(call.groups[0]), read_moment(body.get("taxDate")))
    return no_content()


def post_order(call: Call) -> Response:
    """`POST order`: the generic, keyless resource, without rows; here for credits only, as sales come from the shop."""
    body = object_body(call)
    if not body.get("orderTypeCode"):
        raise RefusedError("ORDC-005", "You have not supplied an order type code")
    if body["orderTypeCode"] != CREDIT:
        raise RefusedError("ORDC-006", "You have supplied an invalid order type code")
    header = {
        "customerId": _at(body, "parties.customer.contactId"),
        "ref": body.get("reference"),
        "parentId": body.get("parentOrderId"),
        "statusId": _at(body, "orderStatus.orderStatusId"),
        "currency": {
            "code": _at(body, "currency.orderCurrencyCode"),
            "exchangeRate": _at(body, "currency.exchangeRate"),
        },
        "priceListId": body.get("priceListId"),
        "priceModeCode": body.get("priceModeCode"),
        "warehouseId": body.get("warehouseId"),
        "channelId": _at(body, "assignment.current.channelId"),
    }
    return answer(credits.create_sales_credit(call.world, header)[1])


def post_row(call: Call) -> Response:
    """`POST order/{id}/row`: only the root row's id comes back."""
    body, order = object_body(call), call.world.order(int(call.groups[0]))
    if order.is_invoiced:
        raise RefusedError("ORDC-050", f"Order {order.order_id} is invoiced: its rows cannot be changed")
    flat = {
        "productId": body.get("productId"),
        "name": body.get("productName"),
        "quantity": _at(body, "quantity.magnitude"),
        "taxCode": _at(body, "rowValue.taxCode"),
        "net": _at(body, "rowValue.rowNet.value"),
        "tax": _at(body, "rowValue.rowTax.value"),
        "nominalCode": body.get("nominalCode"),
    }
    row_id = sales.add_row(call.world, order, credits.asked_row(call.world, flat))
    call.world.touch(order)
    return answer(row_id)


def patch_row(call: Call) -> Response:
    """`PATCH order/{id}/row/{id}`: operations on quantity, net and tax; a net alone recomputes the tax."""
    paths = {
        "/quantity/magnitude": "quantity",
        "/quantity": "quantity",
        "/rowValue/rowNet/value": "net",
        "/rowValue/rowTax/value": "tax",
    }
    wanted: dict[str, Any] = {}
    for operation in _operations(call):
        name = paths.get(str(operation.get("path")))
        if operation.get("op") != "replace" or name is None:
            raise _not_allowed(operation)
        wanted[name] = decimal_of(operation, "value")
    quantity = whole(wanted["quantity"]) if "quantity" in wanted else None
    order_id, row_id = (int(each) for each in call.groups)
    credits.update_row(call.world, order_id, row_id, quantity=quantity, net=wanted.get("net"), tax=wanted.get("tax"))
    return answer(wire.order(call.world, call.world.order(order_id))["orderRows"][str(row_id)])


def delete_row(call: Call) -> Response:
    """`DELETE order/{id}/row/{id}`."""
    credits.delete_row(call.world, int(call.groups[0]), int(call.groups[1]))
    return no_content()


def patch_order(call: Call) -> Response:
    """`PATCH order/{id}`: reference, warehouse and delivery; every other operation is a 500 that no retry helps."""
    order = call.world.order(int(call.groups[0]))
    for operation in _operations(call):
        path, verb = operation.get("path"), operation.get("op")
        if path == "/reference" and verb in ("replace", "remove"):
            order.reference = str(operation.get("value") or "")[:64] if verb == "replace" else ""
        elif path == "/warehouseId" and verb == "replace":
            order.warehouse_id = call.world.warehouse(integer_of(operation, "value")).warehouse_id
        elif path == "/delivery/deliveryDate" and verb == "replace":
            order.delivery_date = read_moment(operation.get("value"))
        elif path == "/delivery/shippingMethodId" and verb == "replace":
            order.shipping_method_id = integer_of(operation, "value")
        else:
            raise _not_allowed(operation)
    # As recorded: the answer shows the new values, but neither the new version nor a date of change.
    shown = wire.order(call.world, order)
    call.world.touch(order)
    return answer(shown)


def put_status(call: Call) -> Response:
    """`PUT order/{id}/status`: adds a note each time."""
    body = object_body(call)
    note = body.get("orderNote") or {}
    status_id = integer_of(body, "orderStatusId")
    sales.set_order_status(
        call.world, int(call.groups[0]), status_id, note.get("text"), is_public=bool(note.get("isPublic"))
    )
    return no_content()


def post_note(call: Call) -> Response:
    """`POST order/{id}/note`."""
    body = object_body(call)
    if not body.get("text"):
        raise RefusedError("ORDC-070", "text is required")
    return answer(
        sales.add_note(call.world, int(call.groups[0]), str(body["text"]), is_public=bool(body.get("isPublic")))
    )


def get_notes(call: Call) -> Response:
    """`GET order/{id}/note`."""
    notes = call.world.order(int(call.groups[0])).notes
    rows = [
        {"noteId": each.note_id, "text": each.text, "isPublic": each.is_public, "createdOn": stamp(each.added_on)}
        for each in notes
    ]
    return answer(rows)


def get_statuses(call: Call) -> Response:
    """`GET order-status[/{ids}]`: of all order types."""
    wanted = wanted_ids(call) if call.groups[0] else set(call.world.statuses)
    return answer(
        [
            {
                "statusId": each.status_id,
                "name": each.name,
                "orderTypeCode": each.order_type,
                "sortOrder": each.status_id,
                "disabled": False,
                "visible": True,
                "color": "#E7E6E4",
                "remindAfterDays": 10,
                "alertEmails": [],
                "emailContent": "",
                "batchProcess": False,
                "state": "draft",
            }
            for each in call.world.statuses.values()
            if each.status_id in wanted
        ]
    )


def get_types(call: Call) -> Response:  # noqa: ARG001 - a route's signature
    """`GET order-type`."""
    return answer([{"id": ORDER_TYPE_IDS[code], "name": name} for code, name in ORDER_TYPE_NAMES.items()])


def _operations(call: Call) -> list[Mapping[str, Any]]:
    body = call.request.body
    if not isinstance(body, list) or not all(isinstance(each, dict) for each in body):
        raise RefusedError("CMNC-010", "A list of operations is required")
    return body


def _not_allowed(operation: Mapping[str, Any]) -> RefusedError:
    return RefusedError(
        "CMNC-044", f"Invalid patch operation ({operation.get('op')}) for given path ({operation.get('path')})", 500
    )


def _at(body: Mapping[str, Any], path: str) -> Any:  # noqa: ANN401 - JSON
    value: Any = body
    for name in path.split("."):
        value = value.get(name) if isinstance(value, Mapping) else None
    return value


ROUTES: tuple[Route, ...] = (
    Route("GET", r"/order-service/order/([\d,.\-]+)", get_orders, "get-order"),
    Route("GET", r"/order-service/sales-credit/([\d,.\-]+)", get_credits, "get-sales-credit"),
    Route("OPTIONS", r"/order-service/(order|sales-credit)/([\d,.\-]+)", list_uris, "options-order"),
    search_route(r"/order-service/order-search", searches.orders),
    search_route(r"/order-service/sales-order-search", searches.sales_orders),
    Route("POST", r"/order-service/sales-credit", post_credit, "post-sales-credit"),
    Route("POST", r"/order-service/sales-credit/(\d+)/close", close_credit, "close-sales-credit"),
    Route("POST", r"/order-service/order", post_order, "post-order"),
    Route("PATCH", r"/order-service/order/(\d+)", patch_order, "patch-order"),
    Route("POST", r"/order-service/order/(\d+)/row", post_row, "post-order-row"),
    Route("PATCH", r"/order-service/order/(\d+)/row/(\d+)", patch_row, "patch-order-row"),
    Route("DELETE", r"/order-service/order/(\d+)/row/(\d+)", delete_row, "delete-order-row"),
    Route("PUT", r"/order-service/order/(\d+)/status", put_status, "put-order-status"),
    Route("POST", r"/order-service/order/(\d+)/note", post_note, "post-order-note"),
    Route("GET", r"/order-service/order/(\d+)/note", get_notes, "get-order-note"),
    Route("GET", r"/order-service/order-status(?:/([\d,.\-]+))?", get_statuses, "get-order-status"),
    Route("GET", r"/order-service/order-type", get_types, "get-order-type"),
)
