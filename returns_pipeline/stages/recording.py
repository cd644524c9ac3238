"""Writes a stage's findings down as exceptions, and counts what that changed. What is wrong is decided in `domain/`."""

from collections.abc import Iterable, Sequence

from returns_pipeline.domain.catalogue import CATALOGUE
from returns_pipeline.domain.findings import Finding
from returns_pipeline.stages.passes import Pass
from returns_pipeline.stages.report import StageReport
from returns_pipeline.storage import exceptions

_MOST_OFFENDERS = 20


def observe(
    stage_pass: Pass, stage: str, shop: str, findings: Sequence[Finding], judged: Iterable[tuple[str, str]] | None
) -> StageReport:
    """Opens, keeps, re-opens and closes the exceptions of one stage and shop.

    `judged` names the subjects that this pass looked at: an exception about one of them that is not among the findings closes itself.
    None means that all subjects of the stage and shop were looked at.
    """
    observed = exceptions.observe(
        stage_pass.connection,
        stage,
        shop,
        findings,
        judged_subjects=None if judged is None else set(judged),
        now=stage_pass.now,
        catalogue=CATALOGUE,
        settings=stage_pass.settings,
    )
    report = StageReport()
    report.counts["exceptions_opened"] = observed.opened + observed.reopened
    report.counts["exceptions_resolved"] = observed.resolved
    report.counts["exceptions_changed"] = observed.opened + observed.reopened + observed.resolved
    report.offenders = [
        (finding.code, f"{finding.subject_type} {finding.subject_id}") for finding in findings[:_MOST_OFFENDERS]
    ]
    return report


def judged_rmas(stage_pass: Pass) -> set[tuple[str, str]] | None:
    """The subjects of a run about single returns; None for a run about everything that is open."""
    return {("rma", str(rma_id)) for rma_id in stage_pass.scope.rma_ids} or None
