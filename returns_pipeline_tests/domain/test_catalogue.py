"""The catalogue of exceptions. A code that it lacks would break the stage that finds it, in the middle of a night."""

import ast
from collections.abc import Iterator
from pathlib import Path
from typing import get_type_hints

import pytest

import returns_pipeline
from returns_pipeline.domain.catalogue import CATALOGUE, ExceptionKind
from returns_pipeline.settings.model import Owners, ServiceLevels

PACKAGE = Path(returns_pipeline.__file__).parent
RINGS = ("domain", "stages", "effects", "checks")


def strings_in(node: ast.AST) -> Iterator[str]:
    """Text constants anywhere beneath a node."""
    for part in ast.walk(node):
        if isinstance(part, ast.Constant) and isinstance(part.value, str):
            yield part.value


def named(node: ast.expr) -> str:
    """The last name of a call's function or of an assignment's target."""
    return node.attr if isinstance(node, ast.Attribute) else node.id if isinstance(node, ast.Name) else ""


def codes_of(node: ast.AST) -> Iterator[str]:
    """Codes that a node gives to a finding or a held row."""
    if isinstance(node, ast.Call) and named(node.func) in ("held", "_held", "held_credit", "_of_line"):
        yield from (node.args[1].value,) if isinstance(node.args[1], ast.Constant) else ()
    elif isinstance(node, ast.Call) and named(node.func) == "Finding":
        yield from (
            word.value.value for word in node.keywords if word.arg == "code" and isinstance(word.value, ast.Constant)
        )
    elif isinstance(node, ast.Dict):
        yield from (
            value.value
            for key, value in zip(node.keys, node.values, strict=True)
            if isinstance(key, ast.Constant)
            and key.value == "hold_code"
            and isinstance(value, ast.Constant)
            and value.value
        )
    elif isinstance(node, ast.Assign) and any(named(target) == "_EXPECTED" for target in node.targets):
        yield from (key.value for key in node.value.keys)
    elif isinstance(node, ast.Assign) and any(
        text.endswith("_hold") or text == "hold_code" for target in node.targets for text in strings_in(target)
    ):
        yield from (node.value.value,) if isinstance(node.value, ast.Constant) and node.value.value else ()
    elif isinstance(node, ast.FunctionDef) and node.name in ("_effect_code", "findings_from_effects"):
        yield from (text for text in strings_in(node) if text.startswith("effect_") and " " not in text)
        yield from (text for part in ast.walk(node) if isinstance(part, ast.For) for text in strings_in(part.iter))
    elif isinstance(node, ast.FunctionDef) and node.name == "findings_from_match":
        sets = [part for part in ast.walk(node) if isinstance(part, ast.Set)]
        yield from (text for part in sets for text in strings_in(part))


def raised_codes() -> set[str]:
    """Every code that the package's own text gives to something."""
    found: set[str] = set()
    for ring in RINGS:
        for path in (PACKAGE / ring).rglob("*.py"):
            for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
                found.update(codes_of(node))
    return found


def test_the_reading_of_the_source_finds_each_way_of_raising_a_code() -> None:
    """Else the tests below would pass because they looked at nothing."""
    found = raised_codes()
    assert {"over_receipt", "sku_unknown", "amount_mismatch", "payment_method_unclear"} <= found
    assert {"effect_halted", "payload_mismatch", "announced_not_arrived", "store_credit_policy"} <= found
    assert {"refund_waits_for_parcel", "currency_mismatch", "order_in_other_channel"} <= found


def test_every_code_that_is_raised_is_in_the_catalogue() -> None:
    """A finding without an entry has no owner, no deadline and no next step."""
    assert sorted(raised_codes() - set(CATALOGUE)) == []


def test_every_code_of_the_catalogue_can_be_raised() -> None:
    """An entry that nothing raises promises a watch that nobody keeps."""
    assert sorted(set(CATALOGUE) - raised_codes()) == []


@pytest.mark.parametrize("kind", CATALOGUE.values(), ids=CATALOGUE.keys())
def test_each_entry_tells_whom_how_soon_and_what_to_do(kind: ExceptionKind) -> None:
    """The morning list is only as good as its words."""
    assert kind.owner in get_type_hints(Owners)
    assert kind.severity in ("info", "warn", "error", "critical")
    assert (
        kind.sla_hours is None
        or isinstance(kind.sla_hours, int | float)
        or kind.sla_hours in get_type_hints(ServiceLevels)
    )
    assert kind.title
    assert kind.next_step.endswith(".")
    assert kind.runbook == f"docs/runbook.md#{kind.code.replace('_', '-')}"


def test_what_is_urgent_has_a_deadline() -> None:
    """Critical without a deadline would never show as late."""
    assert all(kind.sla_hours for kind in CATALOGUE.values() if kind.severity in ("error", "critical"))
