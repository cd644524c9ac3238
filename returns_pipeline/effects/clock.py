"""The clock of one worker: monotonic seconds and waiting. The ledger's own times are the database's and not here."""

import time
from typing import Protocol


class Clock(Protocol):
    """What a worker measures its deadlines with; a test may bring its own."""

    def monotonic(self) -> float:
        """Seconds that never jump."""
        ...

    def sleep(self, seconds: float) -> None:
        """Waits."""
        ...


class SystemClock:
    """The machine's clock."""

    def monotonic(self) -> float:
        """Seconds that never jump."""
        return time.monotonic()

    def sleep(self, seconds: float) -> None:
        """Waits."""
        time.sleep(seconds)
