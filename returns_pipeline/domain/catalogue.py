"""Every exception that the pipeline can raise: its title in plain words, who owns it, how urgent it is and what to do next. Nothing is found here."""

from collections.abc import Mapping
from dataclasses import dataclass

_RUNBOOK = "docs/runbook.md"


@dataclass(frozen=True)
class ExceptionKind:
    """One kind of exception.

    Attributes:
        owner: finance, warehouse, cx, product_data or integration.
        severity: info, warn, error or critical.
        sla_hours: a key of [sla] in the settings, a number of working hours, or None.
        heals_with_time: whether waiting may close it without a person.
        next_step: what its owner does.
        runbook: the page and the anchor that tell more.
    """

    code: str
    title: str
    owner: str
    severity: str
    sla_hours: str | float | None
    heals_with_time: bool
    next_step: str
    runbook: str


_KINDS = (
    # The sale and its rows
    ("order_not_found", "The sale is not in Brightpearl", "integration", "warn", "order_not_found_hours", True, "Look whether the order was downloaded from the shop; if it never will be, settle the return by hand and waive."),
    ("order_ambiguous", "Several sales carry this order's reference", "integration", "error", 8, False, "Correct the reference of the sale that is not meant; or credit the return by hand and void it."),
    ("order_in_other_channel", "The sale belongs to another shop's channel", "integration", "error", 8, False, "Look at channel_id of the shop in the settings, or correct the sale's channel."),
    ("sku_unknown", "A returned SKU was not sold on this order", "product_data", "error", 8, False, "Map the SKU to the row that sold it, or correct the product's SKU; the suggestion names the nearest."),
    ("row_ambiguous", "Two rows sold this SKU at different prices", "finance", "warn", 8, False, "Map the return to the row it belongs to."),
    ("partial_bundle", "Part of a bundle is returned", "finance", "warn", 16, False, "Wait for the rest, or accept the partial bundle: it is credited at its share by units, which the exception names."),
    ("quantity_exceeds_shipped", "More units are returned than were shipped", "cx", "error", 8, False, "Correct or reject the return in ReturnGo."),
    ("row_not_creditable", "The row of the sale has nothing to give back", "finance", "error", 8, False, "Look at the sale: the row has no units, no amount, or a discount that eats it up; credit it by hand if it is due."),
    ("currency_mismatch", "The return's prices are in another currency than the sale", "finance", "error", 8, False, "Look at the shop's currency and at the sale."),
    ("currency_precision_unsupported", "The currency has three decimals", "finance", "error", 16, False, "Credit it by hand: Brightpearl's amounts hold two decimals."),
    ("unknown_resolution", "ReturnGo names a resolution that the policy does not know", "cx", "warn", 8, False, "Decide what this resolution means and mark the return accordingly."),
    ("record_malformed", "A record cannot be read", "integration", "error", 4, True, "Look at the record named; it is read again when it changes."),
    # Policies
    ("store_credit_policy", "A store credit waits for a policy", "finance", "warn", 24, False, "Choose policy.store_credit in the settings with your tax adviser."),
    ("not_credited_without_receipt", "Nothing will come back, and the policy does not credit that", "cx", "warn", 8, False, "Decide about this return, or add its life to policy.credit_without_receipt."),
    ("claim_reference_missing", "Lost in transit, and no claim is named", "cx", "warn", 8, False, "Give the carrier's claim reference with the decision lost_in_transit."),
    ("exchange_not_released", "The replacement order is not released yet", "cx", "info", 40, True, "Release the exchange in ReturnGo."),
    ("exchange_undervalued", "The replacement order is worth less than what was exchanged", "finance", "error", 8, False, "Correct the replacement order's prices in Brightpearl, or accept the variance with a reason: else revenue is taken back twice."),
    # Credits by others
    ("foreign_credit", "Somebody else has credited these units", "finance", "error", 8, False, "Adopt that credit if it is for this return, or cancel it; the pipeline writes none beside it."),
    ("awaiting_foreign_credit", "The other system has not raised its credit yet", "integration", "info", 24, True, "Look at ReturnGo's own Brightpearl link if it never comes."),
    ("double_credit", "A second credit for the same units appeared", "finance", "critical", 2, False, "Cancel the wrong one in Brightpearl, and switch off what wrote it."),
    ("credit_changed_by_staff", "An expected return was changed in Brightpearl", "finance", "error", 4, False, "Undo the change, or void the effect and credit by hand."),
    ("credit_gone", "An expected return was deleted or cancelled in Brightpearl", "finance", "error", 4, False, "If it is wanted, retry; else void the effect."),
    # Settling
    ("sale_not_invoiced", "The sale has no invoice yet", "finance", "info", 24, True, "Invoice the sale; the credit is posted after that."),
    ("awaiting_inspection", "Received, not inspected", "warehouse", "info", "quarantine_days", True, "Inspect the units."),
    ("failed_inspection", "Units did not pass inspection", "warehouse", "warn", 16, False, "Decide with finance: accept the variance to credit in full, or send the units back; policy.failed_inspection says what is usual."),
    ("awaiting_rest_of_parcel", "Part of the parcel came", "warehouse", "info", 40, True, "Look for the rest; it is credited in part when the wait is over."),
    ("amount_mismatch", "ReturnGo's prices and Brightpearl's invoice disagree", "finance", "error", 8, False, "Compare both numbers; accept the variance with a reason, or correct the sale."),
    ("tax_out_of_proportion", "The tax of a credit is not its units' share", "finance", "error", 4, False, "Compare with the invoice: credits given back before have left the row uneven; credit it by hand or cancel and raise it anew."),
    ("fee_nominal_missing", "A fee has no nominal code", "finance", "warn", 8, False, "Write the fee's nominal code in [brightpearl.fees]."),
    ("fee_exceeds_credit", "What is kept back is more than what came is worth", "finance", "warn", 8, False, "Waive or lower the fee, or credit by hand: the pipeline never posts a credit that asks the customer for money."),
    ("cost_price_missing", "Returned goods have no cost price", "product_data", "warn", 16, False, "Give the cost on the cost price list, or book the goods in by hand with it: a receipt at zero cost spoils the stock value."),
    ("cancelled_but_received", "A withdrawn return arrived all the same", "cx", "error", 8, False, "Reopen the return in ReturnGo, or send the goods back."),
    ("cancelled_but_paid", "A withdrawn return has a payment on its credit", "finance", "error", 8, False, "Remove the payment in Brightpearl, or reopen the return in ReturnGo."),
    ("approval_waiting", "A credit waits for approval", "finance", "info", "receipt_without_credit_hours", False, "Read its tax proof and approve the batch."),
    # Receipts
    ("over_receipt", "More units came than were announced", "warehouse", "warn", 8, False, "Credit what was announced; book the rest as unidentified stock."),
    ("wrong_item_received", "Another item came than was announced", "warehouse", "error", 8, False, "Put the item in quarantine; CX asks the customer."),
    ("not_in_parcel", "Inspected, and not in the parcel", "cx", "warn", 8, True, "Ask the customer: what they kept is not credited. Cancel the return, or mark it lost in transit with the carrier's claim."),
    ("receipt_without_return", "Goods came that nobody announced", "warehouse", "warn", 16, True, "Find out whose they are; it closes when the return turns up."),
    ("credit_without_receipt", "A credit was posted by hand before goods came", "finance", "critical", 2, False, "Receive the goods, or accept the variance with a reason; if the credit is wrong, correct it in the books."),
    ("credited_more_than_received", "A receipt was corrected down after the credit was posted", "finance", "critical", 4, False, "Decide whether the customer is charged again; nothing is reversed by itself."),
    # Money and time
    ("payment_method_unclear", "It is not clear how the refund was paid", "finance", "warn", 8, False, "Name the method in [brightpearl.payment_methods], or record the payment by hand."),
    ("payment_method_unread", "The sale's payments have not been read yet", "integration", "info", 4, True, "Nothing to do: the next pass reads them."),
    ("refund_mismatch", "The refund and the credit differ", "finance", "warn", 16, False, "Look at fees and goodwill; book the difference with a reason."),
    ("fee_scope_contradicted", "Refunds show that fees are counted otherwise than the settings say", "finance", "error", 8, True, "Compare the return named in ReturnGo with its credit; set [returngo] fee_scope to what the refunds show."),
    ("refund_before_receipt", "Refunded before anything came in", "cx", "warn", 16, True, "Chase the parcel."),
    ("refund_waits_for_parcel", "A refund waits because part of its parcel is not settled", "cx", "warn", "refund_deadline_days", True, "Settle the rest of the parcel, or refund by hand before the legal deadline."),
    ("announced_not_arrived", "Announced and never arrived", "cx", "info", "announced_not_arrived_days", True, "Ask the customer or the carrier; with a claim it is lost in transit."),
    ("refund_deadline", "The legal refund deadline is near", "cx", "critical", 8, True, "Settle or refund this return now, whatever holds it."),
    # Stock
    ("no_saleable_warehouse", "No saleable warehouse is named for this channel", "warehouse", "error", 8, False, "Name it in saleable_warehouses of the shop."),
    ("mixed_inspection_location", "Passed and other units share a location", "warehouse", "warn", 16, False, "Move the passed units to a location of their own."),
    ("awaiting_transfer_hour", "Passed units gather for the next transfer", "warehouse", "info", None, True, "Nothing to do until transfers.at."),
    # Effects
    ("effect_rejected", "The other system refused a write", "integration", "error", 4, False, "Read its message, mend the cause, then retry or void."),
    ("effect_halted", "A write was stopped before it left", "integration", "error", 4, False, "Read the reason, then retry, adopt or void."),
    ("effect_unknown", "It is not known whether a write happened", "integration", "warn", 2, True, "Wait for the look-up; if it halts, look in Brightpearl and adopt or retry."),
    ("effect_refused_by_ledger", "The ledger refused to plan a write", "integration", "error", 4, True, "Read the reason: a gate is closed or the numbers do not add up."),
    ("posting_pending", "Brightpearl has not finished posting a credit", "finance", "warn", 4, True, "Look at the credit in Brightpearl if it stays pending."),
    ("period_locked", "The accounting period is locked", "finance", "error", 8, False, "Open the period or date the credit into an open one."),
    ("payload_mismatch", "What stands in Brightpearl differs from what was sent", "finance", "critical", 2, False, "Compare both; adopt or void what is halted, correct or waive what stands."),
    ("duplicate_remote", "Two credits carry one reference of ours", "finance", "critical", 2, False, "Cancel one of them in Brightpearl, then adopt the other."),
    ("adoption_proposed", "A write that was given up has appeared after all", "integration", "error", 4, False, "Look at it: adopt it, or cancel it in the other system and void."),
    ("no_progress", "A write was tried five times and never took effect", "integration", "error", 4, False, "Read its reason, mend the cause in the other system, then retry or void."),
    ("premature_restock", "Returned units went on sale without a pass", "warehouse", "critical", 2, False, "Take the units off sale and back into the Returns warehouse, inspect them and record the inspection."),
    ("quarantine_ageing", "Returned units lie in the Returns warehouse too long", "warehouse", "warn", 16, False, "Inspect them, or decide what becomes of those that failed; waive it when they are gone."),
    ("transfer_stuck", "A transfer was made and not shipped", "warehouse", "warn", 8, True, "Ship the goods-out note in Brightpearl, or put the units back and void the transfer."),
    # Drift
    ("receipt_without_credit", "Goods came and no credit followed", "finance", "error", 4, True, "Look at the last runs of returns_sync; run it for this return, or post the credit by hand."),
    ("credit_without_refund", "Credited, and the customer's money has not followed", "cx", "warn", 8, True, "Refund the customer in ReturnGo, or write there why not."),
    ("status_drift", "ReturnGo and Brightpearl say different things", "cx", "warn", 16, True, "Compare both; set the status in ReturnGo, or mend the credit in Brightpearl."),
    ("tax_gap", "A credit stands in the books with a tax that is not its units'", "finance", "error", 8, False, "Compare the credit with the invoice; correct it in Brightpearl, or accept the variance with a reason."),
    ("credit_error", "A posted credit differs from what was planned", "finance", "critical", 4, False, "Compare the credit with its tax proof; correct it in Brightpearl, or accept the variance with a reason."),
    # The pipeline itself
    ("gate_closed", "A batch could not be used, so nothing is written that needs it", "integration", "error", 2, True, "Read the reason: mend the records named, or wait until the account can be read; the next batch that fits opens the gate."),
    ("check_failed", "A check of the data team failed", "integration", "warn", 16, True, "Read the check's own page in Dagster."),
)  # fmt: skip

CATALOGUE: Mapping[str, ExceptionKind] = {
    code: ExceptionKind(
        code, title, owner, severity, sla_hours, heals, next_step, f"{_RUNBOOK}#{code.replace('_', '-')}"
    )
    for code, title, owner, severity, sla_hours, heals, next_step in _KINDS
}
