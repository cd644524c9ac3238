"""What calls cost and how many are left: the record of calls, and the bucket that every process of an account draws from. ReturnGo's day is in `quota_days`.

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
# The share of the bucket that each priority must leave for the more urgent ones: writes, looking up outcomes, polling, history.
_KEPT_BACK = (0.0, 0.1, 0.25, 0.5)


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


class PostgresPacer:
    """A token bucket that all processes of an account share; the remote's own count wins over ours.

    Args:
        connect: opens a connection; one is kept for the pacer's life.
        name: the bucket, one per account.
        per_minute: what we may call, which is our share of what the account may.
        capacity: how many calls may follow each other at once.
        reserve: with fewer than this left by the remote's count, everybody waits for its next period.
        sleep: waits; tests give a clock of their own.
    """

    def __init__(
        self,
        connect: ConnectionFactory,
        name: str,
        per_minute: float,
        *,
        capacity: int = 10,
        reserve: int = 30,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self._connect, self._name, self._sleep = connect, name, sleep
        self._rate, self._capacity, self._reserve = per_minute / 60.0, capacity, reserve
        self._held: psycopg.Connection | None = None
        self._lock = threading.Lock()

    def wait(self, priority: int) -> None:
        """Returns when a call of that priority (0 the most urgent, 3 the least) may be made; it is then counted."""
        while (seconds := self._draw(_KEPT_BACK[priority] * self._capacity)) > 0:
            self._sleep(seconds)

    def note(self, remaining: int | None, next_period_milliseconds: int | None) -> None:
        """Takes over what the remote said is left, and when its count begins anew."""
        if remaining is None:
            return
        blocked_for = (next_period_milliseconds or 0) / 1000.0 if remaining < self._reserve else None
        # The answer that told this must not be lost with it; the next turn meets the same database and says that it is away.
        with contextlib.suppress(psycopg.OperationalError):
            self._run(
                """UPDATE quota_buckets SET tokens = least(tokens, %(remaining)s), blocked_until = CASE WHEN %(seconds)s::float8 IS NULL THEN blocked_until
                     ELSE greatest(blocked_until, clock_timestamp() + make_interval(secs => %(seconds)s::float8)) END
                   WHERE name = %(name)s RETURNING 0""",
                {"remaining": remaining, "seconds": blocked_for, "name": self._name},
            )

    def close(self) -> None:
        """Gives the connection back."""
        with self._lock:
            if self._held is not None:
                self._held.close()
                self._held = None

    def _draw(self, kept_back: float) -> float:
        """Takes a token and answers 0, or answers how many seconds to wait before asking again."""
        self._run(
            """INSERT INTO quota_buckets AS b (name, tokens, filled_at) VALUES (%(name)s, %(capacity)s, clock_timestamp()) ON CONFLICT (name) DO UPDATE
                 SET tokens = least(%(capacity)s, b.tokens + %(rate)s * extract(epoch FROM clock_timestamp() - b.filled_at)), filled_at = clock_timestamp()
               RETURNING 0""",
            {"name": self._name, "capacity": self._capacity, "rate": self._rate},
        )
        found = self._run(
            """UPDATE quota_buckets SET tokens = tokens - 1 WHERE name = %(name)s AND tokens >= 1 + %(kept)s
                 AND coalesce(blocked_until, '-infinity') <= clock_timestamp() RETURNING 0""",
            {"name": self._name, "kept": kept_back},
        )
        if found is not None:
            return 0.0
        lacking = self._run(
            """SELECT greatest((1 + %(kept)s - tokens) / %(rate)s, extract(epoch FROM blocked_until - clock_timestamp()), 0.01)::float8
                 FROM quota_buckets WHERE name = %(name)s""",
            {"name": self._name, "kept": kept_back, "rate": self._rate},
        )
        return lacking or 0.01

    def _run(self, statement: str, parameters: dict[str, object]) -> float | None:
        with self._lock:
            if self._held is None or self._held.closed:
                self._held = self._connect()
            row = self._held.execute(statement, parameters).fetchone()
        return None if row is None else row[0]
