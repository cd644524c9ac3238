"""Which inspected units may leave the Returns warehouse, and the transfers made of them. Scenarios 43, 44, 47, 71, 75.

Nothing sellable without a pass; transfers never wait for a credit; passed and failed units of one product never share a source location.
"""

import datetime as dt
import hashlib
from collections.abc import Mapping
from typing import Any

import pandas as pd

from returns_pipeline.domain import plan_bodies
from returns_pipeline.domain.findings import subject_of
from returns_pipeline.domain.plans import EffectPlan
from returns_pipeline.settings import Settings, ShopSettings

COLUMNS = [
    "proposal_id", "shop", "rma_id", "receipt_line_id", "product_id", "quantity", "source_warehouse_id", "source_location_id", "target_warehouse_id",
    "is_from_quarantine", "passed_at", "verdict", "hold_code", "expected", "found", "judged_at",
]  # fmt: skip


def moved_receipts(effects: pd.DataFrame) -> set[int]:
    """Goods-in lines whose units are on a transfer already."""
    creates = effects[(effects["kind"] == "transfer.create") & (effects["state"] != "voided")]
    units = [unit for payload in creates["payload"] for unit in payload["subject"].get("units", [])]
    return {int(unit["receipt_line_id"]) for unit in units}


def propose_transfers(
    receipts: pd.DataFrame,
    orders: pd.DataFrame,
    effects: pd.DataFrame,
    quarantine_locations: Mapping[int, int],
    shop: ShopSettings,
    now: dt.datetime,
) -> pd.DataFrame:
    """Passed units of one shop that are on no transfer yet, with the columns of `returns_transfer_proposals`."""
    passed = receipts[(receipts["passed_quantity"] > 0) & ~receipts["receipt_line_id"].isin(moved_receipts(effects))]
    channel = passed["order_id"].map(orders.set_index("order_id")["channel_id"])
    failed = receipts.loc[receipts["failed_quantity"] > 0, ["product_id", "warehouse_id", "location_id"]]
    failed = failed.drop_duplicates()
    mixed = (
        passed.merge(failed, on=["product_id", "warehouse_id", "location_id"], how="left", indicator=True)["_merge"]
        .eq("both")
        .to_numpy()
    )
    rows = []
    for place, line in enumerate(passed.to_dict("records")):
        target = shop.saleable_warehouses.get(str(int(channel.iloc[place]))) if pd.notna(channel.iloc[place]) else None
        row = _row(line, target, quarantine_locations, now)
        if target is None:
            row |= {
                "verdict": "held",
                "hold_code": "no_saleable_warehouse",
                "expected": "a warehouse for this channel in saleable_warehouses",
                "found": "none",
            }
        elif mixed[place]:
            row |= {
                "verdict": "held",
                "hold_code": "mixed_inspection_location",
                "expected": "passed units in a location of their own",
                "found": f"units that did not pass share location {line['location_id']}",
            }
        rows.append(row)
    frame = pd.DataFrame(rows, columns=COLUMNS)
    for name in ("rma_id", "receipt_line_id", "product_id", "quantity", "source_warehouse_id", "source_location_id"):
        frame[name] = frame[name].astype("int64")
    return frame.astype(
        {
            "target_warehouse_id": "Int64",
            "is_from_quarantine": "bool",
            "passed_at": "datetime64[us, UTC]",
            "judged_at": "datetime64[us, UTC]",
        }
    )


def _row(
    line: Mapping[str, Any], target: int | None, quarantine_locations: Mapping[int, int], now: dt.datetime
) -> dict[str, Any]:
    return {
        "proposal_id": f"transfer:{line['receipt_line_id']}",
        "shop": line["shop"],
        "rma_id": line["rma_id"],
        "receipt_line_id": line["receipt_line_id"],
        "product_id": line["product_id"],
        "quantity": line["passed_quantity"],
        "source_warehouse_id": line["warehouse_id"],
        "source_location_id": line["location_id"],
        "target_warehouse_id": target,
        "is_from_quarantine": quarantine_locations.get(line["warehouse_id"]) == line["location_id"],
        "passed_at": None,
        "verdict": "ok",
        "hold_code": None,
        "expected": None,
        "found": None,
        "judged_at": now,
    }


def is_time(shop: ShopSettings, last_transfer: dt.datetime | None, now: dt.datetime) -> bool:
    """Whether the gathering hour has come since the last transfer: an hour of `transfers.at` lies between the two; none named means always."""
    if not shop.transfers.at:
        return True
    local = now.astimezone(shop.zone)
    hours = [
        dt.datetime.combine(local.date() - dt.timedelta(days=back), dt.time.fromisoformat(at), tzinfo=shop.zone)
        for at in shop.transfers.at
        for back in (0, 1)
    ]
    due = max((hour for hour in hours if hour <= local), default=None)
    return due is not None and (last_transfer is None or last_transfer < due)


def build_release_plans(proposals: pd.DataFrame, default_locations: Mapping[int, int]) -> list[EffectPlan]:
    """Releases inside the Returns warehouse for passed units that were booked into quarantine: they come before any transfer."""
    due = proposals[(proposals["verdict"] == "ok") & proposals["is_from_quarantine"]]
    return [
        _release_plan(
            row["shop"],
            row["source_warehouse_id"],
            row["product_id"],
            row["quantity"],
            default_locations[row["source_warehouse_id"]],
            f"r{row['receipt_line_id']}",
            row["rma_id"],
        )
        for row in due.to_dict("records")
        if row["source_warehouse_id"] in default_locations
    ]


def build_create_plans(
    proposals: pd.DataFrame,
    effects: pd.DataFrame,
    default_locations: Mapping[int, int],
    shop: ShopSettings,
    now: dt.datetime,
) -> list[EffectPlan]:
    """One transfer per source and target, once enough units have gathered and the hour has come."""
    released = set(
        effects.loc[(effects["kind"] == "transfer.release") & (effects["state"] == "confirmed"), "business_key"]
    )
    ready = proposals[(proposals["verdict"] == "ok")].copy()
    keys = (
        "release:"
        + ready["source_warehouse_id"].astype("str")
        + ":"
        + ready["product_id"].astype("str")
        + ":r"
        + ready["receipt_line_id"].astype("str")
    )
    ready = ready[~ready["is_from_quarantine"] | keys.isin(released)]
    creates = effects[(effects["kind"] == "transfer.create") & (effects["shop"] == shop.label)]
    last = creates["created_at"].max() if len(creates) else None
    if not is_time(shop, last, now):
        return []
    plans = []
    for (source, target), group in ready.groupby(["source_warehouse_id", "target_warehouse_id"], sort=True):
        if int(group["quantity"].sum()) >= shop.transfers.min_units:
            plans.append(_create_plan(shop.label, int(source), int(target), group, default_locations))
    return plans


def _create_plan(
    shop: str, source: int, target: int, group: pd.DataFrame, default_locations: Mapping[int, int]
) -> EffectPlan:
    units = [
        {
            "receipt_line_id": int(row["receipt_line_id"]),
            "product_id": int(row["product_id"]),
            "quantity": int(row["quantity"]),
            "location_id": default_locations.get(source, 0)
            if row["is_from_quarantine"]
            else int(row["source_location_id"]),
        }
        for row in group.sort_values("receipt_line_id").to_dict("records")
    ]
    digest = hashlib.sha256(",".join(str(unit["receipt_line_id"]) for unit in units).encode()).hexdigest()[:12]
    payload = {
        "request": plan_bodies.stock_transfer(source, target, f"rt-{digest}"),
        "expect": {"source_warehouse_id": source, "target_warehouse_id": target},
        "subject": {"source_warehouse_id": source, "target_warehouse_id": target, "units": units},
    }
    return EffectPlan(
        "transfer.create", shop, f"transfer:{shop}:{source}:{target}:{digest}", payload, remote_ref=f"rt-{digest}"
    )


def build_follow_up_plans(
    effects: pd.DataFrame, default_locations: Mapping[int, int], settings: Settings, now: dt.datetime
) -> list[EffectPlan]:
    """Dispatch what was created; ship and put away where the shop leaves that to the pipeline."""
    done = set(effects.loc[effects["state"] != "voided", "business_key"])
    confirmed = effects[effects["state"] == "confirmed"]
    shipped = set(confirmed.loc[confirmed["kind"] == "transfer.ship", "business_key"])
    plans: list[EffectPlan] = []
    for effect in confirmed.to_dict("records"):
        shop = settings.shop(effect["shop"])
        if effect["kind"] == "transfer.create":
            plans.append(_dispatch_plan(effect))
        elif effect["kind"] == "transfer.dispatch":
            ships = [_ship_plan(effect, int(note), now) for note in str(effect["remote_id"]).split(",")]
            if shop.transfers.ship_by == "pipeline":
                plans += ships
            # A transfer of several notes is put away once, when all of them are on their way.
            if shop.policy.put_away == "automatic" and shipped >= {ship.business_key for ship in ships}:
                plans += _put_away_plans(effect, default_locations)
    return [plan for plan in plans if plan.business_key not in done]


def _dispatch_plan(effect: Mapping[str, Any]) -> EffectPlan:
    subject, transfer_id = subject_of(effect["payload"]), int(effect["remote_id"])
    totals: dict[tuple[int, int], int] = {}
    for unit in subject["units"]:  # type: ignore[attr-defined]
        totals[(unit["product_id"], unit["location_id"])] = (
            totals.get((unit["product_id"], unit["location_id"]), 0) + unit["quantity"]
        )
    products = [
        {"productId": product, "quantity": quantity, "fromLocationId": location}
        for (product, location), quantity in sorted(totals.items())
    ]
    source, target = int(str(subject["source_warehouse_id"])), int(str(subject["target_warehouse_id"]))
    payload = {
        "request": plan_bodies.external_transfer(source, target, transfer_id, products),
        "expect": {},
        "subject": {
            "transfer_id": transfer_id,
            "source_warehouse_id": source,
            "target_warehouse_id": target,
            "products": products,
        },
    }
    return EffectPlan(
        "transfer.dispatch",
        str(effect["shop"]),
        f"dispatch:{transfer_id}",
        payload,
        depends_on_key=str(effect["business_key"]),
    )


def _ship_plan(effect: Mapping[str, Any], note_id: int, now: dt.datetime) -> EffectPlan:
    subject = {**subject_of(effect["payload"]), "goods_out_note_id": note_id}
    payload = {"request": plan_bodies.ship(note_id, now), "expect": {}, "subject": subject}
    return EffectPlan(
        "transfer.ship", str(effect["shop"]), f"ship:{note_id}", payload, depends_on_key=str(effect["business_key"])
    )


def _put_away_plans(effect: Mapping[str, Any], default_locations: Mapping[int, int]) -> list[EffectPlan]:
    subject = subject_of(effect["payload"])
    target = int(str(subject["target_warehouse_id"]))
    if target not in default_locations:
        return []
    totals: dict[int, int] = {}
    for entry in subject["products"]:  # type: ignore[attr-defined]
        totals[entry["productId"]] = totals.get(entry["productId"], 0) + entry["quantity"]
    return [
        _release_plan(
            str(effect["shop"]),
            target,
            product,
            quantity,
            default_locations[target],
            f"t{subject['transfer_id']}",
            None,
        )
        for product, quantity in sorted(totals.items())
    ]


def _release_plan(
    shop: str, warehouse_id: int, product_id: int, quantity: int, location_id: int, which: str, rma_id: int | None
) -> EffectPlan:
    subject = {"rma_id": rma_id, "warehouse_id": warehouse_id, "product_id": product_id, "quantity": quantity}
    payload = {
        "request": plan_bodies.release(warehouse_id, product_id, quantity, location_id),
        "expect": {},
        "subject": subject,
    }
    return EffectPlan("transfer.release", shop, f"release:{warehouse_id}:{product_id}:{which}", payload)
