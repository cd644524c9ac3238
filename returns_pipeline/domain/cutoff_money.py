"""What stands open at the end of a month in money, stock and exceptions. Goods against credits are in `cutoff.py`.

What customers were paid is known from ReturnGo's transactions and from imported lists of refunds that were made straight in Shopify.
"""

from collections.abc import Collection, Iterator, Mapping
from decimal import ROUND_HALF_UP, Decimal
from typing import Any

import pandas as pd

from returns_pipeline.domain import lives
from returns_pipeline.domain.close import Cutoff, line
from returns_pipeline.domain.cutoff import UnitCost
from returns_pipeline.domain.money import minor_digits
from returns_pipeline.domain.proration import round_half_up_ratio
from returns_pipeline.domain.records import records

_OWED_NO_MONEY = (lives.EXCHANGE, lives.STORE_CREDIT, lives.GIFT_CARD)


def refund_lines(
    transactions: pd.DataFrame,
    imported: pd.DataFrame,
    effects: pd.DataFrame,
    return_lines: pd.DataFrame,
    flow: pd.DataFrame,
    cutoff: Cutoff,
) -> Iterator[dict[str, Any]]:
    """Refunds that no credit carries, refunds before goods, refunds seen only in Shopify, credits without a refund, and liabilities issued."""
    paid = transactions[(transactions["status"] == "Success") & transactions["type"].str.startswith("RefundTo")]
    paid = paid.assign(paid_on=paid["last_updated_at"].fillna(paid["created_at"]))
    until = paid[paid["paid_on"] < cutoff.ends]
    recorded = _recorded(effects, cutoff)
    for each in records(until):
        left = each["shop_amount_minor"] - recorded.get(each["transaction_id"], 0)
        if left > 0 and each["type"] == "RefundToPaymentMethod":
            yield _money("refunded_not_recorded", "transaction", each["transaction_id"], each, left, cutoff)
    yield from _before_goods(until, return_lines, flow, cutoff)
    for each in records(until[cutoff.holds(until["paid_on"])]):
        figure = {"RefundToStoreCredit": "store_credit_issued", "RefundToGiftCard": "gift_cards_issued"}.get(
            each["type"]
        )
        if figure:
            yield _money(figure, "transaction", each["transaction_id"], each, each["shop_amount_minor"], cutoff)
    seen = set(transactions["platform_refund_id"].dropna())
    for each in records(imported[(imported["refunded_on"] < cutoff.ends) & ~imported["refund_id"].isin(seen)]):
        yield line(
            "refunded_only_in_shopify", "Shopify refund", each["refund_id"], each["currency"], gross_minor=each["amount_minor"],
            happened_on=each["refunded_on"], age_days=cutoff.age_days(each["refunded_on"]), note=f"order {each['order_name']}",
        )  # fmt: skip
    yield from _unpaid(effects, set(until["rma_id"].dropna().astype("int64")), return_lines, cutoff)


def _before_goods(
    refunds: pd.DataFrame, return_lines: pd.DataFrame, flow: pd.DataFrame, cutoff: Cutoff
) -> Iterator[dict[str, Any]]:
    """Refunds, or their share, for units that had not come; where the shop refunds at drop-off this is meant, and ages. Scenario 4."""
    came = set(flow.loc[flow["received_on"].notna() & (flow["received_on"] < cutoff.ends), "return_line_id"].dropna())
    line_of = {
        item: line_of_unit for line_of_unit in records(return_lines) for item in line_of_unit["returned_item_ids"]
    }
    allowed = "allowed" if cutoff.shop.policy.credit_ahead_of_receipt else "not allowed"
    for each in records(refunds):
        named = {row["return_line_id"]: row for row in map(line_of.get, each["returned_item_ids"]) if row is not None}
        weights = {line_id: max(row["paid_price_minor"], 1) for line_id, row in named.items()}
        awaited = sum(
            weight
            for line_id, weight in weights.items()
            if line_id not in came and named[line_id]["life"] not in (*lives.WITHOUT_RECEIPT, lives.CANCEL_ORDER)
        )
        if awaited:
            minor = round_half_up_ratio(each["shop_amount_minor"] * awaited, sum(weights.values()))
            note = f"{allowed} by the shop's policy credit_ahead_of_receipt"
            made = _money("refunded_not_received", "transaction", each["transaction_id"], each, minor, cutoff)
            yield made | {"note": note}


def _money(
    figure: str, subject_type: str, subject_id: object, each: Mapping[str, Any], minor: int, cutoff: Cutoff
) -> dict[str, Any]:
    return line(
        figure, subject_type, subject_id, each["shop_currency"], rma_id=each["rma_id"], gross_minor=minor, happened_on=each["paid_on"],
        age_days=cutoff.age_days(each["paid_on"]),
    )  # fmt: skip


def _recorded(effects: pd.DataFrame, cutoff: Cutoff) -> dict[int, int]:
    """Money that customer payments of ours carry at the end of the month, by ReturnGo's transaction."""
    done = effects[(effects["kind"] == "refund.record") & (effects["state"] == "confirmed")]
    done = done[done["sent_at"].fillna(done["updated_at"]) < cutoff.ends]
    totals: dict[int, int] = {}
    for payload in done["payload"]:
        for each in payload["subject"]["transactions"]:
            totals[each["transaction_id"]] = totals.get(each["transaction_id"], 0) + each["amount_minor"]
    return totals


def _unpaid(
    effects: pd.DataFrame, refunded: Collection[int], return_lines: pd.DataFrame, cutoff: Cutoff
) -> Iterator[dict[str, Any]]:
    """Credits of returns that no refund was made for, where money is owed."""
    owed = set(return_lines.loc[~return_lines["life"].isin(_OWED_NO_MONEY), "rma_id"])
    posted = effects[(effects["kind"] == "credit.post") & (effects["state"] == "confirmed")]
    posted = posted[posted["sent_at"].fillna(posted["updated_at"]) < cutoff.ends]
    for each in records(posted):
        subject, expect = each["payload"]["subject"], each["payload"]["expect"]
        if subject["rma_id"] in owed and subject["rma_id"] not in refunded:
            on = each["sent_at"] or each["updated_at"]
            yield line(
                "posted_unpaid", "credit", subject["credit_id"], expect["currency"], rma_id=subject["rma_id"],
                gross_minor=expect["total_minor"], happened_on=on, age_days=cutoff.age_days(on),
            )  # fmt: skip


def unit_costs(goods_in: pd.DataFrame, receipts: pd.DataFrame) -> dict[int, UnitCost]:
    """What the units of each goods-in line cost, as booked in; lines without a cost are left out.

    Args:
        goods_in: goods-in lines with `cost_value`, the cost of one unit.
        receipts: which of them are judged.
    """
    known = goods_in[goods_in["cost_value"].notna() & goods_in["cost_currency"].notna() & (goods_in["quantity"] > 0)]
    return {
        row["receipt_line_id"]: UnitCost(
            _minor(row["cost_value"] * row["quantity"], row["cost_currency"]), row["quantity"], row["cost_currency"]
        )
        for row in records(known[known["receipt_line_id"].isin(receipts["receipt_line_id"])])
    }


def _minor(value: Decimal, currency: str) -> int:
    return int(value.scaleb(minor_digits(currency)).quantize(Decimal(1), rounding=ROUND_HALF_UP))


def stock_lines(
    receipts: pd.DataFrame,
    effects: pd.DataFrame,
    costs: Mapping[int, UnitCost],
    quarantine: Mapping[int, int],
    cutoff: Cutoff,
) -> Iterator[dict[str, Any]]:
    """Units that lie in Returns at the end of the month, and those of them in quarantine, at cost.

    Args:
        receipts: goods-in lines of the shop.
        effects: the ledger's, for what was released and moved.
        costs: goods-in line -> cost.
        quarantine: warehouse -> its quarantine location.
        cutoff: the month.
    """
    moved, released = _units(effects, "transfer.create", cutoff), _units(effects, "transfer.release", cutoff)
    for each in records(receipts[receipts["received_on"] < cutoff.ends]):
        receipt_id, cost = each["receipt_line_id"], costs.get(each["receipt_line_id"])
        left = each["quantity"] - moved.get(receipt_id, 0)
        if left <= 0:
            continue
        about = {
            "rma_id": each["rma_id"], "happened_on": each["received_on"], "age_days": cutoff.age_days(each["received_on"]),
            "note": "" if cost else "booked in without a cost",
        }  # fmt: skip
        currency = cost.currency if cost else cutoff.shop.currency
        worth = cost.of(left) if cost else 0
        yield line(
            "returns_stock_at_cost", "goods-in line", receipt_id, currency, quantity=left, cost_minor=worth, **about
        )
        held = left - max(0, released.get(receipt_id, 0) - moved.get(receipt_id, 0))
        if quarantine.get(each["warehouse_id"]) == each["location_id"] and held > 0:
            worth = cost.of(held) if cost else 0
            yield line("in_quarantine", "goods-in line", receipt_id, currency, quantity=held, cost_minor=worth, **about)


def _units(effects: pd.DataFrame, kind: str, cutoff: Cutoff) -> dict[int, int]:
    """Units of each goods-in line that effects of this kind had moved before the month's end."""
    done = effects[(effects["kind"] == kind) & (effects["state"] == "confirmed")]
    totals: dict[int, int] = {}
    for each in records(done[done["sent_at"].fillna(done["updated_at"]) < cutoff.ends]):
        subject = each["payload"]["subject"]
        for unit in subject.get("units") or [subject]:
            if unit.get("receipt_line_id") is not None:
                totals[unit["receipt_line_id"]] = totals.get(unit["receipt_line_id"], 0) + unit["quantity"]
    return totals


def exception_lines(exceptions: pd.DataFrame, cutoff: Cutoff) -> Iterator[dict[str, Any]]:
    """Exceptions open at the end of the month with the money at stake; one without money counts as a case."""
    stood = exceptions[
        (exceptions["first_seen_at"] < cutoff.ends)
        & (exceptions["closed_at"].isna() | (exceptions["closed_at"] >= cutoff.ends))
    ]
    for each in records(stood):
        yield line(
            "exceptions_open", "exception", each["exception_id"], each["currency"] or cutoff.shop.currency, rma_id=each["rma_id"],
            gross_minor=each["money_minor"], happened_on=each["first_seen_at"], age_days=cutoff.age_days(each["first_seen_at"]),
            note=f"{each['code']} ({each['owner']}): {each['cause']}",
        )  # fmt: skip
