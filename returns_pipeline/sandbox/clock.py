"""The sandbox's clock, which the story moves and both worlds read.

Not here: any waiting; time only passes by `advance`, or by itself while the clock is living.
"""

import datetime as dt
import threading
import time


class SandboxClock:
    """A time-zone-aware clock that stands still until it is moved, or runs with real time while `is_living`."""

    def __init__(self, start: dt.datetime, *, is_living: bool = False) -> None:
        """Starts at `start`, which must carry a time zone."""
        if start.tzinfo is None:
            raise ValueError(f"the sandbox's clock needs a start with a time zone, got {start.isoformat()}")
        self._lock = threading.Lock()
        self._base = start.astimezone(dt.UTC)
        self._since = time.monotonic()
        self.is_living = is_living

    def now(self) -> dt.datetime:
        """The sandbox's moment, in UTC."""
        with self._lock:
            return self._read()

    def advance(self, by: dt.timedelta) -> dt.datetime:
        """Moves the clock forward.

        Raises:
            ValueError: `by` is negative; the worlds keep logs that must not run backwards.
        """
        if by < dt.timedelta(0):
            raise ValueError(f"the sandbox's clock only moves forward, asked to move by {by}")
        with self._lock:
            self._set(self._read() + by)
            return self._base

    def move_to(self, moment: dt.datetime) -> dt.datetime:
        """Moves forward to `moment`; a moment already past leaves the clock where it is."""
        with self._lock:
            self._set(max(self._read(), moment.astimezone(dt.UTC)))
            return self._base

    def to_now(self) -> dt.datetime:
        """Moves forward to the real moment."""
        return self.move_to(dt.datetime.now(dt.UTC))

    def live(self) -> None:
        """From now on the clock runs with real time."""
        with self._lock:
            self._set(self._read())
            self.is_living = True

    def _read(self) -> dt.datetime:
        return self._base + dt.timedelta(seconds=time.monotonic() - self._since) if self.is_living else self._base

    def _set(self, moment: dt.datetime) -> None:
        self._base, self._since = moment, time.monotonic()
