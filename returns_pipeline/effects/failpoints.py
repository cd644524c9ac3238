"""Places where a fault drill may kill this process, named by RETURNS_FAILPOINT. Without that variable nothing happens. No other reader of it."""

import os
import signal


def reach(name: str) -> None:
    """Ends this process at once, as a power cut would, if it was asked to die here.

    Args:
        name: claimed, marked, answered or recorded.
    """
    if os.environ.get("RETURNS_FAILPOINT") == name:
        os.kill(os.getpid(), signal.SIGKILL)
