"""The logins of deploy/databases.sh: one per duty and account, and none of them enters another account's books."""

from collections.abc import Iterator
from urllib.parse import parse_qs, urlsplit

import psycopg
import pytest

from returns_pipeline.storage import migrate
from returns_pipeline_tests.conftest import as_role, url_of
from returns_pipeline_tests.deploy.composed import ACCOUNTS, filled_in, services
from returns_pipeline_tests.deploy.machine import make_databases

ENVIRONMENT = services(filled_in())["postgres"].environment
LOGINS = (
    "returns_owner",
    "dagster",
    *(f"{account}_{duty}" for account in ACCOUNTS for duty in ("pipeline", "hints", "reports")),
)


@pytest.fixture(scope="module")
def server(postgres_url: str) -> Iterator[str]:
    """The server with those databases in it; Postgres' own logins are shared by every test, so that they are taken back."""
    folder = parse_qs(urlsplit(postgres_url).query)["host"][0]
    make_databases(ENVIRONMENT, folder)
    yield postgres_url
    with psycopg.connect(postgres_url, autocommit=True) as connection:
        for name in ("dagster", *ACCOUNTS):
            connection.execute(f"DROP DATABASE {name} WITH (FORCE)")
        connection.execute(f"DROP ROLE {', '.join(LOGINS)}")


@pytest.mark.parametrize(
    ("login", "entered"),
    [
        ("brand_a_pipeline", {"brand_a"}),
        ("brand_b_hints", {"brand_b"}),
        ("brand_b_reports", {"brand_b"}),
        ("dagster", {"dagster"}),
        ("returns_owner", {"brand_a", "brand_b"}),
    ],
)
def test_a_login_enters_its_own_database_alone(login: str, entered: set[str], server: str) -> None:
    """A duty's rights hold for every account's tables; whose tables they are must be said at the door."""
    for name in ("dagster", *ACCOUNTS):
        url = as_role(url_of(server, name), login)
        if name in entered:
            psycopg.connect(url).close()
        else:
            with pytest.raises(psycopg.OperationalError, match="permission denied for database"):
                psycopg.connect(url)


def test_the_owner_makes_the_tables_and_each_duty_gets_its_own_of_them(server: str) -> None:
    """As `migrate` does it: the owner is no administrator, and finds the duties made."""
    url = url_of(server, "brand_a")
    assert migrate.upgrade(as_role(url, "returns_owner"))
    rights = {
        "brand_a_pipeline": (True, False, True),
        "brand_a_reports": (True, False, False),
        "brand_a_hints": (False, False, False),
    }
    with psycopg.connect(url) as connection:
        assert connection.execute(
            "SELECT rolsuper OR rolcreaterole FROM pg_roles WHERE rolname = 'returns_owner'"
        ).fetchone() == (False,)
        for login, expected in rights.items():
            found = connection.execute(
                """SELECT has_table_privilege(%(login)s, 'returns.audit', 'SELECT'), has_table_privilege(%(login)s, 'returns.audit', 'DELETE'),
                          has_table_privilege(%(login)s, 'returns.effect', 'INSERT')""",
                {"login": login},
            ).fetchone()
            assert found == expected, login
        assert connection.execute(
            "SELECT has_table_privilege('brand_a_hints', 'returns.hints', 'INSERT')"
        ).fetchone() == (True,)


def test_it_runs_again_when_a_password_changes(server: str) -> None:
    """The Postgres image runs it once; after that a person does, and nothing that is there may be lost."""
    folder = parse_qs(urlsplit(server).query)["host"][0]
    kept = "SELECT rolname, rolpassword FROM pg_authid WHERE rolname = ANY(%s) ORDER BY rolname"
    with psycopg.connect(server, autocommit=True) as connection:
        before = dict(connection.execute(kept, [list(LOGINS)]).fetchall())
        make_databases(ENVIRONMENT | {"BRAND_A_HINTS_PASSWORD": "another"}, folder)
        after = dict(connection.execute(kept, [list(LOGINS)]).fetchall())
    assert set(after) == set(LOGINS)
    assert all(password.startswith("SCRAM-SHA-256$") for password in after.values())
    # Each setting salts anew, so that sameness cannot be told from outside; the passwords themselves are proved in `test_start`.
    assert after["brand_a_hints"] != before["brand_a_hints"]
