"""What happens to a raised credit: cancelled, brought down to what came, posted, annotated. Money follows the order row's cumulative share.

Scenarios 1, 2, 3, 9, 18, 38, 40, 56, 57, 68, 70, 72, 73, 74, 77, 79. Nothing is posted before goods came, but for the lives that the policy names.
"""

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from returns_pipeline.domain import lives
from returns_pipeline.domain.money import format_minor
from returns_pipeline.domain.proposals import held, proposal
from returns_pipeline.domain.proration import kept_after_giving_back
from returns_pipeline.settings import Settings, ShopSettings

_DEAD_STATUSES = ("Rejected", "Canceled")
_NOT_SENT = ("Pending", "LabelCreated")


@dataclass(frozen=True)
class CreditLine:
    """One row of one of our credits: what it holds, what stands in Brightpearl, what came."""

    order_row_id: int
    quantity: int
    net_minor: int
    tax_minor: int
    credit_row_id: int | None
    seen_quantity: int
    seen_net_minor: int
    seen_tax_minor: int
    releasable: int
    receipts: list[tuple[int, int]]
    return_line: Mapping[str, Any] | None
    balance: Mapping[str, Any]
    tax_code: str | None


@dataclass(frozen=True)
class Settlement:
    """One of our raised credits with everything that decides about it."""

    credit: Mapping[str, Any]
    head: Mapping[str, Any]
    lines: list[CreditLine]
    rma_status: str
    approved_at: dt.datetime
    shipment_status: str | None
    sale_invoice_reference: str
    has_goods_in: bool
    first_received_on: dt.datetime | None
    extra_rows: int
    exchange_released: bool
    fees_minor: int
    portal_paid_minor: int
    is_variance_accepted: bool

    @property
    def life(self) -> str:
        """The life of its units; a credit is raised for one parcel, which has one return method."""
        return next((line.return_line["life"] for line in self.lines if line.return_line is not None), lives.ORDINARY)

    @property
    def is_without_receipt(self) -> bool:
        """Whether its units are credited although nothing comes."""
        return self.life in lives.WITHOUT_RECEIPT


def settle_credit(case: Settlement, shop: ShopSettings, settings: Settings, now: dt.datetime) -> list[dict[str, Any]]:
    """The next step of one credit: rows of one action, or one held row, or nothing."""
    if case.credit["is_gone"] or case.credit["is_cancelled"]:
        return [
            _held(
                case,
                "credit_gone",
                "our unposted credit as it was raised",
                "it was deleted or cancelled by somebody else",
            )
        ]
    if case.rma_status in _DEAD_STATUSES:
        return _withdrawn(case)
    if not case.has_goods_in and not case.is_without_receipt:
        return _not_sent(case, shop, now)
    changed = _changed_by_staff(case)
    if changed is not None:
        return changed
    due = _releasable(case, shop, now)
    if isinstance(due, list):
        return due
    short = [line for line in case.lines if due[line.order_row_id] < line.quantity]
    if short:
        return _amend(case, {line.order_row_id: due[line.order_row_id] for line in short})
    blocked = _why_not_post(case, shop, settings)
    return [blocked] if blocked is not None else _post(case, shop, settings, now)


def _withdrawn(case: Settlement) -> list[dict[str, Any]]:
    if case.has_goods_in:
        return [
            _held(
                case,
                "cancelled_but_received",
                "a return that goes on, once its goods came",
                f"ReturnGo says {case.rma_status}, and goods were received",
            )
        ]
    return _cancel(case, f"the return is {case.rma_status} in ReturnGo")


def _not_sent(case: Settlement, shop: ShopSettings, now: dt.datetime) -> list[dict[str, Any]]:
    patience = shop.policy.cancel_announced_after_days
    age = now - case.approved_at
    if case.shipment_status in _NOT_SENT and patience and age > dt.timedelta(days=patience):
        return _cancel(case, f"announced {age.days} days ago and never sent")
    return []


def _cancel(case: Settlement, why: str) -> list[dict[str, Any]]:
    return [
        _row(
            case,
            "cancel",
            f"cancel:{case.head['credit_id']}",
            number,
            line,
            line.quantity,
            line.net_minor,
            line.tax_minor,
            details={"why": why},
        )
        for number, line in enumerate(case.lines)
    ]


def _changed_by_staff(case: Settlement) -> list[dict[str, Any]] | None:
    """Changes that only take away are adopted, with the money that belongs to what is left; any other change is held."""
    if case.extra_rows:
        return [
            _held(
                case, "credit_changed_by_staff", "the rows that were raised", f"{case.extra_rows} rows that were added"
            )
        ]
    grown = [line for line in case.lines if line.seen_quantity > line.quantity]
    repriced = [
        line
        for line in case.lines
        if line.seen_quantity == line.quantity
        and (line.seen_net_minor, line.seen_tax_minor) != (line.net_minor, line.tax_minor)
    ]
    if grown or repriced:
        line = (grown or repriced)[0]
        currency = case.credit["currency"]
        expected = f"{line.quantity} units for {format_minor(line.net_minor, currency)} net and {format_minor(line.tax_minor, currency)} tax on row {line.order_row_id}"
        found = f"{line.seen_quantity} units for {format_minor(line.seen_net_minor, currency)} net and {format_minor(line.seen_tax_minor, currency)} tax"
        return [_held(case, "credit_changed_by_staff", expected, found)]
    lowered = {line.order_row_id: line.seen_quantity for line in case.lines if line.seen_quantity < line.quantity}
    return _amend(case, lowered) if lowered else None


def _releasable(case: Settlement, shop: ShopSettings, now: dt.datetime) -> dict[int, int] | list[dict[str, Any]]:
    """Units per row that may be credited now, or why it is not time yet."""
    if case.is_without_receipt:
        return {line.order_row_id: line.quantity for line in case.lines}
    due = {line.order_row_id: min(line.releasable, line.quantity) for line in case.lines}
    if not any(due.values()):
        return (
            [
                _held(
                    case,
                    "awaiting_inspection",
                    "units that passed inspection",
                    "received and not inspected",
                    waits=True,
                )
            ]
            if case.has_goods_in
            else []
        )
    is_short = any(due[line.order_row_id] < line.quantity for line in case.lines)
    waited = now - (case.first_received_on or now)
    if is_short and shop.policy.partial_receipt == "wait" and waited < dt.timedelta(days=shop.policy.partial_wait_days):
        return [
            _held(
                case,
                "awaiting_rest_of_parcel",
                "the whole parcel",
                f"{sum(due.values())} of {sum(line.quantity for line in case.lines)} units",
                waits=True,
            )
        ]
    return due


def _amend(case: Settlement, targets: Mapping[int, int]) -> list[dict[str, Any]]:
    """Brings rows down to what came, keeping each order row at its cumulative share; a row without units is removed."""
    rows = []
    for number, line in enumerate(line for line in case.lines if line.order_row_id in targets):
        target = targets[line.order_row_id]
        net, tax = _kept(line, line.quantity - target)
        details = {
            "give_back": {
                "order_row_id": line.order_row_id,
                "quantity": line.quantity - target,
                "net_minor": line.net_minor - net,
                "tax_minor": line.tax_minor - tax,
            },
            "is_done": (line.seen_quantity, line.seen_net_minor, line.seen_tax_minor) == (target, net, tax)
            or (target == 0 and line.credit_row_id is None),
        }
        rows.append(
            _row(
                case,
                "amend",
                f"amend:{case.head['credit_id']}:{line.order_row_id}:{target}",
                number,
                line,
                target,
                net,
                tax,
                details=details,
            )
        )
    return rows


def _kept(line: CreditLine, given_back: int) -> tuple[int, int]:
    if given_back == line.quantity:
        return 0, 0
    balance = line.balance
    taken = {
        name: balance[f"announced_{name}"] + balance[f"posted_{name}"] + balance[f"foreign_{name}"]
        for name in ("qty", "net", "tax")
    }
    common = (balance["ordered_qty"], taken["qty"])
    tax = kept_after_giving_back(balance["tax_minor"], *common, taken["tax"], line.tax_minor, given_back)
    if balance["price_mode"] == "EXC":
        return kept_after_giving_back(balance["net_minor"], *common, taken["net"], line.net_minor, given_back), tax
    gross = kept_after_giving_back(
        balance["net_minor"] + balance["tax_minor"],
        *common,
        taken["net"] + taken["tax"],
        line.net_minor + line.tax_minor,
        given_back,
    )
    return max(0, gross - tax), min(tax, gross)


def _why_not_post(case: Settlement, shop: ShopSettings, settings: Settings) -> dict[str, Any] | None:
    if case.sale_invoice_reference in ("", "pending"):
        return _held(case, "sale_not_invoiced", "an invoiced sale", "the sale has no invoice yet", waits=True)
    if case.life == lives.EXCHANGE and shop.policy.exchange == "even_swap":
        return _held(case, "exchange_even_swap", "no value credit for an even swap", "goods received", waits=True)
    if case.life == lives.EXCHANGE and not case.exchange_released:
        return _held(case, "exchange_not_released", "the replacement order", "not released yet", waits=True)
    if case.life == lives.STORE_CREDIT and shop.policy.store_credit == "stock_only":
        return _held(case, "store_credit_stock_only", "stock back and no credit note", "goods received", waits=True)
    if case.fees_minor:
        return _held(
            case,
            "fee_nominal_missing",
            "a nominal code for fees in [brightpearl.fees]",
            f"{format_minor(case.fees_minor, case.credit['currency'])} of fees",
        )
    return _amount_mismatch(case, settings)


def _amount_mismatch(case: Settlement, settings: Settings) -> dict[str, Any] | None:
    """The portal's prices against our share of the invoice, beyond the tolerances of the settings."""
    ours = sum(line.net_minor + line.tax_minor for line in case.lines)
    tolerance = max(
        settings.tolerances.amount_minor_per_rma,
        settings.tolerances.amount_minor_per_line * sum(line.quantity for line in case.lines),
    )
    if case.is_variance_accepted or abs(ours - case.portal_paid_minor) <= tolerance or case.life == lives.STORE_CREDIT:
        return None
    currency = case.credit["currency"]
    return _held(
        case,
        "amount_mismatch",
        f"{format_minor(ours, currency)} of the invoice",
        f"{format_minor(case.portal_paid_minor, currency)} paid according to ReturnGo",
    )


def _post(case: Settlement, shop: ShopSettings, settings: Settings, now: dt.datetime) -> list[dict[str, Any]]:
    gross = sum(line.net_minor + line.tax_minor for line in case.lines)
    is_large = gross > settings.limits.auto_post_max_minor
    received = case.first_received_on or now
    details = {
        "needs_approval": shop.policy.posting == "review" or is_large,
        "tax_date": _local_noon(received if shop.policy.tax_date == "receipt" else now, shop),
        "gross_minor": gross,
    }
    rows: list[dict[str, Any]] = []
    for line in case.lines:
        for receipt_line_id, quantity, net, tax in _by_receipt(line):
            reason = case.life if receipt_line_id is None else None
            rows.append(
                _row(
                    case,
                    "post",
                    f"post:{case.head['credit_id']}",
                    len(rows),
                    line,
                    quantity,
                    net,
                    tax,
                    receipt_line_id=receipt_line_id,
                    without_receipt_reason=reason,
                    details=details,
                )
            )
    return rows


def _by_receipt(line: CreditLine) -> list[tuple[int | None, int, int, int]]:
    """A row's units and money cut along the goods-in lines that brought them; the cuts add up to the row."""
    if not line.receipts:
        return [(None, line.quantity, line.net_minor, line.tax_minor)]
    cuts, before = [], 0
    for receipt_line_id, quantity in line.receipts:
        after = min(line.quantity, before + quantity)
        if after > before:
            net = line.net_minor * after // line.quantity - line.net_minor * before // line.quantity
            tax = line.tax_minor * after // line.quantity - line.tax_minor * before // line.quantity
            cuts.append((receipt_line_id, after - before, net, tax))
        before = after
    return cuts


def _local_noon(moment: dt.datetime, shop: ShopSettings) -> str:
    """Noon of the shop's day with its offset: no midnight that slips into another day or month."""
    day = moment.astimezone(shop.zone).date()
    return dt.datetime.combine(day, dt.time(12), tzinfo=shop.zone).isoformat(timespec="milliseconds")


def _row(
    case: Settlement,
    action: str,
    key: str,
    number: int,
    line: CreditLine,
    quantity: int,
    net: int,
    tax: int,
    **columns: Any,
) -> dict[str, Any]:  # noqa: ANN401
    balance = line.balance
    own = (line.quantity, line.net_minor, line.tax_minor)
    before = [
        balance[f"announced_{name}"] + balance[f"posted_{name}"] + balance[f"foreign_{name}"] - held_now
        for name, held_now in zip(("qty", "net", "tax"), own, strict=True)
    ]
    return proposal(
        action,
        key,
        number,
        **_about(case),
        credit_row_id=line.credit_row_id,
        order_row_id=line.order_row_id,
        return_line_id=line.return_line["return_line_id"] if line.return_line is not None else None,
        quantity=quantity,
        net_minor=net,
        tax_minor=tax,
        tax_code=line.tax_code,
        charged_quantity=balance["ordered_qty"],
        charged_net_minor=balance["net_minor"],
        charged_tax_minor=balance["tax_minor"],
        before_quantity=max(0, before[0]),
        before_net_minor=max(0, before[1]),
        before_tax_minor=max(0, before[2]),
        portal_paid_minor=line.return_line["paid_price_minor"] if line.return_line is not None else None,
        portal_fee_minor=line.return_line["fee_minor"] if line.return_line is not None else None,
        **columns,
    )


def _held(case: Settlement, code: str, expected: str, found: str, *, waits: bool = False) -> dict[str, Any]:
    gross = sum(line.net_minor for line in case.lines), sum(line.tax_minor for line in case.lines)
    row = proposal(
        "post",
        f"post:{case.head['credit_id']}",
        0,
        **_about(case),
        quantity=sum(line.quantity for line in case.lines),
        net_minor=gross[0],
        tax_minor=gross[1],
    )
    return held(row, code, expected, found, waits=waits)


def _about(case: Settlement) -> dict[str, Any]:
    head = case.head
    return {
        "shop": head["shop"],
        "rma_id": head["rma_id"],
        "order_id": head["order_id"],
        "part": head["part"],
        "credit_id": head["credit_id"],
        "currency": case.credit["currency"],
    }
