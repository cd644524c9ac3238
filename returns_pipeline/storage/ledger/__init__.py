"""The effect ledger: every write is a row here first. Plans, claims, outcomes, approvals, acts of people, and their audit.

No HTTP (that is `effects/`) and no decision what to do (that is `domain/`). Correctness rests on the constraints and triggers of
`migrations/sql/ledger.sql`; this code is allowed to be wrong.
"""

from returns_pipeline.storage.ledger.acts import ActRefused, adopt, retry, void
from returns_pipeline.storage.ledger.approvals import ApprovalRefused, Batch, approve, waiting
from returns_pipeline.storage.ledger.audit import Head, head, verify
from returns_pipeline.storage.ledger.balances import ensure_balances, record_facts
from returns_pipeline.storage.ledger.effect import Effect, read_one
from returns_pipeline.storage.ledger.planning import PlanReport, plan, replace_shadow_plans
from returns_pipeline.storage.ledger.reading import is_at_rest, newest_of, read_balances, read_effects, read_lines

__all__ = [
    "ActRefused",
    "ApprovalRefused",
    "Batch",
    "Effect",
    "Head",
    "PlanReport",
    "adopt",
    "approve",
    "ensure_balances",
    "head",
    "is_at_rest",
    "newest_of",
    "plan",
    "read_balances",
    "read_effects",
    "read_lines",
    "read_one",
    "record_facts",
    "replace_shadow_plans",
    "retry",
    "verify",
    "void",
    "waiting",
]
