"""How the sandbox's ReturnGO asks the platform for money: amounts, references and outcomes of refunds.

Not here: when a refund is due by policy (`world`).
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from decimal import Decimal
from typing import TYPE_CHECKING

from returns_pipeline.sandbox.returngo.records import Amount, ReturnedItem, Rma, Transaction

if TYPE_CHECKING:
    from returns_pipeline.sandbox.returngo.world import ReturnGoWorld

TO_PAYMENT_METHOD = "RefundToPaymentMethod"
_REFERENCE_TYPES = {
    TO_PAYMENT_METHOD: "PlatformRefundId",
    "RefundToStoreCredit": "StoreCreditCode",
    "RefundToGiftCard": "GiftCardId",
}
_SYMBOLS = {"GBP": "£", "EUR": "€"}


def is_due(item: ReturnedItem) -> bool:
    """Whether the merchant's policy refunds this unit by itself: money back, and not found missing by an inspection."""
    is_missing = item.validation.validated_on is not None and not item.validation.is_returned
    return item.resolution_type == TO_PAYMENT_METHOD and not is_missing


def refund_items(
    world: ReturnGoWorld, rma: Rma, item_ids: Sequence[int] | None, outcome: str, adjustment: Decimal, by: str
) -> list[Transaction]:
    """One transaction per unit that has none yet; the fees of the whole RMA and the adjustment change the first."""
    refunded = rma.refunded_item_ids()
    wanted = [each for each in rma.items if item_ids is None or each.returned_item_id in item_ids]
    due = [
        item for item in wanted if item.returned_item_id not in refunded and item.resolution_type in _REFERENCE_TYPES
    ]
    made = [
        _refund_item(world, rma, item, outcome, Decimal(0) if position else adjustment)
        for position, item in enumerate(due)
    ]
    if made:
        _note_refund(world, rma, made, by)
    if made and outcome == "Failed":
        note_failure(world, rma)
    return made


def note_failure(world: ReturnGoWorld, rma: Rma) -> None:
    """The timeline's line about a refund that the platform refused."""
    world.comment(
        rma, f"Refund Failed. Platform returned status: FAILURE. RMA: {rma.rma_id}", by="", comment_type="error"
    )


def paid_gross(item: ReturnedItem) -> Amount:
    """What the customer paid for the unit, tax included."""
    return item.unit.paid_price if item.unit.tax_included else item.unit.paid_price.plus(item.unit.paid_tax)


def _refund_item(world: ReturnGoWorld, rma: Rma, item: ReturnedItem, outcome: str, adjustment: Decimal) -> Transaction:
    rma_fees = rma.return_fee + rma.shipment_fee if not rma.transactions else Decimal(0)
    number = world.number("transaction", 41_900_001)
    now = world.clock.now()
    is_money = item.resolution_type == TO_PAYMENT_METHOD
    slip = dt.timedelta(hours=world.switches.transaction_clock_slip_hours if is_money else 0)
    reference = str(724_012_000_000 + number) if is_money else f"CANARY-{item.resolution_type.upper()}-{number}"
    transaction = Transaction(
        transaction_id=number,
        rma_id=rma.rma_id,
        type=item.resolution_type,
        reference=reference,
        reference_type=_REFERENCE_TYPES[item.resolution_type],
        amount=paid_gross(item).less(item.restocking_fee + rma_fees - adjustment),
        status=outcome,
        returned_item_ids=[item.returned_item_id],
        created_at=now,
        last_updated=now + slip,
    )
    rma.transactions.append(transaction)
    return transaction


def _note_refund(world: ReturnGoWorld, rma: Rma, made: Sequence[Transaction], by: str) -> None:
    symbol = _SYMBOLS.get(made[0].amount.currency, "")
    total = sum((each.amount.amount for each in made), Decimal(0))
    ids = ", ".join(str(each.transaction_id) for each in made)
    word = "Total refund amount:" if made[0].type == TO_PAYMENT_METHOD else "Credited"
    world.comment(rma, f"{word} {symbol}{total:,.2f}<br>Transaction ID: {ids}", by=by)
