"""How much came in against other such days: an account that answers with nothing looks healthy and is not. Scenario 60. No API."""

import datetime as dt
from dataclasses import dataclass

import psycopg

_WEEKS = 8
_FEWEST_WEEKS = 3
_FEWEST_RETURNS = 5


@dataclass(frozen=True)
class Volume:
    """Returns that customers asked for in the last 24 hours, and the usual number of the same weekday; None before three weeks are known."""

    shop: str
    returns: int
    usual: int | None

    @property
    def is_empty(self) -> bool:
        """Whether nothing came where at least five returns are usual."""
        return self.returns == 0 and self.usual is not None and self.usual >= _FEWEST_RETURNS


def of_returns(connection: psycopg.Connection, shop: str, now: dt.datetime) -> Volume:
    """The last 24 hours against the median of the same hours of the last eight weeks."""
    row = connection.execute(
        """WITH weeks AS (SELECT week, %(now)s - make_interval(weeks => week) AS until FROM generate_series(0, %(weeks)s) AS week),
           counted AS (SELECT week, (SELECT count(*) FROM returngo_rmas r
                         WHERE r.shop = %(shop)s AND r.created_at > until - interval '1 day' AND r.created_at <= until) AS returns FROM weeks),
           begun AS (SELECT min(created_at) AS at FROM returngo_rmas WHERE shop = %(shop)s)
           SELECT (SELECT returns FROM counted WHERE week = 0),
                  (SELECT CASE WHEN count(*) >= %(fewest)s THEN percentile_disc(0.5) WITHIN GROUP (ORDER BY returns) END
                     FROM counted JOIN weeks USING (week) CROSS JOIN begun WHERE week > 0 AND until - interval '1 day' >= begun.at)""",
        {"now": now, "weeks": _WEEKS, "shop": shop, "fewest": _FEWEST_WEEKS},
    ).fetchone()
    returns, usual = row or (0, None)
    return Volume(shop, int(returns), None if usual is None else int(usual))
