"""Bringing rows of an unposted credit down: what staff lowered by hand is adopted, what did not come is given back. Scenarios 18, 73, 74.

The money of what is left keeps the order row at its cumulative share, so that all credits together never exceed the invoice.
"""

from collections.abc import Mapping
from typing import Any

from returns_pipeline.domain.cases import CreditLine, Settlement
from returns_pipeline.domain.money import format_minor
from returns_pipeline.domain.posting import fee_too_great, row_of
from returns_pipeline.domain.proration import kept_after_giving_back

# A quantity that staff lower takes its price with it, rounded by Brightpearl.
_ROUNDING = 1


def what_staff_changed(case: Settlement) -> tuple[str, str] | None:
    """What was expected and what was found where a change is more than a taking away; None where nothing else changed."""
    if case.extra_rows or case.missing_fees:
        return (
            "the rows that were raised",
            f"{case.extra_rows} rows that were added, {case.missing_fees} fee rows changed or removed",
        )
    for line in case.lines:
        if not (_stands(line) or _only_lowered(line)):
            return _words(case, line.order_row_id, line.quantity, line.net_minor, line.tax_minor), _words(
                case, line.order_row_id, line.seen_quantity, line.seen_net_minor, line.seen_tax_minor
            )
    return None


def lowered_by_staff(case: Settlement) -> dict[int, int]:
    """Order row -> units that staff left on it, where that is fewer than we raised."""
    return {line.order_row_id: line.seen_quantity for line in case.lines if line.seen_quantity < line.quantity}


def bring_down(case: Settlement, targets: Mapping[int, int], *, is_done: bool = False) -> list[dict[str, Any]]:
    """Amendments that leave each order row of `targets` so many units: one row per row of the credit to bring down; nothing while its rows have not been read yet."""
    rows = amended_rows(case, targets)
    if any(net < details["kept_back"][0] or tax < details["kept_back"][1] for _, _, net, tax, details in rows):
        return [fee_too_great(case, "a fee was taken off a row whose units did not all come")]
    if any(line.credit_row_id is None and not details["is_done"] for line, *_, details in rows):
        return []
    return [
        row_of(
            case,
            "amend",
            f"amend:{case.credit_id}:{line.credit_row_id or line.order_row_id}:{units}",
            number,
            line,
            (units, net, tax),
            details=details | ({"is_done": True} if is_done else {}),
        )
        for number, (line, units, net, tax, details) in enumerate(rows)
    ]


def amended_rows(
    case: Settlement, targets: Mapping[int, int]
) -> list[tuple[CreditLine, int, int, int, dict[str, Any]]]:
    """Each row to bring down: the line, its new units, net and tax, and what the plan needs.

    `give_back` is what returns to the order row; `kept_back` what fees take off its new money in Brightpearl; `is_done` says that Brightpearl shows the target already.
    """
    rows = []
    for line in case.lines:
        if line.order_row_id not in targets:
            continue
        target = targets[line.order_row_id]
        net, tax = _kept(line, line.quantity - target)
        give_back = {
            "order_row_id": line.order_row_id,
            "quantity": line.quantity - target,
            "net_minor": line.net_minor - net,
            "tax_minor": line.tax_minor - tax,
        }
        is_done = (line.seen_quantity, line.seen_net_minor, line.seen_tax_minor) == (target, net, tax)
        off = case.kept_back.get(line.order_row_id, (0, 0))
        rows.append((line, target, net, tax, {"give_back": give_back, "kept_back": off, "is_done": is_done}))
    return rows


def _stands(line: CreditLine) -> bool:
    return (line.seen_quantity, line.seen_net_minor, line.seen_tax_minor) == (
        line.quantity,
        line.net_minor,
        line.tax_minor,
    )


def _only_lowered(line: CreditLine) -> bool:
    """Fewer units at the same price: the row's money as it was, or in proportion."""
    if line.seen_quantity >= line.quantity:
        return False
    for seen, raised in ((line.seen_net_minor, line.net_minor), (line.seen_tax_minor, line.tax_minor)):
        in_proportion = abs(seen * line.quantity - raised * line.seen_quantity) <= _ROUNDING * line.quantity
        if seen != raised and not in_proportion:
            return False
    return True


def _kept(line: CreditLine, given_back: int) -> tuple[int, int]:
    if given_back == line.quantity:
        return 0, 0
    row = line.balance
    own, taken = (
        (line.net_minor, line.tax_minor),
        {name: row[f"own_{name}"] + row[f"foreign_{name}"] for name in ("qty", "net", "tax")},
    )
    common = (row["ordered_qty"], taken["qty"])
    tax = kept_after_giving_back(row["tax_minor"], *common, taken["tax"], own[1], given_back)
    if row["price_mode"] == "EXC":
        return kept_after_giving_back(row["net_minor"], *common, taken["net"], own[0], given_back), tax
    gross = kept_after_giving_back(
        row["net_minor"] + row["tax_minor"], *common, taken["net"] + taken["tax"], sum(own), given_back
    )
    tax = min(tax, gross)
    return min(own[0], gross - tax), tax


def _words(case: Settlement, order_row_id: int, quantity: int, net: int, tax: int) -> str:
    return f"{quantity} units for {format_minor(net, case.currency)} net and {format_minor(tax, case.currency)} tax on row {order_row_id}"
