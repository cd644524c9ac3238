"""What follows a posted credit: its status and note, and the customer payments for the refunds that ReturnGo reports as successful.

Scenarios 7, 34, 38, 40, 50, 51. A refund that is requested or failed is no money; amounts come from the transaction, never from the credit.
"""

from collections.abc import Mapping
from typing import Any

import pandas as pd

from returns_pipeline.domain.findings import subject_of
from returns_pipeline.domain.money import format_minor
from returns_pipeline.domain.proposals import held, proposal
from returns_pipeline.domain.proration import largest_remainder
from returns_pipeline.settings import Settings

_LONGEST_NOTE = 900


def posted_credits(effects: pd.DataFrame) -> list[dict[str, Any]]:
    """Heads of our credits whose posting is confirmed: shop, rma_id, order_id, part, credit_id, gross_minor, currency, and which steps are live."""
    posts = effects[(effects["kind"] == "credit.post") & (effects["state"] == "confirmed")]
    done = set(effects.loc[effects["state"] != "voided", "business_key"])
    heads = []
    for effect in posts.to_dict("records"):
        subject, expect = subject_of(effect["payload"]), effect["payload"]["expect"]
        head = {"shop": effect["shop"], **{name: subject[name] for name in ("rma_id", "order_id", "part", "credit_id")}}
        heads.append(
            head
            | {
                "currency": expect["currency"],
                "gross_minor": expect["total_minor"],
                "is_annotated": f"annotate:{subject['credit_id']}" in done,
            }
        )
    return heads


def propose_notes(heads: list[dict[str, Any]], return_lines: pd.DataFrame) -> list[dict[str, Any]]:
    """The status `credited` with a private ASCII note, once per posted credit."""
    reasons = {rma_id: _ascii(group) for rma_id, group in return_lines.groupby("rma_id")["return_reasons"]}
    return [
        proposal(
            "annotate",
            f"annotate:{head['credit_id']}",
            0,
            **_about(head),
            details={
                "note": f"Return RMA{head['rma_id']} credited after receipt. Reasons: {reasons.get(head['rma_id']) or 'none given'}"[
                    :_LONGEST_NOTE
                ]
            },
        )
        for head in heads
        if not head["is_annotated"]
    ]


def propose_refunds(
    heads: list[dict[str, Any]],
    transactions: pd.DataFrame,
    return_lines: pd.DataFrame,
    orders: pd.DataFrame,
    effects: pd.DataFrame,
    settings: Settings,
) -> list[dict[str, Any]]:
    """A customer payment per successful transaction and credit, where the shop records refunds.

    A transaction that pays for units of several credits is split by what was paid for them, to the minor unit.
    """
    done = set(effects.loc[(effects["kind"] == "refund.record") & (effects["state"] != "voided"), "business_key"])
    by_rma: dict[int, list[dict[str, Any]]] = {}
    for head in heads:
        if settings.shop(head["shop"]).policy.record_refunds:
            by_rma.setdefault(head["rma_id"], []).append(head)
    paid = _paid_per_credit(effects, return_lines)
    methods = orders.set_index("order_id")["payment_method_codes"].to_dict()
    rows = []
    successful = transactions[
        (transactions["status"] == "Success")
        & transactions["type"].str.startswith("RefundTo")
        & transactions["rma_id"].notna()
    ]
    for transaction in successful.to_dict("records"):
        for head, minor in _split(transaction, by_rma.get(int(transaction["rma_id"]), []), paid):
            key = f"refund:{transaction['transaction_id']}:{head['credit_id']}"
            if key not in done and minor > 0:
                rows.append(_refund(key, head, transaction, minor, methods.get(head["order_id"]), settings))
    return rows


def _refund(
    key: str,
    head: Mapping[str, Any],
    transaction: Mapping[str, Any],
    minor: int,
    methods_of_sale: object,
    settings: Settings,
) -> dict[str, Any]:
    row = proposal(
        "record_refund",
        key,
        0,
        **_about(head),
        net_minor=minor,
        details={
            "transaction_id": transaction["transaction_id"],
            "paid_at": transaction["created_at"].isoformat(),
            "type": transaction["type"],
        },
    )
    configured = settings.shop(head["shop"]).payment_methods.get(transaction["type"])
    if configured is None:
        return held(
            row,
            "payment_method_unclear",
            f"a payment method for {transaction['type']} in [brightpearl.payment_methods]",
            "none",
        )
    if configured != "same_as_sale":
        return row | {"details": row["details"] | {"method": configured}}
    if methods_of_sale is None:
        return held(row, "payment_method_unread", "the sale's payments", "not read yet", waits=True)
    codes = list(methods_of_sale) if isinstance(methods_of_sale, list) else []
    if len(codes) != 1:
        return held(
            row,
            "payment_method_unclear",
            "one payment method on the sale",
            f"{len(codes)} methods for {format_minor(minor, head['currency'])}",
        )
    return row | {"details": row["details"] | {"method": codes[0]}}


def _split(
    transaction: Mapping[str, Any], heads: list[dict[str, Any]], paid: Mapping[tuple[int, int], int]
) -> list[tuple[dict[str, Any], int]]:
    """Parts of a transaction per posted credit, in the credit's currency; nothing while a credit of its units is not posted."""
    if not heads:
        return []
    currency = heads[0]["currency"]
    amount = (
        transaction["amount_minor"]
        if transaction["currency"] == currency
        else transaction["shop_amount_minor"]
        if transaction["shop_currency"] == currency
        else 0
    )
    weights = [
        sum(paid.get((head["credit_id"], int(item)), 0) for item in transaction["returned_item_ids"]) for head in heads
    ]
    if not transaction["returned_item_ids"] and len(heads) == 1:
        weights = [1]
    if sum(weights) == 0:
        return []
    parts = largest_remainder(int(amount), weights, [int(head["credit_id"]) for head in heads])
    return [(head, part) for head, part in zip(heads, parts, strict=True) if part]


def _paid_per_credit(effects: pd.DataFrame, return_lines: pd.DataFrame) -> dict[tuple[int, int], int]:
    """(credit, returned item) -> weight of the item in its credit: the price paid, or 1 where nothing was paid."""
    lines = {row["return_line_id"]: row for row in return_lines.to_dict("records")}
    weights: dict[tuple[int, int], int] = {}
    for payload in effects.loc[(effects["kind"] == "credit.post") & (effects["state"] == "confirmed"), "payload"]:
        for line_id in payload["subject"].get("return_line_ids", []):
            line = lines.get(line_id)
            for item in line["returned_item_ids"] if line else []:
                weights[(payload["subject"]["credit_id"], int(item))] = max(
                    1, int(line["paid_price_minor"]) // len(line["returned_item_ids"])
                )  # type: ignore[index]
    return weights


def _about(head: Mapping[str, Any]) -> dict[str, Any]:
    return {name: head[name] for name in ("shop", "rma_id", "order_id", "part", "credit_id", "currency")}


def _ascii(reasons: pd.Series) -> str:
    return "; ".join(dict.fromkeys(reasons.dropna())).encode("ascii", "replace").decode()
