"""`settle` and `ledger verify`: looking up unknown outcomes, and proving the audit chain."""

from returns_pipeline.commands import runtime
from returns_pipeline.commands.answers import Answer
from returns_pipeline.effects import kinds
from returns_pipeline.effects.settle import settle as settle_effects
from returns_pipeline.settings import load_settings
from returns_pipeline.stages.accounts import Accounts
from returns_pipeline.storage import database
from returns_pipeline.storage import ledger as books


def settle() -> Answer:
    """Looks up every effect whose outcome is unknown; GET only, so that it runs with the writers off."""
    runtime.prepare()
    settings = load_settings()
    accounts = Accounts(settings)
    try:
        with database.connect() as connection:
            report = settle_effects(connection, accounts, kinds.IN_ORDER, settings)
    finally:
        accounts.close()
    lines = [f"{count} effects are now {state}" for state, count in sorted(report.by_state.items())]
    lines += [f"{report.still_unknown} effects are still unknown", *report.unread]
    return Answer(
        lines,
        {"by_state": dict(report.by_state), "still_unknown": report.still_unknown, "unread": report.unread},
        status=1 if report.unread else 0,
    )


def verify() -> Answer:
    """Walks the audit chain from its first row; 1 where it is broken."""
    runtime.prepare()
    with database.connect() as connection:
        broken, head = books.verify(connection), books.head(connection)
    if broken is not None:
        return Answer(
            [f"the audit chain is broken at row {broken}: somebody changed the database by hand"],
            {"broken_at": broken},
            status=1,
        )
    return Answer([f"the audit chain holds up to {head}"], {"broken_at": None})
