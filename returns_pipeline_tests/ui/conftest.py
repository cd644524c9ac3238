"""The Dagster UI as people see it: a real webserver and daemon on a small retailer's data, and a real browser. No assertions."""

import contextlib
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest
from playwright.sync_api import Page, sync_playwright

from returns_pipeline_tests.scenarios.conftest import OpenShop, open_shop  # noqa: F401 - a fixture
from returns_pipeline_tests.scenarios.lockstep import Arrangement
from returns_pipeline_tests.scenarios.retailer import Retailer, Return

WORKSPACE = Path(__file__).parents[2] / "workspace.yaml"
_PATIENCE_SECONDS = 60
# A formula, a picture from elsewhere, a script, a link that is one, a table's edge, a statement and a forged line of a log.
HOSTILE = (
    "=1+1<img src=//evil.invalid/a.png onerror=window.hacked=1><script>window.hacked=1</script>![x](//evil.invalid/b.png)"
    "[x](javascript:window.hacked=1)|`'); DROP TABLE effect; --\nERROR forged"
)
# What a customer tells of himself where only a reason was asked for.
PRIVATE = "canary.reason@example.com +44 7700 900123"
# Alerts of a night are held back until the morning, whenever the tests run; and somebody gets mail.
_BY_DAY = {
    "[ledger]": '[alerts]\nquiet_from = "00:00"\nquiet_until = "00:00"\nmail_to = ["desk@example.com"]\n\n[ledger]'
}


@dataclass(frozen=True)
class Served:
    """A retailer with one sound return, one whose SKU nobody sold, one whose every text is an attack, and where his Dagster UI is."""

    retailer: Retailer
    unsold: Return
    hostile: Return
    url: str


# Only as long as the tests of this folder: a daemon goes on working.
@pytest.fixture(scope="package")
def served(open_shop: OpenShop) -> Iterator[Served]:  # noqa: F811
    with open_shop(Arrangement("seen by people", _BY_DAY)) as retailer:
        unsold = retailer.approved(retailer.order("drop_ship"))
        retailer.approved(retailer.order())
        hostile = retailer.approved(retailer.order(), reason=f"{PRIVATE} {HOSTILE}")
        retailer.act("cx", "rename", rma_id=hostile.rma_id, order_name=HOSTILE, sku=HOSTILE)
        retailer.act("cx", "comment", rma_id=hostile.rma_id, text=f"{PRIVATE} {HOSTILE}")
        retailer.sync()
        port = _free_port()
        address = ["-h", "127.0.0.1", "-p", str(port)]
        with (
            _running("dagster_webserver", "-w", str(WORKSPACE), *address),
            _running("dagster._daemon", "run", "-w", str(WORKSPACE)),
        ):
            url = f"http://127.0.0.1:{port}"
            wait_until(lambda: _answers(f"{url}/server_info"), "the webserver to answer")
            yield Served(retailer, unsold, hostile, url)


@pytest.fixture(scope="module")
def page() -> Iterator[Page]:
    """A page of the system's Chromium, else of the one that Playwright installed."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=shutil.which("chromium") or shutil.which("chromium-browser"),
            args=["--no-sandbox", "--disable-background-networking"],
        )
        opened = browser.new_page(viewport={"width": 1500, "height": 950})
        opened.set_default_timeout(_PATIENCE_SECONDS * 1000)
        yield opened
        browser.close()


def wait_until(holds: Callable[[], bool], what: str) -> None:
    """Waits for a condition, and says what did not come."""
    until = time.monotonic() + _PATIENCE_SECONDS
    while not holds():
        assert time.monotonic() < until, f"waited {_PATIENCE_SECONDS} s for {what}"
        time.sleep(0.2)


@contextmanager
def _running(module: str, *arguments: str) -> Iterator[None]:
    process = subprocess.Popen(
        [sys.executable, "-m", module, *arguments],
        start_new_session=True,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        yield
    finally:
        os.killpg(process.pid, signal.SIGTERM)
        process.wait(timeout=_PATIENCE_SECONDS)
        # Its code servers belong to its group, and one that is just starting does not hear the first signal.
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _answers(url: str) -> bool:
    try:
        with urllib.request.urlopen(url, timeout=2) as answer:  # noqa: S310 - our own server
            return bool(answer.status == 200)
    except (urllib.error.URLError, ConnectionError, TimeoutError):
        return False
