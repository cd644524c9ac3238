"""A total deadline for one HTTP exchange, and the connections that keep to it. No retries, no meaning of answers.

A timeout between bytes does not end an answer that drips: one byte now and then, in the headers or the body, keeps it alive for ever.
"""

import contextlib
import socket
import threading
from contextvars import ContextVar, Token
from types import TracebackType
from typing import Any

import requests
import urllib3
from requests.adapters import HTTPAdapter
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.connectionpool import HTTPConnectionPool, HTTPSConnectionPool


class Deadline:
    """Breaks the connection of the exchange inside the `with` block off when the time is over.

    Attributes:
        passed: whether that happened; an answer read meanwhile may look complete and is not.
    """

    def __init__(self, seconds: float) -> None:
        self._timer = threading.Timer(seconds, self._break_off)
        self._timer.daemon = True
        self._lock = threading.Lock()
        self._socket: socket.socket | None = None
        self._token: Token[Deadline | None] | None = None
        self.passed = False

    def __enter__(self) -> "Deadline":
        self._token = _running.set(self)
        self._timer.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._timer.cancel()
        if self._token is not None:
            _running.reset(self._token)

    def watch(self, connection: socket.socket) -> None:
        """Names the connection to break off."""
        with self._lock:
            self._socket = connection
        if self.passed:
            self._break_off()

    def _break_off(self) -> None:
        with self._lock:
            self.passed = True
            if self._socket is not None:
                # The reader may have closed it in this very moment.
                with contextlib.suppress(OSError):
                    socket.socket.shutdown(self._socket, socket.SHUT_RDWR)


_running: ContextVar[Deadline | None] = ContextVar("running_deadline", default=None)


# A new connection is watched before anything is written on it: a peer may stop reading in the middle of a body.
class _PlainConnection(HTTPConnection):
    def connect(self) -> None:
        super().connect()
        _watch(self.sock)

    def getresponse(self) -> urllib3.HTTPResponse:  # type: ignore[override]
        _watch(self.sock)
        return super().getresponse()


class _TlsConnection(HTTPSConnection):
    def connect(self) -> None:
        super().connect()
        _watch(self.sock)

    def getresponse(self) -> urllib3.HTTPResponse:  # type: ignore[override]
        _watch(self.sock)
        return super().getresponse()


class _PlainPool(HTTPConnectionPool):
    ConnectionCls = _PlainConnection


class _TlsPool(HTTPSConnectionPool):
    ConnectionCls = _TlsConnection


class _WatchedAdapter(HTTPAdapter):
    """Opens connections that the running deadline can break off."""

    def init_poolmanager(self, *args: Any, **options: Any) -> None:  # noqa: ANN401 - as requests calls it
        """Makes the pools of `requests`, with our connections in them."""
        super().init_poolmanager(*args, **options)
        self.poolmanager.pool_classes_by_scheme = {"http": _PlainPool, "https": _TlsPool}


def watched_session() -> requests.Session:
    """A session that heeds no environment proxy or netrc, and whose connections the running deadline can break off."""
    session = requests.Session()
    session.trust_env = False
    session.mount("https://", _WatchedAdapter())
    session.mount("http://", _WatchedAdapter())
    return session


def _watch(connection: socket.socket | None) -> None:
    deadline = _running.get()
    if deadline is not None and connection is not None:
        deadline.watch(connection)
