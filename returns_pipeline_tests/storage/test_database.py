"""One URL serves psycopg, Alembic and Dagster, wherever the server is."""

from decimal import Decimal

import pytest

from returns_pipeline.storage import database, home

SOCKET = "postgresql://postgres:@/returns?host=/srv/a%20b/postgres"


@pytest.mark.parametrize(
    "given",
    [SOCKET, "postgres://user:p%40ss@db.example:6432/returns?sslmode=require", "postgresql+psycopg2://u@h/returns"],
)
def test_a_url_keeps_its_parts_whatever_driver_reads_it(given):
    """A socket's folder lost on the way makes Dagster look for a server on the network."""
    rest = given.split("://", 1)[1]
    assert database.plain_url(given) == f"postgresql://{rest}"
    assert database.dagster_url(given) == f"postgresql+psycopg2://{rest}"
    assert database.migration_url(given) == f"postgresql+psycopg://{rest}"


def test_another_database_than_postgres_is_refused_by_name():
    """SQLite would start and then fail on the first guard."""
    with pytest.raises(ValueError, match="sqlite"):
        database.plain_url("sqlite:///returns.db")


def test_without_a_url_the_mend_is_said(monkeypatch):
    """A library's own message would name a socket nobody asked for."""
    monkeypatch.delenv("RETURNS_DATABASE_URL", raising=False)
    with pytest.raises(database.NoDatabase, match="RETURNS_DATABASE_URL"):
        database.connect()


def test_a_read_leaves_no_transaction_open(connection):
    """Left open while a stage computes, it would be cut off after ten seconds, and hold back the clean-up of old rows."""
    connection.execute("SELECT 1").fetchone()
    assert connection.info.transaction_status.name == "IDLE"


def test_fractions_in_json_are_not_floats(connection):
    """A rate or an amount in a payload must come back as it was written."""
    assert connection.execute("""SELECT '{"rate": 1.10}'::jsonb""").fetchone()[0] == {"rate": Decimal("1.10")}


def test_everything_of_ours_is_under_returns_home(monkeypatch, tmp_path):
    """One folder to back up, and to delete."""
    monkeypatch.setenv("RETURNS_HOME", str(tmp_path / "kept"))
    assert {path.parent for path in (home.postgres(), home.dagster(), home.credentials(), home.ledger_head())} == {
        tmp_path / "kept"
    }
    monkeypatch.delenv("RETURNS_HOME")
    monkeypatch.chdir(tmp_path)
    assert home.root() == tmp_path / ".returns"


def pid_of(kept: database.KeptConnection) -> int:
    with kept.lend() as lent:
        return lent.info.backend_pid


def test_steps_that_follow_each_other_share_a_connection_while_it_is_good(connection, database_url):
    """Opened for each step, it costs a tick as much as a step; kept after an error or a restart of the server, it fails the step that comes after."""
    kept = database.KeptConnection()
    first = pid_of(kept)
    assert pid_of(kept) == first

    def failing() -> None:
        with kept.lend() as lent, lent.transaction():
            raise LookupError("the step failed")

    with pytest.raises(LookupError):
        failing()
    second = pid_of(kept)
    assert second != first
    connection.execute("SELECT pg_terminate_backend(%s, 5000)", [second])
    third = pid_of(kept)
    assert third != second
    with kept.lend() as lent:
        lent.execute("BEGIN")
    assert pid_of(kept) != third
    kept.close()
    assert connection.execute(
        "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND pid = ANY(%s)",
        [[first, second, third]],
    ).fetchall() == [(0,)]
