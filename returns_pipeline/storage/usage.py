"""What calls cost: the record of calls. The minute that the processes of an account share is in `pacing`, ReturnGo's day in `quota_days`.

No call is made here; the clients are given these and know nothing of the database.
"""

import contextlib
import datetime as dt
import threading
import time
from collections import Counter
from collections.abc import Callable

import psycopg

ConnectionFactory = Callable[[], psycopg.Connection]
# The hour, method, path template, status and priority of calls that are counted together.
_Key = tuple[dt.datetime, str, str, int, int]


class CallRecorder:
    """Gathers calls and writes them down in batches: one row per api, shop, hour, path, status and priority.

    It is called as the clients' `record` hook. Paths are templates and carry no ids; a call without an answer has the status 0.
    """

    def __init__(
        self,
        connect: ConnectionFactory,
        api: str,
        shop: str = "",
        *,
        batch: int = 50,
        seconds: float = 5.0,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._connect, self._api, self._shop, self._batch, self._seconds, self._clock = (
            connect,
            api,
            shop,
            batch,
            seconds,
            clock,
        )
        self._lock = threading.Lock()
        self._gathered: Counter[_Key] = Counter()
        self._milliseconds: Counter[_Key] = Counter()
        self._least: dict[_Key, int] = {}
        self._written_at = clock()

    def __call__(
        self,
        method: str,
        path_template: str,
        status: int | None,
        milliseconds: float,
        remaining: int | None,
        priority: int,
    ) -> None:
        """Notes one call; writes down what was gathered when it is many or old."""
        hour = dt.datetime.now(dt.UTC).replace(minute=0, second=0, microsecond=0)
        key = (hour, method, path_template, status or 0, int(priority))
        with self._lock:
            self._gathered[key] += 1
            self._milliseconds[key] += round(milliseconds)
            if remaining is not None:
                self._least[key] = min(remaining, self._least.get(key, remaining))
            is_due = self._gathered.total() >= self._batch or self._clock() - self._written_at >= self._seconds
        if is_due:
            # A call that was made must not look as if it failed: what cannot be written now is written at the next flush, which tells.
            with contextlib.suppress(psycopg.OperationalError):
                self.flush()

    def flush(self) -> None:
        """Writes down what was gathered; call it at the end of a run.

        Raises:
            psycopg.OperationalError: the database is away; what was gathered is kept.
        """
        with self._lock:
            gathered, self._gathered = self._gathered, Counter()
            milliseconds, self._milliseconds = self._milliseconds, Counter()
            least, self._least = self._least, {}
            self._written_at = self._clock()
        if not gathered:
            return
        rows: list[tuple[object, ...]] = [
            (self._api, self._shop, *key, calls, milliseconds[key], least.get(key)) for key, calls in gathered.items()
        ]
        try:
            self._write(rows)
        except psycopg.OperationalError:
            self._gather_again(gathered, milliseconds, least)
            raise

    def _write(self, rows: list[tuple[object, ...]]) -> None:
        with self._connect() as connection, connection.cursor() as cursor:
            cursor.executemany(
                """INSERT INTO api_calls AS c (api, shop, hour, method, path_template, http_status, priority, calls, milliseconds, least_remaining)
                   VALUES (%s, %s, %s, %s, %s, %s, %s, %s, %s, %s)
                   ON CONFLICT (api, shop, hour, method, path_template, http_status, priority) DO UPDATE SET calls = c.calls + excluded.calls,
                     milliseconds = c.milliseconds + excluded.milliseconds, least_remaining = least(c.least_remaining, excluded.least_remaining)""",
                rows,
            )

    def _gather_again(
        self,
        gathered: Counter[_Key],
        milliseconds: Counter[_Key],
        least: dict[_Key, int],
    ) -> None:
        with self._lock:
            self._gathered.update(gathered)
            self._milliseconds.update(milliseconds)
            for key, remaining in least.items():
                self._least[key] = min(remaining, self._least.get(key, remaining))
