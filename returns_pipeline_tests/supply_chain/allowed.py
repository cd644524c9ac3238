"""What is allowed although it was found, each with its reason: `allowed.toml` beside. A hole is allowed until a day, a key by its hash."""

import datetime as dt
import tomllib
from dataclasses import dataclass
from pathlib import Path

_FILE = Path(__file__).with_name("allowed.toml")


@dataclass(frozen=True)
class AllowedHole:
    """A known hole that does not reach us: why, and the last day on which that is believed."""

    id: str
    package: str
    reason: str
    until: dt.date


@dataclass(frozen=True)
class AllowedSecret:
    """Something that looks like a key and is none."""

    file: str
    sha1: str
    reason: str


def holes(file: Path = _FILE) -> list[AllowedHole]:
    """The holes that are allowed."""
    return [AllowedHole(**entry) for entry in tomllib.loads(file.read_text()).get("hole", [])]


def secrets(file: Path = _FILE) -> list[AllowedSecret]:
    """The texts that look like keys and are none."""
    return [AllowedSecret(**entry) for entry in tomllib.loads(file.read_text()).get("secret", [])]
