"""Standing checks of the pipeline itself: what each asks, and how a stage writes its verdict down. The data team's own checks are in `checks/`."""

from collections.abc import Mapping
from dataclasses import dataclass

from returns_pipeline.stages.passes import Pass
from returns_pipeline.stages.report import StageReport, Verdict
from returns_pipeline.storage import check_results


@dataclass(frozen=True)
class StandingCheck:
    """One check that an asset's own stage answers.

    Attributes:
        is_error: ERROR where something is wrong now; WARN where somebody should look.
        is_announced: told by `failed_check_sensor`; not where its cases are told as exceptions.
    """

    name: str
    asset: str
    title: str
    owner: str
    is_error: bool
    is_announced: bool = True


_CHECKS = (
    StandingCheck(
        "every_part_is_heard_from",
        "operations/health",
        "Every schedule, sensor and job was heard from in time",
        "integration",
        is_error=True,
    ),
    StandingCheck(
        "every_gate_is_open",
        "operations/health",
        "Every shop's batches can be used",
        "integration",
        is_error=True,
        is_announced=False,
    ),
    StandingCheck(
        "every_writer_may_write",
        "operations/health",
        "No writer was stopped by the other system's refusals",
        "integration",
        is_error=True,
    ),
    StandingCheck(
        "returns_come_as_on_other_days",
        "operations/health",
        "Returns come in as on other such days of the week",
        "integration",
        is_error=True,
    ),
    StandingCheck(
        "goods_come_as_on_other_days",
        "operations/health",
        "The warehouse books goods in as on other such days of the week",
        "warehouse",
        is_error=False,
    ),
    StandingCheck(
        "returngo_calls_last_the_day",
        "operations/health",
        "ReturnGo's calls last for the day: lists and details need not rest",
        "integration",
        is_error=False,
    ),
    StandingCheck(
        "the_audit_chain_holds",
        "operations/health",
        "No row of the ledger's audit was changed",
        "integration",
        is_error=True,
    ),
    StandingCheck(
        "no_expected_return_is_stuck",
        "brightpearl/expected_returns",
        "Every expected return that was decided on is written",
        "warehouse",
        is_error=False,
        is_announced=False,
    ),
    StandingCheck(
        "no_posting_is_stuck",
        "brightpearl/posted_credits",
        "Every credit that was decided on is posted, and its refund recorded",
        "finance",
        is_error=False,
        is_announced=False,
    ),
    StandingCheck(
        "no_confirmation_is_stuck",
        "returngo/receipt_confirmations",
        "Every parcel that is settled is confirmed to ReturnGo",
        "cx",
        is_error=False,
        is_announced=False,
    ),
    StandingCheck(
        "no_transfer_write_is_stuck",
        "brightpearl/stock_transfers",
        "Every transfer of passed units that was decided on is written",
        "warehouse",
        is_error=False,
        is_announced=False,
    ),
)

STANDING_CHECKS: Mapping[str, tuple[StandingCheck, ...]] = {
    asset: tuple(check for check in _CHECKS if check.asset == asset) for asset in {check.asset for check in _CHECKS}
}


def give(stage_pass: Pass, report: StageReport, verdict: Verdict) -> None:
    """Keeps the verdict for people and sensors, and hands it to Dagster with the report."""
    record(stage_pass, verdict)
    report.verdicts.append(verdict)


def record(stage_pass: Pass, verdict: Verdict) -> None:
    """Keeps the verdict for people and sensors."""
    check = next(check for check in _CHECKS if check.name == verdict.name)
    check_results.record(
        stage_pass.connection,
        check_name=check.name,
        asset_key=check.asset,
        run_id=stage_pass.run_id,
        passed=verdict.passed,
        severity="error" if check.is_error else "warn",
        is_blocking=False,
        rows_checked=verdict.looked_at,
        violations=verdict.offending,
        detail={
            "title": check.title,
            "owner": check.owner,
            "is_announced": check.is_announced,
            "first": [f"{what}: {which}" for what, which, _ in verdict.offenders],
        },
    )
