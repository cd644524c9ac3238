"""What stands open at the end of a month between goods and credits, and what moved in it. Money, stock and exceptions are in `cutoff_money.py`.

Scenario 56: received on the 31st and credited on the 1st is a liability of the month that ended.
Each slice of units is in at most one of two balances: received and not credited, or credited and not received. Opening, plus what entered,
less what left, is closing, and one month's closing is the next one's opening.
"""

import datetime as dt
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import pandas as pd

from returns_pipeline.domain import lives
from returns_pipeline.domain.close import Cutoff, line
from returns_pipeline.domain.delivery import LIFE as DELIVERY
from returns_pipeline.domain.proration import round_half_up_ratio
from returns_pipeline.domain.records import by_key, records

_MEANT_WITHOUT_GOODS = (*lives.WITHOUT_RECEIPT, DELIVERY)


@dataclass(frozen=True)
class UnitCost:
    """What goods cost, as they were booked in: a whole amount for so many units."""

    total_minor: int
    units: int
    currency: str

    def of(self, quantity: int) -> int:
        """The cost of so many of them."""
        return round_half_up_ratio(self.total_minor * quantity, self.units)


def lines_of_goods(flow: pd.DataFrame, cutoff: Cutoff, costs: Mapping[str, UnitCost]) -> Iterator[dict[str, Any]]:
    """The lines about goods and credits of one month.

    Args:
        flow: the shop's slices of units.
        cutoff: the month.
        costs: return line -> what its units cost.
    """
    known = flow[flow["currency"].notna()]
    is_meant = known["reason"].str.startswith(_MEANT_WITHOUT_GOODS)
    for each in records(known[is_meant & cutoff.holds(known["credited_on"])]):
        yield _line("credited_without_goods_by_policy", each, each["credited_on"], cutoff, note=each["reason"])
    for each in records(known):
        if cutoff.begins <= (each["credited_on"] or cutoff.ends) < cutoff.ends:
            yield _line("credited_in_month", each, each["credited_on"], cutoff, note=f"by {each['credited_by']}")
    for each in records(known[~is_meant]):
        yield from _balances(each, cutoff, costs)
        yield from _movements(each, cutoff)


def _balances(each: dict[str, Any], cutoff: Cutoff, costs: Mapping[str, UnitCost]) -> Iterator[dict[str, Any]]:
    received, credited = each["received_on"], each["credited_on"]
    for moment, prefix in ((cutoff.begins, "opening_"), (cutoff.ends, "")):
        has_come, is_credited = _before(received, moment), _before(credited, moment)
        if has_come and not is_credited:
            yield _line(f"{prefix}received_not_credited", each, received, cutoff, note=_later("credited", credited))
        if is_credited and not has_come:
            note = _later("received", received) or each["reason"]
            yield _line(f"{prefix}credited_not_received", each, credited, cutoff, note=note)
    if _before(received, cutoff.ends) and not _before(credited, cutoff.ends) and each["return_line_id"] in costs:
        cost = costs[each["return_line_id"]]
        yield line(
            "received_not_credited_at_cost", "units", each["slice_id"], cost.currency, rma_id=each["rma_id"], quantity=each["quantity"],
            cost_minor=cost.of(each["quantity"]), happened_on=received, age_days=cutoff.age_days(received),
        )  # fmt: skip


def _movements(each: dict[str, Any], cutoff: Cutoff) -> Iterator[dict[str, Any]]:
    received, credited = each["received_on"], each["credited_on"]
    received_now, credited_now = (
        moment is not None and cutoff.begins <= moment < cutoff.ends for moment in (received, credited)
    )
    goods_first = received is not None and (credited is None or received <= credited)
    if received_now:
        yield _line("received_in_month", each, received, cutoff)
        yield _line("received_before_credit" if goods_first else "received_after_credit", each, received, cutoff)
    if credited_now:
        yield _line("credited_after_receipt" if goods_first else "credited_before_receipt", each, credited, cutoff)
        if received is not None and _month(received, cutoff) != _month(credited, cutoff):
            day = received.astimezone(cutoff.shop.zone).date()
            yield _line("posted_in_another_period", each, credited, cutoff, note=f"received on {day:%Y-%m-%d}")


def approved_not_received(
    return_lines: pd.DataFrame, flow: pd.DataFrame, order_rows: pd.DataFrame, cutoff: Cutoff
) -> Iterator[dict[str, Any]]:
    """Units that customers may still send back, at their share of the invoice, by age since approval."""
    came = flow[flow["received_on"].notna() & (flow["received_on"] < cutoff.ends)]
    units = came.groupby("return_line_id")["quantity"].sum().to_dict()
    sold = by_key(order_rows, "order_row_id")
    awaited = return_lines[
        return_lines["approved_at"].notna()
        & (return_lines["approved_at"] < cutoff.ends)
        & (return_lines["verdict"] != "void")
        & return_lines["currency"].notna()
        & ~return_lines["life"].isin([*lives.WITHOUT_RECEIPT, lives.CANCEL_ORDER])
    ]
    for each in records(awaited):
        left = each["quantity"] - units.get(each["return_line_id"], 0)
        row = sold.get(each["order_row_id"])
        if left <= 0 or row is None or row["quantity"] <= 0 or row["net_minor"] < 0:
            continue
        net, tax = (round_half_up_ratio(row[name] * left, row["quantity"]) for name in ("net_minor", "tax_minor"))
        yield line(
            "approved_not_received", "return line", each["return_line_id"], each["currency"], rma_id=each["rma_id"], tax_code=row["tax_code"],
            quantity=left, net_minor=net, tax_minor=tax, happened_on=each["approved_at"], age_days=cutoff.age_days(each["approved_at"]),
        )  # fmt: skip


def _line(
    figure: str,
    each: Mapping[str, Any],
    moment: dt.datetime,
    cutoff: Cutoff,
    **more: Any,  # noqa: ANN401 - columns of a line
) -> dict[str, Any]:
    columns = {name: each[name] for name in ("rma_id", "tax_code", "quantity", "net_minor", "tax_minor")}
    aged = {"happened_on": moment, "age_days": cutoff.age_days(moment)}
    return line(figure, "units", each["slice_id"], each["currency"], **columns | aged | more)


def _before(moment: dt.datetime | None, limit: dt.datetime) -> bool:
    return moment is not None and moment < limit


def _later(what: str, moment: dt.datetime | None) -> str:
    return f"{what} on {moment:%Y-%m-%d}" if moment is not None else ""


def _month(moment: dt.datetime, cutoff: Cutoff) -> tuple[int, int]:
    local = moment.astimezone(cutoff.shop.zone)
    return local.year, local.month
