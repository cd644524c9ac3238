"""The schema comes up whole, once, beside Dagster's tables."""

import subprocess
import sys
import time

import psycopg
import pytest

from returns_pipeline.storage import database, migrate

SINK_STOP = "INSERT INTO sink_stops(sink, reason, probe_after) VALUES (%s, 'refused', now())"


@pytest.fixture
def empty_database(postgres_url):
    name = "empty_for_migration"
    with psycopg.connect(postgres_url, autocommit=True) as connection:
        connection.execute(f"CREATE DATABASE {name}")
        yield postgres_url.replace("/returns?", f"/{name}?")
        connection.execute(f"DROP DATABASE {name} WITH (FORCE)")


def test_two_processes_migrating_at_once_leave_one_whole_schema(empty_database):
    """A demo and a developer's Dagster start side by side; without a lock one of them dies on 'relation exists'."""
    program = "import sys; from returns_pipeline.storage import migrate; migrate.upgrade(sys.argv[1])"
    started = [subprocess.Popen([sys.executable, "-c", program, empty_database]) for _ in range(3)]
    assert [process.wait(60) for process in started] == [0, 0, 0]
    with psycopg.connect(empty_database) as connection:
        assert connection.execute("SELECT version_num FROM returns.alembic_version").fetchall() == [("0003",)]


def test_a_database_of_the_first_shape_keeps_its_rows_and_notes_its_moves_from_then_on(empty_database):
    """A retailer who updates has returns and credits in it already."""
    migrate.upgrade(empty_database, to="0001")
    with database.connect(empty_database) as connection:
        connection.execute(SINK_STOP, ["before"])
        assert connection.execute("SELECT to_regclass('returns.moves')").fetchall() == [(None,)]
    assert migrate.upgrade(empty_database)
    with database.connect(empty_database) as connection:
        assert connection.execute(
            "SELECT (SELECT count(*) FROM sink_stops), (SELECT count(*) FROM moves)"
        ).fetchall() == [(1, 0)]
        connection.execute(SINK_STOP, ["after"])
        assert connection.execute("SELECT count(*) FROM moves").fetchall() == [(1,)]
        granted = "SELECT has_table_privilege('returns_pipeline', 'returns.moves', 'INSERT')"
        assert connection.execute(granted).fetchall() == [(True,)]


def test_what_is_migrated_is_left_alone_quickly(fresh_database):
    """Each command migrates before it works; a tick must not pay for it."""
    started = time.perf_counter()
    assert migrate.upgrade(fresh_database) is False
    assert time.perf_counter() - started < 1.0


def test_dagsters_schema_stays_its_own(fresh_database):
    """Dagster keeps an alembic_version of its own in public; sharing it, each would overwrite the other."""
    with psycopg.connect(fresh_database) as connection:
        found = connection.execute(
            "SELECT table_schema FROM information_schema.tables WHERE table_schema IN ('public', 'returns') GROUP BY 1"
        ).fetchall()
    assert found == [("returns",)]


def test_a_connection_of_ours_works_in_utc_and_gives_up_soon(connection):
    """A session left idle in a transaction would hold balances locked against every other run."""
    settings = {
        name: connection.execute(f"SHOW {name}").fetchone()[0]
        for name in (
            "search_path",
            "TimeZone",
            "idle_in_transaction_session_timeout",
            "statement_timeout",
            "lock_timeout",
        )
    }
    assert settings == {
        "search_path": "returns",
        "TimeZone": "UTC",
        "idle_in_transaction_session_timeout": "10s",
        "statement_timeout": "30s",
        "lock_timeout": "5s",
    }
