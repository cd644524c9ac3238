"""What the compose file starts, started without Docker: databases, migrations, code servers, webserver, daemon, webhooks and the proxy before them."""

import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import requests
from websockets.exceptions import InvalidStatus
from websockets.sync.client import connect
from websockets.typing import Subprotocol

from returns_pipeline_tests.deploy.composed import ACCOUNTS, DEPLOY, env_lines, filled_in
from returns_pipeline_tests.deploy.machine import Machine

LOGIN = ("ann", "correct horse")
SECRET = "a_secret_of_thirty-two_characters"
LOCATIONS = """{ workspaceOrError { ... on Workspace { locationEntries { name locationOrLoadError {
  ... on RepositoryLocation { repositories { jobs { name } } } ... on PythonError { message } } } } } }"""
LAUNCH = """mutation($selector: JobOrPipelineSelector!) { launchRun(executionParams: {selector: $selector, runConfigData: {}}) {
  ... on LaunchRunSuccess { run { runId status } } ... on PythonError { message } } }"""
RUN = "query($id: ID!) { runOrError(runId: $id) { ... on Run { status assets { key { path } } } } }"


def test_two_accounts_come_up_behind_the_login_and_run_what_is_asked_for(tmp_path: Path) -> None:
    """Every file of the compose way, as a retailer starts it: what does not come up here comes up nowhere."""
    variables = filled_in() | {
        "LOGIN_NAME": LOGIN[0],
        "LOGIN_PASSWORD_HASH": hashed(LOGIN[1]),
        "BRAND_A_WEBHOOK_SECRET": SECRET,
    }
    machine = Machine(tmp_path, variables, dict(env_lines(DEPLOY / "example.account.env")))
    with machine.database():
        assert machine.is_healthy("postgres")
        migrated = machine.run("migrate")
        assert migrated.returncode == 0, migrated.stderr
        with machine.running("proxy", "webserver", "daemon", "brand_a_webhooks", *ACCOUNTS):
            machine.wait_until(lambda: loaded(machine) == set(ACCOUNTS), "both accounts in Dagster")
            run_id = launched(machine, "brand_b")
            nobody_gets_in_without_the_login(machine)
            the_live_connection_is_passed_on_to_our_own_page_alone(machine)
            a_webhook_is_taken_in_without_the_login(machine)
            machine.wait_until(lambda: run_of(machine, run_id)["status"] == "SUCCESS", "the run of brand_b")
            (asset,) = run_of(machine, run_id)["assets"]
            assert asset["key"]["path"] == ["brand_b", "operations", "health"]
            for name in ("webserver", "daemon", "brand_a_webhooks", "brand_b"):
                machine.wait_until(lambda: machine.is_healthy(name), f"{name} to be healthy")  # noqa: B023
            assert SECRET not in machine.said("proxy")
        assert machine.strays() == []


def hashed(password: str) -> str:
    """As example.env says, at the least cost."""
    caddy = str(Path(sys.executable).parent / "caddy")
    command = [caddy, "hash-password", "--plaintext", password, "--bcrypt-cost", "4"]
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()


def ask(machine: Machine, query: str, **variables: Any) -> dict[str, Any]:
    """Dagster's answer, through the proxy."""
    body = {"query": query, "variables": variables}
    answer = requests.post(f"{machine.url}/graphql", auth=LOGIN, json=body, timeout=30)
    answer.raise_for_status()
    return answer.json()["data"]


def loaded(machine: Machine) -> set[str]:
    """Code locations whose definitions Dagster has; none while the proxy or the webserver itself is coming up."""
    try:
        if requests.get(f"{machine.url}/server_info", auth=LOGIN, timeout=30).status_code == 502:
            return set()
    except requests.ConnectionError:
        return set()
    entries = ask(machine, LOCATIONS)["workspaceOrError"]["locationEntries"]
    return {entry["name"] for entry in entries if (entry["locationOrLoadError"] or {}).get("repositories")}


def launched(machine: Machine, account: str) -> str:
    selector = {
        "repositoryLocationName": account,
        "repositoryName": "__repository__",
        "jobName": "pipeline_health",
    }
    run = ask(machine, LAUNCH, selector=selector)["launchRun"]["run"]
    assert run["status"] == "QUEUED", "one account's runs must wait for one another, so that they must pass the queue"
    return str(run["runId"])


def run_of(machine: Machine, run_id: str) -> dict[str, Any]:
    return ask(machine, RUN, id=run_id)["runOrError"]


def nobody_gets_in_without_the_login(machine: Machine) -> None:
    """Nor does another page through the browser of somebody who is logged in."""
    for login in (None, (LOGIN[0], "wrong")):
        assert requests.get(machine.url, auth=login, timeout=30).status_code == 401
    mutation = {"query": LAUNCH}
    for headers in (
        {"Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "same-site"},
        {"Origin": "https://evil.invalid"},
    ):
        for answer in (
            requests.get(f"{machine.url}/graphql", params=mutation, auth=LOGIN, headers=headers, timeout=30),
            requests.post(f"{machine.url}/graphql", params=mutation, auth=LOGIN, headers=headers, timeout=30),
        ):
            assert answer.status_code == 403, headers
    from_an_alert = requests.get(machine.url, auth=LOGIN, headers={"Sec-Fetch-Site": "cross-site"}, timeout=30)
    assert from_an_alert.status_code == 200


def the_live_connection_is_passed_on_to_our_own_page_alone(machine: Machine) -> None:
    """Without it a run's page stands still; opened by a stranger's page it would do what that page says."""
    address = machine.url.replace("http://", f"ws://{LOGIN[0]}:{LOGIN[1].replace(' ', '%20')}@") + "/graphql"
    graphql = [Subprotocol("graphql-ws")]
    with connect(address, origin=machine.url, subprotocols=graphql) as connection:
        connection.send('{"type": "connection_init"}')
        assert "connection_ack" in str(connection.recv(timeout=30))
    with (
        pytest.raises(InvalidStatus, match="403"),
        connect(address, origin="https://evil.invalid", subprotocols=graphql),
    ):
        pass


def a_webhook_is_taken_in_without_the_login(machine: Machine) -> None:
    """Its secret is in the address; the other account's endpoint does not run here, and the proxy tells nobody the address."""

    def status_of(path: str) -> int:
        return requests.post(f"{machine.url}/webhooks/{path}", json={"id": 7}, timeout=30).status_code

    machine.wait_until(lambda: status_of(f"brand_a/{SECRET}/brightpearl") != 502, "the webhook endpoint")
    assert status_of(f"brand_a/{SECRET}/brightpearl") < 300
    assert status_of(f"brand_a/{SECRET[::-1]}/brightpearl") == 404
    assert status_of(f"brand_b/{SECRET}/brightpearl") == 502
