"""What Brightpearl said: sales, products, credits of any hand, goods-in notes. No contact's name or address is kept."""

import pandas as pd
import pandera.pandas as pa

from returns_pipeline.schemas import columns as of
from returns_pipeline.schemas.tables import Table, TableSchema

PRICE_MODES = ["EXC", "INC"]


class SalesOrders(Table):
    """One sale that a return may come from."""

    order_id: of.Whole = of.whole("Brightpearl's id of the sales order", unique=True)
    shop: of.Text = of.text("Label of the shop whose channel it carries", source="settings")
    external_ref: of.Text = of.text(
        "External reference; where the connector puts it, Shopify's order id", nullable=True
    )
    customer_ref: of.Text = of.text(
        "Customer's reference; where the connector puts it, Shopify's order name", nullable=True
    )
    channel_id: of.Whole = of.whole("Sales channel")
    order_status_id: of.Whole = of.whole("Order status")
    customer_contact_id: of.Whole = of.whole("Contact id of the customer; no other fact of the customer is kept")
    currency: of.Text = of.currency("Currency of the sale")
    accounting_currency: of.Text = of.currency("Currency of the books")
    exchange_rate: of.Thing = of.exact(
        "Rate of the sale, copied to its credits", unit="units of currency per accounting_currency"
    )
    price_list_id: of.MaybeWhole = of.whole("Price list", nullable=True)
    price_mode: of.Text = of.text("EXC: nets are the prices; INC: prices hold the tax", isin=PRICE_MODES)
    warehouse_id: of.Whole = of.whole("Warehouse that shipped it")
    project_id: of.MaybeWhole = of.whole("Project", nullable=True)
    lead_source_id: of.MaybeWhole = of.whole("Lead source", nullable=True)
    staff_owner_id: of.MaybeWhole = of.whole("Staff owner", nullable=True)
    team_id: of.MaybeWhole = of.whole("Team", nullable=True)
    shipping_method_id: of.MaybeWhole = of.whole("Shipping method", nullable=True)
    delivery_country: of.Text = of.text(
        "Two-letter country of delivery, by which a Returns warehouse may be chosen", nullable=True
    )
    invoice_reference: of.Text = of.text("Invoice number; empty text: not invoiced; 'pending': being invoiced")
    invoice_tax_date: of.Moment = of.moment("Tax point of the invoice", nullable=True)
    shipping_status: of.Text = of.text("Shipping status code: NST, SNS, SPS or ASS")
    payment_status: of.Text = of.text("Payment status", nullable=True)
    payment_method_codes: of.Thing = of.thing(
        "Methods it was paid with; empty until a refund is to be recorded", of.Kind.TEXTS, nullable=True
    )
    net_minor: of.Whole = of.money("Net of all rows")
    tax_minor: of.Whole = of.money("Tax of all rows")
    total_minor: of.Whole = of.money("Gross of all rows")
    placed_on: of.Moment = of.moment("When the customer placed it", nullable=True)
    created_on: of.Moment = of.moment("When Brightpearl got it")
    updated_on: of.Moment = of.moment("When it last changed", nullable=True)
    read_at: of.Moment = of.moment(
        "When it was last read and differed", freshness=of.Freshness.WITH_CHANGE, source="computed"
    )


class SalesOrderRows(Table):
    """One row of a sale."""

    order_row_id: of.Whole = of.whole("Brightpearl's id of the row", unique=True)
    order_id: of.Whole = of.whole("The sale")
    sequence: of.Whole = of.whole("Place of the row on the order")
    product_id: of.MaybeWhole = of.whole("Product; empty for free text", nullable=True)
    sku: of.Text = of.text("SKU as it was sold", nullable=True)
    name: of.Text = of.text("Row text")
    quantity: of.Whole = of.whole("Units ordered", unit="units", ge=0)
    shipped_quantity: of.Whole = of.whole("Units shipped", unit="units", ge=0)
    row_net: of.Thing = of.exact("Net as Brightpearl holds it, up to four decimals", unit="currency of the sale")
    net_minor: of.Whole = of.money(
        "Net rounded so that net and tax make the gross that was charged", currency="currency of the sale"
    )
    tax_minor: of.Whole = of.money("Tax charged", currency="currency of the sale")
    tax_code: of.Text = of.text("Tax code of the row, which its credits keep")
    tax_rate: of.Thing = of.exact("Rate as Brightpearl gives it", unit="per cent", nullable=True)
    nominal_code: of.Text = of.text("Nominal code of the row", nullable=True)
    item_cost: of.Thing = of.exact("Cost of one unit at the sale", unit="cost_currency", nullable=True)
    cost_currency: of.Text = of.text("Currency of the cost", nullable=True)
    discount_percentage: of.Thing = of.exact("Discount on the row", unit="per cent", nullable=True)
    is_bundle_parent: of.Flag = of.flag("Whether it is a bundle's own row, which carries the value")
    is_bundle_child: of.Flag = of.flag("Whether it is a component's row, which carries the cost")
    parent_row_id: of.MaybeWhole = of.whole("The bundle's row of a component", nullable=True)
    external_ref: of.Text = of.text(
        "External reference of the row; where the connector puts it, Shopify's line id", nullable=True
    )

    @pa.dataframe_check(name="tax_has_the_sign_of_the_net")
    def tax_has_the_sign_of_the_net(cls, frame: pd.DataFrame) -> pd.Series:  # noqa: N805
        """Tax on nothing, or tax against the net, cannot be shared out over returned units."""
        return (frame["tax_minor"] == 0) | ((frame["tax_minor"] > 0) == (frame["net_minor"] > 0)) & (
            frame["net_minor"] != 0
        )


class Products(Table):
    """One product of the catalogue."""

    product_id: of.Whole = of.whole("Brightpearl's id of the product", unique=True)
    sku: of.Text = of.text("SKU as it is now", nullable=True)
    barcode: of.Text = of.text("Barcode", nullable=True)
    ean: of.Text = of.text("EAN", nullable=True)
    upc: of.Text = of.text("UPC", nullable=True)
    name: of.Text = of.text("Name")
    status: of.Text = of.text("LIVE, DISCONTINUED or ARCHIVED")
    is_stock_tracked: of.Flag = of.flag("Whether stock is counted for it")
    is_bundle: of.Flag = of.flag("Whether it is a bundle")
    components: of.Thing = of.thing("What a bundle holds: product_id, quantity")
    tax_code: of.Text = of.text("Tax code of the product now; credits keep the sale's", nullable=True)
    nominal_code_sales: of.Text = of.text("Nominal code of sales", nullable=True)
    cost_value: of.Thing = of.exact(
        "Cost of one unit on the cost price list; empty where there is none, or no list is named",
        unit="cost_currency",
        nullable=True,
    )
    cost_currency: of.Text = of.text("Currency of the cost", nullable=True)
    updated_on: of.Moment = of.moment("When it last changed", nullable=True)
    is_gone: of.Flag = of.flag("Whether Brightpearl no longer knows it")
    read_at: of.Moment = of.moment(
        "When it was last read and differed", freshness=of.Freshness.WITH_CHANGE, source="computed"
    )


class SalesCredits(Table):
    """One sales credit, ours or anybody's: unposted it is an expected return, posted a credit note."""

    credit_id: of.Whole = of.whole("Brightpearl's id of the sales credit", unique=True)
    shop: of.Text = of.text("Label of the shop whose sale or channel it names", source="settings")
    order_id: of.MaybeWhole = of.whole("The sale it gives back, by its parent order", nullable=True)
    external_ref: of.Text = of.text("External reference; ours begin with rg-", nullable=True)
    installed_integration_instance_id: of.MaybeWhole = of.whole("The integration that made it", nullable=True)
    reference: of.Text = of.text("What the bench reads on it", nullable=True)
    order_status_id: of.Whole = of.whole("Order status")
    customer_contact_id: of.MaybeWhole = of.whole("Contact id of the customer", nullable=True)
    warehouse_id: of.MaybeWhole = of.whole("Warehouse that expects the goods", nullable=True)
    channel_id: of.MaybeWhole = of.whole("Sales channel", nullable=True)
    currency: of.Text = of.currency("Currency of the credit")
    exchange_rate: of.Thing = of.exact(
        "Rate of the credit", unit="units of currency per accounting currency", nullable=True
    )
    price_mode: of.Text = of.text("EXC or INC", nullable=True, isin=PRICE_MODES)
    net_minor: of.Whole = of.money("Net of all rows")
    tax_minor: of.Whole = of.money("Tax of all rows")
    total_minor: of.Whole = of.money("Gross of all rows")
    invoice_reference: of.Text = of.text("Credit note number; empty text: unposted; 'pending': being posted")
    invoice_tax_date: of.Moment = of.moment("Tax point of the credit note", nullable=True)
    stock_status: of.Text = of.text("SCN, SCP or SCA: none, part or all of the goods received", nullable=True)
    payment_status: of.Text = of.text("Payment status", nullable=True)
    is_cancelled: of.Flag = of.flag("Whether it was cancelled")
    is_gone: of.Flag = of.flag("Whether Brightpearl no longer knows it")
    created_on: of.Moment = of.moment("When it was made")
    updated_on: of.Moment = of.moment("When it last changed", nullable=True)
    created_by: of.MaybeWhole = of.whole("Contact id of who made it", nullable=True)
    read_at: of.Moment = of.moment(
        "When it was last read and differed", freshness=of.Freshness.WITH_CHANGE, source="computed"
    )


class SalesCreditRows(Table):
    """One row of a sales credit."""

    credit_row_id: of.Whole = of.whole("Brightpearl's id of the row", unique=True)
    credit_id: of.Whole = of.whole("The credit")
    sequence: of.MaybeWhole = of.whole("Place of the row on the credit", nullable=True)
    product_id: of.MaybeWhole = of.whole("Product; empty for free text", nullable=True)
    sku: of.Text = of.text("SKU on the row", nullable=True)
    name: of.Text = of.text("Row text", nullable=True)
    quantity: of.Whole = of.whole("Units given back; 0 on a row that gives back value only", unit="units")
    row_net: of.Thing = of.exact("Net as Brightpearl holds it", unit="currency of the credit")
    net_minor: of.Whole = of.money("Net given back", currency="currency of the credit")
    tax_minor: of.Whole = of.money("Tax given back", currency="currency of the credit")
    tax_code: of.Text = of.text("Tax code", nullable=True)
    nominal_code: of.Text = of.text("Nominal code", nullable=True)
    is_bundle_parent: of.Flag = of.flag("Whether it is a bundle's own row")
    is_bundle_child: of.Flag = of.flag("Whether it is a component's row")
    parent_row_id: of.MaybeWhole = of.whole("The bundle's row of a component", nullable=True)
    order_row_id: of.MaybeWhole = of.whole(
        "The sale's row it gives back, found by product, sequence and money", nullable=True, source="computed"
    )


class GoodsIn(Table):
    """One line of a goods-in note booked against a credit: goods on the bench."""

    receipt_line_id: of.Whole = of.whole("Our id of the line", generated=True, source="computed")
    goods_note_id: of.Whole = of.whole("Brightpearl's id of the goods-in note")
    credit_id: of.Whole = of.whole("The credit it was booked against")
    credit_row_id: of.Whole = of.whole("The credit's row")
    product_id: of.Whole = of.whole("Product received")
    location_id: of.Whole = of.whole("Location it was put in")
    warehouse_id: of.Whole = of.whole("Warehouse that received it")
    quantity: of.Whole = of.whole("Units received; 0 where all of them were taken back out", unit="units", ge=0)
    shop: of.Text = of.text(
        "Label of the shop of the credit; empty while the credit is not known", nullable=True, source="settings"
    )
    received_on: of.Moment = of.moment("When it was booked in")
    created_by: of.MaybeWhole = of.whole("Contact id of who booked it in", nullable=True)
    user_batch_reference: of.Text = of.text("Reference of the note; ours begin with rg-", nullable=True)
    cost_value: of.Thing = of.exact("Cost of one unit as booked", unit="cost_currency", nullable=True)
    cost_currency: of.Text = of.text("Currency of the cost", nullable=True)
    is_reversed: of.Flag = of.flag("Whether it was taken back out")
    read_at: of.Moment = of.moment(
        "When it was last read and differed", freshness=of.Freshness.WITH_CHANGE, source="computed"
    )


class ShelfMoves(Table):
    """Units moved between locations of a Returns warehouse: one row where they left, one where they came."""

    goods_movement_id: of.Whole = of.whole("Brightpearl's id of the movement", unique=True)
    goods_note_id: of.Whole = of.whole("What both rows of one move share")
    product_id: of.Whole = of.whole("Product moved")
    warehouse_id: of.Whole = of.whole("Warehouse")
    location_id: of.Whole = of.whole("Location")
    quantity: of.Whole = of.whole("Units that came; below zero: that left", unit="units")
    moved_on: of.Moment = of.moment("When they were moved")


_ORDER = "Brightpearl GET order-service/sales-order/{ids}"
_CREDIT = "Brightpearl GET order-service/sales-credit/{ids}"
TABLES = (
    TableSchema("brightpearl_sales_orders", SalesOrders, ("order_id",), _ORDER, "brightpearl/sales_orders"),
    TableSchema("brightpearl_sales_order_rows", SalesOrderRows, ("order_row_id",), _ORDER),
    TableSchema(
        "brightpearl_products",
        Products,
        ("product_id",),
        "Brightpearl GET product-service/product/{ids}",
        "brightpearl/products",
    ),
    TableSchema("brightpearl_sales_credits", SalesCredits, ("credit_id",), _CREDIT, "brightpearl/sales_credits"),
    TableSchema("brightpearl_sales_credit_rows", SalesCreditRows, ("credit_row_id",), _CREDIT),
    TableSchema(
        "brightpearl_goods_in",
        GoodsIn,
        ("goods_note_id", "credit_row_id", "product_id", "location_id"),
        "Brightpearl GET warehouse-service/order/{ids}/goods-note/goods-in",
        "brightpearl/goods_in",
    ),
    TableSchema(
        "brightpearl_shelf_moves",
        ShelfMoves,
        ("goods_movement_id",),
        "Brightpearl GET warehouse-service/goods-movement-search",
    ),
)
