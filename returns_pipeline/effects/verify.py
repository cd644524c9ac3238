"""Reads confirmed credits back in one set and compares them with the frozen payload. What differs is written on the effect; nothing is undone."""

from collections.abc import Sequence

import psycopg

from returns_pipeline.effects.compare import differences
from returns_pipeline.effects.reading import Reader
from returns_pipeline.storage.ledger import outcomes
from returns_pipeline.storage.ledger.effect import Effect


def raised(connection: psycopg.Connection, reader: Reader, effects: Sequence[Effect]) -> int:
    """Compares the credits that these confirmed effects raised; answers how many differ or are not there.

    Raises:
        ReadFailed: they could not be read back.
    """
    if not effects:
        return 0
    made = reader.credits_as_made([int(str(effect.remote_id)) for effect in effects])
    standing = {credit["credit_id"]: credit for credit in made}
    mismatched = 0
    for effect in effects:
        credit = standing.get(int(str(effect.remote_id)))
        differing = differences(effect.expect, credit) if credit else ["it cannot be read back"]
        if differing:
            outcomes.note_mismatch(
                connection, effect.effect_id, f"payload_mismatch: credit {effect.remote_id}: {'; '.join(differing[:5])}"
            )
            mismatched += 1
    return mismatched
