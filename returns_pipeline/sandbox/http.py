"""The sandbox's HTTP plumbing: a loopback server with keep-alive that hands requests to an app and keeps a log of them.

Not here: what the answers are (`brightpearl/routes*`, `returngo/routes`, `admin`) and which faults there are (`faults`).
"""

import json
import os
import socket
import struct
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from decimal import Decimal
from email.utils import format_datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Protocol
from urllib.parse import parse_qs, unquote, urlsplit

from returns_pipeline.sandbox.clock import SandboxClock


@dataclass(frozen=True)
class Request:
    """One request as an app sees it; `body` is parsed JSON with decimals, or None; `content` is what came."""

    method: str
    path: str
    raw_query: str
    query: dict[str, list[str]]
    headers: dict[str, str]
    body: Any = None
    is_malformed: bool = False
    content: bytes = b""


@dataclass
class Response:
    """An answer: `body` is JSON to be written, or bytes to be sent as they are; `is_unknown` marks a route nobody knows."""

    status: int = 200
    body: Any = None
    headers: dict[str, str] = field(default_factory=dict)
    is_unknown: bool = False


class App(Protocol):
    """What a server serves."""

    def __call__(self, request: Request) -> Response:
        """Answers one request."""
        ...


class Wire:
    """The open connection of one request, for faults that break it."""

    def __init__(self, handler: BaseHTTPRequestHandler) -> None:
        self._handler = handler

    def send(self, status: int, headers: dict[str, str], chunks: Iterator[bytes], length: int) -> None:
        """Sends a status line, headers and the body in the given pieces."""
        self._handler.send_response_only(status)
        for name, value in {**headers, "Content-Length": str(length)}.items():
            self._handler.send_header(name, value)
        self._handler.end_headers()
        for chunk in chunks:
            self._handler.wfile.write(chunk)
            self._handler.wfile.flush()

    def close(self) -> None:
        """Ends the connection after what was sent, or without a word."""
        self._handler.close_connection = True

    def reset(self) -> None:
        """Breaks the connection off, so that the other side sees a reset instead of an end."""
        self._handler.close_connection = True
        self._handler.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        # The handler's files keep the socket open; only closing the descriptor itself sends the reset now.
        os.close(self._handler.connection.detach())


# Takes the request, the app and the wire; returns the answer to send, or None when it dealt with the wire itself.
Interceptor = Callable[[Request, App, Wire], Response | None]


@dataclass(frozen=True)
class LoggedRequest:
    """One line of the request log; `status` 0 means that no answer was given, `at` is in seconds of the real clock."""

    number: int
    at: float
    method: str
    path: str
    query: str
    body: Any
    status: int
    is_unknown: bool


class RequestLog:
    """Every request that a server got, in order."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._entries: list[LoggedRequest] = []

    def add(self, request: Request, response: Response | None) -> None:
        """Records a request with what was answered."""
        with self._lock:
            number = len(self._entries) + 1
            status, is_unknown = (response.status, response.is_unknown) if response else (0, False)
            entry = LoggedRequest(
                number, time.time(), request.method, request.path, request.raw_query, request.body, status, is_unknown
            )
            self._entries.append(entry)

    def entries(self, *, after: int = 0) -> list[LoggedRequest]:
        """What came after the entry of that number."""
        with self._lock:
            return self._entries[after:]


class SandboxServer:
    """One loopback server. `port` 0 takes any free one."""

    def __init__(
        self, app: App, *, port: int = 0, clock: SandboxClock | None = None, interceptor: Interceptor | None = None
    ) -> None:
        self.log = RequestLog()
        self._server = _LoopbackServer(("127.0.0.1", port), _handler_class(app, self.log, clock, interceptor))
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)

    @property
    def base_url(self) -> str:
        """Scheme, host and port."""
        return f"http://127.0.0.1:{self._server.server_address[1]}"

    def start(self) -> "SandboxServer":
        """Begins to serve in a thread of its own."""
        self._thread.start()
        return self

    def stop(self) -> None:
        """Stops serving and frees the port."""
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()


class _LoopbackServer(ThreadingHTTPServer):
    daemon_threads = True
    block_on_close = False
    request_queue_size = 128


def write_json(value: Any) -> bytes:  # noqa: ANN401 - JSON
    """JSON in which a decimal is written digit by digit, never by way of a float."""
    exact: list[str] = []

    def placeholder(number: object) -> str:
        if not isinstance(number, Decimal):
            raise TypeError(f"{type(number).__name__} cannot be written as JSON: {number!r}")
        exact.append(format(number, "f"))
        return f"\ue000{len(exact) - 1}\ue000"

    text = json.dumps(value, default=placeholder, ensure_ascii=False, separators=(",", ":"))
    for index, digits in enumerate(exact):
        text = text.replace(f'"\ue000{index}\ue000"', digits, 1)
    return text.encode()


def parse_request(method: str, target: str, headers: dict[str, str], content: bytes) -> Request:
    """A request out of its raw parts; a body that is no JSON is marked, not raised."""
    parts = urlsplit(target)
    body, is_malformed = None, False
    if content:
        try:
            body = json.loads(content, parse_float=Decimal)
        except ValueError:
            is_malformed = True
    query = parse_qs(parts.query, keep_blank_values=True)
    return Request(method, unquote(parts.path), parts.query, query, headers, body, is_malformed, content)


def _handler_class(
    app: App, log: RequestLog, clock: SandboxClock | None, interceptor: Interceptor | None
) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        # Headers and body go out as two packets; without this the second waits for an acknowledgement.
        disable_nagle_algorithm = True

        def handle_one_request(self) -> None:
            try:
                super().handle_one_request()
            except (BrokenPipeError, ConnectionResetError):
                self.close_connection = True

        def _answer(self) -> None:
            length = int(self.headers.get("Content-Length") or 0)
            headers = {name.lower(): value for name, value in self.headers.items()}
            request = parse_request(self.command, self.path, headers, self.rfile.read(length))
            wire = Wire(self)
            response = interceptor(request, app, wire) if interceptor else app(request)
            log.add(request, response)
            if response is not None:
                self._send(wire, response)

        def _send(self, wire: Wire, response: Response) -> None:
            content, given = encode(response)
            moment = clock.now() if clock else None
            dated = {"Date": format_datetime(moment, usegmt=True)} if moment else {"Date": self.date_time_string()}
            wire.send(response.status, {**dated, **given}, iter([content]), len(content))

        do_GET = do_POST = do_PUT = do_PATCH = do_DELETE = do_OPTIONS = _answer  # noqa: N815 - the base class's names

        def log_message(self, *_: object) -> None:
            """The request log replaces the base class's lines on standard error."""

    return Handler


def encode(response: Response) -> tuple[bytes, dict[str, str]]:
    """The bytes of an answer and its headers."""
    if isinstance(response.body, bytes):
        return response.body, {"Content-Type": "text/html", **response.headers}
    content = b"" if response.body is None else write_json(response.body)
    return content, {"Content-Type": "application/json;charset=UTF-8", **response.headers}
