"""One HTTP answer taken apart: status, headers, parsed body, and what it says of throttling. What to do about it is decided elsewhere."""

import datetime as dt
import math
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from email.utils import parsedate_to_datetime
from typing import Any

import requests

from returns_pipeline.clients import json_reading
from returns_pipeline.clients.least_data import scrubbed, without_secrets
from returns_pipeline.clients.outcomes import UnusableAnswer, capped_retry_after, is_throttle

_LARGEST_BODY_BYTES = 10 * 1024 * 1024
_PIECE_BYTES = 64 * 1024
_LONGEST_DETAIL = 400


@dataclass(frozen=True)
class Answer:
    """One answer as it came.

    Attributes:
        status: the HTTP status.
        headers: names in lower case.
        body: the parsed JSON, or None where there is none that can be used.
        detail: the API's own codes and messages, or why the body cannot be used; never a payload.
        is_unusable: a body came and is no JSON that can be trusted.
        is_throttled: provably refused for too many calls, so that nothing was done.
        retry_after_seconds: how long to wait, where the remote says so.
    """

    status: int
    headers: Mapping[str, str]
    body: Any
    detail: str
    is_unusable: bool
    is_throttled: bool
    retry_after_seconds: float | None

    @property
    def remaining(self) -> int | None:
        """Calls that the remote says are left."""
        return _whole(self.headers.get("brightpearl-requests-remaining"))

    @property
    def next_period_milliseconds(self) -> int | None:
        """When the remote's count begins anew."""
        return _whole(self.headers.get("brightpearl-next-throttle-period"))

    @property
    def server_time(self) -> dt.datetime | None:
        """The remote's clock."""
        return _http_date(self.headers.get("date"))


def take_apart(response: requests.Response, secrets: Callable[[], Iterable[str]]) -> Answer:
    """Reads the streamed body up to the cap and judges what it is.

    Args:
        response: with its body still to be read.
        secrets: what the request carried: an API that repeats it in an error must not make it part of our words.

    Raises:
        requests.RequestException: the connection broke before the answer was complete.
    """
    headers = {name.lower(): value for name, value in response.headers.items()}
    content = _content(response)
    body, detail, is_unusable = None, "", False
    if content is None:
        detail, is_unusable = f"an answer larger than {_LARGEST_BODY_BYTES} bytes", True
    elif content:
        try:
            body = json_reading.parse(content)
            detail = _messages(body, secrets)
        except UnusableAnswer as unusable:
            detail, is_unusable = str(unusable), True
    remaining = _whole(headers.get("brightpearl-requests-remaining"))
    text = (content or b"")[:2000].decode("utf-8", "replace")
    throttled = is_throttle(response.status_code, text, remaining)
    wait = _retry_after(headers) if throttled else None
    return Answer(response.status_code, headers, body, detail, is_unusable, throttled, wait)


def _content(response: requests.Response) -> bytes | None:
    """The whole body, or None where it is larger than we take."""
    parts, size = [], 0
    for part in response.iter_content(chunk_size=_PIECE_BYTES):
        parts.append(part)
        size += len(part)
        if size > _LARGEST_BODY_BYTES:
            return None
    return b"".join(parts)


def _messages(body: Any, secrets: Callable[[], Iterable[str]]) -> str:
    """The API's own codes and messages, without anything of a payload or of a secret."""
    if not isinstance(body, dict):
        return ""
    errors, answered = body.get("errors"), body.get("response")
    if isinstance(errors, list):
        named = [error for error in errors if isinstance(error, dict)]
        text = "; ".join(f"{error.get('code', '')} {error.get('message', '')}".strip() for error in named)
    elif isinstance(answered, str):
        # Brightpearl echoes a bad token after the colon.
        text = answered.split(":", 1)[0]
    else:
        text = next((body[name] for name in ("message", "error") if isinstance(body.get(name), str)), "")
    return scrubbed(without_secrets(text, secrets()), _LONGEST_DETAIL) if text else ""


def _retry_after(headers: Mapping[str, str]) -> float | None:
    """Brightpearl's own header in milliseconds first, then Retry-After in seconds or as a date."""
    period = _whole(headers.get("brightpearl-next-throttle-period"))
    if period is not None:
        return capped_retry_after(period / 1000.0)
    given = headers.get("retry-after")
    seconds = _whole(given)
    if seconds is not None:
        return capped_retry_after(float(seconds))
    at = _http_date(given)
    return None if at is None else capped_retry_after(math.ceil((at - dt.datetime.now(dt.UTC)).total_seconds()))


def _http_date(text: str | None) -> dt.datetime | None:
    """An aware moment; None for a header that is no date, because a header's slip must not undo an answer."""
    if text is None:
        return None
    try:
        moment = parsedate_to_datetime(text)
    except (ValueError, OverflowError):
        return None
    return moment if moment.tzinfo else moment.replace(tzinfo=dt.UTC)


def _whole(text: str | None) -> int | None:
    digits = (text or "").strip()
    return int(digits) if digits.isascii() and digits.isdigit() and len(digits) < 19 else None
