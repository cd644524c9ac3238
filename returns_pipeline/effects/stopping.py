"""Signals that ask this process to stop, put off until the call under way has its answer. No decision what to leave undone."""

import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

_SIGNALS = (signal.SIGTERM, signal.SIGINT)


@contextmanager
def deferred() -> Iterator[Callable[[], bool]]:
    """Within it, SIGTERM and SIGINT are only noted; `asked()` says whether one came. Afterwards it goes to whoever handled it before.

    Python gives signals to the main thread alone, so that another thread has nothing to put off.
    """
    if threading.current_thread() is not threading.main_thread():
        yield lambda: False
        return
    noted: list[int] = []
    before = {each: signal.signal(each, lambda number, _: noted.append(number)) for each in _SIGNALS}
    try:
        yield lambda: bool(noted)
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
        if noted:
            signal.raise_signal(noted[0])
