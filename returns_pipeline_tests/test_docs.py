"""The documents tell the truth: what is generated is current, what is listed is complete, what is linked exists, what is printed works."""

import ast
import importlib
import re
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

import pandas as pd
import pytest

import returns_pipeline.checks
from returns_pipeline.checks import registry
from returns_pipeline.domain.catalogue import CATALOGUE
from returns_pipeline.settings import default_tables

ROOT = Path(__file__).resolve().parents[1]
DOCS = ROOT / "docs"
README = ROOT / "README.md"
PAGES = sorted([README, ROOT / "deploy" / "README.md", *DOCS.glob("*.md")])
VARIABLE = re.compile(r"(?:RETURNS|RETURNGO|BRIGHTPEARL|DAGSTER)_[A-Z_]+")


@pytest.fixture
def generator(monkeypatch: pytest.MonkeyPatch) -> Iterator[ModuleType]:
    """docs/generate.py as a module; it is a script and no part of the package."""
    monkeypatch.syspath_prepend(str(DOCS))
    yield importlib.import_module("generate")
    for name in ("generate", "picture"):
        sys.modules.pop(name, None)


def test_generated_documents_are_what_the_code_says_today(generator):
    """Else a reader trusts a column, a setting or an arrow that is gone. The mend is `make docs`."""
    stale = [name for name, text in generator.documents().items() if (DOCS / name).read_text(encoding="utf-8") != text]
    assert stale == [], "run `make docs` and commit what it wrote"


def test_every_asset_and_every_arrow_is_in_the_picture(generator):
    """An asset drawn without its arrows, or an arrow without its asset, would explain another graph than ours."""
    specs = list(generator.defs().resolve_all_asset_specs())
    picture = (DOCS / "graph.svg").read_text(encoding="utf-8")
    assert all(f">{spec.key.path[-1]}</text>" in picture for spec in specs)
    writers = {spec.key for spec in specs if spec.group_name == "write"}
    reads = [{dep.asset_key for dep in spec.deps} for spec in specs]
    # Who reads all the writers has one arrow, from the line that they share.
    assert picture.count("marker-end") == sum(1 if keys == writers else len(keys) for keys in reads)


def variables_of_the_code() -> set[str]:
    """Every environment variable that a module outside the sandbox names as a text by itself, and those of dagster.yaml."""
    names = set(re.findall(r"env: (\w+)", (ROOT / "dagster.yaml").read_text(encoding="utf-8")))
    for path in (ROOT / "returns_pipeline").rglob("*.py"):
        if "sandbox" in path.relative_to(ROOT).parts:
            continue
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Constant) and isinstance(node.value, str) and VARIABLE.fullmatch(node.value):
                names.add(node.value)
    return names


def test_the_table_of_environment_variables_names_what_the_code_reads_and_nothing_else():
    """A variable that only the code knows cannot be set; one that only the page knows does nothing."""
    section = README.read_text(encoding="utf-8").split("## Environment\n", 1)[1].split("\n## ", 1)[0]
    listed = set(re.findall(r"^\| `(\w+)` \|", section, flags=re.MULTILINE))
    assert listed == variables_of_the_code()


def settings_keys(tables: dict, within: str) -> Iterator[tuple[str, str]]:
    """Heading and key of every setting, as the settings page groups them."""
    for key, value in tables.items():
        name = f"{within}.{key}" if within else key
        if isinstance(value, dict) and f"[{name}]" in headings():
            yield from settings_keys(value, name)
        elif isinstance(value, list) and value and isinstance(value[0], dict):
            yield from ((f"[[{name}]]", own) for own in value[0])
        else:
            yield f"[{within}]", key


def headings() -> set[str]:
    text = (ROOT / "returns_pipeline" / "settings" / "defaults.toml").read_text(encoding="utf-8")
    return set(re.findall(r"^(\[+[a-z_.]+\]+)", text, flags=re.MULTILINE))


def test_every_setting_is_on_the_settings_page():
    """A key that the page's reader skipped could not be found by the people who decide about it."""
    sections = dict(re.findall(r"## `(.*?)`\n(.*?)(?=\n## |\Z)", (DOCS / "settings.md").read_text(), flags=re.DOTALL))
    missing = [
        (table, key) for table, key in settings_keys(default_tables(), "") if f"| `{key}` |" not in sections[table]
    ]
    assert missing == []
    assert "| `record_refunds` | none |" in sections["[policy]"], "a required key has no default"


def test_every_default_on_the_settings_page_is_the_default():
    """A default cut in two at a # or a | inside a text would be copied into somebody's settings file."""
    rows = re.findall(r"^\| `(\w+)` \| `(.*?)` \|", (DOCS / "settings.md").read_text(), flags=re.MULTILINE)
    assert rows
    for key, default in rows:
        tomllib.loads(f"{key} = {default}")


def anchors(page: Path) -> set[str]:
    """The anchors that a Markdown page's headings get."""
    titles = re.findall(r"^#+ (.*)$", page.read_text(encoding="utf-8"), flags=re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", title.lower()).replace(" ", "-") for title in titles}


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_relative_link_leads_somewhere(page):
    """A dead link in a runbook is found at the worst hour."""
    dead = []
    for target in re.findall(r"\]\(([^)\s]+)\)", page.read_text(encoding="utf-8")):
        if "://" in target:
            continue
        file, _, anchor = target.partition("#")
        other = (page.parent / file).resolve() if file else page
        if not other.exists() or (anchor and anchor not in anchors(other)):
            dead.append(target)
    assert dead == []


@pytest.mark.parametrize("code", CATALOGUE)
def test_every_exception_has_the_section_that_it_names(code):
    """An exception points its owner at this anchor."""
    page, _, anchor = CATALOGUE[code].runbook.partition("#")
    assert anchor in anchors(ROOT / page)
    section = (ROOT / page).read_text(encoding="utf-8").split(f"\n## {anchor}\n", 1)[1].split("\n## ", 1)[0]
    assert CATALOGUE[code].title in section
    assert CATALOGUE[code].next_step in section


@pytest.mark.parametrize("code", CATALOGUE)
def test_every_exception_is_on_the_page_of_its_owner(code):
    """Who looks only at their own page would never learn of it."""
    page = {"cx": "customer-service", "product_data": "product-data", "integration": "operations"}
    text = (DOCS / f"{page.get(CATALOGUE[code].owner, CATALOGUE[code].owner)}.md").read_text(encoding="utf-8")
    assert f"[{code}](runbook.md#{code.replace('_', '-')}) | {CATALOGUE[code].title} |" in text


def test_the_check_that_the_readme_prints_is_found_and_finds(tmp_path, monkeypatch):
    """The first thing that a newcomer copies must work as it is printed."""
    printed = re.search(r"```python\n(.*?)```", README.read_text(encoding="utf-8"), flags=re.DOTALL)
    named = re.search(r"`(\w+)\.py`:", README.read_text(encoding="utf-8"))
    assert printed, "the README prints no check"
    assert named, "the README does not name the check's file"
    (tmp_path / f"{named[1]}.py").write_text(printed[1], encoding="utf-8")
    with monkeypatch.context() as patch:
        patch.setattr(returns_pipeline.checks, "__path__", [*returns_pipeline.checks.__path__, str(tmp_path)])
        check = next(check for check in registry.discover() if check.name == named[1])
    sys.modules.pop(check.rule.__module__)
    vars(returns_pipeline.checks).pop(named[1])
    items = pd.DataFrame({"rma_id": [1, 2], "paid_price_minor": pd.array([500, None], dtype="Int64")})
    assert [violation.subject_id for violation in check.rule(items)] == ["2"]
    assert named[1] not in {check.name for check in registry.discover()}


def test_every_file_that_the_security_page_names_is_there():
    """A control whose evidence has moved is not evidence."""
    named = set(re.findall(r"`([\w/]+\.(?:py|sql))`", (DOCS / "security.md").read_text(encoding="utf-8")))
    assert len(named) > 15
    assert [name for name in named if not ((ROOT / "returns_pipeline" / name).exists() or (ROOT / name).exists())] == []


def test_every_command_that_the_pages_print_exists():
    """`returns-pipeline` with a wrong word ends with a usage error, in front of the person who trusted the page."""
    from returns_pipeline import cli

    known = set()
    for name, sub in cli.parser()._subparsers._group_actions[0].choices.items():
        verbs = [action for action in sub._actions if action.choices and isinstance(action.choices, dict)]
        known |= {f"{name} {verb}" for action in verbs for verb in action.choices} if verbs else {name}
    printed = {
        words
        for page in PAGES
        for words in re.findall(r"returns-pipeline ((?:[a-z]+ ?)+)", page.read_text(encoding="utf-8"))
    }
    assert printed
    assert {
        words for words in printed if not any(f"{words.strip()} ".startswith(f"{each} ") for each in known)
    } == set()
