"""The compose file as Docker would read it: fragments merged, variables filled in. No assertions."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any

import yaml

ROOT = Path(__file__).resolve().parents[2]
DEPLOY = ROOT / "deploy"
COMPOSE = DEPLOY / "compose.yaml"
ACCOUNTS = ("brand_a", "brand_b")
_VARIABLE = re.compile(r"\$\$|\$\{(?P<name>\w+)(?::(?P<kind>[-?])(?P<rest>[^}]*))?\}")


@dataclass(frozen=True)
class Service:
    """One service, with what the image adds to it where the image is ours."""

    name: str
    said: Mapping[str, Any]

    @property
    def is_ours(self) -> bool:
        return str(self.said["image"]).startswith("returns-pipeline:")

    @property
    def command(self) -> list[str]:
        return list(self.said.get("command", []))

    @property
    def health_command(self) -> list[str]:
        """Without the word that says how it is started."""
        return list(self.said["healthcheck"]["test"][1:])

    @property
    def environment(self) -> dict[str, str]:
        return dict(self.said.get("environment", {}))

    @property
    def mounts(self) -> dict[PurePosixPath, str]:
        """What lies at each path of the container: a file beside the compose file, or a volume's name."""
        pairs = [each.split(":") for each in self.said.get("volumes", [])]
        return {PurePosixPath(pair[1]): pair[0] for pair in pairs}

    @property
    def networks(self) -> set[str]:
        return set(self.said["networks"])

    @property
    def profiles(self) -> set[str]:
        return set(self.said.get("profiles", []))


def written() -> dict[str, Any]:
    """The file with its fragments merged, its variables as they are written."""
    return yaml.safe_load(COMPOSE.read_text(encoding="utf-8"))


def services(variables: Mapping[str, str]) -> dict[str, Service]:
    """Every service, its variables filled in.

    Raises:
        KeyError: a variable that must be set is not.
    """
    return {name: Service(name, _filled(said, variables)) for name, said in written()["services"].items()}


def variables_named() -> set[str]:
    """Every variable that the file takes from .env."""
    return {found["name"] for found in _VARIABLE.finditer(COMPOSE.read_text(encoding="utf-8")) if found["name"]}


def filled_in() -> dict[str, str]:
    """What somebody writes into .env: each empty value of the example is a word that tells where it went."""
    given = dict(env_lines(DEPLOY / "example.env"))
    return {name: value or f"{name.lower().replace('_', '')}1" for name, value in given.items()}


def env_lines(path: Path) -> Iterator[tuple[str, str]]:
    """Names and values of an env file; what is commented out is not there."""
    for line in path.read_text(encoding="utf-8").splitlines():
        if line and not line.startswith("#"):
            name, _, value = line.partition("=")
            yield name, value.strip("\"'")


def image_environment() -> dict[str, str]:
    """What the Dockerfile's last ENV says, but PATH, which is the test's own."""
    text = (DEPLOY / "Dockerfile").read_text(encoding="utf-8")
    block = text.rsplit("ENV ", 1)[1].split("\nWORKDIR", 1)[0].replace("\\\n", " ")
    return dict(pair.split("=", 1) for pair in block.split() if not pair.startswith("PATH="))


def _filled(value: Any, variables: Mapping[str, str]) -> Any:
    if isinstance(value, dict):
        return {key: _filled(entry, variables) for key, entry in value.items()}
    if isinstance(value, list):
        return [_filled(entry, variables) for entry in value]
    return _VARIABLE.sub(lambda found: _value(found, variables), value) if isinstance(value, str) else value


def _value(found: re.Match[str], variables: Mapping[str, str]) -> str:
    if found[0] == "$$":
        return "$"
    given = variables.get(found["name"], "")
    if given or found["kind"] == "-":
        return given or str(found["rest"])
    raise KeyError(found["name"])
