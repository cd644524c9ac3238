"""Runs one of the data team's checks: reads its asset in its scope, keeps the result and its exceptions. No rule of its own."""

from dataclasses import dataclass
from functools import partial

from returns_pipeline.checks.registry import Check, Violation
from returns_pipeline.domain.findings import Finding
from returns_pipeline.stages import unmoved
from returns_pipeline.stages.passes import Pass
from returns_pipeline.stages.recording import observe
from returns_pipeline.stages.report import StageReport
from returns_pipeline.storage import check_results, frames


@dataclass(frozen=True)
class CheckOutcome:
    """What a check found: the violations over `rows_checked` rows."""

    rows_checked: int
    violations: list[Violation]

    @property
    def passed(self) -> bool:
        """Whether there was no violation."""
        return not self.violations


def run(stage_pass: Pass, check: Check) -> CheckOutcome:
    """Runs the rule over every shop of the pass; a check of scope `all` reads all of history in a sweep, and what is open otherwise."""
    violations: list[Violation] = []
    judged = unmoved.judged(
        stage_pass,
        f"check:{check.name}",
        stage_pass.shops,
        partial(_judge, stage_pass, check, violations),
        # What is violated is told row by row, and looked at in each pass.
        is_kept=lambda _: not violations,
    )
    outcome = CheckOutcome(judged.counts["rows"], violations)
    check_results.record(
        stage_pass.connection,
        check_name=check.name,
        asset_key=check.asset,
        run_id=stage_pass.run_id,
        passed=outcome.passed,
        severity=check.severity,
        is_blocking=check.is_blocking,
        rows_checked=outcome.rows_checked,
        violations=len(violations),
        detail={
            "title": check.title,
            "owner": check.owner,
            "first": [f"{v.subject_type} {v.subject_id}" for v in violations[:20]],
        },
    )
    return outcome


def _judge(stage_pass: Pass, check: Check, violations: list[Violation]) -> StageReport:
    scope = "all" if check.scope == "all" and stage_pass.scope.is_sweep else "open"
    rma_ids = stage_pass.scope.rma_ids or None
    report = StageReport()
    for shop in stage_pass.shops:
        frame = frames.read(
            stage_pass.connection,
            check.asset,
            scope="open" if rma_ids else scope,
            shop=shop.label,
            rma_ids=rma_ids,
            order_name_format=shop.order_name_format,
        )
        found = list(check.rule(frame))
        report.counts["rows"] += len(frame)
        violations += found
        observe(
            stage_pass,
            f"check:{check.name}",
            shop.label,
            [_finding(check, violation, shop.label) for violation in found if violation.told_as is None],
            judged=None,
        )
    return report


def _finding(check: Check, violation: Violation, shop: str) -> Finding:
    return Finding(
        code="check_failed",
        subject_type=violation.subject_type,
        subject_id=f"{check.name}:{violation.subject_id}",
        shop=violation.shop or shop,
        cause=check.title,
        rma_id=violation.rma_id,
        money_minor=violation.money_minor,
        currency=violation.currency,
        expected=violation.expected,
        found=violation.found,
        owner=check.owner,
        severity=check.severity,
    )
