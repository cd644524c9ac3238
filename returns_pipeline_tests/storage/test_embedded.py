"""The embedded server comes up, comes back and goes away as its users expect."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import psutil
import psycopg
import pytest

from returns_pipeline.storage import embedded

START = "import sys; from pathlib import Path; from returns_pipeline.storage import embedded; print(embedded.ensure_started(Path(sys.argv[1]), keep_running=sys.argv[2:] == ['keep']), flush=True); "


@pytest.fixture
def data(tmp_path):
    yield tmp_path / "postgres"
    embedded.stop(tmp_path / "postgres")


def start_elsewhere(data: Path, *arguments: str, then: str = "") -> subprocess.Popen:
    return subprocess.Popen(
        [sys.executable, "-c", START + then, str(data), *arguments],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )


def postmaster(data: Path) -> int:
    return int((data / "postmaster.pid").read_text().split("\n", 1)[0])


def test_a_second_start_finds_the_same_server_and_its_rows(data):
    """Every command starts the server; a second server, or an emptied one, would lose the ledger."""
    url = embedded.ensure_started(data)
    with psycopg.connect(url) as connection:
        connection.execute("CREATE TABLE kept AS SELECT 1 AS one")
    before = postmaster(data)
    assert embedded.ensure_started(data) == url
    assert postmaster(data) == before
    with psycopg.connect(url) as connection:
        assert connection.execute("SELECT one FROM kept").fetchone() == (1,)


def test_after_a_kill_it_comes_back_with_all_rows(data):
    """Right after a kill -9 a start is refused for about a second; giving up then would need a person each time."""
    url = embedded.ensure_started(data)
    with psycopg.connect(url) as connection:
        connection.execute("CREATE TABLE kept AS SELECT 1 AS one")
    number = postmaster(data)
    os.kill(number, signal.SIGKILL)
    assert embedded.ensure_started(data) == url
    assert postmaster(data) != number
    with psycopg.connect(url) as connection:
        assert connection.execute("SELECT one FROM kept").fetchone() == (1,)


def test_a_lock_file_of_another_life_does_not_keep_it_down(data):
    """After a container's restart the old process number may be anybody's; Postgres alone would refuse for ever."""
    url = embedded.ensure_started(data)
    lines = (data / "postmaster.pid").read_text().split("\n")
    embedded.stop(data)
    (data / "postmaster.pid").write_text("\n".join([str(os.getpid()), *lines[1:]]))
    assert not embedded.is_running(data)
    assert embedded.ensure_started(data) == url
    assert embedded.is_running(data)


def test_the_process_that_started_it_takes_it_along(data):
    """A demo on a laptop must leave no server behind."""
    assert start_elsewhere(data).wait(60) == 0
    assert not embedded.is_running(data)


def test_it_stays_up_when_asked(data):
    """`db start` is a command that ends; its server must not end with it."""
    assert start_elsewhere(data, "keep").wait(60) == 0
    assert embedded.is_running(data)


def test_a_server_that_others_use_is_left_alone(data):
    """A sync that ends would otherwise take the database from under Dagster's daemon."""
    owner = start_elsewhere(data, then="sys.stdin.readline()")
    url = owner.stdout.readline().strip()
    with psycopg.connect(url) as connection:
        owner.communicate("go on\n", timeout=60)
        assert connection.execute("SELECT 1").fetchone() == (1,)


def test_nothing_listens_on_the_network(data):
    """Without passwords, a port would be an open door."""
    embedded.ensure_started(data)
    assert psutil.Process(postmaster(data)).net_connections("inet") == []
