"""Batches of planned effects that wait for a person: listed with a hash, approved by that hash. What needs approval is decided in `domain/`."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import psycopg

from returns_pipeline.storage.ledger import audit
from returns_pipeline.storage.ledger.payloads import batch_sha256

_WAITING = """
SELECT e.effect_id, e.shop, e.payload_sha256, coalesce(m.net_minor, 0), coalesce(m.tax_minor, 0), e.payload->'expect'->>'currency'
FROM effect e CROSS JOIN LATERAL effect_money(e.payload) m
WHERE e.state = 'planned' AND e.needs_approval AND e.approved_batch IS NULL AND (%(ids)s::bigint[] IS NULL OR e.effect_id = ANY(%(ids)s))
ORDER BY e.effect_id"""


class ApprovalRefused(Exception):
    """The batch is not what the approver saw; the message says what to do."""


@dataclass(frozen=True)
class Batch:
    """Effects of one shop and currency that wait together, or one large effect by itself; money in minor units.

    `sha256_hex` is over the frozen payload hashes in effect order: it changes when anything in the batch does.
    """

    shop: str
    currency: str
    effect_ids: tuple[int, ...]
    net_minor: int
    tax_minor: int
    sha256_hex: str
    is_large: bool = False


def waiting(
    connection: psycopg.Connection, effect_ids: Sequence[int] | None = None, *, large_above_minor: int | None = None
) -> list[Batch]:
    """What waits for approval (or what of these effects does), one batch per shop and currency.

    Args:
        large_above_minor: an effect of more gross than this is a batch of its own; None: none is.
    """
    groups: dict[tuple[str, str, int], list[tuple[int, bytes, int, int]]] = {}
    wanted = None if effect_ids is None else list(effect_ids)
    for effect_id, shop, payload_hash, net_minor, tax_minor, currency in connection.execute(_WAITING, {"ids": wanted}):
        is_large = large_above_minor is not None and net_minor + tax_minor > large_above_minor
        group = (shop, currency or "", effect_id if is_large else 0)
        groups.setdefault(group, []).append((effect_id, payload_hash, net_minor, tax_minor))
    return [
        Batch(
            shop,
            currency,
            tuple(row[0] for row in rows),
            sum(row[2] for row in rows),
            sum(row[3] for row in rows),
            batch_sha256(row[1] for row in rows).hex(),
            is_large=large_id > 0,
        )
        for (shop, currency, large_id), rows in sorted(groups.items())
    ]


def approve(
    connection: psycopg.Connection,
    effect_ids: Sequence[int],
    approved_by: str,
    sha256_hex: str,
    os_user: str | None = None,
) -> int:
    """Approves the named effects as one batch, from when on their payloads are frozen; answers the batch's number.

    Raises:
        ApprovalRefused: no name is given, some no longer wait, they are of several currencies, or the hash differs from what the approver saw.
    """
    if not approved_by.strip():
        raise ApprovalRefused("an approval needs the name of who approves")
    with connection.transaction():
        connection.execute(
            "SELECT 1 FROM effect WHERE effect_id = ANY(%s) ORDER BY effect_id FOR UPDATE", [list(effect_ids)]
        )
        rows = connection.execute(_WAITING, {"ids": list(effect_ids)}).fetchall()
        _refuse_another_batch(rows, effect_ids, sha256_hex)
        batch_id = connection.execute(
            """INSERT INTO approval_batch(batch_sha256, effects, net_minor, tax_minor, currency, approved_by, os_user)
               VALUES (%s, %s, %s, %s, %s, %s, %s) RETURNING batch_id""",
            [
                bytes.fromhex(sha256_hex),
                len(rows),
                sum(row[3] for row in rows),
                sum(row[4] for row in rows),
                rows[0][5],
                approved_by,
                os_user,
            ],
        ).fetchone()[0]  # type: ignore[index]
        connection.execute(
            "UPDATE effect SET approved_batch = %s WHERE effect_id = ANY(%s)", [batch_id, list(effect_ids)]
        )
        detail = {
            "by": approved_by,
            "name_is": "asserted",
            "os_user": os_user,
            "batch": batch_id,
            "batch_sha256": sha256_hex,
        }
        audit.append_moves(connection, [row[0] for row in rows], "approved", detail)
    return int(batch_id)


def no_longer_as_approved(connection: psycopg.Connection, effect_ids: Sequence[int]) -> set[int]:
    """Of these effects, those whose batch no longer has the hash that was approved: something in it was changed by hand since."""
    rows = connection.execute(
        """SELECT e.effect_id FROM effect e JOIN approval_batch b ON b.batch_id = e.approved_batch
           WHERE e.effect_id = ANY(%s) AND b.batch_sha256 <> (
             SELECT sha256(string_agg(m.payload_sha256, ''::bytea ORDER BY m.effect_id)) FROM effect m WHERE m.approved_batch = b.batch_id)""",
        [list(effect_ids)],
    ).fetchall()
    return {row[0] for row in rows}


def _refuse_another_batch(rows: Sequence[tuple[Any, ...]], effect_ids: Sequence[int], sha256_hex: str) -> None:
    missing = sorted(set(effect_ids) - {row[0] for row in rows})
    if missing or not rows:
        raise ApprovalRefused(
            f"effects {missing} no longer wait for approval: list the postings again and look at what is there now"
        )
    currencies = {row[5] for row in rows}
    if len(currencies) > 1:
        raise ApprovalRefused(
            f"a batch has one currency, this one has {sorted(map(str, currencies))}: approve them one by one"
        )
    if batch_sha256(row[2] for row in rows).hex() != sha256_hex:
        raise ApprovalRefused(
            "the batch has changed since it was listed: list the postings again and approve what is there now"
        )
