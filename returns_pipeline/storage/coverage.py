"""How much of the three-way match has met, one row a day, shop, currency and tax code. The match itself is `finance_three_way_match`."""

import datetime as dt

import psycopg

# A line counts while its comparison changed in this time: older ones neither move nor tell how the pipeline does now.
_RECENT_DAYS = 90


def keep_once_a_day(connection: psycopg.Connection, shop: str, day: dt.date, *, again: bool) -> None:
    """Measures the day's coverage unless it was measured already; a sweep measures it anew."""
    known = connection.execute(
        "SELECT 1 FROM finance_match_coverage WHERE shop = %s AND day = %s LIMIT 1", (shop, day)
    ).fetchone()
    if known and not again:
        return
    connection.execute(
        """INSERT INTO finance_match_coverage(shop, day, currency, tax_code, lines, met_lines, expected_minor, met_minor, difference_minor)
           SELECT shop, %(day)s, currency, coalesce(tax_code, ''), count(*), count(*) FILTER (WHERE has_met),
             sum(coalesce(expected_net_minor + expected_tax_minor, 0)),
             coalesce(sum(credited_net_minor + credited_tax_minor) FILTER (WHERE has_met), 0), sum(difference_minor)
           FROM (SELECT *, state IN ('complete', 'credited') AS has_met FROM finance_three_way_match
                  WHERE shop = %(shop)s AND compared_at >= clock_timestamp() - make_interval(days => %(days)s)
                    AND currency IS NOT NULL AND state NOT IN ('cancelled', 'nothing_to_credit')) m
           GROUP BY shop, currency, coalesce(tax_code, '')
           ON CONFLICT (shop, day, currency, tax_code) DO UPDATE SET lines = excluded.lines, met_lines = excluded.met_lines,
             expected_minor = excluded.expected_minor, met_minor = excluded.met_minor, difference_minor = excluded.difference_minor""",
        {"shop": shop, "day": day, "days": _RECENT_DAYS},
    )
