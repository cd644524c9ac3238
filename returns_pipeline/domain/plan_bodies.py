"""The requests that effects are made of, exactly as Brightpearl and ReturnGo take them. Which ones are planned is decided in `plans`.

Sources: sales-credit POST and close, order row PATCH and DELETE, order status PUT, goods-in POST, customer-payment POST, transfers; ReturnGo PUT /shipment.
"""

import datetime as dt
from collections.abc import Mapping, Sequence
from typing import Any

from returns_pipeline.domain.money import decimal_text
from returns_pipeline.settings import Settings, ShopSettings

Request = dict[str, Any]


def sales_credit(
    rows: Sequence[Mapping[str, Any]],
    order: Mapping[str, Any],
    sold: Mapping[int, Mapping[str, Any]],
    reference: str,
    order_name: str,
    instance_id: int | None,
    warehouse_id: int,
    settings: Settings,
) -> Request:
    """POST sales-credit: header copied from the sale, one row per proposal, amounts positive row totals with two decimals at most."""
    first = rows[0]
    body: dict[str, Any] = {
        "customer": {"id": order["customer_contact_id"]},
        "ref": settings.brightpearl.credit_ref_format.format(order_name=order_name, rma_id=first["rma_id"]),
        "parentId": first["order_id"],
        "statusId": settings.brightpearl.statuses.awaiting_return,
        "warehouseId": warehouse_id,
        "channelId": order["channel_id"],
        "externalRef": reference,
        "priceListId": order["price_list_id"],
        "priceModeCode": order["price_mode"],
        "currency": {"code": order["currency"], "fixedExchangeRate": True, "exchangeRate": str(order["exchange_rate"])},
        "rows": [_credit_row(row, sold, number, settings) for number, row in enumerate(rows, start=1)],
    }
    optional = {
        "installedIntegrationInstanceId": instance_id,
        "projectId": order["project_id"],
        "leadSourceId": order["lead_source_id"],
        "staffOwnerId": order["staff_owner_id"],
        "teamId": order["team_id"],
    }
    body |= optional
    return {
        "method": "POST",
        "path": "/order-service/sales-credit",
        "body": {name: value for name, value in body.items() if value is not None},
    }


def cancel(credit_id: int, settings: Settings, why: str) -> Request:
    """PUT the credit to the status `cancelled`, with a private note."""
    return _status(credit_id, settings.brightpearl.statuses.cancelled, why)


def annotate(credit_id: int, settings: Settings, note: str) -> Request:
    """PUT the credit to the status `credited`, with a private note in the same call."""
    return _status(credit_id, settings.brightpearl.statuses.credited, note)


def amend(credit_id: int, credit_row_id: int, quantity: int, net_minor: int, tax_minor: int, currency: str) -> Request:
    """Brings one row to a quantity and its money in one call, or removes it: net alone would make Brightpearl reckon the tax anew."""
    path = f"/order-service/order/{credit_id}/row/{credit_row_id}"
    if quantity == 0:
        return {"method": "DELETE", "path": path, "body": None}
    values = {
        "/quantity/magnitude": str(quantity),
        "/rowValue/rowNet/value": decimal_text(net_minor, currency),
        "/rowValue/rowTax/value": decimal_text(tax_minor, currency),
    }
    return {
        "method": "PATCH",
        "path": path,
        "body": [{"op": "replace", "path": where, "value": value} for where, value in values.items()],
    }


def deduction(credit_id: int, fee: Mapping[str, Any], currency: str) -> Request:
    """POST order row: one more row on an unposted credit, with a minus; its name says why."""
    value = {
        "taxCode": fee["tax_code"],
        "rowNet": {"value": decimal_text(-fee["net_minor"], currency)},
        "rowTax": {"value": decimal_text(-fee["tax_minor"], currency)},
    }
    return {
        "method": "POST",
        "path": f"/order-service/order/{credit_id}/row",
        "body": {
            "productName": fee["name"],
            "quantity": {"magnitude": "1"},
            "rowValue": value,
            "nominalCode": fee["nominal_code"],
        },
    }


def close(credit_id: int, tax_date: str) -> Request:
    """Posts the credit; Brightpearl works on it and gives the invoice reference later."""
    return {"method": "POST", "path": f"/order-service/sales-credit/{credit_id}/close", "body": {"taxDate": tax_date}}


def goods_in(
    credit_id: int, rows: Sequence[Mapping[str, Any]], warehouse_id: int, location_id: int, reference: str
) -> Request:
    """Books units in with one note; the row of a credit goes in `purchaseOrderRowId`, the cost in the accounting currency.

    Args:
        rows: proposals with credit_row_id, quantity and, in details, product_id, cost, cost_currency and received_on.
    """
    moved = [
        {
            "productId": row["details"]["product_id"],
            "purchaseOrderRowId": row["credit_row_id"],
            "quantity": row["quantity"],
            "destinationLocationId": location_id,
            "productValue": {"currency": row["details"]["cost_currency"], "value": row["details"]["cost"]},
        }
        for row in rows
    ]
    body = {
        "transfer": False,
        "warehouseId": warehouse_id,
        "receivedOn": max(row["details"]["received_on"] for row in rows),
        "userBatchReference": reference,
        "goodsMoved": moved,
    }
    return {"method": "POST", "path": f"/warehouse-service/order/{credit_id}/goods-note/goods-in", "body": body}


def customer_payment(
    reference: str, method_code: str, credit_id: int, currency: str, exchange_rate: str, amount_minor: int, paid_at: str
) -> Request:
    """Records a refund: a PAYMENT of a positive amount on the credit; it moves no money."""
    body = {
        "transactionRef": reference,
        "transactionCode": reference,
        "paymentMethodCode": method_code,
        "paymentType": "PAYMENT",
        "orderId": credit_id,
        "currencyIsoCode": currency,
        "exchangeRate": exchange_rate,
        "amountPaid": decimal_text(amount_minor, currency),
        "paymentDate": paid_at,
    }
    return {"method": "POST", "path": "/accounting-service/customer-payment", "body": body}


def confirm_shipment(shipment: Mapping[str, Any], status: str) -> Request:
    """Sets a parcel's status in ReturnGo and sends the carrier's fields back as they were read."""
    fields = {
        "status": status,
        "carrierName": shipment["carrier_name"],
        "trackingNumber": shipment["tracking_number"],
        "trackingURL": shipment["tracking_url"],
        "labelURL": shipment["label_url"],
    }
    return {
        "method": "PUT",
        "path": f"/shipment/{shipment['shipment_id']}",
        "body": {name: value for name, value in fields.items() if value is not None},
    }


def stock_transfer(source_id: int, target_id: int, reference: str) -> Request:
    """Opens a transfer between warehouses under a reference that Brightpearl keeps unique."""
    return {
        "method": "POST",
        "path": f"/warehouse-service/warehouse/{source_id}/stock-transfer",
        "body": {"targetWarehouseId": target_id, "reference": reference},
    }


def external_transfer(
    source_id: int, target_id: int, transfer_id: int, products: Sequence[Mapping[str, int]]
) -> Request:
    """Puts products on a transfer, always from the location in which the passed units lie."""
    return {
        "method": "POST",
        "path": f"/warehouse-service/warehouse/{source_id}/external-transfer",
        "body": {"targetWarehouseId": target_id, "stockTransferId": transfer_id, "transferredProducts": list(products)},
    }


def ship(goods_out_note_id: int, now: dt.datetime) -> Request:
    """Ships a goods-out note; `occured` is Brightpearl's own spelling."""
    event = {"eventCode": "SHW", "occured": now.isoformat(timespec="milliseconds")}
    return {
        "method": "POST",
        "path": f"/warehouse-service/goods-note/goods-out/{goods_out_note_id}/event",
        "body": {"events": [event]},
    }


def release(warehouse_id: int, product_id: int, quantity: int, location_id: int) -> Request:
    """Releases units from a warehouse's quarantine to a location."""
    body = {"productId": product_id, "quantity": quantity, "toLocationId": location_id}
    return {"method": "POST", "path": f"/warehouse-service/warehouse/{warehouse_id}/quarantine/release", "body": body}


def returns_warehouse(shop: ShopSettings, store: str | None, country: str | None, method: str | None) -> int:
    """The Returns warehouse of a return: by the store that takes it, by country, by return method, else the default."""
    for key in (f"store:{store}", f"country:{country}", f"method:{method}"):
        if key in shop.returns_warehouses:
            return shop.returns_warehouses[key]
    return shop.returns_warehouses["default"]


def _credit_row(
    row: Mapping[str, Any], sold: Mapping[int, Mapping[str, Any]], number: int, settings: Settings
) -> dict[str, Any]:
    fee = row["details"].get("fee")
    money = {
        "quantity": str(row["quantity"]),
        "taxCode": row["tax_code"],
        "net": decimal_text(row["net_minor"], row["currency"]),
        "tax": decimal_text(row["tax_minor"], row["currency"]),
    }
    if fee is not None:
        return {"name": fee["name"], **money, "nominalCode": fee["nominal_code"], "sequence": number * 10}
    source = sold[row["order_row_id"]]
    goods = {"productId": source["product_id"]} if source["product_id"] is not None else {"name": source["name"]}
    nominal = settings.brightpearl.returns_nominal_code or source["nominal_code"]
    return goods | money | ({"nominalCode": nominal} if nominal else {}) | {"sequence": number * 10}


def _status(credit_id: int, status_id: int, note: str) -> Request:
    return {
        "method": "PUT",
        "path": f"/order-service/order/{credit_id}/status",
        "body": {"orderStatusId": status_id, "orderNote": {"text": note, "isPublic": False}},
    }
