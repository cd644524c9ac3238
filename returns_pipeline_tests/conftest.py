"""A real Postgres for every test that wants one: started once, each test in a database of its own cloned from a migrated one."""

import uuid
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest

from returns_pipeline.storage import database, embedded, migrate

TEMPLATE = "migrated"


def url_of(server_url: str, name: str) -> str:
    return server_url.replace(f"/{embedded.DATABASE}?", f"/{name}?")


@pytest.fixture(scope="session")
def postgres_url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The server's URL. Its data are thrown away, so they need not survive a power cut."""
    home: Path = tmp_path_factory.mktemp("home")
    url = embedded.ensure_started(home / "postgres")
    with psycopg.connect(url, autocommit=True) as connection:
        for setting in ("fsync", "synchronous_commit", "full_page_writes"):
            connection.execute(f"ALTER SYSTEM SET {setting} = off")
        connection.execute("SELECT pg_reload_conf()")
    yield url
    embedded.stop(home / "postgres")


def as_role(url: str, login: str) -> str:
    """The URL for another login of the same server."""
    assert "//postgres:@" in url, url
    return url.replace("//postgres:@", f"//{login}:@")


@pytest.fixture(scope="session")
def template(postgres_url: str) -> str:
    """The name of a migrated, empty database to clone."""
    with psycopg.connect(postgres_url, autocommit=True) as connection:
        connection.execute(f"CREATE DATABASE {TEMPLATE}")
    migrate.upgrade(url_of(postgres_url, TEMPLATE))
    return TEMPLATE


@pytest.fixture
def fresh_database(postgres_url: str, template: str) -> Iterator[str]:
    """The URL of a migrated database that only this test uses."""
    name = f"test_{uuid.uuid4().hex}"
    with psycopg.connect(postgres_url, autocommit=True) as connection:
        connection.execute(f"CREATE DATABASE {name} TEMPLATE {template} STRATEGY file_copy")
        yield url_of(postgres_url, name)
        connection.execute(f"DROP DATABASE {name} WITH (FORCE)")


@pytest.fixture
def database_url(fresh_database: str, monkeypatch: pytest.MonkeyPatch) -> str:
    """The same, named in RETURNS_DATABASE_URL as the pipeline expects it."""
    monkeypatch.setenv("RETURNS_DATABASE_URL", fresh_database)
    return fresh_database


@pytest.fixture
def connection(database_url: str) -> Iterator[psycopg.Connection]:
    """A connection to this test's own database, as the pipeline opens it."""
    with database.connect() as opened:
        yield opened
