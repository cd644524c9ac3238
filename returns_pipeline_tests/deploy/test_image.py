"""The Dockerfile: what it copies exists, what it installs is locked, and it is the editable install that the README asks for."""

import fnmatch
import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

from returns_pipeline_tests.deploy.composed import DEPLOY, ROOT, filled_in, image_environment, services

TEXT = (DEPLOY / "Dockerfile").read_text(encoding="utf-8")
COPIED = [
    source for line in re.findall(r"^COPY (?!--from)(.+)$", TEXT, flags=re.MULTILINE) for source in line.split()[:-1]
]


def test_no_mistake_that_is_known_is_in_it() -> None:
    """An unpinned package, a shell that hides a failure, a root user."""
    hadolint = Path(sys.executable).parent / "hadolint"
    found = subprocess.run([str(hadolint), str(DEPLOY / "Dockerfile")], capture_output=True, text=True)
    assert found.returncode == 0, found.stdout


@pytest.mark.parametrize("source", COPIED)
def test_what_is_copied_is_in_the_history_and_let_in(source: str) -> None:
    """What only this machine has, or what the ignore file keeps out, is not there where the image is made."""
    committed = subprocess.run(["git", "ls-files", source], cwd=ROOT, capture_output=True, text=True, check=True).stdout
    assert committed
    rules = [
        line
        for line in (DEPLOY / "Dockerfile.dockerignore").read_text(encoding="utf-8").splitlines()
        if line[:1] != "#"
    ]
    assert rules[0] == "*", "first nothing, then what is needed: no settings and no env file may slip in"
    assert f"!{source.rstrip('/')}" in rules
    assert not any(
        fnmatch.fnmatch(f"deploy/{name}", rule[1:])
        for rule in rules[1:]
        for name in (".env", "accounts/brand_a.env")
        if rule[0] == "!"
    )


def test_it_installs_what_the_tests_use_by_the_same_hashes() -> None:
    """Another version of a package there would be one that nobody tried."""
    mine, theirs = (pinned(folder / "requirements.lock") for folder in (ROOT, DEPLOY))
    assert theirs
    assert {name: hashes for name, hashes in theirs.items() if mine.get(name) != hashes} == {}
    assert not {
        name for name in theirs if name.split("==")[0] in ("pytest", "playwright", "hypothesis", "mypy", "ruff")
    }
    install = re.search(r"pip install (.*?requirements\.lock)", TEXT.replace("\\\n", " "))
    assert install
    assert {"--no-deps", "--require-hashes", "--only-binary"} <= set(install[1].split())


def pinned(path: Path) -> dict[str, frozenset[str]]:
    """Hashes by name and version."""
    blocks = re.split(r"\n(?=[a-z0-9])", path.read_text(encoding="utf-8"))
    return {
        block.split(maxsplit=1)[0]: frozenset(re.findall(r"sha256:\w+", block)) for block in blocks if "==" in block
    }


def test_whatever_the_package_needs_is_locked() -> None:
    """An editable install without dependencies looks for nothing, and so misses nothing until it starts."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    extras = project["optional-dependencies"]
    wanted = [*project["dependencies"], *extras["celery"], *extras["image"][1:]]
    names = {re.split(r"[\[=<> ]", entry, maxsplit=1)[0] for entry in wanted}
    locked = {line.split("==")[0] for line in pinned(DEPLOY / "requirements.lock")}
    assert names - locked == set()
    assert extras["image"][0] == "returns-pipeline[celery]"


def test_it_is_the_install_that_the_readme_asks_for() -> None:
    """The command looks for dagster.yaml beside the package."""
    assert "--no-deps --no-build-isolation --editable ." in TEXT
    assert {"pyproject.toml", "dagster.yaml", "returns_pipeline/"} <= set(COPIED)
    folder = re.search(r"^WORKDIR (\S+)$", TEXT, flags=re.MULTILINE)
    assert folder
    assert f"COPY --from=packages {folder[1]} {folder[1]}" in TEXT


def test_nothing_of_it_runs_as_root_and_no_registry_is_named() -> None:
    """A number, so that Kubernetes can see that it is not root's; any mirror serves the packages."""
    assert re.findall(r"^USER (\S+)$", TEXT, flags=re.MULTILINE) == ["10001:10001"]
    assert "://" not in TEXT
    python = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["tool"]["mypy"]["python_version"]
    assert all(image.startswith(f"python:{python}.") for image in re.findall(r"^FROM (\S+)", TEXT, flags=re.MULTILINE))


def test_folders_that_last_are_volumes() -> None:
    """What is written elsewhere is refused, for the root is read-only, and what is written there survives an upgrade."""
    environment = image_environment()
    for service in services(filled_in()).values():
        if service.is_ours:
            said = environment | service.environment
            places = {str(target) for target in service.mounts} | {"/tmp"}  # noqa: S108 - a tmpfs of the container
            if "DAGSTER_POSTGRES_URL" in said:
                assert said["DAGSTER_HOME"] in places, service.name
            if "RETURNS_DATABASE_URL" in said:
                assert said["RETURNS_HOME"] in places, service.name
