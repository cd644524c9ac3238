"""A worker of a simulation: the real clients and writer on a clock of the simulation's, with places where it may die. No steps, no checks."""

from collections.abc import Callable
from typing import Any

import psycopg

from returns_pipeline.clients import allow_list
from returns_pipeline.clients.brightpearl import BrightpearlClient
from returns_pipeline.clients.outcomes import WriteAnswer
from returns_pipeline.clients.pacing import Priority
from returns_pipeline.clients.returngo import ReturnGoClient
from returns_pipeline.clients.transport import Transport
from returns_pipeline.sandbox.faults import Fault
from returns_pipeline.settings import ShopSettings
from returns_pipeline.storage import database
from returns_pipeline_tests.sandbox.account import Account

KINDS = ("credit.raise", "credit.cancel", "credit.post", "refund.record")
# What goes wrong with a write on its way or with its answer; each is one that the account really carried out or really did not.
FAULTS = (
    Fault("commit_then_drop"),
    Fault("drop_before_commit"),
    Fault("status_before_commit", status=500),
    Fault("status_before_commit", status=503),
    Fault("status_after_commit", status=502),
    Fault("status_before_commit", status=400, body={"errors": [{"code": "ORDC-001", "message": "the row is wrong"}]}),
    Fault("truncate"),
    Fault("reset_after_headers"),
    Fault("throttle"),
    Fault("throttle", with_headers=False),
    Fault("unauthorized"),
    Fault("html_body"),
    Fault("no_id"),
    Fault("malformed_json"),
)
# Where a worker may die or its database connection may break.
POINTS = ("claimed", "marked", "leaving", "answering", "answered", "recorded")


class KeptConnections:
    """Workers' connections, kept when they are closed: to open one takes longer than most steps."""

    def __init__(self, url: str | None = None) -> None:
        self._url = url
        self._free: list[psycopg.Connection] = []
        self._all: list[psycopg.Connection] = []

    def __call__(self) -> psycopg.Connection:
        if self._free:
            return self._free.pop()
        opened = database.connect(self._url)
        self._all.append(opened)
        opened.close = lambda: self._keep(opened)  # type: ignore[method-assign]
        return opened

    def close(self) -> None:
        """Closes them all; who comes next gets a new one."""
        for connection in self._all:
            psycopg.Connection.close(connection)
        self._free, self._all = [], []

    def _keep(self, connection: psycopg.Connection) -> None:
        if not connection.closed:
            self._free.append(connection)


class Killed(BaseException):
    """This worker is dead from here on, as after kill -9: nothing of it runs any more but the closing of its connections."""


class Clock:
    """Seconds of the simulation; waiting only moves them."""

    def __init__(self) -> None:
        self.now = 0.0

    def monotonic(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        self.now += seconds


class MortalClient(BrightpearlClient):
    """The real client, with two more places to die: just before the bytes leave, and with the answer unread."""

    reach: Callable[[str], None]

    def write(self, request: Any) -> WriteAnswer:
        self.reach("leaving")
        answer = super().write(request)
        self.reach("answering")
        return answer


class Stepping:
    """A pacer that lets every call go, and tells that one is about to be made or was answered."""

    def __init__(self, reach: Callable[[str], None]) -> None:
        self._reach = reach

    def wait(self, _: Priority) -> None:
        self._reach("turn")

    def note(self, _: int | None, __: int | None) -> None:
        """Nothing is learned."""


class Accounts:
    """The clients of one worker."""

    def __init__(self, account: Account, reach: Callable[[str], None]) -> None:
        transport = Transport(
            account.base_url, lambda: account.headers, allow_list.BRIGHTPEARL_READS + allow_list.writes_of(KINDS),
            Stepping(reach), lambda *_: None, api="Brightpearl", secrets=set, deadline_seconds=10,
        )  # fmt: skip
        self.brightpearl = MortalClient(transport)
        self.brightpearl.reach = reach

    def returngo(self, shop: ShopSettings) -> ReturnGoClient:
        """No effect of the simulation goes there."""
        raise AssertionError(f"nothing is to be sent to ReturnGo's {shop.label}")
