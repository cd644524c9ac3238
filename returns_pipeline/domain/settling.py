"""What happens next to a raised credit: cancelled, received, brought down to what came, posted. What follows a posting is in `refunds`.

Scenarios 1, 2, 3, 9, 18, 38, 40, 46, 62, 64, 68 to 70, 72 to 74, 77, 79. Nothing is posted before goods came, but for the lives that the
policy names.
"""

import datetime as dt
from collections.abc import Iterator, Mapping
from typing import Any

from returns_pipeline.domain import lives
from returns_pipeline.domain.allotment import tax_proof
from returns_pipeline.domain.amendments import amended_rows, lowered_by_staff, what_staff_changed
from returns_pipeline.domain.cases import CreditLine, Settlement
from returns_pipeline.domain.money import format_minor
from returns_pipeline.domain.proposals import held, proposal
from returns_pipeline.domain.proration import round_half_up_ratio
from returns_pipeline.domain.raising import is_stale
from returns_pipeline.domain.rulings import Rulings
from returns_pipeline.domain.tax_dates import tax_date
from returns_pipeline.settings import Settings, ShopSettings

_DEAD_STATUSES = ("Rejected", "Canceled")
_NOTHING_PAID = ("UNPAID", "NOT_APPLICABLE", "", None)


def settle_credit(
    case: Settlement,
    rulings: Rulings,
    shop: ShopSettings,
    settings: Settings,
    now: dt.datetime,
    shop_clock: dt.datetime,
) -> list[dict[str, Any]]:
    """The next step of one credit: rows of one action, or one held row, or nothing where it waits for goods."""
    is_withdrawn = case.rma_status in _DEAD_STATUSES or rulings.on_return("void", case.rma_id) is not None
    if case.credit is not None and (case.credit["is_gone"] or case.credit["is_cancelled"]):
        if is_withdrawn or rulings.on_credit("retry", case.credit_id, case.rma_id) is not None:
            return _cancel(case, "it was deleted or cancelled by hand", is_done=True)
        return [
            _held(
                case,
                "credit_gone",
                "our unposted credit as it was raised",
                "it was deleted or cancelled by somebody else",
            )
        ]
    if case.credit is not None and case.credit["invoice_reference"] == "pending":
        return []
    changed = what_staff_changed(case)
    if changed is not None and not is_withdrawn:
        return [_held(case, "credit_changed_by_staff", *changed)]
    if case.is_posted_by_hand:
        return _posted_by_hand(case, rulings, shop, now)
    if is_withdrawn:
        return _withdrawn(case)
    lowered = lowered_by_staff(case)
    if lowered:
        return _amend(case, lowered)
    if not case.has_goods_in and not any(line.is_without_receipt or line.is_delivery for line in case.lines):
        is_waiting = case.rma_status == "Approved" and is_stale(
            case.shipment_status, lives.ORDINARY, case.approved_at, shop, shop_clock
        )
        return (
            _cancel(case, f"announced more than {shop.policy.cancel_announced_after_days} days ago and never sent")
            if is_waiting
            else []
        )
    return _settle_what_came(case, rulings, shop, settings, now)


def _settle_what_came(
    case: Settlement, rulings: Rulings, shop: ShopSettings, settings: Settings, now: dt.datetime
) -> list[dict[str, Any]]:
    waits = _inspection_hold(case, rulings, shop)
    if waits is not None:
        return [waits]
    part = _part_of_a_bundle(case)
    if part is not None:
        return [part]
    due = {line.order_row_id: _due(line) for line in case.lines}
    if not any(due.values()) or any(lives.is_stock_only(line.life, shop.policy) for line in case.lines):
        return []
    short = {line.order_row_id: due[line.order_row_id] for line in case.lines if due[line.order_row_id] < line.quantity}
    if short:
        waited = now - (case.first_received_on or now)
        if shop.policy.partial_receipt == "wait" and waited < dt.timedelta(days=shop.policy.partial_wait_days):
            found = f"{sum(due.values())} of {sum(line.quantity for line in case.lines)} units"
            return [_held(case, "awaiting_rest_of_parcel", "the whole parcel", found, waits=True)]
        return _amend(case, short)
    blocked = _why_not_post(case, rulings, shop, settings)
    return [blocked] if blocked is not None else _post(case, rulings, shop, settings, now)


def _part_of_a_bundle(case: Settlement) -> dict[str, Any] | None:
    """Components that make no whole bundle: what they are worth is for a person, and the rest may still come."""
    line = next((line for line in case.lines if line.loose), None)
    if line is None:
        return None
    found = f"{line.loose} components beyond {line.came} whole bundles on row {line.order_row_id}"
    return _held(case, "partial_bundle", f"{line.quantity} whole bundles", found)


def _inspection_hold(case: Settlement, rulings: Rulings, shop: ShopSettings) -> dict[str, Any] | None:
    """With `credit_on` inspection: what waits for the bench, and what failed there."""
    if shop.policy.credit_on != "inspection":
        return None
    came, passed, failed = (sum(getattr(line, name) for line in case.lines) for name in ("came", "passed", "failed"))
    if passed + failed < came:
        return _held(case, "awaiting_inspection", f"{came} inspected units", f"{passed + failed} inspected", waits=True)
    accepts = (
        shop.policy.failed_inspection == "credit_full"
        or rulings.on_credit("accept_variance", case.credit_id, case.rma_id) is not None
    )
    if failed and not accepts:
        return _held(case, "failed_inspection", f"{came} units that pass", f"{failed} that did not")
    return None


def _due(line: CreditLine) -> int:
    """Units that may be credited now."""
    if line.is_without_receipt or line.is_delivery:
        return line.quantity
    return min(line.quantity, line.came)


def _withdrawn(case: Settlement) -> list[dict[str, Any]]:
    if case.has_goods_in:
        return [
            _held(
                case,
                "cancelled_but_received",
                "a return that goes on, once its goods came",
                f"ReturnGO says {case.rma_status}, and goods were received",
            )
        ]
    if case.credit is not None and case.credit["payment_status"] not in _NOTHING_PAID:
        return [
            _held(
                case,
                "cancelled_but_paid",
                "no payment on a withdrawn return",
                f"payment status {case.credit['payment_status']}",
            )
        ]
    return _cancel(case, f"the return is {case.rma_status} in ReturnGO")


def _posted_by_hand(case: Settlement, rulings: Rulings, shop: ShopSettings, now: dt.datetime) -> list[dict[str, Any]]:
    """Somebody closed our credit: taken over where goods came for all of it or a person says so, else told to finance."""
    accepted = rulings.on_credit("accept_variance", case.credit_id, case.rma_id) is not None
    lowered = lowered_by_staff(case)
    if lowered:
        return _amend(case, lowered, is_done=True)
    if not accepted and any(_due(line) < line.quantity for line in case.lines):
        found = f"{case.credit['invoice_reference'] if case.credit else ''}, with {sum(line.came for line in case.lines)} units received"
        return [
            _held(
                case,
                "credit_without_receipt",
                f"{sum(line.quantity for line in case.lines)} units received before the credit is posted",
                found,
            )
        ]
    return _post(case, rulings, shop, None, now, reason="accepted_without_receipt" if accepted else None)


def _cancel(case: Settlement, why: str, *, is_done: bool = False) -> list[dict[str, Any]]:
    details = {"why": why, "is_done": is_done}
    return [
        _row(
            case,
            "cancel",
            f"cancel:{case.credit_id}",
            number,
            line,
            (line.quantity, line.net_minor, line.tax_minor),
            details=details,
        )
        for number, line in enumerate(case.lines)
    ]


def _amend(case: Settlement, targets: Mapping[int, int], *, is_done: bool = False) -> list[dict[str, Any]]:
    """One row per row of the credit to bring down; nothing while its rows have not been read yet."""
    rows = amended_rows(case, targets)
    if any(line.credit_row_id is None and not details["is_done"] for line, *_, details in rows):
        return []
    return [
        _row(
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


def _why_not_post(case: Settlement, rulings: Rulings, shop: ShopSettings, settings: Settings) -> dict[str, Any] | None:
    if case.sale_invoice_reference in ("", "pending"):
        return _held(case, "sale_not_invoiced", "an invoiced sale", "the sale has no invoice yet", waits=True)
    if any(line.life == lives.STORE_CREDIT for line in case.lines) and shop.policy.store_credit == "hold":
        return _held(case, "store_credit_policy", "a choice in policy.store_credit", "hold")
    if any(line.life == lives.EXCHANGE for line in case.lines):
        if case.exchange == "undervalued" and rulings.on_credit("accept_variance", case.credit_id, case.rma_id) is None:
            return _held(
                case, "exchange_undervalued", "a replacement order worth what was exchanged", "less, or nothing"
            )
        if case.exchange in ("unreleased", "unread"):
            found = (
                "not released yet" if case.exchange == "unreleased" else "released, and not read from Brightpearl yet"
            )
            return _held(case, "exchange_not_released", "the replacement order", found, waits=True)
    if any(line.life == lives.LOST_IN_TRANSIT for line in case.lines) and rulings.claim_reference(case.rma_id) is None:
        return _held(case, "claim_reference_missing", "the carrier's claim reference with the decision", "none")
    return _amount_mismatch(case, rulings, settings)


def _amount_mismatch(case: Settlement, rulings: Rulings, settings: Settings) -> dict[str, Any] | None:
    """What the portal says was paid against our share of the invoice, beyond both tolerances of the settings."""
    if rulings.on_credit("accept_variance", case.credit_id, case.rma_id) is not None:
        return None
    goods = [line for line in case.lines if not line.is_delivery]
    ours, paid = sum(line.gross_minor for line in goods), sum(line.portal_paid_minor for line in goods)
    lines_agree = all(
        abs(line.gross_minor - line.portal_paid_minor) <= settings.tolerances.amount_minor_per_line * line.quantity
        for line in goods
    )
    if lines_agree and abs(ours - paid) <= settings.tolerances.amount_minor_per_rma:
        return None
    return _held(
        case,
        "amount_mismatch",
        f"{format_minor(ours, case.currency)} of the invoice",
        f"{format_minor(paid, case.currency)} paid according to ReturnGO",
    )


def _post(
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
        return [_held(case, "period_locked", f"a tax date after {locked_until}", "today is locked as well")]
    details: dict[str, Any] = {
        "needs_approval": settings is not None
        and (shop.policy.posting == "review" or gross > settings.limits.auto_post_max_minor),
        "tax_date": dated.text,
        "tax_date_moved_because": dated.moved_because,
        "gross_minor": gross,
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
            row = _row(
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
            _held(
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
            **_about(case),
            **money,
            details={**details, "fee": dict(fee)},
        )


def _reason(line: CreditLine, rulings: Rulings, rma_id: int) -> str:
    if line.life == lives.LOST_IN_TRANSIT:
        return f"{lives.LOST_IN_TRANSIT}: claim {rulings.claim_reference(rma_id)}"
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


def _row(
    case: Settlement,
    action: str,
    key: str,
    number: int,
    line: CreditLine,
    money: tuple[int, int, int],
    before: tuple[int, int, int] | None = None,
    **columns: Any,  # noqa: ANN401 - columns of a proposal
) -> dict[str, Any]:
    row = line.balance
    before = before or _before(line)
    exact, rounding = tax_proof(row, before[0], before[2], money[0], money[2])
    return proposal(
        action, key, number, **_about(case), credit_row_id=line.credit_row_id, order_row_id=line.order_row_id,
        return_line_id=line.return_line["return_line_id"] if line.return_line is not None else None, quantity=money[0], net_minor=money[1],
        tax_minor=money[2], tax_code=line.tax_code, charged_quantity=row["ordered_qty"], charged_net_minor=row["net_minor"],
        charged_tax_minor=row["tax_minor"], before_quantity=before[0], before_net_minor=before[1], before_tax_minor=before[2],
        exact_tax_minor=exact, rounding_minor=rounding, portal_paid_minor=line.portal_paid_minor,
        portal_fee_minor=line.return_line["fee_minor"] if line.return_line is not None else None, **columns,
    )  # fmt: skip


def _held(case: Settlement, code: str, expected: str, found: str, *, waits: bool = False) -> dict[str, Any]:
    totals = {
        "net_minor": sum(line.net_minor for line in case.lines) - case.fees_net_minor,
        "tax_minor": sum(line.tax_minor for line in case.lines) - case.fees_tax_minor,
    }
    row = proposal(
        "post",
        f"post:{case.credit_id}",
        0,
        **_about(case),
        quantity=sum(line.quantity for line in case.lines),
        **totals,
    )
    return held(row, code, expected, found, waits=waits)


def _about(case: Settlement) -> dict[str, Any]:
    return {
        "shop": case.shop,
        "rma_id": case.rma_id,
        "order_id": case.order_id,
        "part": case.part,
        "credit_id": case.credit_id,
        "currency": case.currency,
    }
