"""The process beside `sync --until-idle` that sends on what a pass's writer left when its time was over. How it sends is `effects/carrying_on.py`'s.

`python -m returns_pipeline.commands.carrying_on` is that process; `Companion` starts and ends it.
"""

import os
import signal
import subprocess
import sys
from collections.abc import Callable
from typing import Self

from returns_pipeline.effects.carrying_on import Turns, carry_on
from returns_pipeline.effects.stopping import deferred
from returns_pipeline.settings import load_settings
from returns_pipeline.stages.accounts import Accounts

_PATIENCE_SECONDS = 120.0


class Companion:
    """At most one such process at a time; none is left when its block ends."""

    def __init__(self, tell: Callable[[str], None]) -> None:
        self._tell = tell
        self._process: subprocess.Popen[str] | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.end()

    def begin(self) -> None:
        """Starts it where none is at work."""
        if self._process is not None and self._process.poll() is not None:
            self.end()
        if self._process is None:
            command = [sys.executable, "-m", "returns_pipeline.commands.carrying_on"]
            self._process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)  # noqa: S603 - our own module

    def end(self) -> bool:
        """Lets it finish its call and end; answers whether there was one that may have moved something since the last pass began."""
        process, self._process = self._process, None
        if process is None:
            return False
        process.terminate()
        told, _ = process.communicate(timeout=_PATIENCE_SECONDS)
        if process.returncode not in (0, -signal.SIGTERM):
            self._tell(
                f"what was left could not be sent on beside the passes: that process ended with {process.returncode}"
            )
        return told.strip() != "0"


def main() -> None:
    """Sends until nothing is left, it is asked to stop, or the sync that started it is gone; prints how many effects were confirmed."""
    settings, started_by = load_settings(), os.getppid()
    with deferred() as is_asked:

        def asked_to_stop() -> bool:
            return is_asked() or os.getppid() != started_by

        turns = Turns(settings, asked_to_stop)
        accounts = Accounts(settings, sleep=turns.sleep)
        try:
            confirmed = carry_on(accounts, settings, f"carrying on {os.getpid()}", turns, asked_to_stop)
            sys.stdout.write(f"{confirmed}\n")
            sys.stdout.flush()
        finally:
            accounts.close()
            turns.close()


if __name__ == "__main__":
    main()
