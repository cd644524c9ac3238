"""What follows a posted credit: its status and note, and the customer payments for the refunds that ReturnGo reports as successful.

Scenarios 7, 34, 38, 40, 50, 51. A refund that is requested or failed is no money; amounts come from the transaction, never from the credit.
"""

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pandas as pd

from returns_pipeline.domain.fees import fees_by_credit
from returns_pipeline.domain.money import format_minor
from returns_pipeline.domain.proposals import held, proposal
from returns_pipeline.domain.proration import round_half_up_ratio
from returns_pipeline.domain.records import grouped_by, records
from returns_pipeline.settings import ShopSettings

Row = Mapping[str, Any]
_LONGEST_NOTE = 900
_PAID = "PAID"


@dataclass(frozen=True)
class PostedCredit:
    """One of our credits whose posting is confirmed.

    Attributes:
        gross_minor: what it gives back to the customer, fees kept back.
        units: posted units by order row.
        is_annotated: whether the status and note were planned.
        is_paid_by_others: Brightpearl shows it as paid although we recorded nothing.
    """

    shop: str
    rma_id: int
    order_id: int
    part: int
    credit_id: int
    currency: str
    gross_minor: int
    units: Mapping[int, int]
    is_annotated: bool
    is_paid_by_others: bool

    @property
    def about(self) -> dict[str, Any]:
        """The columns that name it in a proposal."""
        return {name: getattr(self, name) for name in ("shop", "rma_id", "order_id", "part", "credit_id", "currency")}


def posted_credits(
    effects: pd.DataFrame, ledger_lines: pd.DataFrame, credits: pd.DataFrame, shop: str
) -> list[PostedCredit]:
    """Our posted credits of one shop, in the order of their parts."""
    live = effects[(effects["state"] != "voided") & (effects["shop"] == shop)]
    keys = set(live["business_key"])
    paid = dict(zip(credits["credit_id"], credits["payment_status"], strict=True))
    recorded = {payload["subject"]["credit_id"] for payload in live.loc[live["kind"] == "refund.record", "payload"]}
    posted_lines = ledger_lines[(ledger_lines["kind"] == "credit.post") & (ledger_lines["state"] == "confirmed")]
    units: dict[int, dict[int, int]] = {}
    for (credit_id, order_row_id), quantity in posted_lines.groupby(["credit_id", "order_row_id"])["qty"].sum().items():
        units.setdefault(credit_id, {})[order_row_id] = quantity
    found = []
    for effect in records(live[(live["kind"] == "credit.post") & (live["state"] == "confirmed")]):
        subject, expect = effect["payload"]["subject"], effect["payload"]["expect"]
        credit_id = int(subject["credit_id"])
        found.append(
            PostedCredit(
                shop, subject["rma_id"], subject["order_id"], subject["part"], credit_id, expect["currency"], expect["total_minor"],
                units.get(credit_id, {}), f"annotate:{credit_id}" in keys, paid.get(credit_id) == _PAID and credit_id not in recorded,
            )
        )  # fmt: skip
    return sorted(found, key=lambda credit: (credit.rma_id, credit.part, credit.credit_id))


def propose_notes(
    posted: Sequence[PostedCredit], return_lines: pd.DataFrame, effects: pd.DataFrame
) -> list[dict[str, Any]]:
    """The status `credited` with a private ASCII note, once per posted credit; while it was not sent it may still be told anew."""
    reasons: dict[int, dict[str, None]] = {}
    given = return_lines.dropna(subset=["return_reasons"])
    for rma_id, reason in zip(given["rma_id"], given["return_reasons"], strict=True):
        reasons.setdefault(rma_id, {})[reason] = None
    fees = fees_by_credit(effects)
    return [
        proposal(
            "annotate",
            f"annotate:{credit.credit_id}",
            0,
            **credit.about,
            details={"note": _note(credit, "; ".join(reasons.get(credit.rma_id, ())), fees.get(credit.credit_id, []))},
        )
        for credit in posted
        if not credit.is_annotated
    ]


def propose_refunds(
    posted: Sequence[PostedCredit],
    transactions: pd.DataFrame,
    return_lines: pd.DataFrame,
    orders: pd.DataFrame,
    effects: pd.DataFrame,
    shop: ShopSettings,
) -> list[dict[str, Any]]:
    """Customer payments for successful transactions, where the shop records refunds; together never above the credit.

    One payment for all transactions of one kind and one day that a pass finds for a credit, since each payment is a call; a row for each
    transaction, all under the payment's key. The day is the shop's: one payment has one date, and money must not leave its month.

    A transaction that pays for units of several credits is split by what was paid for them, by cumulative difference: a later part of the
    return takes what the earlier ones left. What is more than the units' credits hold pays for a delivery that was credited beside them.
    """
    if not shop.policy.record_refunds:
        return []
    ledger = _Recorded.of(effects)
    recorded = dict(ledger.by_credit)
    methods = {row["order_id"]: row["payment_method_codes"] for row in records(orders)}
    lines = grouped_by(return_lines, "rma_id")
    rma_of_item = {item: rma_id for rma_id, own in lines.items() for line in own for item in line["returned_item_ids"]}
    of_return: dict[int | None, list[PostedCredit]] = {}
    for credit in posted:
        of_return.setdefault(credit.rma_id, []).append(credit)
    payments: dict[tuple[int, object], list[_Part]] = {}
    for transaction in sorted(successful_refunds(transactions), key=lambda row: row["transaction_id"]):
        rma_id = _rma_of(transaction, rma_of_item)
        parts, left = _parts(transaction, of_return.get(rma_id, []), lines.get(rma_id, []))
        for credit, minor in parts:
            part = (int(transaction["transaction_id"]), credit.credit_id)
            room = credit.gross_minor - recorded.get(credit.credit_id, 0)
            paid = min(left if minor is None else minor, room)
            left -= ledger.by_part.get(part, max(paid, 0))
            if part in ledger.by_part or credit.is_paid_by_others or paid <= 0:
                continue
            recorded[credit.credit_id] = recorded.get(credit.credit_id, 0) + paid
            together = ledger.sent_under.get(part) or (transaction["type"], _day(transaction, shop))
            payments.setdefault((credit.credit_id, together), []).append(_Part(transaction, credit, paid))
    return [row for paid_together in payments.values() for row in _payment(paid_together, ledger, methods, shop)]


def _day(transaction: Row, shop: ShopSettings) -> dt.date:
    return transaction["created_at"].astimezone(shop.zone).date()


@dataclass(frozen=True)
class _Part:
    """What one transaction pays on one credit."""

    transaction: Row
    credit: PostedCredit
    minor: int


@dataclass(frozen=True)
class _Recorded:
    """What the ledger has of customer payments.

    Attributes:
        by_credit: money of the payments that stand, by credit.
        by_part: the same by transaction and credit.
        sent_under: by transaction and credit, the key of a voided payment that was sent: planned anew it keeps its key and its company, because
            Brightpearl refuses a reference that it has and would take a new one.
    """

    by_credit: Mapping[int, int]
    by_part: Mapping[tuple[int, int], int]
    sent_under: Mapping[tuple[int, int], str]

    @classmethod
    def of(cls, effects: pd.DataFrame) -> "_Recorded":
        by_credit: dict[int, int] = {}
        by_part: dict[tuple[int, int], int] = {}
        sent_under: dict[tuple[int, int], str] = {}
        for effect in records(effects[effects["kind"] == "refund.record"]):
            subject = effect["payload"]["subject"]
            credit_id = int(subject["credit_id"])
            for each in subject["transactions"]:
                part = (int(each["transaction_id"]), credit_id)
                if effect["state"] != "voided":
                    by_part[part] = int(each["amount_minor"])
                    by_credit[credit_id] = by_credit.get(credit_id, 0) + by_part[part]
                elif effect["attempt"] > 0:
                    sent_under[part] = effect["business_key"]
        return cls(by_credit, by_part, sent_under)


def successful_refunds(transactions: pd.DataFrame) -> list[dict[str, Any]]:
    """Transactions that gave money or its like back; not requested or failed ones, and no payments by the customer."""
    return [row for row in records(transactions) if row["status"] == "Success" and row["type"].startswith("RefundTo")]


def refunded_in(transaction: Row, currency: str | None) -> int:
    """A transaction's amount in a currency: what the customer saw or what the shop booked, never converted; 0 where neither is in it."""
    if transaction["currency"] == currency:
        return int(transaction["amount_minor"])
    return int(transaction["shop_amount_minor"]) if transaction["shop_currency"] == currency else 0


def _rma_of(transaction: Row, rma_of_item: Mapping[int, int]) -> int | None:
    if transaction["rma_id"] is not None:
        return int(transaction["rma_id"])
    return next((rma_of_item[item] for item in transaction["returned_item_ids"] if item in rma_of_item), None)


def _parts(
    transaction: Row, posted: Sequence[PostedCredit], lines: Sequence[Row]
) -> tuple[list[tuple[PostedCredit, int | None]], int]:
    """The credits that a transaction pays for, each with its part, and its whole amount; None is the part of a delivery: what the others leave.

    Units that are on no posted credit yet keep theirs for later, and a delivery waits for them.
    """
    if not posted:
        return [], 0
    amount = refunded_in(transaction, posted[0].currency)
    own = [line for line in lines if line["order_row_id"] is not None]
    rows = {line["order_row_id"] for line in own}
    of_goods = [credit for credit in posted if rows & credit.units.keys()]
    of_deliveries = [(credit, None) for credit in posted if not rows & credit.units.keys()]
    if not transaction["returned_item_ids"]:
        return ([(of_goods[0], amount), *of_deliveries], amount) if len(of_goods) == 1 else ([], 0)
    unpaid = _weights(transaction, own)
    whole = sum(sum(weights) for weights in unpaid.values())
    parts: list[tuple[PostedCredit, int | None]] = []
    before = 0
    for credit in of_goods if whole else ():
        until = before + sum(
            unpaid[row].pop() for row, units in credit.units.items() for _ in range(units) if unpaid.get(row)
        )
        minor = round_half_up_ratio(amount * until, whole) - round_half_up_ratio(amount * before, whole)
        parts += [(credit, minor)] if minor else []
        before = until
    return parts + (of_deliveries if parts and before == whole else []), amount


def _weights(transaction: Row, lines: Sequence[Row]) -> dict[int, list[int]]:
    """By order row, the price of each unit that a transaction names; a bundle's components are one unit of its row."""
    named = {int(item) for item in transaction["returned_item_ids"]}
    per_row: dict[int, list[int]] = {}
    for line in lines:
        items_per_unit = max(1, len(line["returned_item_ids"]) // line["quantity"])
        units = len(named & {int(item) for item in line["returned_item_ids"]}) // items_per_unit
        per_row.setdefault(line["order_row_id"], []).extend(
            [max(1, line["paid_price_minor"] // line["quantity"])] * units
        )
    return per_row


def _payment(
    parts: Sequence[_Part], ledger: _Recorded, methods: Mapping[int, object], shop: ShopSettings
) -> list[dict[str, Any]]:
    """One customer payment, a row per transaction; its key is the lowest transaction's, or the one under which it was sent before."""
    credit, first = parts[0].credit, parts[0].transaction
    part = (int(first["transaction_id"]), credit.credit_id)
    key, kind = ledger.sent_under.get(part, f"refund:{part[0]}:{part[1]}"), first["type"]
    rows = [
        proposal(
            "record_refund",
            key,
            number,
            **credit.about,
            net_minor=part.minor,
            details={
                "transaction_id": part.transaction["transaction_id"],
                "paid_at": part.transaction["created_at"].isoformat(),
                "type": kind,
            },
        )
        for number, part in enumerate(parts)
    ]
    total = sum(part.minor for part in parts)
    return [
        _with_method(row, kind, methods.get(credit.order_id), format_minor(total, credit.currency), shop)
        for row in rows
    ]


def _with_method(
    row: dict[str, Any], kind: str, methods_of_sale: object, amount: str, shop: ShopSettings
) -> dict[str, Any]:
    configured = shop.payment_methods.get(kind)
    if configured is None:
        return held(
            row, "payment_method_unclear", f"a payment method for {kind} in [brightpearl.payment_methods]", "none"
        )
    if configured != "same_as_sale":
        return row | {"details": row["details"] | {"method": configured}}
    if methods_of_sale is None:
        return held(row, "payment_method_unread", "the sale's payments", "not read yet", waits=True)
    codes = list(methods_of_sale) if isinstance(methods_of_sale, list) else []
    if len(codes) != 1:
        return held(
            row, "payment_method_unclear", "one payment method on the sale", f"{len(codes)} methods for {amount}"
        )
    return row | {"details": row["details"] | {"method": codes[0]}}


def _note(credit: PostedCredit, reasons: str, fees: Sequence[Row]) -> str:
    """ASCII only, because Brightpearl's notes have been seen to garble anything else."""
    kept = "".join(
        f" {fee['name']} {format_minor(fee['net_minor'] + fee['tax_minor'], credit.currency)} kept." for fee in fees
    )
    note = f"Return RMA{credit.rma_id} credited.{kept} Reasons: {reasons or 'none given'}"
    return note.encode("ascii", "replace").decode()[:_LONGEST_NOTE]
