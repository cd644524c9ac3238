"""Two Celery workers over a Redis of their own, and a sync whose steps they take. No assertions about what comes of it."""

import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import dagster as dg
import redis
from dagster._core.definitions.reconstruct import ReconstructableRepository

_PATIENCE_SECONDS = 60
NAMES = ("one", "two")


@contextmanager
def workers(folder: Path) -> Iterator[None]:
    """Redis and both workers for as long as the block lasts; the environment must name the broker as `broker_variables` does.

    The workers may still be starting when the block begins: a task waits for them.
    """
    program = shutil.which("redis-server")
    assert program, "redis-server is not installed: `apt-get install redis-server`, see the README's tests"
    url = os.environ["CELERY_BROKER_URL"]
    port = url.rsplit(":", 1)[1].split("/")[0]
    with ExitStack() as processes:
        options = ["--port", port, "--bind", "127.0.0.1", "--save", "", "--dir", str(folder)]
        processes.enter_context(_process([program, *options], folder / "redis.log"))
        client = processes.enter_context(redis.Redis.from_url(url))
        _wait_until(lambda: _answers(client), "Redis to answer", folder / "redis.log")
        for name in NAMES:
            command = [sys.executable, "-m", "celery", "-A", "dagster_celery.app", "worker", "--concurrency", "1"]
            command += ["--prefetch-multiplier", "1", "--queues", "dagster", "--loglevel", "INFO", "--hostname", name]
            processes.enter_context(_process(command, folder / f"{name}.log"))
        yield


def steps_taken(folder: Path) -> dict[str, int]:
    """How many steps each worker carried out, by its own log."""
    return {name: (folder / f"{name}.log").read_text().count(" succeeded in ") for name in NAMES}


def broker_variables() -> dict[str, str]:
    """Where Redis will listen: a free port of this machine's own address."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        url = f"redis://127.0.0.1:{probe.getsockname()[1]}/0"
    return {"CELERY_BROKER_URL": url, "CELERY_RESULT_BACKEND": url}


def sync_on_workers(job: str) -> None:
    """One run of a job, watched from this process, whose steps the workers take; it must succeed."""
    repository = ReconstructableRepository.for_module("returns_pipeline.definitions_on_celery", fn_name="defs")
    with dg.DagsterInstance.get() as instance, dg.execute_job(repository.get_reconstructable_job(job), instance) as run:
        assert run.success, [event.message for event in run.all_events if event.is_failure]


@contextmanager
def _process(command: list[str], log: Path) -> Iterator[None]:
    with log.open("w") as output:
        process = subprocess.Popen(command, stdout=output, stderr=subprocess.STDOUT, start_new_session=True)
    try:
        yield
    finally:
        os.killpg(process.pid, signal.SIGTERM)
        process.wait(timeout=_PATIENCE_SECONDS)


def _answers(client: redis.Redis) -> bool:
    try:
        return bool(client.ping())
    except redis.ConnectionError:
        return False


def _wait_until(holds: Callable[[], bool], what: str, log: Path) -> None:
    until = time.monotonic() + _PATIENCE_SECONDS
    while not holds():
        assert time.monotonic() < until, f"waited {_PATIENCE_SECONDS} s for {what}: {log.read_text()[-2000:]}"
        time.sleep(0.1)
