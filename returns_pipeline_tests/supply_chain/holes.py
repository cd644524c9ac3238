"""Known holes in what the lock file pins, as pip-audit finds them. What could not be looked up is told as that, never as clean."""

import datetime as dt
import json
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from returns_pipeline_tests.supply_chain.allowed import AllowedHole

CLEAN, FOUND, NOT_AUDITED = 0, 1, 2


@dataclass
class Audit:
    """What was found, in words, and whether all packages could be looked up."""

    lines: list[str] = field(default_factory=list)
    status: int = CLEAN

    def say(self, line: str, status: int) -> None:
        """Adds a line; the worst status stays, and nothing is worse than not having looked."""
        self.lines.append(line)
        self.status = max(self.status, status)


def audit(lock: Path, allowed: Sequence[AllowedHole], today: dt.date, service: Sequence[str] = ()) -> Audit:
    """Looks every pinned package up.

    Args:
        lock: a requirements file with hashes.
        allowed: holes that do not reach us.
        today: after the last day of an allowance it is none.
        service: options of pip-audit that say where advisories come from.
    """
    found = Audit()
    command = [sys.executable, "-m", "pip_audit", "--requirement", str(lock), "--require-hashes", "--disable-pip"]
    command += ["--format", "json", "--progress-spinner", "off", *service]
    done = subprocess.run(command, capture_output=True, text=True)
    try:
        packages = json.loads(done.stdout)["dependencies"]
    except (json.JSONDecodeError, KeyError):
        last = (done.stderr.strip().splitlines() or ["it said nothing"])[-1]
        found.say(
            f"not audited: the advisories could not be read ({last}). Run this where they can be reached", NOT_AUDITED
        )
        return found
    _tell_unread(packages, found)
    _tell_holes(packages, allowed, today, found)
    if found.status == CLEAN:
        found.lines.append(f"{len(packages)} packages looked up, no known hole that is not allowed")
    return found


def _tell_unread(packages: Sequence[dict], found: Audit) -> None:
    unread = [package["name"] for package in packages if "skip_reason" in package]
    if unread:
        some = ", ".join(unread[:5])
        found.say(
            f"not audited: {len(unread)} of {len(packages)} packages could not be looked up ({some}, ...)", NOT_AUDITED
        )


def _tell_holes(packages: Sequence[dict], allowed: Sequence[AllowedHole], today: dt.date, found: Audit) -> None:
    unused = {(entry.id, entry.package): entry for entry in allowed}
    for package in packages:
        for hole in package.get("vulns", ()):
            names = {hole["id"], *hole.get("aliases", ())}
            entry = next(
                (unused.pop((name, package["name"])) for name in names if (name, package["name"]) in unused), None
            )
            told = f"{package['name']} {package['version']}: {hole['id']}, mended in {', '.join(hole['fix_versions']) or 'no release yet'}"
            if entry is None:
                found.say(told, FOUND)
            elif entry.until < today:
                found.say(f"{told}; it was allowed until {entry.until} ({entry.reason}): look again", FOUND)
    if found.status != NOT_AUDITED:
        for entry in unused.values():
            found.say(f"{entry.package}: {entry.id} is allowed and no longer found: take it out of allowed.toml", FOUND)
