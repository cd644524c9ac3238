"""Dagster has no login: live mode writes nothing while its web server can be reached from other machines."""

import subprocess
import sys

import pytest

from returns_pipeline.settings import load_settings
from returns_pipeline.stages.exposure import exposed_hosts, objections, running_commands

EVERYWHERE = "0.0.0.0"  # noqa: S104 - what is looked for


@pytest.mark.parametrize(
    ("words", "hosts"),
    [
        (["python", "/venv/bin/dagster-webserver", "-h", EVERYWHERE, "-p", "3000"], [EVERYWHERE]),
        (["dagster-webserver", "--host=::", "-w", "workspace.yaml"], ["::"]),
        (["python", "-m", "dagster_webserver", "--host", "10.0.0.7"], ["10.0.0.7"]),
        (["dagster", "dev", "-h", "erp.example.com"], ["erp.example.com"]),
        (["dagster-webserver", "-w", "workspace.yaml"], []),
        (["dagster-webserver", "-h", "127.0.0.1"], []),
        (["dagster-webserver", "--host", "localhost"], []),
        (["dagster-webserver", "--host", "::1"], []),
        (["dagster-daemon", "run", "-h", EVERYWHERE], []),
        (["ls", "-h", "dagster"], []),
        ([], []),
    ],
)
def test_the_host_of_a_web_server_is_read_from_its_command_line(words: list[str], hosts: list[str]) -> None:
    """Where no host is given, Dagster binds to loopback."""
    assert exposed_hosts([words]) == hosts


def test_a_web_server_that_others_reach_is_an_objection_until_a_proxy_is_vouched_for(tmp_path) -> None:
    """The sentence names the address and the mend."""
    server = ["dagster-webserver", "--host", EVERYWHERE]
    (told,) = objections(load_settings({}), [server])
    assert f"listens on {EVERYWHERE}" in told
    file = tmp_path / "settings.toml"
    file.write_text("[ui]\nbehind_proxy = true\n", encoding="utf-8")
    assert objections(load_settings({"RETURNS_SETTINGS": str(file)}), [server]) == []


def test_the_processes_of_this_machine_are_looked_at() -> None:
    """An empty list would find no server."""
    command = [sys.executable, "-c", "import sys; print(flush=True); sys.stdin.read()", "seen-by-the-test"]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        process.stdout.readline()
        assert any("seen-by-the-test" in words for words in running_commands())
        process.communicate()
