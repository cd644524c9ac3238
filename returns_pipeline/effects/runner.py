"""Drains planned effects: claim, guard, mark as sending, send once, judge the answer, record it. Never a second try of its own.

What is due is the ledger's, what an answer means is in `verdicts.py`, what stayed unknown is looked up in `settle.py`.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import psycopg

from returns_pipeline.clients.outcomes import ReadFailed
from returns_pipeline.effects import kinds, restore
from returns_pipeline.effects.batches import Batches, Worker
from returns_pipeline.effects.clock import Clock, SystemClock
from returns_pipeline.effects.connections import Connections
from returns_pipeline.effects.sinks import Accounts, closed, open_client
from returns_pipeline.settings import Settings, live_kinds
from returns_pipeline.storage import database, gates, locks
from returns_pipeline.storage.ledger import claiming, reading

# Steps of one run that are processes of their own meet at an account: the one that comes second has its turn within seconds,
# and would else leave its credits to the next run. Another run's writer may go on for minutes; it is not waited for.
_TURN_SECONDS = 15.0


@dataclass
class DrainReport:
    """What one drain did: effects by their new state, mismatches found on reading back, and why it did not send everything (or None).

    `is_kept_out`: another writer had an account all the time.
    """

    confirmed: int = 0
    rejected: int = 0
    unknown: int = 0
    halted: int = 0
    left_planned: int = 0
    mismatched: int = 0
    is_kept_out: bool = False
    stopped_reason: str | None = None
    by_kind: dict[str, dict[str, int]] = field(default_factory=dict)

    def count(self, kind: str, state: str, by: int = 1) -> None:
        """Notes that effects of that kind came to that state."""
        states = self.by_kind.setdefault(kind, {})
        states[state] = states.get(state, 0) + by
        if state in ("confirmed", "rejected", "unknown", "halted", "mismatched"):
            setattr(self, state, getattr(self, state) + by)

    def stop(self, reason: str) -> None:
        """Adds a reason why not everything was sent; the same one is told once."""
        if reason not in (self.stopped_reason or ""):
            self.stopped_reason = f"{self.stopped_reason}; {reason}" if self.stopped_reason else reason


class Runner:
    """One worker; its time counts from when it was made, over all its drains.

    Args:
        accounts: the clients.
        settings: mode, effects and the ledger's times.
        worker: a name for its claims, such as the run's id.
        connect: makes a connection of the runner's own, in autocommit mode.
        clock: for tests.
        stop: asked before each send; once it is true, the call under way is the last.
    """

    def __init__(
        self,
        accounts: Accounts,
        settings: Settings,
        *,
        worker: str,
        connect: Callable[[], psycopg.Connection] = database.connect,
        clock: Clock | None = None,
        stop: Callable[[], bool] = lambda: False,
    ) -> None:
        self._connect = connect
        ends_at = (clock or SystemClock()).monotonic() + settings.ledger.drain_seconds
        self._worker = Worker(worker, accounts, settings, clock or SystemClock(), stop, ends_at)

    @property
    def is_over(self) -> bool:
        """Whether its time is up, so that another drain would send nothing."""
        return self._worker.clock.monotonic() >= self._worker.ends_at

    def drain(self, wanted: Sequence[str]) -> DrainReport:
        """Sends what is due of these kinds, kind by kind, until nothing is left, time is up, or the account refuses.

        Raises:
            MissingCredential: something is due and the environment does not say whom to call and as whom; nothing was claimed.
            psycopg.OperationalError: the database stayed away for longer than a lease; what was under way becomes unknown.
        """
        report = DrainReport()
        ledger = self._worker.settings.ledger
        with Connections(self._connect, self._worker.clock, ledger.lease_seconds) as connections:
            claiming.expire_leases(connections.current)
            refusal = restore.refusal(connections.current)
            if refusal is not None:
                report.stop(refusal)
            else:
                # A disk that is full must fail here, and not after something was sent.
                restore.write_head(connections.current)
                batches = Batches(self._worker, connections, report)
                for kind in kinds.IN_ORDER:
                    if kind in wanted:
                        self._drain_kind(kind, batches, connections, report)
                restore.write_head(connections.current)
            report.left_planned = reading.due(connections.current, wanted)
            _tell_closed_gates(connections.current, wanted, report)
        return report

    def _drain_kind(self, kind: str, batches: Batches, connections: Connections, report: DrainReport) -> None:
        live = [shop.label for shop in self._worker.settings.shops if kind in live_kinds(self._worker.settings, shop)]
        by_sink: dict[str, list[str]] = {}
        for shop in live if reading.due(connections.current, [kind]) else ():
            by_sink.setdefault(kinds.sink_of(kind, shop), []).append(shop)
        for sink, shops in by_sink.items():
            try:
                # For efficiency only: two writers side by side would share the quota and read everything twice.
                # On a connection of its own, because the other one may be made anew on the way.
                with self._connect() as own, locks.hold(own, lock_of(sink), wait_seconds=_TURN_SECONDS):
                    self._drain_sink(kind, sink, shops, batches, connections, report)
            except locks.Busy as busy:
                report.is_kept_out = True
                report.stop(str(busy))

    def _drain_sink(
        self,
        kind: str,
        sink: str,
        shops: Sequence[str],
        batches: Batches,
        connections: Connections,
        report: DrainReport,
    ) -> None:
        open_client(self._worker.accounts, self._worker.settings, sink)
        self._send_all(kind, sink, shops, batches, connections, report)
        batches.finish()

    def _send_all(
        self,
        kind: str,
        sink: str,
        shops: Sequence[str],
        batches: Batches,
        connections: Connections,
        report: DrainReport,
    ) -> None:
        worker = self._worker
        while True:
            why_not = worker.why_not_send() or closed(connections.current, worker.accounts, worker.settings, sink)
            if why_not is not None:
                report.stop(why_not)
                return
            claimed = claiming.claim(
                connections.current, kind, shops, worker.name, worker.claim_seconds, worker.batch_size
            )
            if not claimed:
                return
            try:
                if not batches.carry_out(claimed, sink):
                    return
            except ReadFailed as failure:
                claiming.release(connections.current, claimed, f"not_read: {failure}")
                report.stop(str(failure))
                return


def lock_of(sink: str) -> str:
    """The name of the lock that a sink's writer holds."""
    return f"writer {sink}"


def _tell_closed_gates(connection: psycopg.Connection, wanted: Sequence[str], report: DrainReport) -> None:
    for shop, kind, count in reading.held_by_gates(connection, wanted):
        report.stop(f"{count} {kind} of {shop} wait for a gate: {'; '.join(gates.closed(connection, shop, kind))}")
