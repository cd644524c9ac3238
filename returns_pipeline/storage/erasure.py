"""Forgets what is kept about one customer's order, when the customer asks. What the law makes a retailer keep stays: see `erase`."""

from dataclasses import dataclass

import psycopg

from returns_pipeline.storage import remarks
from returns_pipeline.storage.ledger import audit


class NotErased(Exception):
    """The order is not known here, or a return of it is still under way; nothing was changed."""


@dataclass(frozen=True)
class Erased:
    """How many rows lost something, by kind, and the returns they belong to."""

    rma_ids: tuple[int, ...]
    rows: dict[str, int]


_STATEMENTS = {
    place.name: f"UPDATE {place.table} x SET {place.forget} WHERE {place.holds} AND {place.rma_id} = ANY(%(rma_ids)s)"  # noqa: S608 - literals only
    for place in remarks.PLACES
} | {
    "parcels": """UPDATE returngo_shipments SET carrier_name = NULL, tracking_number = NULL, tracking_url = NULL, label_url = NULL
                   WHERE rma_id = ANY(%(rma_ids)s)""",
    "credits": "UPDATE brightpearl_sales_credits SET customer_contact_id = NULL WHERE order_id = ANY(%(order_ids)s)",
    "past returns": "DELETE FROM audit_cases WHERE rma_id = ANY(%(rma_ids)s)",
}


def erase(connection: psycopg.Connection, order: str, *, by: str, reason: str) -> Erased:
    """Forgets free text, parcels' numbers and links, the contact's number on credits and what an audit read, of every return of one order.

    Quantities, money, tax, ids and the ledger with its audit stay: they are the books; the ledger's notes lose the customer's words and keep the hash
    of what was sent. Names, addresses and mail were never kept. Ask ReturnGo and Brightpearl first: what they still hold would be read again.

    Args:
        order: Shopify's order id, the order's name, or Brightpearl's order id.

    Raises:
        NotErased: no return of that order, one that is still open, or no name or reason.
    """
    if not by.strip() or not reason.strip():
        raise NotErased("an erasure needs a reason and the name of who asks for it")
    found = connection.execute(
        """SELECT r.rma_id, r.is_open, l.order_id FROM returngo_rmas r LEFT JOIN returns_return_lines l USING (rma_id)
            WHERE r.shopify_order_id = %(order)s OR r.order_name = %(order)s OR l.order_id::text = %(order)s""",
        {"order": order},
    ).fetchall()
    rma_ids = tuple(sorted({row[0] for row in found}))
    if not rma_ids:
        raise NotErased(f"no return of an order {order!r} is known here")
    still_open = sorted({row[0] for row in found if row[1]})
    if still_open:
        raise NotErased(f"RMA {', '.join(map(str, still_open))} is still open: settle or void it, then erase")
    subject = {"rma_ids": list(rma_ids), "order_ids": sorted({row[2] for row in found if row[2] is not None})}
    with connection.transaction():
        rows = {kind: connection.execute(sql, subject).rowcount for kind, sql in _STATEMENTS.items()}
        audit.append(
            connection, None, "order erased", subject | {"rows": rows, "by": by.strip(), "reason": reason.strip()}
        )
    return Erased(rma_ids, rows)
