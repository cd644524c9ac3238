"""Writes intended effects down, each in the transaction that takes its quantity and money. What to do is decided in `domain/`.

A shadowed kind never comes here: it goes to `shadow_plans`, moves no balance and is never turned into an effect.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import psycopg
from psycopg.types.json import Jsonb

from returns_pipeline.domain import RULES_VERSION
from returns_pipeline.storage.ledger import acts, audit
from returns_pipeline.storage.ledger.balances import Moves, Taken
from returns_pipeline.storage.ledger.effect import COLUMNS, Effect, fetch, read_one
from returns_pipeline.storage.ledger.payloads import payload_sha256

if TYPE_CHECKING:
    from returns_pipeline.domain.plans import EffectPlan

# A commit waits for the disk: one for each plan would take a backlog's minutes. Together they hold the audit's chain for a tenth of a second.
_PLANS_PER_COMMIT = 50
_PHASES = {"credit.raise": "announce", "credit.post": "post"}
_REFUSALS = (
    psycopg.errors.RaiseException,
    psycopg.errors.IntegrityError,
    LookupError,
    acts.ActRefused,
)


@dataclass
class PlanReport:
    """What became of the plans: newly planned (adopted among them), already there, superseded by newer facts, refused with the reason."""

    planned: int = 0
    adopted: int = 0
    already: int = 0
    superseded: int = 0
    refused: list[tuple[str, str]] = field(default_factory=list)

    def add(self, more: PlanReport) -> None:
        """Counts what became of more plans."""
        self.planned += more.planned
        self.adopted += more.adopted
        self.already += more.already
        self.superseded += more.superseded
        self.refused += more.refused


def plan(connection: psycopg.Connection, plans: Sequence[EffectPlan], actor: str) -> PlanReport:
    """Plans what is not planned yet, some dozens to a commit; one that is refused does not stop the others.

    A plan whose business key is in the ledger already changes nothing, unless the older one was never sent and says something else: then the
    older is voided and the newer planned in its place, where it waits for approval anew. An approval covers what the credit will show,
    so a new tax date alone does not undo it.

    Raises:
        ValueError: a plan carries lines although its kind holds none, or a float.
        psycopg.errors.LockNotAvailable: somebody else holds a row of a plan for longer than a statement waits; what came before it is planned.
    """
    there = _live(connection, [each.business_key for each in plans])
    report = PlanReport()
    for start in range(0, len(plans), _PLANS_PER_COMMIT):
        some = plans[start : start + _PLANS_PER_COMMIT]
        try:
            report.add(_plan_together(connection, some, there, actor))
        except (psycopg.errors.DeadlockDetected, psycopg.errors.LockNotAvailable):
            # Another writer is at rows of several of these: one by one, neither waits for what the other holds.
            for each in some:
                report.add(_plan_together(connection, [each], there, actor))
    return report


def _plan_together(
    connection: psycopg.Connection, plans: Sequence[EffectPlan], there: dict[str, Effect], actor: str
) -> PlanReport:
    report = PlanReport()
    with connection.transaction():
        for each in plans:
            try:
                _plan_one(connection, each, there.get(each.business_key), actor, report)
            except _REFUSALS as refusal:
                if (
                    isinstance(refusal, psycopg.errors.UniqueViolation)
                    and refusal.diag.constraint_name == "effect_business_key_once"
                ):
                    report.already += 1
                else:
                    report.refused.append((each.business_key, _said(refusal)))
    return report


def replace_shadow_plans(
    connection: psycopg.Connection, shop: str, kinds: Sequence[str], plans: Sequence[EffectPlan], pass_id: str
) -> int:
    """Makes the shadow plans of one shop and these kinds exactly `plans`; rows that say the same are not touched.

    Returns:
        How many rows were written or removed.
    """
    with connection.transaction():
        removed = connection.execute(
            "DELETE FROM shadow_plans WHERE shop = %s AND kind = ANY(%s) AND NOT business_key = ANY(%s)",
            [shop, list(kinds), [each.business_key for each in plans]],
        ).rowcount
        written = sum(
            connection.execute(
                """INSERT INTO shadow_plans(shop, kind, business_key, pass_id, payload, payload_sha256) VALUES (%s, %s, %s, %s, %s, %s)
                   ON CONFLICT (shop, kind, business_key) DO UPDATE SET pass_id = excluded.pass_id, payload = excluded.payload,
                     payload_sha256 = excluded.payload_sha256, at = now()
                   WHERE shadow_plans.payload_sha256 <> excluded.payload_sha256""",
                [shop, each.kind, each.business_key, pass_id, Jsonb(each.payload), payload_sha256(each.payload)],
            ).rowcount
            for each in plans
        )
    return removed + written


def _plan_one(
    connection: psycopg.Connection, new: EffectPlan, old: Effect | None, actor: str, report: PlanReport
) -> None:
    if new.lines and new.kind not in _PHASES:
        raise ValueError(f"{new.business_key}: {new.kind} holds no quantity of its own, so it can carry no lines")
    if old is not None:
        if not _is_superseded(connection, old, new):
            report.already += 1
            return
        acts.void(connection, old.effect_id, actor, "superseded: the facts changed before it was sent")
        report.superseded += 1
    with connection.transaction():
        effect_id = _insert(connection, new)
        _take(connection, effect_id, new)
        detail = {"by": actor, "payload_sha256": payload_sha256(new.payload).hex(), "rules": RULES_VERSION}
        audit.append(connection, effect_id, "planned", detail)
        adopted_id = new.payload.get("adopt_remote_id")
        if adopted_id is not None:
            acts.confirm_adopted(connection, read_one(connection, effect_id), str(adopted_id))
            audit.append(connection, effect_id, "adopted", {"by": actor, "remote_id": str(adopted_id)})
    report.planned += 1
    report.adopted += adopted_id is not None


def _live(connection: psycopg.Connection, keys: list[str]) -> dict[str, Effect]:
    query = f"SELECT {COLUMNS} FROM effect e WHERE business_key = ANY(%s) AND state <> 'voided'"  # noqa: S608 - a literal
    return {effect.business_key: effect for effect in fetch(connection, query, [keys])}


def _is_superseded(connection: psycopg.Connection, old: Effect, new: EffectPlan) -> bool:
    if old.state != "planned" or old.payload_sha256 == payload_sha256(new.payload):
        return False
    row = connection.execute(
        """SELECT approved_batch IS NOT NULL, EXISTS (
             SELECT 1 FROM effect_attempt a WHERE a.effect_id = e.effect_id AND a.outcome NOT IN ('not_sent', 'not_executed'))
           FROM effect e WHERE effect_id = %s""",
        [old.effect_id],
    ).fetchone()
    is_approved, may_have_been_carried_out = row or (False, False)
    if may_have_been_carried_out:
        return False
    return not is_approved or old.expect != (new.payload.get("expect") or {})


def _insert(connection: psycopg.Connection, new: EffectPlan) -> int:
    depends_on = None
    if new.depends_on_key is not None:
        found = connection.execute(
            "SELECT effect_id FROM effect WHERE business_key = %s AND state <> 'voided'", [new.depends_on_key]
        ).fetchone()
        if found is None:
            raise LookupError(f"it depends on {new.depends_on_key}, which is not planned")
        depends_on = found[0]
    row = connection.execute(
        """INSERT INTO effect(shop, kind, business_key, remote_ref, depends_on, payload, payload_sha256, needs_approval, waiting_since)
           VALUES (%s, %s, %s, %s, %s, %s, %s, %s, coalesce(%s, now())) RETURNING effect_id""",
        [
            new.shop,
            new.kind,
            new.business_key,
            new.remote_ref,
            depends_on,
            Jsonb(new.payload),
            payload_sha256(new.payload),
            new.needs_approval,
            new.waiting_since,
        ],
    ).fetchone()
    return int(row[0])  # type: ignore[index]


def _take(connection: psycopg.Connection, effect_id: int, new: EffectPlan) -> None:
    if not new.lines:
        return
    taken = [
        Taken(line.order_row_id, line.quantity, line.net_minor, line.tax_minor, line.without_receipt_reason is not None)
        for line in new.lines
    ]
    moves = Moves()
    if _PHASES[new.kind] == "post":
        moves.post(taken)
    else:
        moves.announce(taken)
    moves.book(connection)
    for number, line in enumerate(new.lines, 1):
        connection.execute(
            """INSERT INTO effect_line(effect_id, line_no, order_row_id, phase, receipt_line_id, without_receipt_reason, qty, net_minor, tax_minor)
               VALUES (%s, %s, %s, %s, %s, %s, %s, %s, %s)""",
            [
                effect_id,
                number,
                line.order_row_id,
                _PHASES[new.kind],
                line.receipt_line_id,
                line.without_receipt_reason,
                line.quantity,
                line.net_minor,
                line.tax_minor,
            ],
        )


def _said(refusal: Exception) -> str:
    if isinstance(refusal, psycopg.Error):
        return refusal.diag.message_primary or str(refusal)
    return str(refusal)
