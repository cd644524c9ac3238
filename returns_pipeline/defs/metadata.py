"""Turns a stage's report into what Dagster shows: counts, money per currency, tables of ids. No reading, no judging.

Third-party text is shown as text or JSON and never as markdown.
"""

from dagster import (
    AssetCheckResult,
    AssetCheckSeverity,
    AssetCheckSpec,
    MaterializeResult,
    MetadataValue,
    TableColumn,
    TableColumnConstraints,
    TableRecord,
    TableSchema,
)

from returns_pipeline import schemas
from returns_pipeline.defs.names import asset_key as keyed
from returns_pipeline.domain.money import format_minor
from returns_pipeline.stages.report import GateVerdict, StageReport, Verdict
from returns_pipeline.stages.verdicts import STANDING_CHECKS

_MOST_ROWS_SHOWN = 20


def column_schema(asset_key: str) -> TableSchema:
    """The columns of an asset's table with type, unit and meaning, from its Pandera model."""
    return TableSchema(
        columns=[
            TableColumn(
                name=column.name,
                type=column.dtype,
                description=column.description,
                constraints=TableColumnConstraints(nullable=column.nullable),
            )
            for column in schemas.by_asset_key()[asset_key].columns()
        ]
    )


def schema_check(asset_key: str) -> AssetCheckSpec:
    """The spec of the check that shows whether a table's last batch passed its Pandera schema and opened its gate."""
    return AssetCheckSpec(
        name=schema_check_name(asset_key),
        asset=keyed(asset_key),
        blocking=True,
        description="Every row of the last batch fits the table's schema, and the gate that writers look at is open.",
    )


def standing_checks(asset_key: str) -> list[AssetCheckSpec]:
    """The specs of the checks that the asset's own stage answers; they tell and never block."""
    return [
        AssetCheckSpec(
            name=check.name,
            asset=keyed(asset_key),
            description=f"{check.title}.\n\nOwner: {check.owner}.",
        )
        for check in STANDING_CHECKS.get(asset_key, ())
    ]


def schema_check_name(asset_key: str) -> str:
    """`returngo/rmas` -> `rmas_conform_to_schema`."""
    return f"{asset_key.rsplit('/', 1)[1]}_conform_to_schema"


def materialized(asset_key: str, report: StageReport) -> MaterializeResult:
    """The result of one asset: its metadata and, where the stage gave verdicts, its schema check."""
    checks = [schema_check_result(asset_key, report)] if report.gates else []
    checks += [_standing_result(asset_key, verdict) for verdict in report.verdicts]
    return MaterializeResult(asset_key=keyed(asset_key), metadata=metadata_of(report), check_results=checks)


def metadata_of(report: StageReport) -> dict[str, MetadataValue]:
    """Counts, money totals with one key per currency, first offenders by id, and what the stage wants people to know."""
    metadata: dict[str, MetadataValue] = {name: MetadataValue.int(count) for name, count in report.counts.items()}
    for (name, currency), minor in sorted(report.money.items()):
        metadata[f"{name}_{currency}_minor"] = MetadataValue.int(minor)
        metadata[f"{name}_{currency}"] = MetadataValue.text(format_minor(minor, currency))
    metadata |= {name: MetadataValue.text(fact) for name, fact in report.facts.items()}
    metadata |= {
        name: MetadataValue.table([TableRecord(dict(row)) for row in rows])
        for name, rows in report.tables.items()
        if rows
    }
    if report.offenders:
        metadata["first_offenders"] = MetadataValue.table(
            [TableRecord({"what": what, "which": which}) for what, which in report.offenders[:_MOST_ROWS_SHOWN]]
        )
    metadata |= {name: MetadataValue.path(path) for name, path in sorted(report.files.items())}
    if report.notes:
        metadata["notes"] = MetadataValue.text("\n".join(report.notes))
    return metadata


def schema_check_result(asset_key: str, report: StageReport) -> AssetCheckResult:
    """Blocks the run when every shop's gate is closed; warns when some are, because the others go on."""
    closed = [gate for gate in report.gates if not gate.passed]
    every_shop = bool(report.gates) and len(closed) == len(report.gates)
    return AssetCheckResult(
        check_name=schema_check_name(asset_key),
        asset_key=keyed(asset_key),
        passed=not closed,
        severity=AssetCheckSeverity.ERROR if every_shop else AssetCheckSeverity.WARN,
        metadata={"rows": report.counts.get("rows", 0), **{f"gate_{gate.shop}": _say(gate) for gate in report.gates}},
    )


def _standing_result(asset_key: str, verdict: Verdict) -> AssetCheckResult:
    check = next(check for check in STANDING_CHECKS[asset_key] if check.name == verdict.name)
    metadata: dict[str, MetadataValue] = {
        "looked_at": MetadataValue.int(verdict.looked_at),
        "offending": MetadataValue.int(verdict.offending),
        **{name: MetadataValue.int(value) for name, value in verdict.sums.items()},
    }
    if verdict.offenders:
        rows = [TableRecord({"what": w, "which": which, "next_step": step}) for w, which, step in verdict.offenders]
        metadata["first_offenders"] = MetadataValue.table(rows[:_MOST_ROWS_SHOWN])
    return AssetCheckResult(
        check_name=verdict.name,
        asset_key=keyed(asset_key),
        passed=verdict.passed,
        severity=AssetCheckSeverity.ERROR if check.is_error else AssetCheckSeverity.WARN,
        metadata=metadata,
    )


def _say(gate: GateVerdict) -> str:
    return "open" if gate.passed else f"closed: {gate.reason}"
