"""Measures of the pipeline itself, straight from the database: heartbeats, quota, the oldest gap, effects without an answer. No API."""

import datetime as dt
from collections.abc import Iterator
from decimal import Decimal
from typing import Any

import pandas as pd
import psycopg

from returns_pipeline.settings import Settings
from returns_pipeline.storage import gaps, gates, heartbeats, outbox, volumes
from returns_pipeline.storage.ledger import audit

_QUOTA_ALARM_SHARE = 0.7
_NEWEST_AUDIT_ROWS = 2_000


def measure(connection: psycopg.Connection, settings: Settings, now: dt.datetime) -> pd.DataFrame:
    """Rows of `operations_health`: measure, shop, value, unit, state (ok, warn, bad), message."""
    rows = [
        *_heartbeats(connection),
        *_gaps(connection, settings, now),
        *_gates(connection),
        *_volumes(connection, settings, now),
        *_effects(connection),
        *_stopped(connection),
        _quota(connection, settings),
        _audit(connection),
        *_alerts(connection, now),
    ]
    frame = pd.DataFrame(rows, columns=["measure", "shop", "value", "unit", "state", "message"])
    frame["measured_at"] = pd.Series(now, index=frame.index, dtype="datetime64[us, UTC]")
    return frame


def _row(name: str, value: int, unit: str, state: str, message: str, shop: str = "") -> dict[str, Any]:
    return {"measure": name, "shop": shop, "value": Decimal(value), "unit": unit, "state": state, "message": message}


def _heartbeats(connection: psycopg.Connection) -> Iterator[dict[str, Any]]:
    for heart in heartbeats.read(connection):
        state = "bad" if heart.is_stale else "ok"
        yield _row(f"heartbeat of {heart.name}", heart.silent_seconds, "seconds", state, heart.in_words)


def _gaps(connection: psycopg.Connection, settings: Settings, now: dt.datetime) -> Iterator[dict[str, Any]]:
    receipts = [gap for gap in gaps.read(connection, ()) if gap.shape.startswith("received")]
    for shop in settings.shops:
        since = [gap.since for gap in receipts if gap.shop == shop.label and gap.since]
        oldest = max((int((now - moment).total_seconds()) // 3600 for moment in since), default=0)
        state = "ok" if oldest <= settings.sla.receipt_without_credit_hours else "warn"
        yield _row(
            "oldest receipt without a posted credit",
            oldest,
            "hours",
            state,
            f"{len(since)} receipts without a posted credit, the oldest {oldest} h",
            shop.label,
        )


def _gates(connection: psycopg.Connection) -> Iterator[dict[str, Any]]:
    closed = [gate for gate in gates.newest(connection) if not gate.passed]
    for gate in closed:
        yield _row(f"gate of {gate.table}", 1, "closed", "bad", f"{gate.shop}: {gate.reason}", gate.shop)
    yield _row("closed gates", len(closed), "gates", "bad" if closed else "ok", f"{len(closed)} gates are closed")


def _volumes(connection: psycopg.Connection, settings: Settings, now: dt.datetime) -> Iterator[dict[str, Any]]:
    for shop in settings.shops:
        # On a holiday nothing is what is usual.
        is_holiday = now.astimezone(shop.zone).date().isoformat() in settings.calendar.holidays
        for volume, name, unit, if_empty in (
            (volumes.of_returns(connection, shop.label, now), "returns asked for", "returns", "bad"),
            (volumes.of_goods_in(connection, shop.label, now), "goods-in lines booked", "lines", "warn"),
        ):
            usual = "not known yet" if volume.usual is None else f"{volume.usual} on other such days"
            state = if_empty if volume.is_empty and not is_holiday else "ok"
            message = f"{shop.label}: {volume.cases} {name} in 24 hours; {usual}"
            yield _row(f"{name} in 24 hours", volume.cases, unit, state, message, shop.label)


def _effects(connection: psycopg.Connection) -> Iterator[dict[str, Any]]:
    counts: dict[str, int] = dict(
        connection.execute(
            "SELECT state::text, count(*) FROM effect WHERE state IN ('unknown', 'halted', 'rejected') GROUP BY 1"
        ).fetchall()
    )
    for state in ("unknown", "halted", "rejected"):
        count = int(counts.get(state, 0))
        yield _row(f"{state} effects", count, "effects", "warn" if count else "ok", f"{count} effects are {state}")


def _stopped(connection: psycopg.Connection) -> Iterator[dict[str, Any]]:
    stopped = connection.execute(
        "SELECT sink, extract(epoch FROM clock_timestamp() - stopped_at)::bigint / 60, reason FROM sink_stops ORDER BY sink"
    ).fetchall()
    for sink, minutes, reason in stopped:
        yield _row(f"writing to {sink}", int(minutes), "minutes stopped", "bad", f"nothing is written: {reason}")


def _quota(connection: psycopg.Connection, settings: Settings) -> dict[str, Any]:
    row = connection.execute(
        "SELECT coalesce(sum(calls), 0)::bigint FROM api_calls WHERE api = 'returngo' AND hour > now() - interval '24 hours'"
    ).fetchone()
    used = int(row[0]) if row else 0
    allowed = settings.quota.returngo_per_day
    state = "warn" if used > allowed * _QUOTA_ALARM_SHARE else "ok"
    return _row(
        "ReturnGo calls in 24 hours", used, "calls", state, f"{used} of {allowed} ReturnGo calls of a day are used"
    )


def _audit(connection: psycopg.Connection) -> dict[str, Any]:
    # The newest rows only: the whole chain is walked once a day by `housekeeping`.
    broken = audit.verify_since(connection, audit.head(connection).seq - _NEWEST_AUDIT_ROWS)
    return _row(
        "audit chain",
        broken or 0,
        "first broken row",
        "bad" if broken else "ok",
        f"the audit chain is broken at row {broken}" if broken else "the audit chain holds",
    )


def _alerts(connection: psycopg.Connection, now: dt.datetime) -> Iterator[dict[str, Any]]:
    for channel, count, since, words in outbox.waiting(connection):
        hours = int((now - since).total_seconds()) // 3600
        yield _row(
            f"alerts not taken by {channel}",
            int(count),
            "alerts",
            "warn",
            f"{count} alerts wait for {channel}, the oldest for {hours} h: {words or 'being sent'}; look at its address",
        )
