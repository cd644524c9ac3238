"""Small worlds for the domain's tests: one shop, one sale of three goods rows and delivery, one return. Tests say only what differs."""

import datetime as dt
import tempfile
from decimal import Decimal
from pathlib import Path

import pandas as pd

from returns_pipeline.settings import Settings, load_settings
from returns_pipeline_tests.storage.rows import frame

NOW = dt.datetime(2026, 3, 10, 9, tzinfo=dt.UTC)
CREATED = dt.datetime(2026, 3, 2, 12, tzinfo=dt.UTC)
SALE, RMA, PARCEL = 1001, 70, 900
PATIENCE = dt.timedelta(hours=24)


def settings(text: str = "") -> Settings:
    """The settings in force with a few keys of a settings file laid over the defaults."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "settings.toml"
        path.write_text(text, encoding="utf-8")
        return load_settings({"RETURNS_SETTINGS": str(path)})


def orders(*rows: dict) -> pd.DataFrame:
    """Sales: by default one, invoiced, in pounds, exclusive of tax, in the shop's channel."""
    plain = {
        "order_id": SALE,
        "external_ref": "5001",
        "customer_ref": "#1001",
        "channel_id": 3,
        "exchange_rate": Decimal("1.000000"),
        "invoice_reference": "SI-1",
        "customer_contact_id": 44,
    }
    return frame("brightpearl_sales_orders", *(plain | row for row in rows or ({},)))


def sold(*rows: dict) -> pd.DataFrame:
    """Rows of sales: by default two shirts and one cap."""
    plain = {"order_id": SALE, "tax_code": "T20", "nominal_code": "4000", "is_bundle_parent": False, "name": "goods"}
    default = (
        {"order_row_id": 1, "product_id": 11, "sku": "SHIRT", "quantity": 2, "net_minor": 2000, "tax_minor": 400},
        {"order_row_id": 2, "product_id": 12, "sku": "CAP", "quantity": 1, "net_minor": 1000, "tax_minor": 200},
    )
    complete = []
    for number, row in enumerate(rows or default, start=1):
        filled = plain | {"sequence": number * 10, "quantity": 1, "net_minor": 1000, "tax_minor": 200} | row
        filled.setdefault("shipped_quantity", filled["quantity"])
        filled.setdefault("row_net", Decimal(filled["net_minor"]).scaleb(-2))
        complete.append(filled)
    return frame("brightpearl_sales_order_rows", *complete)


def products(*rows: dict) -> pd.DataFrame:
    """The catalogue as it is today."""
    return frame("brightpearl_products", *rows)


def rmas(*rows: dict) -> pd.DataFrame:
    """Returns: by default one, approved."""
    plain = {
        "rma_id": RMA,
        "status": "Approved",
        "order_name": "#1001",
        "shopify_order_id": "5001",
        "created_at": CREATED,
        "approved_at": CREATED,
    }
    return frame("returngo_rmas", *(plain | row for row in rows or ({},)))


def items(*rows: dict) -> pd.DataFrame:
    """Returned units: by default one shirt, refunded to the payment method, sent with a carrier."""
    plain = {
        "rma_id": RMA,
        "shipment_id": PARCEL,
        "sku": "SHIRT",
        "shopify_line_item_id": "none",
        "paid_price_minor": 1200,
        "paid_tax_minor": 200,
        "shop_paid_price_minor": 1200,
        "shop_paid_tax_minor": 200,
        "resolution_type": "RefundToPaymentMethod",
        "return_method_type": "Ship with any carrier",
        "restocking_fee_minor": 0,
        "return_fee_minor": 0,
        "shipment_fee_minor": 0,
        "is_returned": False,
        "is_restockable": False,
    }
    numbered = [plain | {"returned_item_id": number} | row for number, row in enumerate(rows or ({},), start=1)]
    return frame("returngo_return_items", *numbered)


def shipments(*rows: dict) -> pd.DataFrame:
    """Parcels: by default one, shipped."""
    plain = {"shipment_id": PARCEL, "rma_id": RMA, "status": "Shipped", "is_outbound": False}
    return frame("returngo_shipments", *(plain | row for row in rows or ({},)))


def inspections(*rows: dict) -> pd.DataFrame:
    """What people recorded at the bench; nothing by default."""
    return frame("inspections", *({"shop": "uk", "rma_id": RMA, "quantity": 1, "source": "job"} | row for row in rows))


def decisions(*rows: dict) -> pd.DataFrame:
    """What people decided; nothing by default."""
    plain = {"subject_type": "rma", "subject_id": str(RMA), "rma_id": RMA, "value": {}}
    return frame("operator_decisions", *(plain | row for row in rows))


def effects(*rows: dict) -> pd.DataFrame:
    """Effects as the ledger answers them; nothing by default."""
    plain = {
        "shop": "uk",
        "state": "confirmed",
        "reason": None,
        "remote_id": None,
        "needs_approval": False,
        "attempt": 1,
    }
    plain |= {"approved_batch": None, "confirmed_by": None, "created_at": CREATED, "updated_at": CREATED, "payload": {}}
    columns = ["effect_id", "kind", "business_key", *plain]
    filled = [plain | {"effect_id": number} | row for number, row in enumerate(rows, start=1)]
    types = {"effect_id": "int64", "created_at": "datetime64[us, UTC]", "updated_at": "datetime64[us, UTC]"}
    types |= {"needs_approval": "boolean", "approved_batch": "Int64"}
    types |= dict.fromkeys(("shop", "kind", "business_key", "state", "reason", "remote_id", "confirmed_by"), "string")
    return pd.DataFrame(filled, columns=columns).astype(types)


def ledger_lines(*rows: dict) -> pd.DataFrame:
    """Lines of effects as the ledger answers them; nothing by default."""
    plain = {"effect_id": 1, "line_no": 1, "shop": "uk", "kind": "credit.post", "state": "confirmed", "credit_id": 8001}
    plain |= {
        "rma_id": RMA,
        "order_id": SALE,
        "order_row_id": 1,
        "without_receipt_reason": None,
        "qty": 1,
        "net_minor": 1000,
        "tax_minor": 200,
    }
    whole = ("rma_id", "credit_id")
    types = dict.fromkeys(
        ("effect_id", "line_no", "order_id", "order_row_id", "qty", "net_minor", "tax_minor"), "int64"
    )
    types |= dict.fromkeys(whole, "Int64") | dict.fromkeys(
        ("shop", "kind", "state", "without_receipt_reason"), "string"
    )
    return pd.DataFrame([plain | row for row in rows], columns=list(plain)).astype(types)


def return_lines(*rows: dict) -> pd.DataFrame:
    """Judged lines: by default one shirt of the parcel, in order."""
    plain = {
        "return_line_id": f"{RMA}-1-{PARCEL}",
        "rma_id": RMA,
        "rma_status": "Approved",
        "shipment_id": PARCEL,
        "order_id": SALE,
        "order_row_id": 1,
        "product_id": 11,
        "quantity": 1,
        "returned_item_ids": [1],
        "life": "ordinary",
        "currency": "GBP",
        "paid_price_minor": 1200,
        "paid_tax_minor": 200,
        "fee_minor": 0,
        "approved_at": CREATED,
    }
    return frame("returns_return_lines", *(plain | row for row in rows or ({},)))


def receipts(*rows: dict) -> pd.DataFrame:
    """Goods-in lines that were matched: by default one shirt that came and is not inspected."""
    plain = {
        "receipt_line_id": 30,
        "rma_id": RMA,
        "return_line_id": f"{RMA}-1-{PARCEL}",
        "credit_id": 8001,
        "order_id": SALE,
        "order_row_id": 1,
        "product_id": 11,
        "quantity": 1,
        "matched_quantity": 1,
        "warehouse_id": 3,
        "location_id": 5,
        "received_on": NOW - dt.timedelta(days=1),
    }
    return frame("returns_receipts", *(plain | row for row in rows or ({},)))
