"""An intended effect as a value, and how credit proposals become effects. The ledger writes them down; what is proposed is decided elsewhere."""

import datetime as dt
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import pandas as pd

from returns_pipeline.domain import plan_bodies
from returns_pipeline.domain.netting import as_written
from returns_pipeline.domain.records import by_key, records
from returns_pipeline.settings import Settings


@dataclass(frozen=True)
class PlannedLine:
    """What one effect takes of one order row: units and minor units; a posted line names the receipt that backs it, or why there is none."""

    order_row_id: int
    phase: str
    quantity: int
    net_minor: int
    tax_minor: int
    receipt_line_id: int | None = None
    without_receipt_reason: str | None = None


@dataclass(frozen=True)
class EffectPlan:
    """One call to make, frozen: its request, what a read back must show (`expect`), whom it is about (`subject`).

    `waiting_since` is when what it is about began to wait, where that was before it was planned: the longest wait is sent first.
    `payload` may also hold `give_back` (amend, cancel: what returns to the order rows once confirmed) and `adopt_remote_id` (others did it already).
    """

    kind: str
    shop: str
    business_key: str
    payload: dict[str, Any]
    lines: tuple[PlannedLine, ...] = ()
    remote_ref: str | None = None
    depends_on_key: str | None = None
    needs_approval: bool = False
    currency: str | None = None
    waiting_since: dt.datetime | None = None


class Sources:
    """What bodies are made of, indexed: the sales, their rows, the returns, and what the account said of itself.

    Args:
        orders, order_rows, rmas, items: frames of their tables.
        account_facts: name -> value; `locations` holds the default and quarantine location by warehouse id.
        settings: the settings in force.
        now: the pass's moment.
    """

    def __init__(
        self,
        orders: pd.DataFrame,
        order_rows: pd.DataFrame,
        rmas: pd.DataFrame,
        items: pd.DataFrame,
        account_facts: Mapping[str, Any],
        settings: Settings,
        now: dt.datetime,
    ) -> None:
        self.orders, self.sold = by_key(orders, "order_id"), by_key(order_rows, "order_row_id")
        self.rmas, self.methods = (
            by_key(rmas, "rma_id"),
            {row["rma_id"]: row["return_method_type"] for row in records(items)},
        )
        self.account_facts, self.settings, self.now = account_facts, settings, now

    @property
    def instance_id(self) -> int | None:
        """The id beside `externalRef` in the duplicate rule: the setting, else what the API's answers named."""
        return self.settings.brightpearl.installed_integration_instance_id or self.account_facts.get(
            "installed_integration_instance_id"
        )


def build_credit_plans(proposals: pd.DataFrame, sources: Sources) -> list[EffectPlan]:
    """One plan per business key of the proposals that are ok, in the order raise, cancel, goods-in, amend, post, annotate, refund."""
    groups: dict[tuple[str, str], list[dict[str, Any]]] = {}
    for row in records(proposals[proposals["verdict"] == "ok"]):
        groups.setdefault((row["action"], row["business_key"]), []).append(row)
    plans = []
    for action, build in _BUILDERS.items():
        for key in sorted(key for wanted, key in groups if wanted == action):
            rows = sorted(groups[(action, key)], key=lambda row: int(row["proposal_id"].rsplit(":", 1)[1]))
            plans.append(build(rows, sources))
    return plans


def _raise(rows: list[dict[str, Any]], sources: Sources) -> EffectPlan:
    first = rows[0]
    order, rma = sources.orders[first["order_id"]], sources.rmas[first["rma_id"]]
    shop = sources.settings.shop(first["shop"])
    reference = f"rg-{first['rma_id']}-{first['order_id']}-{first['part']}"
    warehouse = plan_bodies.returns_warehouse(
        shop, rma["store_location_id"], order["delivery_country"], sources.methods.get(first["rma_id"])
    )
    payload = {
        "request": plan_bodies.sales_credit(
            as_written(rows),
            order,
            sources.sold,
            reference,
            rma["order_name"],
            sources.instance_id,
            warehouse,
            sources.settings,
        ),
        "expect": {"order_id": first["order_id"], "currency": first["currency"], "rows": _expected_rows(rows, sources)},
        "subject": _subject(first)
        | {"shipment_id": first["details"]["shipment_id"], "return_line_ids": _return_lines(rows)},
        "fees": [row["details"]["fee"] for row in rows if "fee" in row["details"]],
    }
    if "adopt_remote_id" in first["details"]:
        payload["adopt_remote_id"] = str(first["details"]["adopt_remote_id"])
    lines = tuple(
        PlannedLine(row["order_row_id"], "announce", row["quantity"], row["net_minor"], row["tax_minor"])
        for row in rows
        if row["order_row_id"] is not None
    )
    return EffectPlan(
        "credit.raise",
        first["shop"],
        first["business_key"],
        payload,
        lines,
        remote_ref=reference,
        currency=first["currency"],
    )


def _cancel(rows: list[dict[str, Any]], sources: Sources) -> EffectPlan:
    first = rows[0]
    payload: dict[str, Any] = {
        "request": plan_bodies.cancel(
            first["credit_id"], sources.settings, f"Expected return cancelled: {first['details']['why']}"
        ),
        "expect": {"order_status_id": sources.settings.brightpearl.statuses.cancelled},
        "subject": _subject(first),
        "give_back": [
            {name: row[name] for name in ("order_row_id", "quantity", "net_minor", "tax_minor")}
            for row in rows
            if row["quantity"]
        ],
    }
    if first["details"]["is_done"]:
        payload["adopt_remote_id"] = str(first["credit_id"])
    return EffectPlan("credit.cancel", first["shop"], first["business_key"], payload, currency=first["currency"])


def _write_goods_in(rows: list[dict[str, Any]], sources: Sources) -> EffectPlan:
    first = rows[0]
    reference = f"rg-{first['rma_id']}-{first['credit_row_id']}"
    warehouse = first["details"]["warehouse_id"]
    which = "quarantine" if sources.settings.brightpearl.receive_into == "quarantine" else "default"
    location = sources.account_facts["locations"][str(warehouse)][which]
    request = plan_bodies.goods_in(first["credit_id"], rows, warehouse, location, reference)
    moved = [
        {"credit_row_id": row["credit_row_id"], "product_id": row["details"]["product_id"], "quantity": row["quantity"]}
        for row in rows
    ]
    payload = {
        "request": request,
        "expect": {"user_batch_reference": reference, "lines": moved},
        "subject": _subject(first),
    }
    return EffectPlan(
        "goods_in.write",
        first["shop"],
        first["business_key"],
        payload,
        remote_ref=reference,
        currency=first["currency"],
    )


def _amend(rows: list[dict[str, Any]], sources: Sources) -> EffectPlan:  # noqa: ARG001 - one signature for all builders
    row = rows[0]
    if "fee" in row["details"]:
        return _deduct(row)
    credit_id, is_done = row["credit_id"], row["details"]["is_done"]
    net_off, tax_off = row["details"]["kept_back"]
    money = (row["net_minor"] - net_off, row["tax_minor"] - tax_off)
    payload: dict[str, Any] = {
        "request": None
        if is_done
        else plan_bodies.amend(credit_id, row["credit_row_id"], row["quantity"], *money, row["currency"]),
        "expect": {},
        "subject": _subject(row) | {"order_row_id": row["order_row_id"]},
        "give_back": [row["details"]["give_back"]],
    }
    if is_done:
        payload["adopt_remote_id"] = str(credit_id)
    return EffectPlan("credit.amend", row["shop"], row["business_key"], payload, currency=row["currency"])


def _deduct(row: dict[str, Any]) -> EffectPlan:
    """A deduction that joins an unposted credit: the order row keeps its share, so that nothing is given back."""
    fee, goods = row["details"]["fee"], row["details"]["goods_row"]
    request = (
        plan_bodies.amend(row["credit_id"], row["credit_row_id"], **goods, currency=row["currency"])
        if fee["netted_into"]
        else plan_bodies.deduction(row["credit_id"], fee, row["currency"])
    )
    subject = _subject(row) | {"order_row_id": fee["order_row_id"]}
    payload = {"request": request, "expect": {}, "subject": subject, "fees": [fee]}
    return EffectPlan("credit.amend", row["shop"], row["business_key"], payload, currency=row["currency"])


def _post(rows: list[dict[str, Any]], sources: Sources) -> EffectPlan:
    first = rows[0]
    details, credit_id = first["details"], first["credit_id"]
    payload: dict[str, Any] = {
        "request": plan_bodies.close(credit_id, details["tax_date"]),
        "expect": {
            "order_id": first["order_id"],
            "currency": first["currency"],
            "total_minor": sum(row["net_minor"] + row["tax_minor"] for row in rows),
            "rows": _expected_rows(rows, sources),
        },
        "subject": _subject(first) | {"return_line_ids": _return_lines(rows)},
    }
    if "adopt_remote_id" in details:
        payload["adopt_remote_id"] = str(credit_id)
    lines = tuple(
        PlannedLine(
            row["order_row_id"],
            "post",
            row["quantity"],
            row["net_minor"],
            row["tax_minor"],
            row["receipt_line_id"],
            row["without_receipt_reason"],
        )
        for row in rows
        if row["order_row_id"] is not None
    )
    return EffectPlan(
        "credit.post",
        first["shop"],
        first["business_key"],
        payload,
        lines,
        needs_approval=details["needs_approval"],
        currency=first["currency"],
        waiting_since=dt.datetime.fromisoformat(details["received_on"]) if details["received_on"] else None,
    )


def _annotate(rows: list[dict[str, Any]], sources: Sources) -> EffectPlan:
    row = rows[0]
    payload = {
        "request": plan_bodies.annotate(row["credit_id"], sources.settings, row["details"]["note"]),
        "expect": {"order_status_id": sources.settings.brightpearl.statuses.credited},
        "subject": _subject(row),
    }
    return EffectPlan(
        "credit.annotate",
        row["shop"],
        row["business_key"],
        payload,
        depends_on_key=f"post:{row['credit_id']}",
        currency=row["currency"],
    )


def _record_refund(rows: list[dict[str, Any]], sources: Sources) -> EffectPlan:
    """One payment for all transactions of its rows; its reference is made of its key, and it is dated as the latest of them."""
    first = rows[0]
    credit_id, method = first["credit_id"], first["details"]["method"]
    amount_minor = sum(row["net_minor"] for row in rows)
    reference = "rg-" + first["business_key"].removeprefix("refund:").replace(":", "-")
    rate = str(sources.orders[first["order_id"]]["exchange_rate"])
    paid_at = max((row["details"]["paid_at"] for row in rows), key=dt.datetime.fromisoformat)
    payload = {
        "request": plan_bodies.customer_payment(
            reference, method, credit_id, first["currency"], rate, amount_minor, paid_at
        ),
        "expect": {"payment_method_code": method, "amount_minor": amount_minor, "currency": first["currency"]},
        "subject": _subject(first)
        | {
            "transactions": [
                {"transaction_id": row["details"]["transaction_id"], "amount_minor": row["net_minor"]} for row in rows
            ]
        },
    }
    return EffectPlan(
        "refund.record",
        first["shop"],
        first["business_key"],
        payload,
        depends_on_key=f"post:{credit_id}",
        currency=first["currency"],
    )


def _expected_rows(rows: list[dict[str, Any]], sources: Sources) -> list[dict[str, Any]]:
    """What the credit's rows must show: one per order row, however many goods-in lines back it, and one per fee."""
    by_row: dict[int, list[int]] = {}
    written = as_written(rows)
    for row in written:
        if row["order_row_id"] is not None:
            held = by_row.setdefault(row["order_row_id"], [0, 0, 0])
            for place, name in enumerate(("quantity", "net_minor", "tax_minor")):
                held[place] += row[name]
    goods = [
        {
            "product_id": sources.sold[order_row_id]["product_id"],
            "quantity": held[0],
            "net_minor": held[1],
            "tax_minor": held[2],
        }
        for order_row_id, held in by_row.items()
    ]
    fees = [
        {"product_id": None, "quantity": 1, "net_minor": row["net_minor"], "tax_minor": row["tax_minor"]}
        for row in written
        if row["order_row_id"] is None
    ]
    return goods + fees


def _return_lines(rows: list[dict[str, Any]]) -> list[str]:
    return sorted({row["return_line_id"] for row in rows if row["return_line_id"]})


def _subject(row: Mapping[str, Any]) -> dict[str, Any]:
    return {name: row[name] for name in ("rma_id", "order_id", "part", "credit_id")}


_BUILDERS: dict[str, Callable[[list[dict[str, Any]], Sources], EffectPlan]] = {
    "raise": _raise,
    "cancel": _cancel,
    "write_goods_in": _write_goods_in,
    "amend": _amend,
    "post": _post,
    "annotate": _annotate,
    "record_refund": _record_refund,
}
