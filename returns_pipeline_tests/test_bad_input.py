"""What people get wrong, through the command: one message that names the mend, exit status 1, and nothing written or moved.

Also the two ways of going live carefully: shadow mode, which plans and never writes, and review, which posts nothing unapproved.
"""

import json
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest

from returns_pipeline import cli
from returns_pipeline.commands import sandbox_process
from returns_pipeline_tests.scenarios.conftest import changed
from returns_pipeline_tests.scenarios.retailer import Order, Retailer, Return

# One worker: with two, each would make the retailer.
pytestmark = pytest.mark.xdist_group("bad input")
NOBODY_LISTENS = "http://127.0.0.1:9"


@pytest.fixture(scope="module")
def shared() -> Iterator[tuple[Retailer, Return]]:
    """A retailer with one approved return, asked for after its goods were shipped. No test here may change it but those that say so."""
    with sandbox_process.running(seed=7) as sandbox:
        retailer = Retailer(sandbox)
        asked = retailer.approved(retailer.order())
        retailer.time_passes(days=1)
        yield retailer, asked


@pytest.fixture
def retailer(shared: tuple[Retailer, Return], live: Path) -> Iterator[Retailer]:
    """The retailer with the environment of live mode; its faults end with the test."""
    yield shared[0]
    shared[0].sandbox.clear_faults()


@pytest.fixture
def live(shared: tuple[Retailer, Return], database_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The environment of live mode with a database and home of its own; the path of its settings file."""
    sandbox = shared[0].sandbox
    settings = tmp_path / "settings.toml"
    settings.write_text(sandbox.settings_toml, encoding="utf-8")
    variables = sandbox.environment | {
        "RETURNS_HOME": str(tmp_path),
        "RETURNS_SETTINGS": str(settings),
        "RETURNS_MODE": "live",
        "DAGSTER_HOME": "",
        "DAGSTER_POSTGRES_URL": "",
    }
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    return settings


@pytest.fixture
def nothing_moves(retailer: Retailer, connection: psycopg.Connection) -> Iterator[None]:
    """After the test: no write left the process, no effect was planned and no cursor moved."""
    yield
    assert writes(retailer) == []
    assert connection.execute("SELECT count(*) FROM effect").fetchone() == (0,)
    assert connection.execute("SELECT name, shop FROM cursors").fetchall() == []


def writes(retailer: Retailer) -> list[str]:
    """Every request to either account that was no read."""
    logged = retailer.sandbox.get("/requests?writes=true")
    return [f"{entry['method']} {entry['path']}" for entries in logged.values() for entry in entries]


def edit(settings: Path, line: str, instead: str) -> None:
    settings.write_text(changed(settings.read_text(encoding="utf-8"), {line: instead}), encoding="utf-8")


def synced(capsys: pytest.CaptureFixture[str], *options: str) -> tuple[int, str]:
    """Exit status of `returns-pipeline sync` and all that it told."""
    status = cli.main(["sync", *options])
    told = capsys.readouterr()
    return status, told.out + told.err


@pytest.mark.parametrize("variable", ["RETURNGO_API_KEY", "RETURNGO_EU_API_KEY", "BRIGHTPEARL_ACCOUNT_TOKEN"])
@pytest.mark.usefixtures("nothing_moves")
def test_a_missing_credential_is_named_before_anything_is_read(
    variable: str, retailer: Retailer, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Half a pass with one account leaves facts of the other that nobody can match."""
    monkeypatch.delenv(variable)
    before = retailer.sandbox.get("/requests")
    status, told = synced(capsys)
    assert status == 1
    assert told.count(variable) == 1
    assert retailer.sandbox.get("/requests") == before


@pytest.mark.parametrize(
    ("variables", "named"),
    [
        (("RETURNGO_API_KEY", "RETURNGO_EU_API_KEY"), "ReturnGo"),
        (("BRIGHTPEARL_ACCOUNT_TOKEN",), "Brightpearl"),
    ],
)
def test_a_wrong_key_says_which_account_refused_it(
    variables: tuple[str, ...],
    named: str,
    retailer: Retailer,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    connection: psycopg.Connection,
) -> None:
    """An open list that could not be read must never look like a shop without returns."""
    for variable in variables:
        monkeypatch.setenv(variable, "not-the-key")
    status, told = synced(capsys)
    assert status == 1
    assert named in told
    assert "not-the-key" not in told
    assert writes(retailer) == []
    assert connection.execute("SELECT count(*) FROM effect").fetchone() == (0,)


def test_one_shop_with_a_wrong_key_does_not_stop_the_other(
    retailer: Retailer,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    connection: psycopg.Connection,
) -> None:
    """Its gate is closed and named; the other shop's returns are read."""
    monkeypatch.setenv("RETURNGO_EU_API_KEY", "not-the-key")
    monkeypatch.setenv("RETURNS_MODE", "shadow")
    status, told = synced(capsys)
    assert status == 1
    assert "gate closed for returngo/rmas, eu" in told
    assert connection.execute("SELECT DISTINCT shop FROM returngo_rmas").fetchall() == [("uk",)]
    assert {shop for (shop,) in connection.execute("SELECT shop FROM cursors")} == {"uk"}


@pytest.mark.parametrize("variable", ["RETURNGO_BASE_URL", "BRIGHTPEARL_BASE_URL"])
def test_an_account_that_cannot_be_reached_is_named(
    variable: str,
    retailer: Retailer,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    connection: psycopg.Connection,
) -> None:
    account = {"RETURNGO_BASE_URL": "", "BRIGHTPEARL_BASE_URL": "/public-api/sandbox"}[variable]
    monkeypatch.setenv(variable, NOBODY_LISTENS + account)
    status, told = synced(capsys)
    assert status == 1
    assert {"RETURNGO_BASE_URL": "ReturnGo", "BRIGHTPEARL_BASE_URL": "Brightpearl"}[variable] in told
    assert writes(retailer) == []
    assert connection.execute("SELECT count(*) FROM effect").fetchone() == (0,)


@pytest.mark.usefixtures("nothing_moves")
def test_a_shop_that_returngo_does_not_know_is_named(
    live: Path, retailer: Retailer, capsys: pytest.CaptureFixture[str]
) -> None:
    """A slip in the shop's name must not be taken for a shop without returns."""
    edit(live, 'name = "acme-uk.myshopify.com"', 'name = "nobody-uk.myshopify.com"')
    edit(live, 'name = "acme-eu.myshopify.com"', 'name = "nobody-eu.myshopify.com"')
    status, told = synced(capsys)
    assert status == 1
    assert "nobody-uk.myshopify.com" in told


@pytest.mark.parametrize(
    ("line", "instead", "named"),
    [
        ("[ledger]", "[ledger]\nlease_second = 3", "lease_second"),
        ("record_refunds = true\n", "", "record_refunds"),
        ('shopify_app_credits = "off"', 'shopify_app_credits = "unknown"', "shopify_app_credits"),
        ("credited = 23", "credited = 0", "credited"),
        ('time_zone = "Europe/London"\n', "", "time_zone"),
        ('time_zone = "Europe/London"', 'time_zone = "Europe/Londom"', "time_zone"),
        ('posting = "automatic"', 'posting = "automatically"', "posting"),
    ],
)
@pytest.mark.usefixtures("nothing_moves")
def test_settings_that_cannot_be_used_name_the_key(
    line: str, instead: str, named: str, live: Path, retailer: Retailer, capsys: pytest.CaptureFixture[str]
) -> None:
    """Unknown, missing or wrong keys stop the command before it asks either account for anything."""
    edit(live, line, instead)
    before = retailer.sandbox.get("/requests")
    status, told = synced(capsys)
    assert status == 1
    assert named in told
    assert "Traceback" not in told
    assert retailer.sandbox.get("/requests") == before


def test_one_return_that_cannot_be_read_holds_no_other(
    shared: tuple[Retailer, Return],
    retailer: Retailer,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    connection: psycopg.Connection,
) -> None:
    """ReturnGo answers one detail with something that is not quite JSON."""
    monkeypatch.setenv("RETURNS_MODE", "shadow")
    _, good = shared
    bad = retailer.approved(retailer.order())
    retailer.sandbox.post(
        "/faults",
        {"kind": "malformed_json", "api": "returngo", "path": f"/rma/{bad.rma_id}$", "count": None},
    )
    synced(capsys)
    read = {rma_id for (rma_id,) in connection.execute("SELECT rma_id FROM returngo_rmas")}
    assert good.rma_id in read
    assert bad.rma_id not in read
    assert retailer.exceptions(bad) == {"record_malformed"}


def test_shadow_mode_plans_and_writes_nothing(
    shared: tuple[Retailer, Return],
    retailer: Retailer,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    connection: psycopg.Connection,
) -> None:
    """The first weeks on real accounts: everything is judged, and not one request that could change anything leaves."""
    monkeypatch.setenv("RETURNS_MODE", "shadow")
    status, told = synced(capsys)
    assert status == 0, told
    assert writes(retailer) == []
    _, asked = shared
    planned = connection.execute("SELECT kind, (payload->'subject'->>'rma_id')::bigint FROM shadow_plans").fetchall()
    assert ("credit.raise", asked.rma_id) in planned
    assert connection.execute("SELECT count(*) FROM effect").fetchone() == (0,)


class TestReview:
    """Last of all, because this posts to the shared retailer."""

    def test_nothing_is_posted_before_its_batch_is_approved_by_its_hash(
        self, live: Path, retailer: Retailer, capsys: pytest.CaptureFixture[str]
    ) -> None:
        edit(live, 'posting = "automatic"', 'posting = "review"')
        asked = retailer.approved(retailer.order())
        order = asked.order
        assert synced(capsys, "--until-idle")[0] == 0
        retailer.ship(asked)
        retailer.receive(asked)
        retailer.time_passes(days=1)
        assert synced(capsys, "--until-idle")[0] == 0
        assert posted(retailer, order) == [False]
        assert retailer.exceptions(asked) == {"approval_waiting"}

        assert cli.main(["postings", "approve", "--by", "Ada", "--batch", "0" * 64]) == 1
        assert synced(capsys, "--until-idle")[0] == 0
        assert posted(retailer, order) == [False]

        capsys.readouterr()
        assert cli.main(["postings", "list", "--json"]) == 0
        (batch,) = json.loads(capsys.readouterr().out)
        assert batch["net_minor"] + batch["tax_minor"] == int(retailer.paid(asked) * 100)
        assert cli.main(["postings", "approve", "--by", "Ada", "--batch", batch["sha256_hex"]]) == 0
        assert synced(capsys, "--until-idle")[0] == 0
        assert posted(retailer, order) == [True]
        assert retailer.exceptions(asked) == set()


def posted(retailer: Retailer, order: Order) -> list[bool]:
    return [credit.is_posted for credit in retailer.credits(order)]
