"""What waits for people row by row: units on the bench, SKUs that nobody knows. What they decide about it is kept in `decisions` and `inspections`."""

from collections.abc import Collection
from typing import Any

import psycopg
from psycopg.rows import dict_row

from returns_pipeline.storage import database


def units_to_inspect(connection: psycopg.Connection) -> list[dict[str, Any]]:
    """Units of return lines that were received, without an inspection here or in ReturnGo: shop, order_name, rma_id, returned_item_id, sku."""
    with database.joined_by_index(connection), connection.cursor(row_factory=dict_row) as cursor:
        return cursor.execute(
            """SELECT i.shop, m.order_name, i.rma_id, i.returned_item_id, i.sku
                 FROM returngo_rmas m JOIN returns_return_lines l USING (rma_id)
                 JOIN returngo_return_items i ON i.returned_item_id = ANY(l.returned_item_ids)
                WHERE m.is_open AND i.validated_at IS NULL
                  AND EXISTS (SELECT FROM returns_receipts r WHERE r.rma_id = l.rma_id AND r.return_line_id = l.return_line_id)
                  AND NOT EXISTS (SELECT FROM inspections s WHERE s.rma_id = i.rma_id AND s.returned_item_id = i.returned_item_id)
                ORDER BY i.shop, i.rma_id, i.returned_item_id"""
        ).fetchall()


def last_result(connection: psycopg.Connection, rma_id: int, returned_item_id: int) -> str | None:
    """What was recorded last about a unit; None where nothing was."""
    found = connection.execute(
        "SELECT result FROM inspections WHERE rma_id = %s AND returned_item_id = %s ORDER BY inspection_id DESC LIMIT 1",
        (rma_id, returned_item_id),
    ).fetchone()
    return None if found is None else str(found[0])


def unknown_skus(connection: psycopg.Connection) -> list[dict[str, Any]]:
    """SKUs that no row of their sale carries: shop, sku, returns (how many wait for it), suggestion (of one of them)."""
    with connection.cursor(row_factory=dict_row) as cursor:
        return cursor.execute(
            """SELECT shop, sku_returned AS sku, count(DISTINCT rma_id) AS returns, min(suggestion) AS suggestion
                 FROM returns_return_lines WHERE hold_code = 'sku_unknown' GROUP BY shop, sku_returned ORDER BY returns DESC, shop, sku"""
        ).fetchall()


def known_skus(connection: psycopg.Connection, skus: Collection[str]) -> set[str]:
    """Which of these SKUs a product or a sold row carries, spelled exactly so."""
    wanted = {"skus": list(skus)}
    rows = connection.execute(
        """SELECT sku FROM brightpearl_products WHERE sku = ANY(%(skus)s)
           UNION SELECT sku FROM brightpearl_sales_order_rows WHERE sku = ANY(%(skus)s)""",
        wanted,
    ).fetchall()
    return {row[0] for row in rows}


def sku_maps(connection: psycopg.Connection) -> dict[tuple[str, str], tuple[int, str]]:
    """The SKU maps in force: (shop, SKU returned) -> (number of the decision, SKU sold)."""
    rows = connection.execute(
        """SELECT shop, subject_id, decision_id, value->>'sku_sold' FROM operator_decisions
           WHERE action = 'map_sku' AND subject_type = 'sku' AND revoked_at IS NULL ORDER BY decision_id DESC"""
    ).fetchall()
    return {(shop, sku): (decision_id, sold) for shop, sku, decision_id, sold in rows}
