"""Runs the sandbox: ReturnGO, Brightpearl and the admin address on three loopback ports, in this process or as one of its own.

Not here: what they answer. `python -m returns_pipeline.sandbox.serve --help` tells the options.
"""

import argparse
import datetime as dt
import json
import signal
import sys
import threading
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from returns_pipeline.sandbox import retailer_account as account
from returns_pipeline.sandbox.admin import AdminApp
from returns_pipeline.sandbox.brightpearl.account import Credentials
from returns_pipeline.sandbox.brightpearl.routes import BrightpearlApp
from returns_pipeline.sandbox.brightpearl.switches import BrightpearlSwitches
from returns_pipeline.sandbox.clock import SandboxClock
from returns_pipeline.sandbox.deliveries import Deliveries
from returns_pipeline.sandbox.faults import FaultPlan, interceptor
from returns_pipeline.sandbox.http import SandboxServer
from returns_pipeline.sandbox.retailer import Retailer
from returns_pipeline.sandbox.returngo.routes import ReturnGoApp
from returns_pipeline.sandbox.returngo.switches import ReturnGoSwitches
from returns_pipeline.sandbox.story import DAYS, Story

# High enough that a demo of a week's returns is not slowed; tests of throttling set Brightpearl's true 200.
_DEMO_REQUESTS_PER_MINUTE = 20_000
_DEMO_CALLS_PER_DAY = 20_000


class RunningSandbox:
    """Three servers over one retailer. `stop()` ends them; as a context manager it stops by itself."""

    def __init__(self, story: Story, ports: Sequence[int], requests_per_minute: int) -> None:
        self.story = story
        self.retailer = story.retailer
        self.faults = FaultPlan()
        self.deliveries = Deliveries()
        story.retailer.returngo.deliver = story.retailer.brightpearl.deliver = self.deliveries
        self._requests_per_minute = requests_per_minute
        clock = story.retailer.clock
        returngo = ReturnGoApp(story.retailer.returngo)
        self.credentials = Credentials()
        brightpearl = BrightpearlApp(
            story.retailer.brightpearl, credentials=self.credentials, requests_per_minute=requests_per_minute
        )
        self.pool = brightpearl.pool
        admin = AdminApp(story, self.faults)
        self.returngo = SandboxServer(
            returngo, port=ports[0], clock=clock, interceptor=interceptor(self.faults, "returngo")
        )
        self.brightpearl = SandboxServer(
            brightpearl, port=ports[1], clock=clock, interceptor=interceptor(self.faults, "brightpearl")
        )
        self.admin = SandboxServer(admin, port=ports[2])
        admin.logs = {"returngo": self.returngo.log, "brightpearl": self.brightpearl.log}
        self._base_path = brightpearl.base_path
        self._stopped = threading.Event()
        self._life: threading.Thread | None = None

    def start(self) -> "RunningSandbox":
        """Begins to serve."""
        for server in (self.returngo, self.brightpearl, self.admin):
            server.start()
        return self

    def live(self, *, tick_seconds: float = 20.0) -> None:
        """From now on the retailer's people go on by themselves, in real time."""
        self._life = threading.Thread(
            target=self.story.living, args=(self._stopped,), kwargs={"tick_seconds": tick_seconds}, daemon=True
        )
        self._life.start()

    def stop(self) -> None:
        """Stops the people and the servers."""
        self._stopped.set()
        if self._life:
            self._life.join()
        for server in (self.returngo, self.brightpearl, self.admin):
            server.stop()
        self.deliveries.stop()

    def __enter__(self) -> "RunningSandbox":
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    @property
    def admin_url(self) -> str:
        """Where the admin address is."""
        return self.admin.base_url

    def environment(self) -> dict[str, str]:
        """What the pipeline's environment needs to meet this sandbox."""
        return {
            "RETURNGO_BASE_URL": self.returngo.base_url,
            "RETURNGO_API_KEY": account.API_KEYS["uk"],
            "RETURNGO_EU_API_KEY": account.API_KEYS["eu"],
            "BRIGHTPEARL_BASE_URL": self.brightpearl.base_url + self._base_path,
            "BRIGHTPEARL_APP_REF": self.credentials.app_ref,
            "BRIGHTPEARL_ACCOUNT_TOKEN": self.credentials.account_token,
        }

    def settings_toml(self) -> str:
        """A settings file that fits this retailer, to be laid over the pipeline's defaults."""
        switches = self.retailer.returngo.switches
        return account.settings_toml(
            is_fee_repeated=switches.rma_fee_on_every_item,
            returngo_per_day=switches.daily_quota,
            brightpearl_per_minute=self._requests_per_minute,
        )

    def describe(self) -> dict[str, Any]:
        """Everything another process needs to know."""
        return {"environment": self.environment(), "settings_toml": self.settings_toml(), "admin_url": self.admin_url}


def serve(
    seed: int = 7,
    ports: Sequence[int] = (0, 0, 0),
    *,
    requests_per_minute: int = _DEMO_REQUESTS_PER_MINUTE,
    start: dt.datetime | None = None,
    returngo_switches: ReturnGoSwitches | None = None,
    brightpearl_switches: BrightpearlSwitches | None = None,
    living: bool = False,
) -> RunningSandbox:
    """Starts a sandbox; `ports` are those of ReturnGO, Brightpearl and admin, 0 for any. The story's last day is yesterday unless `start` says otherwise."""
    clock = SandboxClock(start or _a_story_ago())
    switches = returngo_switches or ReturnGoSwitches(daily_quota=_DEMO_CALLS_PER_DAY)
    retailer = Retailer(clock, seed=seed, returngo_switches=switches, brightpearl_switches=brightpearl_switches)
    running = RunningSandbox(Story(retailer, seed), ports, requests_per_minute).start()
    if living:
        running.live()
    return running


def _a_story_ago() -> dt.datetime:
    today = dt.datetime.now(dt.UTC).replace(hour=8, minute=0, second=0, microsecond=0)
    return today - dt.timedelta(days=DAYS)


def main(arguments: Sequence[str] | None = None) -> int:
    """Serves until it is interrupted or terminated."""
    parser = argparse.ArgumentParser(
        prog="returns-pipeline sandbox serve", description="A ReturnGO and a Brightpearl on loopback."
    )
    parser.add_argument("--seed", type=int, default=7, help="the same seed gives the same retailer")
    parser.add_argument(
        "--port-base",
        type=int,
        default=0,
        help="ReturnGO here, Brightpearl on the next, admin on the one after; 0 takes free ports",
    )
    parser.add_argument(
        "--requests-per-minute",
        type=int,
        default=_DEMO_REQUESTS_PER_MINUTE,
        help="Brightpearl's limit; the real one is 200",
    )
    parser.add_argument("--living", action="store_true", help="the retailer's people go on by themselves, in real time")
    parser.add_argument("--tick-seconds", type=float, default=20.0, help="how long a phase of living lasts")
    parser.add_argument(
        "--write-environment",
        type=Path,
        metavar="FILE",
        help="write environment, settings and admin address there as JSON",
    )
    chosen = parser.parse_args(arguments)
    base = chosen.port_base
    stop = threading.Event()
    for each in (signal.SIGINT, signal.SIGTERM):
        signal.signal(each, lambda *_: stop.set())
    with serve(
        chosen.seed, (base, base + 1, base + 2) if base else (0, 0, 0), requests_per_minute=chosen.requests_per_minute
    ) as running:
        if chosen.living:
            running.live(tick_seconds=chosen.tick_seconds)
        _tell(running, chosen.write_environment)
        stop.wait()
    return 0


def _tell(running: RunningSandbox, file: Path | None) -> None:
    """Writes the description in one step, so that a reader never sees half of it; else prints the addresses."""
    if file:
        partial = file.with_suffix(file.suffix + ".partial")
        partial.write_text(json.dumps(running.describe(), indent=2))
        partial.replace(file)
        return
    lines = [f"export {name}={value}" for name, value in running.environment().items()]
    sys.stdout.write("\n".join([*lines, f"# admin: {running.admin_url}", ""]))
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main())
