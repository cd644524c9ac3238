"""What ReturnGo said: RMAs, parcels, units and transactions. No names, addresses, comments or credit codes are kept."""

import pandas as pd
import pandera.pandas as pa

from returns_pipeline.schemas import columns as of
from returns_pipeline.schemas.tables import Table, TableSchema


class Rmas(Table):
    """One return merchandise authorisation."""

    rma_id: of.Whole = of.whole("ReturnGo's id of the return, unique over all shops", unique=True)
    shop: of.Text = of.text("Label of the shop in the settings", source="settings")
    status: of.Text = of.text("Pending, Approved, Received, Validated, Done, Rejected or Canceled")
    order_name: of.Text = of.text("Name of the Shopify order, as the customer sees it")
    shopify_order_id: of.Text = of.text("Shopify's id of the order")
    created_at: of.Moment = of.moment("When the customer asked for the return")
    approved_at: of.Moment = of.moment("When it was approved; empty before that", nullable=True)
    last_updated_at: of.Moment = of.moment(
        "ReturnGo's lastUpdated; it does not move on receipt or refund", nullable=True
    )
    store_location_id: of.Text = of.text("Shop location where it was handed in, or 'online'", nullable=True)
    is_out_of_policy: of.Flag = of.flag("Whether the shop's return policy was overridden")
    exchange_orders: of.Thing = of.thing("Orders made for exchanges: draft_order_id, order_id, order_name, type")
    cancellation_fee_minor: of.Whole = of.money("Fee for cancelling", currency="the items' currency", ge=0)
    list_fingerprint: of.Text = of.text(
        "SHA-256 of the row in the list, by which a change is noticed", nullable=True, source="computed"
    )
    is_open: of.Flag = of.flag("Whether the pipeline still has work or questions on it", source="computed")
    first_seen_at: of.Moment = of.moment("When the pipeline first read it", generated=True, source="computed")
    detail_read_at: of.Moment = of.moment(
        "When its detail was last read", freshness=of.Freshness.ALWAYS, source="computed"
    )


class Shipments(Table):
    """One parcel of an RMA."""

    shipment_id: of.Whole = of.whole("ReturnGo's id of the parcel", unique=True)
    shop: of.Text = of.text("Label of the shop in the settings", source="settings")
    rma_id: of.Whole = of.whole("The return it belongs to")
    status: of.Text = of.text(
        "Pending, LabelCreated, Shipped, Received, Validated or Canceled; Received may only mean that the carrier delivered"
    )
    carrier_name: of.Text = of.text("Carrier", nullable=True)
    tracking_number: of.Text = of.text("Tracking number", nullable=True)
    tracking_url: of.Text = of.text("Tracking page, kept so that a confirmation does not erase it", nullable=True)
    label_url: of.Text = of.text("Label, kept so that a confirmation does not erase it", nullable=True)
    is_outbound: of.Flag = of.flag("Whether it goes to the customer instead of coming back")


class ReturnItems(Table):
    """One unit coming back: ReturnGo has no quantity."""

    returned_item_id: of.Whole = of.whole("ReturnGo's id of the unit", unique=True)
    shop: of.Text = of.text("Label of the shop in the settings", source="settings")
    rma_id: of.Whole = of.whole("The return it belongs to")
    shipment_id: of.MaybeWhole = of.whole("The parcel it travels in; empty when nothing is shipped", nullable=True)
    shopify_line_item_id: of.Text = of.text("Shopify's id of the order line")
    shopify_product_id: of.Text = of.text("Shopify's id of the product", nullable=True)
    shopify_variant_id: of.Text = of.text("Shopify's id of the variant", nullable=True)
    sku: of.Text = of.text("SKU as the portal names it")
    barcode: of.Text = of.text("Barcode as the portal names it", nullable=True)
    paid_price_minor: of.Whole = of.money(
        "What the customer paid for the unit after discounts, with tax if is_tax_included", ge=0
    )
    paid_tax_minor: of.Whole = of.money(
        "Tax in it; may be lower than the rate gives, so it never decides a credit", ge=0
    )
    currency: of.Text = of.currency("Currency that the customer saw")
    shop_paid_price_minor: of.Whole = of.money("The same price as the shop booked it", currency="shop_currency", ge=0)
    shop_paid_tax_minor: of.Whole = of.money("The same tax as the shop booked it", currency="shop_currency", ge=0)
    shop_currency: of.Text = of.currency("Currency that the shop books in")
    is_tax_included: of.Flag = of.flag("Whether paid_price_minor holds the tax")
    return_reason: of.Text = of.text(
        "The merchant's reason, at most 200 characters, without e-mail addresses or numbers of people", nullable=True
    )
    resolution_type: of.Text = of.text(
        "RefundToPaymentMethod, RefundToStoreCredit, InstantVariantExchange, ...: an open set"
    )
    return_method_type: of.Text = of.text("'No shipment required', 'Ship with any carrier', ...: an open set")
    restocking_fee_minor: of.Whole = of.money("Restocking fee of this unit", ge=0)
    return_fee_minor: of.Whole = of.money("Return fee of this unit", ge=0)
    shipment_fee_minor: of.Whole = of.money("Return shipping fee of this unit", ge=0)
    is_returned: of.Flag = of.flag("Whether inspection found it; means something only with validated_at")
    is_restockable: of.Flag = of.flag("Whether inspection passed it; means something only with validated_at")
    validated_at: of.Moment = of.moment("When it was inspected in ReturnGo; empty: not inspected there", nullable=True)
    non_restockable_reason: of.Text = of.text("Why it may not be sold", nullable=True)
    non_returned_reason: of.Text = of.text("Why it counts as not returned", nullable=True)
    exchange_items: of.Thing = of.thing(
        "What the customer wants instead: variant_id, quantity, sku, effective_price_minor, currency"
    )

    @pa.dataframe_check(name="tax_is_not_above_the_price")
    def tax_is_not_above_the_price(cls, frame: pd.DataFrame) -> pd.Series:  # noqa: N805
        """A tax above the price it is part of is a mix-up of columns or of currencies."""
        return ~frame["is_tax_included"] | (frame["paid_tax_minor"] <= frame["paid_price_minor"])


class Transactions(Table):
    """One movement of money that ReturnGo started."""

    transaction_id: of.Whole = of.whole("ReturnGo's id of the transaction", unique=True)
    shop: of.Text = of.text("Label of the shop in the settings", source="settings")
    rma_id: of.MaybeWhole = of.whole("The return it pays for, found by its units", nullable=True)
    type: of.Text = of.text(
        "RefundToPaymentMethod, RefundToStoreCredit, RefundToGiftCard, InvoicePayment, ...: an open set"
    )
    status: of.Text = of.text("Requested, Success or Failed")
    amount_minor: of.Whole = of.money("What the customer got", ge=0)
    currency: of.Text = of.currency("Currency that the customer saw")
    shop_amount_minor: of.Whole = of.money("The same as the shop booked it", currency="shop_currency", ge=0)
    shop_currency: of.Text = of.currency("Currency that the shop books in")
    external_reference_type: of.Text = of.text("What the outside reference is", nullable=True)
    platform_refund_id: of.Text = of.text(
        "Shopify's refund id; a store-credit code is never kept, it is money", nullable=True
    )
    returned_item_ids: of.Thing = of.thing("The units it pays for", of.Kind.NUMBERS)
    created_at: of.Moment = of.moment("When it was started")
    last_updated_at: of.Moment = of.moment("ReturnGo's lastUpdated of it", nullable=True)


_DETAIL = "ReturnGo GET /rma/{rmaId}"
TABLES = (
    TableSchema("returngo_rmas", Rmas, ("rma_id",), _DETAIL, "returngo/rmas"),
    TableSchema("returngo_shipments", Shipments, ("shipment_id",), _DETAIL),
    TableSchema("returngo_return_items", ReturnItems, ("returned_item_id",), _DETAIL, "returngo/return_items"),
    TableSchema(
        "returngo_transactions",
        Transactions,
        ("transaction_id",),
        "ReturnGo GET /transactions",
        "returngo/transactions",
    ),
)
