"""Credits in the sandbox's Brightpearl over real HTTP: one credit per key, exact tax, asynchronous posting, amendments."""

from decimal import Decimal

import pytest

from returns_pipeline.sandbox.brightpearl import credits as credit_verbs
from returns_pipeline.sandbox.brightpearl import goods

CLOSE = "/order-service/sales-credit/{}/close"


def invoice_of(account, credit_id):
    [order] = account.response(f"/order-service/order/{credit_id}")
    return order["invoices"][0]["invoiceReference"]


def codes(answer):
    return [error["code"] for error in answer.json()["errors"]]


def test_a_repeated_key_answers_200_with_the_first_credit_and_makes_no_second(account):
    """A resend after a lost answer must not credit the customer twice."""
    first = account.post("/order-service/sales-credit", account.credit_body())
    again = account.post("/order-service/sales-credit", account.credit_body(ref="another"))
    assert (first.status_code, again.status_code) == (201, 200)
    assert again.json() == first.json()
    assert account.response(f"/order-service/sales-credit/{first.json()['response']}")[0]["ref"] == "#UK1001 RMA77"


def test_the_repeat_may_keep_the_id_to_itself(served):
    """Whether the 200 names the credit is unknown; a client must live without."""
    account = served(dedupe_answers_id=False)
    account.credit()
    again = account.post("/order-service/sales-credit", account.credit_body())
    assert (again.status_code, again.json()) == (200, {})


@pytest.mark.parametrize(
    "changes",
    [{"externalRef": "raise:77:2"}, {"installedIntegrationInstanceId": 35}, {"installedIntegrationInstanceId": None}],
)
def test_half_a_key_is_no_key(account, changes):
    """The reference alone is not unique: only the pair is."""
    assert account.credit() != account.credit(**changes)


def test_without_the_duplicate_rule_a_repeat_is_a_second_credit(served):
    account = served(dedupe_credits=False)
    assert account.credit() != account.credit()


def test_a_credit_reads_back_as_it_was_sent(account):
    """Amounts are strings, rows an array in order, and tax is what was sent, not rate times net."""
    rows = [
        {
            "productId": account.shirt,
            "quantity": "1",
            "taxCode": "T20",
            "net": "8.3333",
            "tax": "1.66",
            "nominalCode": "4005",
        },
        {"name": "Delivery", "quantity": "1", "taxCode": "T20", "net": "3.2917", "tax": "0.66"},
    ]
    sale_id = account.sale()
    [credit] = account.response(f"/order-service/sales-credit/{account.credit(*rows, parentId=sale_id)}")
    shown = [(row["productId"], row["quantity"], row["net"], row["tax"]) for row in credit["rows"]]
    assert shown == [(account.shirt, "1", "8.3333", "1.66"), (1000, "1", "3.2917", "0.66")]
    assert credit["rows"][0]["nominalCode"] == "4005"
    assert "sku" not in credit["rows"][1]
    assert credit["total"] | {"net": "11.63", "tax": "2.32", "gross": "13.95"} == credit["total"]
    assert (credit["parentId"], credit["externalRef"], credit["installedIntegrationInstanceId"]) == (
        sale_id,
        "raise:77:1",
        34,
    )
    [order] = account.response(f"/order-service/order/{credit['id']}")
    assert (order["orderTypeCode"], order["parentOrderId"], order["stockStatusCode"]) == ("SC", sale_id, "SCN")
    assert isinstance(order["orderRows"], dict)


@pytest.mark.parametrize(
    ("change", "row_change"),
    [
        ({"customer": None}, {}),
        ({"statusId": 1}, {}),
        ({"warehouseId": 99}, {}),
        ({}, {"taxCode": "T99"}),
        ({}, {"quantity": "1.5"}),
        ({}, {"net": "8.33333"}),
        ({}, {"net": None}),
        ({}, {"productId": 99}),
    ],
)
def test_a_credit_with_a_bad_field_is_refused_whole(account, change, row_change):
    """Header and rows are one act: nothing of a refused credit may stay."""
    good = account.credit_body()["rows"][0]
    answer = account.post("/order-service/sales-credit", account.credit_body(good, good | row_change, **change))
    assert answer.status_code in (400, 404)
    assert not [order for order in account.world.orders.values() if order.order_type == "SC"]


def test_a_post_may_recompute_the_tax(served):
    """Undocumented: totals must be read back and compared."""
    account = served(post_recomputes_tax=True)
    row = {"productId": account.shirt, "quantity": "1", "taxCode": "T20", "net": "25.0000", "tax": "4.99"}
    [credit] = account.response(f"/order-service/sales-credit/{account.credit(row)}")
    assert credit["rows"][0]["tax"] == "5.00"


def test_a_bundle_is_one_row_in_and_its_parts_beside_it_out(account):
    """Value sits on the bundle's row, cost on the parts; nested bundles unfold."""
    row = {"productId": account.hamper, "quantity": "2", "taxCode": "T20", "net": "100.0000", "tax": "20.00"}
    [credit] = account.response(f"/order-service/sales-credit/{account.credit(row)}")
    parts = {each["sku"]: each for each in credit["rows"]}
    assert {sku: each["quantity"] for sku, each in parts.items()} == {
        "HAMPER-1": "2",
        "SET-TEA": "2",
        "BOOK-1": "2",
        "TEAPOT-1": "2",
        "MUG-BLU": "4",
    }
    assert [sku for sku, each in parts.items() if each["bundleParent"]] == ["HAMPER-1", "SET-TEA"]
    assert {each["net"] for sku, each in parts.items() if sku != "HAMPER-1"} == {"0.0000"}
    assert parts["MUG-BLU"]["parentRowId"] == parts["SET-TEA"]["id"]


def test_a_close_posts_later_and_shows_pending_until_then(served):
    """Close only asks for the posting: whoever takes its 200 for an invoice reference books too early."""
    account = served(close_after_reads=2)
    credit_id = account.credit()
    answer = account.post(CLOSE.format(credit_id), {})
    assert (answer.status_code, answer.json()) == (200, {})
    assert [invoice_of(account, credit_id) for _ in range(3)] == ["pending", "SC-10001", "SC-10001"]


def test_a_posting_that_failed_stays_pending_and_may_be_closed_again(served):
    account = served(close_sticks_pending=True)
    credit_id = account.credit()
    account.post(CLOSE.format(credit_id), {})
    assert invoice_of(account, credit_id) == "pending"
    account.world.switches.close_sticks_pending = False
    assert account.post(CLOSE.format(credit_id), {}).status_code == 200
    assert invoice_of(account, credit_id) == "SC-10001"


def test_a_posted_credit_is_closed_only_once(account):
    credit_id = account.credit()
    account.post(CLOSE.format(credit_id), {})
    again = account.post(CLOSE.format(credit_id), {})
    assert (again.status_code, codes(again)) == (400, ["ORDC-060"])


def test_a_close_dates_the_credit_as_it_was_told(account):
    credit_id = account.credit()
    account.post(CLOSE.format(credit_id), {"taxDate": "2026-02-27T12:00:00.000+00:00"})
    [order] = account.response(f"/order-service/order/{credit_id}")
    assert order["invoices"][0]["taxDate"] == "2026-02-27T12:00:00.000+00:00"


def test_a_locked_period_takes_no_credit(served):
    """A credit dated into a closed month is refused and stays unposted."""
    account = served()
    account.world.switches.period_locked_until = account.clock.now().date()
    credit_id = account.credit()
    assert account.post(CLOSE.format(credit_id), {}).status_code == 400
    assert invoice_of(account, credit_id) == ""


def row_path(account, credit_id):
    return f"/order-service/order/{credit_id}/row/{account.row_ids(credit_id)[0]}"


def replace(path, value):
    return {"op": "replace", "path": path, "value": value}


def test_a_net_patched_alone_has_its_tax_recomputed(account):
    """As recorded: the tax that was sent at creation is lost."""
    credit_id = account.credit(
        {"productId": account.shirt, "quantity": "2", "taxCode": "T20", "net": "50.0000", "tax": "9.98"}
    )
    answer = account.call("PATCH", row_path(account, credit_id), json=[replace("/rowValue/rowNet/value", 25)])
    value = answer.json()["response"]["rowValue"]
    assert (value["rowNet"]["value"], value["rowTax"]["value"]) == ("25.0000", "5.00")


def test_a_net_patched_with_its_tax_keeps_it(account):
    credit_id = account.credit(
        {"productId": account.shirt, "quantity": "2", "taxCode": "T20", "net": "50.0000", "tax": "9.98"}
    )
    operations = [
        replace("/quantity/magnitude", 1),
        replace("/rowValue/rowNet/value", "25.0000"),
        replace("/rowValue/rowTax/value", "4.99"),
    ]
    answer = account.call("PATCH", row_path(account, credit_id), json=operations)
    assert answer.json()["response"]["rowValue"]["rowTax"]["value"] == "4.99"
    assert answer.json()["response"]["quantity"]["magnitude"] == "1.0000"


def test_a_row_is_not_lowered_below_what_was_received(account):
    credit_id = account.credit(
        {"productId": account.shirt, "quantity": "2", "taxCode": "T20", "net": "50.0000", "tax": "10.00"}
    )
    [row_id] = account.row_ids(credit_id)
    goods.book_goods_in(account.world, credit_id, [goods.Receipt(row_id, 2)], location_id=31)
    assert (
        account.call("PATCH", row_path(account, credit_id), json=[replace("/quantity/magnitude", 1)]).status_code == 400
    )


def test_rows_of_a_posted_credit_stay_as_they_are(account):
    credit_id = account.credit()
    account.post(CLOSE.format(credit_id), {})
    assert (
        account.call("PATCH", row_path(account, credit_id), json=[replace("/rowValue/rowNet/value", 1)]).status_code
        == 400
    )
    assert account.call("DELETE", row_path(account, credit_id)).status_code == 400


def test_a_row_is_deleted_with_its_parts(account):
    row = {"productId": account.tea_set, "quantity": "1", "taxCode": "T20", "net": "37.0833", "tax": "7.42"}
    credit_id = account.credit(account.credit_body()["rows"][0], row)
    answer = account.call("DELETE", f"/order-service/order/{credit_id}/row/{account.row_ids(credit_id)[1]}")
    assert (answer.status_code, answer.json()) == (200, {})
    assert len(account.world.order(credit_id).rows) == 1


def test_an_operation_that_is_not_allowed_is_a_500_that_no_retry_helps(account):
    credit_id = account.credit()
    answer = account.call(
        "PATCH", f"/order-service/order/{credit_id}", json=[{"op": "add", "path": "/reference", "value": "x"}]
    )
    assert answer.status_code == 500
    assert answer.json()["errors"] == [
        {"code": "CMNC-044", "message": "Invalid patch operation (add) for given path (/reference)"}
    ]


def test_a_status_of_another_type_is_refused_and_each_change_leaves_a_note(account):
    credit_id = account.credit()
    path = f"/order-service/order/{credit_id}/status"
    assert account.call("PUT", path, json={"orderStatusId": 1}).status_code == 400
    changed = account.call("PUT", path, json={"orderStatusId": 22, "orderNote": {"text": "Arrived", "isPublic": False}})
    assert (changed.status_code, changed.json()) == (200, {})
    assert [note["text"] for note in account.response(f"/order-service/order/{credit_id}/note")] == ["Arrived"]


def test_only_an_untouched_credit_can_be_cancelled(account):
    """Cancelling what was received would lose the goods."""
    untouched, received = account.credit(), account.credit(externalRef="raise:78:1")
    account.receive(received)
    answers = [
        account.call("PUT", f"/order-service/order/{each}/status", json={"orderStatusId": 24})
        for each in (untouched, received)
    ]
    assert [answer.status_code for answer in answers] == [200, 400]
    assert [account.world.order(each).is_cancelled for each in (untouched, received)] == [True, False]


def test_what_staff_clone_by_hand_has_a_parent_but_no_reference(account):
    """Such credits are found only by their parent and rows."""
    sale_id = account.sale((account.shirt, 3, "25.0000", "5.00", "T20"))
    [row_id] = account.row_ids(sale_id)
    credit_id = credit_verbs.clone_order_to_credit(account.world, sale_id, {row_id: 1})
    [order] = account.response(f"/order-service/order/{credit_id}")
    [row] = order["orderRows"].values()
    assert (order["parentOrderId"], row["clonedFromId"], row["rowValue"]["rowNet"]["value"]) == (
        sale_id,
        row_id,
        "8.3333",
    )
    assert "externalRef" not in account.response(f"/order-service/sales-credit/{credit_id}")[0]


def test_a_refund_is_a_payment_on_the_credit_and_its_pair_is_unique(account):
    credit_id = account.credit()
    body = {
        "transactionRef": "refund-1", "paymentMethodCode": "SHOPIFYPAY", "paymentType": "PAYMENT", "orderId": credit_id, "currencyIsoCode": "GBP",
        "amountPaid": 30.0, "paymentDate": "2026-03-02T10:00:00+00:00",
    }  # fmt: skip
    first = account.post("/accounting-service/customer-payment", body)
    again = account.post("/accounting-service/customer-payment", body)
    assert (first.status_code, again.status_code) == (200, 400)
    [row] = account.rows(f"/accounting-service/customer-payment-search?orderId={credit_id}")
    assert (row["paymentId"], Decimal(str(row["amountPaid"]))) == (first.json()["response"], Decimal(30))
    assert account.response(f"/order-service/order/{credit_id}")[0]["orderPaymentStatus"] == "PAID"
    assert account.call("DELETE", f"/accounting-service/customer-payment/{row['paymentId']}").json() == {}
    assert account.response(f"/accounting-service/customer-payment-search?orderId={credit_id}")["results"] == []


def test_the_generic_order_has_no_key(account):
    """Two posts are two credits, each without rows: a crash in between leaves half of one."""
    body = {"orderTypeCode": "SC", "reference": "#1", "parties": {"customer": {"contactId": 200}}}
    first, second = (account.post("/order-service/order", body) for _ in range(2))
    assert (first.status_code, second.status_code) == (200, 200)
    assert first.json() != second.json()
    row = {
        "productName": "Thing",
        "quantity": {"magnitude": 5},
        "rowValue": {"taxCode": "T20", "rowNet": {"value": 100}, "rowTax": {"value": 13}},
    }
    assert isinstance(account.post(f"/order-service/order/{first.json()['response']}/row", row).json()["response"], int)


@pytest.mark.parametrize(("body", "code"), [({"reference": "#1"}, "ORDC-005"), ({"orderTypeCode": "UK"}, "ORDC-006")])
def test_a_generic_order_without_a_usable_type_is_refused(account, body, code):
    assert codes(account.post("/order-service/order", body)) == [code]
