"""Who may call the sandbox's Brightpearl and how often: credentials, the shared pool of calls, and the headers of every answer.

Not here: routes (`routes*`). The 401 body is not the error envelope; the throttle is a 503.
"""

import threading
import time
import uuid
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field

from returns_pipeline.sandbox.http import Request, Response

_WINDOW_SECONDS = 60.0
_TOKEN_SECONDS = 604_800
THROTTLED_BODY = {"response": "You have sent too many requests. Please wait before sending another request"}


@dataclass
class Credentials:
    """What callers must show: a private app's reference and token, or an OAuth token that a refresh rotates."""

    account: str = "sandbox"
    app_ref: str = "sandbox_returns-pipeline"
    account_token: str = "sandbox-account-token"  # noqa: S105 - of a loopback sandbox
    dev_ref: str = "sandbox"
    access_token: str = "sandbox-access-0"  # noqa: S105
    refresh_token: str = "sandbox-refresh-0"  # noqa: S105
    expires_at: float = field(default_factory=lambda: time.monotonic() + _TOKEN_SECONDS)

    def refusal(self, request: Request) -> Response | None:
        """None for a caller who may come in, else the recorded 401."""
        headers = request.headers
        bearer = headers.get("authorization", "").removeprefix("Bearer ")
        if headers.get("brightpearl-app-ref") != self.app_ref:
            return Response(401, {"response": "Not authenticated. App reference is missing or unknown"})
        if not bearer:
            is_known = headers.get("brightpearl-account-token") == self.account_token
            return None if is_known else Response(401, {"response": "Not authenticated. Account token is not valid"})
        if bearer != self.access_token:
            return Response(401, {"response": f"Invalid instance token: {bearer}"})
        if time.monotonic() > self.expires_at:
            return Response(401, {"response": "Authorization token expired"})
        return None

    def token(self, request: Request, body: dict[str, list[str]]) -> Response:
        """The token endpoint: a refresh rotates both tokens, and the old refresh token dies."""
        grant, given = body.get("grant_type", [""])[-1], body.get("refresh_token", [""])[-1]
        client = body.get("client_id", [""])[-1]
        if (
            client != self.app_ref
            or grant != "refresh_token"
            or given != self.refresh_token
            or request.method != "POST"
        ):
            return Response(400, {"error": "invalid_client"})
        number = int(self.access_token.rsplit("-", 1)[1]) + 1
        self.access_token, self.refresh_token = f"sandbox-access-{number}", f"sandbox-refresh-{number}"
        self.expires_at = time.monotonic() + _TOKEN_SECONDS
        reply = {"access_token": self.access_token, "refresh_token": self.refresh_token, "token_type": "Bearer"}
        return Response(200, {**reply, "api_domain": "127.0.0.1", "expires_in": _TOKEN_SECONDS})


class Pool:
    """The rolling minute that all private apps of the account share."""

    def __init__(self, requests_per_minute: int, clock: Callable[[], float] = time.monotonic) -> None:
        self.requests_per_minute, self.clock = requests_per_minute, clock
        self._lock = threading.Lock()
        self._calls: deque[float] = deque()

    def take(self, neighbour_usage_per_minute: int) -> tuple[bool, dict[str, str]]:
        """Takes a call out of the pool; whether there was one, and the headers that say what is left."""
        with self._lock:
            now = self.clock()
            while self._calls and now - self._calls[0] >= _WINDOW_SECONDS:
                self._calls.popleft()
            room = self.requests_per_minute - neighbour_usage_per_minute - len(self._calls)
            if room > 0:
                self._calls.append(now)
            oldest = self._calls[0] if self._calls else now
            headers = {
                "Brightpearl-Requests-Remaining": str(max(room - 1, 0)),
                "Brightpearl-Next-Throttle-Period": str(max(int((_WINDOW_SECONDS - (now - oldest)) * 1000), 1)),
            }
            return room > 0, headers


def request_id() -> dict[str, str]:
    """A new id for an answer."""
    return {"Ruid": uuid.uuid4().hex}
