"""The runner's database connection, made anew when the server goes away. No queries."""

from collections.abc import Callable
from types import TracebackType
from typing import Self, TypeVar

import psycopg

from returns_pipeline.effects.clock import Clock

_RETRY_SECONDS = 0.5
Result = TypeVar("Result")


class Connections:
    """Holds one connection at a time; `insist` repeats a step on a new one for as long as a lease lasts."""

    def __init__(self, connect: Callable[[], psycopg.Connection], clock: Clock, patience_seconds: float) -> None:
        self._connect = connect
        self._clock = clock
        self._patience_seconds = patience_seconds
        self._current: psycopg.Connection | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._current is not None:
            self._current.close()

    @property
    def current(self) -> psycopg.Connection:
        """An open connection; after a lost one, a new one.

        Raises:
            psycopg.OperationalError: the database cannot be reached.
        """
        if self._current is None or self._current.closed or self._current.broken:
            self._current = self._connect()
        return self._current

    def insist(self, step: Callable[[psycopg.Connection], Result]) -> Result:
        """Runs a step that must not be lost; it has to be one that may run twice, since a lost commit may have stood.

        Raises:
            psycopg.OperationalError: the database stayed away for longer than the patience.
        """
        deadline = self._clock.monotonic() + self._patience_seconds
        while True:
            try:
                return step(self.current)
            except psycopg.OperationalError:
                if self._clock.monotonic() >= deadline:
                    raise
                self._clock.sleep(_RETRY_SECONDS)
