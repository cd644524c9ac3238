"""The HTTP endpoint that takes webhooks in: says at once that it heard, and notes what may have moved. It believes nothing and reads no API.

Belongs here: who may speak, how much and how often. Not here: what a body means (`messages`) and what is done about it (`stages/early_look`).
"""

import asyncio
import time
from collections import Counter
from collections.abc import Callable, Collection, Sequence

import psycopg
from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from returns_pipeline.storage import hints
from returns_pipeline.webhooks.messages import Hint, from_brightpearl, from_returngo
from returns_pipeline.webhooks.secret_path import is_known

MOST_BYTES = 65_536
_BODY_SECONDS = 5.0
_MINUTE = 60.0
_EVERY_METHOD = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"]


class Pace:
    """So many deliveries in a minute of each sender; what is more is answered and not noted.

    Args:
        per_minute: of each sender.
        clock: replaced in tests.
    """

    def __init__(self, per_minute: int, clock: Callable[[], float] = time.monotonic) -> None:
        self._per_minute, self._clock = per_minute, clock
        self._minute, self._taken = -1, Counter[str]()

    def admits(self, sender: str) -> bool:
        """Whether this delivery is noted."""
        minute = int(self._clock() / _MINUTE)
        if minute != self._minute:
            self._minute, self._taken = minute, Counter()
        self._taken[sender] += 1
        return self._taken[sender] <= self._per_minute


class _Endpoint:
    def __init__(
        self, secrets: list[str], shops: Collection[str], pace: Pace, connect: Callable[[], psycopg.Connection]
    ) -> None:
        self._secrets, self._shops, self._pace, self._connect = secrets, frozenset(shops), pace, connect

    async def take(self, request: Request) -> Response:
        """404 for whoever does not know the way, 413 for more than 64 KiB, 503 while the database is away; everything else is heard."""
        sender, shop, given = _way(request.url.path)
        is_let_in = is_known(given, self._secrets)
        is_sender = (sender, shop) == ("brightpearl", "") or (sender == "returngo" and shop in self._shops)
        if not (is_let_in and is_sender and request.method == "POST"):
            return Response(status_code=404)
        try:
            content = await asyncio.wait_for(_body(request), _BODY_SECONDS)
        except TimeoutError:
            return Response(status_code=408)
        if content is None:
            return Response(status_code=413)
        if self._pace.admits(f"{sender} {shop}"):
            read = from_brightpearl(content) if sender == "brightpearl" else from_returngo(content)
            try:
                await run_in_threadpool(self._note, sender, shop, read)
            except psycopg.OperationalError:
                return Response(status_code=503)
        return Response(status_code=204)

    def _note(self, sender: str, shop: str, read: Sequence[Hint]) -> None:
        with self._connect() as connection:
            hints.note(connection, sender, shop, [(hint.subject, hint.subject_id) for hint in read])


def endpoint(
    secrets: list[str], shops: Collection[str], pace: Pace, connect: Callable[[], psycopg.Connection]
) -> Starlette:
    """The application that answers `POST {secret}/brightpearl` and `POST {secret}/returngo/{shop}`; all else is 404, without a hint why.

    Args:
        secrets: those that are live.
        shops: labels that ReturnGo may speak for.
        pace: how many deliveries are noted.
        connect: a connection whose login may add to `hints`.
    """
    # One route for all: no method and no path answers differently before the secret is known.
    taking = _Endpoint(secrets, shops, pace, connect)
    return Starlette(routes=[Route("/{path:path}", taking.take, methods=_EVERY_METHOD)])


def _way(path: str) -> tuple[str, str, str]:
    """Sender, shop and secret of `/.../{secret}/brightpearl` or `/.../{secret}/returngo/{shop}`; the proxy may have put something before."""
    parts = path.strip("/").split("/")
    if len(parts) >= 3 and parts[-2] == "returngo":
        return "returngo", parts[-1], parts[-3]
    return (parts[-1], "", parts[-2]) if len(parts) >= 2 else ("", "", "")


async def _body(request: Request) -> bytes | None:
    """The body, or None where it is longer than we take; no more of it is kept than that."""
    content = bytearray()
    async for chunk in request.stream():
        content += chunk
        if len(content) > MOST_BYTES:
            return None
    return bytes(content)
