"""Measures of the pipeline itself, straight from the database: heartbeats, quota, the oldest gap, effects without an answer. No API."""

import datetime as dt
import os
from collections.abc import Iterator
from decimal import Decimal
from typing import Any

import pandas as pd
import psycopg

from returns_pipeline.settings import Settings
from returns_pipeline.storage import gaps, gates, heartbeats, outbox, quota_days, volumes
from returns_pipeline.storage.ledger import audit

RETURNGO_CALLS = "ReturnGo calls in 24 hours"
_MORE_CALLS = "If it stays so, ask ReturnGo for more calls a day and write them into [quota] returngo_per_day; after a backlog it passes by itself"
# Below this share of the pool other apps leave too little, or we take too much.
_LEAST_SHARE_LEFT = 0.2
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
        *_returngo_days(connection, settings),
        _brightpearl_minute(connection, settings),
        _audit(connection),
        *_alerts(connection, now),
    ]
    frame = pd.DataFrame(rows, columns=["measure", "shop", "value", "unit", "state", "message"])
    frame["measured_at"] = pd.Series(now, index=frame.index, dtype="datetime64[us, UTC]")
    return frame


def _row(name: str, value: int | None, unit: str, state: str, message: str, shop: str = "") -> dict[str, Any]:
    exact = None if value is None else Decimal(value)
    return {"measure": name, "shop": shop, "value": exact, "unit": unit, "state": state, "message": message}


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


def _returngo_days(connection: psycopg.Connection, settings: Settings) -> Iterator[dict[str, Any]]:
    """Three rows for each key, under the label of its first shop; the message names them all and what to do."""
    for day in quota_days.read_all(connection, settings, os.environ):
        plan, shop, shops = day.plan, day.shops[0], ", ".join(day.shops)
        mend = "" if plan.state == "ok" else f". {_MORE_CALLS}"
        yield _row(RETURNGO_CALLS, plan.facts.used.total, "calls", plan.state, day.in_words + mend, shop)
        every = plan.asks_every_minutes
        message = f"{shops}: ReturnGo's lists " + ("rest" if every is None else f"are asked every {every} minutes")
        yield _row("ReturnGo's lists are asked every", every, "minutes", "ok", message, shop)
        history = plan.may_take.history
        message = f"{shops}: {history} ReturnGo calls are left for past returns and second looks"
        yield _row("ReturnGo calls left for history", history, "calls", "ok", message, shop)


def _brightpearl_minute(connection: psycopg.Connection, settings: Settings) -> dict[str, Any]:
    """How much of our share of Brightpearl's minute the last hour took, and how low the pool got that all apps of the account share."""
    row = connection.execute(
        """SELECT coalesce(sum(calls), 0)::bigint, min(least_remaining), coalesce(sum(refused), 0)::bigint,
                  60 + extract(epoch FROM statement_timestamp() - date_trunc('hour', statement_timestamp(), 'UTC'))::int / 60
             FROM api_usage WHERE api = 'brightpearl' AND hour > statement_timestamp() - interval '2 hours'"""
    ).fetchone()
    calls, lowest, refused, minutes = row or (0, None, 0, 60)
    quota = settings.quota
    percent = round(100 * calls / minutes / (quota.brightpearl_per_minute * quota.brightpearl_share))
    is_low = lowest is not None and lowest < quota.brightpearl_per_minute * _LEAST_SHARE_LEFT
    pool = (
        ""
        if lowest is None
        else f"; at the lowest {lowest} of the {quota.brightpearl_per_minute} calls a minute that all apps share were left"
    )
    message = (
        f"{percent}% of our share of Brightpearl's calls a minute used over the last hour{pool}; {refused} refused"
    )
    return _row("Brightpearl's share in use", percent, "percent", "warn" if is_low or refused else "ok", message)


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
