"""The credits that wait for a person, in batches with their tax proof, for the command line and for Dagster. Hash and approval are the ledger's."""

from collections.abc import Mapping, Sequence
from typing import Any

import psycopg

from returns_pipeline.domain.money import format_minor
from returns_pipeline.settings import Settings
from returns_pipeline.storage import frames, ledger
from returns_pipeline.storage.ledger import Batch, approvals


def waiting(connection: psycopg.Connection, settings: Settings, effect_ids: Sequence[int] | None = None) -> list[Batch]:
    """The batches that wait; a credit above `limits.auto_post_max_minor` is a batch of its own."""
    return approvals.waiting(connection, effect_ids, large_above_minor=settings.limits.auto_post_max_minor)


def of_hash(connection: psycopg.Connection, settings: Settings, batch_sha256: str) -> Batch:
    """The batch that waits under that hash.

    Raises:
        ApprovalRefused: nothing that waits has that hash; the message names what waits.
    """
    batches = waiting(connection, settings)
    for batch in batches:
        if batch.sha256_hex == batch_sha256:
            return batch
    shown = "; ".join(f"{batch.shop} {money(batch)}: {batch.sha256_hex}" for batch in batches) or "nothing"
    raise approvals.ApprovalRefused(f"no batch that waits has the hash {batch_sha256}; waiting now: {shown}")


def in_words(connection: psycopg.Connection, batches: Sequence[Batch]) -> list[str]:
    """Each batch with its hash, and below it each of its rows with the tax proof; large ones come first."""
    effects = ledger.read_effects(connection).set_index("effect_id")
    proofs = frames.read(connection, "returns/credit_proposals")
    lines = []
    for batch in sorted(batches, key=lambda each: not each.is_large):
        large = "LARGE, look at it by itself: " if batch.is_large else ""
        lines.append(f"{large}{batch.shop}: {len(batch.effect_ids)} credits, {money(batch)}, batch {batch.sha256_hex}")
        for effect_id in batch.effect_ids:
            effect = effects.loc[effect_id]
            proof = proofs[proofs["business_key"] == effect["business_key"]]
            lines += [f"  {effect['business_key']}: {_proof(row)}" for row in proof.to_dict("records")]
    return lines


def money(batch: Batch) -> str:
    """Net and tax of a batch."""
    return (
        f"{format_minor(batch.net_minor, batch.currency)} net and {format_minor(batch.tax_minor, batch.currency)} tax"
    )


def _proof(row: Mapping[str, Any]) -> str:
    moved = row["details"].get("tax_date_moved_because")
    dated = f"; dated {row['details']['tax_date'][:10]} because it was {moved}" if moved else ""
    return (
        f"{row['quantity']} of {row['charged_quantity']} units, tax {row['tax_minor']} of {row['charged_tax_minor']} charged, "
        f"{row['before_tax_minor']} credited before, net {row['net_minor']} of {row['charged_net_minor']} ({row['currency']}, minor units){dated}"
    )
