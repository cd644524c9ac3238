"""Brightpearl's JSON as records with the columns of our tables, and only the fields that the pipeline needs. No party's name or address.

Sources: order GET, sales-credit GET, product GET, goods-in note GET, goods-movement-search, goods-out note GET, stock-transfer GET.
"""

import datetime as dt
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from decimal import ROUND_HALF_UP, Decimal
from typing import Any

from returns_pipeline.clients.fields import Fields, RecordRejected
from returns_pipeline.domain.money import minor_digits

# A free-text row reads back with this product id; it is no product.
FREE_TEXT_PRODUCT = 1000
_ZERO, _ONE = Decimal(0), Decimal(1)


@dataclass(frozen=True)
class SalesOrderRow:
    """One row of a sale; `row_net` has up to four decimals, `net_minor` is gross less tax in whole minor units."""

    order_row_id: int
    order_id: int
    sequence: int
    product_id: int | None
    sku: str | None
    name: str
    quantity: int
    row_net: Decimal
    net_minor: int
    tax_minor: int
    tax_code: str
    tax_rate: Decimal | None
    nominal_code: str | None
    item_cost: Decimal | None
    cost_currency: str | None
    discount_percentage: Decimal | None
    is_bundle_parent: bool
    is_bundle_child: bool
    parent_row_id: int | None
    external_ref: str | None


@dataclass(frozen=True)
class SalesOrder:
    """One sale with its rows. `external_ref` comes from a search: the order itself does not show it."""

    order_id: int
    order_type: str
    external_ref: str | None
    customer_ref: str | None
    channel_id: int
    order_status_id: int
    customer_contact_id: int
    currency: str
    accounting_currency: str
    exchange_rate: Decimal
    price_list_id: int | None
    price_mode: str
    warehouse_id: int
    project_id: int | None
    lead_source_id: int | None
    staff_owner_id: int | None
    team_id: int | None
    shipping_method_id: int | None
    delivery_country: str | None
    invoice_reference: str
    invoice_tax_date: dt.datetime | None
    shipping_status: str
    payment_status: str | None
    net_minor: int
    tax_minor: int
    total_minor: int
    placed_on: dt.datetime | None
    created_on: dt.datetime
    updated_on: dt.datetime | None
    rows: list[SalesOrderRow]

    @classmethod
    def from_api(cls, raw: Any, external_ref: str | None = None) -> "SalesOrder":  # noqa: ANN401 - JSON
        """Raises RecordRejected for an order whose identity or money cannot be read."""
        fields = Fields(raw, "an order")
        order_id = fields.integer("id")
        fields.subject = f"order {order_id}"
        currency = fields.currency("currency.orderCurrencyCode")
        return cls(
            order_id=order_id,
            order_type=fields.text("orderTypeCode"),
            external_ref=external_ref or fields.optional_text("externalRef"),
            customer_ref=fields.optional_text("reference"),
            channel_id=fields.optional_integer("assignment.current.channelId") or 0,
            order_status_id=fields.integer("orderStatus.orderStatusId"),
            customer_contact_id=fields.integer("parties.customer.contactId"),
            currency=currency,
            accounting_currency=fields.currency("currency.accountingCurrencyCode"),
            exchange_rate=fields.decimal("currency.exchangeRate", default=_ONE),
            price_list_id=fields.optional_integer("priceListId"),
            price_mode=_price_mode(fields, "priceModeCode"),
            warehouse_id=fields.integer("warehouseId"),
            project_id=_assigned(fields, "projectId"),
            lead_source_id=_assigned(fields, "leadSourceId"),
            staff_owner_id=_assigned(fields, "staffOwnerContactId"),
            team_id=_assigned(fields, "teamId"),
            shipping_method_id=fields.optional_integer("delivery.shippingMethodId"),
            delivery_country=fields.optional_text("parties.delivery.countryIsoCode"),
            invoice_reference=_invoice(fields, "invoiceReference") or "",
            invoice_tax_date=_invoice_date(fields),
            shipping_status=fields.optional_text("shippingStatusCode") or "",
            payment_status=fields.optional_text("orderPaymentStatus"),
            net_minor=fields.minor("totalValue.net", currency),
            tax_minor=fields.minor("totalValue.taxAmount", currency),
            total_minor=fields.minor("totalValue.total", currency),
            placed_on=fields.optional_moment("placedOn"),
            created_on=fields.moment("createdOn"),
            updated_on=fields.optional_moment("updatedOn"),
            rows=[_sale_row(order_id, row_id, row, currency) for row_id, row in _keyed(fields, "orderRows")],
        )


@dataclass(frozen=True)
class Product:
    """One product as the catalogue has it today."""

    product_id: int
    sku: str | None
    barcode: str | None
    ean: str | None
    upc: str | None
    name: str
    status: str
    is_stock_tracked: bool
    is_bundle: bool
    components: list[dict[str, int]]
    tax_code: str | None
    nominal_code_sales: str | None
    updated_on: dt.datetime | None

    @classmethod
    def from_api(cls, raw: Any) -> "Product":  # noqa: ANN401 - JSON
        """Raises RecordRejected for a product without id."""
        fields = Fields(raw, "a product")
        product_id = fields.integer("id")
        fields.subject = f"product {product_id}"
        channels = [Fields(channel, fields.subject) for channel in fields.objects("salesChannels")]
        return cls(
            product_id=product_id,
            sku=fields.optional_text("identity.sku"),
            barcode=fields.optional_text("identity.barcode"),
            ean=fields.optional_text("identity.ean"),
            upc=fields.optional_text("identity.upc"),
            name=(channels[0].optional_text("productName") if channels else None) or "",
            status=fields.optional_text("status") or "LIVE",
            is_stock_tracked=fields.boolean("stock.stockTracked", default=True),
            is_bundle=fields.boolean("composition.bundle", default=False),
            components=list(_components(fields)),
            tax_code=fields.optional_text("financialDetails.taxCode.code"),
            nominal_code_sales=fields.optional_text("nominalCodeSales"),
            updated_on=fields.optional_moment("updatedOn"),
        )


@dataclass(frozen=True)
class SalesCreditRow:
    """One row of a sales credit, amounts positive."""

    credit_row_id: int
    credit_id: int
    sequence: int | None
    product_id: int | None
    sku: str | None
    name: str | None
    quantity: int
    row_net: Decimal
    net_minor: int
    tax_minor: int
    tax_code: str | None
    nominal_code: str | None
    is_bundle_parent: bool
    is_bundle_child: bool
    parent_row_id: int | None


@dataclass(frozen=True)
class SalesCredit:
    """One sales credit with its rows, as its own resource shows it."""

    credit_id: int
    order_id: int | None
    external_ref: str | None
    installed_integration_instance_id: int | None
    reference: str | None
    order_status_id: int
    customer_contact_id: int | None
    warehouse_id: int | None
    channel_id: int | None
    currency: str
    exchange_rate: Decimal | None
    price_mode: str | None
    net_minor: int
    tax_minor: int
    total_minor: int
    invoice_reference: str
    invoice_tax_date: dt.datetime | None
    stock_status: str | None
    payment_status: str | None
    is_cancelled: bool
    created_on: dt.datetime
    updated_on: dt.datetime | None
    created_by: int | None
    rows: list[SalesCreditRow]

    @classmethod
    def from_api(cls, raw: Any) -> "SalesCredit":  # noqa: ANN401 - JSON
        """Raises RecordRejected for a credit whose identity or money cannot be read."""
        fields = Fields(raw, "a sales credit")
        credit_id = fields.integer("id")
        fields.subject = f"sales credit {credit_id}"
        currency = fields.currency("currency.code")
        return cls(
            credit_id=credit_id,
            order_id=fields.optional_integer("parentId") or None,
            external_ref=fields.optional_text("externalRef"),
            installed_integration_instance_id=fields.optional_integer("installedIntegrationInstanceId"),
            reference=fields.optional_text("ref"),
            order_status_id=fields.optional_integer("statusId") or 0,
            customer_contact_id=fields.optional_integer("customer.id") or fields.optional_integer("customerId"),
            warehouse_id=fields.optional_integer("warehouseId"),
            channel_id=fields.optional_integer("channelId"),
            currency=currency,
            exchange_rate=fields.optional_decimal("currency.exchangeRate"),
            price_mode=fields.optional_text("priceModeCode"),
            net_minor=fields.minor("total.net", currency),
            tax_minor=fields.minor("total.tax", currency),
            total_minor=fields.minor("total.gross", currency),
            invoice_reference=_credit_invoice(fields),
            invoice_tax_date=fields.optional_moment("invoice.taxDate")
            or _invoice_date(fields)
            or fields.optional_moment("taxDate"),
            stock_status=fields.optional_text("stockStatusCode"),
            payment_status=fields.optional_text("orderPaymentStatus"),
            is_cancelled=fields.boolean("isCanceled", default=False),
            created_on=fields.moment("createdOn"),
            updated_on=fields.optional_moment("updatedOn"),
            created_by=fields.optional_integer("createdBy"),
            rows=[_credit_row(credit_id, row, currency) for row in fields.objects("rows")],
        )


@dataclass(frozen=True)
class GoodsInLine:
    """One line of a goods-in note on an order."""

    goods_note_id: int
    credit_id: int
    credit_row_id: int
    product_id: int
    location_id: int
    warehouse_id: int
    quantity: int
    received_on: dt.datetime
    created_by: int | None
    user_batch_reference: str | None
    cost_value: Decimal | None
    cost_currency: str | None
    is_reversed: bool


@dataclass(frozen=True)
class GoodsOutNote:
    """One goods-out note: of an order, or of a stock transfer."""

    goods_out_note_id: int
    order_id: int
    is_transfer: bool
    stock_transfer_id: int | None
    is_shipped: bool
    quantities: dict[int, int]


@dataclass(frozen=True)
class StockTransfer:
    """One stock transfer between warehouses; `goods_out_note_id` 0 means not dispatched."""

    stock_transfer_id: int
    source_warehouse_id: int
    target_warehouse_id: int
    goods_out_note_id: int
    reference: str | None

    @classmethod
    def from_api(cls, raw: Any) -> "StockTransfer":  # noqa: ANN401 - JSON
        """Raises RecordRejected for a transfer without its ids."""
        fields = Fields(raw, "a stock transfer")
        return cls(
            fields.integer("stockTransferId"),
            fields.integer("sourceWarehouseId"),
            fields.integer("targetWarehouseId"),
            fields.optional_integer("goodsOutNoteId") or 0,
            fields.optional_text("reference"),
        )


def goods_in_lines(note_id: int, raw: Any) -> list[GoodsInLine]:  # noqa: ANN401 - JSON
    """The lines of one note of `GET …/goods-note/goods-in`; lines of one row, product and location are added up."""
    fields = Fields(raw, f"goods-in note {note_id}")
    order_id = fields.integer("orderId")
    reversed_ = fields.optional_text("goodsNoteStatus") == "CANCELLED"
    lines: dict[tuple[int, int, int], GoodsInLine] = {}
    for entry in fields.objects("goodsMoved"):
        moved = Fields(entry, fields.subject)
        line = GoodsInLine(
            goods_note_id=note_id,
            credit_id=order_id,
            credit_row_id=moved.integer("purchaseOrderRowId"),
            product_id=moved.integer("productId"),
            location_id=moved.optional_integer("destinationLocationId") or 0,
            warehouse_id=moved.optional_integer("warehouseId") or fields.integer("warehouseId"),
            quantity=moved.quantity("quantity"),
            received_on=fields.moment("receivedOn"),
            created_by=fields.optional_integer("createdBy"),
            user_batch_reference=fields.optional_text("userBatchReference"),
            cost_value=moved.optional_decimal("productValue.value"),
            cost_currency=moved.optional_text("productValue.currency"),
            is_reversed=reversed_,
        )
        key = (line.credit_row_id, line.product_id, line.location_id)
        before = lines.get(key)
        lines[key] = (
            line if before is None else GoodsInLine(**{**vars(line), "quantity": before.quantity + line.quantity})
        )
    return list(lines.values())


def goods_out_note(note_id: int, raw: Any) -> GoodsOutNote:  # noqa: ANN401 - JSON
    """One note of `GET …/goods-note/goods-out`; quantities by order row."""
    fields = Fields(raw, f"goods-out note {note_id}")
    quantities: dict[int, int] = {}
    for row_id, moves in _keyed(fields, "orderRows"):
        for entry in moves if isinstance(moves, list) else [moves]:
            quantities[row_id] = quantities.get(row_id, 0) + Fields(entry, fields.subject).quantity("quantity")
    return GoodsOutNote(
        goods_out_note_id=note_id,
        order_id=fields.optional_integer("orderId") or 0,
        is_transfer=fields.boolean("transfer", default=False),
        stock_transfer_id=fields.optional_integer("stockTransferId") or None,
        is_shipped=fields.boolean("status.shipped", default=False),
        quantities=quantities,
    )


def row_money(fields: Fields, row_net: Decimal, row_tax: Decimal, currency: str) -> tuple[int, int]:
    """Net and tax in minor units: tax as charged, gross rounded half up from four-decimal net plus tax, net what is left.

    Raises:
        RecordRejected: a tax with a fraction of a minor unit.
    """
    scale = minor_digits(currency)
    tax = row_tax.scaleb(scale)
    if tax != tax.to_integral_value():
        raise fields.rejected("tax", row_tax, f"holds a fraction of a minor unit of {currency}")
    gross = (row_net + row_tax).scaleb(scale).quantize(_ONE, rounding=ROUND_HALF_UP)
    return int(gross) - int(tax), int(tax)


def _sale_row(order_id: int, row_id: int, raw: Any, currency: str) -> SalesOrderRow:  # noqa: ANN401 - JSON
    fields = Fields(raw, f"row {row_id} of order {order_id}")
    row_net = fields.decimal("rowValue.rowNet.value")
    net_minor, tax_minor = row_money(fields, row_net, fields.decimal("rowValue.rowTax.value"), currency)
    return SalesOrderRow(
        order_row_id=row_id,
        order_id=order_id,
        sequence=fields.optional_integer("orderRowSequence") or 0,
        product_id=_product(fields),
        sku=fields.optional_text("productSku"),
        name=fields.optional_text("productName") or "",
        quantity=fields.quantity("quantity.magnitude"),
        row_net=row_net,
        net_minor=net_minor,
        tax_minor=tax_minor,
        tax_code=fields.text("rowValue.taxCode"),
        tax_rate=fields.optional_decimal("rowValue.taxRate"),
        nominal_code=fields.optional_text("nominalCode"),
        item_cost=fields.optional_decimal("itemCost.value"),
        cost_currency=fields.optional_text("itemCost.currencyCode"),
        discount_percentage=fields.optional_decimal("discountPercentage"),
        is_bundle_parent=fields.boolean("composition.bundleParent", default=False),
        is_bundle_child=fields.boolean("composition.bundleChild", default=False),
        parent_row_id=fields.optional_integer("composition.parentOrderRowId") or None,
        external_ref=fields.optional_text("externalRef"),
    )


def _credit_row(credit_id: int, raw: Any, currency: str) -> SalesCreditRow:  # noqa: ANN401 - JSON
    fields = Fields(raw, f"a row of sales credit {credit_id}")
    row_net = fields.decimal("net", default=_ZERO)
    net_minor, tax_minor = row_money(fields, row_net, fields.decimal("tax", default=_ZERO), currency)
    return SalesCreditRow(
        credit_row_id=fields.integer("id"),
        credit_id=credit_id,
        sequence=fields.optional_integer("sequence"),
        product_id=_product(fields),
        sku=fields.optional_text("sku"),
        name=fields.optional_text("name"),
        quantity=fields.quantity("quantity"),
        row_net=row_net,
        net_minor=net_minor,
        tax_minor=tax_minor,
        tax_code=fields.optional_text("taxCode"),
        nominal_code=fields.optional_text("nominalCode"),
        is_bundle_parent=fields.boolean("bundleParent", default=False),
        is_bundle_child=fields.boolean("bundleChild", default=False),
        parent_row_id=fields.optional_integer("parentRowId") or None,
    )


def _product(fields: Fields) -> int | None:
    product_id = fields.optional_integer("productId")
    return None if product_id in (None, 0, FREE_TEXT_PRODUCT) else product_id


def _keyed(fields: Fields, path: str) -> Iterator[tuple[int, Any]]:
    value = fields.raw(path)
    if value is None:
        return
    if not isinstance(value, Mapping):
        raise fields.rejected(path, value, "must be an object keyed by row id")
    for key, entry in value.items():
        if not str(key).isdigit():
            raise fields.rejected(path, key, "must be keyed by row id")
        yield int(key), entry


def _assigned(fields: Fields, name: str) -> int | None:
    return fields.optional_integer(f"assignment.current.{name}") or None


def _price_mode(fields: Fields, path: str) -> str:
    mode = fields.text(path)
    if mode not in ("INC", "EXC"):
        raise fields.rejected(path, mode, "must be INC or EXC")
    return mode


def _first_invoice(fields: Fields) -> Fields | None:
    invoices = fields.objects("invoices")
    return Fields(invoices[0], fields.subject) if invoices else None


def _invoice(fields: Fields, name: str) -> str | None:
    invoice = _first_invoice(fields)
    return invoice.optional_text(name) if invoice else None


def _invoice_date(fields: Fields) -> dt.datetime | None:
    invoice = _first_invoice(fields)
    return invoice.optional_moment("taxDate") if invoice else None


def _credit_invoice(fields: Fields) -> str:
    """The invoice reference of a credit, wherever this account's answers carry it."""
    return (
        fields.optional_text("invoice.invoiceReference")
        or _invoice(fields, "invoiceReference")
        or fields.optional_text("invoiceReference")
        or ""
    )


def _components(fields: Fields) -> Iterator[dict[str, int]]:
    for entry in fields.objects("composition.bundleComponents"):
        component = Fields(entry, fields.subject)
        yield {"product_id": component.integer("productId"), "quantity": component.quantity("productQuantity")}


__all__ = [
    "GoodsInLine",
    "GoodsOutNote",
    "Product",
    "RecordRejected",
    "SalesCredit",
    "SalesCreditRow",
    "SalesOrder",
    "SalesOrderRow",
    "StockTransfer",
]
