"""Goods-in that the pipeline books itself, where the warehouse inspects in ReturnGO (`policy.receipt_source = "returngo_validated"`).

A unit with a validation date that is marked returned is the receipt. It is booked when every unit of the credit is judged, and never at zero
cost. Where a credit is received all at once (`brightpearl.part_receipt = "refused"`), it is first brought down to what came, and one note
books all of it; else each row has a note of its own.
"""

import datetime as dt
from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any

import pandas as pd

from returns_pipeline.domain.amendments import bring_down
from returns_pipeline.domain.cases import CreditLine, Settlement
from returns_pipeline.domain.proposals import held, proposal

Row = Mapping[str, Any]
Cost = tuple[Decimal, str]
Costs = Mapping[int, Cost]


def propose_goods_in(
    case: Settlement,
    items: Mapping[int, Row],
    credit_rows: Sequence[Row],
    sold: Sequence[Row],
    written_keys: set[str],
    listed_costs: Costs | None,
    *,
    is_at_once: bool,
) -> list[dict[str, Any]]:
    """Rows to book in for one credit, one per row of the credit that has goods; or its rows to bring down first; or held, or waiting; or nothing.

    Args:
        case: the credit.
        items: returned items by id.
        credit_rows: the credit's rows in Brightpearl, components of bundles among them.
        sold: the sale's rows, for what the goods cost.
        written_keys: business keys of goods-in that the ledger holds.
        listed_costs: product id -> cost of one unit on the cost price list, where `policy.receipt_cost` asks for it; None: as sold.
        is_at_once: whether one note must book everything that the credit still holds.
    """
    if case.credit is None or case.is_posted_by_hand or case.has_goods_in:
        return []
    rows: list[dict[str, Any]] = []
    short: dict[int, int] = {}
    for line in case.lines:
        if line.is_without_receipt or line.is_delivery or line.return_line is None:
            continue
        units = [items[int(item)] for item in line.return_line["returned_item_ids"] if int(item) in items]
        if any(unit["validated_at"] is None for unit in units):
            is_begun = any(unit["validated_at"] is not None for unit in units)
            return [_waits(case, line, len(units))] if is_begun or rows else []
        back = _came_back(line, units)
        if back < line.quantity:
            short[line.order_row_id] = back
        if back:
            rows += _of_line(
                case, line, back, max(unit["validated_at"] for unit in units), credit_rows, sold, listed_costs
            )
    if is_at_once and rows:
        return bring_down(case, short) if short else _in_one_note(case, rows, written_keys)
    return [row for row in rows if row["business_key"] not in written_keys]


def _in_one_note(case: Settlement, rows: list[dict[str, Any]], written_keys: set[str]) -> list[dict[str, Any]]:
    """All rows under one key; where the cost of one is not known, none is booked."""
    key = f"goods-in:{case.credit_id}"
    if key in written_keys:
        return []
    held_rows = [row for row in rows if row["verdict"] != "ok"]
    together = [
        row | {"business_key": key, "proposal_id": f"write_goods_in:{key}:{number}"} for number, row in enumerate(rows)
    ]
    return held_rows or together


def costs_of(products: pd.DataFrame) -> Costs:
    """Product id -> cost of one unit and its currency, of products that have one above zero on the cost price list."""
    priced = products[products["cost_value"].notna()]
    return {
        int(product_id): (cost, currency)
        for product_id, cost, currency in zip(
            priced["product_id"], priced["cost_value"], priced["cost_currency"], strict=True
        )
    }


def _came_back(line: CreditLine, units: Sequence[Row]) -> int:
    """Units of the credit's row that were marked returned; of a bundle only whole ones."""
    returned = sum(bool(unit["is_returned"]) for unit in units)
    of_return = line.return_line["quantity"] if line.return_line is not None else 0
    per_row_unit = max(1, len(units) // of_return) if of_return else 1
    return min(line.quantity, returned // per_row_unit)


def _of_line(
    case: Settlement,
    line: CreditLine,
    units: int,
    validated_at: dt.datetime,
    credit_rows: Sequence[Row],
    sold: Sequence[Row],
    listed_costs: Costs | None,
) -> list[dict[str, Any]]:
    """The goods of one row: itself, or the components of a bundle, which alone have stock."""
    parts = [row for row in credit_rows if row["is_bundle_child"] and row["parent_row_id"] == line.credit_row_id]
    own = parts or [row for row in credit_rows if row["credit_row_id"] == line.credit_row_id]
    return [
        _row(
            case,
            line,
            row,
            units * (row["quantity"] // line.seen_quantity if parts else 1),
            number,
            validated_at,
            _cost(row, line, sold) if listed_costs is None else listed_costs.get(row["product_id"]),
        )
        for number, row in enumerate(own)
    ]


def _cost(row: Row, line: CreditLine, sold: Sequence[Row]) -> Cost | None:
    """Cost of one unit as it was sold, in the accounting currency; None where it is not known or zero."""
    source = next(
        (
            each
            for each in sold
            if each["order_row_id"] == line.order_row_id and each["product_id"] == row["product_id"]
        ),
        None,
    )
    source = source or next((each for each in sold if each["product_id"] == row["product_id"]), None)
    if source is None or not source["item_cost"] or not source["cost_currency"]:
        return None
    return source["item_cost"], source["cost_currency"]


def _row(
    case: Settlement,
    line: CreditLine,
    credit_row: Row,
    units: int,
    number: int,
    validated_at: dt.datetime,
    cost: Cost | None,
) -> dict[str, Any]:
    details = {
        "product_id": credit_row["product_id"],
        "warehouse_id": case.credit["warehouse_id"] if case.credit else None,
        "received_on": validated_at.isoformat(),
    }
    row = _proposal(case, line, credit_row["credit_row_id"], units, number)
    if cost is None:
        return held(
            row,
            "cost_price_missing",
            "what the goods cost, where policy.receipt_cost looks for it",
            f"none for product {credit_row['product_id']}",
        )
    return row | {"details": details | {"cost": f"{cost[0]:f}", "cost_currency": cost[1]}}


def _waits(case: Settlement, line: CreditLine, units: int) -> dict[str, Any]:
    row = _proposal(case, line, line.credit_row_id, line.quantity, 0)
    return held(row, "awaiting_rest_of_parcel", f"{units} units validated in ReturnGO", "some of them", waits=True)


def _proposal(case: Settlement, line: CreditLine, credit_row_id: int | None, units: int, number: int) -> dict[str, Any]:
    about = {
        "shop": case.shop,
        "rma_id": case.rma_id,
        "order_id": case.order_id,
        "part": case.part,
        "credit_id": case.credit_id,
        "currency": case.currency,
    }
    of_row = {"credit_row_id": credit_row_id, "order_row_id": line.order_row_id, "tax_code": line.tax_code}
    return_line_id = line.return_line["return_line_id"] if line.return_line is not None else None
    return proposal(
        "write_goods_in",
        f"goods-in:{case.credit_id}:{credit_row_id}",
        number,
        **about,
        **of_row,
        return_line_id=return_line_id,
        quantity=units,
    )
