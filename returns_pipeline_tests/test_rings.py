"""The rings hold: what may import what, read from the source itself."""

import ast
from pathlib import Path

import pytest

PACKAGE = Path(__file__).resolve().parents[1] / "returns_pipeline"
WITHOUT_DAGSTER = (
    "domain",
    "schemas",
    "clients",
    "storage",
    "effects",
    "checks",
    "settings",
    "stages",
    "alerts",
    "reports",
    "doctor",
    "webhooks",
    "sandbox",
)
INPUT_AND_OUTPUT = {
    "requests",
    "urllib3",
    "psycopg",
    "sqlalchemy",
    "socket",
    "http",
    "subprocess",
    "os",
    "pathlib",
    "dagster",
}
# What each ring may import of the package; a ring not named here may import all but the sandbox.
MAY_IMPORT = {
    "domain": {"domain", "settings"},
    "checks": {"checks", "domain"},
    "schemas": {"schemas", "domain"},
    "clients": {"clients", "domain"},
    "sandbox": {"sandbox"},
    "storage": {"storage", "schemas", "domain", "settings"},
    "effects": {"effects", "storage", "clients", "domain", "settings"},
    "alerts": {"alerts", "storage", "domain", "settings"},
    "reports": {"reports", "domain"},
    "webhooks": {"webhooks", "storage", "clients", "settings"},
    "doctor": {"doctor", "webhooks", "stages", "storage", "clients", "domain", "settings"},
    "stages": {
        "stages",
        "alerts",
        "reports",
        "effects",
        "storage",
        "clients",
        "schemas",
        "domain",
        "settings",
        "checks",
    },
}


def modules(ring: str) -> list[Path]:
    return sorted((PACKAGE / ring).rglob("*.py"))


def imported(path: Path) -> set[str]:
    names: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            names |= {node.module} | {f"{node.module}.{alias.name}" for alias in node.names}
    return names


def rings_of(names: set[str]) -> set[str]:
    return {name.split(".")[1] for name in names if name.startswith("returns_pipeline.")}


@pytest.mark.parametrize("ring", WITHOUT_DAGSTER)
def test_only_defs_and_the_command_know_dagster(ring):
    offenders = {
        path.name for path in modules(ring) if any(name.split(".")[0].startswith("dagster") for name in imported(path))
    }
    assert modules(ring), f"the ring {ring} has no module"
    assert offenders == set()


@pytest.mark.parametrize("ring", ["domain", "checks"])
def test_the_pure_rings_do_no_input_or_output(ring):
    allowed = {"pkgutil", "importlib"}
    offenders = {
        f"{path.name}: {name}"
        for path in modules(ring)
        for name in imported(path)
        if name.split(".")[0] in INPUT_AND_OUTPUT - allowed
    }
    assert offenders == set()


@pytest.mark.parametrize("ring", sorted(MAY_IMPORT))
def test_imports_point_inward(ring):
    strays = {
        f"{path.relative_to(PACKAGE)} imports {other}"
        for path in modules(ring)
        for other in rings_of(imported(path))
        if other not in MAY_IMPORT[ring]
    }
    assert strays == set()


def test_nobody_imports_the_sandbox_but_the_sandbox():
    strays = {
        str(path.relative_to(PACKAGE))
        for path in PACKAGE.rglob("*.py")
        if "sandbox" in rings_of(imported(path)) and path.relative_to(PACKAGE).parts[0] != "sandbox"
    }
    assert strays == set()


def test_every_module_says_what_belongs_in_it():
    silent = {
        str(path.relative_to(PACKAGE))
        for path in PACKAGE.rglob("*.py")
        if not ast.get_docstring(ast.parse(path.read_text()))
    }
    assert silent == set()


def test_no_file_is_longer_than_a_room():
    long = {
        str(path.relative_to(PACKAGE)): lines
        for path in PACKAGE.rglob("*.py")
        if (lines := len(path.read_text().splitlines())) > 420
    }
    assert long == {}
