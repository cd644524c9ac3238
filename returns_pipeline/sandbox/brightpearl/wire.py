"""The sandbox Brightpearl's records as JSON: which numbers are strings, which keys are absent, and canary parties that must never leak.

Not here: state (`records`) and searches (`search`).
"""

from collections.abc import Mapping
from decimal import ROUND_HALF_UP, Decimal
from typing import Any

from returns_pipeline.sandbox.brightpearl.goods import stock_status
from returns_pipeline.sandbox.brightpearl.moments import optional_stamp, stamp
from returns_pipeline.sandbox.brightpearl.records import (
    FREE_TEXT_PRODUCT,
    SALE,
    GoodsInNote,
    GoodsOutNote,
    Order,
    OrderRow,
    Product,
    StockTransfer,
)
from returns_pipeline.sandbox.brightpearl.world import BrightpearlWorld

_CENT = Decimal("0.01")
_COUNTRIES = {
    "GB": ("United Kingdom", 222, "GBR"),
    "DE": ("Germany", 81, "DEU"),
    "FR": ("France", 73, "FRA"),
    "NL": ("Netherlands", 150, "NLD"),
}


def order(world: BrightpearlWorld, entry: Order) -> dict[str, Any]:
    """An order or credit as the order resource shows it: money and quantities are strings, rows an object keyed by id."""
    invoice = {
        "invoiceReference": entry.invoice_reference,
        "taxDate": optional_stamp(entry.tax_date),
        "dueDate": optional_stamp(entry.tax_date),
    }
    answer = {
        "id": entry.order_id,
        "parentOrderId": entry.parent_id,
        "orderTypeCode": entry.order_type,
        "reference": entry.reference,
        "version": entry.version,
        "state": {"tax": "INVOICED" if entry.is_invoiced else "READY"},
        "orderStatus": {"orderStatusId": entry.status_id, "name": world.statuses[entry.status_id].name},
        "tax": {"errors": []},
        "orderPaymentStatus": payment_status(marked_payments(world, entry.order_id), entry),
        "stockStatusCode": stock_status(entry),
        "allocationStatusCode": "AAA" if entry.order_type == SALE and entry.goods_rows() else "ANR",
        "shippingStatusCode": shipping_status(entry),
        "placedOn": stamp(entry.placed_on),
        "createdOn": stamp(entry.created_on),
        "updatedOn": optional_stamp(entry.updated_on),
        "closedOn": optional_stamp(entry.closed_on),
        "createdById": entry.created_by,
        "priceListId": entry.price_list_id,
        "priceModeCode": entry.price_mode,
        "delivery": _present(
            {"deliveryDate": optional_stamp(entry.delivery_date), "shippingMethodId": entry.shipping_method_id}
        ),
        "invoices": [_present(invoice) if entry.is_invoiced else {"invoiceReference": ""}],
        "currency": {
            "accountingCurrencyCode": entry.accounting_currency,
            "orderCurrencyCode": entry.currency,
            "exchangeRate": f"{entry.exchange_rate:.6f}",
            "fixedExchangeRate": entry.is_rate_fixed,
        },
        "totalValue": _totals(entry),
        "assignment": {"current": _assignment(entry)},
        "parties": _parties(entry),
        "externalRef": entry.external_ref if world.switches.order_shows_external_ref else None,
        "orderRows": {str(row.row_id): _order_row(world, entry, row) for row in entry.rows.values()},
        "warehouseId": entry.warehouse_id,
        "acknowledged": 0,
        "costPriceListId": 1,
        "historicalOrder": False,
        "isDropship": None if entry.is_invoiced else False,
        "originalInvoiceDate": optional_stamp(entry.tax_date) if entry.is_invoiced else None,
        "orderWeighting": 100,
    }
    return _present(answer)


def _totals(entry: Order) -> dict[str, str]:
    tax, total = entry.tax.quantize(_CENT, ROUND_HALF_UP), (entry.net + entry.tax).quantize(_CENT, ROUND_HALF_UP)
    rate = entry.exchange_rate
    base_tax, base_total = (tax / rate).quantize(_CENT, ROUND_HALF_UP), (total / rate).quantize(_CENT, ROUND_HALF_UP)
    return {
        "net": str(total - tax),
        "taxAmount": str(tax),
        "baseNet": str(base_total - base_tax),
        "baseTaxAmount": str(base_tax),
        "baseTotal": str(base_total),
        "total": str(total),
    }


def _order_row(world: BrightpearlWorld, entry: Order, row: OrderRow) -> dict[str, Any]:
    quantity = Decimal(row.quantity)
    listed = row.net + row.tax if entry.price_mode == "INC" else row.net
    money = {"currencyCode": entry.currency}
    return _present(
        {
            "orderRowSequence": str(row.sequence),
            "productId": row.product_id or FREE_TEXT_PRODUCT,
            "productName": row.name,
            "productSku": row.sku,
            "quantity": {"magnitude": f"{quantity:.4f}"},
            "itemCost": {"currencyCode": entry.accounting_currency, "value": f"{row.item_cost:.4f}"},
            "productPrice": {**money, "value": f"{listed / quantity:.4f}"},
            "discountPercentage": f"{row.discount_percentage:.2f}",
            "rowValue": {
                "taxRate": f"{world.tax_codes[row.tax_code].rate:.4f}",
                "taxCode": row.tax_code,
                "taxCalculator": "brightpearl",
                "rowNet": {**money, "value": f"{row.net:.4f}"},
                "rowTax": {**money, "value": f"{row.tax:.2f}"},
                "taxClassId": world.tax_codes[row.tax_code].tax_id,
            },
            "nominalCode": row.nominal_code,
            "composition": {
                "bundleParent": row.is_bundle_parent,
                "bundleChild": row.is_bundle_child,
                "parentOrderRowId": row.parent_row_id,
            },
            "clonedFromId": row.cloned_from_id,
            "externalRef": row.external_ref,
        }
    )


def sales_credit(world: BrightpearlWorld, entry: Order) -> dict[str, Any]:
    """A credit as its own resource shows it: rows are an array, amounts strings."""
    totals = _totals(entry)
    invoice = _present({"invoiceReference": entry.invoice_reference, "taxDate": optional_stamp(entry.tax_date)})
    names = {
        "staffOwnerContactId": "staffOwnerId",
        "projectId": "projectId",
        "leadSourceId": "leadSourceId",
        "teamId": "teamId",
    }
    answer = {
        "id": entry.order_id,
        "customer": {"id": entry.contact_id, "address": _address(entry)},
        "billing": {"contactId": entry.contact_id, "address": _address(entry)},
        "ref": entry.reference,
        "placedOn": stamp(entry.placed_on),
        "taxDate": optional_stamp(entry.tax_date),
        "parentId": entry.parent_id or None,
        "statusId": entry.status_id,
        "warehouseId": entry.warehouse_id,
        "channelId": entry.channel_id or None,
        "externalRef": entry.external_ref,
        "installedIntegrationInstanceId": entry.installation_id,
        "priceListId": entry.price_list_id,
        "priceModeCode": entry.price_mode,
        "currency": {
            "code": entry.currency,
            "fixedExchangeRate": entry.is_rate_fixed,
            "exchangeRate": f"{entry.exchange_rate:.6f}",
        },
        "delivery": {"shippingMethodId": entry.shipping_method_id, "address": _address(entry)},
        "createdOn": stamp(entry.created_on),
        "createdBy": entry.created_by,
        "updatedOn": optional_stamp(entry.updated_on),
        "total": {
            "net": totals["net"],
            "tax": totals["taxAmount"],
            "gross": totals["total"],
            "baseNet": totals["baseNet"],
            "baseTax": totals["baseTaxAmount"],
            "baseGross": totals["baseTotal"],
        },
        "isCanceled": entry.is_cancelled,
        "orderPaymentStatus": payment_status(marked_payments(world, entry.order_id), entry),
        "stockStatusCode": stock_status(entry) if world.switches.credit_shows_stock_status else None,
        "allocationStatusCode": "ANR",
        "shippingStatusCode": "NST",
        "invoice": invoice if entry.is_invoiced and world.switches.credit_shows_invoice else None,
        "rows": [
            _credit_row(row) for row in sorted(entry.rows.values(), key=lambda each: (each.sequence, each.row_id))
        ],
        **{there: entry.assignment.get(here) for here, there in names.items()},
    }
    return _present(answer)


def _credit_row(row: OrderRow) -> dict[str, Any]:
    return _present(
        {
            "id": row.row_id,
            "productId": row.product_id or FREE_TEXT_PRODUCT,
            "name": row.name,
            "sku": row.sku,
            "quantity": str(row.quantity),
            "taxCode": row.tax_code,
            "net": f"{row.net:.4f}",
            "tax": f"{row.tax:.2f}",
            "nominalCode": row.nominal_code,
            "sequence": row.sequence,
            "externalRef": row.external_ref,
            "discountPercentage": f"{row.discount_percentage:.2f}",
            "bundleParent": row.is_bundle_parent,
            "bundleChild": row.is_bundle_child,
            "parentRowId": row.parent_row_id or None,
        }
    )


def marked_payments(world: BrightpearlWorld, only: int | None = None) -> dict[tuple[int, str], Decimal]:
    """What is marked on each order, or on one of them, by the payments' type."""
    marked: dict[tuple[int, str], Decimal] = {}
    for each in world.payments.values():
        if only is not None and each.order_id != only:
            continue
        key = (each.order_id, each.payment_type)
        marked[key] = marked.get(key, Decimal(0)) + each.amount
    return marked


def payment_status(marked: Mapping[tuple[int, str], Decimal], entry: Order) -> str:
    """Unpaid, part paid or paid, of what is marked on the order."""
    paid = marked.get((entry.order_id, "PAYMENT" if entry.order_type == "SC" else "RECEIPT"), Decimal(0))
    total = (entry.net + entry.tax).quantize(_CENT, ROUND_HALF_UP)
    if total == 0:
        return "NOT_APPLICABLE"
    return "PAID" if paid >= total else "PARTIALLY_PAID" if paid else "UNPAID"


def shipping_status(entry: Order) -> str:
    """Whether none, some or all of the goods left."""
    rows = entry.goods_rows()
    if entry.order_type != "SO" or not rows:
        return "NST"
    return (
        "ASS"
        if all(row.shipped >= row.quantity for row in rows)
        else "SPS"
        if any(row.shipped for row in rows)
        else "SNS"
    )


def product(world: BrightpearlWorld, entry: Product) -> dict[str, Any]:
    """A product; its name is below its sales channel."""
    empty_text = {"languageCode": "en", "text": "", "format": "HTML_FRAGMENT"}
    channel = {"salesChannelName": "Brightpearl", "productName": entry.name, "productCondition": "new"}
    texts = {"categories": [{"categoryCode": "296"}], "description": empty_text, "shortDescription": empty_text}
    shelving = {"defaultLocationId": 0, "overflowLocationId": 0, "reorderLevel": 0, "reorderQuantity": 0}
    nothing = Decimal("0.0")
    return {
        "id": entry.product_id,
        "brandId": 74,
        "productTypeId": 1,
        "identity": {"sku": entry.sku, "barcode": entry.barcode},
        "featured": False,
        "stock": {
            "stockTracked": not entry.is_bundle,
            "weight": {"magnitude": nothing},
            "dimensions": dict.fromkeys(("length", "height", "width", "volume"), nothing),
        },
        "financialDetails": {
            "taxable": False,
            "taxCode": {"id": world.tax_codes[entry.tax_code].tax_id, "code": entry.tax_code},
        },
        "salesChannels": [{**channel, **texts}],
        "composition": _composition(world, entry),
        "createdOn": stamp(entry.created_on),
        "updatedOn": stamp(entry.updated_on),
        "warehouses": {str(each): shelving for each in world.warehouses},
        "nominalCodeStock": "1001",
        "nominalCodePurchases": "5000",
        "nominalCodeSales": entry.nominal_code,
        "seasonIds": [],
        "reporting": {},
        "status": entry.status,
        "salesPopupMessage": "",
        "warehousePopupMessage": "",
        "version": entry.version,
    }


def _composition(world: BrightpearlWorld, entry: Product) -> dict[str, Any]:
    """A bundle's parts, with the parts of those that are bundles themselves."""
    parts = [
        {
            "productId": product_id,
            "productQuantity": quantity,
            **({"composition": nested} if (nested := _composition(world, world.product(product_id)))["bundle"] else {}),
        }
        for product_id, quantity in entry.components
    ]
    return {"bundle": entry.is_bundle, **({"bundleComponents": parts} if parts else {})}


def goods_in_note(note: GoodsInNote) -> dict[str, Any]:
    """A goods-in note, as one value of the map by note id."""
    moved = [
        {
            "productId": line.product_id,
            "purchaseOrderRowId": line.row_id,
            "quantity": line.quantity,
            "warehouseId": note.warehouse_id,
            "destinationLocationId": line.location_id,
            "goodsNoteId": note.note_id,
            "batchGoodsNoteId": note.note_id,
            "productValue": {"currency": line.currency, "value": f"{line.value:.4f}"},
        }
        for line in note.moved
    ]
    return _present(
        {
            "goodsNoteId": note.note_id,
            "orderId": note.order_id,
            "warehouseId": note.warehouse_id,
            "transfer": False,
            "goodsNoteStatus": note.status,
            "userBatchReference": note.user_batch_reference,
            "receivedOn": stamp(note.received_on),
            "createdBy": note.created_by,
            "goodsMoved": moved,
        }
    )


def goods_out_note(note: GoodsOutNote) -> dict[str, Any]:
    """A goods-out note; a transfer's has transfer rows and no order."""
    flags = {name: note.shipped_on is not None for name in ("shipped", "packed", "picked", "printed")}
    dates = {f"{name}On": optional_stamp(note.shipped_on) for name in flags}
    people = {f"{name}ById": 4 if note.shipped_on else None for name in flags}
    rows: dict[str, list[dict[str, int]]] = {}
    for row_id, product_id, quantity, location_id in note.lines:
        rows.setdefault(str(row_id), []).append(
            {"productId": product_id, "quantity": quantity, "locationId": location_id}
        )
    is_transfer = note.stock_transfer_id != 0
    parts = {
        "stockTransferId": note.stock_transfer_id,
        "targetWarehouseId": note.target_warehouse_id,
        "transferRows": rows.get("0", []),
    }
    return {
        "orderId": note.order_id,
        "warehouseId": note.warehouse_id,
        "transfer": is_transfer,
        "priority": False,
        "status": _present({**flags, **dates, **people}),
        "shipping": {"reference": "", "shippingMethodId": 0},
        "releaseDate": stamp(note.created_on),
        "createdOn": stamp(note.created_on),
        "createdBy": 203,
        **(parts if is_transfer else {"orderRows": rows}),
        "sequence": 1,
        "events": [
            {"occured": stamp(moment), "eventOwnerId": 203 if code == "PLA" else 4, "eventCode": code}
            for code, moment in [("PLA", note.created_on), *note.events]
        ],
        "lastEventVersion": note.note_id + len(note.events),
    }


def stock_transfer(entry: StockTransfer) -> dict[str, Any]:
    """A stock transfer; note 0 means that nothing was dispatched."""
    return _present(
        {
            "stockTransferId": entry.transfer_id,
            "sourceWarehouseId": entry.source_id,
            "targetWarehouseId": entry.target_id,
            "goodsOutNoteId": entry.goods_out_note_id,
            "reference": entry.reference,
        }
    )


def _assignment(entry: Order) -> dict[str, int]:
    names = ("staffOwnerContactId", "projectId", "leadSourceId", "teamId")
    return {"channelId": entry.channel_id, **{name: entry.assignment.get(name, 0) for name in names}}


def _parties(entry: Order) -> dict[str, Any]:
    address = _address(entry)
    return {
        "customer": {"contactId": entry.contact_id, **address},
        "delivery": address,
        "billing": {"contactId": entry.contact_id, **address},
    }


def _address(entry: Order) -> dict[str, Any]:
    name, country_id, code = _COUNTRIES[entry.country]
    return {
        "addressFullName": "Canary Person",
        "companyName": "Canary Company",
        "addressLine1": "1 Canary Street",
        "addressLine2": "Canarytown",
        "addressLine3": "",
        "addressLine4": "",
        "postalCode": "CA1 1AA",
        "country": name,
        "telephone": "+441632960001",
        "mobileTelephone": "",
        "fax": "",
        "email": "canary@example.com",
        "countryId": country_id,
        "countryIsoCode": entry.country,
        "countryIsoCode3": code,
    }


def _present(fields: dict[str, Any]) -> dict[str, Any]:
    """Null fields are simply absent."""
    return {name: value for name, value in fields.items() if value is not None}
