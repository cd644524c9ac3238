"""Puts what changed into the outbox: new causes, cases whose time is over, morning lists. Each in one transaction with the mark that it was told."""

import datetime as dt
from collections.abc import Collection, Sequence
from dataclasses import dataclass

import psycopg

from returns_pipeline.alerts import compose, outbox, quiet
from returns_pipeline.alerts.channels import Channel
from returns_pipeline.settings import Settings
from returns_pipeline.storage import announcements
from returns_pipeline.storage import outbox as stored
from returns_pipeline.storage.check_results import CheckResult
from returns_pipeline.storage.heartbeats import Heartbeat


@dataclass(frozen=True)
class FailedRuns:
    """Runs of one job that failed at one step: the newest of them, its words, and how many in the last 24 hours."""

    job: str
    step: str
    words: str
    run_id: str
    count: int


class Announcer:
    """Announces over the channels that are configured, at one moment.

    Args:
        connection: a connection of `database.connect`.
        channels: where people are told; without one nothing is marked as told.
        settings: what is told at once, quiet hours, groups.
        now: the moment.
    """

    def __init__(
        self, connection: psycopg.Connection, channels: Sequence[Channel], settings: Settings, now: dt.datetime
    ) -> None:
        self._connection, self._channels, self._settings, self._now = connection, channels, settings, now

    def causes(self) -> int:
        """Tells each cause with untold cases of a severity that is told at once; further cases of it are gathered for a while."""
        told = 0
        for cause in announcements.untold(self._connection, self._settings.alerts.at_once):
            message = compose.of_cause(cause, self._settings)
            if self._was_told(message.cause):
                continue
            with self._connection.transaction():
                if outbox.put(self._connection, message, self._channels, self._now, self._settings):
                    announcements.mark_told(self._connection, cause.exception_ids, self._now)
                    told += 1
        return told

    def escalations(self) -> int:
        """Tells the next owner, once per case and opening, what is past its time."""
        told = 0
        for cause in announcements.overdue(self._connection, self._now):
            message = compose.of_escalation(cause, self._now, self._settings)
            with self._connection.transaction():
                if outbox.put(self._connection, message, self._channels, self._now, self._settings):
                    announcements.mark_escalated(self._connection, cause.exception_ids, message.group, self._now)
                    told += 1
        return told

    def digests(self) -> int:
        """Puts the day's list of every group that has something open, once a working day."""
        day = quiet.digest_day(self._now, self._settings)
        if day is None:
            return 0
        by_group: dict[str, list[announcements.OpenCode]] = {}
        for code in announcements.open_codes(self._connection, self._now):
            by_group.setdefault(self._settings.group_of(code.owner), []).append(code)
        put = 0
        for group, codes in by_group.items():
            message = compose.of_digest(group, day, codes, self._now, self._settings)
            if outbox.put(self._connection, message, self._channels, self._now, self._settings, once=message.cause):
                put += 1
        return put

    def checks(self, began_to_fail: Sequence[CheckResult]) -> int:
        """Tells checks that passed before and fail now."""
        messages = [compose.of_check(result, self._settings) for result in began_to_fail]
        return sum(
            outbox.put(self._connection, message, self._channels, self._now, self._settings) > 0 for message in messages
        )

    def failed_runs(self, failed: Sequence[FailedRuns]) -> int:
        """Tells runs that failed, unless the same was told a while ago."""
        put = 0
        for runs in failed:
            message = compose.of_failed_runs(runs.job, runs.step, runs.words, runs.run_id, runs.count, self._settings)
            if not self._was_told(message.cause):
                put += outbox.put(self._connection, message, self._channels, self._now, self._settings) > 0
        return put

    def silent_part(self, heart: Heartbeat) -> None:
        """Tells that a part is silent, once per silence."""
        message = compose.of_silence(heart, self._settings)
        since = heart.beat_at.isoformat() if heart.beat_at else "ever"
        once = f"{message.cause} since {since}"
        outbox.put(self._connection, message, self._channels, self._now, self._settings, once=once)

    def deliver(self) -> outbox.Delivered:
        """Sends what is due, new or left over."""
        return outbox.deliver(self._connection, self._channels, self._now)

    def _was_told(self, cause: str) -> bool:
        gathered = dt.timedelta(minutes=self._settings.alerts.gather_minutes)
        return stored.was_told_since(self._connection, cause, self._now - gathered)


def began_to_fail(newest: Sequence[CheckResult], failing_before: Collection[str]) -> list[CheckResult]:
    """Of the newest results, those that fail now and did not when we looked last; cases that are told as exceptions are left out."""
    return [
        result
        for result in newest
        if not result.passed and result.detail.get("is_announced", True) and key_of(result) not in failing_before
    ]


def key_of(result: CheckResult) -> str:
    """Names a check, the same from result to result."""
    return f"{result.asset_key}:{result.check_name}:{result.shop}"
