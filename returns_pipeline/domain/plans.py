"""An intended effect as a value, and how credit proposals become effects. The ledger writes them down; what is proposed is decided elsewhere."""

import datetime as dt
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import pandas as pd

from returns_pipeline.domain import plan_bodies
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


class Sources:
    """What bodies are made of, indexed: the sales, their rows, our credits, the returns, and what the account said of itself.

    Args:
        orders, order_rows, credits, rmas, items: frames of their tables.
        account_facts: name -> value.
        settings: the settings in force.
        now: the pass's moment.
    """

    def __init__(
        self,
        orders: pd.DataFrame,
        order_rows: pd.DataFrame,
        credits: pd.DataFrame,
        rmas: pd.DataFrame,
        items: pd.DataFrame,
        account_facts: Mapping[str, Any],
        settings: Settings,
        now: dt.datetime,
    ) -> None:
        self.orders = {row["order_id"]: row for row in orders.to_dict("records")}
        self.sold = {row["order_row_id"]: row for row in order_rows.to_dict("records")}
        self.credits = {row["credit_id"]: row for row in credits.to_dict("records")}
        self.order_names = dict(zip(rmas["rma_id"], rmas["order_name"], strict=True))
        self.methods = dict(zip(items["rma_id"], items["return_method_type"], strict=True))
        self.account_facts, self.settings, self.now = account_facts, settings, now

    @property
    def instance_id(self) -> int | None:
        """The id beside `externalRef` in the duplicate rule: the setting, else what the API's answers named."""
        return self.settings.brightpearl.installed_integration_instance_id or self.account_facts.get(
            "installed_integration_instance_id"
        )


def build_credit_plans(proposals: pd.DataFrame, sources: Sources) -> list[EffectPlan]:
    """One plan per business key of the proposals that are ok, in the order raise, cancel, goods-in, amend, post, annotate, refund."""
    good = proposals[proposals["verdict"] == "ok"]
    plans = []
    for action, build in _BUILDERS.items():
        for _, group in good[good["action"] == action].groupby("business_key", sort=True):
            rows = group.sort_values(
                "proposal_id", key=lambda ids: ids.str.rsplit(":", n=1).str[1].astype("int64")
            ).to_dict("records")
            plans.append(build(rows, sources))
    return plans


def _raise(rows: list[dict[str, Any]], sources: Sources) -> EffectPlan:
    first = rows[0]
    order = sources.orders[first["order_id"]]
    shop = sources.settings.shop(first["shop"])
    reference = f"rg-{first['rma_id']}-{first['order_id']}-{first['part']}"
    warehouse = plan_bodies.returns_warehouse(shop, order["delivery_country"], sources.methods.get(first["rma_id"]))
    request = plan_bodies.sales_credit(
        rows,
        order,
        sources.sold,
        reference,
        sources.order_names[first["rma_id"]],
        sources.instance_id,
        warehouse,
        sources.settings,
    )
    expect = {
        "order_id": first["order_id"],
        "currency": first["currency"],
        "rows": [
            {
                "product_id": _whole(sources.sold[row["order_row_id"]]["product_id"]),
                "quantity": row["quantity"],
                "net_minor": row["net_minor"],
                "tax_minor": row["tax_minor"],
            }
            for row in rows
        ],
    }
    adopted = first["details"].get("adopt_remote_id")
    subject = _subject(first) | {
        "shipment_id": first["details"].get("shipment_id"),
        "return_line_ids": [row["return_line_id"] for row in rows],
    }
    return EffectPlan(
        kind="credit.raise",
        shop=first["shop"],
        business_key=first["business_key"],
        payload={"request": request, "expect": expect, "subject": subject}
        | ({"adopt_remote_id": str(adopted)} if adopted else {}),
        lines=tuple(
            PlannedLine(row["order_row_id"], "announce", row["quantity"], row["net_minor"], row["tax_minor"])
            for row in rows
        ),
        remote_ref=reference,
        currency=first["currency"],
    )


def _cancel(rows: list[dict[str, Any]], sources: Sources) -> EffectPlan:
    first = rows[0]
    credit_id = int(first["credit_id"])
    back = [
        {
            "order_row_id": row["order_row_id"],
            "quantity": row["quantity"],
            "net_minor": row["net_minor"],
            "tax_minor": row["tax_minor"],
        }
        for row in rows
        if row["quantity"]
    ]
    payload = {
        "request": plan_bodies.cancel(
            credit_id, sources.settings, f"Expected return cancelled: {first['details']['why']}"
        ),
        "expect": {"order_status_id": sources.settings.brightpearl.statuses.cancelled},
        "subject": _subject(first),
        "give_back": back,
    }
    return EffectPlan("credit.cancel", first["shop"], first["business_key"], payload, currency=first["currency"])


def _write_goods_in(rows: list[dict[str, Any]], sources: Sources) -> EffectPlan:
    first = rows[0]
    details = first["details"]
    reference = f"rg-{first['rma_id']}-{first['credit_row_id']}"
    request = plan_bodies.goods_in(
        int(first["credit_id"]), int(first["credit_row_id"]), details["product_id"], first["quantity"], details["warehouse_id"], details["location_id"],
        reference, details["cost"], details["cost_currency"], details["received_on"],
    )  # fmt: skip
    expect = {"user_batch_reference": reference}
    return EffectPlan(
        "goods_in.write",
        first["shop"],
        first["business_key"],
        {"request": request, "expect": expect, "subject": _subject(first)},
        remote_ref=reference,
        currency=first["currency"],
    )


def _amend(rows: list[dict[str, Any]], sources: Sources) -> EffectPlan:  # noqa: ARG001 - one signature for all builders
    row = rows[0]
    credit_id = int(row["credit_id"])
    payload: dict[str, Any] = {
        "subject": _subject(row) | {"order_row_id": row["order_row_id"]},
        "give_back": [row["details"]["give_back"]],
    }
    is_done = row["details"]["is_done"] or pd.isna(row["credit_row_id"])
    payload["request"] = (
        None
        if is_done
        else plan_bodies.amend(
            credit_id, int(row["credit_row_id"]), row["quantity"], row["net_minor"], row["tax_minor"], row["currency"]
        )
    )
    payload["expect"] = {}
    if is_done:
        payload["adopt_remote_id"] = str(credit_id)
    return EffectPlan("credit.amend", row["shop"], row["business_key"], payload, currency=row["currency"])


def _post(rows: list[dict[str, Any]], sources: Sources) -> EffectPlan:
    first = rows[0]
    credit_id = int(first["credit_id"])
    by_row: dict[int, list[int]] = {}
    for row in rows:
        held = by_row.setdefault(row["order_row_id"], [0, 0, 0])
        for place, name in enumerate(("quantity", "net_minor", "tax_minor")):
            held[place] += row[name]
    expect = {
        "order_id": first["order_id"],
        "currency": first["currency"],
        "total_minor": sum(held[1] + held[2] for held in by_row.values()),
        "rows": [
            {
                "product_id": _whole(sources.sold[order_row_id]["product_id"]),
                "quantity": held[0],
                "net_minor": held[1],
                "tax_minor": held[2],
            }
            for order_row_id, held in by_row.items()
        ],
    }
    lines = tuple(
        PlannedLine(
            row["order_row_id"],
            "post",
            row["quantity"],
            row["net_minor"],
            row["tax_minor"],
            _whole(row["receipt_line_id"]),
            row["without_receipt_reason"],
        )
        for row in rows
    )
    subject = _subject(first) | {
        "return_line_ids": sorted({row["return_line_id"] for row in rows if row["return_line_id"]})
    }
    payload = {
        "request": plan_bodies.close(credit_id, first["details"]["tax_date"]),
        "expect": expect,
        "subject": subject,
    }
    return EffectPlan(
        "credit.post",
        first["shop"],
        first["business_key"],
        payload,
        lines,
        needs_approval=first["details"]["needs_approval"],
        currency=first["currency"],
    )


def _annotate(rows: list[dict[str, Any]], sources: Sources) -> EffectPlan:
    row = rows[0]
    payload = {
        "request": plan_bodies.annotate(int(row["credit_id"]), sources.settings, row["details"]["note"]),
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
    row = rows[0]
    details, credit_id = row["details"], int(row["credit_id"])
    reference = f"rg-{details['transaction_id']}-{credit_id}"
    rate = str(sources.orders[row["order_id"]]["exchange_rate"])
    request = plan_bodies.customer_payment(
        reference, details["method"], credit_id, row["currency"], rate, row["net_minor"], details["paid_at"]
    )
    expect = {"payment_method_code": details["method"], "amount_minor": row["net_minor"], "currency": row["currency"]}
    payload = {
        "request": request,
        "expect": expect,
        "subject": _subject(row) | {"transaction_id": details["transaction_id"]},
    }
    return EffectPlan(
        "refund.record",
        row["shop"],
        row["business_key"],
        payload,
        depends_on_key=f"post:{credit_id}",
        currency=row["currency"],
    )


def _subject(row: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "rma_id": int(row["rma_id"]),
        "order_id": int(row["order_id"]),
        "part": int(row["part"]),
        "credit_id": _whole(row["credit_id"]),
    }


def _whole(value: object) -> int | None:
    return None if value is None or pd.isna(value) is True else int(str(value))


_BUILDERS: dict[str, Callable[[list[dict[str, Any]], Sources], EffectPlan]] = {
    "raise": _raise,
    "cancel": _cancel,
    "write_goods_in": _write_goods_in,
    "amend": _amend,
    "post": _post,
    "annotate": _annotate,
    "record_refund": _record_refund,
}
