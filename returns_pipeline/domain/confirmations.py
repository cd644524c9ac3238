"""When a parcel may be confirmed to ReturnGo: only when every unit in it is posted or decided by a person. Scenario 64.

ReturnGo's call acts on the whole parcel and may release the customer's refund.
"""

from typing import Any

import pandas as pd

from returns_pipeline.domain import lives, plan_bodies
from returns_pipeline.domain.findings import Finding
from returns_pipeline.domain.parcels import Key, parcel_of, spread_over_lines
from returns_pipeline.domain.plans import EffectPlan
from returns_pipeline.domain.records import records
from returns_pipeline.settings import Settings, ShopSettings

_ORDER = ("Pending", "LabelCreated", "Shipped", "Received", "Validated")


def build_confirmation_plans(
    return_lines: pd.DataFrame,
    shipments: pd.DataFrame,
    receipts: pd.DataFrame,
    effects: pd.DataFrame,
    ledger_lines: pd.DataFrame,
    decided_rma_ids: set[int],
    shop: ShopSettings,
    settings: Settings,
) -> tuple[list[EffectPlan], list[Finding]]:
    """Plans for the parcels that are settled whole, and a finding for each that is settled in part.

    Args:
        return_lines, shipments, receipts: of one shop's open returns.
        effects, ledger_lines: the ledger.
        decided_rma_ids: returns that a person settled by a decision (adopt_credit, waive, void).
        shop: its policy; where that writes no credit note, a unit is settled when it came in.
        settings: which status confirms.
    """
    lines = [
        row
        for row in records(return_lines)
        if row["shipment_id"] is not None and row["rma_status"] not in ("Pending", "Rejected", "Canceled")
    ]
    posted = spread_over_lines(lines, _posted_units(ledger_lines, effects))
    received = receipts.groupby("return_line_id")["matched_quantity"].sum().to_dict()
    for line in lines:
        line["settled"] = posted.get(line["return_line_id"], 0)
        if lives.is_stock_only(line["life"], shop.policy):
            line["settled"] = min(line["quantity"], received.get(line["return_line_id"], 0))
        is_decided = line["rma_id"] in decided_rma_ids or line["verdict"] == "void"
        line["open_units"] = 0 if is_decided else line["quantity"] - line["settled"]
    of_parcel: dict[int, list[dict[str, Any]]] = {}
    for line in lines:
        of_parcel.setdefault(line["shipment_id"], []).append(line)
    status = settings.returngo.confirm_status
    plans, findings = [], []
    for shipment in records(shipments[~shipments["is_outbound"]].sort_values("shipment_id")):
        group = of_parcel.get(shipment["shipment_id"], [])
        is_told = shipment["status"] in _ORDER and _ORDER.index(shipment["status"]) >= _ORDER.index(status)
        if is_told or not sum(line["settled"] for line in group):
            continue
        if any(line["open_units"] > 0 for line in group):
            findings.append(_waits(group, shipment["shipment_id"]))
        else:
            plans.append(_plan(group, shipment, status))
    return plans, findings


def _posted_units(ledger_lines: pd.DataFrame, effects: pd.DataFrame) -> dict[Key, int]:
    """Units whose posting Brightpearl confirmed, by return, order row and the parcel that the credit was raised for."""
    parcel = {
        int(effect["remote_id"]): parcel_of(effect["payload"]["subject"].get("shipment_id"))
        for effect in records(effects[(effects["kind"] == "credit.raise") & (effects["state"] == "confirmed")])
    }
    posted: dict[Key, int] = {}
    for line in records(ledger_lines[(ledger_lines["kind"] == "credit.post") & (ledger_lines["state"] == "confirmed")]):
        key = (line["rma_id"], line["order_row_id"], parcel.get(line["credit_id"], 0))
        posted[key] = posted.get(key, 0) + line["qty"]
    return posted


def _plan(lines: list[dict[str, Any]], shipment: dict[str, Any], status: str) -> EffectPlan:
    first = lines[0]
    subject = {"rma_id": first["rma_id"], "order_id": first["order_id"], "shipment_id": shipment["shipment_id"]}
    payload = {
        "request": plan_bodies.confirm_shipment(shipment, status),
        "expect": {"status": status},
        "subject": subject,
    }
    return EffectPlan("returngo.receive", first["shop"], f"confirm:{shipment['shipment_id']}", payload)


def _waits(lines: list[dict[str, Any]], shipment_id: int) -> Finding:
    currencies = {line["currency"] for line in lines if line["currency"] is not None}
    return Finding(
        code="refund_waits_for_parcel",
        subject_type="shipment",
        subject_id=str(shipment_id),
        shop=lines[0]["shop"],
        cause="part of a parcel is credited, the rest is not",
        rma_id=lines[0]["rma_id"],
        money_minor=sum(line["paid_price_minor"] for line in lines) if len(currencies) == 1 else None,
        currency=currencies.pop() if len(currencies) == 1 else None,
        expected=f"{sum(line['quantity'] for line in lines)} units posted or decided",
        found=f"{sum(line['open_units'] for line in lines)} units still open",
    )
