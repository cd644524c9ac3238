"""Inspections and SKU maps by the list: out as CSV, filled in by people, in again. All rows of a list are taken or none; single acts are in `acting`."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

import psycopg

from returns_pipeline.settings import Settings
from returns_pipeline.stages import csv_lists
from returns_pipeline.stages.acting import ActRefused, record_inspection
from returns_pipeline.stages.csv_lists import ListRefused
from returns_pipeline.storage import decisions, worklists

INSPECTIONS = ("shop", "order_name", "rma_id", "returned_item_id", "sku", "result", "reason")
SKU_MAPS = ("shop", "sku", "returns", "suggestion", "sku_sold", "reason")
_INSPECTIONS_NEEDED = ("rma_id", "returned_item_id", "result", "reason")
_SKU_MAPS_NEEDED = ("shop", "sku", "sku_sold", "reason")


@dataclass(frozen=True)
class Imported:
    """How many rows were recorded, how many say what was known already, and how many were left empty."""

    recorded: int = 0
    known: int = 0
    empty: int = 0


def export_inspections(connection: psycopg.Connection, path: Path) -> int:
    """Writes the received units that nobody has inspected, with `result` and `reason` to be filled in.

    Raises:
        ListRefused: the file cannot be written.
    """
    return csv_lists.write(path, INSPECTIONS, worklists.units_to_inspect(connection))


def import_inspections(connection: psycopg.Connection, path: Path, by: str) -> Imported:
    """Records the results of a list; rows without a result stay on the bench.

    Raises:
        ListRefused: the file or any row cannot be used; nothing was recorded, and the message has a line for each bad row.
    """

    def record(row: Mapping[str, str]) -> bool:
        rma_id, item_id = _whole(row, "rma_id"), _whole(row, "returned_item_id")
        if worklists.last_result(connection, rma_id, item_id) == row["result"]:
            return False
        record_inspection(connection, rma_id, item_id, row["result"], row["reason"], by)
        return True

    rows = csv_lists.read(path, _INSPECTIONS_NEEDED)
    return _all_or_none(connection, rows, ("rma_id", "returned_item_id"), "result", record)


def export_skus(connection: psycopg.Connection, path: Path) -> int:
    """Writes the SKUs that hold returns, with `sku_sold` and `reason` to be filled in.

    Raises:
        ListRefused: the file cannot be written.
    """
    return csv_lists.write(path, SKU_MAPS, worklists.unknown_skus(connection))


def import_skus(
    connection: psycopg.Connection, settings: Settings, path: Path, by: str, os_user: str | None = None
) -> Imported:
    """Maps SKUs for every return of their shop, from the next pass on; rows without `sku_sold` are left as they are.

    Raises:
        ListRefused: the file or any row cannot be used; nothing was mapped, and the message has a line for each bad row.
    """
    rows = csv_lists.read(path, _SKU_MAPS_NEEDED)
    shops = {shop.label for shop in settings.shops}
    known = worklists.known_skus(connection, {row["sku_sold"] for _, row in rows})
    maps = worklists.sku_maps(connection)

    def record(row: Mapping[str, str]) -> bool:
        _refuse_map(row, shops, known)
        number, sold = maps.get((row["shop"], row["sku"]), (None, None))
        if sold == row["sku_sold"]:
            return False
        if number is not None:
            raise ActRefused(f"{row['sku']} is mapped to {sold} by decision {number}: take that back first")
        try:
            decisions.record(
                connection, action="map_sku", shop=row["shop"], subject_type="sku", subject_id=row["sku"],
                value={"sku_sold": row["sku_sold"]}, reason=row["reason"], decided_by=by, os_user=os_user,
            )  # fmt: skip
        except ValueError as refusal:
            raise ActRefused(str(refusal)) from refusal
        return True

    return _all_or_none(connection, rows, ("shop", "sku"), "sku_sold", record)


def _refuse_map(row: Mapping[str, str], shops: set[str], known: set[str]) -> None:
    if row["shop"] not in shops:
        raise ActRefused(f"no shop is labelled {row['shop']!r}; the settings have {', '.join(sorted(shops))}")
    if not row["sku"]:
        raise ActRefused("sku is empty: which SKU is mapped?")
    if row["sku"] == row["sku_sold"]:
        raise ActRefused(f"{row['sku']} is mapped to itself")
    if row["sku_sold"] not in known:
        raise ActRefused(f"no product and no sold row carries {row['sku_sold']!r}, spelled exactly so")


def _all_or_none(
    connection: psycopg.Connection,
    rows: list[tuple[int, dict[str, str]]],
    key: tuple[str, str],
    filled: str,
    record: Callable[[Mapping[str, str]], bool],
) -> Imported:
    """Records every row whose column `filled` is not empty, in one transaction; `record` answers whether it was new."""
    problems: list[str] = []
    seen: dict[tuple[str, str], int] = {}
    recorded = known = empty = 0
    with connection.transaction():
        for number, row in rows:
            if not row[filled]:
                empty += 1
                continue
            subject = (row[key[0]], row[key[1]])
            first = seen.setdefault(subject, number)
            if first != number:
                problems.append(f"row {number}: {key[0]} {subject[0]}, {key[1]} {subject[1]} is in row {first} already")
                continue
            try:
                is_new = record(row)
            except ActRefused as refusal:
                problems.append(f"row {number}: {refusal}")
                continue
            recorded, known = recorded + is_new, known + (not is_new)
        if problems:
            raise ListRefused("\n".join(problems))
    return Imported(recorded, known, empty)


def _whole(row: Mapping[str, str], name: str) -> int:
    if not row[name].isascii() or not row[name].isdigit():
        raise ActRefused(f"{name} {row[name]!r} is no number")
    return int(row[name])
