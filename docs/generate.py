"""Writes the generated documents: the picture of the graph, the data dictionary, the settings and the runbook. `make docs` runs it.

A test holds the files in this folder against what this script would write today. The picture's drawing is in `picture.py`.
"""

import re
import tomllib
from pathlib import Path

import picture

from returns_pipeline import schemas
from returns_pipeline.definitions import defs
from returns_pipeline.domain.catalogue import CATALOGUE, ExceptionKind
from returns_pipeline.stages.acting import decisions_for

FOLDER = Path(__file__).parent
DEFAULTS = FOLDER.parent / "returns_pipeline" / "settings" / "defaults.toml"
OWNERS = ("finance", "warehouse", "cx", "product_data", "integration")
_HEADING = re.compile(r"\[+([a-z_.]+)\]+(?:\s+#\s*(.*))?$")


def data_dictionary() -> str:
    """Every asset's table with its columns, types, units and meaning."""
    lines = [
        "# Data dictionary",
        "",
        "Every asset is a table of the schema `returns`. Money is a whole number of minor units (pence, cents) beside its",
        "currency; times are in UTC. Generated from the Pandera models in `returns_pipeline/schemas` by `make docs`.",
        "",
    ]
    for key, model in sorted(schemas.by_asset_key().items()):
        lines += [
            f"## `{key}`",
            "",
            f"Table `returns.{key.replace('/', '_')}`.",
            "",
            "| column | type | may be empty | meaning |",
            "| --- | --- | --- | --- |",
        ]
        lines += [
            f"| `{column.name}` | {column.dtype} | {'yes' if column.nullable else 'no'} | {_cell(column.description)} |"
            for column in model.columns()
        ]
        lines.append("")
    return "\n".join(lines)


def settings_page() -> str:
    """The settings with their defaults and meanings, as the comments of the defaults file have them."""
    lines = [
        "# Settings",
        "",
        "Write only the keys that differ into a file of your own and name it in `RETURNS_SETTINGS`. An unknown key is an error.",
        "Any key of `[policy]`, `[effects]`, `[transfers]`, `[brightpearl.fees]` and `[brightpearl.payment_methods]` may be",
        "repeated inside a `[[shops]]` block and wins there.",
        "",
        "Generated from `returns_pipeline/settings/defaults.toml` by `make docs`.",
    ]
    for line in DEFAULTS.read_text(encoding="utf-8").splitlines():
        if heading := _HEADING.match(line):
            lines += ["", f"## `{line.split(' ')[0]}`", ""]
            lines += [_sentence(heading[2]), ""] if heading[2] else []
        elif (entry := _split(line)) is not None:
            lines += [] if lines[-1] else ["| key | default | meaning |", "| --- | --- | --- |"]
            lines.append("| {} | {} | {} |".format(*entry))
    return "\n".join([*lines, ""])


def _split(line: str) -> tuple[str, str, str] | None:
    """Key, default and meaning of one line of the defaults file; None for a line without a key."""
    found = re.match(r"(# )?([A-Za-z_]+) = ", line)
    if found is None:
        return None
    assignment, meaning = _without_comment(line.removeprefix("# "))
    default = "none" if found[1] else f"`{_cell(assignment.split(' = ', 1)[1])}`"
    return f"`{found[2]}`", default, _cell(meaning)


def _without_comment(line: str) -> tuple[str, str]:
    """The part of a line that is TOML by itself, and the comment behind it: a # may also stand inside a text."""
    for mark in re.finditer("#", line):
        try:
            tomllib.loads(line[: mark.start()])
        except tomllib.TOMLDecodeError:
            continue
        return line[: mark.start()].strip(), line[mark.end() :].strip()
    return line.strip(), ""


def runbook() -> str:
    """One section per kind of exception, by owner, under the anchor that the exception itself names."""
    lines = [
        "# Runbook: what to do about each exception",
        "",
        "One section per code. `returns-pipeline exceptions list --owner finance` shows what is open,",
        "`returns-pipeline exceptions show ID` one case with what was expected and found and the actions that fit it.",
        "`acknowledge` and `waive` fit any exception, `void` any about a return or a write, `retry` and `adopt` any about a write.",
        "",
        "Generated from `returns_pipeline/domain/catalogue.py` by `make docs`.",
        "",
    ]
    for owner in OWNERS:
        owned = [kind for kind in CATALOGUE.values() if kind.owner == owner]
        lines += [f"**{owner}**: " + ", ".join(f"[{kind.code}](#{_anchor(kind)})" for kind in owned) + ".", ""]
    for kind in CATALOGUE.values():
        lines += [
            f"## {_anchor(kind)}",
            "",
            f"**{kind.title}.** Code `{kind.code}`.",
            "",
            "| owner | severity | service level | heals with time |",
            "| --- | --- | --- | --- |",
            f"| {kind.owner} | {kind.severity} | {_service_level(kind)} | {'yes' if kind.heals_with_time else 'no'} |",
            "",
            f"Next step: {kind.next_step}",
            "",
        ]
        if fitting := decisions_for(kind.code):
            lines += ["Decisions that fit: " + ", ".join(f"`{action}`" for action in fitting) + ".", ""]
    return "\n".join(lines)


def _anchor(kind: ExceptionKind) -> str:
    return kind.runbook.partition("#")[2]


def _service_level(kind: ExceptionKind) -> str:
    if kind.sla_hours is None:
        return "none"
    if isinstance(kind.sla_hours, str):
        days = "calendar days" if kind.sla_hours.endswith("_days") else "working hours"
        return f"`[sla] {kind.sla_hours}`, {days}"
    return f"{kind.sla_hours:g} working hours"


def _sentence(text: str) -> str:
    return text[:1].upper() + text[1:].rstrip(".") + "."


def _cell(text: str) -> str:
    return text.replace("|", "\\|")


def documents() -> dict[str, str]:
    """File name -> text, for everything in this folder that is generated."""
    return {
        "graph.svg": picture.graph_svg(defs().resolve_all_asset_specs()),
        "data-dictionary.md": data_dictionary(),
        "settings.md": settings_page(),
        "runbook.md": runbook(),
    }


if __name__ == "__main__":
    for name, text in documents().items():
        (FOLDER / name).write_text(text, encoding="utf-8")
