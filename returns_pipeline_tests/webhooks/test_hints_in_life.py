"""Hints from the sandbox's own senders to the sync that they lead to: registered by command, taken in over HTTP, looked at by the sensor."""

import os
import re
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import dagster as dg
import psycopg
import pytest
import requests

from returns_pipeline.definitions import defs
from returns_pipeline.doctor import account
from returns_pipeline.settings import load_settings
from returns_pipeline.stages.accounts import Accounts
from returns_pipeline.storage import database
from returns_pipeline_tests.defs.conftest import instance, repository  # noqa: F401 - fixtures
from returns_pipeline_tests.scenarios.conftest import OpenShop, open_shop  # noqa: F401 - a fixture
from returns_pipeline_tests.scenarios.retailer import Retailer

SECRET, NEXT = "first-secret-of-forty-letters-and-digits", "next-secret-of-forty-letters-and-digits-"
QUIET = "no hint names an open return"


@pytest.fixture
def retailer(open_shop: OpenShop, monkeypatch: pytest.MonkeyPatch) -> Iterator[Retailer]:  # noqa: F811
    with open_shop() as opened, socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
        settings = os.environ["RETURNS_SETTINGS"]
        with open(settings, "a", encoding="utf-8") as file:  # noqa: PTH123
            file.write(f'\n[webhooks]\npublic_url = "http://127.0.0.1:{port}/hints"\nlooks_per_hour = 4\n')
        monkeypatch.setenv("RETURNS_WEBHOOK_SECRET", SECRET)
        monkeypatch.setenv("PORT", str(port))
        free.close()
        yield opened


@contextmanager
def serving() -> Iterator[None]:
    port = os.environ["PORT"]
    process = subprocess.Popen([sys.executable, "-m", "returns_pipeline.cli", "webhooks", "serve", "--port", port])
    try:
        until(lambda: answers(f"http://127.0.0.1:{port}/"))
        yield
    finally:
        process.terminate()
        assert process.wait(timeout=20) in (0, -15)


def answers(url: str) -> bool:
    try:
        return requests.get(url, timeout=5).status_code == 404
    except requests.ConnectionError:
        return False


def until(holds: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 30
    while not holds():
        assert time.monotonic() < deadline
        time.sleep(0.05)


def noted() -> set[tuple[str, int]]:
    with database.connect() as connection:
        return {
            (subject, subject_id)
            for subject, subject_id in connection.execute(
                "SELECT subject, subject_id FROM hints WHERE taken_at IS NULL"
            )
        }


def doctor_says() -> str:
    settings = load_settings()
    accounts = Accounts(settings)
    points = account.points(settings, accounts)
    mend = next(point.mend for point in points if point.what.startswith("webhooks come to us"))
    accounts.close()
    return mend


def our_writes_are_an_hour_old() -> None:
    """Only the owner can make the ledger say so: its own triggers know the time."""
    owner = re.sub("//[^@]*@", "//postgres:@", os.environ["RETURNS_DATABASE_URL"])
    with psycopg.connect(owner) as connection:
        connection.execute("SET session_replication_role = replica")
        connection.execute("UPDATE returns.effect SET updated_at = updated_at - interval '1 hour'")


def registered() -> list[str]:
    told = subprocess.run(
        [sys.executable, "-m", "returns_pipeline.cli", "webhooks", "list"], capture_output=True, text=True, check=True
    ).stdout
    assert SECRET not in told
    return told.splitlines()


def test_what_a_message_names_is_looked_at_before_the_next_sync(
    retailer: Retailer,
    instance: dg.DagsterInstance,  # noqa: F811
    repository: dg.RepositoryDefinition,  # noqa: F811
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def tick() -> dg.RunRequest | str:
        with dg.build_sensor_context(instance=instance, repository_def=repository) as context:
            answer = repository.get_sensor_def("early_look_sensor")(context)
        return answer if isinstance(answer, dg.RunRequest) else str(answer.skip_message)

    order, other = retailer.order(), retailer.order()
    asked, waiting = retailer.approved(order), retailer.approved(other)
    retailer.sync()
    assert "run `returns-pipeline webhooks register`: Brightpearl (goods-in-note.created), " in doctor_says()
    retailer.command("webhooks", "register")
    retailer.command("webhooks", "register")
    assert doctor_says() == ""
    assert [line.split(";")[0] for line in registered()] == [
        "Brightpearl: goods-in-note.created, order.modified",
        "ReturnGo of uk: RMA_STATUS_UPDATED, TRANSACTION_CREATED",
        "ReturnGo of eu: RMA_STATUS_UPDATED, TRANSACTION_CREATED",
    ]
    with serving():
        our_writes_are_an_hour_old()
        retailer.ship(asked)
        (note,) = retailer.receive(asked)
        (credit,) = retailer.credits(order)
        until(lambda: {("goods_in", note), ("order", credit.credit_id), ("rma", asked.rma_id)} <= noted())
        request = tick()
        assert isinstance(request, dg.RunRequest)
        assert {tuple(step["config"]["rma_ids"]) for step in request.run_config["ops"].values()} == {(asked.rma_id,)}
        assert noted() == set()
        assert tick() == QUIET, "a hint is followed up once"
        run = (
            defs()
            .resolve_job_def("returns_sync")
            .execute_in_process(instance=instance, run_config=request.run_config, raise_on_error=False)
        )
        assert run.success
        (credit,) = retailer.credits(order)
        assert (credit.is_posted, credit.gross) == (True, retailer.paid(asked))
        assert retailer.ledger(waiting) == [("credit.raise", "confirmed")]
        until(lambda: ("order", credit.credit_id) in noted())
        assert tick() == QUIET, "what we wrote ourselves is no news"

        # Forged: returns of nobody, of another shop, and notes that do not exist cost one read and lead to nothing.
        port = os.environ["PORT"]
        for path, body in (
            ("returngo/eu", {"eventName": "RMA_STATUS_UPDATED", "rmaId": waiting.rma_id}),
            ("returngo/uk", {"eventName": "RMA_STATUS_UPDATED", "rmaId": 1}),
            ("brightpearl", {"event": "goods-in-note.created", "ids": "900000-900100"}),
        ):
            assert requests.post(f"http://127.0.0.1:{port}/hints/{SECRET}/{path}", json=body, timeout=10).ok
        before = calls()
        assert tick() == QUIET
        assert calls() - before == 1

        # The hour's looks are counted: goods-in, order and return took three of four.
        for expected in (dg.RunRequest, str):
            message = {"eventName": "RMA_STATUS_UPDATED", "rmaId": waiting.rma_id}
            assert requests.post(f"http://127.0.0.1:{port}/hints/{SECRET}/returngo/uk", json=message, timeout=10).ok
            last = tick()
            assert isinstance(last, expected)
        assert last == f"{QUIET}; 1 hints wait for the next sync, the hour's looks are used"

    # With a new secret the old addresses go.
    monkeypatch.setenv("RETURNS_WEBHOOK_SECRET", f"{NEXT},{SECRET}")
    retailer.command("webhooks", "register")
    app = {name: os.environ[f"BRIGHTPEARL_{name.upper()}"] for name in ("app_ref", "account_token")}
    headers = {f"brightpearl-{name.replace('_', '-')}": value for name, value in app.items()}
    kept = requests.get(
        f"{os.environ['BRIGHTPEARL_BASE_URL']}/integration-service/webhook", headers=headers, timeout=10
    )
    assert {each["uriTemplate"] for each in kept.json()["response"]} == {
        f"http://127.0.0.1:{os.environ['PORT']}/hints/{NEXT}/brightpearl"
    }
    retailer.command("webhooks", "remove")
    assert [line.split(";")[0] for line in registered()[:3]] == [
        "Brightpearl: nothing of ours",
        "ReturnGo of uk: nothing of ours",
        "ReturnGo of eu: nothing of ours",
    ]


def calls() -> int:
    with database.connect() as connection:
        ((count,),) = connection.execute("SELECT coalesce(sum(calls), 0)::bigint FROM api_calls").fetchall()
    return count
