"""The minute of calls that every process of an account shares, and what other apps leave of it. No call is made here.

The counting itself is the database's (`draw_call`): one turn is one statement, whoever asks.
"""

import contextlib
import threading
import time
from collections.abc import Callable

import psycopg

from returns_pipeline.storage.usage import ConnectionFactory

# Of writes, looking up outcomes, polling and history: the part of a minute that each leaves to the more urgent ones, and the part that it has all the same
# while they use the whole minute. A backlog's writer would else keep everybody from reading until it ends.
_KEPT_BACK = (0.0, 0.1, 0.25, 0.5)
_ASSURED = (1.0, 0.1, 0.1, 0.0)


class PostgresPacer:
    """No more calls in any rolling minute than our share, from all processes together; the remote's own count wins over ours.

    A half of it may be drawn at once, so that a writer's pauses are made up for; the rest is spread over the minute.

    Args:
        connect: opens a connection; one is kept for the pacer's life.
        name: the pool, one per account.
        per_minute: what we may call, which is our share of what the account may.
        reserve: what is left to other apps by the remote's count; with less, our share shrinks by what is lacking.
        sleep: waits; tests give a clock of their own.
    """

    def __init__(
        self,
        connect: ConnectionFactory,
        name: str,
        per_minute: int,
        *,
        reserve: int = 30,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self._connect, self._name, self._sleep = connect, name, sleep
        self._per_minute, self._reserve = per_minute, reserve
        self._held: psycopg.Connection | None = None
        self._lock = threading.Lock()

    def wait(self, priority: int) -> None:
        """Returns when a call of that priority (0 the most urgent, 3 the least) may be made; it is then counted."""
        draw = "SELECT draw_call(%s, %s, %s, %s, %s)"
        asked = [self._name, self._per_minute, _KEPT_BACK[priority], priority, _ASSURED[priority]]
        while (seconds := self._run(draw, asked)) > 0:
            self._sleep(seconds)

    def note(self, remaining: int | None, next_period_milliseconds: int | None) -> None:
        """Takes over what the remote said is left, and when its count begins anew."""
        if remaining is None:
            return
        blocked_for = (next_period_milliseconds or 0) / 1000.0 if remaining < self._reserve else None
        # The answer that told this must not be lost with it; the next turn meets the same database and says that it is away.
        with contextlib.suppress(psycopg.OperationalError):
            self._run(
                "SELECT note_left(%s, %s, %s, %s)",
                [self._name, self._per_minute, remaining - self._reserve, blocked_for],
            )

    def close(self) -> None:
        """Gives the connection back."""
        with self._lock:
            if self._held is not None:
                self._held.close()
                self._held = None

    def _run(self, statement: str, parameters: list[object]) -> float:
        with self._lock:
            if self._held is None or self._held.closed:
                self._held = self._connect()
                # What a crash of the server forgets is a fraction of a second of counting, and no call waits for its disk.
                self._held.execute("SET synchronous_commit TO off")
            row = self._held.execute(statement, parameters).fetchone()
        return float(row[0] or 0.0) if row else 0.0
