"""Backups: one that overwrites the last good one, or a half restore, is worse than none. The whole drill is a command: `test_drill`."""

import subprocess
import uuid
from pathlib import Path
from typing import Any

import psycopg
import pytest

from returns_pipeline.storage import backup
from returns_pipeline_tests.conftest import as_role


def kept(connection: psycopg.Connection) -> list[tuple[str]]:
    return connection.execute("SELECT order_name FROM returngo_rmas").fetchall()


def test_a_backup_brings_back_what_was_and_takes_away_what_came_since(
    connection: psycopg.Connection, database_url: str, tmp_path: Path
) -> None:
    row = "INSERT INTO returngo_rmas(rma_id, shop, status, order_name, shopify_order_id, created_at, is_out_of_policy, is_open, detail_read_at) VALUES (%s, 'uk', 'Approved', %s, '1', now(), false, true, now())"
    connection.execute(row, [1, "#1"])
    assert backup.write(database_url, tmp_path / "new" / "night.dump") > 0
    connection.execute(row, [2, "#2"])
    backup.restore(database_url, tmp_path / "new" / "night.dump")
    assert kept(connection) == [("#1",)]


def test_a_backup_is_never_written_over_another(database_url: str, tmp_path: Path) -> None:
    (tmp_path / "night.dump").write_text("the last good one")
    with pytest.raises(backup.BackupFailed, match="never written over"):
        backup.write(database_url, tmp_path / "night.dump")
    assert (tmp_path / "night.dump").read_text() == "the last good one"


def test_a_backup_that_failed_leaves_no_file_that_looks_like_one(tmp_path: Path) -> None:
    with pytest.raises(backup.BackupFailed, match="pg_dump ended with"):
        backup.write(f"postgresql://nobody@/none?host={tmp_path}", tmp_path / "night.dump")
    assert not (tmp_path / "night.dump").exists()


@pytest.mark.parametrize("content", [None, "no dump at all"])
def test_a_file_that_is_no_backup_changes_nothing(
    connection: psycopg.Connection, database_url: str, tmp_path: Path, content: str | None
) -> None:
    if content is not None:
        (tmp_path / "night.dump").write_text(content)
    with pytest.raises(backup.BackupFailed, match="night.dump|pg_restore ended with"):
        backup.restore(database_url, tmp_path / "night.dump")
    assert kept(connection) == []


def test_the_password_of_the_database_is_in_no_arguments(
    connection: psycopg.Connection,  # noqa: ARG001 - the database is there
    database_url: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Whoever is logged in on the machine can list the arguments of every process."""
    seen: list[list[str]] = []
    run = subprocess.run

    def watched(arguments: list[str], **how: Any) -> Any:
        seen.append(arguments)
        return run(arguments, **how)  # noqa: S603 - passed on

    monkeypatch.setattr(subprocess, "run", watched)
    dump = tmp_path / "night.dump"
    backup.write(database_url.replace("//postgres:@", "//postgres:canary-password@"), dump)
    backup.restore(database_url.replace("//postgres:@", "//postgres:canary-password@"), dump)
    assert [Path(arguments[0]).name for arguments in seen] == ["pg_dump", "pg_restore"]
    assert "canary-password" not in str(seen)


def test_a_role_reads_after_a_restore_what_it_read_before(postgres_url: str, database_url: str, tmp_path: Path) -> None:
    """Grants come back with the tables: else the pipeline stands still on the day it matters."""
    backup.write(database_url, tmp_path / "night.dump")
    backup.restore(database_url, tmp_path / "night.dump")
    login = f"restored_{uuid.uuid4().hex}"
    with psycopg.connect(postgres_url, autocommit=True) as owner:
        owner.execute(f"CREATE ROLE {login} LOGIN IN ROLE returns_pipeline")
        try:
            with psycopg.connect(as_role(database_url, login)) as connection:
                assert connection.execute("SELECT count(*) FROM returns.audit").fetchone() == (0,)
                with pytest.raises(psycopg.errors.InsufficientPrivilege):
                    connection.execute("DELETE FROM returns.audit")
        finally:
            owner.execute(f"DROP ROLE {login}")
