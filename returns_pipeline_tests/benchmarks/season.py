"""Open returns by the thousand: a few that the pipeline took through every open state, repeated in the database and in ReturnGo's list. No measuring.

A repeated return is the same as its original but for its ids and its order's names, in every table that knows the original. Brightpearl does not have its
sale and credit: only a sweep would ask for them.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import psycopg
from psycopg import sql

from returns_pipeline.commands.sandbox_process import Sandbox
from returns_pipeline.settings import load_settings
from returns_pipeline.stages.accounts import Accounts
from returns_pipeline.storage import database

# Announced, on the way, delivered, booked in and waiting for approval, and held for a SKU that nobody knows.
ORIGINALS = 20
_SHIPPED, _DELIVERED, _BOOKED_IN, _UNKNOWN = 9, 5, 3, 1
# Ids of repeated returns lie above those of past ones.
_BEFORE_THE_FIRST = 100
_RMA = "rma_id = ANY(%(rma_ids)s)"
_ORDER = "order_id = ANY(%(order_ids)s)"
_CREDIT = "credit_id = ANY(%(credit_ids)s)"
_EFFECT = "effect_id = ANY(%(effect_ids)s)"
_TABLES = {
    "returngo_rmas": _RMA,
    "returngo_shipments": _RMA,
    "returngo_return_items": _RMA,
    "inspections": _RMA,
    "brightpearl_sales_orders": _ORDER,
    "brightpearl_sales_order_rows": _ORDER,
    "brightpearl_searched_sales": _ORDER,
    "brightpearl_sales_credits": _CREDIT,
    "brightpearl_sales_credit_rows": _CREDIT,
    "brightpearl_goods_in": _CREDIT,
    "order_row_balance": _ORDER,
    "effect": _EFFECT,
    "effect_line": _EFFECT,
    "effect_attempt": _EFFECT,
    "returns_return_lines": _RMA,
    "returns_receipts": _RMA,
    "returns_credit_proposals": _RMA,
    "returns_transfer_proposals": _RMA,
    "finance_three_way_match": _RMA,
    "exceptions": _RMA,
    "exception_history": "exception_id IN (SELECT exception_id FROM exceptions WHERE rma_id = ANY(%(rma_ids)s))",
}
# Which rows belong to the originals, and the ids among their cells that are their own.
_FOUND = {
    "order_ids": "SELECT DISTINCT order_id FROM returns_return_lines WHERE order_id IS NOT NULL AND rma_id = ANY(%(rma_ids)s)",
    "credit_ids": "SELECT credit_id FROM brightpearl_sales_credits WHERE order_id = ANY(%(order_ids)s)",
    "effect_ids": "SELECT effect_id FROM effect WHERE (payload->'subject'->>'rma_id')::bigint = ANY(%(rma_ids)s)",
}
_OWN_IDS = """
  SELECT unnest(%(rma_ids)s) UNION SELECT unnest(%(order_ids)s) UNION SELECT unnest(%(credit_ids)s) UNION SELECT unnest(%(effect_ids)s)
  UNION SELECT shipment_id FROM returngo_shipments WHERE rma_id = ANY(%(rma_ids)s)
  UNION SELECT returned_item_id FROM returngo_return_items WHERE rma_id = ANY(%(rma_ids)s)
  UNION SELECT order_row_id FROM brightpearl_sales_order_rows WHERE order_id = ANY(%(order_ids)s)
  UNION SELECT credit_row_id FROM brightpearl_sales_credit_rows WHERE credit_id = ANY(%(credit_ids)s)
  UNION SELECT receipt_line_id FROM brightpearl_goods_in WHERE credit_id = ANY(%(credit_ids)s)
  UNION SELECT exception_id FROM exceptions WHERE rma_id = ANY(%(rma_ids)s)"""
_NAMES = "SELECT order_name FROM returngo_rmas WHERE rma_id = ANY(%(rma_ids)s) UNION SELECT shopify_order_id FROM returngo_rmas WHERE rma_id = ANY(%(rma_ids)s)"
# Where the number of the repetition goes; no cell has this sign.
_NUMBER = "\N{SECTION SIGN}"
_ID_DIGITS = 9


def begin(sandbox: Sandbox) -> list[int]:
    """Takes the originals as far as they go before a person approves their credits; answers their ids."""
    quieten()
    rma_ids = [_asked_for(sandbox, is_unknown=number < _UNKNOWN) for number in range(ORIGINALS)]
    # The goods of the new orders are shipped within a day; before that nobody returns them.
    sandbox.post("/advance", {"hours": 25})
    quieten()
    on_the_way = rma_ids[_UNKNOWN : _UNKNOWN + _SHIPPED]
    for verb, actor, some in (
        ("ship", "carrier", on_the_way),
        ("deliver", "carrier", on_the_way[:_DELIVERED]),
        ("receive", "warehouse", on_the_way[:_BOOKED_IN]),
    ):
        for rma_id in some:
            _act(sandbox, actor, verb, rma_id=rma_id)
    quieten()
    return rma_ids


def quieten() -> None:
    """The pipeline works until nothing moves; what waits for a person goes on waiting."""
    from returns_pipeline.commands.sync import sync
    from returns_pipeline.stages.passes import Scope

    result = sync(Scope(), until_idle=True)
    assert result.is_good, (result.failed_steps, result.closed_gates)


def repeat(sandbox: Sandbox, rma_ids: Sequence[int], first: int, last: int) -> None:
    """One more of each of these returns for each number from first to last, open and known from the list as the pipeline would know them."""
    first, last = _BEFORE_THE_FIRST + first, _BEFORE_THE_FIRST + last
    for rma_id in rma_ids:
        assert _act(sandbox, "cx", "repeat", rma_id=rma_id, first=first, last=last) == {"rma_ids_apart": 10**_ID_DIGITS}
    with database.connect() as connection, connection.transaction():
        connection.execute("SET LOCAL session_replication_role = replica; SET LOCAL statement_timeout = 0")
        own = _own(connection, rma_ids)
        connection.execute(_marking(connection, own))
        for table, condition in _TABLES.items():
            connection.execute(
                sql.SQL(
                    """INSERT INTO {table} OVERRIDING SYSTEM VALUE SELECT r.*
                         FROM (SELECT pg_temp.marked(to_jsonb(t)::text) AS cells FROM {table} t WHERE {condition}) p, generate_series(%(first)s::int, %(last)s) n,
                              LATERAL jsonb_populate_record(NULL::{table}, replace(p.cells, %(number)s, n::text)::jsonb) r"""
                ).format(table=sql.Identifier(table), condition=sql.SQL(condition)),
                {**own, "first": first, "last": last, "number": _NUMBER},
            )
        # The triggers that would have noticed these rows were by-passed.
        connection.execute("DELETE FROM judgements")
        _know_the_list(connection)


def _asked_for(sandbox: Sandbox, *, is_unknown: bool) -> int:
    order_name = _act(sandbox, "customer", "buy", shop="uk", shape="single")["order_name"]
    rma_id = int(_act(sandbox, "customer", "request_return", order_name=order_name)["rma_id"])
    if is_unknown:
        _act(sandbox, "cx", "rename", rma_id=rma_id, order_name=order_name, sku="NOT-IN-THE-BOOKS")
    _act(sandbox, "cx", "approve", rma_id=rma_id)
    return rma_id


def _act(sandbox: Sandbox, actor: str, verb: str, **arguments: Any) -> Any:
    return sandbox.post("/act", {"actor": actor, "verb": verb, **arguments})


def _own(connection: psycopg.Connection, rma_ids: Sequence[int]) -> dict[str, list[int]]:
    own: dict[str, list[int]] = {"rma_ids": list(rma_ids)}
    for name, statement in _FOUND.items():
        own[name] = [row[0] for row in connection.execute(statement, own)]
    return own


def _marking(connection: psycopg.Connection, own: Mapping[str, list[int]]) -> str:
    """A function that puts the sign of the number before every own id and behind every own name in a row's cells."""
    by_length: dict[int, list[str]] = {}
    for (own_id,) in connection.execute(_OWN_IDS, own).fetchall():
        by_length.setdefault(len(str(own_id)), []).append(str(own_id))
    names = "|".join(row[0] for row in connection.execute(_NAMES, own))
    expression = f"regexp_replace($1, '(?<![0-9])({names})(?![0-9])', '\\1-{_NUMBER}', 'g')"
    for digits, ids in by_length.items():
        assert digits < _ID_DIGITS, ids
        zeros = "0" * (_ID_DIGITS - digits)
        expression = f"regexp_replace({expression}, '(?<![0-9])({'|'.join(ids)})(?![0-9])', '{_NUMBER}{zeros}\\1', 'g')"
    return f"CREATE OR REPLACE FUNCTION pg_temp.marked(text) RETURNS text LANGUAGE sql AS $f$ SELECT {expression} $f$"


def _know_the_list(connection: psycopg.Connection) -> None:
    """What the list says of the repeated returns is what it said when they were read."""
    settings = load_settings()
    accounts = Accounts(settings)
    try:
        listed = [(row.rma_id, row.fingerprint) for row in accounts.returngo(settings.shops[0]).list_rmas()]
    finally:
        accounts.close()
    connection.execute(
        """UPDATE returngo_rmas r SET list_fingerprint = l.fingerprint FROM unnest(%(ids)s::bigint[], %(fingerprints)s::text[]) AS l(rma_id, fingerprint)
            WHERE r.rma_id = l.rma_id""",
        {"ids": [row[0] for row in listed], "fingerprints": [row[1] for row in listed]},
    )
