"""Whether an account may be written to: stopped after a refusal of our credentials or five failures in a row, probed by a GET before it opens again."""

from typing import Protocol

import psycopg

from returns_pipeline.clients.brightpearl import BrightpearlClient
from returns_pipeline.clients.outcomes import ReadFailed
from returns_pipeline.clients.pacing import BudgetSpent, Priority
from returns_pipeline.clients.returngo import ReturnGoClient
from returns_pipeline.effects import kinds
from returns_pipeline.settings import Settings, ShopSettings

_FAILURES_THAT_STOP = 5
_PROBE_AFTER_SECONDS = 60


class Accounts(Protocol):
    """The clients of one process."""

    @property
    def brightpearl(self) -> BrightpearlClient:
        """The account's client."""
        ...

    def returngo(self, shop: ShopSettings) -> ReturnGoClient:
        """The client of one shop."""
        ...


class Breaker:
    """Counts failures in a row of one drain; a success starts the count anew."""

    def __init__(self) -> None:
        self._failures: dict[str, int] = {}

    def note(self, sink: str, outcome: str, detail: str | None) -> str | None:
        """Why the sink must stop after this outcome, or None."""
        if outcome in ("created", "duplicate", "not_executed"):
            self._failures[sink] = 0
            return None
        self._failures[sink] = self._failures.get(sink, 0) + 1
        if self._failures[sink] < _FAILURES_THAT_STOP:
            return None
        return f"{sink}: {_FAILURES_THAT_STOP} writes in a row failed, the last one with {detail}: look at the account before the next run"


def open_client(accounts: Accounts, settings: Settings, sink: str) -> None:
    """Makes the client of a sink before anything is claimed for it: a missing credential must not strand an effect in `sending`.

    Raises:
        MissingCredential, NotAllowed: the environment does not say whom to call and as whom.
    """
    if sink == kinds.BRIGHTPEARL:
        _ = accounts.brightpearl
    else:
        accounts.returngo(settings.shop(sink.removeprefix("returngo:")))


def stop(connection: psycopg.Connection, sink: str, reason: str) -> None:
    """Remembers that this account is not to be written to until it answers a GET again."""
    connection.execute(
        """INSERT INTO sink_stops(sink, reason, probe_after) VALUES (%s, %s, clock_timestamp() + make_interval(secs => %s))
           ON CONFLICT (sink) DO UPDATE SET reason = excluded.reason, stopped_at = clock_timestamp(), probe_after = excluded.probe_after""",
        [sink, reason, _PROBE_AFTER_SECONDS],
    )


def closed(connection: psycopg.Connection, accounts: Accounts, settings: Settings, sink: str) -> str | None:
    """Why the sink is stopped, or None. One that has rested is probed by a GET, and opens if that is answered."""
    row = connection.execute(
        "SELECT reason, probe_after <= clock_timestamp() FROM sink_stops WHERE sink = %s", [sink]
    ).fetchone()
    if row is None:
        return None
    reason, may_probe = row
    if not may_probe:
        return str(reason)
    try:
        _probe(accounts, settings, sink)
    except (ReadFailed, BudgetSpent) as failure:
        stop(connection, sink, f"{sink} still does not answer: {failure}")
        return str(failure)
    connection.execute("DELETE FROM sink_stops WHERE sink = %s", [sink])
    return None


def _probe(accounts: Accounts, settings: Settings, sink: str) -> None:
    if sink == kinds.BRIGHTPEARL:
        accounts.brightpearl.warehouses()
        return
    shop = settings.shop(sink.removeprefix("returngo:"))
    # Whether writing may begin again is asked on a day on which polling rests, too.
    next(iter(accounts.returngo(shop).list_rmas(statuses=("Approved",), priority=Priority.RECONCILE)), None)
