"""Starts the sandbox as a process of its own and drives it over its admin address. The pipeline never imports the sandbox."""

import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import requests

_START_PATIENCE_SECONDS = 60.0
_ADMIN_PATIENCE_SECONDS = 120.0


class SandboxDown(Exception):
    """The sandbox did not start or does not answer; the message says what it printed."""


class Sandbox:
    """A running sandbox: what it tells the environment, and its admin address."""

    def __init__(self, described: dict[str, Any]) -> None:
        self.described = described
        self.environment: dict[str, str] = described["environment"]
        self.settings_toml: str = described["settings_toml"]
        self.admin_url: str = described["admin_url"]
        self._session = requests.Session()
        self._session.trust_env = False

    def get(self, path: str) -> Any:  # noqa: ANN401 - JSON
        """The admin address's answer."""
        return self._call("GET", path, None)

    def post(self, path: str, body: dict[str, Any]) -> Any:  # noqa: ANN401 - JSON
        """Acts in the sandbox's world: a verb of an actor, a phase of the story, a switch."""
        return self._call("POST", path, body)

    def clear_faults(self) -> None:
        """Ends every fault that was put into force."""
        self._call("DELETE", "/faults", None)

    def _call(self, method: str, path: str, body: dict[str, Any] | None) -> Any:  # noqa: ANN401 - JSON
        answer = self._session.request(method, self.admin_url + path, json=body, timeout=_ADMIN_PATIENCE_SECONDS)
        if not answer.ok:
            raise SandboxDown(f"the sandbox answered {method} {path} with {answer.status_code}: {answer.text[:300]}")
        return answer.json()


@contextmanager
def running(*, seed: int, living: bool = False) -> Iterator[Sandbox]:
    """A sandbox for as long as the block lasts.

    Raises:
        SandboxDown: it did not come up within a minute.
    """
    with tempfile.TemporaryDirectory(prefix="returns-sandbox-") as folder:
        process, sandbox = _started(Path(folder), seed, ["--living"] if living else [], is_apart=False)
        try:
            yield sandbox
        finally:
            process.terminate()
            process.wait(timeout=10)


def start_apart(folder: Path, *, seed: int) -> tuple[int, Sandbox]:
    """A sandbox that lives on when this process ends, and the number of its process; what it prints is in `folder`.

    Raises:
        SandboxDown: it did not come up within a minute.
    """
    process, sandbox = _started(folder, seed, [], is_apart=True)
    return process.pid, sandbox


def _started(folder: Path, seed: int, options: list[str], *, is_apart: bool) -> tuple[subprocess.Popen[bytes], Sandbox]:
    told, log = folder / "sandbox.json", folder / "log"
    told.unlink(missing_ok=True)
    command = [sys.executable, "-m", "returns_pipeline.sandbox.serve", "--seed", str(seed)]
    command += ["--write-environment", str(told), *options]
    with log.open("w") as output:
        process = subprocess.Popen(  # noqa: S603 - our own module
            command, stdout=output, stderr=subprocess.STDOUT, env=_bare(), start_new_session=is_apart
        )
    try:
        return process, Sandbox(_wait_for(told, process, log))
    except BaseException:
        process.terminate()
        raise


def _bare() -> dict[str, str]:
    """The environment without the pipeline's variables: the sandbox knows nothing of it."""
    return {
        name: value for name, value in os.environ.items() if not name.startswith(("RETURN", "BRIGHTPEARL_", "DAGSTER_"))
    }


def _wait_for(told: Path, process: subprocess.Popen[bytes], log: Path) -> dict[str, Any]:
    deadline = time.monotonic() + _START_PATIENCE_SECONDS
    while not told.exists():
        if process.poll() is not None or time.monotonic() > deadline:
            raise SandboxDown(f"the sandbox did not start: {log.read_text()[-2000:]}")
        time.sleep(0.05)
    described: dict[str, Any] = json.loads(told.read_text())
    return described
