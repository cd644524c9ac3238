"""`checks new`: writes a check of the data team and its test from a template, both ready to run. What a check is stands in `checks/registry`."""

import re
from pathlib import Path

from returns_pipeline import schemas
from returns_pipeline.commands.answers import Answer
from returns_pipeline.schemas.columns import Kind
from returns_pipeline.schemas.tables import TableSchema

_ROOT = Path(__file__).resolve().parents[2]
_NAME = re.compile(r"[a-z][a-z0-9]*(_[a-z0-9]+)+")

_CHECK = '''"""{sentence}: what it means, and why somebody must know."""

from collections.abc import Iterator

import pandas as pd

from returns_pipeline.checks.registry import Check, Violation


def rule(rows: pd.DataFrame) -> Iterator[Violation]:
    """The rows that break it."""
    for row in rows[rows["{column}"].isna()].itertuples():
        yield Violation("{subject}", str(row.{key}), expected="a {column}", found="none", shop=row.shop{rma})


CHECK = Check(asset="{asset}", title="{sentence}", rule=rule, owner="integration")
'''
_TEST = '''"""{sentence}."""

from returns_pipeline.checks.{name} import rule
from returns_pipeline_tests.storage.rows import frame


def test_a_row_without_it_is_a_violation():
    (violation,) = rule(frame("{table}", {{"{key}": 7, "{column}": None}}))
    assert violation.subject_id == "7"


def test_a_row_that_has_it_is_none():
    assert list(rule(frame("{table}", {{"{column}": {value!r}}}))) == []
'''


class CheckNotWritten(Exception):
    """The check was not written; the message says what to change."""


def new(name: str, asset: str, root: Path = _ROOT) -> Answer:
    """Writes `checks/NAME.py` and its test; nothing is written over.

    Raises:
        CheckNotWritten: a name that is no statement, an asset without a table, or a check of that name.
    """
    if not _NAME.fullmatch(name):
        raise CheckNotWritten(
            f"{name!r} is no name for a check: write a true statement in small letters, such as prices_are_known"
        )
    found = schemas.by_asset_key().get(asset)
    if found is None:
        raise CheckNotWritten(f"no asset {asset!r} with a table; there are {', '.join(sorted(schemas.by_asset_key()))}")
    check = root / "returns_pipeline" / "checks" / f"{name}.py"
    test = root / "returns_pipeline_tests" / "checks" / f"test_{name}.py"
    there = [path for path in (check, test) if path.exists()]
    if there:
        raise CheckNotWritten(f"{there[0].relative_to(root)} is there already: choose another name or change that file")
    words = _words(name, asset, found)
    for path, template in ((check, _CHECK), (test, _TEST)):
        path.write_text(template.format(**words), encoding="utf-8")
    lines = [f"wrote {path.relative_to(root)}" for path in (check, test)]
    return Answer(
        [*lines, f"say in the first what the statement is, then: pytest {test.relative_to(root)}"],
        {"check": str(check), "test": str(test)},
    )


def _words(name: str, asset: str, table: TableSchema) -> dict[str, object]:
    names = [column.name for column in table.columns()]
    key = "rma_id" if "rma_id" in names else table.key[0]
    optional = [
        column.name for column in table.columns() if column.nullable and column.name != key and column.kind is Kind.TEXT
    ]
    if not optional or "shop" not in names:
        raise CheckNotWritten(f"{asset} has no column that the template could look at: start from the README's example")
    return {
        "name": name,
        "asset": asset,
        "table": table.table,
        "sentence": name.replace("_", " ").capitalize(),
        "column": optional[0],
        "key": key,
        "subject": "rma" if key == "rma_id" else "row",
        "rma": ", rma_id=row.rma_id" if key == "rma_id" else "",
        "value": "x",
    }
