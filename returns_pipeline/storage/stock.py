"""Where returned units are: what left the Returns warehouses, what lies there undecided, and which transfers were never shipped. No judging."""

import datetime as dt
from collections.abc import Collection, Mapping
from dataclasses import dataclass

import pandas as pd
import psycopg

from returns_pipeline.domain.drift import Leaving
from returns_pipeline.storage import database, frames

_LOOKED_AGAIN_AFTER = dt.timedelta(hours=6)
_FORGOTTEN_AFTER = dt.timedelta(days=90)


@dataclass(frozen=True)
class Move:
    """Units of a product that left a warehouse on a note."""

    movement_id: int
    note_id: int
    product_id: int
    warehouse_id: int
    quantity: int
    moved_on: dt.datetime


@dataclass(frozen=True)
class Unshipped:
    """One goods-out note of a transfer of ours that was not seen shipped."""

    note_id: int
    transfer_id: int
    shop: str
    dispatched_at: dt.datetime


def record_moves(connection: psycopg.Connection, moves: Collection[Move]) -> None:
    """Adds what left; a movement that is known stays as it is."""
    with connection.cursor() as cursor:
        cursor.executemany(
            """INSERT INTO brightpearl_stock_moves(movement_id, note_id, product_id, warehouse_id, quantity, moved_on)
               VALUES (%s, %s, %s, %s, %s, %s) ON CONFLICT DO NOTHING""",
            [
                (move.movement_id, move.note_id, move.product_id, move.warehouse_id, move.quantity, move.moved_on)
                for move in moves
            ],
        )


def leaving(connection: psycopg.Connection, shop: str) -> list[Leaving]:
    """Products of which units of open returns did not pass and some left all the same, since the oldest of those came."""
    with database.joined_by_index(connection):
        rows = connection.execute(
            """WITH unpassed AS (
                 SELECT r.product_id, r.warehouse_id, min(r.rma_id) AS rma_id, sum(r.matched_quantity - r.passed_quantity)::int AS units, min(r.received_on) AS since
                   FROM returns_receipts r JOIN returngo_rmas o USING (rma_id)
                  WHERE o.is_open AND o.shop = %(shop)s AND r.matched_quantity > r.passed_quantity GROUP BY 1, 2),
               moved AS (
                 SELECT u.product_id, u.warehouse_id, u.rma_id, u.units, u.since, sum(m.quantity)::int AS gone, array_agg(DISTINCT m.note_id ORDER BY m.note_id) AS notes
                   FROM unpassed u JOIN brightpearl_stock_moves m USING (product_id, warehouse_id)
                  WHERE m.moved_on >= u.since AND NOT EXISTS (SELECT FROM effect e WHERE e.kind = 'transfer.dispatch' AND e.state = 'confirmed'
                                                                AND string_to_array(e.remote_id, ',') @> ARRAY[m.note_id::text]) GROUP BY 1, 2, 3, 4, 5)
               SELECT product_id, warehouse_id, rma_id, units, gone,
                      coalesce((SELECT sum(r.passed_quantity) FROM returns_receipts r WHERE r.product_id = m.product_id AND r.warehouse_id = m.warehouse_id
                                 AND r.received_on > m.since - interval '60 days'), 0)::int
                      - coalesce((SELECT sum((unit->>'quantity')::int) FROM effect e, jsonb_array_elements(e.payload->'subject'->'units') AS unit
                                  WHERE e.kind = 'transfer.create' AND e.state <> 'voided' AND (unit->>'product_id')::bigint = m.product_id
                                    AND e.created_at > m.since - interval '60 days'), 0)::int, notes
                 FROM moved m ORDER BY 1, 2""",
            {"shop": shop},
        ).fetchall()
    return [Leaving(*row) for row in rows]


def lying(connection: psycopg.Connection, shop: str, since: dt.datetime) -> pd.DataFrame:
    """Receipts before `since` with units that did not pass, of open and closed returns, with the columns of `returns_receipts`."""
    rows = connection.execute(
        "SELECT receipt_line_id, rma_id FROM returns_receipts WHERE shop = %s AND received_on <= %s AND matched_quantity > passed_quantity",
        (shop, since),
    ).fetchall()
    found = frames.read(connection, "returns/receipts", shop=shop, rma_ids=sorted({row[1] for row in rows if row[1]}))
    return found[found["receipt_line_id"].isin([row[0] for row in rows])]


def unshipped(
    connection: psycopg.Connection, shop: str, dispatched_before: dt.datetime, now: dt.datetime
) -> tuple[list[Unshipped], bool]:
    """Notes of our transfers that were dispatched before then and not seen shipped, oldest first; and whether they are due for a look."""
    rows = connection.execute(
        """SELECT n.note_id, (e.payload->'subject'->>'transfer_id')::bigint, e.shop, e.updated_at, s.looked_at FROM effect e
             CROSS JOIN LATERAL (SELECT unnest(string_to_array(e.remote_id, ','))::bigint AS note_id) n LEFT JOIN brightpearl_transfer_notes s USING (note_id)
            WHERE e.kind = 'transfer.dispatch' AND e.state = 'confirmed' AND e.shop = %(shop)s AND e.updated_at <= %(before)s
              AND e.updated_at > %(forgotten)s AND s.is_shipped IS NOT TRUE ORDER BY e.updated_at""",
        {"shop": shop, "before": dispatched_before, "forgotten": now - _FORGOTTEN_AFTER},
    ).fetchall()
    is_due = any(row[4] is None or row[4] <= now - _LOOKED_AGAIN_AFTER for row in rows)
    return [Unshipped(*row[:4]) for row in rows], is_due


def record_looks(connection: psycopg.Connection, is_shipped: Mapping[int, bool], now: dt.datetime) -> None:
    """Writes down whether each note was shipped when it was looked at."""
    with connection.cursor() as cursor:
        cursor.executemany(
            """INSERT INTO brightpearl_transfer_notes(note_id, is_shipped, looked_at) VALUES (%s, %s, %s)
               ON CONFLICT (note_id) DO UPDATE SET is_shipped = excluded.is_shipped, looked_at = excluded.looked_at""",
            [(note_id, shipped, now) for note_id, shipped in is_shipped.items()],
        )
