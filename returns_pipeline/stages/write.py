"""Plans effects from proposals and carries them out: the ledger first, then one call each. What to do is decided in `domain/`.

Each writer goes in rounds: what one round confirms may be what the next one needs (a credit posted, then annotated).
"""

from collections.abc import Callable, Iterable, Sequence

from returns_pipeline.domain import findings, plans
from returns_pipeline.domain.plans import EffectPlan
from returns_pipeline.effects import runner, settle
from returns_pipeline.settings import live_kinds
from returns_pipeline.stages import decide
from returns_pipeline.stages.passes import Pass
from returns_pipeline.stages.recording import observe
from returns_pipeline.stages.report import StageReport
from returns_pipeline.storage import account_facts, decisions, frames, gates, ledger

_MOST_ROUNDS = 4

RAISING = ("credit.raise", "credit.cancel", "goods_in.write")
POSTING = ("credit.amend", "credit.post", "credit.annotate", "refund.record")
CONFIRMING = ("returngo.receive",)
MOVING = ("transfer.create", "transfer.dispatch", "transfer.ship", "transfer.release")

_ACTIONS = {
    "raise": "credit.raise",
    "cancel": "credit.cancel",
    "write_goods_in": "goods_in.write",
    "amend": "credit.amend",
    "post": "credit.post",
    "annotate": "credit.annotate",
    "record_refund": "refund.record",
}


def raise_expected_returns(stage_pass: Pass) -> StageReport:
    """Raises, cancels and receives (where the pipeline books goods in itself): what the bench works against."""
    return _write(stage_pass, "expected_returns", RAISING, lambda: _credit_plans(stage_pass, RAISING))


def post_credits(stage_pass: Pass) -> StageReport:
    """Amends, posts, annotates, and records refunds on credits whose goods came."""
    return _write(stage_pass, "posted_credits", POSTING, lambda: _credit_plans(stage_pass, POSTING))


def confirm_receipts(stage_pass: Pass) -> StageReport:
    """Confirms parcels to ReturnGo once every unit in them is settled."""
    return _write(stage_pass, "receipt_confirmations", CONFIRMING, lambda: _confirmation_plans(stage_pass))


def move_stock(stage_pass: Pass) -> StageReport:
    """Creates and dispatches transfers of passed units; never waits for a credit."""
    return _write(stage_pass, "stock_transfers", MOVING, lambda: _transfer_plans(stage_pass))


def _write(stage_pass: Pass, writer: str, kinds: Sequence[str], build: Callable[[], list[EffectPlan]]) -> StageReport:
    report = StageReport()
    runner_of = runner.Runner(stage_pass.accounts, stage_pass.settings, worker=stage_pass.run_id)
    settled = settle.settle(stage_pass.connection, stage_pass.accounts, kinds, stage_pass.settings)
    report.counts["effects_settled"] += settled.moved
    for _ in range(_MOST_ROUNDS):
        planned = _plan(stage_pass, kinds, build(), report)
        drained = runner_of.drain(kinds)
        report.counts.update({"effects_planned": planned, "effects_confirmed": drained.confirmed, "effects_rejected": drained.rejected, "effects_unknown": drained.unknown, "effects_halted": drained.halted})
        if drained.stopped_reason:
            report.notes.append(drained.stopped_reason)
        if not drained.confirmed:
            break
    _tell(stage_pass, writer, kinds, report)
    return report
