"""The rows that post a credit, each backed by a goods-in line or a reason, with the proof of its tax; and a credit's rows for its other steps.

Whether it may be posted is decided in `settling`.
"""

import datetime as dt
from collections.abc import Iterator, Mapping
from typing import Any

from returns_pipeline.domain import lives
from returns_pipeline.domain.allotment import tax_proof
from returns_pipeline.domain.cases import CreditLine, Settlement
from returns_pipeline.domain.proposals import held, proposal
from returns_pipeline.domain.proration import round_half_up_ratio
from returns_pipeline.domain.rulings import Rulings
from returns_pipeline.domain.tax_dates import tax_date
from returns_pipeline.settings import Settings, ShopSettings


def propose_posting(
    case: Settlement,
    rulings: Rulings,
    shop: ShopSettings,
    settings: Settings | None,
    now: dt.datetime,
    reason: str | None = None,
) -> list[dict[str, Any]]:
    """The rows to post, each backed by a goods-in line or a reason; without settings it is one that was posted by hand."""
    gross = sum(line.gross_minor for line in case.lines) - case.fees_net_minor - case.fees_tax_minor
    # What was posted by hand has its date already.
    locked_until = rulings.locked_until if settings is not None else None
    dated = tax_date(case.last_received_on, now, locked_until, shop)
    if dated is None:
        return [held_credit(case, "period_locked", f"a tax date after {locked_until}", "today is locked as well")]
    details: dict[str, Any] = {
        "needs_approval": settings is not None
        and (shop.policy.posting == "review" or gross > settings.limits.auto_post_max_minor),
        "tax_date": dated.text,
        "tax_date_moved_because": dated.moved_because,
        "gross_minor": gross,
        "received_on": case.first_received_on.isoformat() if case.first_received_on else None,
    }
    if settings is None:
        details["adopt_remote_id"] = case.credit_id
    rows: list[dict[str, Any]] = []
    for line in case.lines:
        before = _before(line)
        for receipt_line_id, units, net, tax in _by_receipt(line):
            backed = {
                "receipt_line_id": receipt_line_id,
                "without_receipt_reason": None if receipt_line_id else reason or _reason(line, rulings, case.rma_id),
            }
            row = row_of(
                case,
                "post",
                f"post:{case.credit_id}",
                len(rows),
                line,
                (units, net, tax),
                before,
                details=details,
                **backed,
            )
            rows.append(row)
            before = (before[0] + units, before[1] + net, before[2] + tax)
    disproportionate = next((row for row in rows if abs(row["rounding_minor"]) > 1), None)
    if disproportionate is not None:
        return [
            held_credit(
                case,
                "tax_out_of_proportion",
                f"tax of {disproportionate['exact_tax_minor']} minor units",
                str(disproportionate["tax_minor"]),
            )
        ]
    return rows + list(_fee_rows(case, len(rows), details))


def _fee_rows(case: Settlement, first: int, details: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    for number, fee in enumerate(case.fees):
        money = {
            "quantity": 1,
            "net_minor": -fee["net_minor"],
            "tax_minor": -fee["tax_minor"],
            "tax_code": fee["tax_code"],
        }
        yield proposal(
            "post",
            f"post:{case.credit_id}",
            first + number,
            **case.about,
            **money,
            details={**details, "fee": dict(fee)},
        )


def _reason(line: CreditLine, rulings: Rulings, rma_id: int) -> str:
    if line.life == lives.LOST_IN_TRANSIT:
        return f"{lives.LOST_IN_TRANSIT}: claim {rulings.claim_reference(rma_id)}"
    if line.loose:
        return f"partial_bundle: {line.pieces_came} of {line.pieces} components came"
    return line.life


def _by_receipt(line: CreditLine) -> list[tuple[int | None, int, int, int]]:
    """A row's units and money cut along the goods-in lines that brought them; what no goods-in brought stands last, without one."""
    cuts: list[tuple[int | None, int, int, int]] = []
    before = 0
    for receipt_line_id, units in (*line.receipts, (None, line.quantity)):
        after = min(line.quantity, before + units)
        if after > before:
            net, tax = (
                round_half_up_ratio(total * after, line.quantity) - round_half_up_ratio(total * before, line.quantity)
                for total in (line.net_minor, line.tax_minor)
            )
            cuts.append((receipt_line_id, after - before, net, tax))
        before = after
    return cuts


def _before(line: CreditLine) -> tuple[int, int, int]:
    """What other credits took of the order row; where giving back has left them uneven, the row is proved by itself."""
    row = line.balance
    own = (line.quantity, line.net_minor, line.tax_minor)
    units, net, tax = (
        max(0, row[f"own_{name}"] + row[f"foreign_{name}"] - held_now)
        for name, held_now in zip(("qty", "net", "tax"), own, strict=True)
    )
    is_even = abs(row["tax_minor"] * units - tax * row["ordered_qty"]) * 2 <= row["ordered_qty"]
    return (units, net, tax) if is_even else (0, 0, 0)


def row_of(
    case: Settlement,
    action: str,
    key: str,
    number: int,
    line: CreditLine,
    money: tuple[int, int, int],
    before: tuple[int, int, int] | None = None,
    **columns: Any,  # noqa: ANN401 - columns of a proposal
) -> dict[str, Any]:
    """A proposal about one row of the credit, with what was charged, what other credits took before, and the proof of its tax.

    Args:
        money: units, net and tax.
        before: the same of what other credits took, where it is not what the balances say.
    """
    row = line.balance
    before = before or _before(line)
    exact, rounding = tax_proof(row, before[0], before[2], money[0], money[2])
    return proposal(
        action, key, number, **case.about, credit_row_id=line.credit_row_id, order_row_id=line.order_row_id,
        return_line_id=line.return_line["return_line_id"] if line.return_line is not None else None, quantity=money[0], net_minor=money[1],
        tax_minor=money[2], tax_code=line.tax_code, charged_quantity=row["ordered_qty"], charged_net_minor=row["net_minor"],
        charged_tax_minor=row["tax_minor"], before_quantity=before[0], before_net_minor=before[1], before_tax_minor=before[2],
        exact_tax_minor=exact, rounding_minor=rounding, portal_paid_minor=line.portal_paid_minor,
        portal_fee_minor=line.return_line["fee_minor"] if line.return_line is not None else None, **columns,
    )  # fmt: skip


def held_credit(case: Settlement, code: str, expected: str, found: str, *, waits: bool = False) -> dict[str, Any]:
    """The whole credit as one held row, or as one that waits for time to mend it."""
    totals = {
        "net_minor": sum(line.net_minor for line in case.lines) - case.fees_net_minor,
        "tax_minor": sum(line.tax_minor for line in case.lines) - case.fees_tax_minor,
    }
    row = proposal(
        "post",
        f"post:{case.credit_id}",
        0,
        **case.about,
        quantity=sum(line.quantity for line in case.lines),
        **totals,
    )
    return held(row, code, expected, found, waits=waits)


def fee_too_great(case: Settlement, found: str) -> dict[str, Any]:
    """The whole credit held, because it would ask the customer for money."""
    return held_credit(case, "fee_exceeds_credit", "goods that are worth more than what is kept back", found)
