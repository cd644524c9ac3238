"""What a command prepares: which database Dagster's runs go to."""

import os
from pathlib import Path

import pytest

from returns_pipeline.commands import runtime

ELSEWHERE = "postgresql+psycopg2://dagster:@/dagster?host=/elsewhere"


@pytest.mark.parametrize(("account", "is_kept"), [("", False), ("brand_a", True)])
def test_accounts_that_share_one_dagster_keep_its_database(
    account: str, is_kept: bool, database_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One account alone never writes into a database that an older shell still names; one of several must not leave the Dagster they share."""
    for name, value in {
        "RETURNS_HOME": str(tmp_path),
        "RETURNS_ACCOUNT": account,
        "DAGSTER_HOME": "",
        "DAGSTER_POSTGRES_URL": ELSEWHERE,
    }.items():
        monkeypatch.setenv(name, value)
    runtime.prepare()
    assert (os.environ["DAGSTER_POSTGRES_URL"] == ELSEWHERE) is is_kept
