"""Puts messages into the outbox and sends what is due: a channel that fails keeps its message and is asked again. Nothing here waits for a write.

A message is sent at least once: a process that dies between sending and noting it sends it again.
"""

import datetime as dt
import time
from collections.abc import Sequence
from dataclasses import dataclass

import psycopg

from returns_pipeline.alerts import quiet
from returns_pipeline.alerts.channels import Channel, Undelivered
from returns_pipeline.alerts.message import Message, from_json
from returns_pipeline.settings import Settings
from returns_pipeline.storage import outbox as stored

_FIRST_PAUSE = dt.timedelta(seconds=30)
_LONGEST_PAUSE = dt.timedelta(minutes=30)


@dataclass(frozen=True)
class Delivered:
    """What one delivery did: messages sent, and the words of each channel that failed."""

    sent: int
    failures: dict[str, str]


def put(
    connection: psycopg.Connection,
    message: Message,
    channels: Sequence[Channel],
    now: dt.datetime,
    settings: Settings,
    once: str | None = None,
) -> int:
    """Queues the message for every channel that reaches its group; answers for how many. With `once`, only if that word was never used."""
    moment = quiet.not_before(now, message.severity, settings)
    reached = [channel.name for channel in channels if channel.reaches(message.group)]
    return sum(stored.put(connection, name, message.cause, message.as_json(), now, moment, once) for name in reached)


def deliver(
    connection: psycopg.Connection, channels: Sequence[Channel], now: dt.datetime, *, seconds: float = 25.0
) -> Delivered:
    """Sends what is due, oldest first, for about so many seconds; a channel that fails is left until its next turn."""
    ends, sent, failures = time.monotonic() + seconds, 0, {}
    for channel in channels:
        while time.monotonic() < ends and (due := stored.claim(connection, channel.name, now)) is not None:
            try:
                channel.send(from_json(due.body))
            except Undelivered as failure:
                failures[channel.name] = str(failure)
                pause = min(_FIRST_PAUSE * 2 ** min(due.attempts - 1, 10), _LONGEST_PAUSE)
                stored.failed(connection, due.alert_id, now + pause, str(failure))
                break
            stored.sent(connection, due.alert_id)
            sent += 1
    return Delivered(sent, failures)
