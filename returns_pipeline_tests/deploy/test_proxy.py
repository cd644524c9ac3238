"""The proxy's login by an identity provider, and what it does with a wrong setting. The login by password is tried in `test_start`.

Caddy is real; for oauth2-proxy stands a small server that gives its two answers, for no provider can be asked here.
"""

import os
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
import requests

from returns_pipeline_tests.deploy.composed import DEPLOY

CADDY = str(Path(sys.executable).parent / "caddy")
_PATIENCE_SECONDS = 60


class _Webserver(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        self._answer(200, f"page {self.path}")

    def _answer(self, status: int, text: str) -> None:
        self.send_response(status)
        self.end_headers()
        self.wfile.write(text.encode())

    def log_message(self, *_: object) -> None:
        pass


class _Sso(_Webserver):
    """Says as oauth2-proxy does whether a request's cookie is of somebody who logged in."""

    def do_GET(self) -> None:
        known = "_oauth2_proxy=ann" in self.headers.get("Cookie", "")
        if self.path.partition("?")[0] == "/oauth2/auth":
            self._answer(202 if known else 401, "")
        else:
            self._answer(200, f"sign in {self.path}")


@contextmanager
def served(handler: type[BaseHTTPRequestHandler]) -> Iterator[str]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield f"127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()


@pytest.fixture(scope="module")
def upstreams() -> Iterator[dict[str, str]]:
    with served(_Webserver) as webserver, served(_Sso) as sso:
        yield {"webserver:3000": webserver, "sso:4180": sso}


@contextmanager
def proxy(folder: Path, upstreams: dict[str, str], **login: str) -> Iterator[str]:
    """The address of a Caddy with that login."""
    text = (DEPLOY / "Caddyfile").read_text(encoding="utf-8")
    for name, address in upstreams.items():
        assert name in text
        text = text.replace(name, address)
    (folder / "Caddyfile").write_text(text, encoding="utf-8")
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{probe.getsockname()[1]}"
    environment = {
        "SITE_ADDRESS": url,
        "XDG_DATA_HOME": str(folder),
        "XDG_CONFIG_HOME": str(folder),
        "PATH": os.defpath,
    }
    command = [CADDY, "run", "--config", str(folder / "Caddyfile"), "--adapter", "caddyfile"]
    with (folder / "log").open("w") as log:
        process = subprocess.Popen(command, env=environment | login, stdout=log, stderr=subprocess.STDOUT)
    try:
        wait_until(lambda: process.poll() is None and answers(url), lambda: (folder / "log").read_text())
        yield url
    finally:
        process.terminate()
        process.wait(timeout=_PATIENCE_SECONDS)


def answers(url: str) -> bool:
    try:
        return requests.get(url, timeout=10, allow_redirects=False).status_code > 0
    except requests.ConnectionError:
        return False


def wait_until(holds: Callable[[], bool], otherwise: Callable[[], str]) -> None:
    until = time.monotonic() + _PATIENCE_SECONDS
    while not holds():
        assert time.monotonic() < until, otherwise()
        time.sleep(0.05)


def test_a_stranger_is_led_to_the_provider_and_back_to_the_page_he_wanted(
    upstreams: dict[str, str], tmp_path: Path
) -> None:
    """A link in an alert must lead to its page after the login, and to nothing before it."""
    with proxy(tmp_path, upstreams, LOGIN="sso") as url:
        led = requests.get(f"{url}/runs/7?tab=steps", timeout=10, allow_redirects=False)
        assert (led.status_code, led.headers["Location"]) == (302, "/oauth2/sign_in?rd=%2Fruns%2F7%3Ftab%3Dsteps")
        assert "page" not in led.text
        assert requests.get(f"{url}/oauth2/sign_in", timeout=10).text == "sign in /oauth2/sign_in"
        known = {"_oauth2_proxy": "ann"}
        assert requests.get(f"{url}/runs/7", cookies=known, timeout=10).text == "page /runs/7"
        elsewhere = {"Sec-Fetch-Site": "cross-site"}
        refused = requests.get(f"{url}/graphql?query=x", cookies=known, headers=elsewhere, timeout=10)
        assert refused.status_code == 403


def test_without_a_password_set_nobody_gets_in(upstreams: dict[str, str], tmp_path: Path) -> None:
    """A forgotten line in .env closes the door and does not open it."""
    with proxy(tmp_path, upstreams, LOGIN="password", LOGIN_NAME="", LOGIN_PASSWORD_HASH="") as url:
        for login in (None, ("ann", "")):
            assert requests.get(url, auth=login, timeout=10).status_code == 401


def test_a_login_that_there_is_not_starts_no_proxy(tmp_path: Path) -> None:
    """A slip in its name must not mean none."""
    command = [CADDY, "adapt", "--config", str(DEPLOY / "Caddyfile"), "--adapter", "caddyfile"]
    environment = {"SITE_ADDRESS": "http://127.0.0.1:1", "LOGIN": "pasword", "HOME": str(tmp_path)}
    ran = subprocess.run(command, env=environment, capture_output=True, text=True)
    assert ran.returncode != 0
    assert "login_pasword" in ran.stderr
