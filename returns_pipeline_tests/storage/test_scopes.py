"""What is open is read whole, and nothing of what is settled."""

import pytest

from returns_pipeline import schemas
from returns_pipeline.storage import decisions, frames, open_returns, scopes
from returns_pipeline_tests.storage.rows import frame


def store(connection, table, *rows):
    frames.upsert(connection, table, frame(table, *rows))


def ids(connection, table, column, scope="open", **more):
    return frames.read(connection, table, scope, **more)[column].tolist()


@pytest.fixture
def shop_floor(connection):
    """Return 1 is open, 2 is settled, both with a sale, a credit and a receipt; 3 is another shop's."""
    store(
        connection,
        "returngo_rmas",
        *(
            {
                "rma_id": number,
                "shop": shop,
                "is_open": number != 2,
                "shopify_order_id": f"s{number}",
                "order_name": f"#{number}",
            }
            for number, shop in ((1, "uk"), (2, "uk"), (3, "de"))
        ),
    )
    store(
        connection,
        "returngo_return_items",
        *(
            {"returned_item_id": 10 + number, "rma_id": number, "shop": shop, "sku": f"SKU{number}"}
            for number, shop in ((1, "uk"), (2, "uk"), (3, "de"))
        ),
    )
    store(
        connection,
        "brightpearl_sales_orders",
        *(
            {"order_id": 100 + number, "external_ref": f"s{number}", "shop": shop}
            for number, shop in ((1, "uk"), (2, "uk"), (3, "de"))
        ),
    )
    store(
        connection,
        "brightpearl_sales_order_rows",
        *({"order_row_id": 1000 + number, "order_id": 100 + number, "product_id": 50 + number} for number in (1, 2, 3)),
    )
    store(
        connection, "brightpearl_products", *({"product_id": 50 + number, "sku": f"P{number}"} for number in (1, 2, 3))
    )
    store(
        connection,
        "brightpearl_sales_credits",
        *(
            {"credit_id": 200 + number, "order_id": 100 + number, "shop": shop}
            for number, shop in ((1, "uk"), (2, "uk"), (3, "de"))
        ),
    )
    store(
        connection,
        "brightpearl_sales_credit_rows",
        *({"credit_row_id": 2000 + number, "credit_id": 200 + number} for number in (1, 2, 3)),
    )
    store(
        connection,
        "brightpearl_goods_in",
        *(
            {"goods_note_id": 300 + number, "credit_id": 200 + number, "shop": shop}
            for number, shop in ((1, "uk"), (2, "uk"), (3, "de"))
        ),
    )
    judge_all_receipts(connection)
    return connection


def judge_all_receipts(connection):
    goods = frames.read(connection, "brightpearl_goods_in", "all")
    rows = (
        {
            "receipt_line_id": line.receipt_line_id,
            "rma_id": line.credit_id - 200,
            "credit_id": line.credit_id,
            "shop": line.shop,
        }
        for line in goods.itertuples()
    )
    store(connection, "returns_receipts", *rows)


def test_what_hangs_on_open_returns_is_read_and_no_more(shop_floor):
    """Reading history each tick makes a tick slower every month."""
    assert ids(shop_floor, "returngo/rmas", "rma_id") == [1, 3]
    assert ids(shop_floor, "returngo/return_items", "rma_id") == [1, 3]
    assert ids(shop_floor, "brightpearl/sales_orders", "order_id") == [101, 103]
    assert ids(shop_floor, "brightpearl_sales_order_rows", "order_id") == [101, 103]
    assert ids(shop_floor, "brightpearl/products", "product_id") == [51, 53]
    assert ids(shop_floor, "brightpearl/sales_credits", "credit_id") == [201, 203]
    assert ids(shop_floor, "brightpearl_sales_credit_rows", "credit_id") == [201, 203]
    assert ids(shop_floor, "brightpearl/goods_in", "credit_id") == [201, 203]
    assert ids(shop_floor, "returns/receipts", "credit_id") == [201, 203]


def test_one_shop_reads_its_own(shop_floor):
    """Another shop's rows would be judged by the wrong settings."""
    for table, column, expected in (
        ("returngo/rmas", "rma_id", [1]),
        ("brightpearl/sales_orders", "order_id", [101]),
        ("brightpearl/sales_credits", "credit_id", [201]),
        ("brightpearl/goods_in", "credit_id", [201]),
        ("returns/receipts", "credit_id", [201]),
    ):
        assert ids(shop_floor, table, column, shop="uk") == expected
    assert ids(shop_floor, "brightpearl_sales_credit_rows", "credit_id", "all", shop="de") == [203]
    assert ids(shop_floor, "brightpearl_sales_order_rows", "order_id", "all", shop="uk") == [101, 102]


def test_named_returns_are_read_though_they_are_settled(shop_floor):
    """A person re-judges a settled return by naming it."""
    assert ids(shop_floor, "returngo/rmas", "rma_id", rma_ids=[2]) == [2]
    assert ids(shop_floor, "brightpearl/sales_credits", "credit_id", rma_ids=[2]) == [202]
    assert ids(shop_floor, "brightpearl/goods_in", "credit_id", rma_ids=[2]) == [202]
    assert ids(shop_floor, "brightpearl/goods_in", "credit_id", rma_ids=[]) == []


def test_a_sale_is_found_by_the_order_name_as_the_shop_writes_it(shop_floor):
    """Before it is matched, a sale is tied to its return by nothing else."""
    store(
        shop_floor,
        "brightpearl_sales_orders",
        {"order_id": 150, "customer_ref": "SHOP-#1"},
        {"order_id": 151, "customer_ref": "#1"},
        {"order_id": 152, "customer_ref": "SHOP-#2"},
    )
    assert ids(
        shop_floor, "brightpearl/sales_orders", "order_id", shop="uk", order_name_format="SHOP-{order_name}"
    ) == [101, 150]
    assert ids(shop_floor, "brightpearl/sales_orders", "order_id", shop="uk") == [101, 151]


def test_a_sale_in_another_shops_channel_is_read_with_the_return_that_names_it(shop_floor):
    """Hidden, it would be reported as not found instead of sold elsewhere."""
    store(shop_floor, "brightpearl_sales_orders", {"order_id": 160, "external_ref": "s1", "shop": "de"})
    assert ids(shop_floor, "brightpearl/sales_orders", "order_id", shop="uk") == [101, 160]


def test_a_matched_sale_stays_with_its_return_whatever_its_references_say(shop_floor):
    """A person may have mapped a unit to a sale whose references name another order."""
    store(shop_floor, "brightpearl_sales_orders", {"order_id": 170})
    store(
        shop_floor,
        "returns_return_lines",
        {
            "return_line_id": "1-1-0",
            "rma_id": 1,
            "order_id": 170,
            "order_row_id": 1,
            "sku_sold": "A",
            "currency": "GBP",
        },
    )
    assert ids(shop_floor, "brightpearl/sales_orders", "order_id", shop="uk") == [101, 170]


def test_the_sale_that_replaces_an_exchanged_unit_is_read(shop_floor):
    """An exchange's credit is posted only when the replacement has been seen."""
    store(
        shop_floor,
        "brightpearl_sales_orders",
        {"order_id": 180, "external_ref": "x9"},
        {"order_id": 181, "customer_ref": "#9"},
    )
    store(
        shop_floor,
        "returngo_rmas",
        {"rma_id": 1, "is_open": True, "exchange_orders": [{"order_id": "x9", "order_name": "#9"}]},
    )
    assert ids(shop_floor, "brightpearl/sales_orders", "order_id", shop="uk") == [180, 181]


def test_a_receipt_nobody_announced_is_read_until_it_is_matched(shop_floor):
    """Goods on the bench without a return are nobody's open return; bounded by those alone they would never be seen."""
    store(shop_floor, "brightpearl_sales_credits", {"credit_id": 290})
    store(shop_floor, "brightpearl_goods_in", {"goods_note_id": 390, "credit_id": 290, "shop": "uk", "product_id": 59})
    store(shop_floor, "brightpearl_products", {"product_id": 59})
    assert ids(shop_floor, "brightpearl/goods_in", "credit_id", shop="uk") == [201, 290]
    assert ids(shop_floor, "brightpearl/sales_credits", "credit_id", shop="uk") == [201, 290]
    assert ids(shop_floor, "brightpearl/products", "product_id", shop="uk") == [51, 59]
    assert ids(shop_floor, "brightpearl/goods_in", "credit_id", shop="de") == [203]
    assert ids(shop_floor, "brightpearl/goods_in", "credit_id") == [201, 203, 290]
    line = frames.read(shop_floor, "brightpearl_goods_in", "all")["receipt_line_id"].max()
    held = {
        "receipt_line_id": line,
        "credit_id": 290,
        "shop": "uk",
        "verdict": "held",
        "hold_code": "receipt_without_return",
    }
    store(shop_floor, "returns_receipts", held)
    assert ids(shop_floor, "brightpearl/goods_in", "credit_id", shop="uk") == [201, 290]
    assert ids(shop_floor, "returns/receipts", "credit_id", shop="uk") == [201, 290]
    store(shop_floor, "returns_receipts", held | {"verdict": "ok", "hold_code": None, "rma_id": 2})
    assert ids(shop_floor, "brightpearl/goods_in", "credit_id", shop="uk") == [201]


def test_a_settled_shop_does_not_hide_another_shops_new_receipt(shop_floor):
    """Lines are numbered over all shops: the newest judged line of one says nothing of another's."""
    store(
        shop_floor,
        "brightpearl_goods_in",
        {"goods_note_id": 391, "credit_id": 291, "shop": "uk"},
        {"goods_note_id": 392, "credit_id": 292, "shop": "de"},
    )
    newest = frames.read(shop_floor, "brightpearl_goods_in", "all").iloc[-1]
    store(
        shop_floor,
        "returns_receipts",
        {
            "receipt_line_id": newest["receipt_line_id"],
            "credit_id": newest["credit_id"],
            "shop": newest["shop"],
            "rma_id": 2,
        },
    )
    assert ids(shop_floor, "brightpearl/goods_in", "credit_id", shop="uk") == [201, 291]


HISTORY = """
INSERT INTO returngo_rmas(rma_id, shop, status, order_name, shopify_order_id, created_at, is_out_of_policy, is_open, detail_read_at)
  SELECT i, 'uk', 'Done', '#' || i, 's' || i, now(), false, i % 1000 = 0, now() FROM generate_series(1, 20000) i;
INSERT INTO brightpearl_sales_orders(order_id, shop, external_ref, customer_ref, channel_id, order_status_id, customer_contact_id, currency,
    accounting_currency, exchange_rate, price_mode, warehouse_id, invoice_reference, shipping_status, net_minor, tax_minor, total_minor, created_on, read_at)
  SELECT i, 'uk', 's' || i, '#' || i, 3, 1, 1, 'GBP', 'GBP', 1, 'EXC', 2, 'SI', 'ASS', 100, 20, 120, now(), now() FROM generate_series(1, 20000) i;
INSERT INTO brightpearl_sales_order_rows(order_row_id, order_id, sequence, product_id, name, quantity, shipped_quantity, row_net, net_minor, tax_minor,
    tax_code, is_bundle_parent, is_bundle_child)
  SELECT i, i, 1, i, 'n', 1, 1, 1, 100, 20, 'T20', false, false FROM generate_series(1, 20000) i;
INSERT INTO brightpearl_products(product_id, sku, name, status, is_stock_tracked, is_bundle, read_at)
  SELECT i, 'SKU' || i, 'n', 'LIVE', true, false, now() FROM generate_series(1, 20000) i;
INSERT INTO brightpearl_sales_credits(credit_id, shop, order_id, order_status_id, currency, net_minor, tax_minor, total_minor, invoice_reference,
    is_cancelled, created_on, read_at)
  SELECT i, 'uk', i, 1, 'GBP', 100, 20, 120, 'SC', false, now(), now() FROM generate_series(1, 20000) i;
INSERT INTO brightpearl_sales_credit_rows(credit_row_id, credit_id, quantity, row_net, net_minor, tax_minor, is_bundle_parent, is_bundle_child)
  SELECT i, i, 1, 1, 100, 20, false, false FROM generate_series(1, 20000) i;
INSERT INTO brightpearl_goods_in(goods_note_id, credit_id, credit_row_id, product_id, location_id, warehouse_id, quantity, shop, received_on, read_at)
  SELECT i, i, i, i, 1, 3, 1, 'uk', now(), now() FROM generate_series(1, 20000) i;
INSERT INTO returns_receipts(receipt_line_id, shop, rma_id, credit_id, credit_row_id, product_id, quantity, matched_quantity, passed_quantity,
    failed_quantity, warehouse_id, location_id, received_on, verdict, judged_at)
  SELECT receipt_line_id, 'uk', credit_id, credit_id, credit_row_id, product_id, 1, 1, 0, 0, 3, 1, now(), 'ok', now() FROM brightpearl_goods_in;
"""


def test_reading_what_is_open_walks_through_no_history(connection):
    """A tick over a million past returns may cost hardly more than one over ten thousand."""
    connection.execute(HISTORY)
    connection.execute("ANALYZE")
    for table in ("returngo/rmas", "brightpearl/sales_orders", "brightpearl_sales_order_rows", "brightpearl/products", "brightpearl/sales_credits",
                  "brightpearl_sales_credit_rows", "brightpearl/goods_in", "returns/receipts"):  # fmt: skip
        with connection.transaction():
            before = walked(connection)
            assert len(frames.read(connection, table, "open", shop="uk")) == 20
            assert walked(connection) - before < 1000, table


def walked(connection):
    row = connection.execute(
        "SELECT coalesce(sum(seq_tup_read), 0)::bigint FROM pg_stat_xact_user_tables WHERE schemaname = 'returns'"
    ).fetchone()
    return row[0]


def test_a_decision_taken_back_is_no_longer_read(connection):
    """A mapped SKU that was wrong must stop working at once."""
    from returns_pipeline.storage import decisions

    common = {
        "shop": "uk",
        "subject_type": "sku",
        "subject_id": "A-1",
        "reason": "renamed in March",
        "decided_by": "pat",
    }
    first = decisions.record(connection, action="map_sku", value={"product_id": 7}, **common)
    second = decisions.record(connection, action="map_sku", value={"product_id": 8}, **common)
    decisions.revoke(connection, first, revoked_by="sam", reason="wrong product")
    assert decisions.in_force(connection, "uk")["decision_id"].tolist() == [second]
    assert decisions.in_force(connection, "uk")["value"].tolist() == [{"product_id": 8}]
    assert decisions.in_force(connection, "de").empty
    with pytest.raises(decisions.NoSuchDecision, match=str(first)):
        decisions.revoke(connection, first, revoked_by="sam", reason="again")
    assert [what for (what,) in connection.execute("SELECT what FROM audit ORDER BY seq").fetchall()] == [
        "decision recorded",
        "decision recorded",
        "decision revoked",
    ]


@pytest.mark.parametrize(
    ("changes", "message"), [({"reason": " "}, "reason"), ({"second_approver": "PAT "}, "another")]
)
def test_a_decision_without_reason_or_second_person_is_refused(connection, changes, message):
    """Four eyes that belong to one head are two."""
    from returns_pipeline.storage import decisions

    given = {
        "action": "accept_variance",
        "shop": "uk",
        "subject_type": "rma",
        "subject_id": "1",
        "reason": "goodwill",
        "decided_by": "pat",
    }
    with pytest.raises(ValueError, match=message):
        decisions.record(connection, **(given | changes))
    assert decisions.in_force(connection).empty


def test_a_decision_counts_for_its_return_for_its_sale_and_for_its_sku(shop_floor):
    """A bundle that was opened for one return stays open for the next of the same sale; what ended with its return is history."""
    store(
        shop_floor,
        "returngo_rmas",
        {"rma_id": 4, "shop": "uk", "is_open": False, "shopify_order_id": "s1", "order_name": "#1"},
    )
    store(shop_floor, "returns_return_lines", {"return_line_id": "of an ended return", "rma_id": 4, "order_id": 101})
    for subject_type, subject_id, rma_id in (("rma", "1", 1), ("rma", "2", 2), ("rma", "4", 4), ("sku", "TEA", 2), ("sku", "CUP", None)):  # fmt: skip
        decisions.record(
            shop_floor, action="waive", shop="uk", subject_type=subject_type, subject_id=subject_id, reason="so", decided_by="One", rma_id=rma_id
        )  # fmt: skip
    assert set(ids(shop_floor, "operator_decisions", "subject_id", shop="uk")) == {"1", "4", "TEA", "CUP"}
    assert set(ids(shop_floor, "operator_decisions", "subject_id", shop="uk", rma_ids=[2])) == {"2", "TEA", "CUP"}
    assert set(decisions.in_force(shop_floor)["subject_id"]) == {"1", "2", "4", "TEA", "CUP"}


def test_a_shop_is_idle_when_nothing_hangs_on_an_open_return(shop_floor):
    """An idle shop is neither read nor judged: what was left out then would never be seen."""
    assert not open_returns.is_idle(shop_floor, "uk")
    shop_floor.execute("UPDATE returngo_rmas SET is_open = false WHERE shop = 'uk'")
    assert open_returns.is_idle(shop_floor, "uk")
    hanging = [table for table in schemas.by_table() if scopes.hangs_on_open(table)]
    assert [table for table in hanging if len(frames.read(shop_floor, table, shop="uk"))] == []
    assert len(hanging) > 15


@pytest.mark.parametrize(
    "arrival",
    [
        "UPDATE returns_receipts SET verdict = 'held', hold_code = 'goods_unannounced' WHERE receipt_line_id = (SELECT min(receipt_line_id) FROM returns_receipts WHERE shop = 'uk')",
        "DELETE FROM returns_receipts WHERE shop = 'uk'",
    ],
)
def test_a_receipt_that_nobody_has_matched_keeps_a_shop_awake(shop_floor, arrival):
    shop_floor.execute("UPDATE returngo_rmas SET is_open = false WHERE shop = 'uk'")
    shop_floor.execute(arrival)
    assert not open_returns.is_idle(shop_floor, "uk")
