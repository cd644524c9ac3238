"""Dagster has no login: live mode writes nothing while its web server can be reached from other machines."""

import subprocess
import sys

import pytest

from returns_pipeline.settings import load_settings
from returns_pipeline.stages.exposure import WebServer, exposed_hosts, is_web_server, objections, running_servers

EVERYWHERE = "0.0.0.0"  # noqa: S104 - what is looked for


@pytest.mark.parametrize(
    ("words", "hosts"),
    [
        (["python", "/venv/bin/dagster-webserver", "-h", EVERYWHERE, "-p", "3000"], [EVERYWHERE]),
        (["dagster-webserver", "--host=::", "-w", "workspace.yaml"], ["::"]),
        (["python", "-m", "dagster_webserver", "--host", "10.0.0.7"], ["10.0.0.7"]),
        (["dagster", "dev", "-h", "erp.example.com"], ["erp.example.com"]),
        (["dagster-webserver", f"-h{EVERYWHERE}"], [EVERYWHERE]),
        (["dagster", "dev", "--dagit-host", EVERYWHERE], [EVERYWHERE]),
        (["dagster-webserver", "-h", "127.0.0.1", "-h", EVERYWHERE], [EVERYWHERE]),
        (["dagster-webserver", "-w", "workspace.yaml"], []),
        (["dagster-webserver", "-h", "127.0.0.1"], []),
        (["dagster-webserver", "--host", "localhost"], []),
        (["dagster-webserver", "--host", "::1"], []),
    ],
)
def test_the_host_of_a_web_server_is_read_from_its_command_line(words: list[str], hosts: list[str]) -> None:
    """Where no host is given, Dagster binds to loopback."""
    assert is_web_server(words)
    assert exposed_hosts([WebServer(words)]) == hosts


@pytest.mark.parametrize("words", [["dagster-daemon", "run", "-h", EVERYWHERE], ["ls", "-h", "dagster"], []])
def test_other_commands_are_no_web_server(words: list[str]) -> None:
    """A daemon that is told a host listens to nobody."""
    assert not is_web_server(words)


def test_where_a_web_server_really_listens_counts_too() -> None:
    """A host may come from a variable, which no command line shows."""
    server = WebServer(["dagster-webserver", "-h", "127.0.0.1"], ["127.0.0.1", EVERYWHERE])
    assert exposed_hosts([server]) == [EVERYWHERE]


def test_a_web_server_that_others_reach_is_an_objection_until_a_proxy_is_vouched_for(tmp_path) -> None:
    """The sentence names the address and the mend."""
    server = WebServer(["dagster-webserver", "--host", EVERYWHERE])
    (told,) = objections(load_settings({}), [server])
    assert f"listens on {EVERYWHERE}" in told
    file = tmp_path / "settings.toml"
    file.write_text("[ui]\nbehind_proxy = true\n", encoding="utf-8")
    assert objections(load_settings({"RETURNS_SETTINGS": str(file)}), [server]) == []


def test_the_web_servers_of_this_machine_are_found_with_their_addresses() -> None:
    """An empty list would find none. It listens on loopback, so that nobody else's writers stop for it."""
    code = "import socket, sys; s = socket.create_server(('127.0.0.9', 0)); print(flush=True); sys.stdin.read()"
    command = [sys.executable, "-c", code, "dagster-webserver", "seen-by-the-test"]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        process.stdout.readline()
        (found,) = [server for server in running_servers() if "seen-by-the-test" in server.words]
        assert found.listens_on == ["127.0.0.9"]
        process.communicate()
