"""A calendar month of one shop as it stood at its end: its bounds, its figures as sums of the lines beneath them, its hash, and what changed since.

The lines themselves are found by `cutoff.py` (goods and credits), `cutoff_money.py` (money, stock, exceptions) and `books.py` (Brightpearl's books).
Source: IFRS 15 refund liability. A month is the shop's: from local midnight to local midnight, daylight saving included.
"""

import datetime as dt
import hashlib
import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pandas as pd

from returns_pipeline.domain.records import records
from returns_pipeline.settings import ShopSettings

_MONEY = ("net_minor", "tax_minor", "gross_minor", "cost_minor")
LINE_COLUMNS = [
    "shop", "month", "figure", "line_no", "subject_type", "subject_id", "rma_id", "currency", "tax_code", "quantity", *_MONEY, "happened_on",
    "age_days", "note",
]  # fmt: skip
FIGURE_COLUMNS = ["shop", "month", "figure", "currency", "tax_code", "cases", "quantity", *_MONEY, "computed_at"]
_NOTHING = (0, 0, 0)
_KEY = ("figure", "subject_type", "subject_id", "currency", "tax_code")

# Every figure by name, in the order in which it is read, with its plain title.
FIGURES = {
    "adjusted_received_not_credited": "Received and not credited: learnt since the last close",
    "opening_received_not_credited": "Received and not credited at the start of the month",
    "received_before_credit": "Received in the month, not credited until then",
    "credited_after_receipt": "Credited in the month, for goods that had come",
    "received_not_credited": "Received and not credited at the end of the month",
    "received_not_credited_at_cost": "The same goods at cost",
    "adjusted_credited_not_received": "Credited and not received: learnt since the last close",
    "opening_credited_not_received": "Credited and not received at the start of the month",
    "credited_before_receipt": "Credited in the month, before goods came",
    "received_after_credit": "Received in the month, for credits posted before",
    "credited_not_received": "Credited and not received at the end of the month",
    "refunded_not_received": "Refunded before the goods came: the exposure at the end of the month",
    "received_in_month": "Received in the month",
    "credited_in_month": "Credited in the month",
    "credited_without_goods_by_policy": "Credited in the month for goods that nobody sends back",
    "posted_in_another_period": "Credited in the month for goods received in another one",
    "approved_not_received": "Approved and not received: the base of a returns provision",
    "refunded_not_recorded": "Refunded and not recorded on a credit",
    "refunded_only_in_shopify": "Refunded in Shopify and seen nowhere else",
    "posted_unpaid": "Credited and not paid back",
    "store_credit_issued": "Store credit issued in the month",
    "gift_cards_issued": "Gift cards issued in the month",
    "in_quarantine": "In quarantine at the end of the month, at cost",
    "returns_stock_at_cost": "Returns stock at the end of the month, at cost",
    "exceptions_open": "Exceptions open at the end of the month",
    "our_credits": "Credits that the pipeline posted in the month",
    "others_credits": "Credits that others posted in the month",
    "invoiced_in_brightpearl": "Every sales credit that Brightpearl invoiced in the month",
    "books_difference": "What does not tie to Brightpearl's books",
    "tax_credited": "Tax credited in the month, by the pipeline",
    "tax_invoiced": "Tax on the original invoices for the same units",
}


@dataclass(frozen=True)
class Cutoff:
    """One shop's month: first moment, first moment after it, and how its lines are made."""

    shop: ShopSettings
    month: dt.date
    begins: dt.datetime
    ends: dt.datetime

    @classmethod
    def of(cls, shop: ShopSettings, month: dt.date) -> "Cutoff":
        """The month that holds this day."""
        begins, ends = month_bounds(month, shop)
        return cls(shop, month.replace(day=1), begins, ends)

    def holds(self, moments: pd.Series) -> pd.Series:
        """Which moments lie in the month."""
        return moments.notna() & (moments >= self.begins) & (moments < self.ends)

    def age_days(self, moment: dt.datetime) -> int:
        """Whole days of the shop's calendar from that moment to the month's last day."""
        return (self.ends.astimezone(self.shop.zone).date() - moment.astimezone(self.shop.zone).date()).days - 1


def month_bounds(month: dt.date, shop: ShopSettings) -> tuple[dt.datetime, dt.datetime]:
    """First moment of the month and of the next one in the shop's zone."""
    first = month.replace(day=1)
    following = (first + dt.timedelta(days=32)).replace(day=1)
    begins, ends = (dt.datetime.combine(day, dt.time(), tzinfo=shop.zone) for day in (first, following))
    return begins, ends


def line(figure: str, subject_type: str, subject_id: object, currency: str, **more: Any) -> dict[str, Any]:
    """One line beneath a figure; gross follows from net and tax where it is not given."""
    made = dict.fromkeys(LINE_COLUMNS) | {"tax_code": "", "quantity": 0, "note": ""} | more
    made |= {"figure": figure, "subject_type": subject_type, "subject_id": str(subject_id), "currency": currency}
    if made["gross_minor"] is None and made["net_minor"] is not None:
        made["gross_minor"] = made["net_minor"] + made["tax_minor"]
    return made


def carried_forward(last: Sequence[Mapping[str, Any]], lines: Sequence[Mapping[str, Any]]) -> Iterator[dict[str, Any]]:
    """What is known now about the start of the month and was not at the last close: its closing, and these, are this month's opening.

    Args:
        last: the lines of the last month's close as it was kept.
        lines: this month's lines.
    """
    for figure in ("received_not_credited", "credited_not_received"):
        then, now = _by_return(last, figure), _by_return(lines, f"opening_{figure}")
        for key in sorted(then.keys() | now.keys(), key=str):
            quantity, net, tax = (b - a for a, b in zip(then.get(key, _NOTHING), now.get(key, _NOTHING), strict=True))
            if (quantity, net, tax) != _NOTHING:
                rma_id, currency, tax_code = key
                yield line(
                    f"adjusted_{figure}", "return", rma_id, currency, rma_id=rma_id, tax_code=tax_code, quantity=quantity, net_minor=net,
                    tax_minor=tax, note="came or changed after the last month was closed",
                )  # fmt: skip


def _by_return(lines: Sequence[Mapping[str, Any]], figure: str) -> dict[tuple[Any, str, str], tuple[int, int, int]]:
    totals: dict[tuple[Any, str, str], tuple[int, int, int]] = {}
    for each in lines:
        if each["figure"] == figure:
            key = (each["rma_id"], each["currency"], each["tax_code"])
            a = totals.get(key, _NOTHING)
            totals[key] = (a[0] + each["quantity"], a[1] + each["net_minor"], a[2] + each["tax_minor"])
    return totals


def close_lines(lines: Iterable[Mapping[str, Any]], cutoff: Cutoff) -> pd.DataFrame:
    """The lines in the order of figures and subjects, numbered within each figure; columns of `finance_month_end_lines`."""
    ranks = {figure: rank for rank, figure in enumerate(FIGURES)}
    ordered = sorted(lines, key=lambda each: (ranks[each["figure"]], *(str(each[name]) for name in _KEY[1:])))
    frame = pd.DataFrame(ordered, columns=LINE_COLUMNS)
    frame["line_no"] = frame.groupby("figure").cumcount() + 1 if len(frame) else frame["line_no"]
    frame["shop"], frame["month"] = cutoff.shop.label, cutoff.month
    for name in (*_MONEY, "rma_id", "age_days"):
        frame[name] = frame[name].astype("Int64")
    for name in ("line_no", "quantity"):
        frame[name] = frame[name].astype("int64")
    frame["happened_on"] = pd.to_datetime(frame["happened_on"], utc=True).astype("datetime64[us, UTC]")
    return frame


def figures_of(lines: pd.DataFrame, now: dt.datetime) -> pd.DataFrame:
    """The sums of the lines per figure, currency and tax code; columns of `finance_month_end_close`."""
    keys = ["shop", "month", "figure", "currency", "tax_code"]
    sums = {name: (name, lambda values: values.sum(min_count=1)) for name in _MONEY}
    frame = (
        lines.groupby(keys, sort=False)
        .agg(cases=("line_no", "size"), quantity=("quantity", "sum"), **sums)
        .reset_index()
        .astype(dict.fromkeys(_MONEY, "Int64") | {"cases": "int64", "quantity": "int64"})
    )
    frame["computed_at"] = pd.Series(now, index=frame.index, dtype="datetime64[us, UTC]")
    return frame[FIGURE_COLUMNS]


def canonical(lines: pd.DataFrame) -> list[dict[str, Any]]:
    """The lines as plain values that read the same wherever they are written."""
    return [
        {
            name: value.astimezone(dt.UTC).isoformat() if isinstance(value, dt.datetime) else value
            for name, value in row.items()
            if name not in ("shop", "month")
        }
        for row in records(lines)
    ]


def revived(lines: Iterable[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Kept lines with their moments as moments again."""
    return [
        {**each, "happened_on": each["happened_on"] and dt.datetime.fromisoformat(each["happened_on"])}
        for each in lines
    ]


def digest(lines: Sequence[Mapping[str, Any]]) -> str:
    """The hash of a close: of all of its lines, to the last penny."""
    return hashlib.sha256(json.dumps(lines, sort_keys=True, separators=(",", ":")).encode()).hexdigest()


def changes_since(signed: Sequence[Mapping[str, Any]], now: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """What a signed close would say differently today: one entry per line that came, went or changed."""
    before, after = ({tuple(each[name] for name in _KEY): each for each in lines} for lines in (signed, now))
    compared = ("quantity", *_MONEY)
    return [
        dict(zip(_KEY, key, strict=True))
        | {
            "was": _said(before.get(key), compared),
            "is": _said(after.get(key), compared),
            "what": "came" if key not in before else "went" if key not in after else "changed",
        }
        for key in sorted(before.keys() | after.keys())
        if _said(before.get(key), compared) != _said(after.get(key), compared)
    ]


def _said(entry: Mapping[str, Any] | None, names: Sequence[str]) -> dict[str, Any] | None:
    return None if entry is None else {name: entry[name] for name in names}


def unexplained(lines: pd.DataFrame, explanations: Mapping[str, str]) -> list[str]:
    """The numbers of the books' differences that nobody has explained."""
    differing = lines.loc[lines["figure"] == "books_difference", "subject_id"]
    return sorted({number for number in differing if not explanations.get(number, "").strip()})
