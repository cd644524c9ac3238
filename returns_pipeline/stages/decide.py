"""Decides about credits and transfers for what is open, and keeps the proposals. The decisions are in `domain/`."""

import datetime as dt
from collections.abc import Sequence
from functools import partial
from typing import Any

import pandas as pd

from returns_pipeline.domain import credits, findings, transfers
from returns_pipeline.domain.balances import is_creditable, opening_balances
from returns_pipeline.domain.bundles import component_balances, opened_bundles
from returns_pipeline.domain.components import whole_units
from returns_pipeline.domain.credit_facts import CreditFacts
from returns_pipeline.domain.places import places_of_units
from returns_pipeline.settings import ShopSettings
from returns_pipeline.stages import unmoved
from returns_pipeline.stages.gatekeeping import Batch, commit
from returns_pipeline.stages.passes import Pass
from returns_pipeline.stages.reading import ORDER_ROWS, Frames
from returns_pipeline.stages.recording import judged_rmas, observe
from returns_pipeline.stages.report import StageReport, total_of
from returns_pipeline.storage import account_facts, ledger, open_returns, period_locks


def propose_credits(stage_pass: Pass) -> StageReport:
    """The next step of every open return's credits; `returns.returns_credit_proposals`."""
    return total_of(
        unmoved.judged(stage_pass, "decide:credits", [shop], partial(_propose_shop, stage_pass, shop))
        for shop in stage_pass.shops
    )


def propose_transfers(stage_pass: Pass) -> StageReport:
    """Passed units that may leave; `returns.returns_transfer_proposals`."""
    return total_of(
        unmoved.judged(stage_pass, "decide:transfers", [shop], partial(_propose_shop_transfers, stage_pass, shop))
        for shop in stage_pass.shops
    )


def credit_proposals(stage_pass: Pass, shop: ShopSettings) -> pd.DataFrame:
    """The proposals as they follow from the facts of this moment, after the facts were written into the balances."""
    read = Frames(stage_pass, shop)
    orders, order_rows = read["brightpearl/sales_orders"], read["brightpearl_sales_order_rows"]
    ensure_balances(stage_pass, read)
    facts = CreditFacts(
        rmas=read["returngo/rmas"], return_lines=read["returns/return_lines"], items=read["returngo/return_items"],
        shipments=read["returngo_shipments"], transactions=read["returngo/transactions"], receipts=read["returns/receipts"], orders=orders,
        order_rows=order_rows, products=read["brightpearl/products"], credits=read["brightpearl/sales_credits"], credit_rows=read["brightpearl_sales_credit_rows"],
        balances=_balances(stage_pass, order_rows), effects=read.effects(), ledger_lines=read.ledger_lines(),
        decisions=read.decisions(), newest_return=open_returns.newest(stage_pass.connection, shop.label),
        locked_until=_locked_until(stage_pass, shop),
    )  # fmt: skip
    decided = credits.propose_credits(facts, shop, stage_pass.settings, stage_pass.now)
    _record_facts(stage_pass, read, read.standing(), decided.foreign)
    return decided.proposals


def ensure_balances(stage_pass: Pass, read: Frames) -> None:
    """Writes down what each row of the sales was charged; components of opened bundles share what their bundle was charged."""
    connection, as_sold = stage_pass.connection, read.as_stored(ORDER_ROWS)
    unheld = as_sold[
        is_creditable(as_sold) & ~as_sold["order_row_id"].isin(_balances(stage_pass, as_sold)["order_row_id"])
    ]
    new = as_sold[as_sold["order_id"].isin(unheld["order_id"])]
    ledger.ensure_balances(connection, opening_balances(read["brightpearl/sales_orders"], new))
    opened = opened_bundles(read.decisions())
    of_opened = as_sold[as_sold["order_row_id"].isin(opened)]
    ledger.ensure_balances(connection, component_balances(as_sold, opened, _balances(stage_pass, of_opened)))


def _locked_until(stage_pass: Pass, shop: ShopSettings) -> dt.date | None:
    """The last locked day that is known here or that the settings name."""
    days = (period_locks.locked_until(stage_pass.connection, shop.label), shop.policy.last_locked_day)
    return max((day for day in days if day is not None), default=None)


def _propose_shop(stage_pass: Pass, shop: ShopSettings) -> StageReport:
    proposals = credit_proposals(stage_pass, shop)
    rma_ids = Frames(stage_pass, shop)["returngo/rmas"]["rma_id"].tolist()
    report = commit(
        stage_pass,
        shop.label,
        "decide:schema:credits",
        [Batch("returns_credit_proposals", proposals, "rma", "rma_id", parents=("rma_id", rma_ids))],
    )
    report.merge(
        observe(
            stage_pass,
            "decide:credits",
            shop.label,
            findings.findings_from_proposals(proposals),
            judged_rmas(stage_pass),
        )
    )
    for (action, verdict), group in proposals.groupby(["action", "verdict"]):
        report.counts[f"{action}_{verdict}"] = len(group)
        report.add_money(f"{action}_{verdict}_net", group, "net_minor")
        report.add_money(f"{action}_{verdict}_tax", group, "tax_minor")
    return report


def _record_facts(stage_pass: Pass, read: Frames, standing: pd.DataFrame, foreign: pd.DataFrame) -> None:
    """Writes what came and what others credited into the balances; a row without any is set back to nothing."""
    order_row_ids = read["brightpearl_sales_order_rows"]["order_row_id"]
    receipts, credit_rows = read["returns/receipts"], read["brightpearl_sales_credit_rows"]
    ours = receipts[receipts["credit_id"].isin(standing["credit_id"].dropna()) & receipts["order_row_id"].notna()]
    came = whole_units(ours, credit_rows, ["matched_quantity"])["matched_quantity"]
    row_of = credit_rows.set_index("credit_row_id")["order_row_id"]
    received = came.groupby(came.index.map(row_of)).sum().reindex(order_row_ids, fill_value=0)
    others = foreign.set_index("order_row_id")[["foreign_qty", "foreign_net", "foreign_tax"]].reindex(
        order_row_ids, fill_value=0
    )
    ledger.record_facts(
        stage_pass.connection,
        received=pd.DataFrame(
            {"order_row_id": order_row_ids.tolist(), "received_qty": received.astype("int64").tolist()}
        ),
        foreign=others.astype("int64").rename_axis("order_row_id").reset_index(),
    )


def _balances(stage_pass: Pass, order_rows: pd.DataFrame) -> pd.DataFrame:
    return ledger.read_balances(stage_pass.connection, sorted({int(order_id) for order_id in order_rows["order_id"]}))


def _propose_shop_transfers(stage_pass: Pass, shop: ShopSettings) -> StageReport:
    read = Frames(stage_pass, shop)
    quarantine = {
        warehouse: places["quarantine"]
        for warehouse, places in locations(stage_pass, _warehouses_of(shop)).items()
        if places["quarantine"]
    }
    results = stage_pass.settings.brightpearl.inspection_locations
    places = places_of_units(read["returns/receipts"], read["brightpearl_shelf_moves"], results)
    proposals = transfers.propose_transfers(
        read["returns/receipts"], read["returns/return_lines"], read["returngo/return_items"], read["inspections"],
        read["brightpearl/sales_orders"], read.effects(), places, quarantine, shop, stage_pass.now,
    )  # fmt: skip
    rma_ids = read["returngo/rmas"]["rma_id"].tolist()
    report = commit(
        stage_pass,
        shop.label,
        "decide:schema:transfers",
        [Batch("returns_transfer_proposals", proposals, "receipt", "receipt_line_id", parents=("rma_id", rma_ids))],
    )
    report.merge(
        observe(
            stage_pass,
            "decide:transfers",
            shop.label,
            findings.findings_from_transfers(proposals),
            judged_rmas(stage_pass),
        )
    )
    report.counts["units_to_release"] = int(proposals.loc[proposals["verdict"] == "ok", "quantity"].sum())
    return report


def _warehouses_of(shop: ShopSettings) -> list[int]:
    return sorted({*shop.returns_warehouses.values(), *shop.saleable_warehouses.values()})


def locations(stage_pass: Pass, warehouse_ids: Sequence[int]) -> dict[int, dict[str, Any]]:
    """Default and quarantine location of each warehouse, read once per account and kept."""
    known = account_facts.read(stage_pass.connection, "locations") or {}
    missing = [warehouse_id for warehouse_id in warehouse_ids if str(warehouse_id) not in known]
    for warehouse_id in missing:
        client = stage_pass.accounts.brightpearl
        known[str(warehouse_id)] = {which: client.location(warehouse_id, which) for which in ("default", "quarantine")}
    if missing:
        account_facts.write(stage_pass.connection, "locations", known)
    return {int(warehouse_id): places for warehouse_id, places in known.items()}
