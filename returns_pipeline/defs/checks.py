"""Shows the data team's checks in Dagster, keeps their results and opens their exceptions. The rules are in `checks/`."""

import dagster as dg

from returns_pipeline.checks.registry import Check, discover
from returns_pipeline.defs.names import asset_key
from returns_pipeline.defs.resources import PipelineResource, ScopeConfig
from returns_pipeline.stages import checking


def _asset_check(check: Check) -> dg.AssetChecksDefinition:
    @dg.asset_check(
        name=check.name,
        asset=asset_key(check.asset),
        blocking=check.is_blocking,
        description=f"{check.title}.\n\nOwner: {check.owner}. Reads: {check.scope} rows.",
    )
    def body(
        context: dg.AssetCheckExecutionContext, config: ScopeConfig, pipeline: PipelineResource
    ) -> dg.AssetCheckResult:
        with pipeline.open(context, config) as opened:
            result = checking.run(opened, check)
        return dg.AssetCheckResult(
            passed=result.passed,
            severity=dg.AssetCheckSeverity.ERROR if check.severity == "error" else dg.AssetCheckSeverity.WARN,
            metadata={
                "rows_checked": result.rows_checked,
                "violations": len(result.violations),
                "owner": check.owner,
                "first_offenders": dg.MetadataValue.table(
                    [
                        dg.TableRecord(
                            {"subject": f"{v.subject_type} {v.subject_id}", "expected": v.expected, "found": v.found}
                        )
                        for v in result.violations[:20]
                    ]
                    or [dg.TableRecord({"subject": "none", "expected": "", "found": ""})]
                ),
            },
        )

    return body


data_team_checks = [_asset_check(check) for check in discover()]
