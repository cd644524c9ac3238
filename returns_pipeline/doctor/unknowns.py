"""What nobody knows of the two APIs before they are connected, with the setting or behaviour that is safe either way. Data, no looking."""

from dataclasses import dataclass

from returns_pipeline.settings import Settings


@dataclass(frozen=True)
class Unknown:
    """One open question: what is safe while it is open, and where the answer shows."""

    question: str
    safe: str
    shows: str


UNKNOWNS = (
    Unknown(
        "Does Brightpearl make a second credit for a repeated reference?",
        "dedupe = 'unproven': a credit whose outcome is unknown halts for a person",
        "doctor --prove-dedupe ORDER",
    ),
    Unknown(
        "May a credit be received in several notes?",
        "part_receipt = 'refused': what came is split off",
        "the point on part receipts",
    ),
    Unknown(
        "Does a credit take a row with a minus?",
        "negative_rows = 'refused' takes fees off the goods' rows; a refused credit is told",
        "doctor --prove-negative-rows ORDER, and the point on rows with a minus",
    ),
    Unknown(
        "Does Brightpearl reckon the tax of a new credit anew?",
        "each credit is read back and compared before it is posted; a difference halts it",
        "exceptions payload_mismatch and credit_error",
    ),
    Unknown(
        "How far do searches lag behind?",
        "[ledger] waits a horizon and searches several times before anything counts as absent",
        "the seconds that doctor --prove-dedupe ORDER tells; exceptions effect_unknown that heal by themselves",
    ),
    Unknown(
        "Do searches ignore a filter that they do not know?",
        "rows that were not asked for are passed over",
        "call counts in api_usage",
    ),
    Unknown(
        "Does a private app's answer name the installation?",
        "without the id nothing is sent; it can be written in installed_integration_instance_id",
        "the point on the installed integration instance id",
    ),
    Unknown(
        "Does the old refresh token die with its use?",
        "each new one is kept before it is used; a revoked one stops the writers and says so once",
        "the point that Brightpearl answers",
    ),
    Unknown(
        "Does ReturnGo repeat a return's fee on each unit?",
        "fee_scope = 'item'; credits that do not meet the refund are told",
        "the point on fees, exception fee_scope_contradicted",
    ),
    Unknown(
        "Which words has ReturnGo for rare resolutions?",
        "an unknown one is held as unknown_resolution, never guessed",
        "exceptions unknown_resolution",
    ),
    Unknown(
        "Does ReturnGo's list show every change of a return?",
        "details of open returns are read again each night",
        "full_sweep",
    ),
    Unknown(
        "What releases ReturnGo's refund?",
        "confirmations are armed last: [effects] confirmations = 'shadow'",
        "the point on refunds that follow the goods",
    ),
    Unknown(
        "What does Brightpearl answer to a repeated goods-in or transfer reference?",
        "any refusal that speaks of the reference is looked up, never sent again under another",
        "exceptions effect_unknown",
    ),
    Unknown(
        "Does the search of goods-in notes list those of credits?",
        "notes are read by credit and by goods movements",
        "the sensor new_goods_in_sensor",
    ),
)


def still_open(settings: Settings) -> list[Unknown]:
    """The questions without those that the settings call answered."""
    brightpearl = settings.brightpearl
    answered = {
        "doctor --prove-dedupe ORDER": brightpearl.dedupe == "proven",
        "the point on the installed integration instance id": brightpearl.installed_integration_instance_id > 0,
    }
    return [unknown for unknown in UNKNOWNS if not answered.get(unknown.shows, False)]
