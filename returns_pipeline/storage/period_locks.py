"""Until which day a shop's accounts are locked, as far as the pipeline can know: months signed here, and what Brightpearl's refusals said.

Brightpearl has no resource that tells; what finance knows besides stands in the settings.
"""

import datetime as dt

import psycopg


def locked_until(connection: psycopg.Connection, shop: str) -> dt.date | None:
    """The last locked day, or None where nothing is known to be locked.

    A refusal counts while its effect stands refused: who opens the period and retries it has unlocked it here as well.
    """
    row = connection.execute(
        """SELECT greatest(
             (SELECT (max(month) + interval '1 month' - interval '1 day')::date FROM month_closes WHERE shop = %(shop)s AND signed_at IS NOT NULL),
             (SELECT max(substring(reason from ' until ([0-9]{4}-[0-9]{2}-[0-9]{2})')::date) FROM effect
               WHERE shop = %(shop)s AND kind = 'credit.post' AND state IN ('rejected', 'halted') AND reason LIKE 'period_locked:%%'))""",
        {"shop": shop},
    ).fetchone()
    return row[0] if row else None
