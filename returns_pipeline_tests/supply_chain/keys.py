"""Keys and tokens in files that are kept in git, and in its history, as detect-secrets knows their shapes."""

import subprocess
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from detect_secrets.core import scan
from detect_secrets.core.plugins.util import get_mapping_from_secret_type_to_class
from detect_secrets.settings import transient_settings

from returns_pipeline_tests.supply_chain.allowed import AllowedSecret

# Random-looking text is everywhere in tests; a key of a known shape, or a password in an address, is not.
_GUESSING = {"Base64HighEntropyString", "HexHighEntropyString", "IPPublicDetector", "KeywordDetector"}
_PINS = (".lock", ".png", ".svg")


@dataclass(frozen=True)
class Key:
    """Something that looks like a key: where, what kind, and its hash."""

    file: str
    line: int
    kind: str
    sha1: str

    def __str__(self) -> str:
        return f"{self.file}:{self.line}: {self.kind} (sha1 {self.sha1})"


def in_files(root: Path, allowed: Sequence[AllowedSecret]) -> tuple[list[Key], list[AllowedSecret]]:
    """What looks like a key in the files that git keeps, and the allowances that nothing needs any more."""
    listed = subprocess.run(
        ["git", "ls-files"], cwd=root, capture_output=True, text=True, check=True
    ).stdout.splitlines()
    found = []
    with _known_shapes():
        for name in listed:
            if not name.endswith(_PINS) and (root / name).is_file():
                found += [
                    Key(name, each.line_number, each.type, each.secret_hash)
                    for each in scan.scan_file(str(root / name))
                ]
    known = {(entry.file, entry.sha1) for entry in allowed}
    seen = {(key.file, key.sha1) for key in found}
    unneeded = [entry for entry in allowed if (entry.file, entry.sha1) not in seen]
    return [key for key in found if (key.file, key.sha1) not in known], unneeded


def in_history(root: Path, allowed: Sequence[AllowedSecret]) -> list[Key]:
    """What looks like a key in any line that was ever added."""
    known = {entry.sha1 for entry in allowed}
    with _known_shapes():
        return [
            Key(name, number, each.type, each.secret_hash)
            for name, number, line in _added_lines(root)
            for each in scan.scan_line(line)
            if each.secret_hash not in known
        ]


def _known_shapes() -> transient_settings:
    names = {shape.__name__ for shape in get_mapping_from_secret_type_to_class().values()} - _GUESSING
    return transient_settings({"plugins_used": [{"name": name} for name in sorted(names)]})


def _added_lines(root: Path) -> Iterator[tuple[str, int, str]]:
    command = ["git", "log", "--all", "--patch", "--unified=0", "--no-color", "--format=", "--", "."]
    command += [f":!*{ending}" for ending in _PINS]
    log = subprocess.run(command, cwd=root, capture_output=True, check=True).stdout.decode(errors="replace")
    seen: set[str] = set()
    name, number = "", 0
    for line in log.splitlines():
        if line.startswith("+++ "):
            name, number = line[6:], 0
        elif line.startswith("+"):
            number += 1
            if line not in seen:
                seen.add(line)
                yield name, number, line[1:]
