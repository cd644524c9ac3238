"""A check of the data team: its violations go to its owner, once."""

import datetime as dt
from collections.abc import Iterator

import pandas as pd
import psycopg

from returns_pipeline.checks.registry import Check, Violation
from returns_pipeline.settings import load_settings
from returns_pipeline.stages import checking
from returns_pipeline.stages.accounts import Accounts
from returns_pipeline.stages.passes import Pass, Scope


def rule(frame: pd.DataFrame) -> Iterator[Violation]:
    yield Violation("rma", "7", expected="a price", found="none", rma_id=7)
    yield Violation("rma", "8", expected="a SKU that was sold", found="X", rma_id=8, told_as="sku_unknown")


CHECK = Check(
    asset="returns/return_lines",
    title="Every line has its price",
    rule=rule,
    owner="finance",
    severity="error",
    name="every_line_has_its_price",
)


def test_a_violation_goes_to_the_checks_owner_unless_the_pipeline_tells_of_it_already(
    connection: psycopg.Connection,
) -> None:
    """Told twice, two people work on one return; told to nobody, none does."""
    settings = load_settings({})
    a_pass = Pass(settings, connection, Accounts(settings), "run", dt.datetime.now(dt.UTC), Scope())
    outcome = checking.run(a_pass, CHECK)
    assert not outcome.passed
    rows = connection.execute(
        "SELECT code, subject_id, owner, severity, cause FROM exceptions_open WHERE shop = 'uk'"
    ).fetchall()
    assert rows == [("check_failed", "every_line_has_its_price:7", "finance", "error", "Every line has its price")]
