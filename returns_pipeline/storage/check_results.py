"""Results of checks, one row per run of a check. What a check asks is in `checks/`."""

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import psycopg
from psycopg.types.json import Jsonb


@dataclass(frozen=True)
class CheckResult:
    """The newest result of a check."""

    check_name: str
    asset_key: str
    shop: str
    run_id: str
    passed: bool
    severity: str
    is_blocking: bool
    rows_checked: int
    violations: int
    detail: dict[str, Any]
    at: dt.datetime


def record(
    connection: psycopg.Connection,
    *,
    check_name: str,
    asset_key: str,
    run_id: str,
    passed: bool,
    severity: str,
    is_blocking: bool,
    rows_checked: int,
    violations: int,
    detail: Mapping[str, Any] | None = None,
    shop: str = "",
) -> None:
    """Adds a result; `detail` holds ids and counts, never rows."""
    connection.execute(
        """INSERT INTO check_results(check_name, asset_key, shop, run_id, passed, severity, is_blocking, rows_checked, violations, detail)
           VALUES (%s, %s, %s, %s, %s, %s, %s, %s, %s, %s)""",
        (
            check_name,
            asset_key,
            shop,
            run_id,
            passed,
            severity,
            is_blocking,
            rows_checked,
            violations,
            Jsonb(dict(detail or {})),
        ),
    )


def newest(connection: psycopg.Connection) -> list[CheckResult]:
    """The newest result of each check, asset and shop, by asset and name."""
    rows = connection.execute(
        """SELECT DISTINCT ON (asset_key, check_name, shop) check_name, asset_key, shop, run_id, passed, severity, is_blocking, rows_checked, violations,
                  detail, at FROM check_results ORDER BY asset_key, check_name, shop, at DESC"""
    ).fetchall()
    return [CheckResult(*row) for row in rows]
