"""What is kept and shown after a whole play: no key, no customer; and other people's text that does nothing."""

import os
from collections.abc import Iterator
from pathlib import Path

from returns_pipeline.storage import database
from returns_pipeline_tests.scenarios.lockstep import Steps, in_lockstep
from returns_pipeline_tests.scenarios.retailer import Retailer

_STEPS_OF_THE_LONGEST_CASE = 4
_ODD = (
    '=HYPERLINK("http://x") <script>alert(1)</script> [a](javascript:alert(1)) \'); DROP TABLE effect; --\nERROR forged'
)


@in_lockstep
def test_no_secret_and_no_customer_is_kept_anywhere(retailer: Retailer) -> Steps:
    """Every table of the database, Dagster's own among them, and every file at home, once all other cases have been played.

    The sandbox's customers, addresses and voucher codes all carry the word canary.
    """
    asked = retailer.approved(retailer.order(), resolution="RefundToStoreCredit")
    yield
    retailer.refund(asked)
    for _ in range(_STEPS_OF_THE_LONGEST_CASE):
        yield
    environment = retailer.sandbox.environment
    secrets = {value for name, value in environment.items() if name.endswith(("_KEY", "_TOKEN"))}
    assert len(secrets) > 1
    looked_at = 0
    for where, text in everything_written():
        looked_at += 1
        assert "canary" not in text.lower(), f"a customer's data in {where}"
        assert [secret for secret in secrets if secret in text] == [], f"a secret in {where}"
    assert looked_at > 50


@in_lockstep
def test_other_peoples_text_does_nothing(retailer: Retailer) -> Steps:
    """A reason is what a stranger typed: a formula, a script, a statement, a forged log line."""
    order = retailer.order()
    asked = retailer.approved(order, reason=_ODD)
    yield
    retailer.send_back(asked)
    yield
    retailer.credited(order, asked)
    assert retailer.exceptions(asked) == set()


def everything_written() -> Iterator[tuple[str, str]]:
    """Name and text of each table and of each file under RETURNS_HOME but the database's own."""
    with database.connect() as connection:
        tables = connection.execute(
            "SELECT format('%I.%I', table_schema, table_name) FROM information_schema.tables "
            "WHERE table_type = 'BASE TABLE' AND table_schema NOT IN ('pg_catalog', 'information_schema')"
        ).fetchall()
        for (table,) in tables:
            with connection.cursor().copy(f"COPY {table} TO STDOUT") as copied:
                yield table, b"".join(bytes(block) for block in copied).decode("utf-8", "replace")
    for path in Path(os.environ["RETURNS_HOME"]).rglob("*"):
        if path.is_file():
            yield str(path), path.read_text(encoding="utf-8", errors="replace")
