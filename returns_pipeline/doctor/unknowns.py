"""What nobody knows of the two APIs before they are connected, with the setting or behaviour that is safe either way. Data, no looking."""

from dataclasses import dataclass

from returns_pipeline.settings import Settings


@dataclass(frozen=True)
class Unknown:
    """One open question.

    Attributes:
        question: what nobody could try.
        safe: the setting or behaviour that is safe while it is open.
        shows: where the answer will show.
        point: the doctor's own point about it, where reading can tell.
        setting: table and key that decide about it, so that what is in force can be told.
    """

    question: str
    safe: str
    shows: str
    point: str = ""
    setting: tuple[str, str] | None = None

    def in_force(self, settings: Settings) -> str:
        """The setting as it is now, or nothing where none decides."""
        if self.setting is None:
            return ""
        table, key = self.setting
        return f"[{table}] {key} = {getattr(getattr(settings, table), key)!r}"


_DEDUPE, _MINUS = "doctor --prove-dedupe ORDER", "doctor --prove-negative-rows ORDER"
UNKNOWNS = (
    # Brightpearl
    Unknown(
        "Does Brightpearl make a second credit for a repeated reference?",
        "dedupe = 'unproven': a credit whose outcome is unknown halts for a person",
        _DEDUPE,
        "the duplicate rule is proven",
        ("brightpearl", "dedupe"),
    ),
    Unknown(
        "Does the answer to a repeated reference carry the number of the credit that stands?",
        "an answer without a number is an unknown outcome: the credit is looked up by its reference",
        _DEDUPE,
    ),
    Unknown(
        "Does Brightpearl reckon the tax of a new credit anew?",
        "each credit is read back and compared before it is posted; a difference halts it",
        f"{_DEDUPE}; exceptions payload_mismatch and credit_error",
    ),
    Unknown(
        "May a credit be received in several notes?",
        "part_receipt = 'refused': what came is split off",
        "the newest credits",
        "part receipts of one credit are as the settings say",
        ("brightpearl", "part_receipt"),
    ),
    Unknown(
        "Does a credit take a row with a minus?",
        "negative_rows = 'refused' takes fees off the goods' rows; a refused credit is told",
        f"{_MINUS}; the newest credits",
        "rows with a minus on a credit are as the settings say",
        ("brightpearl", "negative_rows"),
    ),
    Unknown(
        "How far do searches lag behind?",
        "[ledger] waits a horizon and searches several times before anything counts as absent",
        f"the seconds that {_DEDUPE} tells; credits of ours that a search does not show",
        "searches show what was written",
        ("ledger", "unknown_horizon_seconds"),
    ),
    Unknown(
        "Do searches ignore a filter that they do not know?",
        "each row is held against what was asked; a search that answers with others fails",
        "a search that is asked for nothing",
        "a filter that searches do not know is seen through",
    ),
    Unknown(
        "Does the search of goods-in notes list those of credits?",
        "notes are read by credit and by goods movements",
        "the newest received credit",
        "goods-in notes of credits are found",
    ),
    Unknown(
        "Does a private app's answer name the installation?",
        "without the id nothing is sent; it can be written in installed_integration_instance_id",
        "the headers of an answer",
        "an installed integration instance id is known",
        ("brightpearl", "installed_integration_instance_id"),
    ),
    Unknown(
        "Does the old refresh token die with its use?",
        "each new one is kept before it is used; a revoked one stops the writers and says so once",
        "a 401 in the next days",
    ),
    Unknown(
        "What does Brightpearl answer to a repeated goods-in, transfer or payment reference?",
        "any refusal that speaks of the reference is looked up, never sent again under another",
        "exceptions effect_unknown",
    ),
    Unknown(
        "Which numbers do several goods-in notes from one request get?",
        "a note that the pipeline writes is looked up by its own reference, and received units are read by credit",
        "exceptions effect_unknown; receipt_source = 'brightpearl', the default, writes none",
    ),
    Unknown(
        "How is a receipt of more than the credit's rows refused?",
        "the pipeline never books in more than was announced; any refusal is told",
        "exceptions effect_rejected",
    ),
    Unknown(
        "What is the flag `transfer` of a goods-in note for?",
        "it is always sent as false; transfers are shipped and then released from quarantine",
        "nowhere: nothing uses it",
    ),
    Unknown(
        "Do units in quarantine count as in stock?",
        "availability is never read: a transfer takes units by the location they were inspected to",
        "nowhere: nothing uses it",
    ),
    Unknown(
        "May the app write what is armed?",
        "the first write that is refused with 401 or 403 stops the account's writers and says so",
        "the first day in live mode, [effects] armed one by one",
    ),
    # ReturnGo
    Unknown(
        "Does ReturnGo repeat a return's fee on each unit?",
        "fee_scope = 'item'; credits that do not meet the refund are told",
        "refunds; exception fee_scope_contradicted",
        "fees are counted as the settings say",
        ("returngo", "fee_scope"),
    ),
    Unknown(
        "Which words has ReturnGo for rare resolutions?",
        "an unknown one is held as unknown_resolution, never guessed",
        "the returns read",
        "every resolution is known",
    ),
    Unknown(
        "Does ReturnGo's list show every change of a return?",
        "details of open returns are read again each night",
        "what full_sweep finds that no pass before it did",
    ),
    Unknown(
        "In which time zone are ReturnGo's filters?",
        "times are sent in UTC, lists overlap by four hours, and each night reads all that is open",
        "a list asked from a known second on",
        "ReturnGo's filters are in UTC",
    ),
    Unknown(
        "What releases ReturnGo's refund?",
        "confirmations are armed last: [effects] confirmations = 'shadow'",
        "refunds and goods-in side by side",
        "refunds follow the goods",
        ("returngo", "confirm_status"),
    ),
    Unknown(
        "What do ReturnGo's webhooks carry, and are they signed?",
        "a message is a hint: the secret is in the path, ids alone are taken, and everything is read again",
        "`returns-pipeline webhooks list`: messages without an id that could be read",
    ),
    Unknown(
        "What are the bodies of ReturnGo's other writes?",
        "none is sent: a parcel's status is the only thing that is ever written to ReturnGo",
        "nowhere: nothing uses them",
    ),
    Unknown(
        "Can single units be validated in ReturnGo from outside?",
        "they are not: a parcel is confirmed when every unit in it is posted or resolved",
        "exception refund_waits_for_parcel",
    ),
    Unknown(
        "What do units of a validated return look like?",
        "only a lastValidationDate means inspected; a record that cannot be read is held as record_malformed",
        "exceptions record_malformed",
    ),
    Unknown(
        "Which amount is the shop's in a return in another currency?",
        "shop and customer's amounts are kept apart; a currency that is not the sale's is held as currency_mismatch",
        "the returns read",
        "ReturnGo books in the shop's currency",
    ),
    Unknown(
        "How does an exchange order show after its release?",
        "an exchange waits as exchange_not_released until its order is read in Brightpearl",
        "exceptions exchange_not_released that stay although the order was released",
    ),
    Unknown(
        "Where does ReturnGo restock in Shopify?",
        "Brightpearl's stock alone is moved, and nothing is on sale before it was inspected: switch ReturnGo's own restocking off",
        "stock in Shopify that Brightpearl does not have",
    ),
)


def still_open(settings: Settings) -> list[Unknown]:
    """The questions without those that the settings call answered."""
    brightpearl = settings.brightpearl
    answered = {
        "the duplicate rule is proven": brightpearl.dedupe == "proven",
        "an installed integration instance id is known": brightpearl.installed_integration_instance_id > 0,
    }
    return [unknown for unknown in UNKNOWNS if not answered.get(unknown.point, False)]
