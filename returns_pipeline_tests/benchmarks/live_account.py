"""A live retailer whose sandbox is in this process, so that its pool can be turned and its calls counted. No measuring.

The pipeline's own processes are started as operators start them.
"""

import datetime as dt
import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from returns_pipeline.sandbox.http import LoggedRequest
from returns_pipeline.sandbox.returngo.switches import ReturnGoSwitches
from returns_pipeline.sandbox.serve import RunningSandbox, serve
from returns_pipeline_tests.benchmarks.live_home import live_home

PLENTY = 1_000_000
_POLLED = "/warehouse-service/warehouse"
_WORKSPACE = Path(__file__).parents[2] / "workspace.yaml"
_MINUTE, _STEP = 60.0, 0.25
Sync = subprocess.Popen[str]


@contextmanager
def retailer() -> Iterator[RunningSandbox]:
    """A sandbox, an embedded database and the environment of a live retailer; `allow` writes his settings."""
    switches = ReturnGoSwitches(daily_quota=PLENTY)
    with live_home() as go_live, serve(seed=7, requests_per_minute=PLENTY, returngo_switches=switches) as sandbox:
        go_live(sandbox.environment(), sandbox.settings_toml())
        yield sandbox


def allow(sandbox: RunningSandbox, *, pool: int, share: float, drain_seconds: int) -> None:
    """Turns the account's pool, and writes the settings of the processes that start from now on. Only credits are live."""
    sandbox.pool.requests_per_minute = pool
    text = sandbox.settings_toml()
    shadowed = "\n".join(f'{kind} = "%s"' for kind in ("confirmations", "refunds", "transfers"))
    for line, instead in {
        f"brightpearl_per_minute = {PLENTY}": f"brightpearl_per_minute = {pool}",
        "brightpearl_share = 1.0": f"brightpearl_share = {share}",
        "close_wait_seconds = 2": f"close_wait_seconds = 2\ndrain_seconds = {drain_seconds}",
        shadowed.replace("%s", "live"): shadowed.replace("%s", "shadow"),
        # ReturnGo's day would be over before the backlog is: its calls are not what is measured.
        'inspection_source = ["returngo", "job"': 'inspection_source = ["job"',
    }.items():
        assert line in text, f"the sandbox's settings have no line {line}"
        text = text.replace(line, instead)
    Path(os.environ["RETURNS_SETTINGS"]).write_text(text, encoding="utf-8")


def announce(sandbox: RunningSandbox, count: int) -> None:
    """Customers ask for returns of single articles, shipped to them a day before, and customer service approves them."""
    actors, asked = sandbox.story.actors, []
    for _ in range(count):
        order = actors.customer.buy(shape="single")
        asked.append(actors.customer.request_return(order["order_name"])["rma_id"])
    sandbox.retailer.clock.advance(dt.timedelta(hours=25))
    for rma_id in asked:
        actors.cx.approve(rma_id)


def receive(sandbox: RunningSandbox, credits: Sequence[int]) -> None:
    """The bench books the goods of these credits in, one after the other."""
    for credit_id in credits:
        sandbox.retailer.clock.advance(dt.timedelta(seconds=1))
        with sandbox.retailer.locked():
            booked = sandbox.story.actors.warehouse.receive(0, credit_id=credit_id)
        assert booked["booked"], f"nothing was booked in on credit {credit_id}"


@contextmanager
def syncing() -> Iterator[Sync]:
    """`returns-pipeline sync --until-idle` in a process of its own, as operators start it."""
    command = [sys.executable, "-m", "returns_pipeline.cli", "sync", "--until-idle", "--json"]
    with _process(command, stdout=subprocess.PIPE) as process:
        yield process


def told(sync: Sync) -> dict[str, Any]:
    """Waits for the end of a sync, and answers what it said."""
    output, _ = sync.communicate()
    if not output.startswith("{"):
        raise AssertionError(f"the sync ended with {sync.returncode}: {output[-2000:]}")
    answer: dict[str, Any] = json.loads(output)
    return answer


@contextmanager
def polling() -> Iterator[None]:
    """Another process of the pipeline that polls as often as the account's minute lets it."""
    with _process([sys.executable, "-m", "returns_pipeline_tests.benchmarks.polling"]):
        yield


@contextmanager
def daemon() -> Iterator[None]:
    """Dagster's daemon with the project's code server, as a service runs it: every schedule and sensor ticks."""
    command = [sys.executable, "-m", "dagster._daemon", "run", "-w", str(_WORKSPACE)]
    streams = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
    with _process(command, start_new_session=True, **streams) as process:
        try:
            yield
        finally:
            os.killpg(process.pid, signal.SIGTERM)
            process.wait(timeout=_MINUTE)
            # Its code servers belong to its group, and one that is just starting does not hear the first signal.
            with suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)


def is_polled(call: LoggedRequest) -> bool:
    """Whether a call is one of those that `polling` makes."""
    return call.path.endswith(_POLLED)


@contextmanager
def _process(command: list[str], **streams: Any) -> Iterator[Sync]:
    with subprocess.Popen(command, text=True, **streams) as process:
        try:
            yield process
        finally:
            if process.poll() is None:
                process.terminate()
                # Read to its end: what it still says must find somebody who listens.
                process.communicate(timeout=_MINUTE)


class Neighbour:
    """Another private app of the account that begins to call, so many times a minute."""

    def __init__(self, sandbox: RunningSandbox, per_minute: int) -> None:
        self.per_minute, self.pool = per_minute, sandbox.pool.requests_per_minute
        self.began_at = self.ended_at = 0.0
        self._switches = sandbox.retailer.brightpearl.switches

    def call_for(self, seconds: float) -> None:
        """Calls evenly; returns when he has ended, while his last minute still leaves the pool."""
        self.began_at = time.time()
        self.ended_at = self.began_at + seconds
        threading.Thread(target=self._call, daemon=True).start()
        time.sleep(seconds)

    def _call(self) -> None:
        """What the pool counts of him are his calls of the last minute: they rise over his first and fall over the one after his last."""
        while (now := time.time()) < self.ended_at + _MINUTE:
            begins, ends = max(self.began_at, now - _MINUTE), min(now, self.ended_at)
            self._switches.neighbour_usage_per_minute = round(self.per_minute * max(0.0, ends - begins) / _MINUTE)
            time.sleep(_STEP)
        self._switches.neighbour_usage_per_minute = 0
