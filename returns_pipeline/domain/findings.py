"""What a stage found wrong, as values: one finding per subject and code. How it is kept is storage's, what it means is the catalogue's."""

import datetime as dt
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import pandas as pd

from returns_pipeline.domain import lives

# Scenario 78: warned four days before the law's deadline, whatever holds the return.
_WARNED_BEFORE = dt.timedelta(days=4)
_OWED_NO_REFUND = (lives.EXCHANGE, lives.STORE_CREDIT, lives.GIFT_CARD, lives.CANCEL_ORDER)


@dataclass(frozen=True)
class Finding:
    """One thing that does not fit: whom it is about, why in plain words, the money at stake, what was expected and what was found.

    Attributes:
        code: a key of the catalogue.
        subject_type: rma, order, credit, receipt, shipment, effect, proposal or sku.
        cause: the words under which findings of one cause are told together.
        suggestion: what would probably mend it.
        owner, severity: where they are not the catalogue's.
    """

    code: str
    subject_type: str
    subject_id: str
    shop: str
    cause: str
    rma_id: int | None = None
    money_minor: int | None = None
    currency: str | None = None
    expected: str | None = None
    found: str | None = None
    suggestion: str | None = None
    owner: str | None = None
    severity: str | None = None


def findings_from_lines(lines: pd.DataFrame) -> list[Finding]:
    """One finding per return and hold code: held lines, and those that wait for something."""
    return list(_grouped(lines[lines["hold_code"].notna()], "rma", "rma_id", "paid_price_minor"))


def findings_from_receipts(receipts: pd.DataFrame) -> list[Finding]:
    """One finding per goods-in line that is held."""
    held = receipts[receipts["hold_code"].notna()]
    return [
        Finding(
            code=row["hold_code"],
            subject_type="receipt",
            subject_id=str(row["receipt_line_id"]),
            shop=row["shop"],
            cause=f"{row['hold_code']} of product {row['product_id']}",
            rma_id=_whole(row["rma_id"]),
            expected=_text(row["expected"]),
            found=_text(row["found"]),
        )
        for row in held.to_dict("records")
    ]


def findings_from_costs(lines: pd.DataFrame, products: pd.DataFrame, cost_price_list_id: int) -> list[Finding]:
    """One finding per return with goods that have no cost on the cost price list: received so, they enter the stock at zero. Scenario 76."""
    costless = products[products["is_stock_tracked"] & products["cost_value"].isna() & ~products["is_gone"]]
    if not cost_price_list_id or costless.empty:
        return []
    coming = lines[
        (lines["verdict"] == "ok")
        & ~lines["life"].isin(lives.WITHOUT_RECEIPT)
        & lines["product_id"].isin(costless["product_id"])
    ]
    return [
        Finding(
            code="cost_price_missing",
            subject_type="rma",
            subject_id=str(rma_id),
            shop=shop,
            cause=f"no cost on price list {cost_price_list_id}",
            rma_id=int(rma_id),
            expected=f"a cost above zero on price list {cost_price_list_id} before the parcel comes",
            found=f"none for {', '.join(sorted(set(group['sku_returned'])))}",
        )
        for (shop, rma_id), group in coming.groupby(["shop", "rma_id"])
    ]


def findings_from_inspections(items: pd.DataFrame, lines: pd.DataFrame) -> list[Finding]:
    """One finding per return with units that inspection in ReturnGo did not find in the parcel, while the return goes on. Scenarios 15, 80."""
    missing = items[items["validated_at"].notna() & ~items["is_returned"]]
    going_on = lines[(lines["verdict"] != "void") & ~lines["life"].isin(lives.WITHOUT_RECEIPT)]
    units = going_on.explode("returned_item_ids")
    missing = missing[missing["returned_item_id"].isin(units["returned_item_ids"])]
    return [
        Finding(
            code="not_in_parcel",
            subject_type="rma",
            subject_id=str(rma_id),
            shop=shop,
            cause="units were not in the parcel",
            rma_id=int(rma_id),
            money_minor=int(group["shop_paid_price_minor"].sum()),
            currency=str(group["shop_currency"].iloc[0]),
            expected="every announced unit in the parcel",
            found=f"{len(group)} missing: {', '.join(sorted(set(group['sku'])))}",
        )
        for (shop, rma_id), group in missing.groupby(["shop", "rma_id"])
    ]


def findings_from_proposals(proposals: pd.DataFrame) -> list[Finding]:
    """One finding per return and hold code of what may not be written yet."""
    held = proposals[proposals["hold_code"].notna()].assign(
        gross_minor=lambda frame: frame["net_minor"] + frame["tax_minor"]
    )
    return list(_grouped(held, "rma", "rma_id", "gross_minor"))


def findings_from_transfers(proposals: pd.DataFrame) -> list[Finding]:
    """One finding per return whose passed units may not go back on sale."""
    held = proposals[proposals["verdict"] == "held"]
    return [
        Finding(
            code=row["hold_code"],
            subject_type="receipt",
            subject_id=str(row["receipt_line_id"]),
            shop=row["shop"],
            cause=f"{row['hold_code']} in warehouse {row['source_warehouse_id']}",
            rma_id=_whole(row["rma_id"]),
            expected=_text(row["expected"]),
            found=_text(row["found"]),
        )
        for row in held.to_dict("records")
    ]


def findings_from_effects(effects: pd.DataFrame) -> list[Finding]:
    """Effects that were refused, stopped, have no known outcome or came out other than sent, and those that wait for an approval."""
    codes = {"rejected": "effect_rejected", "halted": "effect_halted", "unknown": "effect_unknown"}
    is_other_than_sent = effects["reason"].fillna("").str.startswith("payload_mismatch")
    troubled = effects[effects["state"].isin(codes) | ((effects["state"] == "confirmed") & is_other_than_sent)]
    return _awaiting_approval(effects) + [
        Finding(
            code=_effect_code(row, codes),
            subject_type="effect",
            subject_id=row["business_key"],
            shop=row["shop"],
            cause=f"{row['kind']} {row['state']}: {str(row['reason']).split(':')[0]}",
            rma_id=_whole(subject_of(row["payload"]).get("rma_id")),
            expected=f"{row['kind']} carried out once",
            found=_text(row["reason"]),
            suggestion=_open_period(str(row["reason"])),
        )
        for row in troubled.to_dict("records")
    ]


def findings_from_match(matches: pd.DataFrame, *, pays_ahead: bool) -> list[Finding]:
    """What the three-way match shows that no earlier stage could: money against credit, announced and never arrived.

    Where the shop pays before goods come (`policy.credit_ahead_of_receipt`), such a refund is an exposure that ages, no error. Scenario 4.
    """
    codes = {"refund_mismatch", "announced_not_arrived", "credited_more_than_received", "refund_before_receipt"}
    shown = matches[matches["state"].isin(codes)]
    return [
        Finding(
            code=row["state"],
            subject_type="return_line",
            subject_id=row["return_line_id"],
            shop=row["shop"],
            cause=row["cause"],
            rma_id=_whole(row["rma_id"]),
            money_minor=abs(int(row["difference_minor"])),
            currency=_text(row["currency"]),
            expected="receipt, credit and money that agree",
            found=row["cause"],
            severity="info" if pays_ahead and row["state"] == "refund_before_receipt" else None,
        )
        for row in shown.to_dict("records")
    ]


def findings_near_deadline(matches: pd.DataFrame, deadline: dt.timedelta) -> list[Finding]:
    """Goods that came in and are not refunded although the legal deadline, counted from their goods-in, is near."""
    age = matches["compared_at"] - matches["received_on"]
    due = matches[
        (matches["received_quantity"] > 0)
        & (matches["refunded_minor"] == 0)
        & ~matches["life"].isin(_OWED_NO_REFUND)
        & (matches["state"] != "nothing_to_credit")
        & (age >= deadline - _WARNED_BEFORE)
    ]
    return [
        Finding(
            code="refund_deadline",
            subject_type="return_line",
            subject_id=row["return_line_id"],
            shop=row["shop"],
            cause=f"not refunded {(row['compared_at'] - row['received_on']).days} days after goods-in: {row['cause']}",
            rma_id=_whole(row["rma_id"]),
            money_minor=abs(int(row["difference_minor"])),
            currency=_text(row["currency"]),
            expected=f"a refund within {deadline.days} days of goods-in",
            found="none yet",
        )
        for row in due.to_dict("records")
    ]


def subject_of(payload: object) -> Mapping[str, object]:
    """What an effect's payload is about: rma_id, order_id, credit_id, shipment_id."""
    subject = payload.get("subject") if isinstance(payload, Mapping) else None
    return subject if isinstance(subject, Mapping) else {}


def _awaiting_approval(effects: pd.DataFrame) -> list[Finding]:
    waiting = effects[(effects["state"] == "planned") & effects["needs_approval"] & effects["approved_batch"].isna()]
    return [
        Finding(
            code="approval_waiting",
            subject_type="effect",
            subject_id=row["business_key"],
            shop=row["shop"],
            cause=f"{row['kind']} waits for an approval",
            rma_id=_whole(subject_of(row["payload"]).get("rma_id")),
            money_minor=_whole(row["payload"]["expect"].get("total_minor")),
            currency=_text(row["payload"]["expect"].get("currency")),
            expected="an approval",
            found="none yet",
        )
        for row in waiting.to_dict("records")
    ]


def _open_period(reason: str) -> str | None:
    """The first day that a refusal for a locked period leaves open, where its message names the last locked one."""
    locked = re.search(r"^period_locked:.* until (\d{4}-\d{2}-\d{2})", reason)
    if locked is None:
        return None
    return f"a tax date from {dt.date.fromisoformat(locked[1]) + dt.timedelta(days=1)} on"


def _effect_code(row: Mapping[str, object], codes: Mapping[str, str]) -> str:
    reason = str(row["reason"])
    for prefix in (
        "foreign_credit",
        "payload_mismatch",
        "duplicate_remote",
        "period_locked",
        "credit_changed_by_staff",
        "posting_pending",
        "credit_gone",
        "cancelled_but_received",
        "cancelled_but_paid",
        "adoption_proposed",
        "no_progress",
    ):
        if reason.startswith(prefix):
            return prefix
    return codes[str(row["state"])]


def _grouped(held: pd.DataFrame, subject_type: str, subject: str, money: str) -> Iterator[Finding]:
    for (shop, code, subject_id), group in held.groupby(["shop", "hold_code", subject], sort=True):
        first = group.iloc[0]
        currencies = group["currency"].dropna().unique()
        yield Finding(
            code=code,
            subject_type=subject_type,
            subject_id=str(subject_id),
            shop=shop,
            cause=f"{code}: {_text(first['found']) or 'see the return'}",
            rma_id=_whole(first["rma_id"]),
            money_minor=int(group[money].sum()) if len(currencies) == 1 else None,
            currency=str(currencies[0]) if len(currencies) == 1 else None,
            expected=_text(first["expected"]),
            found=_text(first["found"]),
            suggestion=_text(first["suggestion"]) if "suggestion" in group else None,
        )


def _text(value: object) -> str | None:
    return None if value is None or pd.isna(value) is True else str(value)


def _whole(value: object) -> int | None:
    return None if value is None or pd.isna(value) is True else int(str(value))
