"""A loopback server that answers from a script, one act per request, and remembers what it got. No knowledge of either API."""

import json
import socket
import struct
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from returns_pipeline.clients.allow_list import Rule
from returns_pipeline.clients.pacing import Priority
from returns_pipeline.clients.transport import Transport

Act = Callable[["Handler"], None]
RULES = (
    Rule("GET", "/things/{ids}"),
    Rule("GET", "/thing-search"),
    Rule("POST", "/things"),
    Rule("PUT", "/things/{id}"),
)


@dataclass(frozen=True)
class Seen:
    """One request as it came; `connection` tells kept-alive ones apart."""

    method: str
    target: str
    headers: dict[str, str]
    body: bytes
    connection: int

    @property
    def json(self) -> Any:
        return json.loads(self.body)


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    script: "Script"

    def log_message(self, *_: object) -> None:
        """Nothing: the requests are kept in the script."""

    def answer(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        headers = {name.lower(): value for name, value in self.headers.items()}
        seen = Seen(self.command, self.path, headers, body, self.client_address[1])
        self.script.next_act(seen)(self)

    def handle(self) -> None:
        try:
            super().handle()
        except OSError:
            self.close_connection = True


class Script:
    """What is answered and what came; when the script is at its end, the last act is repeated."""

    def __init__(self, acts: tuple[Act, ...]) -> None:
        self.acts = list(acts)
        self.seen: list[Seen] = []
        self.over = threading.Event()
        self.base_url = ""
        self._lock = threading.Lock()

    def next_act(self, seen: Seen) -> Act:
        with self._lock:
            self.seen.append(seen)
            return self.acts.pop(0) if len(self.acts) > 1 else self.acts[0]

    @property
    def targets(self) -> list[str]:
        return [each.target for each in self.seen]


@contextmanager
def serving(*acts: Act) -> Iterator[Script]:
    """A server with that script, for the length of the block."""
    script = Script(acts)
    methods = {f"do_{method}": Handler.answer for method in ("GET", "POST", "PUT", "PATCH", "DELETE")}
    server = ThreadingHTTPServer(("127.0.0.1", 0), type("Bound", (Handler,), {"script": script, **methods}))
    server.daemon_threads = True
    script.base_url = f"http://127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
    thread.start()
    try:
        yield script
    finally:
        script.over.set()
        server.shutdown()
        server.server_close()
        thread.join()


def answers(status: int, body: object = None, **headers: str) -> Act:
    """An answer with JSON, or with bytes as they are; `_` in a header's name is `-`."""
    content = body if isinstance(body, bytes) else b"" if body is None else json.dumps(body, default=float).encode()

    def act(handler: Handler) -> None:
        handler.send_response(status)
        for name, value in headers.items():
            handler.send_header(name.replace("_", "-"), value)
        handler.send_header("Content-Length", str(len(content)))
        handler.end_headers()
        handler.wfile.write(content)

    return act


def hangs_up(handler: Handler) -> None:
    """Ends the connection without a word."""
    handler.close_connection = True
    handler.connection.shutdown(socket.SHUT_RDWR)


def resets(handler: Handler) -> None:
    """Breaks the connection off, so that the other side sees a reset."""
    handler.close_connection = True
    handler.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    handler.rfile.close()
    handler.wfile.close()
    handler.connection.close()


def cuts_short(handler: Handler) -> None:
    """Announces more than it sends."""
    handler.wfile.write(b'HTTP/1.1 201 Created\r\nContent-Length: 400\r\n\r\n{"respon')
    handler.close_connection = True


def drips(first: bytes, drop: bytes = b" ") -> Act:
    """Sends the first bytes at once, and then one drop after the other until the script is over."""

    def act(handler: Handler) -> None:
        handler.wfile.write(first)
        while not handler.script.over.wait(0.02):
            handler.wfile.write(drop)
            handler.wfile.flush()

    return act


class Unpaced:
    """Lets every call go, and remembers whose turn it was."""

    def __init__(self) -> None:
        self.turns: list[Priority] = []

    def wait(self, priority: Priority) -> None:
        self.turns.append(priority)

    def note(self, remaining: int | None, next_period_milliseconds: int | None) -> None:
        """Learns nothing."""


class Calls:
    """What the transport told of its calls, and how long it wanted to sleep; its clock runs by its sleeps alone."""

    def __init__(self) -> None:
        self.recorded: list[tuple[str, str, int, int | None]] = []
        self.priorities: list[Priority] = []
        self.slept: list[float] = []
        self.now = 0.0

    def record(
        self, method: str, path: str, status: int, milliseconds: int, remaining: int | None, priority: Priority
    ) -> None:
        assert milliseconds >= 0
        self.recorded.append((method, path, status, remaining))
        self.priorities.append(priority)

    def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.now += seconds

    def clock(self) -> float:
        return self.now


def transport_to(base_url: str, calls: Calls | None = None, **options: Any) -> Transport:
    """A transport that never really sleeps between tries."""
    calls = calls or Calls()
    settings: dict[str, Any] = {
        "headers": dict,
        "rules": RULES,
        "pacer": Unpaced(),
        "record": calls.record,
        "api": "Things",
        "secrets": set,
        "clock": calls.clock,
        "sleep": calls.sleep,
        **options,
    }
    return Transport(
        base_url,
        settings.pop("headers"),
        settings.pop("rules"),
        settings.pop("pacer"),
        settings.pop("record"),
        **settings,
    )
