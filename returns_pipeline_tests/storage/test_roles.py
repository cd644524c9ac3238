"""Each duty has a role of its own in the database, and none may do what is another's."""

from collections.abc import Callable, Iterator

import psycopg
import pytest
from psycopg import errors

from returns_pipeline.storage import database, hints
from returns_pipeline.storage.ledger import audit
from returns_pipeline_tests.conftest import as_role

EVIDENCE = (
    "audit",
    "effect_attempt",
    "effect_move",
    "approval_batch",
    "exception_history",
    "ledger_epochs",
    "month_close_reruns",
)
Login = Callable[[str], psycopg.Connection]


@pytest.fixture
def login(fresh_database: str) -> Iterator[Login]:
    """Logs in with a role of that duty."""
    opened: list[psycopg.Connection] = []

    def by(duty: str) -> psycopg.Connection:
        name = f"a_{duty}"
        with psycopg.connect(fresh_database, autocommit=True) as owner:
            owner.execute(f"DROP ROLE IF EXISTS {name}")
            owner.execute(f"CREATE ROLE {name} LOGIN IN ROLE {duty}")
        opened.append(database.connect(as_role(fresh_database, name)))
        return opened[-1]

    yield by
    for connection in opened:
        connection.close()


@pytest.mark.parametrize("table", EVIDENCE)
@pytest.mark.parametrize("statement", ["UPDATE {} SET {} = {}", "DELETE FROM {}", "TRUNCATE {} CASCADE"])
def test_the_pipeline_cannot_change_what_is_evidence(login: Login, table: str, statement: str) -> None:
    """Whoever takes the pipeline's login over can add lies, and cannot take the truth away."""
    connection = login("returns_pipeline")
    ((column,),) = connection.execute(
        "SELECT attname FROM pg_attribute WHERE attrelid = %s::regclass ORDER BY attnum DESC LIMIT 1",
        [f"returns.{table}"],
    ).fetchall()
    with pytest.raises(errors.InsufficientPrivilege):
        connection.execute(statement.format(table, column, column))


def test_the_pipeline_adds_to_the_audit(login: Login) -> None:
    """Adding is its duty."""
    connection = login("returns_pipeline")
    audit.append(connection, None, "tested", {"by": "a test"})
    assert connection.execute("SELECT what FROM audit").fetchall() == [("tested",)]


@pytest.mark.parametrize(
    "statement",
    [
        "DROP TRIGGER audit_no ON audit",
        "ALTER TABLE audit DISABLE TRIGGER ALL",
        "DELETE FROM effect",
        "DELETE FROM operator_decisions",
        "UPDATE gate_needed SET kind = kind",
        "DROP TABLE gates",
        "CREATE TABLE mine(id int)",
    ],
)
def test_the_pipeline_cannot_take_the_guards_away(login: Login, statement: str) -> None:
    """The owner's login is not the pipeline's."""
    with pytest.raises(errors.InsufficientPrivilege):
        login("returns_pipeline").execute(statement)


def test_dagsters_role_sees_nothing_of_the_returns_and_may_make_its_own_tables(login: Login) -> None:
    """The UI's login is the one that is most exposed."""
    connection = login("returns_dagster")
    connection.execute("CREATE TABLE public.runs(id int)")
    with pytest.raises(errors.InsufficientPrivilege):
        connection.execute("SELECT * FROM returns.effect")


def test_a_reader_reads_and_changes_nothing(login: Login) -> None:
    """For reports and spreadsheets."""
    connection = login("returns_reader")
    assert connection.execute("SELECT count(*) FROM exceptions_open").fetchone() == (0,)
    for statement in (
        "INSERT INTO heartbeats DEFAULT VALUES",
        "DELETE FROM effect",
        "UPDATE exceptions SET code = code",
    ):
        with pytest.raises(errors.InsufficientPrivilege):
            connection.execute(statement)


def test_the_endpoint_of_webhooks_adds_hints_and_does_nothing_else(login: Login) -> None:
    """It stands nearest to the outside: whoever takes it over can make us look, and see nothing."""
    connection = login("returns_hints")
    assert hints.note(connection, "brightpearl", "", [("order", 7), ("order", 7)]) == 1
    for statement in (
        "UPDATE hints SET taken_at = now()",
        "DELETE FROM hints",
        "SELECT 1 FROM effect",
        "SELECT 1 FROM returngo_rmas",
        "INSERT INTO audit DEFAULT VALUES",
        "CREATE TABLE public.mine(a int)",
    ):
        with pytest.raises(errors.InsufficientPrivilege):
            connection.execute(statement)
