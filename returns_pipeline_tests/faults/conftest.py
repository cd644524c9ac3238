"""Fixtures of the drills."""

from collections.abc import Callable, Iterator
from pathlib import Path

import psycopg
import pytest

from returns_pipeline.sandbox.serve import serve
from returns_pipeline_tests.faults.drills import Drill, settings_file
from returns_pipeline_tests.faults.ledger_account import Account, LedgerAccount
from returns_pipeline_tests.faults.shop import Shop


@pytest.fixture
def server() -> Iterator[LedgerAccount]:
    running = LedgerAccount()
    yield running
    running.close()


@pytest.fixture
def account(server: LedgerAccount) -> Account:
    return server.account


@pytest.fixture
def make_drill(
    connection: psycopg.Connection, server: LedgerAccount, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Callable[..., Drill]:
    monkeypatch.setenv("RETURNS_HOME", str(tmp_path / "home"))

    def make(**more: object) -> Drill:
        return Drill(connection, server.base_url, settings_file(tmp_path, **more))  # type: ignore[arg-type]

    return make


@pytest.fixture
def drill(make_drill: Callable[..., Drill]) -> Drill:
    """A drill with dedupe unproven, where nothing may ever be sent twice unseen."""
    return make_drill()


@pytest.fixture
def shop(connection: psycopg.Connection, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Shop]:
    monkeypatch.setenv("RETURNS_HOME", str(tmp_path / "home"))
    with serve(seed=11) as sandbox:
        made = Shop(sandbox, connection, tmp_path)
        yield made
        made.accounts.close()
