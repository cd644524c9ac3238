"""A live retailer for the scenarios: a sandbox, a database and a home of its own, and the sandbox's settings laid over the defaults."""

import uuid
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager

import psycopg
import pytest

from returns_pipeline.commands import runtime, sandbox_process
from returns_pipeline_tests.conftest import as_role, url_of
from returns_pipeline_tests.scenarios.lockstep import USUAL, Arrangement, Play, Played
from returns_pipeline_tests.scenarios.retailer import Retailer

# Nobody asks for it, but it must be found nowhere.
PASSWORD = "password-of-the-database"
OpenShop = Callable[..., AbstractContextManager[Retailer]]
# The cases begin five days before today: with a weekend among these, fewer working hours have passed since than without.
EVERY_DAY_ALIKE = """
[calendar]
days = ["mon", "tue", "wed", "thu", "fri", "sat", "sun"]

[sla]
status_drift_hours = 60
"""


@pytest.fixture(scope="session")
def open_shop(postgres_url: str, template: str, tmp_path_factory: pytest.TempPathFactory) -> OpenShop:
    """Opens a retailer for as long as a `with` block lasts."""

    @contextmanager
    def opened(arrangement: Arrangement = USUAL) -> Iterator[Retailer]:
        home = tmp_path_factory.mktemp("home")
        name = f"scenarios_{uuid.uuid4().hex}"
        with (
            sandbox_process.running(seed=7) as sandbox,
            psycopg.connect(postgres_url, autocommit=True) as connection,
            pytest.MonkeyPatch.context() as patch,
        ):
            settings = home / "settings.toml"
            written = changed(sandbox.settings_toml, arrangement.changes) + EVERY_DAY_ALIKE
            settings.write_text(written, encoding="utf-8")
            connection.execute(f"CREATE DATABASE {name} TEMPLATE {template} STRATEGY file_copy")
            # Neither of them owns anything: what the pipeline needs, its role's grants must give.
            for login in ("pipeline", "dagster"):
                connection.execute(f"CREATE ROLE {name}_{login} LOGIN IN ROLE returns_{login}")
            variables = sandbox.environment | {
                "RETURNS_HOME": str(home),
                "RETURNS_SETTINGS": str(settings),
                "RETURNS_MODE": "live",
                "RETURNS_DATABASE_URL": as_role(url_of(postgres_url, name), f"{name}_pipeline:{PASSWORD}"),
                "DAGSTER_POSTGRES_URL": as_role(url_of(postgres_url, name), f"{name}_dagster:{PASSWORD}"),
                # Set by `prepare`; named here so that the patch takes it back.
                "DAGSTER_HOME": "",
            }
            for variable, value in variables.items():
                patch.setenv(variable, value)
            runtime.prepare()
            sandbox.post("/switches", dict(arrangement.switches))
            yield Retailer(sandbox)
            connection.execute(f"DROP DATABASE {name} WITH (FORCE)")

    return opened


@pytest.fixture(scope="session")
def play(request: pytest.FixtureRequest, open_shop: OpenShop) -> Play:
    """Plays every chosen case of an arrangement in lockstep with one retailer, before the first of them is told."""
    done: dict[Arrangement, Played] = {}

    def played(arrangement: Arrangement) -> Played:
        if arrangement not in done:
            done[arrangement] = Played()
            scripts = [
                item.function.script
                for item in request.session.items
                if getattr(getattr(item, "function", None), "arrangement", None) == arrangement
            ]
            with open_shop(arrangement) as retailer:
                done[arrangement].play(scripts, retailer)
        return done[arrangement]

    return played


def changed(settings_toml: str, changes: Mapping[str, str]) -> str:
    """The settings with some of their lines changed; a line that is not there is a mistake of the test."""
    for line, instead in changes.items():
        assert line in settings_toml, f"the sandbox's settings have no line {line}"
        settings_toml = settings_toml.replace(line, instead)
    return settings_toml
