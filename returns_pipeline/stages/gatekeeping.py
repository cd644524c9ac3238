"""Validates a batch before it is committed, and writes its verdict: rows, cursor and gate in one transaction, or the closed gate alone.

A bad row is held back with a finding and the others go on; a bad batch closes the gate of its shop. What a batch means is not known here.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import pandas as pd

from returns_pipeline import schemas
from returns_pipeline.clients.fields import RecordRejected
from returns_pipeline.domain.findings import Finding
from returns_pipeline.settings import Settings
from returns_pipeline.stages.passes import Pass
from returns_pipeline.stages.recording import observe
from returns_pipeline.stages.report import GateVerdict, StageReport
from returns_pipeline.storage import cursors, frames, gates


@dataclass
class Batch:
    """One shop's rows of one table, as read: `rejected` are findings of records that could not be parsed at all.

    `subject_type` and `subject_column` say whom an exception about a row names.
    `parents` names the column and ids whose rows are known completely, so that rows no longer there are removed.
    `keys` are other unique columns than the table's own key, where the database makes that key.
    `newly_judged` counts the rows judged for the first time, on which the share of held rows is measured.
    """

    table: str
    frame: pd.DataFrame
    subject_type: str
    subject_column: str
    rejected: Sequence[Finding] = ()
    parents: tuple[str, Sequence[int]] | None = None
    newly_judged: int | None = None
    keys: Sequence[str] | None = None


def commit(
    stage_pass: Pass,
    shop: str,
    stage: str,
    batches: Sequence[Batch],
    moved_cursors: Mapping[str, str] | None = None,
    refusal: str | None = None,
) -> StageReport:
    """Stores the batches of one shop if they pass, with their cursors, and records one gate per table either way.

    Args:
        stage_pass: the pass at work.
        shop: label of the shop whose gates are concerned.
        stage: name under which findings are kept, and close themselves.
        batches: what was read, one per table; all are committed or none.
        moved_cursors: cursor name -> value, moved only with the rows.
        refusal: a reason, found by the caller, why this batch cannot be right (an open list empty where it cannot be).
    """
    report = StageReport()
    findings: list[Finding] = []
    accepted: list[tuple[Batch, pd.DataFrame]] = []
    reasons: dict[str, str] = {}
    for batch in batches:
        good, held = schemas.validate(batch.table, batch.frame)
        findings += [*batch.rejected, *_malformed(batch, held, shop)]
        accepted.append((batch, good))
        reason = refusal or _too_many_held(stage_pass.settings, batch, len(held) + len(batch.rejected))
        if reason:
            reasons[batch.table] = reason
    with stage_pass.connection.transaction():
        for batch, good in accepted:
            if not reasons:
                _store(stage_pass, batch, good, report)
            reason = reasons.get(batch.table) or next(iter(reasons.values()), None)
            report.gates.append(judge_gate(stage_pass, shop, batch.table, reason))
        for name, value in (moved_cursors or {}).items() if not reasons else ():
            cursors.move(stage_pass.connection, name, shop, value, stage_pass.run_id)
    report.counts["held_rows"] += len(findings)
    report.merge(observe(stage_pass, stage, shop, findings, _subjects(batches, findings)))
    return report


def judge_gate(stage_pass: Pass, shop: str, table: str, reason: str | None, cause: str | None = None) -> GateVerdict:
    """Opens the gate of a shop's table, or closes it for a reason; a closed gate is an exception until it opens.

    Args:
        cause: what several gates are closed for at once; None: each for itself.
    """
    was_closed = gates.record(
        stage_pass.connection, shop, table, stage_pass.run_id, passed=reason is None, reason=reason
    )
    if reason is not None or was_closed:
        closed = Finding(
            code="gate_closed",
            subject_type="gate",
            subject_id=table,
            shop=shop,
            cause=cause or f"the gate of {table} is closed",
            expected="a batch that can be used",
            found=reason,
        )
        observe(stage_pass, f"gate:{table}", shop, [closed] if reason is not None else [], judged=None)
    return GateVerdict(shop, table, reason is None, reason)


def rejected_record(rejection: RecordRejected, shop: str, subject_type: str, subject_id: str) -> Finding:
    """The finding for a record that could not be parsed: it is held, the others go on."""
    return Finding(
        code="record_malformed",
        subject_type=subject_type,
        subject_id=subject_id,
        shop=shop,
        cause=str(rejection),
        rma_id=int(subject_id) if subject_type == "rma" and subject_id.isdigit() else None,
        expected=f"a {rejection.field} that can be read",
        found=rejection.found,
    )


def collector(rejected: list[Finding], shop: str, subject_type: str) -> Callable[[RecordRejected], None]:
    """The client's `reject` hook: gathers a finding per record that cannot be used."""

    def collect(rejection: RecordRejected) -> None:
        rejected.append(rejected_record(rejection, shop, subject_type, rejection.subject))

    return collect


def _store(stage_pass: Pass, batch: Batch, good: pd.DataFrame, report: StageReport) -> None:
    written = frames.upsert(stage_pass.connection, batch.table, good, keys=batch.keys, replace_within=batch.parents)
    report.counts["rows"] += len(good)
    report.counts["changed_rows"] += written.inserted + written.changed + written.removed


def _too_many_held(settings: Settings, batch: Batch, held: int) -> str | None:
    judged = batch.newly_judged if batch.newly_judged is not None else len(batch.frame) + len(batch.rejected)
    if held == 0 or judged < settings.limits.max_held_min_rows or held <= judged * settings.limits.max_held_share:
        return None
    return f"{held} of {judged} rows of {batch.table} could not be used, more than limits.max_held_share allows: look at its exceptions before anything is written"


def _malformed(batch: Batch, held: pd.DataFrame, shop: str) -> list[Finding]:
    return [
        Finding(
            code="record_malformed",
            subject_type=batch.subject_type,
            subject_id=str(subject_id),
            shop=shop,
            cause=f"{batch.table}: {reason}",
            expected="a row that fits the table's schema",
            found=str(reason),
        )
        for subject_id, reason in zip(held[batch.subject_column], held["reason"], strict=True)
    ]


def _subjects(batches: Sequence[Batch], findings: Sequence[Finding]) -> set[tuple[str, str]]:
    judged = {(finding.subject_type, finding.subject_id) for finding in findings}
    for batch in batches:
        judged |= {(batch.subject_type, str(subject_id)) for subject_id in batch.frame[batch.subject_column].unique()}
    return judged
