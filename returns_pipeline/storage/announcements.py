"""Exceptions as they are told: by cause, with count, money and an example, and the marks of what was told. What is told when is in `alerts/`."""

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import psycopg
from psycopg.rows import class_row

_BY_CAUSE = """
WITH chosen AS (SELECT * FROM exceptions WHERE {condition}),
sums AS (
  SELECT owner, code, cause_told, shop, jsonb_object_agg(currency, minor) AS money
    FROM (SELECT owner, code, {cause} AS cause_told, shop, currency, sum(money_minor)::bigint AS minor FROM chosen
           WHERE currency IS NOT NULL AND money_minor IS NOT NULL GROUP BY 1, 2, 3, 4, 5) m GROUP BY 1, 2, 3, 4),
causes AS (
  SELECT owner, code, {cause} AS cause_told, shop, count(*) AS count, array_agg(exception_id ORDER BY first_seen_at) AS exception_ids, min(first_seen_at) AS oldest,
         min(due_at) AS due, (array_agg(exception_id ORDER BY money_minor DESC NULLS LAST, first_seen_at))[1] AS exception_id
    FROM chosen GROUP BY 1, 2, 3, 4)
SELECT c.owner, c.code, c.cause_told AS cause, c.shop, c.count, coalesce(s.money, '{{}}') AS money, c.exception_ids, c.oldest, c.due,
       e.exception_id, e.severity, e.subject_type, e.subject_id, e.rma_id, e.expected, e.found
  FROM causes c JOIN exceptions e USING (exception_id)
  LEFT JOIN sums s ON (s.owner, s.code, s.cause_told, s.shop) = (c.owner, c.code, c.cause_told, c.shop) ORDER BY c.oldest"""


@dataclass(frozen=True)
class Cause:
    """Cases of one owner, code, cause and shop; the subject and evidence are those of the case with the most money."""

    owner: str
    code: str
    cause: str
    shop: str
    count: int
    money: Mapping[str, int]
    exception_ids: Sequence[int]
    oldest: dt.datetime
    due: dt.datetime | None
    exception_id: int
    severity: str
    subject_type: str
    subject_id: str
    rma_id: int | None
    expected: str | None
    found: str | None

    @property
    def key(self) -> str:
        """Names the cause, the same from message to message."""
        return f"{self.shop} {self.code} {self.cause}"


@dataclass(frozen=True)
class OpenCode:
    """What is open of one code and owner, and what opened and closed of it in the last day."""

    owner: str
    code: str
    severity: str
    count: int
    overdue: int
    money: Mapping[str, int]
    oldest: dt.datetime
    opened: int
    resolved: int


def untold(connection: psycopg.Connection, severities: Sequence[str]) -> list[Cause]:
    """Open cases of these severities that nobody was told of since they opened, by cause."""
    return _causes(
        connection,
        "state = 'open' AND announced_at IS NULL AND severity = ANY(%(severities)s)",
        "cause",
        {"severities": list(severities)},
    )


def overdue(connection: psycopg.Connection, now: dt.datetime) -> list[Cause]:
    """Open and acknowledged cases past their time that were not escalated since they opened, by code."""
    condition = "state IN ('open', 'acknowledged') AND due_at < %(now)s AND escalated_at IS NULL"
    return _causes(connection, condition, "''", {"now": now})


def mark_told(connection: psycopg.Connection, exception_ids: Sequence[int], now: dt.datetime) -> None:
    """Notes that these cases were told."""
    connection.execute(
        "UPDATE exceptions SET announced_at = %s WHERE exception_id = ANY(%s)", (now, list(exception_ids))
    )


def mark_escalated(connection: psycopg.Connection, exception_ids: Sequence[int], group: str, now: dt.datetime) -> None:
    """Notes in each case and its history that its next owner was told."""
    connection.execute(
        """WITH moved AS (UPDATE exceptions SET escalated_at = %(now)s WHERE exception_id = ANY(%(ids)s) RETURNING exception_id, expected, found)
           INSERT INTO exception_history(exception_id, what, actor, note, expected, found)
           SELECT exception_id, 'escalated', 'alerts', %(note)s, expected, found FROM moved""",
        {"now": now, "ids": list(exception_ids), "note": f"its time is over: {group} was told"},
    )


def open_codes(connection: psycopg.Connection, now: dt.datetime) -> list[OpenCode]:
    """What is open now, by owner and code; `oldest` of a code with nothing open is now."""
    with connection.cursor(row_factory=class_row(OpenCode)) as cursor:
        return cursor.execute(
            """WITH e AS (SELECT *, state IN ('open', 'acknowledged') AS is_open FROM exceptions
                           WHERE state IN ('open', 'acknowledged') OR closed_at > %(now)s - interval '1 day'),
               sums AS (SELECT owner, code, jsonb_object_agg(currency, minor) AS money FROM (
                 SELECT owner, code, currency, sum(money_minor)::bigint AS minor FROM e WHERE is_open AND currency IS NOT NULL AND money_minor IS NOT NULL
                  GROUP BY 1, 2, 3) m GROUP BY 1, 2)
               SELECT owner, code, max(severity) AS severity, count(*) FILTER (WHERE is_open) AS count,
                      count(*) FILTER (WHERE is_open AND due_at < %(now)s) AS overdue, coalesce(max(s.money::text), '{}')::jsonb AS money,
                      coalesce(min(first_seen_at) FILTER (WHERE is_open), %(now)s) AS oldest,
                      count(*) FILTER (WHERE first_seen_at > %(now)s - interval '1 day') AS opened, count(*) FILTER (WHERE NOT is_open) AS resolved
                 FROM e LEFT JOIN sums s USING (owner, code) GROUP BY owner, code ORDER BY owner, code""",
            {"now": now},
        ).fetchall()


def _causes(
    connection: psycopg.Connection, condition: str, cause: str, parameters: Mapping[str, object]
) -> list[Cause]:
    query = _BY_CAUSE.format(condition=condition, cause=cause)
    with connection.cursor(row_factory=class_row(Cause)) as cursor:
        return cursor.execute(query, parameters).fetchall()
