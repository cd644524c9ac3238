"""What the pipeline would have credited in shadow mode beside what people credited, return by return. How plans are made is not known here."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pandas as pd

from returns_pipeline.domain.records import grouped_by, records

SAME = "the same"
ONLY_PLANNED = "people have not credited it"
_COMPARED = (SAME, "other units", "another amount", "other tax")
Money = tuple[int, int, int]  # units, net, tax


@dataclass(frozen=True)
class Comparison:
    """One return: what was planned, what people credited, and how the two differ; money in minor units of `currency`."""

    rma_id: int
    order_id: int | None
    currency: str
    planned_quantity: int
    planned_net_minor: int
    planned_tax_minor: int
    people_quantity: int
    people_net_minor: int
    people_tax_minor: int
    credit_numbers: str
    cause: str

    @property
    def is_compared(self) -> bool:
        """Whether both sides are there."""
        return self.cause in _COMPARED

    @property
    def difference_minor(self) -> int:
        """Gross that people credited, less gross that was planned."""
        people = self.people_net_minor + self.people_tax_minor
        return people - self.planned_net_minor - self.planned_tax_minor


@dataclass(frozen=True)
class Agreement:
    """How far people and plans agree, over the returns where both are there."""

    compared: int
    same: int
    compared_minor: int
    same_minor: int

    @property
    def hundredths_by_count(self) -> int:
        """Share of returns that are the same, in hundredths of a per cent."""
        return 10_000 * self.same // self.compared if self.compared else 0

    @property
    def hundredths_by_money(self) -> int:
        """Share of the money, in hundredths of a per cent."""
        return 10_000 * self.same_minor // self.compared_minor if self.compared_minor else 0


def compare(
    plans: Iterable[Mapping[str, Any]],
    return_lines: pd.DataFrame,
    credits: pd.DataFrame,
    credit_rows: pd.DataFrame,
    held: Mapping[int, str],
    tolerance_minor: int,
) -> list[Comparison]:
    """Every return that was planned or that people credited, most money apart first.

    A credit of people counts for a return by the sale's rows that it gives back; where several returns share a row, the older one takes its
    units first and the last one what is left.

    Args:
        plans: payloads of raised credits, standing ones and those that went.
        return_lines: all of the shop's.
        credits: posted credits that are not ours.
        credit_rows: their rows.
        held: return -> why the pipeline would not credit it.
        tolerance_minor: gross that two roundings may differ by.
    """
    planned = _planned(plans)
    people = _by_people(planned, return_lines, credits, credit_rows)
    found = [
        _compared(rma_id, planned.get(rma_id), people.get(rma_id), held.get(rma_id), tolerance_minor)
        for rma_id in sorted(planned.keys() | people.keys())
    ]
    return sorted(found, key=lambda each: (-abs(each.difference_minor), each.rma_id))


def agreement_of(found: Sequence[Comparison], currency: str) -> Agreement:
    """Agreement over returns in any currency by count, and in one currency by money."""
    both = [each for each in found if each.is_compared]
    same = [each for each in both if each.cause == SAME]
    return Agreement(len(both), len(same), _worth(both, currency), _worth(same, currency))


def _worth(found: Sequence[Comparison], currency: str) -> int:
    return sum(
        max(each.planned_net_minor + each.planned_tax_minor, each.people_net_minor + each.people_tax_minor)
        for each in found
        if each.currency == currency
    )


@dataclass
class _Plan:
    order_id: int
    currency: str
    units: dict[int, int]
    money: Money


@dataclass
class _Credited:
    order_id: int
    currency: str
    money: Money
    numbers: set[str]


def _planned(plans: Iterable[Mapping[str, Any]]) -> dict[int, _Plan]:
    found: dict[int, _Plan] = {}
    for payload in plans:
        subject, expect = payload["subject"], payload["expect"]
        plan = found.setdefault(
            int(subject["rma_id"]), _Plan(int(subject["order_id"]), expect["currency"], {}, (0, 0, 0))
        )
        for row in expect["rows"]:
            is_goods = row["product_id"] is not None
            units = row["quantity"] if is_goods else 0
            plan.money = (plan.money[0] + units, plan.money[1] + row["net_minor"], plan.money[2] + row["tax_minor"])
            if is_goods:
                plan.units[row["product_id"]] = plan.units.get(row["product_id"], 0) + units
    return found


def _by_people(
    planned: Mapping[int, _Plan], return_lines: pd.DataFrame, credits: pd.DataFrame, credit_rows: pd.DataFrame
) -> dict[int, _Credited]:
    of_credit = {row["credit_id"]: row for row in records(credits)}
    claims = grouped_by(return_lines.sort_values("rma_id"), "order_row_id")
    rows_of = grouped_by(credit_rows[~credit_rows["is_bundle_child"]], "credit_id")
    found: dict[int, _Credited] = {}
    taken: dict[tuple[int, int], int] = {}
    for credit_id, rows in sorted(rows_of.items()):
        credit = of_credit.get(credit_id)
        if credit is None:
            continue
        owners: list[int] = []
        for row in sorted(rows, key=lambda row: row["order_row_id"] is None):
            claimed = [line["rma_id"] for line in claims.get(row["order_row_id"], [])] or owners[:1]
            if not claimed:
                continue
            owner = next((rma for rma in claimed if _has_room(rma, row, planned, taken)), claimed[-1])
            owners.append(owner)
            key = (owner, row["order_row_id"] or 0)
            taken[key] = taken.get(key, 0) + row["quantity"]
            held = found.setdefault(owner, _Credited(credit["order_id"] or 0, credit["currency"], (0, 0, 0), set()))
            units = row["quantity"] if row["product_id"] is not None else 0
            held.money = (held.money[0] + units, held.money[1] + row["net_minor"], held.money[2] + row["tax_minor"])
            held.numbers.add(str(credit["invoice_reference"]))
    return found


def _has_room(
    rma_id: int, row: Mapping[str, Any], planned: Mapping[int, _Plan], taken: Mapping[tuple[int, int], int]
) -> bool:
    plan = planned.get(rma_id)
    wanted = plan.units.get(row["product_id"], 0) if plan else 0
    return taken.get((rma_id, row["order_row_id"] or 0), 0) + row["quantity"] <= wanted


def _compared(
    rma_id: int, plan: _Plan | None, people: _Credited | None, hold: str | None, tolerance_minor: int
) -> Comparison:
    ours, theirs = plan.money if plan else (0, 0, 0), people.money if people else (0, 0, 0)
    known = plan or people
    numbers = ", ".join(sorted(people.numbers)) if people else ""
    cause = next(_causes(plan, people, ours, theirs, hold, tolerance_minor))
    return Comparison(
        rma_id, known.order_id if known else None, known.currency if known else "", *ours, *theirs, numbers, cause
    )


def _causes(
    plan: _Plan | None, people: _Credited | None, ours: Money, theirs: Money, hold: str | None, tolerance_minor: int
) -> Iterator[str]:
    if people is None:
        yield ONLY_PLANNED
    if plan is None:
        yield f"the pipeline holds it: {hold}" if hold else "people had credited it before the pipeline looked"
    if ours[0] != theirs[0]:
        yield "other units"
    if abs(ours[1] + ours[2] - theirs[1] - theirs[2]) > tolerance_minor:
        yield "another amount"
    if abs(ours[2] - theirs[2]) > tolerance_minor:
        yield "other tax"
    yield SAME
