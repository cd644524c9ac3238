"""The warehouse service of the sandbox's Brightpearl: goods-in, goods-out, locations, transfers, quarantine.

Not here: the verbs (`goods`, `transfers`) and how answers look (`wire`).
"""

from collections.abc import Callable
from decimal import Decimal
from typing import Any

from returns_pipeline.sandbox.brightpearl import goods, searches, transfers, wire
from returns_pipeline.sandbox.brightpearl.bodies import decimal_of, integer_of, optional_integer_of, read_moment
from returns_pipeline.sandbox.brightpearl.records import GoodsInNote, GoodsOutNote, Warehouse
from returns_pipeline.sandbox.brightpearl.routing import (
    Call,
    Route,
    answer,
    listed,
    no_content,
    object_body,
    search_route,
    wanted_ids,
)
from returns_pipeline.sandbox.brightpearl.world import BrightpearlWorld, RefusedError
from returns_pipeline.sandbox.http import Response


def get_warehouses(call: Call) -> Response:
    """`GET warehouse`."""
    return answer(
        [{"id": each.warehouse_id, "name": each.name, "typeCode": "WH"} for each in call.world.warehouses.values()]
    )


def get_special_location(call: Call) -> Response:
    """`GET warehouse/{id}/location/default` and `quarantine`: just the id."""
    warehouse = call.world.warehouse(int(call.groups[0]))
    return answer(warehouse.default_location_id if call.groups[1] == "default" else warehouse.quarantine_location_id)


def get_locations(call: Call) -> Response:
    """`GET warehouse/{id}/location/{ids}`."""
    names = _location_names(call.world.warehouse(int(call.groups[0])))
    wanted = wanted_ids(call, 1)
    return answer([{"id": each, "barcode": name} for each, name in names.items() if each in wanted])


def _location_names(warehouse: Warehouse) -> dict[int, str]:
    named = {warehouse.default_location_id: "DEFAULT", warehouse.quarantine_location_id: "QUARANTINE"}
    return named | {location_id: name for name, location_id in warehouse.shelves.items()}


def post_goods_in(call: Call) -> Response:
    """`POST order/{creditId}/goods-note/goods-in`: only the first note's id comes back."""
    body = object_body(call)
    warehouse = call.world.warehouse(integer_of(body, "warehouseId"))
    receipts = [_receipt(call.world, each) for each in body.get("goodsMoved") or []]
    for receipt in receipts:
        if receipt.location_id is not None and receipt.location_id not in warehouse.location_ids():
            raise RefusedError(
                "WHSC-070", f"Location {receipt.location_id} is not in warehouse {warehouse.warehouse_id}"
            )
    ids = goods.book_goods_in(
        call.world, int(call.groups[0]), receipts, location_id=warehouse.default_location_id, received_on=read_moment(body.get("receivedOn")),
        user_batch_reference=body.get("userBatchReference"), created_by=call.world.app_contact_id,
    )  # fmt: skip
    return answer(ids[0])


def _receipt(world: BrightpearlWorld, line: dict[str, Any]) -> goods.Receipt:
    value = line.get("productValue") or {}
    if value and value.get("currency") not in (None, world.accounting_currency):
        raise RefusedError("WHSC-019", f"productValue must be in the accounting currency {world.accounting_currency}")
    row_id, quantity, product_id = (integer_of(line, name) for name in ("purchaseOrderRowId", "quantity", "productId"))
    location_id = optional_integer_of(line, "destinationLocationId") or None
    # Goods that come in without a value are worth nothing in stock, whatever they cost.
    return goods.Receipt(row_id, quantity, product_id, location_id, decimal_of(value, "value") if value else Decimal(0))


def get_goods_in_of_orders(call: Call) -> Response:
    """`GET order/{ids}/goods-note/goods-in[/{noteIds}]`: a map by note id."""
    orders = wanted_ids(call)
    notes = _wanted_notes(call)
    return _note_map(call, lambda note: note.order_id in orders and (notes is None or note.note_id in notes))


def get_goods_in(call: Call) -> Response:
    """`GET order/*/goods-note/goods-in/{noteIds}`."""
    notes = wanted_ids(call)
    return _note_map(call, lambda note: note.note_id in notes)


def _note_map(call: Call, belongs: Callable[[GoodsInNote], bool]) -> Response:
    found = {str(each.note_id): wire.goods_in_note(each) for each in call.world.goods_in.values() if belongs(each)}
    return _map_or_nothing(call, found)


def get_goods_out_of_orders(call: Call) -> Response:
    """`GET order/{ids}/goods-note/goods-out[/{noteIds}]`: a map by note id."""
    orders = wanted_ids(call)
    notes = _wanted_notes(call)
    return _out_map(call, lambda note: note.order_id in orders and (notes is None or note.note_id in notes))


def get_goods_out(call: Call) -> Response:
    """`GET order/*/goods-note/goods-out/{noteIds}`: transfers' notes too."""
    notes = wanted_ids(call)
    return _out_map(call, lambda note: note.note_id in notes)


def _out_map(call: Call, belongs: Callable[[GoodsOutNote], bool]) -> Response:
    found = {str(each.note_id): wire.goods_out_note(each) for each in call.world.goods_out.values() if belongs(each)}
    return _map_or_nothing(call, found)


def _wanted_notes(call: Call) -> set[int] | None:
    return wanted_ids(call, 1) if call.groups[1] else None


def _map_or_nothing(call: Call, found: dict[str, Any]) -> Response:
    if not found and call.world.switches.no_goods_notes_is_404:
        raise RefusedError("CMNC-404", "There are no goods notes", 404)
    return answer(found)


def post_correction(call: Call) -> Response:
    """`POST goods-note/goods-in/{batchId}/correction`."""
    body = object_body(call)
    goods.correct_goods_in(
        call.world, int(call.groups[0]), integer_of(body, "productId"), abs(integer_of(body, "quantity"))
    )
    return no_content()


def delete_goods_in(call: Call) -> Response:
    """`DELETE goods-note/goods-in/{id}`: takes all of it back out."""
    note = goods.goods_in_note(call.world, int(call.groups[0]))
    for line in list(note.moved):
        goods.correct_goods_in(call.world, note.note_id, line.product_id, line.quantity)
    return no_content()


def post_event(call: Call) -> Response:
    """`POST goods-note/goods-out/{id}/event`: shipped brings the earlier events with it."""
    events = object_body(call).get("events") or []
    if not events or any("eventCode" not in each or "occured" not in each for each in events):
        raise RefusedError("WHSC-045", "events need an eventCode and occured")
    if any(each["eventCode"] == "SHW" for each in events):
        transfers.ship_goods_out_note(call.world, int(call.groups[0]))
    return no_content()


def post_stock_transfer(call: Call) -> Response:
    """`POST warehouse/{source}/stock-transfer`."""
    body = object_body(call)
    target = integer_of(body, "targetWarehouseId")
    return answer(transfers.create_stock_transfer(call.world, int(call.groups[0]), target, body.get("reference")))


def get_stock_transfers(call: Call) -> Response:
    """`GET stock-transfer/{ids}`."""
    found = [call.world.transfers[each] for each in sorted(wanted_ids(call)) if each in call.world.transfers]
    return listed(call, [wire.stock_transfer(each) for each in found], "stock transfer")


def post_external_transfer(call: Call) -> Response:
    """`POST warehouse/{source}/external-transfer`: an array of goods-out note ids."""
    body = object_body(call)
    transfer_id = integer_of(body, "stockTransferId")
    transfer = call.world.transfers.get(transfer_id)
    if transfer and (transfer.source_id, transfer.target_id) != (
        int(call.groups[0]),
        integer_of(body, "targetWarehouseId"),
    ):
        raise RefusedError("WHSC-046", f"Stock transfer {transfer_id} runs between other warehouses")
    products = [
        (
            integer_of(each, "productId"),
            integer_of(each, "quantity"),
            optional_integer_of(each, "fromLocationId") or None,
        )
        for each in body.get("transferredProducts") or []
    ]
    if not products:
        raise RefusedError("WHSC-047", "transferredProducts must not be empty")
    return answer(transfers.dispatch_transfer(call.world, transfer_id, products))


def post_release(call: Call) -> Response:
    """`POST warehouse/{id}/quarantine/release`."""
    body = object_body(call)
    product_id, quantity, location_id = (integer_of(body, name) for name in ("productId", "quantity", "toLocationId"))
    transfers.release_quarantine(call.world, int(call.groups[0]), product_id, quantity, location_id)
    return no_content()


def post_internal_transfer(call: Call) -> Response:
    """`POST warehouse/{id}/internal-transfer`: a note id."""
    note_id = call.world.number("goods_out")
    for each in object_body(call).get("transferredProducts") or []:
        numbers = (integer_of(each, name) for name in ("productId", "quantity", "fromLocationId", "toLocationId"))
        transfers.internal_transfer(call.world, int(call.groups[0]), *numbers, note_id=note_id)
    return answer(note_id)


def post_stock_correction(call: Call) -> Response:
    """`POST warehouse/{id}/stock-correction`: an id for each correction."""
    warehouse = call.world.warehouse(int(call.groups[0]))
    ids = []
    for each in object_body(call).get("corrections") or []:
        location_id = optional_integer_of(each, "locationId") or warehouse.default_location_id
        if location_id not in warehouse.location_ids():
            raise RefusedError("WHSC-070", f"Location {location_id} is not in warehouse {warehouse.warehouse_id}")
        product_id, quantity = integer_of(each, "productId"), integer_of(each, "quantity")
        ids.append(transfers.correct_stock(call.world, product_id, location_id, quantity))
    return answer(ids)


def get_availability(call: Call) -> Response:
    """`GET product-availability/{ids}`: bundles are silently dropped; on hand is what can be sold."""
    world, found = call.world, {}
    for product_id in sorted(wanted_ids(call)):
        if product_id not in world.products or world.products[product_id].is_bundle:
            continue
        parts = {str(each.warehouse_id): _availability(world, each, product_id) for each in world.warehouses.values()}
        total = {
            name: sum(part[name] for part in parts.values()) for name in ("inStock", "onHand", "allocated", "inTransit")
        }
        found[str(product_id)] = {"total": total, "warehouses": parts}
    return answer(found)


def _availability(world: BrightpearlWorld, warehouse: Warehouse, product_id: int) -> dict[str, int]:
    sellable = warehouse.location_ids() - {warehouse.quarantine_location_id}
    on_hand = sum(world.stock.get((product_id, each), 0) for each in sellable)
    in_stock = on_hand + world.stock.get((product_id, warehouse.quarantine_location_id), 0)
    return {"inStock": in_stock, "onHand": on_hand, "allocated": 0, "inTransit": 0}


_IDS, _NOTES = r"([\d,.\-]+)", r"(?:/([\d,.\-]+))?/?"
ROUTES: tuple[Route, ...] = (
    Route("GET", r"/warehouse-service/warehouse", get_warehouses, "get-warehouse"),
    Route(
        "GET", r"/warehouse-service/warehouse/(\d+)/location/(default|quarantine)", get_special_location, "get-location"
    ),
    Route("GET", rf"/warehouse-service/warehouse/(\d+)/location/{_IDS}", get_locations, "get-location"),
    Route("POST", r"/warehouse-service/order/(\d+)/goods-note/goods-in", post_goods_in, "post-goods-in-note"),
    Route(
        "GET",
        rf"/warehouse-service/order/{_IDS}/goods-note/goods-in{_NOTES}",
        get_goods_in_of_orders,
        "get-goods-in-note",
    ),
    Route("GET", rf"/warehouse-service/order/\*/goods-note/goods-in/{_IDS}", get_goods_in, "get-goods-in-note"),
    Route(
        "GET",
        rf"/warehouse-service/order/{_IDS}/goods-note/goods-out{_NOTES}",
        get_goods_out_of_orders,
        "get-goods-out-note",
    ),
    Route("GET", rf"/warehouse-service/order/\*/goods-note/goods-out/{_IDS}", get_goods_out, "get-goods-out-note"),
    Route(
        "POST", r"/warehouse-service/goods-note/goods-in/(\d+)/correction", post_correction, "post-goods-in-correction"
    ),
    Route("DELETE", r"/warehouse-service/goods-note/goods-in/(\d+)", delete_goods_in, "delete-goods-in-note"),
    search_route(r"/warehouse-service/goods-in-search", searches.goods_in),
    search_route(r"/warehouse-service/goods-movement-search", searches.movements),
    Route("POST", r"/warehouse-service/goods-note/goods-out/(\d+)/event", post_event, "post-goods-out-note-event"),
    Route("POST", r"/warehouse-service/warehouse/(\d+)/stock-transfer", post_stock_transfer, "post-stock-transfer"),
    Route("GET", rf"/warehouse-service/stock-transfer/{_IDS}", get_stock_transfers, "get-stock-transfer"),
    Route(
        "POST",
        r"/warehouse-service/warehouse/(\d+)/external-transfer",
        post_external_transfer,
        "post-external-transfer",
    ),
    Route("POST", r"/warehouse-service/warehouse/(\d+)/quarantine/release", post_release, "post-quarantine-release"),
    Route(
        "POST",
        r"/warehouse-service/warehouse/(\d+)/internal-transfer",
        post_internal_transfer,
        "post-internal-transfer",
    ),
    Route(
        "POST", r"/warehouse-service/warehouse/(\d+)/stock-correction", post_stock_correction, "post-stock-correction"
    ),
    Route("GET", rf"/warehouse-service/product-availability/{_IDS}", get_availability, "get-product-availability"),
)
