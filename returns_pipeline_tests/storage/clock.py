"""A clock for the account's shared minute, which only waiting moves. No assertions."""

import math
import time

import psycopg


class Stalled(Exception):
    """Stops a wait that is longer than the calls' own pace; tells its seconds."""


class Clock:
    """Seconds of the real clock, and those that pass at once when pacers wait: what was drawn is that much older then."""

    def __init__(self, connection: psycopg.Connection) -> None:
        self._connection = connection
        self._waited, self._began = 0.0, time.monotonic()
        self.longest_wait = math.inf

    @property
    def now(self) -> float:
        """Seconds since it was made."""
        return self._waited + time.monotonic() - self._began

    def sleep(self, seconds: float) -> None:
        if seconds > self.longest_wait:
            raise Stalled(seconds)
        self._waited += seconds
        self._connection.execute("UPDATE quota_draws SET at = at - make_interval(secs => %s)", [seconds])
        self._connection.execute(
            """UPDATE quota_pools SET filled_at = filled_at - make_interval(secs => %(seconds)s),
                 blocked_until = blocked_until - make_interval(secs => %(seconds)s)""",
            {"seconds": seconds},
        )
