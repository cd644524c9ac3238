"""The searches of the sandbox's Brightpearl: their columns, as recorded or documented, and their rows out of the world.

Not here: filters, order and pages (`search`). Changes younger than the search lag are not shown.
"""

import time
from collections.abc import Callable, Mapping
from decimal import Decimal
from typing import Any

from returns_pipeline.sandbox.brightpearl import search, wire
from returns_pipeline.sandbox.brightpearl.goods import stock_status
from returns_pipeline.sandbox.brightpearl.records import ORDER_TYPE_IDS, ORDER_TYPE_NAMES, SALE, Order
from returns_pipeline.sandbox.brightpearl.search import Column
from returns_pipeline.sandbox.brightpearl.world import BrightpearlWorld

Query = dict[str, list[str]]
_STOCK_STATUS_IDS = {"SON": 1, "SOP": 2, "SOA": 3, "SCN": 7, "SCP": 8, "SCA": 9}
_SHIPPING_STATUS_IDS = {"NST": 1, "SNS": 2, "SPS": 3, "ASS": 4}
_PAYMENT_STATUS_IDS = {"UNPAID": 1, "PARTIALLY_PAID": 2, "PAID": 3, "NOT_APPLICABLE": 4}


def _order_columns(world: BrightpearlWorld) -> list[Column]:
    parents = "IDSET" if world.switches.parent_order_id_is_idset else "INTEGER"
    return [
        Column("orderId", "IDSET"),
        Column("orderTypeId", "INTEGER", reference=("orderTypeNames",)),
        Column("contactId", "IDSET"),
        Column("orderStatusId", "INTEGER", reference=("orderStatusNames",)),
        Column("orderStockStatusId", "INTEGER"),
        Column("createdOn", "PERIOD"),
        Column("createdById", "INTEGER"),
        Column("customerRef", "STRING"),
        Column("orderPaymentStatusId", "INTEGER"),
        Column("updatedOn", "PERIOD"),
        Column("parentOrderId", parents),
        Column("orderShippingStatusId", "INTEGER"),
        Column("externalRef", "STRING"),
        Column("installedIntegrationInstanceId", "INTEGER"),
        Column("warehouseId", "IDSET"),
        Column("staffOwnerContactId", "IDSET"),
        Column("taxDate", "PERIOD"),
        Column("departmentId", "INTEGER"),
        Column("deliveryDate", "PERIOD"),
    ]


def orders(world: BrightpearlWorld, query: Query) -> dict[str, Any]:
    """`order-search`: orders and credits."""
    return _orders(world, query, {}, lambda _: True)


def sales_orders(world: BrightpearlWorld, query: Query) -> dict[str, Any]:
    """`sales-order-search`: sales only, with filters that take dot-separated sets of references."""
    hidden = {
        "externalRefs": lambda text: _one_of("externalRef", text),
        "customerRefs": lambda text: _one_of("customerRef", text),
        "externalRefSearchString": lambda text: lambda row: text in (row["externalRef"] or ""),
        "isHistoricalOrder": lambda text: lambda _: text == "false",
    }
    return _orders(world, query, hidden, lambda order: order.order_type == SALE)


def _orders(
    world: BrightpearlWorld,
    query: Query,
    hidden: dict[str, Callable[[str], search.Matches]],
    belongs: Callable[[Order], bool],
) -> dict[str, Any]:
    marked = wire.marked_payments(world)
    rows = [_order_row(marked, order) for order in world.indexed_orders() if belongs(order)]
    references = {
        "orderTypeNames": {str(ORDER_TYPE_IDS[code]): name for code, name in ORDER_TYPE_NAMES.items()},
        "orderStatusNames": {str(status.status_id): status.name for status in world.statuses.values()},
    }
    return search.run(_order_columns(world), rows, query, references, _paging(world), hidden)


def _one_of(column: str, text: str) -> search.Matches:
    wanted = set(text.split("."))
    return lambda row: row[column] in wanted


def _order_row(marked: Mapping[tuple[int, str], Decimal], order: Order) -> dict[str, Any]:
    stock = stock_status(order)
    return {
        "orderId": order.order_id,
        "orderTypeId": ORDER_TYPE_IDS[order.order_type],
        "contactId": order.contact_id,
        "orderStatusId": order.status_id,
        "orderStockStatusId": _STOCK_STATUS_IDS[stock],
        "createdOn": order.created_on,
        "createdById": order.created_by,
        "customerRef": order.reference,
        "orderPaymentStatusId": _PAYMENT_STATUS_IDS[wire.payment_status(marked, order)],
        "updatedOn": order.updated_on,
        "parentOrderId": order.parent_id or None,
        "orderShippingStatusId": _SHIPPING_STATUS_IDS[wire.shipping_status(order)],
        "externalRef": order.external_ref,
        "installedIntegrationInstanceId": order.installation_id,
        "warehouseId": order.warehouse_id,
        "staffOwnerContactId": order.assignment.get("staffOwnerContactId"),
        "taxDate": order.tax_date,
        "departmentId": None,
        "deliveryDate": None,
    }


_PRODUCT_COLUMNS = [
    Column("productId", "IDSET", reference=("productCategoryMembership",)),
    Column("productName", "SEARCH_STRING"),
    Column("SKU", "STRING"),
    Column("barcode", "STRING"),
    Column("EAN", "STRING"),
    Column("UPC", "STRING"),
    Column("ISBN", "STRING"),
    Column("MPN", "STRING"),
    Column("stockTracked", "BOOLEAN"),
    Column("salesChannelName", "STRING", is_filterable=False),
    Column("createdOn", "PERIOD"),
    Column("updatedOn", "PERIOD"),
    Column("brightpearlCategoryCode", "IDSET", is_sortable=False),
    Column("productGroupId", "INTEGER"),
    Column("brandId", "IDSET"),
    Column("productTypeId", "IDSET"),
    Column("productStatus", "STRING"),
    Column("primarySupplierId", "IDSET"),
]


def products(world: BrightpearlWorld, query: Query) -> dict[str, Any]:
    """`product-search`."""
    rows = [
        dict.fromkeys(column.name for column in _PRODUCT_COLUMNS)
        | {
            "productId": each.product_id,
            "productName": each.name,
            "SKU": each.sku,
            "barcode": each.barcode,
            "stockTracked": not each.is_bundle,
            "salesChannelName": "Brightpearl",
            "createdOn": each.created_on,
            "updatedOn": each.updated_on,
            "brandId": 74,
            "productTypeId": 1,
            "productStatus": each.status,
        }
        for each in world.products.values()
    ]
    return search.run(_PRODUCT_COLUMNS, rows, query, {}, _paging(world))


_MOVEMENT_COLUMNS = [
    Column("goodsMovementId", "IDSET"),
    Column("productId", "IDSET"),
    Column("salesOrderRowId", "IDSET"),
    Column("purchaseOrderRowId", "IDSET"),
    Column("quantity", "INTEGER"),
    Column("destinationLocationId", "IDSET"),
    Column("warehouseId", "IDSET"),
    Column("goodsNoteId", "IDSET"),
    Column("productValue", "STRING", is_filterable=False),
    Column("currencyCode", "STRING"),
    Column("orderId", "IDSET"),
    Column("isCleared", "BOOLEAN"),
    Column("isQuarantine", "BOOLEAN"),
    Column("batchId", "IDSET"),
    Column("goodsNoteTypeCode", "STRING"),
    Column("updatedOn", "PERIOD"),
]


def movements(world: BrightpearlWorld, query: Query) -> dict[str, Any]:
    """`goods-movement-search`."""
    now = time.monotonic()
    rows = [
        {
            "goodsMovementId": each.movement_id,
            "productId": each.product_id,
            "salesOrderRowId": each.sale_row_id,
            "purchaseOrderRowId": each.purchase_row_id,
            "quantity": each.quantity,
            "destinationLocationId": each.location_id,
            "warehouseId": each.warehouse_id,
            "goodsNoteId": each.note_id,
            "productValue": each.value,
            "currencyCode": each.currency,
            "orderId": each.order_id,
            "isCleared": True,
            "isQuarantine": each.is_quarantine,
            "batchId": each.note_id,
            "goodsNoteTypeCode": each.note_type,
            "updatedOn": each.updated_on,
        }
        for each in world.movements
        if each.seen_from <= now
    ]
    return search.run(_MOVEMENT_COLUMNS, rows, query, {}, _paging(world))


_GOODS_IN_TYPES = {
    "currCode": "STRING",
    "userBatchRef": "STRING",
    "price": "STRING",
    "createdDate": "PERIOD",
    "receivedDate": "PERIOD",
}
_GOODS_IN_NAMES = [
    "purchaseOrderId",
    "batchId",
    "userBatchRef",
    "productId",
    "locationId",
    "groupingA",
    "groupingB",
    "groupingC",
    "groupingD",
    "price",
    "landedCosts",
    "currCode",
    "receivedQuantity",
    "onHand",
    "createdDate",
    "receivedDate",
    "warehouseId",
]
_GOODS_IN_COLUMNS = [Column(name, _GOODS_IN_TYPES.get(name, "IDSET")) for name in _GOODS_IN_NAMES]


def goods_in(world: BrightpearlWorld, query: Query) -> dict[str, Any]:
    """`goods-in-search`: one row per line of a note."""
    rows = [
        dict.fromkeys(_GOODS_IN_NAMES)
        | {
            "purchaseOrderId": note.order_id,
            "batchId": note.note_id,
            "userBatchRef": note.user_batch_reference,
            "productId": line.product_id,
            "locationId": line.location_id,
            "price": line.value,
            "landedCosts": 0,
            "currCode": line.currency,
            "receivedQuantity": line.quantity,
            "onHand": line.quantity,
            "createdDate": note.created_on,
            "receivedDate": note.received_on,
            "warehouseId": note.warehouse_id,
        }
        for note in world.goods_in.values()
        for line in note.moved
    ]
    return search.run(_GOODS_IN_COLUMNS, rows, query, {}, _paging(world))


_PAYMENT_TYPES = {
    "orderId": "IDSET",
    "paymentId": "IDSET",
    "currencyId": "IDSET",
    "journalId": "IDSET",
    "expires": "PERIOD",
    "paymentDate": "PERIOD",
    "createdOn": "PERIOD",
}
_PAYMENT_NAMES = [
    "paymentId",
    "transactionRef",
    "transactionCode",
    "paymentMethodCode",
    "paymentType",
    "orderId",
    "currencyId",
    "currencyCode",
    "amountAuthorized",
    "amountPaid",
    "expires",
    "paymentDate",
    "createdOn",
    "journalId",
]
_SORTABLE_PAYMENT_NAMES = {"paymentId", "paymentDate", "createdOn", "journalId"}
_PAYMENT_COLUMNS = [
    Column(name, _PAYMENT_TYPES.get(name, "STRING"), is_sortable=name in _SORTABLE_PAYMENT_NAMES)
    for name in _PAYMENT_NAMES
]


def payments(world: BrightpearlWorld, query: Query) -> dict[str, Any]:
    """`customer-payment-search`."""
    now = time.monotonic()
    rows = [
        dict.fromkeys(_PAYMENT_NAMES)
        | {
            "paymentId": each.payment_id,
            "transactionRef": each.transaction_ref,
            "transactionCode": each.transaction_code,
            "paymentMethodCode": each.method_code,
            "paymentType": each.payment_type,
            "orderId": each.order_id,
            "currencyId": 1,
            "currencyCode": each.currency,
            "amountPaid": each.amount,
            "paymentDate": each.payment_date,
            "createdOn": each.created_on,
            "journalId": each.payment_id + 1_000_000,
        }
        for each in world.payments.values()
        if each.seen_from <= now
    ]
    return search.run(_PAYMENT_COLUMNS, rows, query, {}, _paging(world))


def _paging(world: BrightpearlWorld) -> search.Paging:
    switches = world.switches
    shuffle = world.random if switches.shuffle_pages else None
    return search.Paging(shuffle, switches.repeat_pages, switches.overlap_pages, switches.ignores_unknown_filters)
