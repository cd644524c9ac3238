"""Brightpearl's JSON as records with the columns of our tables, and only the fields that the pipeline needs. No party's name or address.

Sources: order GET, sales-credit GET. Goods notes and transfers are in `records_warehouse`, products in `records_catalogue`.
"""

import datetime as dt
from dataclasses import dataclass, replace
from decimal import ROUND_HALF_UP, Decimal
from typing import Any

from returns_pipeline.clients.fields import Fields, RecordRejected
from returns_pipeline.clients.records_warehouse import GoodsInLine, GoodsOutNote, StockTransfer

# A free-text row reads back with this product id; it is no product.
_FREE_TEXT_PRODUCT = 1000
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
    def from_api(cls, raw: Any, external_ref: str | None = None) -> "SalesOrder":
        """Raises RecordRejected for an order whose identity or money cannot be read."""
        fields = Fields(raw, "an order")
        order_id = fields.integer("id")
        fields.subject = f"order {order_id}"
        currency = fields.currency("currency.orderCurrencyCode")
        accounting_currency = fields.currency("currency.accountingCurrencyCode")
        if fields.raw("orderRows") is None:
            raise fields.rejected("orderRows", None, "must be there, even if empty")
        return cls(
            order_id=order_id,
            order_type=fields.text("orderTypeCode"),
            external_ref=external_ref or fields.optional_text("externalRef"),
            customer_ref=fields.optional_text("reference"),
            channel_id=fields.optional_integer("assignment.current.channelId") or 0,
            order_status_id=fields.integer("orderStatus.orderStatusId"),
            customer_contact_id=fields.integer("parties.customer.contactId"),
            currency=currency,
            accounting_currency=accounting_currency,
            # Only between equal currencies is a rate that was left out no guess.
            exchange_rate=fields.decimal(
                "currency.exchangeRate", default=_ONE if currency == accounting_currency else None
            ),
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
            rows=[_sale_row(order_id, row_id, row, currency) for row_id, row in fields.keyed("orderRows")],
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
class CreditAsOrder:
    """What the order's resource says of a credit that its own resource may not show."""

    order_id: int
    order_status_id: int
    reference: str | None
    invoice_reference: str
    invoice_tax_date: dt.datetime | None
    stock_status: str | None
    payment_status: str | None

    @classmethod
    def from_api(cls, raw: Any) -> "CreditAsOrder":
        """Raises RecordRejected where it does not say whether the credit is posted: `invoices` always has an entry."""
        fields = Fields(raw, "a sales credit's order")
        order_id = fields.integer("id")
        fields.subject = f"sales credit {order_id}"
        invoices = fields.required_objects("invoices")
        if not invoices:
            raise fields.rejected("invoices", invoices, "must have an entry")
        return cls(
            order_id=order_id,
            order_status_id=fields.integer("orderStatus.orderStatusId"),
            reference=fields.optional_text("reference"),
            invoice_reference=Fields(invoices[0], fields.subject).text("invoiceReference"),
            invoice_tax_date=_invoice_date(fields),
            stock_status=fields.optional_text("stockStatusCode"),
            payment_status=fields.optional_text("orderPaymentStatus"),
        )


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
    def from_api(cls, raw: Any) -> "SalesCredit":
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
            rows=[_credit_row(credit_id, row, currency) for row in fields.required_objects("rows")],
        )

    def with_order(self, order: CreditAsOrder) -> "SalesCredit":
        """The same credit with what only its order says."""
        return replace(
            self,
            order_status_id=order.order_status_id,
            reference=self.reference or order.reference,
            invoice_reference=order.invoice_reference,
            invoice_tax_date=order.invoice_tax_date,
            stock_status=self.stock_status or order.stock_status,
            payment_status=self.payment_status or order.payment_status,
        )


def row_money(fields: Fields, row_net: Decimal, row_tax: Decimal, currency: str) -> tuple[int, int]:
    """Net and tax in minor units: tax as charged, gross rounded half up from four-decimal net plus tax, net what is left.

    Raises:
        RecordRejected: a tax with a fraction of a minor unit, or a currency that the books cannot hold.
    """
    tax = fields.exact_minor("tax", row_tax, currency)
    digits = fields.minor_digits("tax", currency)
    gross = (row_net + row_tax).scaleb(digits).quantize(_ONE, rounding=ROUND_HALF_UP)
    return int(gross) - tax, tax


def _sale_row(order_id: int, row_id: int, raw: Any, currency: str) -> SalesOrderRow:
    fields = Fields(raw, f"row {row_id} of order {order_id}")
    row_net = fields.decimal("rowValue.rowNet.value")
    net_minor, tax_minor = row_money(fields, row_net, fields.decimal("rowValue.rowTax.value"), currency)
    return SalesOrderRow(
        order_row_id=row_id,
        order_id=order_id,
        sequence=fields.optional_integer("orderRowSequence") or 0,
        product_id=_product(fields),
        sku=fields.optional_text("productSku"),
        name=_name(fields, "productName") or "",
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


def _credit_row(credit_id: int, raw: Any, currency: str) -> SalesCreditRow:
    fields = Fields(raw, f"a row of sales credit {credit_id}")
    is_child = fields.boolean("bundleChild", default=False)
    # The value of a bundle sits on its parent: only there may money be left out.
    nothing = _ZERO if is_child else None
    row_net = fields.decimal("net", default=nothing)
    net_minor, tax_minor = row_money(fields, row_net, fields.decimal("tax", default=nothing), currency)
    return SalesCreditRow(
        credit_row_id=fields.integer("id"),
        credit_id=credit_id,
        sequence=fields.optional_integer("sequence"),
        product_id=_product(fields),
        sku=fields.optional_text("sku"),
        name=_name(fields, "name"),
        quantity=fields.quantity("quantity"),
        row_net=row_net,
        net_minor=net_minor,
        tax_minor=tax_minor,
        tax_code=fields.optional_text("taxCode"),
        nominal_code=fields.optional_text("nominalCode"),
        is_bundle_parent=fields.boolean("bundleParent", default=False),
        is_bundle_child=is_child,
        parent_row_id=fields.optional_integer("parentRowId") or None,
    )


def _product(fields: Fields) -> int | None:
    product_id = fields.optional_integer("productId")
    return None if product_id in (None, 0, _FREE_TEXT_PRODUCT) else product_id


def _name(fields: Fields, path: str) -> str | None:
    """A product's name, or the words of a free-text row, which anybody may have written."""
    return fields.free_text(path) if _product(fields) is None else fields.optional_text(path)


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


__all__ = [
    "GoodsInLine",
    "GoodsOutNote",
    "RecordRejected",
    "SalesCredit",
    "SalesCreditRow",
    "SalesOrder",
    "SalesOrderRow",
    "StockTransfer",
]
