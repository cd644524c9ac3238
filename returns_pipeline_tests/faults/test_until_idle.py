"""`sync --until-idle` over more than a writer's time holds: real processes, real HTTP, a sandbox whose calls are counted."""

import re
import time
from collections.abc import Iterator

import psycopg
import pytest

from returns_pipeline.sandbox.serve import RunningSandbox
from returns_pipeline.storage import database
from returns_pipeline_tests.benchmarks import live_account

RETURNS = 200
CLOSE = re.compile(r"/sales-credit/(\d+)/close$")
CLAIMED = "SELECT count(*) FROM audit WHERE what = 'claimed' AND detail->>'by' LIKE 'carrying on%'"
CARRYING_ON = "SELECT count(*) FROM pg_stat_activity WHERE application_name LIKE 'writer brightpearl by process %'"


@pytest.fixture(scope="module")
def backlog() -> Iterator[tuple[RunningSandbox, list[int]]]:
    """A sandbox with received returns, and their credits in the order in which the goods came. A writer has a second a run."""
    with live_account.retailer() as sandbox:
        live_account.allow(sandbox, pool=live_account.PLENTY, share=1.0, drain_seconds=3600)
        live_account.announce(sandbox, RETURNS)
        with live_account.syncing() as sync:
            live_account.told(sync)
        with database.connect() as connection:
            raised = (
                "SELECT remote_id::bigint FROM effect WHERE kind = 'credit.raise' AND state = 'confirmed' ORDER BY 1"
            )
            credits = [row[0] for row in connection.execute(raised)][::-1]
        assert len(credits) == RETURNS
        live_account.receive(sandbox, credits)
        yield sandbox, credits


def closed(sandbox: RunningSandbox) -> list[int]:
    return [int(found[1]) for call in sandbox.brightpearl.log.entries() if (found := CLOSE.search(call.path))]


def counted(connection: psycopg.Connection, statement: str) -> int:
    ((count,),) = connection.execute(statement).fetchall()
    return count


def wait_for(holds, what: str) -> None:
    ends_at = time.monotonic() + 60
    while not holds():
        assert time.monotonic() < ends_at, f"{what}: waited for a minute"
        time.sleep(0.05)


def test_a_sync_that_is_killed_leaves_nobody_who_goes_on_posting(backlog):
    """An operator who stops a sync by force has stopped all of it, with the call under way as the last."""
    sandbox, _ = backlog
    live_account.allow(sandbox, pool=600, share=1.0, drain_seconds=1)
    with live_account.syncing() as sync, database.connect() as connection:
        wait_for(lambda: counted(connection, CLAIMED), "nothing was sent on beside a pass")
        sync.kill()
        sync.communicate()
        wait_for(lambda: not counted(connection, CARRYING_ON), "a writer is still at work")
        sent = len(closed(sandbox))
        unfinished = "SELECT count(*) FROM effect WHERE kind = 'credit.post' AND state IN ('claimed', 'sending')"
        wait_for(lambda: not counted(connection, unfinished), "the companion left something under way")
        assert 0 < sent < RETURNS


def test_what_a_writer_leaves_is_sent_on_beside_the_next_pass_oldest_first(backlog):
    """While a pass reads and judges thousands of returns the account's minute would else be given away."""
    sandbox, credits = backlog
    live_account.allow(sandbox, pool=2000, share=1.0, drain_seconds=1)
    with live_account.syncing() as sync, database.connect() as connection:
        before = counted(connection, CLAIMED)
        told = live_account.told(sync)
        assert (told["failed_steps"], told["closed_gates"]) == ({}, [])
        assert counted(connection, CLAIMED) > before
    assert closed(sandbox) == credits
