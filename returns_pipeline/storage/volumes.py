"""How much came in against other such days: an account that answers with nothing looks healthy and is not. Scenario 60. No API."""

import datetime as dt
from dataclasses import dataclass

import psycopg
from psycopg import sql

_WEEKS = 8
_FEWEST_WEEKS = 3
_FEWEST_CASES = 5


@dataclass(frozen=True)
class Volume:
    """How many cases came in the last 24 hours, and the usual number of the same weekday; None before three weeks are known."""

    shop: str
    cases: int
    usual: int | None

    @property
    def is_empty(self) -> bool:
        """Whether nothing came where at least five cases are usual."""
        return self.cases == 0 and self.usual is not None and self.usual >= _FEWEST_CASES


def of_returns(connection: psycopg.Connection, shop: str, now: dt.datetime) -> Volume:
    """Returns that customers asked for: the last 24 hours against the median of the same hours of the last eight weeks."""
    return _volume(connection, "returngo_rmas", "created_at", shop, now)


def of_goods_in(connection: psycopg.Connection, shop: str, now: dt.datetime) -> Volume:
    """Lines that the warehouse booked in, against the same hours of the last eight weeks."""
    return _volume(connection, "brightpearl_goods_in", "received_on", shop, now)


def _volume(connection: psycopg.Connection, table: str, moment: str, shop: str, now: dt.datetime) -> Volume:
    query = sql.SQL(
        """WITH weeks AS (SELECT week, %(now)s - make_interval(weeks => week) AS until FROM generate_series(0, %(weeks)s) AS week),
           counted AS (SELECT week, (SELECT count(*) FROM {table} r
                         WHERE r.shop = %(shop)s AND r.{moment} > until - interval '1 day' AND r.{moment} <= until) AS cases FROM weeks),
           begun AS (SELECT min({moment}) AS at FROM {table} WHERE shop = %(shop)s)
           SELECT (SELECT cases FROM counted WHERE week = 0),
                  (SELECT CASE WHEN count(*) >= %(fewest)s THEN percentile_disc(0.5) WITHIN GROUP (ORDER BY cases) END
                     FROM counted JOIN weeks USING (week) CROSS JOIN begun WHERE week > 0 AND until - interval '1 day' >= begun.at)"""
    ).format(table=sql.Identifier(table), moment=sql.Identifier(moment))
    parameters = {"now": now, "weeks": _WEEKS, "shop": shop, "fewest": _FEWEST_WEEKS}
    row = connection.execute(query, parameters).fetchone()
    cases, usual = row or (0, None)
    return Volume(shop, int(cases), None if usual is None else int(usual))
