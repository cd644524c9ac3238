"""What happens next to a raised credit: cancelled, received, brought down to what came, posted. What follows a posting is in `refunds`.

Scenarios 1, 2, 3, 9, 18, 38, 40, 46, 62, 64, 68 to 70, 72 to 74, 77, 79. Nothing is posted before goods came, but for the lives that the
policy names.
"""

import datetime as dt
from typing import Any

from returns_pipeline.domain import lives
from returns_pipeline.domain.amendments import bring_down, lowered_by_staff, what_staff_changed
from returns_pipeline.domain.cases import CreditLine, Settlement
from returns_pipeline.domain.deductions import (
    accepts_part_of_a_bundle,
    due_deductions,
    made_deductions,
    propose_deductions,
)
from returns_pipeline.domain.fees import FAILED_INSPECTION, without_nominal
from returns_pipeline.domain.money import format_minor
from returns_pipeline.domain.posting import fee_too_great, held_credit, propose_posting, row_of
from returns_pipeline.domain.proration import round_half_up_ratio
from returns_pipeline.domain.raising import is_stale
from returns_pipeline.domain.rulings import Rulings
from returns_pipeline.settings import Settings, ShopSettings

_DEAD_STATUSES = ("Rejected", "Canceled")
_ACCEPT_THE_MONEY = ("accept_variance", "accept_partial_bundle")
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
            held_credit(
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
        return [held_credit(case, "credit_changed_by_staff", *changed)]
    if case.is_posted_by_hand:
        return _posted_by_hand(case, rulings, shop, now)
    if is_withdrawn:
        return _withdrawn(case)
    lowered = lowered_by_staff(case)
    if lowered:
        return bring_down(case, lowered)
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
    part = _part_of_a_bundle(case, rulings)
    if part is not None:
        return [part]
    # A bundle that a person credits in part is used up: its units are due, at what came of them.
    due = {line.order_row_id: line.quantity if line.loose else _due(line) for line in case.lines}
    if not any(due.values()) or any(lives.is_stock_only(line.life, shop.policy) for line in case.lines):
        return []
    short = {line.order_row_id: due[line.order_row_id] for line in case.lines if due[line.order_row_id] < line.quantity}
    if short:
        waited = now - (case.first_received_on or now)
        # The rest cannot be received on a credit that is received all at once: there is nothing to wait for.
        may_come = shop.policy.partial_receipt == "wait" and settings.brightpearl.part_receipt == "allowed"
        if may_come and waited < dt.timedelta(days=shop.policy.partial_wait_days):
            found = f"{sum(due.values())} of {sum(line.quantity for line in case.lines)} units"
            return [held_credit(case, "awaiting_rest_of_parcel", "the whole parcel", found, waits=True)]
        return bring_down(case, short)
    blocked = _why_not_post(case, rulings, shop, settings)
    if blocked is not None:
        return [blocked]
    return _deduct(case, rulings, shop, settings) or propose_posting(case, rulings, shop, settings, now)


def _deduct(case: Settlement, rulings: Rulings, shop: ShopSettings, settings: Settings) -> list[dict[str, Any]]:
    """What the customer does not get of what came, put on the credit before it is posted; nothing once it stands there."""
    due, made = due_deductions(case, rulings, shop), made_deductions(case)
    missing = {key: gross for key, gross in due.items() if key not in made}
    if any(due.get(key) != gross for key, gross in made.items()):
        found = f"{sum(due.values())} minor units by what came and by what inspection says now"
        expected = f"a deduction of {sum(made.values())} minor units, as it stands"
        return [held_credit(case, "failed_inspection", expected, found)]
    if not missing:
        return []
    if any(kind == FAILED_INSPECTION for kind, _ in missing) and without_nominal({FAILED_INSPECTION: 1}, shop):
        found = f"a deduction of {sum(missing.values())} minor units after inspection"
        return [held_credit(case, "fee_nominal_missing", "a nominal code in [brightpearl.fees]", found)]
    for line in case.lines:
        off = sum(gross for (_, order_row_id), gross in missing.items() if order_row_id == line.order_row_id)
        if off and off >= _left_of(case, line):
            return [fee_too_great(case, f"a deduction of {off} minor units beside other fees")]
    return propose_deductions(case, missing, shop, settings)


def _left_of(case: Settlement, line: CreditLine) -> int:
    """What a row still gives to the customer, tax included: all of it, but for fees that were taken off it or that stand beside a single row."""
    beside = sum(fee["net_minor"] + fee["tax_minor"] for fee in case.fees if not fee["netted_into"])
    return line.gross_minor - sum(case.kept_back.get(line.order_row_id, (0, 0))) - beside


def _part_of_a_bundle(case: Settlement, rulings: Rulings) -> dict[str, Any] | None:
    """Components that make no whole bundle: what they are worth is for a person, and the rest may still come."""
    line = next((line for line in case.lines if line.loose), None)
    if line is None or accepts_part_of_a_bundle(case, rulings):
        return None
    share = format_minor(round_half_up_ratio(line.gross_minor * line.pieces_came, line.pieces), case.currency)
    found = f"{line.pieces_came} of {line.pieces} components on row {line.order_row_id}: by units {share} of {format_minor(line.gross_minor, case.currency)}"
    return held_credit(case, "partial_bundle", f"{line.quantity} whole bundles", found)


def _inspection_hold(case: Settlement, rulings: Rulings, shop: ShopSettings) -> dict[str, Any] | None:
    """With `credit_on` inspection: what waits for the bench, and what failed there."""
    if shop.policy.credit_on != "inspection":
        return None
    came, passed, failed = (sum(getattr(line, name) for line in case.lines) for name in ("came", "passed", "failed"))
    if passed + failed < came:
        return held_credit(
            case, "awaiting_inspection", f"{came} inspected units", f"{passed + failed} inspected", waits=True
        )
    accepts = (
        shop.policy.failed_inspection in ("credit_full", "credit_reduced")
        or rulings.on_credit("accept_variance", case.credit_id, case.rma_id) is not None
    )
    if failed and not accepts:
        return held_credit(case, "failed_inspection", f"{came} units that pass", f"{failed} that did not")
    return None


def _due(line: CreditLine) -> int:
    """Units that may be credited now."""
    if line.is_without_receipt or line.is_delivery:
        return line.quantity
    return min(line.quantity, line.came)


def _withdrawn(case: Settlement) -> list[dict[str, Any]]:
    if case.has_goods_in:
        return [
            held_credit(
                case,
                "cancelled_but_received",
                "a return that goes on, once its goods came",
                f"ReturnGO says {case.rma_status}, and goods were received",
            )
        ]
    if case.credit is not None and case.credit["payment_status"] not in _NOTHING_PAID:
        return [
            held_credit(
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
        return bring_down(case, lowered, is_done=True)
    if not accepted and any(_due(line) < line.quantity for line in case.lines):
        found = f"{case.credit['invoice_reference'] if case.credit else ''}, with {sum(line.came for line in case.lines)} units received"
        return [
            held_credit(
                case,
                "credit_without_receipt",
                f"{sum(line.quantity for line in case.lines)} units received before the credit is posted",
                found,
            )
        ]
    return propose_posting(case, rulings, shop, None, now, reason="accepted_without_receipt" if accepted else None)


def _cancel(case: Settlement, why: str, *, is_done: bool = False) -> list[dict[str, Any]]:
    details = {"why": why, "is_done": is_done}
    return [
        row_of(
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


def _why_not_post(case: Settlement, rulings: Rulings, shop: ShopSettings, settings: Settings) -> dict[str, Any] | None:
    if case.fees_net_minor + case.fees_tax_minor >= sum(line.gross_minor for line in case.lines):
        return fee_too_great(case, f"fees of {case.fees_net_minor + case.fees_tax_minor} minor units")
    if case.sale_invoice_reference in ("", "pending"):
        return held_credit(case, "sale_not_invoiced", "an invoiced sale", "the sale has no invoice yet", waits=True)
    if any(line.life == lives.STORE_CREDIT for line in case.lines) and shop.policy.store_credit == "hold":
        return held_credit(case, "store_credit_policy", "a choice in policy.store_credit", "hold")
    if any(line.life == lives.EXCHANGE for line in case.lines):
        if case.exchange == "undervalued" and rulings.on_credit("accept_variance", case.credit_id, case.rma_id) is None:
            return held_credit(
                case, "exchange_undervalued", "a replacement order worth what was exchanged", "less, or nothing"
            )
        if case.exchange in ("unreleased", "unread"):
            found = (
                "not released yet" if case.exchange == "unreleased" else "released, and not read from Brightpearl yet"
            )
            return held_credit(case, "exchange_not_released", "the replacement order", found, waits=True)
    if any(line.life == lives.LOST_IN_TRANSIT for line in case.lines) and rulings.claim_reference(case.rma_id) is None:
        return held_credit(case, "claim_reference_missing", "the carrier's claim reference with the decision", "none")
    return _amount_mismatch(case, rulings, settings)


def _amount_mismatch(case: Settlement, rulings: Rulings, settings: Settings) -> dict[str, Any] | None:
    """What the portal says was paid against our share of the invoice, beyond both tolerances of the settings."""
    if any(rulings.on_credit(act, case.credit_id, case.rma_id) is not None for act in _ACCEPT_THE_MONEY):
        return None
    goods = [line for line in case.lines if not line.is_delivery]
    ours, paid = sum(line.gross_minor for line in goods), sum(line.portal_paid_minor for line in goods)
    lines_agree = all(
        abs(line.gross_minor - line.portal_paid_minor) <= settings.tolerances.amount_minor_per_line * line.quantity
        for line in goods
    )
    if lines_agree and abs(ours - paid) <= settings.tolerances.amount_minor_per_rma:
        return None
    return held_credit(
        case,
        "amount_mismatch",
        f"{format_minor(ours, case.currency)} of the invoice",
        f"{format_minor(paid, case.currency)} paid according to ReturnGO",
    )
