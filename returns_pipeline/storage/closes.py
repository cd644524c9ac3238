"""Closes of months: computed ones with their hash, signed ones that stay, what changed since, and refunds imported for them. Figures are `domain.close`'s."""

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pandas as pd
import psycopg
from psycopg.rows import dict_row
from psycopg.types.json import Jsonb

from returns_pipeline.storage.ledger import audit


@dataclass(frozen=True)
class Close:
    """One shop's month as it was last computed or signed."""

    shop: str
    month: dt.date
    sha256: str
    lines: list[dict[str, Any]]
    computed_at: dt.datetime
    explanations: dict[str, str]
    signed_by: str | None
    reason: str | None
    signed_at: dt.datetime | None


class AlreadySigned(Exception):
    """The close of that month is signed and stays as it is."""


def read(connection: psycopg.Connection, shop: str, month: dt.date) -> Close | None:
    """The close of one month, or None where it was never computed."""
    with connection.cursor(row_factory=dict_row) as cursor:
        row = cursor.execute(
            """SELECT shop, month, sha256, lines, computed_at, explanations, signed_by, reason, signed_at
                 FROM month_closes WHERE shop = %s AND month = %s""",
            (shop, month),
        ).fetchone()
    return Close(**row) if row else None


def keep(
    connection: psycopg.Connection,
    shop: str,
    month: dt.date,
    sha256: str,
    lines: Sequence[Mapping[str, Any]],
    run_id: str,
    now: dt.datetime,
) -> None:
    """Keeps the newest picture of a month that nobody has signed; the database refuses for a signed one."""
    connection.execute(
        """INSERT INTO month_closes(shop, month, sha256, lines, computed_at, run_id) VALUES (%s, %s, %s, %s, %s, %s)
           ON CONFLICT (shop, month) DO UPDATE SET sha256 = excluded.sha256, lines = excluded.lines, computed_at = excluded.computed_at, run_id = excluded.run_id""",
        (shop, month, sha256, Jsonb(list(lines)), now, run_id),
    )


def forget_figures(connection: psycopg.Connection, shop: str, month: dt.date) -> None:
    """Empties the tables of one month before its new figures are written."""
    for table in ("finance_month_end_close", "finance_month_end_lines"):
        connection.execute(f"DELETE FROM {table} WHERE shop = %s AND month = %s", (shop, month))  # noqa: S608 - literals


def keep_rerun(
    connection: psycopg.Connection,
    shop: str,
    month: dt.date,
    sha256: str,
    changes: Sequence[Mapping[str, Any]],
    run_id: str,
) -> None:
    """Keeps what a signed close would say differently now."""
    connection.execute(
        "INSERT INTO month_close_reruns(shop, month, run_id, sha256, changes) VALUES (%s, %s, %s, %s, %s)",
        (shop, month, run_id, sha256, Jsonb(list(changes))),
    )


def newest_changes(connection: psycopg.Connection, shop: str, month: dt.date) -> list[dict[str, Any]]:
    """What the last re-run of a signed close found; empty where there was none."""
    row = connection.execute(
        "SELECT changes FROM month_close_reruns WHERE shop = %s AND month = %s ORDER BY at DESC LIMIT 1", (shop, month)
    ).fetchone()
    return list(row[0]) if row else []


def sign(
    connection: psycopg.Connection,
    shop: str,
    month: dt.date,
    *,
    sha256: str,
    signed_by: str,
    reason: str,
    explanations: Mapping[str, str],
) -> None:
    """Signs the close of that hash; the name is asserted and recorded as such.

    Raises:
        AlreadySigned: somebody has signed it.
        ValueError: it was computed anew and its hash is another one, or the name or the reason is empty.
    """
    if not signed_by.strip() or not reason.strip():
        raise ValueError(f"to sign the close of {month:%Y-%m} for {shop}, give a name and a reason")
    with connection.transaction():
        found = connection.execute(
            "SELECT sha256, signed_by FROM month_closes WHERE shop = %s AND month = %s FOR UPDATE", (shop, month)
        ).fetchone()
        if found is not None and found[1] is not None:
            raise AlreadySigned(f"the close of {month:%Y-%m} for {shop} was signed by {found[1]} and stays as it is")
        if found is None or found[0] != sha256:
            raise ValueError(
                f"the close of {month:%Y-%m} for {shop} has the hash {found[0] if found else 'of nothing'}, not {sha256}: look at it again"
            )
        connection.execute(
            """UPDATE month_closes SET signed_by = %s, reason = %s, explanations = %s, signed_at = clock_timestamp()
                WHERE shop = %s AND month = %s""",
            (signed_by, reason, Jsonb(dict(explanations)), shop, month),
        )
        detail = {"shop": shop, "month": f"{month:%Y-%m}", "sha256": sha256, "by": signed_by, "reason": reason}
        audit.append(connection, None, "month signed off", detail | {"explanations": dict(explanations)})


def import_refunds(connection: psycopg.Connection, shop: str, refunds: pd.DataFrame, imported_by: str) -> int:
    """Adds refunds that are not known yet and answers how many; one that is known keeps what was imported first.

    Args:
        connection: open.
        shop: label of the shop.
        refunds: refund_id, order_name, refunded_on, currency, amount_minor.
        imported_by: who imports; asserted and recorded as such.
    """
    names = ["refund_id", "order_name", "refunded_on", "currency", "amount_minor"]
    with connection.transaction():
        added = 0
        for values in zip(*(refunds[name].tolist() for name in names), strict=True):
            added += connection.execute(
                """INSERT INTO imported_refunds(shop, refund_id, order_name, refunded_on, currency, amount_minor, imported_by)
                   VALUES (%s, %s, %s, %s, %s, %s, %s) ON CONFLICT DO NOTHING""",
                (shop, *values, imported_by),
            ).rowcount
        detail = {"shop": shop, "refunds": len(refunds), "new": added, "by": imported_by}
        audit.append(connection, None, "refunds imported", detail)
    return added


def imported_refunds(connection: psycopg.Connection, shop: str) -> pd.DataFrame:
    """The refunds that people imported for this shop."""
    rows = connection.execute(
        "SELECT refund_id, order_name, refunded_on, currency, amount_minor FROM imported_refunds WHERE shop = %s ORDER BY refund_id",
        (shop,),
    ).fetchall()
    frame = pd.DataFrame(rows, columns=["refund_id", "order_name", "refunded_on", "currency", "amount_minor"])
    frame["refunded_on"] = pd.to_datetime(frame["refunded_on"], utc=True).astype("datetime64[us, UTC]")
    return frame


def exceptions_until(connection: psycopg.Connection, shop: str, moment: dt.datetime) -> pd.DataFrame:
    """Exceptions first seen before a moment and not closed before it."""
    columns = [
        "exception_id", "code", "owner", "cause", "rma_id", "money_minor", "currency", "first_seen_at", "closed_at",
    ]  # fmt: skip
    rows = connection.execute(
        f"""SELECT {", ".join(columns)} FROM exceptions
             WHERE shop = %s AND first_seen_at < %s AND (closed_at IS NULL OR closed_at >= %s) ORDER BY exception_id""",  # noqa: S608 - literals
        (shop, moment, moment),
    ).fetchall()
    frame = pd.DataFrame(rows, columns=columns)
    for name in ("first_seen_at", "closed_at"):
        frame[name] = pd.to_datetime(frame[name], utc=True).astype("datetime64[us, UTC]")
    return frame.astype({"money_minor": "Int64", "rma_id": "Int64"})
