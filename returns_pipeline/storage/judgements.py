"""The last judgement of each stage, and whether anything has moved since. What is judged is the stages', what counts as a move the triggers' (`moves.sql`)."""

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import psycopg
from psycopg.types.json import Jsonb

# Transaction ids are a server's own: a copy of the database on another server must not believe them.
_BASIS = "%(basis)s || ' ' || (SELECT system_identifier FROM pg_control_system())"


@dataclass(frozen=True)
class Look:
    """What a look found: the transactions that it saw, and the last judgement with its moment where that still stands."""

    seen: str
    report: Mapping[str, Any] | None
    judged_at: dt.datetime | None


def look(connection: psycopg.Connection, stage: str, shop: str, basis: str, now: dt.datetime) -> Look:
    """Whether the stage's last judgement stands: made on the same basis, not past its time, and no transaction that it did not see has moved a watched row.

    Args:
        connection: in autocommit mode, outside a transaction: what is judged next must be read after this look.
        stage: name of the stage.
        shop: label of the shop judged.
        basis: whatever else a judgement rests on, such as settings and rules.
        now: the pass's moment.
    """
    row = connection.execute(
        f"""SELECT pg_current_snapshot()::text, j.report, j.judged_at FROM (VALUES (true)) AS always LEFT JOIN judgements j
              ON j.stage = %(stage)s AND j.shop = %(shop)s AND j.basis = {_BASIS} AND j.judged_at <= %(now)s AND j.holds_until > %(now)s
             AND NOT EXISTS (SELECT FROM moves m WHERE m.xid >= pg_snapshot_xmin(j.seen) AND NOT pg_visible_in_snapshot(m.xid, j.seen))""",  # noqa: S608 - literals only
        {"stage": stage, "shop": shop, "basis": basis, "now": now},
    ).fetchone()
    if row is None:
        raise RuntimeError("a query that always has a row had none")
    return Look(*row)


def keep(
    connection: psycopg.Connection,
    stage: str,
    shop: str,
    basis: str,
    seen: str,
    judged_at: dt.datetime,
    holds_until: dt.datetime,
    report: Mapping[str, Any],
) -> None:
    """Keeps a judgement that began after the look which answered `seen`; moves of more than a day ago are forgotten, because no judgement holds so long."""
    connection.execute("DELETE FROM moves WHERE at < now() - interval '1 day'")
    connection.execute(
        f"""INSERT INTO judgements(stage, shop, basis, seen, judged_at, holds_until, report)
            VALUES (%(stage)s, %(shop)s, {_BASIS}, %(seen)s::pg_snapshot, %(judged_at)s, least(%(holds_until)s, %(judged_at)s + interval '23 hours'), %(report)s)
            ON CONFLICT (stage, shop) DO UPDATE SET basis = excluded.basis, seen = excluded.seen, judged_at = excluded.judged_at,
              holds_until = excluded.holds_until, report = excluded.report""",  # noqa: S608 - literals only
        {
            "stage": stage,
            "shop": shop,
            "basis": basis,
            "seen": seen,
            "judged_at": judged_at,
            "holds_until": holds_until,
            "report": Jsonb(dict(report)),
        },
    )
