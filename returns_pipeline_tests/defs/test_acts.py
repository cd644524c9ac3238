"""What people launch from Dagster: the same refusals as the command line, each with its reason and nothing changed."""

from collections.abc import Callable

import dagster as dg
import psycopg
import pytest

from returns_pipeline import cli
from returns_pipeline.storage import frames, ledger
from returns_pipeline_tests.storage.ledger import books
from returns_pipeline_tests.storage.rows import frame

Launch = Callable[..., dg.ExecuteInProcessResult]
_OPS = {"approve_postings": "approve_batch", "resolve_exception": "resolve_one", "record_inspection": "record_one"}


@pytest.fixture
def launch(repository: dg.RepositoryDefinition, database_url: str) -> Launch:
    """Launches a job as the launchpad does."""
    assert database_url
    instance = dg.DagsterInstance.ephemeral()

    def launched(job: str, **config: object) -> dg.ExecuteInProcessResult:
        run_config = {"ops": {_OPS[job]: {"config": config}}}
        return repository.get_job(job).execute_in_process(run_config, instance=instance, raise_on_error=False)

    return launched


def reason_of(result: dg.ExecuteInProcessResult) -> str:
    """Why the run failed, as the run's page shows it."""
    (failed,) = [event for event in result.all_events if event.is_step_failure]
    error = failed.step_failure_data.error
    return error.message if error else ""


@pytest.fixture
def mismatch(connection: psycopg.Connection) -> int:
    """An open exception of RMA 77 about more money than one person may accept."""
    found = connection.execute(
        """INSERT INTO exceptions(code, subject_type, subject_id, shop, stage, owner, severity, cause, rma_id, money_minor, currency)
           VALUES ('amount_mismatch', 'rma', '77', 'uk', 'decide', 'finance', 'error', 'prices', 77, 10001, 'GBP') RETURNING exception_id"""
    ).fetchone()
    assert found
    return int(found[0])


def decided(connection: psycopg.Connection) -> list[tuple[str, str, str | None]]:
    return connection.execute("SELECT action, decided_by, second_approver FROM operator_decisions").fetchall()


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"exception_id": 999}, "there is no open exception 999"),
        ({"action": "keep_item"}, "keep_item fits not_credited_without_receipt"),
        ({}, "name a second person"),
        ({"second_approver": "ada"}, "name a second person"),
        ({"value": "{"}, "the value is no JSON"),
        ({"value": "[1]"}, "must be a JSON object"),
    ],
)
def test_a_decision_that_does_not_fit_fails_the_run_with_the_reason(
    launch: Launch, connection: psycopg.Connection, mismatch: int, change: dict[str, object], words: str
) -> None:
    """The person reads it on the run's page; in the database nothing has moved."""
    config = {"exception_id": mismatch, "action": "accept_variance", "reason": "agreed", "decided_by": "Ada"} | change
    result = launch("resolve_exception", **config)
    assert (result.success, words in reason_of(result)) == (False, True), reason_of(result)
    assert decided(connection) == []
    assert connection.execute("SELECT state FROM exceptions").fetchall() == [("open",)]


def test_a_decision_that_fits_is_recorded_from_the_launchpad(
    launch: Launch, connection: psycopg.Connection, mismatch: int
) -> None:
    """With a second person, as the limit asks."""
    config = {"exception_id": mismatch, "action": "accept_variance", "reason": "agreed", "decided_by": "Ada"}
    assert launch("resolve_exception", **config, second_approver="Grace").success
    assert decided(connection) == [("accept_variance", "Ada", "Grace")]


def test_an_inspection_of_a_unit_of_another_return_is_refused(launch: Launch, connection: psycopg.Connection) -> None:
    """A wrong number on the bench must not put somebody else's broken unit on sale."""
    unit = frame("returngo/return_items", {"returned_item_id": 5, "rma_id": 77})
    frames.upsert(connection, "returngo/return_items", unit)
    refused = launch("record_inspection", rma_id=78, returned_item_id=5, result="pass", recorded_by="Pat")
    assert (refused.success, "RMA 78 has no unit 5" in reason_of(refused)) == (False, True)
    assert launch("record_inspection", rma_id=77, returned_item_id=5, result="pass", recorded_by="Pat").success
    assert connection.execute("SELECT rma_id, result FROM inspections").fetchall() == [(77, "pass")]


@pytest.fixture
def two_postings(connection: psycopg.Connection) -> list[ledger.Batch]:
    """Two credits wait: an ordinary one and, by itself, one above the limit for large ones."""
    books.open_gates(connection)
    books.balance(connection, quantity=4, net=200_000, tax=40_000)
    raised = [books.raise_plan(part, 1, net, tax) for part, net, tax in ((1, 1000, 200), (2, 50_000, 10_000))]
    ledger.plan(connection, raised, "t")
    connection.execute("UPDATE effect SET needs_approval = true")
    return ledger.waiting(connection, large_above_minor=50_000)


def test_a_large_credit_is_a_batch_of_its_own(two_postings: list[ledger.Batch]) -> None:
    """Among a hundred small ones nobody looks at it."""
    assert [(batch.is_large, batch.net_minor, len(batch.effect_ids)) for batch in two_postings] == [
        (False, 1000, 1),
        (True, 50_000, 1),
    ]


def test_a_batch_is_approved_by_its_hash_from_the_launchpad(
    launch: Launch, connection: psycopg.Connection, two_postings: list[ledger.Batch]
) -> None:
    """An unknown hash names those that wait; a blank name approves nothing."""
    ordinary, large = two_postings
    unknown = launch("approve_postings", batch_sha256="0" * 64, approved_by="Ada")
    assert (unknown.success, large.sha256_hex in reason_of(unknown)) == (False, True)
    assert "needs the name" in reason_of(launch("approve_postings", batch_sha256=large.sha256_hex, approved_by=" "))
    assert ledger.waiting(connection, large_above_minor=50_000) == two_postings
    assert launch("approve_postings", batch_sha256=large.sha256_hex, approved_by="Ada").success
    assert ledger.waiting(connection, large_above_minor=50_000) == [ordinary]


def test_all_leaves_large_ones_out_and_says_so(
    connection: psycopg.Connection,
    two_postings: list[ledger.Batch],
    database_url: str,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    tmp_path: object,
) -> None:
    """What is approved in one go is what nobody looked at one by one."""
    assert database_url
    monkeypatch.setenv("RETURNS_HOME", str(tmp_path))
    for variable in ("DAGSTER_HOME", "DAGSTER_POSTGRES_URL"):
        monkeypatch.setenv(variable, "")
    _, large = two_postings
    assert cli.main(["postings", "approve", "--by", "Ada", "--all"]) == 0
    assert (
        f"left out because it is large: uk, 500.00 GBP net and 100.00 GBP tax; approve it by --batch {large.sha256_hex}"
        in capsys.readouterr().out
    )
    assert ledger.waiting(connection, large_above_minor=50_000) == [large]
