"""`postings`: the credits that wait for a person, with their tax proof, and their approval by the batch's hash. The work is in `stages.approving`."""

import getpass
from collections.abc import Sequence

import psycopg

from returns_pipeline.commands import runtime
from returns_pipeline.commands.answers import Answer
from returns_pipeline.settings import Settings, load_settings
from returns_pipeline.stages import approving
from returns_pipeline.storage import database, ledger
from returns_pipeline.storage.ledger import Batch, approvals


def waiting() -> Answer:
    """Every batch that waits, row by row, with the hash that `approve` asks for."""
    runtime.prepare()
    with database.connect() as connection:
        batches = approving.waiting(connection, load_settings())
        lines = approving.in_words(connection, batches)
    return Answer(lines or ["no credit waits for approval"], [vars(batch) for batch in batches])


def approve(*, by: str, batch: str | None, everything: bool, rma_ids: Sequence[int]) -> Answer:
    """Approves the batch of that hash, or everything that waits now but large ones, or the postings of single returns."""
    if sum([batch is not None, everything, bool(rma_ids)]) != 1:
        return Answer(["name what to approve: --batch HASH, --rma ID or --all"], status=2)
    runtime.prepare()
    settings = load_settings()
    with database.connect() as connection:
        chosen = _chosen(connection, settings, batch, rma_ids)
        left = [each for each in chosen if each.is_large and everything]
        approved = [
            (each, approvals.approve(connection, each.effect_ids, by, each.sha256_hex, getpass.getuser()))
            for each in chosen
            if each not in left
        ]
    words = [
        f"approved {len(each.effect_ids)} credits of {each.shop}, {approving.money(each)}, as batch {number}"
        for each, number in approved
    ]
    words += [
        f"left out because it is large: {each.shop}, {approving.money(each)}; approve it by --batch {each.sha256_hex}"
        for each in left
    ]
    if not approved:
        return Answer(words or ["nothing that waits matches; `postings list` shows what waits"], status=1)
    words.append(f"{by} is recorded as asserted, not proved; the next sync posts them")
    return Answer(words, [number for _, number in approved])


def approve_waiting(*, by: str) -> int:
    """Approves whatever waits now; how many credits that were."""
    with database.connect() as connection:
        batches = approvals.waiting(connection)
        for each in batches:
            approvals.approve(connection, each.effect_ids, by, each.sha256_hex, getpass.getuser())
    return sum(len(each.effect_ids) for each in batches)


def _chosen(
    connection: psycopg.Connection, settings: Settings, batch: str | None, rma_ids: Sequence[int]
) -> list[Batch]:
    if batch is not None:
        return [approving.of_hash(connection, settings, batch)]
    if not rma_ids:
        return approving.waiting(connection, settings)
    effects = ledger.read_effects(connection, rma_ids=list(rma_ids))
    return approving.waiting(connection, settings, effects["effect_id"].tolist())
