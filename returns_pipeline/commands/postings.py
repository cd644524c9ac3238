"""`postings`: the credits that wait for a person, with their tax proof, and their approval by the batch's hash."""

import getpass
from collections.abc import Sequence
from typing import Any

import psycopg

from returns_pipeline.commands import runtime
from returns_pipeline.commands.answers import Answer
from returns_pipeline.domain.money import format_minor
from returns_pipeline.storage import database, frames, ledger
from returns_pipeline.storage.ledger import Batch, approvals


def waiting() -> Answer:
    """Every batch that waits, row by row, with the hash that `approve` asks for."""
    runtime.prepare()
    with database.connect() as connection:
        batches = approvals.waiting(connection)
        effects = ledger.read_effects(connection).set_index("effect_id")
        proofs = frames.read(connection, "returns/credit_proposals")
    lines, data = [], []
    for batch in batches:
        lines.append(f"{batch.shop}: {len(batch.effect_ids)} credits, {_money(batch)}, batch {batch.sha256_hex}")
        for effect_id in batch.effect_ids:
            effect = effects.loc[effect_id]
            proof = proofs[proofs["business_key"] == effect["business_key"]]
            lines += [f"  {effect['business_key']}: {_proof(row)}" for row in proof.to_dict("records")]
        data.append(vars(batch))
    return Answer(lines or ["no credit waits for approval"], data)


def approve(*, by: str, batch: str | None, everything: bool, rma_ids: Sequence[int]) -> Answer:
    """Approves the batch of that hash, or everything that waits now, or the postings of single returns."""
    if sum([batch is not None, everything, bool(rma_ids)]) != 1:
        return Answer(["name what to approve: --batch HASH, --rma ID or --all"], status=2)
    runtime.prepare()
    with database.connect() as connection:
        chosen = _chosen(connection, batch, rma_ids)
        if not chosen:
            return Answer(["nothing that waits matches; `postings list` shows what waits"], status=1)
        numbers = [
            approvals.approve(connection, each.effect_ids, by, each.sha256_hex, getpass.getuser()) for each in chosen
        ]
    words = [
        f"approved {len(each.effect_ids)} credits of {each.shop}, {_money(each)}, as batch {number}"
        for each, number in zip(chosen, numbers, strict=True)
    ]
    return Answer([*words, f"{by} is recorded as asserted, not proved; the next sync posts them"], numbers)


def approve_waiting(*, by: str) -> int:
    """Approves whatever waits now; how many credits that were."""
    with database.connect() as connection:
        batches = approvals.waiting(connection)
        for each in batches:
            approvals.approve(connection, each.effect_ids, by, each.sha256_hex, getpass.getuser())
    return sum(len(each.effect_ids) for each in batches)


def _chosen(connection: psycopg.Connection, batch: str | None, rma_ids: Sequence[int]) -> list[Batch]:
    batches = approvals.waiting(connection)
    if batch is not None:
        return [each for each in batches if each.sha256_hex == batch]
    if not rma_ids:
        return batches
    effects = ledger.read_effects(connection, rma_ids=list(rma_ids))
    return approvals.waiting(connection, effects["effect_id"].tolist())


def _money(batch: Batch) -> str:
    return (
        f"{format_minor(batch.net_minor, batch.currency)} net and {format_minor(batch.tax_minor, batch.currency)} tax"
    )


def _proof(row: dict[str, Any]) -> str:
    moved = row["details"].get("tax_date_moved_because")
    dated = f"; dated {row['details']['tax_date'][:10]} because it was {moved}" if moved else ""
    return (
        f"{row['quantity']} of {row['charged_quantity']} units, tax {row['tax_minor']} of {row['charged_tax_minor']} charged, "
        f"{row['before_tax_minor']} credited before, net {row['net_minor']} of {row['charged_net_minor']} ({row['currency']}, minor units){dated}"
    )
