"""One retailer per module, live: a sandbox, a database and a home of its own, the sandbox's settings with the module's changes."""

import uuid
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest

from returns_pipeline.commands import runtime, sandbox_process
from returns_pipeline_tests.conftest import url_of
from returns_pipeline_tests.scenarios.lockstep import Played, scripts_of
from returns_pipeline_tests.scenarios.retailer import Retailer


@pytest.fixture(scope="module")
def module_database(postgres_url: str, template: str) -> Iterator[str]:
    """The URL of a migrated database that only this module uses."""
    name = f"scenarios_{uuid.uuid4().hex}"
    with psycopg.connect(postgres_url, autocommit=True) as connection:
        connection.execute(f"CREATE DATABASE {name} TEMPLATE {template} STRATEGY file_copy")
        yield url_of(postgres_url, name)
        connection.execute(f"DROP DATABASE {name} WITH (FORCE)")


@pytest.fixture(scope="module")
def retailer(
    request: pytest.FixtureRequest, module_database: str, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Retailer]:
    """A live retailer. `SETTINGS` of a module changes lines of the sandbox's settings: {"posting = \\"automatic\\"": ...}."""
    home: Path = tmp_path_factory.mktemp("home")
    with sandbox_process.running(seed=7) as sandbox, pytest.MonkeyPatch.context() as patch:
        settings = home / "settings.toml"
        settings.write_text(changed(sandbox.settings_toml, getattr(request.module, "SETTINGS", {})), encoding="utf-8")
        patch.setenv("RETURNS_HOME", str(home))
        patch.setenv("RETURNS_SETTINGS", str(settings))
        patch.setenv("RETURNS_MODE", "live")
        patch.setenv("RETURNS_DATABASE_URL", module_database)
        for name in ("DAGSTER_HOME", "DAGSTER_POSTGRES_URL"):
            patch.setenv(name, "")  # `prepare` sets them; the patch takes them back
        for name, value in sandbox.environment.items():
            patch.setenv(name, value)
        runtime.prepare()
        yield Retailer(sandbox)


@pytest.fixture(scope="module")
def played(request: pytest.FixtureRequest, retailer: Retailer) -> Played:
    """The module's cases, played in lockstep."""
    cases = Played()
    cases.play(scripts_of(request.module), retailer)
    return cases


def changed(settings_toml: str, changes: dict[str, str]) -> str:
    """The settings with some of their lines changed; a line that is not there is a mistake of the test."""
    for line, instead in changes.items():
        assert line in settings_toml, f"the sandbox's settings have no line {line}"
        settings_toml = settings_toml.replace(line, instead)
    return settings_toml
