"""Plans effects from proposals and carries them out: the ledger first, then one call each. What to do is decided in `domain/`.

Each writer goes in rounds: what one round confirms may be what the next one needs (a credit posted, then annotated).
"""

from collections.abc import Callable, Sequence
from functools import partial

import pandas as pd

from returns_pipeline.domain import confirmations, transfers
from returns_pipeline.domain.findings import Finding, findings_from_effects, subject_of
from returns_pipeline.domain.plans import EffectPlan, Sources, build_credit_plans
from returns_pipeline.effects.runner import Runner
from returns_pipeline.effects.settle import settle
from returns_pipeline.effects.stopping import deferred
from returns_pipeline.settings import ShopSettings, live_kinds
from returns_pipeline.stages import decide, unmoved, verdicts
from returns_pipeline.stages.inventory import inventory
from returns_pipeline.stages.passes import Pass, refuse_unfit
from returns_pipeline.stages.reading import Frames
from returns_pipeline.stages.recording import judged_rmas, observe
from returns_pipeline.stages.report import StageReport
from returns_pipeline.storage import account_facts, gates, ledger

_MOST_ROUNDS = 4
RAISING = ("credit.raise", "credit.cancel", "goods_in.write")
POSTING = ("credit.amend", "credit.post", "credit.annotate", "refund.record")
CONFIRMING = ("returngo.receive",)
MOVING = ("transfer.create", "transfer.dispatch", "transfer.ship", "transfer.release")
_KIND_OF_ACTION = {
    "raise": "credit.raise",
    "cancel": "credit.cancel",
    "write_goods_in": "goods_in.write",
    "amend": "credit.amend",
    "post": "credit.post",
    "annotate": "credit.annotate",
    "record_refund": "refund.record",
}
# What one shop's writer would do in this round, and what keeps it from doing more.
Build = Callable[[Pass, ShopSettings, int], tuple[list[EffectPlan], list[Finding]]]


def raise_expected_returns(stage_pass: Pass) -> StageReport:
    """Raises and cancels the credits that the bench receives against."""
    return _write(stage_pass, "expected_returns", RAISING, _raising_plans)


def post_credits(stage_pass: Pass) -> StageReport:
    """Amends, posts, annotates, and records refunds on credits whose goods came."""
    return _write(stage_pass, "posted_credits", POSTING, _posting_plans)


def confirm_receipts(stage_pass: Pass) -> StageReport:
    """Confirms parcels to ReturnGo once every unit in them is settled."""
    return _write(stage_pass, "receipt_confirmations", CONFIRMING, _confirmation_plans)


def move_stock(stage_pass: Pass) -> StageReport:
    """Creates and dispatches transfers of passed units; never waits for a credit."""
    return _write(stage_pass, "stock_transfers", MOVING, _transfer_plans)


def _write(stage_pass: Pass, writer: str, kinds: Sequence[str], build: Build) -> StageReport:
    refuse_unfit(stage_pass.connection, stage_pass.accounts, stage_pass.settings)
    report = StageReport()
    if stage_pass.settings.mode == "live":
        settled = settle(stage_pass.connection, stage_pass.accounts, kinds, stage_pass.settings)
        report.counts["effects_settled"] += settled.moved
        report.notes += settled.unread
    plan_and_send = partial(_plan_and_send, stage_pass, writer, kinds, build)
    at_rest = ledger.is_at_rest(stage_pass.connection, kinds)
    report.merge(unmoved.judged(stage_pass, f"write:{writer}", stage_pass.shops, plan_and_send, may_stand=at_rest))
    for verdict in report.verdicts:
        verdicts.record(stage_pass, verdict)
    return report


def _plan_and_send(stage_pass: Pass, writer: str, kinds: Sequence[str], build: Build) -> StageReport:
    report = StageReport()
    findings: dict[str, list[Finding]] = {}
    with deferred() as asked_to_stop:
        runner = Runner(stage_pass.accounts, stage_pass.settings, worker=stage_pass.run_id, stop=asked_to_stop)
        for number in range(_MOST_ROUNDS):
            findings = {shop.label: _plan(stage_pass, shop, kinds, build, number, report) for shop in stage_pass.shops}
            drained = runner.drain(kinds)
            stage_pass.ledger.forget()
            for state in ("confirmed", "rejected", "unknown", "halted"):
                report.counts[f"effects_{state}"] += getattr(drained, state)
            if drained.stopped_reason:
                report.notes.append(drained.stopped_reason)
            if runner.is_over:
                report.counts["effects_left_by_time"] = drained.left_planned
            # Where time is up, another round would only plan what the next run plans from newer facts.
            if asked_to_stop() or runner.is_over or not drained.confirmed:
                break
    _tell(stage_pass, writer, kinds, findings, report)
    return report


def _plan(
    stage_pass: Pass, shop: ShopSettings, kinds: Sequence[str], build: Build, number: int, report: StageReport
) -> list[Finding]:
    """Plans what is live, writes what is shadowed to the shadow plans; answers the findings of both."""
    closed = {kind: reasons for kind in kinds if (reasons := gates.closed(stage_pass.connection, shop.label, kind))}
    if len(closed) == len(kinds):
        report.notes.append(
            f"{shop.label}: nothing is planned while gates are closed: {'; '.join(next(iter(closed.values())))}"
        )
        return []
    plans, findings = build(stage_pass, shop, number)
    live = live_kinds(stage_pass.settings, shop)
    shadowed = [kind for kind in kinds if kind not in live]
    report.counts["shadow_plans"] += ledger.replace_shadow_plans(
        stage_pass.connection,
        shop.label,
        shadowed,
        [plan for plan in plans if plan.kind in shadowed],
        stage_pass.run_id,
    )
    planned = ledger.plan(
        stage_pass.connection, [plan for plan in plans if plan.kind in live], f"run {stage_pass.run_id}"
    )
    if plans:
        stage_pass.ledger.forget()
    report.counts["effects_planned"] += planned.planned
    report.counts["effects_adopted"] += planned.adopted
    subjects = {plan.business_key: subject_of(plan.payload) for plan in plans}
    return findings + [
        _refused(shop.label, key, reason, subjects[key].get("rma_id")) for key, reason in planned.refused
    ]


def _refused(shop: str, business_key: str, reason: str, rma_id: object) -> Finding:
    return Finding(
        code="effect_refused_by_ledger",
        subject_type="effect",
        subject_id=business_key,
        shop=shop,
        cause=f"{business_key.split(':')[0]}: {reason.split(':')[0]}",
        rma_id=rma_id if isinstance(rma_id, int) else None,
        expected="a plan that the balances and gates allow",
        found=reason,
    )


def _tell(
    stage_pass: Pass, writer: str, kinds: Sequence[str], findings: dict[str, list[Finding]], report: StageReport
) -> None:
    """Exceptions and standing inventory of one writer: how many effects are open, and how much money the confirmed ones carry."""
    effects = ledger.read_effects(stage_pass.connection) if stage_pass.scope.rma_ids else stage_pass.ledger.effects()
    of_writer = effects[effects["kind"].isin(kinds)]
    for shop in stage_pass.shops:
        troubled = findings_from_effects(of_writer[of_writer["shop"] == shop.label])
        report.merge(
            observe(
                stage_pass,
                f"write:{writer}",
                shop.label,
                [*findings.get(shop.label, []), *troubled],
                judged_rmas(stage_pass),
            )
        )
    verdict = inventory(writer, of_writer, stage_pass.now)
    report.counts["awaiting_approval"] = verdict.sums["awaiting_approval"]
    report.counts["still_open"] = verdict.looked_at
    report.verdicts.append(verdict)
    written = [payload["expect"] for payload in of_writer.loc[of_writer["state"] == "confirmed", "payload"]]
    done = pd.DataFrame(
        [{**row, "currency": expect["currency"]} for expect in written for row in expect.get("rows", ())],
        columns=["currency", "net_minor", "tax_minor"],
    )
    report.add_money("net", done, "net_minor")
    report.add_money("tax", done, "tax_minor")


def _raising_plans(stage_pass: Pass, shop: ShopSettings, number: int) -> tuple[list[EffectPlan], list[Finding]]:
    """What was decided to be raised or cancelled; nothing follows from it within the same pass."""
    return (
        [] if number else _credit_plans(stage_pass, shop, RAISING, Frames(stage_pass, shop)["returns/credit_proposals"])
    ), []


def _posting_plans(stage_pass: Pass, shop: ShopSettings, number: int) -> tuple[list[EffectPlan], list[Finding]]:
    """What was decided; in later rounds decided anew, because a posted credit is then annotated and its refund recorded."""
    proposals = (
        decide.credit_proposals(stage_pass, shop) if number else Frames(stage_pass, shop)["returns/credit_proposals"]
    )
    return _credit_plans(stage_pass, shop, POSTING, proposals), []


def _credit_plans(
    stage_pass: Pass, shop: ShopSettings, kinds: Sequence[str], proposals: pd.DataFrame
) -> list[EffectPlan]:
    wanted = proposals[proposals["action"].map(_KIND_OF_ACTION).isin(kinds)]
    if wanted.empty:
        return []
    read = Frames(stage_pass, shop)
    facts = account_facts.read_all(stage_pass.connection)
    sources = Sources(
        read["brightpearl/sales_orders"], read["brightpearl_sales_order_rows"], read["returngo/rmas"],
        read["returngo/return_items"], facts, stage_pass.settings, stage_pass.now,
    )  # fmt: skip
    return build_credit_plans(wanted, sources)


def _confirmation_plans(stage_pass: Pass, shop: ShopSettings, _: int) -> tuple[list[EffectPlan], list[Finding]]:
    read = Frames(stage_pass, shop)
    decided = read.decisions()
    settled = decided[decided["action"].isin(["adopt_credit", "waive", "void"])]["rma_id"].dropna().astype("int64")
    return confirmations.build_confirmation_plans(
        read["returns/return_lines"],
        read["returngo_shipments"],
        read["returns/receipts"],
        read.effects(),
        read.ledger_lines(),
        set(settled),
        shop,
        stage_pass.settings,
    )


def _transfer_plans(stage_pass: Pass, shop: ShopSettings, _: int) -> tuple[list[EffectPlan], list[Finding]]:
    read = Frames(stage_pass, shop)
    proposals, effects = read["returns/transfer_proposals"], read.effects()
    effects = effects[(effects["shop"] == shop.label) | ~effects["kind"].isin(MOVING)]
    warehouses = sorted({*shop.returns_warehouses.values(), *shop.saleable_warehouses.values()})
    defaults = {
        warehouse: places["default"]
        for warehouse, places in decide.locations(stage_pass, warehouses).items()
        if places["default"]
    }
    of_shop = effects[effects["shop"] == shop.label]
    plans = transfers.build_release_plans(proposals, of_shop, defaults)
    plans += transfers.build_create_plans(proposals, of_shop, defaults, shop)
    plans += transfers.build_follow_up_plans(of_shop[of_shop["kind"].isin(MOVING)], defaults, stage_pass.settings)
    return plans, []
