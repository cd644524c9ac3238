"""Which inspected units may leave the Returns warehouse, and the transfers made of them. Scenarios 43, 44, 47, 71, 75.

Nothing sellable without a pass; transfers never wait for a credit; passed and failed units of one product never share a source location.
"""

import datetime as dt
import hashlib
from collections.abc import Collection, Mapping
from typing import Any

import pandas as pd

from returns_pipeline.domain import plan_bodies
from returns_pipeline.domain.findings import subject_of
from returns_pipeline.domain.plans import EffectPlan
from returns_pipeline.domain.records import by_key, records
from returns_pipeline.settings import Settings, ShopSettings

COLUMNS = [
    "proposal_id", "shop", "rma_id", "receipt_line_id", "product_id", "quantity", "moved_quantity", "source_warehouse_id", "source_location_id", "target_warehouse_id",
    "is_from_quarantine", "passed_at", "verdict", "hold_code", "expected", "found", "judged_at",
]  # fmt: skip


def propose_transfers(
    receipts: pd.DataFrame,
    return_lines: pd.DataFrame,
    items: pd.DataFrame,
    inspections: pd.DataFrame,
    orders: pd.DataFrame,
    effects: pd.DataFrame,
    places: pd.DataFrame,
    quarantine_locations: Mapping[int, int],
    shop: ShopSettings,
    now: dt.datetime,
) -> pd.DataFrame:
    """Passed units of one shop that are on no transfer yet, with the columns of `returns_transfer_proposals`.

    They wait (`awaiting_transfer_hour`) until an hour of `transfers.at` has come since they passed.

    Args:
        receipts, return_lines, items, inspections, orders: frames of their tables.
        effects: the ledger's effects with payloads.
        places: where the receipts' units lie now (`places_of_units`).
        quarantine_locations: by warehouse.
        shop: its map of warehouses and its hours.
        now: the pass's moment.
    """
    on_transfers = _moved_units(effects)
    moved = dict(on_transfers)
    channels = dict(zip(orders["order_id"], orders["channel_id"], strict=True))
    lines = by_key(receipts, "receipt_line_id")
    failed = {
        (lines[place["receipt_line_id"]]["product_id"], place["location_id"])
        for place in records(places[places["failed"] > 0])
    }
    passed_at = _passed_at(return_lines, items, inspections)
    hour = _last_hour(shop, now)
    rows = []
    for place in records(places[places["passed"] > 0].sort_values(["receipt_line_id", "location_id"])):
        line = lines[place["receipt_line_id"]] | {"location_id": place["location_id"]}
        gone = min(place["passed"], on_transfers.get(line["receipt_line_id"], 0))
        left = place["passed"] - gone
        if gone:
            on_transfers[line["receipt_line_id"]] -= gone
        if left <= 0 or line["rma_id"] is None:
            continue
        target = shop.saleable_warehouses.get(str(channels.get(line["order_id"])))
        is_from_quarantine = quarantine_locations.get(line["warehouse_id"]) == line["location_id"]
        since = max(line["received_on"], passed_at.get(line["return_line_id"], line["received_on"]))
        units = (left, moved.get(line["receipt_line_id"], 0))
        row = _row(line, units, target, since, now, is_from_quarantine=is_from_quarantine)
        if target is None:
            row |= _held("held", "no_saleable_warehouse", "a warehouse for this channel in saleable_warehouses", "none")
        elif (line["product_id"], line["location_id"]) in failed and not is_from_quarantine:
            found = f"units that did not pass share location {line['location_id']}"
            row |= _held("held", "mixed_inspection_location", "passed units in a location of their own", found)
        elif hour is None or since > hour:
            row |= _held(
                "waiting",
                "awaiting_transfer_hour",
                f"{', '.join(shop.transfers.at)} in {shop.time_zone}",
                f"passed {since:%d %b %H:%M} UTC",
            )
        rows.append(row)
    frame = pd.DataFrame(rows, columns=COLUMNS)
    whole = (
        "rma_id",
        "receipt_line_id",
        "product_id",
        "quantity",
        "moved_quantity",
        "source_warehouse_id",
        "source_location_id",
    )
    moments = {"passed_at": "datetime64[us, UTC]", "judged_at": "datetime64[us, UTC]"}
    return frame.astype(
        dict.fromkeys(whole, "int64") | {"target_warehouse_id": "Int64", "is_from_quarantine": "bool"} | moments
    )


def _row(
    line: Mapping[str, Any],
    units: tuple[int, int],
    target: int | None,
    passed_at: dt.datetime,
    now: dt.datetime,
    *,
    is_from_quarantine: bool,
) -> dict[str, Any]:
    return {
        "proposal_id": f"transfer:{line['receipt_line_id']}:{line['location_id']}",
        "shop": line["shop"],
        "rma_id": line["rma_id"],
        "receipt_line_id": line["receipt_line_id"],
        "product_id": line["product_id"],
        "quantity": units[0],
        "moved_quantity": units[1],
        "source_warehouse_id": line["warehouse_id"],
        "source_location_id": line["location_id"],
        "target_warehouse_id": target,
        "is_from_quarantine": is_from_quarantine,
        "passed_at": passed_at,
        "judged_at": now,
        "verdict": "ok",
        "hold_code": None,
        "expected": None,
        "found": None,
    }


def _held(verdict: str, hold_code: str, expected: str, found: str) -> dict[str, str]:
    return {"verdict": verdict, "hold_code": hold_code, "expected": expected, "found": found}


def _moved_units(effects: pd.DataFrame) -> dict[int, int]:
    """Units of each goods-in line that are on a transfer."""
    moved: dict[int, int] = {}
    for effect in records(effects[(effects["kind"] == "transfer.create") & (effects["state"] != "voided")]):
        for unit in effect["payload"]["subject"]["units"]:
            moved[unit["receipt_line_id"]] = moved.get(unit["receipt_line_id"], 0) + unit["quantity"]
    return moved


def _ready(proposals: pd.DataFrame, moved: Mapping[int, int]) -> list[dict[str, Any]]:
    """Good proposals, without the units that were put on a transfer since they were judged."""
    since_then: dict[int, int] = {}
    ready = []
    for row in records(proposals[proposals["verdict"] == "ok"]):
        receipt = row["receipt_line_id"]
        taken = since_then.setdefault(receipt, max(moved.get(receipt, 0) - row["moved_quantity"], 0))
        gone = min(row["quantity"], taken)
        since_then[receipt] -= gone
        if row["quantity"] > gone:
            ready.append(row | {"quantity": row["quantity"] - gone})
    return ready


def _released_units(effects: pd.DataFrame, states: Collection[str]) -> dict[int, int]:
    """Units of each goods-in line that were released from the Returns warehouse's quarantine."""
    released: dict[int, int] = {}
    for effect in records(effects[(effects["kind"] == "transfer.release") & effects["state"].isin(states)]):
        subject = effect["payload"]["subject"]
        if subject["receipt_line_id"] is not None:
            released[subject["receipt_line_id"]] = released.get(subject["receipt_line_id"], 0) + subject["quantity"]
    return released


def _passed_at(return_lines: pd.DataFrame, items: pd.DataFrame, inspections: pd.DataFrame) -> dict[str, dt.datetime]:
    """When the last unit of each return line was inspected."""
    of_unit = {
        row["returned_item_id"]: row["validated_at"] for row in records(items) if row["validated_at"] is not None
    }
    for row in records(inspections):
        if row["returned_item_id"] is not None:
            of_unit[row["returned_item_id"]] = row["recorded_at"]
    found = {}
    for line in records(return_lines):
        moments = [of_unit[int(item)] for item in line["returned_item_ids"] if int(item) in of_unit]
        if moments:
            found[line["return_line_id"]] = max(moments)
    return found


def _last_hour(shop: ShopSettings, now: dt.datetime) -> dt.datetime | None:
    """The newest hour of `transfers.at` that has come, in the shop's time; now where none is named."""
    if not shop.transfers.at:
        return now
    local = now.astimezone(shop.zone)
    hours = [
        dt.datetime.combine(local.date() - dt.timedelta(days=back), dt.time.fromisoformat(at), tzinfo=shop.zone)
        for at in shop.transfers.at
        for back in (0, 1)
    ]
    return max((hour for hour in hours if hour <= local), default=None)


def build_release_plans(
    proposals: pd.DataFrame, effects: pd.DataFrame, default_locations: Mapping[int, int]
) -> list[EffectPlan]:
    """Releases inside the Returns warehouse for passed units that were booked into quarantine: they come before any transfer."""
    known = set(effects["state"].unique()) - {"voided"}
    released, moved = _released_units(effects, known), _moved_units(effects)
    plans = []
    for row in _ready(proposals, moved):
        receipt, warehouse = row["receipt_line_id"], row["source_warehouse_id"]
        passed = row["quantity"] + moved.get(receipt, 0)
        units = passed - released.get(receipt, 0)
        if row["is_from_quarantine"] and units > 0 and warehouse in default_locations:
            which = f"r{receipt}-{passed}"
            plans.append(
                _release_plan(
                    row["shop"],
                    warehouse,
                    row["product_id"],
                    units,
                    default_locations[warehouse],
                    which,
                    row["rma_id"],
                    receipt,
                )
            )
    return plans


def build_create_plans(
    proposals: pd.DataFrame, effects: pd.DataFrame, default_locations: Mapping[int, int], shop: ShopSettings
) -> list[EffectPlan]:
    """One transfer per source and target of what is ready, once enough units have gathered."""
    released, moved = _released_units(effects, ["confirmed"]), _moved_units(effects)
    groups: dict[tuple[int, int], list[dict[str, Any]]] = {}
    for row in _ready(proposals, moved):
        if row["is_from_quarantine"]:
            free = released.get(row["receipt_line_id"], 0) - moved.get(row["receipt_line_id"], 0)
            row["quantity"] = min(row["quantity"], free)
        if row["quantity"] > 0:
            groups.setdefault((row["source_warehouse_id"], row["target_warehouse_id"]), []).append(row)
    return [
        _create_plan(shop.label, source, target, rows, moved, default_locations)
        for (source, target), rows in sorted(groups.items())
        if sum(row["quantity"] for row in rows) >= shop.transfers.min_units
    ]


def _create_plan(
    shop: str,
    source: int,
    target: int,
    rows: list[dict[str, Any]],
    moved: Mapping[int, int],
    default_locations: Mapping[int, int],
) -> EffectPlan:
    units = [
        {
            "receipt_line_id": row["receipt_line_id"],
            "product_id": row["product_id"],
            "quantity": row["quantity"],
            "location_id": default_locations[source] if row["is_from_quarantine"] else row["source_location_id"],
        }
        for row in sorted(rows, key=lambda row: row["receipt_line_id"])
    ]
    # Units of one goods-in line that pass on different days are different transfers.
    named = ",".join(f"{unit['receipt_line_id']}+{moved.get(unit['receipt_line_id'], 0)}" for unit in units)
    digest = hashlib.sha256(named.encode()).hexdigest()[:12]
    payload = {
        "request": plan_bodies.stock_transfer(source, target, f"rt-{digest}"),
        "expect": {"source_warehouse_id": source, "target_warehouse_id": target},
        "subject": {"source_warehouse_id": source, "target_warehouse_id": target, "units": units},
    }
    return EffectPlan(
        "transfer.create", shop, f"transfer:{shop}:{source}:{target}:{digest}", payload, remote_ref=f"rt-{digest}"
    )


def build_follow_up_plans(
    effects: pd.DataFrame, default_locations: Mapping[int, int], settings: Settings
) -> list[EffectPlan]:
    """Dispatch what was created; ship and put away where the shop leaves that to the pipeline."""
    done = set(effects.loc[effects["state"] != "voided", "business_key"])
    confirmed = records(effects[effects["state"] == "confirmed"])
    shipped = {effect["business_key"] for effect in confirmed if effect["kind"] == "transfer.ship"}
    plans: list[EffectPlan] = []
    for effect in confirmed:
        shop = settings.shop(effect["shop"])
        if effect["kind"] == "transfer.create":
            plans.append(_dispatch_plan(effect))
        elif effect["kind"] == "transfer.dispatch":
            ships = [_ship_plan(effect, int(note)) for note in str(effect["remote_id"]).split(",")]
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


def _ship_plan(effect: Mapping[str, Any], note_id: int) -> EffectPlan:
    subject = {**subject_of(effect["payload"]), "goods_out_note_id": note_id}
    payload = {"request": plan_bodies.ship(note_id, effect["updated_at"]), "expect": {}, "subject": subject}
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
            None,
        )
        for product, quantity in sorted(totals.items())
    ]


def _release_plan(
    shop: str,
    warehouse_id: int,
    product_id: int,
    quantity: int,
    location_id: int,
    which: str,
    rma_id: int | None,
    receipt_line_id: int | None,
) -> EffectPlan:
    subject = {
        "rma_id": rma_id,
        "warehouse_id": warehouse_id,
        "product_id": product_id,
        "quantity": quantity,
        "receipt_line_id": receipt_line_id,
    }
    payload = {
        "request": plan_bodies.release(warehouse_id, product_id, quantity, location_id),
        "expect": {},
        "subject": subject,
    }
    return EffectPlan("transfer.release", shop, f"release:{warehouse_id}:{product_id}:{which}", payload)
