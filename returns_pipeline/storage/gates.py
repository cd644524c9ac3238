"""The verdict on each shop's last batch of a table. Planning and claiming refuse while a gate they need is closed; the database holds that line."""

import datetime as dt
from dataclasses import dataclass

import psycopg


@dataclass(frozen=True)
class Gate:
    """The newest verdict on one shop's table."""

    shop: str
    table: str
    run_id: str
    passed: bool
    reason: str | None
    at: dt.datetime


def record(
    connection: psycopg.Connection, shop: str, table: str, run_id: str, passed: bool, reason: str | None = None
) -> bool:
    """Adds a verdict, and answers whether the gate was closed before; a closed gate must say why."""
    row = connection.execute(
        """INSERT INTO gates(shop, table_name, run_id, passed, reason) VALUES (%(shop)s, %(table)s, %(run_id)s, %(passed)s, %(reason)s)
           RETURNING coalesce((SELECT NOT passed FROM gates WHERE shop = %(shop)s AND table_name = %(table)s ORDER BY gate_id DESC LIMIT 1), false)""",
        {"shop": shop, "table": table, "run_id": run_id, "passed": passed, "reason": reason},
    ).fetchone()
    return bool(row and row[0])


def newest(connection: psycopg.Connection, shop: str | None = None) -> list[Gate]:
    """The newest verdict of each shop and table, by shop and table."""
    rows = connection.execute(
        """SELECT DISTINCT ON (shop, table_name) shop, table_name, run_id, passed, reason, at FROM gates
            WHERE %(shop)s::text IS NULL OR shop = %(shop)s ORDER BY shop, table_name, gate_id DESC""",
        {"shop": shop},
    ).fetchall()
    return [Gate(*row) for row in rows]


def closed(connection: psycopg.Connection, shop: str, kind: str) -> list[str]:
    """Why a kind of effect may not be planned or claimed for a shop now, one sentence per table; empty when it may."""
    rows = connection.execute(
        """SELECT n.table_name, g.passed, g.reason FROM gate_needed n
             LEFT JOIN LATERAL (SELECT passed, reason FROM gates WHERE shop = %s AND table_name = n.table_name ORDER BY gate_id DESC LIMIT 1) g ON true
            WHERE n.kind = %s AND g.passed IS NOT TRUE ORDER BY n.table_name""",
        (shop, kind),
    ).fetchall()
    return [
        f"{table}: {reason}" if passed is not None else f"{table} was never read for {shop}"
        for table, passed, reason in rows
    ]
