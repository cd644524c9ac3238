"""How the sandbox retailer's Brightpearl account is set up: tax codes, statuses, warehouses, channels, payment methods, and the settings that match.

Not here: products and orders (`retailer`).
"""

from decimal import Decimal

from returns_pipeline.sandbox.brightpearl.records import CREDIT, SALE, OrderStatus, PaymentMethod, TaxCode, Warehouse
from returns_pipeline.sandbox.brightpearl.world import BrightpearlWorld
from returns_pipeline.sandbox.retailer_catalogue import TAX_RATES

MAIN, RETURNS, OUTLET = 2, 3, 4
CHANNELS = {"uk": 3, "eu": 4}
SHOP_NAMES = {"uk": "acme-uk.myshopify.com", "eu": "acme-eu.myshopify.com"}
API_KEYS = {"uk": "sandbox-returngo-uk", "eu": "sandbox-returngo-eu"}
CURRENCIES = {"uk": "GBP", "eu": "EUR"}
PRICE_MODES = {"uk": "INC", "eu": "EXC"}
EXCHANGE_RATES = {"uk": Decimal(1), "eu": Decimal("1.15")}
COST_PRICE_LIST, RETAIL_PRICE_LIST, EURO_PRICE_LIST = 1, 2, 3
PRICE_LISTS = {"uk": RETAIL_PRICE_LIST, "eu": EURO_PRICE_LIST}
AWAITING_RETURN, GOODS_RECEIVED, CREDITED, CANCELLED = 21, 22, 23, 24
CARD, GIFT_CARD, STORE_CREDIT, EXCHANGE = "SHOPIFYPAY", "GIFTCARD", "STORECREDIT", "EXCHANGE"

_STATUSES = (
    (1, "New web order", SALE), (4, "Invoiced", SALE), (5, "Cancelled", SALE),
    (AWAITING_RETURN, "Awaiting return", CREDIT), (GOODS_RECEIVED, "Goods received", CREDIT), (CREDITED, "Credited", CREDIT),
    (CANCELLED, "Cancelled credit", CREDIT),
)  # fmt: skip
_SETTINGS = """\
[[shops]]
label = "uk"
name = "acme-uk.myshopify.com"
api_key_env = "RETURNGO_API_KEY"
channel_id = 3
currency = "GBP"
time_zone = "Europe/London"
order_match = ["external_ref", "customer_ref"]
returns_warehouses = { default = 3 }
saleable_warehouses = { "3" = 2 }

[[shops]]
label = "eu"
name = "acme-eu.myshopify.com"
api_key_env = "RETURNGO_EU_API_KEY"
channel_id = 4
currency = "EUR"
time_zone = "Europe/Amsterdam"
order_match = ["external_ref", "customer_ref"]
returns_warehouses = { default = 3 }
saleable_warehouses = { "4" = 2 }

[brightpearl]
dedupe = "proven"
part_receipt = "allowed"
receive_into = "location"
credits_raised_by = "pipeline"
shopify_app_credits = "off"
accounting_currency = "GBP"
[brightpearl.statuses]
awaiting_return = 21
goods_received = 22
credited = 23
cancelled = 24
[brightpearl.fees]
restocking = { nominal_code = "4905", tax_code = "same_as_item" }
return = { nominal_code = "4910", tax_code = "same_as_item" }
return_shipping = { nominal_code = "4915", tax_code = "same_as_item" }
failed_inspection = { nominal_code = "4920", tax_code = "same_as_item" }
[brightpearl.payment_methods]
RefundToPaymentMethod = "same_as_sale"
RefundToStoreCredit = "STORECREDIT"
RefundToGiftCard = "GIFTCARD"
Exchange = "EXCHANGE"
[brightpearl.inspection_locations]
"%(pass_shelf)d" = "pass"
"%(damaged_shelf)d" = "damaged"

[returngo]
fee_scope = "%(fee_scope)s"
confirm_status = "Validated"

[policy]
posting = "automatic"
record_refunds = true
inspection_source = ["returngo", "job", "brightpearl_location"]

[effects]
credits = "live"
confirmations = "live"
refunds = "live"
transfers = "live"

[transfers]
at = []

[ledger]
close_wait_seconds = 2

[quota]
returngo_per_day = %(returngo_per_day)d
brightpearl_per_minute = %(brightpearl_per_minute)d
brightpearl_share = 1.0
"""

PASS_SHELF, DAMAGED_SHELF = 33, 34


def set_up(world: BrightpearlWorld) -> None:
    """Fills an empty account with everything but products and orders."""
    for number, (code, rate) in enumerate(TAX_RATES.items(), start=4):
        world.tax_codes[code] = TaxCode(number, code, f"{rate}% VAT", rate)
    for status_id, name, order_type in _STATUSES:
        world.statuses[status_id] = OrderStatus(status_id, name, order_type)
    for number, code in enumerate((CARD, GIFT_CARD, STORE_CREDIT, EXCHANGE), start=1):
        world.payment_methods[code] = PaymentMethod(number, code, code.title())
    world.warehouses[MAIN] = Warehouse(MAIN, "Main", 21, 22)
    world.warehouses[RETURNS] = Warehouse(RETURNS, "Returns", 31, 32, {"pass": PASS_SHELF, "damaged": DAMAGED_SHELF})
    world.warehouses[OUTLET] = Warehouse(OUTLET, "Outlet", 41, 42)
    world.channels.update({CHANNELS["uk"]: "Shopify UK", CHANNELS["eu"]: "Shopify EU"})
    world.price_lists.update(
        {COST_PRICE_LIST: ("COST", "GBP"), RETAIL_PRICE_LIST: ("RETAIL", "GBP"), EURO_PRICE_LIST: ("EURO", "EUR")}
    )


def settings_toml(*, is_fee_repeated: bool, returngo_per_day: int, brightpearl_per_minute: int) -> str:
    """A settings file that fits this account, to be laid over the pipeline's defaults."""
    return _SETTINGS % {
        "pass_shelf": PASS_SHELF,
        "damaged_shelf": DAMAGED_SHELF,
        "fee_scope": "rma" if is_fee_repeated else "item",
        "returngo_per_day": returngo_per_day,
        "brightpearl_per_minute": brightpearl_per_minute,
    }
