"""Past returns by the hundred thousand: ended, settled and closed, with their rows in every table that a pass touches. No measuring.

One statement per table, over numbers 1 to n. The return of a number always is the same one: the highest ended fourteen weeks ago, each one before it a
little earlier, so that a longer history is an older shop and not a busier one. A number gives every id, so that all rows meet.
"""

import psycopg
from psycopg import sql

from returns_pipeline.storage import database

# Ids of the two systems lie above any that a sandbox gives; ids that our own database counts lie below its own, those of the audit below 0.
_REMOTE = 10_000_000_000
_EFFECTS_EACH = 8
# So many past returns fit below the database's own numbers, whose length then tells them from amounts of money.
ROOM = 1_000_000
_RETURNS_PER_TRANSFER = 100
_NUMBERS = """WITH past AS (
  SELECT n, %(remote)s + n AS id, n - 1 - (n - 1) %% %(per_transfer)s AS batch, (%(products)s::bigint[])[1 + n %% cardinality(%(products)s::bigint[])] AS product_id,
         now() - interval '14 weeks' - (%(total)s - n) * interval '150 seconds' AS at
    FROM generate_series(%(first)s::bigint, %(last)s) AS n)
"""
_SUBJECT = "jsonb_build_object('rma_id', id, 'order_id', id, 'credit_id', id, 'shipment_id', id)"
_EXPECT = "jsonb_build_object('rows', jsonb_build_array(jsonb_build_object('net_minor', 1999, 'tax_minor', 400, 'quantity', 1)))"
_EFFECT = f"""INSERT INTO effect(effect_id, shop, kind, business_key, remote_ref, payload, payload_sha256, state, attempt, fence, sent_at, remote_id, created_at, updated_at, depends_on)
  OVERRIDING SYSTEM VALUE
  SELECT %(each)s * n + {{number}}, 'uk', '{{kind}}', '{{key}}' || id, {{reference}},
         jsonb_build_object('subject', {_SUBJECT}, 'expect', {_EXPECT}), sha256('past'), 'confirmed', 1, %(each)s * n, at, {{remote_id}}, at, at, {{depends_on}} FROM past"""  # noqa: S608 - literals only
_TRANSFER = """INSERT INTO effect(effect_id, shop, kind, business_key, remote_ref, payload, payload_sha256, state, attempt, fence, sent_at, remote_id, created_at, updated_at)
  OVERRIDING SYSTEM VALUE
  SELECT %(each)s * batch + {number}, 'uk', '{kind}', '{key}' || %(remote)s + batch, {reference},
         jsonb_build_object('subject', jsonb_build_object('transfer_id', %(remote)s + batch, 'units', jsonb_agg(jsonb_build_object(
           'receipt_line_id', n, 'quantity', 1, 'product_id', product_id)))),
         sha256('past'), 'confirmed', 1, %(each)s * batch, max(at), (%(remote)s + batch)::text, max(at), max(at) FROM past GROUP BY batch"""
_EFFECTS = {
    "credit.raise": ("raise:", "'r' || id", "id::text"),
    "credit.post": ("post:", "NULL", "'invoiced'"),
    "credit.annotate": ("annotate:", "NULL", "'annotated'"),
    "refund.record": ("refund:", "NULL", "id::text"),
    "returngo.receive": ("confirm:", "NULL", "'confirmed'"),
}
_TRANSFERS = {
    "transfer.create": ("transfer:", "'t' || %(remote)s + batch"),
    "transfer.dispatch": ("dispatch:", "NULL"),
    "transfer.ship": ("ship:", "NULL"),
}
_FACTS = (
    """returngo_rmas(rma_id, shop, status, order_name, shopify_order_id, created_at, approved_at, last_updated_at, is_out_of_policy, list_fingerprint, is_open, detail_read_at)
       SELECT id, 'uk', 'Done', '#PAST' || n, 'past' || n, at - interval '14 days', at, at, false, 'past', false, at FROM past""",
    "returngo_shipments(shipment_id, shop, rma_id, status, is_outbound) SELECT id, 'uk', id, 'Validated', false FROM past",
    """returngo_return_items(returned_item_id, shop, rma_id, shipment_id, shopify_line_item_id, sku, paid_price_minor, paid_tax_minor, currency, shop_paid_price_minor, shop_paid_tax_minor,
         shop_currency, is_tax_included, resolution_type, return_method_type, restocking_fee_minor, return_fee_minor, shipment_fee_minor, is_returned, is_restockable, validated_at)
       SELECT id, 'uk', id, id, n::text, 'PAST-' || n %% 5000, 2399, 400, 'GBP', 2399, 400, 'GBP', true, 'RefundToPaymentMethod', 'Ship', 0, 0, 0, true, true, at FROM past""",
    """returngo_transactions(transaction_id, shop, rma_id, type, status, amount_minor, currency, shop_amount_minor, shop_currency, returned_item_ids, created_at, last_updated_at)
       SELECT id, 'uk', id, 'Refund', 'Success', 2399, 'GBP', 2399, 'GBP', ARRAY[id], at, at FROM past""",
    """brightpearl_sales_orders(order_id, shop, external_ref, customer_ref, channel_id, order_status_id, customer_contact_id, currency, accounting_currency, exchange_rate, price_mode,
         warehouse_id, invoice_reference, invoice_tax_date, shipping_status, net_minor, tax_minor, total_minor, placed_on, created_on, updated_on, read_at)
       SELECT id, 'uk', 'past' || n, '#PAST' || n, 1, 4, n, 'GBP', 'GBP', 1, 'INC', 2, 'SI-' || n, at, 'ASS', 1999, 400, 2399, at - interval '20 days', at - interval '20 days', at, at FROM past""",
    """brightpearl_sales_order_rows(order_row_id, order_id, sequence, product_id, sku, name, quantity, shipped_quantity, row_net, net_minor, tax_minor, tax_code, is_bundle_parent, is_bundle_child)
       SELECT id, id, 1, product_id, 'PAST-' || n %% 5000, 'Past', 1, 1, 19.99, 1999, 400, 'T20', false, false FROM past""",
    "brightpearl_searched_sales(order_id, searched_at) SELECT id, at FROM past",
    """brightpearl_sales_credits(credit_id, shop, order_id, external_ref, order_status_id, currency, net_minor, tax_minor, total_minor, invoice_reference, invoice_tax_date, is_cancelled, created_on, updated_on, read_at)
       SELECT id, 'uk', id, 'r' || id, 4, 'GBP', 1999, 400, 2399, 'SC-' || n, at, false, at - interval '10 days', at, at FROM past""",
    """brightpearl_sales_credit_rows(credit_row_id, credit_id, sequence, product_id, quantity, row_net, net_minor, tax_minor, tax_code, is_bundle_parent, is_bundle_child, order_row_id)
       SELECT id, id, 1, product_id, 1, 19.99, 1999, 400, 'T20', false, false, id FROM past""",
    """brightpearl_goods_in(receipt_line_id, goods_note_id, credit_id, credit_row_id, product_id, location_id, warehouse_id, quantity, shop, received_on, read_at) OVERRIDING SYSTEM VALUE
       SELECT n, id, id, id, product_id, 31, 3, 1, 'uk', at - interval '3 days', at - interval '3 days' FROM past""",
    "brightpearl_stock_moves(movement_id, note_id, product_id, warehouse_id, quantity, moved_on) SELECT id, %(remote)s + batch, product_id, 3, 1, at FROM past",
    "brightpearl_transfer_notes(note_id, is_shipped, looked_at) SELECT %(remote)s + batch, true, max(at) FROM past GROUP BY batch",
    "brightpearl_shelf_moves(goods_movement_id, goods_note_id, product_id, warehouse_id, location_id, quantity, moved_on) SELECT id, id, product_id, 3, 33, 1, at - interval '1 day' FROM past WHERE n %% 10 = 0",
    """inspections(inspection_id, shop, rma_id, returned_item_id, quantity, result, source, recorded_by, recorded_at) OVERRIDING SYSTEM VALUE
       SELECT n, 'uk', id, id, 1, 'pass', 'job', 'Bench', at - interval '2 days' FROM past WHERE n %% 10 = 0""",
    """returns_return_lines(return_line_id, shop, rma_id, rma_status, shipment_id, order_id, order_row_id, product_id, sku_returned, sku_sold, quantity, returned_item_ids, life, matched_by, currency,
         paid_price_minor, paid_tax_minor, fee_minor, resolution_type, approved_at, verdict, judged_at)
       SELECT id || '-' || id || '-' || id, 'uk', id, 'Done', id, id, id, product_id, 'PAST-' || n %% 5000, 'PAST-' || n %% 5000, 1, ARRAY[id], 'ship_back', 'sku', 'GBP',
         2399, 400, 0, 'RefundToPaymentMethod', at - interval '13 days', 'ok', at FROM past""",
    """returns_receipts(receipt_line_id, shop, rma_id, return_line_id, credit_id, credit_row_id, order_id, order_row_id, product_id, quantity, matched_quantity, passed_quantity, failed_quantity,
         warehouse_id, location_id, received_on, verdict, judged_at)
       SELECT n, 'uk', id, id || '-' || id || '-' || id, id, id, id, id, product_id, 1, 1, 1, 0, 3, 31, at - interval '3 days', 'ok', at FROM past""",
    """returns_credit_proposals(proposal_id, action, business_key, shop, rma_id, order_id, part, credit_id, order_row_id, quantity, net_minor, tax_minor, currency, verdict, judged_at)
       SELECT 'annotate:annotate:' || id || ':1', 'annotate', 'annotate:' || id, 'uk', id, id, 1, id, id, 1, 1999, 400, 'GBP', 'ok', at FROM past""",
    """returns_transfer_proposals(proposal_id, shop, rma_id, receipt_line_id, product_id, quantity, moved_quantity, source_warehouse_id, source_location_id, target_warehouse_id, is_from_quarantine, verdict, judged_at)
       SELECT 'transfer:' || n, 'uk', id, n, product_id, 1, 1, 3, 31, 2, false, 'ok', at FROM past""",
    """finance_three_way_match(return_line_id, shop, rma_id, order_id, order_row_id, currency, tax_code, life, announced_quantity, received_quantity, credited_quantity, raised_credit_ids, received_on,
         credited_on, credit_reference, expected_net_minor, expected_tax_minor, credited_net_minor, credited_tax_minor, foreign_quantity, refunded_minor, recorded_minor, state, cause, difference_minor, compared_at)
       SELECT id || '-' || id || '-' || id, 'uk', id, id, id, 'GBP', 'T20', 'ship_back', 1, 1, 1, ARRAY[id], at, at, 'SC-' || n, 1999, 400, 1999, 400, 0, 2399, 2399, 'complete', 'met', 0, at FROM past""",
    """order_row_balance(order_row_id, order_id, currency, minor_digits, price_mode, ordered_qty, net_minor, tax_minor, received_qty, posted_qty, posted_net, posted_tax)
       SELECT id, id, 'GBP', 2, 'INC', 1, 1999, 400, 1, 1, 1999, 400 FROM past""",
    """exceptions(exception_id, code, subject_type, subject_id, shop, stage, owner, severity, state, rma_id, cause, first_seen_at, last_seen_at, closed_at, closed_by) OVERRIDING SYSTEM VALUE
       SELECT n, 'sku_unknown', 'rma', id::text, 'uk', 'match:lines', 'product_data', 'medium', 'resolved', id, 'past', at - interval '9 days', at, at, 'facts' FROM past WHERE n %% 5 = 0""",
    "exception_history(exception_id, at, what, actor) SELECT n, at, 'resolved', 'facts' FROM past WHERE n %% 5 = 0",
    """operator_decisions(decision_id, action, shop, subject_type, subject_id, rma_id, reason, decided_by, at) OVERRIDING SYSTEM VALUE
       SELECT n, 'accept_variance', 'uk', 'rma', id::text, id, 'past', 'Finance One', at FROM past WHERE n %% 50 = 0""",
)
_EVIDENCE = (
    """effect_line(effect_id, line_no, order_row_id, phase, qty, net_minor, tax_minor, released)
       SELECT %(each)s * n, 1, id, 'announce', 1, 1999, 400, true FROM past""",
    """effect_line(effect_id, line_no, order_row_id, phase, receipt_line_id, qty, net_minor, tax_minor)
       SELECT %(each)s * n + 1, 1, id, 'post', n, 1, 1999, 400 FROM past""",
    "effect_attempt(effect_id, attempt, fence, at, outcome, http_status) SELECT %(each)s * n + number, 1, %(each)s * n, at, 'created', 200 FROM past, generate_series(0, 4) AS number",
    """audit(seq, at, effect_id, what, detail, prev, hash)
       SELECT %(each)s * (n - %(total)s - 1) + number, at, %(each)s * n + number, 'confirmed', '{}', sha256('past'), sha256('past') FROM past, generate_series(0, 4) AS number""",
)
_COUNTED = ("brightpearl_goods_in", "effect", "exceptions", "inspections", "operator_decisions")


def make_room(url: str, total: int) -> None:
    """Lets the database's own numbers begin above those of so many past returns."""
    with database.connect(url) as connection:
        for table in _COUNTED:
            connection.execute(
                sql.SQL("SELECT setval(pg_get_serial_sequence({table}, attname), {start}) FROM pg_attribute WHERE attrelid = {table}::regclass AND attidentity <> ''").format(
                    table=sql.Literal(table), start=sql.Literal(_EFFECTS_EACH * (total + 1))
                )
            )  # fmt: skip


def fill(url: str, first: int, last: int, *, total: int, products: list[int]) -> None:
    """Adds the past returns of these numbers, of `total` that there will be; their goods are of `products`.

    Guards and the audit's chain are by-passed: they judge what the pipeline does, and these rows only stand for what it did.
    """
    numbers = {
        "first": first, "last": last, "total": total, "remote": _REMOTE, "each": _EFFECTS_EACH, "per_transfer": _RETURNS_PER_TRANSFER,
        "products": products,
    }  # fmt: skip
    with database.connect(url) as connection, connection.transaction():
        connection.execute(
            "SET LOCAL session_replication_role = replica; SET LOCAL statement_timeout = 0; SET LOCAL maintenance_work_mem = '1GB'"
        )
        for statement in (
            *(f"INSERT INTO {fact}" for fact in _FACTS),
            *_effects(),
            *(f"INSERT INTO {row}" for row in _EVIDENCE),
        ):
            connection.execute(_NUMBERS + statement, numbers)  # type: ignore[arg-type]


def settle_down(url: str) -> None:
    """Brings statistics and visibility up to date, as the server does by itself in the hours after."""
    with psycopg.connect(database.plain_url(url), autocommit=True) as connection:
        connection.execute("VACUUM ANALYZE")


def _effects() -> list[str]:
    each = [
        _EFFECT.format(
            number=number, kind=kind, key=key, reference=reference, remote_id=remote_id,
            depends_on="NULL" if number == 0 else "%(each)s * n",
        )
        for number, (kind, (key, reference, remote_id)) in enumerate(_EFFECTS.items())
    ]  # fmt: skip
    moved = [
        _TRANSFER.format(number=number, kind=kind, key=key, reference=reference)
        for number, (kind, (key, reference)) in enumerate(_TRANSFERS.items(), start=len(_EFFECTS))
    ]
    return each + moved
