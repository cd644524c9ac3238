"""Where the received units of each goods-in line lie now, after people moved goods between locations, and what their place says of them.

Scenarios 44, 71, 75. Stock has no names on it: a move to a shelf for passed goods took passed units, one to a shelf for damaged goods took failed ones.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pandas as pd

from returns_pipeline.domain.records import records

COLUMNS = ["receipt_line_id", "location_id", "passed", "failed", "unjudged"]
# Which units a move takes first, by what the place it goes to means.
_TAKEN = {"pass": ("passed", "unjudged"), "damaged": ("failed", "unjudged"), "write_off": ("failed", "unjudged")}
_TAKEN_BY_ANY = ("passed", "unjudged", "failed")
_MEANS = {"pass": "passed", "damaged": "failed", "write_off": "failed"}


@dataclass
class _Unit:
    receipt_line_id: int
    location_id: int
    judged: str
    received_on: Any


def places_of_units(receipts: pd.DataFrame, moves: pd.DataFrame, results: Mapping[str, str]) -> pd.DataFrame:
    """One row per goods-in line and location with units of it: COLUMNS, counted in units.

    Args:
        receipts: receipt_line_id, product_id, warehouse_id, location_id, received_on, matched_quantity, passed_quantity, failed_quantity.
        moves: `brightpearl_shelf_moves` of the same products.
        results: what a location says of a unit put there, by its id as text: pass, damaged or write_off.
    """
    moved = receipts["product_id"].isin(moves["product_id"])
    still = receipts[~moved]
    rest = still["matched_quantity"] - still["passed_quantity"] - still["failed_quantity"]
    lying = still[["receipt_line_id", "location_id", "passed_quantity", "failed_quantity"]].assign(unjudged=rest)
    lying.columns = pd.Index(COLUMNS)
    shifted = [
        row
        for (product_id, warehouse_id), lines in receipts[moved].groupby(["product_id", "warehouse_id"])
        for row in _after_moves(
            lines, moves[(moves["product_id"] == product_id) & (moves["warehouse_id"] == warehouse_id)], results
        )
    ]
    found = pd.concat([lying, pd.DataFrame(shifted, columns=COLUMNS)], ignore_index=True).astype("int64")
    return found[found[["passed", "failed", "unjudged"]].sum(axis=1) > 0].reset_index(drop=True)


def _after_moves(lines: pd.DataFrame, moves: pd.DataFrame, results: Mapping[str, str]) -> list[dict[str, int]]:
    units = [
        unit for line in records(lines.sort_values(["received_on", "receipt_line_id"])) for unit in _units_of(line)
    ]
    for moment, from_id, to_id, quantity in _steps(moves):
        result = results.get(str(to_id), "")
        taken = [
            unit
            for judged in _TAKEN.get(result, _TAKEN_BY_ANY)
            for unit in units
            if unit.judged == judged and unit.location_id == from_id and unit.received_on <= moment
        ]
        for unit in taken[:quantity]:
            unit.location_id, unit.judged = to_id, _MEANS.get(result, unit.judged)
    counted: dict[tuple[int, int], dict[str, int]] = {}
    for unit in units:
        key = (unit.receipt_line_id, unit.location_id)
        row = counted.setdefault(key, dict(zip(COLUMNS, (*key, 0, 0, 0), strict=True)))
        row[unit.judged] += 1
    return list(counted.values())


def _units_of(line: Mapping[str, Any]) -> Sequence[_Unit]:
    passed, failed = line["passed_quantity"], line["failed_quantity"]
    judged = ["passed"] * passed + ["failed"] * failed + ["unjudged"] * (line["matched_quantity"] - passed - failed)
    return [_Unit(line["receipt_line_id"], line["location_id"], each, line["received_on"]) for each in judged]


def _steps(moves: pd.DataFrame) -> list[tuple[Any, int, int, int]]:
    """Moves in their order: moment, from, to, units; a note's lines out of one location and into another are one move."""
    steps = []
    for _, note in moves.sort_values(["moved_on", "goods_movement_id"]).groupby("goods_note_id", sort=False):
        out, into = records(note[note["quantity"] < 0]), records(note[note["quantity"] > 0])
        for source, target in zip(out, into, strict=False):
            steps.append((target["moved_on"], source["location_id"], target["location_id"], target["quantity"]))
    return steps
