"""ReturnGo's day of each API key, counted from every process: what was used for what, what waits, and the plan of it. How it is planned is `domain.quota`'s.

Days are the last 24 hours and the part of an hour before them, so that the count holds whenever the remote day turns.
"""

import statistics
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, fields, replace
from typing import Any

import psycopg

from returns_pipeline.domain.quota import Calls, DayFacts, DayPlan, in_words
from returns_pipeline.settings import Settings

# Under this name each shop's cursor says how many details its last pass left unread.
DETAILS_LEFT = "returngo_details_left"
_HOURS, _PACE_HOURS, _REFUSED_HOURS = 25, 3, 2
_FEWEST_DAYS = 2
_PAGE = 500
# A pass over a shop asks for its open returns, for what changed, and for transactions; only the first grows with what is open.
_OTHER_LISTS = 2
_PURPOSES = tuple(field.name for field in fields(Calls))
_BY_PURPOSE = (
    "sum(confirmations), sum(look_ups), sum(details), sum(lists + transactions), sum(history), sum(registrations)"
)
# Deliberately NOT clock_timestamp(): its value changes within a statement, so that the view would count every hour there ever was.
_OF_KEY = "api = 'returngo' AND shop = ANY(%(shops)s)"


@dataclass(frozen=True)
class KeyDay:
    """The day of one key: the variable that holds it, the labels of its shops, and the plan."""

    key: str
    shops: tuple[str, ...]
    plan: DayPlan

    @property
    def in_words(self) -> str:
        """The day for people."""
        return f"{', '.join(self.shops)}: {in_words(self.plan)}"

    def with_details_due(self, count: int) -> "KeyDay":
        """The same day when so many details wait."""
        facts = self.plan.facts
        return replace(self, plan=DayPlan(replace(facts, due=replace(facts.due, details=count))))


def read_all(connection: psycopg.Connection, settings: Settings, environment: Mapping[str, str]) -> list[KeyDay]:
    """The day of every key, in the order of the settings' shops."""
    return [read(connection, settings, key, shops) for key, shops in settings.shops_by_key(environment).items()]


def read(connection: psycopg.Connection, settings: Settings, key: str, shops: tuple[str, ...]) -> KeyDay:
    """The day of one key: the calls of a week, and what waits of its shops' work."""
    quota, of_key = settings.quota, {"shops": list(shops), "details_left": DETAILS_LEFT}
    rows = connection.execute(
        f"""SELECT greatest(extract(epoch FROM date_trunc('hour', statement_timestamp(), 'UTC') - hour)::int / 3600, 0) AS ago,
                   extract(epoch FROM statement_timestamp() - max(hour))::float8 / 3600, sum(refused), {_BY_PURPOSE}
              FROM api_usage WHERE {_OF_KEY} AND hour > statement_timestamp() - interval '25 hours' GROUP BY ago""",  # noqa: S608 - literals only
        of_key,
    ).fetchall()
    used = {ago: _calls(counts) for ago, _, _, *counts in rows}
    recent = sum(calls.total - calls.history for ago, calls in used.items() if ago < _PACE_HOURS)
    of_this_hour = next((since - ago for ago, since, *_ in rows), 0.0)
    facts = DayFacts(
        allowed=quota.returngo_per_day,
        reserve=int(quota.returngo_per_day * quota.returngo_reserve_share),
        most_history=int(quota.returngo_per_day * quota.audit_share),
        used=Calls(*(sum(getattr(calls, purpose) for calls in used.values()) for purpose in _PURPOSES)),
        by_hour=tuple(used[ago].total if ago in used else 0 for ago in range(_HOURS)),
        work_an_hour=recent / (_PACE_HOURS - 1 + max(of_this_hour, 0.0)),
        usual=_usual(connection, of_key),
        due=_due(connection, of_key),
        calls_a_poll=_calls_a_poll(connection, of_key, shops),
        refused=sum(int(count) for ago, _, count, *_ in rows if ago < _REFUSED_HOURS),
    )
    return KeyDay(key, shops, DayPlan(facts))


def keep(connection: psycopg.Connection, days: list[KeyDay]) -> None:
    """Keeps the plans for people and reports; what is no key any more goes."""
    with connection.transaction(), connection.cursor() as cursor:
        cursor.execute("DELETE FROM quota_days")
        cursor.executemany(
            """INSERT INTO quota_days(api_key, shops, purpose, used, usual, due, may_take, allowed, asks_every_minutes, state, message)
               VALUES (%s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s)""",
            [
                (
                    day.key, list(day.shops), *row.values(), day.plan.facts.allowed, day.plan.asks_every_minutes, day.plan.state, day.in_words,
                )
                for day in days
                for row in by_purpose(day)
            ],
        )  # fmt: skip


def by_purpose(day: KeyDay) -> list[dict[str, str | int]]:
    """One row per purpose: purpose, used, usual, due, may_take."""
    facts = day.plan.facts
    parts = {"used": facts.used, "usual": facts.usual, "due": facts.due, "may_take": day.plan.may_take}
    return [
        {"purpose": purpose, **{name: getattr(part, purpose) for name, part in parts.items()}} for purpose in _PURPOSES
    ]


def _calls(counts: Iterable[Any]) -> Calls:
    return Calls(*(int(count) for count in counts))


def _usual(connection: psycopg.Connection, of_key: Mapping[str, object]) -> Calls:
    """The median of each purpose over the seven days before these 24 hours; nothing until two are known."""
    rows = connection.execute(
        f"""SELECT extract(epoch FROM statement_timestamp() - hour)::int / 86400 AS days_ago, {_BY_PURPOSE}
              FROM api_usage WHERE {_OF_KEY} AND hour > statement_timestamp() - interval '8 days' AND hour <= statement_timestamp() - interval '1 day'
             GROUP BY days_ago""",  # noqa: S608 - literals only
        of_key,
    ).fetchall()
    if len(rows) < _FEWEST_DAYS:
        return Calls()
    return _calls(statistics.median_low(of_purpose) for of_purpose in list(zip(*rows, strict=True))[1:])


def _due(connection: psycopg.Connection, of_key: Mapping[str, object]) -> Calls:
    """Parcels to confirm, confirmations whose outcome is unknown, and details that the last pass left unread."""
    row = connection.execute(
        """SELECT count(*) FILTER (WHERE state IN ('planned', 'claimed')), count(*) FILTER (WHERE state = 'unknown'),
                  (SELECT coalesce(sum(value::bigint), 0) FROM cursors WHERE name = %(details_left)s AND shop = ANY(%(shops)s))
             FROM effect WHERE kind = 'returngo.receive' AND shop = ANY(%(shops)s) AND state NOT IN ('confirmed', 'voided')""",
        of_key,
    ).fetchone()
    return _calls(row or ())


def _calls_a_poll(connection: psycopg.Connection, of_key: Mapping[str, object], shops: Sequence[str]) -> int:
    rows = connection.execute(
        "SELECT shop, count(*) FROM returngo_rmas WHERE shop = ANY(%(shops)s) AND is_open GROUP BY shop", of_key
    ).fetchall()
    is_open: dict[str, int] = dict(rows)
    return sum(_OTHER_LISTS + max(1, -(-is_open.get(shop, 0) // _PAGE)) for shop in shops)
