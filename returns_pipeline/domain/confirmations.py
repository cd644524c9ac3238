"""When a parcel may be confirmed to ReturnGo: only when every unit in it is posted or decided by a person. Scenario 64.

ReturnGo's call acts on the whole parcel and may release the customer's refund.
"""

import pandas as pd

from returns_pipeline.domain import plan_bodies
from returns_pipeline.domain.findings import Finding
from returns_pipeline.domain.plans import EffectPlan
from returns_pipeline.domain.records import records
from returns_pipeline.settings import Settings

_ORDER = ("Pending", "LabelCreated", "Shipped", "Received", "Validated")


def settled_quantities(ledger_lines: pd.DataFrame, effects: pd.DataFrame) -> pd.DataFrame:
    """Units posted per return and order row: rma_id, order_row_id, shipment_id, posted; only postings that Brightpearl confirmed."""
    posted = ledger_lines[(ledger_lines["kind"] == "credit.post") & (ledger_lines["state"] == "confirmed")]
    raises = effects[(effects["kind"] == "credit.raise") & (effects["state"] == "confirmed")]
    parcel = {
        int(remote_id): payload["subject"].get("shipment_id") or 0
        for remote_id, payload in zip(raises["remote_id"], raises["payload"], strict=True)
    }
    posted = posted.assign(parcel=posted["credit_id"].map(parcel).fillna(0).astype("int64"))
    return (
        posted.groupby(["rma_id", "order_row_id", "parcel"], as_index=False)["qty"]
        .sum()
        .rename(columns={"qty": "posted"})
    )


def build_confirmation_plans(
    return_lines: pd.DataFrame,
    shipments: pd.DataFrame,
    effects: pd.DataFrame,
    ledger_lines: pd.DataFrame,
    decided_rma_ids: set[int],
    settings: Settings,
) -> tuple[list[EffectPlan], list[Finding]]:
    """Plans for the parcels that are settled whole, and a finding for each that is settled in part.

    Args:
        return_lines, shipments: of one shop's open returns.
        effects, ledger_lines: the ledger.
        decided_rma_ids: returns that a person settled by a decision (adopt_credit, waive, void).
        settings: which status confirms.
    """
    lines = return_lines[
        return_lines["shipment_id"].notna() & ~return_lines["rma_status"].isin(["Pending", "Rejected", "Canceled"])
    ]
    lines = lines.assign(parcel=lines["shipment_id"].fillna(0).astype("int64"))
    lines = lines.merge(settled_quantities(ledger_lines, effects), on=["rma_id", "order_row_id", "parcel"], how="left")
    lines["open_units"] = lines["quantity"] - lines["posted"].fillna(0).astype("int64")
    lines.loc[lines["rma_id"].isin(decided_rma_ids) | (lines["verdict"] == "void"), "open_units"] = 0
    status = settings.returngo.confirm_status
    inbound = {row["shipment_id"]: row for row in records(shipments[~shipments["is_outbound"]])}
    plans, findings = [], []
    for shipment_id, group in lines.groupby("shipment_id", sort=True):
        shipment = inbound.get(int(shipment_id))
        if shipment is None or not group["posted"].fillna(0).sum():
            continue
        if shipment["status"] in _ORDER and _ORDER.index(shipment["status"]) >= _ORDER.index(status):
            continue
        if (group["open_units"] <= 0).all():
            plans.append(_plan(group, shipment, status))
        else:
            findings.append(_waits(group, int(shipment_id)))
    return plans, findings


def _plan(group: pd.DataFrame, shipment: dict[str, object], status: str) -> EffectPlan:
    first = group.iloc[0]
    subject = {
        "rma_id": int(first["rma_id"]),
        "order_id": int(first["order_id"]) if pd.notna(first["order_id"]) else None,
        "shipment_id": shipment["shipment_id"],
    }
    payload = {
        "request": plan_bodies.confirm_shipment(shipment, status),
        "expect": {"status": status},
        "subject": subject,
    }
    return EffectPlan("returngo.receive", first["shop"], f"confirm:{shipment['shipment_id']}", payload)


def _waits(group: pd.DataFrame, shipment_id: int) -> Finding:
    first = group.iloc[0]
    open_lines = group[group["open_units"] > 0]
    currencies = open_lines["currency"].dropna().unique()
    return Finding(
        code="refund_waits_for_parcel",
        subject_type="shipment",
        subject_id=str(shipment_id),
        shop=first["shop"],
        cause="part of a parcel is credited, the rest is not",
        rma_id=int(first["rma_id"]),
        money_minor=int(group["paid_price_minor"].sum()) if len(currencies) == 1 else None,
        currency=str(currencies[0]) if len(currencies) == 1 else None,
        expected=f"{int(group['quantity'].sum())} units posted or decided",
        found=f"{int(open_lines['open_units'].sum())} units still open",
    )
