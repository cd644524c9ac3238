"""The Brightpearl client over HTTP: sets of ids, what is missing, what is unreadable, and writes as they were frozen."""

import datetime as dt
import re
from collections.abc import Sequence
from typing import Any

import pytest

from returns_pipeline.clients.allow_list import BRIGHTPEARL_READS, writes_of
from returns_pipeline.clients.brightpearl import BrightpearlClient
from returns_pipeline.clients.brightpearl_answers import is_permanent, stamps_of
from returns_pipeline.clients.fields import RecordRejected
from returns_pipeline.clients.outcomes import CredentialRefused, Outcome, ReadFailed
from returns_pipeline_tests.clients.server import Act, Script, answers, hangs_up, serving, transport_to
from returns_pipeline_tests.clients.test_brightpearl_search import page
from returns_pipeline_tests.clients.test_records_brightpearl import own

SEARCH = {
    "orderId": "IDSET",
    "orderTypeId": "INTEGER",
    "parentOrderId": "IDSET",
    "externalRef": "STRING",
    "customerRef": "STRING",
    "createdOn": "PERIOD",
    "updatedOn": "PERIOD",
}
ABSENT = answers(404, {"errors": [{"code": "CMNC-404", "message": "Not found"}]})
MOMENT = "2026-02-01T10:00:00.000+00:00"


def payments(*rows: tuple[int, int], kind: str = "IDSET") -> Act:
    """Rows of a search of payments: id and order."""
    columns = {"paymentId": "IDSET", "orderId": kind, "amountPaid": "NUMBER"}
    return page([[payment_id, order_id, "24.00"] for payment_id, order_id in rows], columns=columns)


def client_of(script: Script, *armed: str, **options: Any) -> BrightpearlClient:
    transport = transport_to(script.base_url, rules=(*BRIGHTPEARL_READS, *writes_of(armed)), permanent=is_permanent)
    return BrightpearlClient(transport, **options)


def responds(content: object, status: int = 200, **headers: str) -> Act:
    return answers(status, {"response": content}, **headers)


def orders_page(
    *rows: tuple[int, int, str | None, str | None], types: dict[str, str] | None = None, kind: int = 3
) -> Act:
    """Rows of a search of orders: id, parent, external reference, customer's reference."""
    full = [
        [order_id, kind, parent, external, customer, MOMENT, MOMENT] for order_id, parent, external, customer in rows
    ]
    return page(full, columns=types or SEARCH)


def test_orders_are_read_in_ascending_sets_of_two_hundred():
    """More in one call is refused, fewer waste the quota, and unsorted sets are refused too."""
    with serving(responds([])) as script:
        assert client_of(script).orders({*range(1000, 800, -1), 7}) == []
    first, second = script.targets
    assert first.startswith("/order-service/order/7,801,802,")
    assert first.count(",") == 199
    assert second == "/order-service/order/1000"


def test_nothing_is_asked_for_no_ids():
    """Some resources reject an empty set, and others answer with everything."""
    with serving(responds([])) as script:
        client = client_of(script)
        assert (client.orders([]), client.sales_credits([]), client.goods_in_notes(), client.credits_of_orders([])) == (
            [],
            [],
            [],
            {},
        )
        assert client.find_sales_orders("externalRef", []) == {}
    assert script.seen == []


def test_an_order_carries_the_reference_that_found_it():
    """The order itself was never seen to show it."""
    with serving(responds(own("order-get-inclusive"))) as script:
        (order,) = client_of(script).orders([5001], {5001: "5000000001001"})
    assert order.external_ref == "5000000001001"


@pytest.mark.parametrize("none", [responds([]), ABSENT])
def test_ids_that_do_not_exist_are_not_among_the_found(none):
    """Not found is 200 with an empty list for some resources and 404 for others."""
    with serving(none) as script:
        client = client_of(script)
        assert (
            client.products([7]),
            client.stock_transfers([7]),
            client.goods_in_notes([7]),
            client.goods_out_notes([7]),
        ) == ([], [], [], [])


@pytest.mark.parametrize(
    "trouble",
    [
        pytest.param(answers(404, b"<html>not here</html>"), id="404 of a proxy"),
        pytest.param(answers(200, {}), id="200 with nothing"),
        pytest.param(answers(200, {"response": None}), id="null"),
        pytest.param(answers(200, {"errors": [{"code": "CMNC-001"}]}), id="200 with errors"),
        pytest.param(answers(207, {"response": [], "errors": [{"code": "CMNU-003"}]}), id="207 with another error"),
        pytest.param(responds("gone"), id="text"),
        pytest.param(answers(500), id="500"),
        pytest.param(hangs_up, id="hung up"),
    ],
)
def test_what_could_not_be_read_is_never_nothing(trouble):
    """'No credit there' would raise a second one; 'no receipt' would hold a refund for ever."""
    with serving(trouble) as script:
        client = client_of(script)
        for read in (
            client.orders,
            client.sales_credits,
            client.products,
            client.goods_in_notes,
            client.goods_out_notes,
            client.stock_transfers,
        ):
            with pytest.raises(ReadFailed):
                read([7])
        with pytest.raises(ReadFailed):
            client.warehouses()


def test_a_set_of_which_some_ids_exist_is_read():
    """Credits answer 207 then."""
    body = {"response": own("sales-credit-get")[1:], "errors": [{"code": "CMNC-404", "message": "no 6003"}]}
    with serving(answers(207, body)) as script:
        assert [credit.credit_id for credit in client_of(script).sales_credits([6002, 6003])] == [6002]


def _as_order(credit_id: int, reference: str | None) -> dict[str, Any]:
    return {
        "id": credit_id,
        "orderStatus": {"orderStatusId": 23},
        "invoices": [{"invoiceReference": reference}],
        "stockStatusCode": "SCA",
    }


def test_a_credit_without_an_invoice_reference_is_looked_up_as_an_order():
    """Its own resource may not show it; unposted by mistake, it would be posted again."""
    with serving(responds(own("sales-credit-get")), responds([_as_order(6001, "pending")])) as script:
        ours, other = client_of(script).sales_credits([6001, 6002])
    assert script.targets == ["/order-service/sales-credit/6001,6002", "/order-service/order/6001"]
    assert (ours.invoice_reference, ours.stock_status, ours.order_status_id) == ("pending", "SCA", 23)
    assert other.invoice_reference == "SC-2"


@pytest.mark.parametrize("look", [responds([]), responds([_as_order(6001, None)])])
def test_a_credit_whose_order_does_not_say_is_told_and_left_out(look):
    """Whether it is posted is unknown, which is not the same as not posted."""
    rejections: list[RecordRejected] = []
    with serving(responds(own("sales-credit-get")[:1]), look) as script:
        assert client_of(script, reject=rejections.append).sales_credits([6001]) == []
    assert rejections[-1].subject == "sales credit 6001"


def test_one_bad_record_is_told_and_the_others_are_returned():
    """One odd order must not stop a shop's day; without a taker it is an error."""
    bad = own("order-get-inclusive")[0] | {"id": 5009, "priceModeCode": "NET"}
    rejections: list[RecordRejected] = []
    with serving(responds([bad, *own("order-get-inclusive")])) as script:
        assert [order.order_id for order in client_of(script, reject=rejections.append).orders([5001, 5009])] == [5001]
        with pytest.raises(RecordRejected, match="order 5009"):
            client_of(script).orders([5001, 5009])
    assert [rejection.subject for rejection in rejections] == ["order 5009"]


# How sales are found


def test_sales_are_found_in_sets_of_references():
    """One call for two hundred returns, not two hundred calls."""
    with serving(orders_page((5001, 0, "11", "#1"), (5002, 0, "12", "#2"), (5003, 0, "12", "#2"), kind=1)) as script:
        found = client_of(script).find_sales_orders("externalRef", ["11", "12", "13"])
    assert found == {"11": {5001}, "12": {5002, 5003}, "13": set()}
    assert len(script.seen) == 1
    assert script.targets[0].startswith("/order-service/sales-order-search?externalRefs=11.12.13&")


@pytest.mark.parametrize(
    "set_answer",
    [
        pytest.param(orders_page((4000, 0, "99", "#99"), kind=1), id="the filter is passed over"),
        pytest.param(
            answers(500, {"errors": [{"code": "CMNC-018", "message": "bad filter"}]}), id="the filter is refused"
        ),
        pytest.param(ABSENT, id="there is no such search"),
        pytest.param(page([[5001]], columns={"orderId": "IDSET"}), id="the reference is no column"),
        pytest.param(page([["11"]], columns={"externalRef": "STRING"}), id="the id is no column"),
    ],
)
def test_where_sets_cannot_be_relied_on_sales_are_found_one_by_one(set_answer):
    """Whether the account's search takes sets is not confirmed."""
    with serving(set_answer, orders_page((5001, 0, "11", "#1"), kind=1), orders_page(kind=1)) as script:
        found = client_of(script).find_sales_orders("externalRef", ["11", "12"])
    assert found == {"11": {5001}, "12": set()}
    assert [re.search(r"externalRef=(\d+)", target)[1] for target in script.targets[1:]] == ["11", "12"]
    assert all("orderTypeId=1&" in target for target in script.targets[1:])


def test_a_set_that_is_passed_over_is_given_up_at_the_first_row():
    """Read to its end, it would be the whole history of the account."""
    endless = page(
        [[order_id, 1, 0, "99", "#99", MOMENT, MOMENT] for order_id in range(500)], columns=SEARCH, more=True
    )
    with serving(endless, orders_page(kind=1)) as script:
        client_of(script).find_sales_orders("externalRef", ["11", "12"])
    assert len(script.seen) == 3


def test_a_reference_with_a_dot_is_asked_by_itself():
    """The dot separates references in a set."""
    with serving(orders_page((5001, 0, None, "A.1"), kind=1)) as script:
        assert client_of(script).find_sales_orders("customerRef", ["A.1"]) == {"A.1": {5001}}
    assert "/order-service/order-search?orderTypeId=1&customerRef=A.1&" in script.targets[0]


@pytest.mark.parametrize(("act", "error"), [(answers(502), ReadFailed), (answers(401), CredentialRefused)])
def test_an_outage_is_no_reason_to_ask_one_by_one(act, error):
    """Two hundred calls into an outage are two hundred calls lost."""
    with serving(act) as script, pytest.raises(error):
        client_of(script).find_sales_orders("externalRef", ["11", "12"])
    assert len(script.seen) <= 4


# How credits are found


def test_credits_are_found_by_sets_of_sales_where_the_column_takes_them():
    """The type of the column is known after the first search."""
    with serving(
        orders_page((6001, 5001, None, None)), orders_page((6002, 5002, None, None), (6003, 5002, None, None))
    ) as script:
        found = client_of(script).credits_of_orders([5003, 5002, 5001])
    assert found == {5001: {6001}, 5002: {6002, 6003}, 5003: set()}
    assert ["parentOrderId=5001&" in script.targets[0], "parentOrderId=5002,5003&" in script.targets[1]] == [True, True]


def test_credits_are_found_one_by_one_where_it_does_not():
    """An INTEGER column refuses a set with an error that no retry helps."""
    single = SEARCH | {"parentOrderId": "INTEGER"}
    with serving(orders_page((6001, 5001, None, None), types=single), orders_page(types=single)) as script:
        assert client_of(script).credits_of_orders([5001, 5002, 5003]) == {5001: {6001}, 5002: set(), 5003: set()}
    assert len(script.seen) == 3


def test_changed_credits_are_new_and_changed_ones():
    """A credit's change date is empty until its first change; the next window starts at the newest stamp of the account's own clock."""
    with serving(orders_page((6001, 5001, None, None)), orders_page((6002, 0, None, None))) as script:
        changed, newest = client_of(script).credits_changed(dt.datetime(2026, 2, 1, tzinfo=dt.UTC))
    assert changed == {6001: 5001, 6002: None}
    assert newest == dt.datetime(2026, 2, 1, 10, tzinfo=dt.UTC)
    windows = [re.search(r"(createdOn|updatedOn)=[^&]+/&", target)[1] for target in script.targets]
    assert windows == ["createdOn", "updatedOn"]


def test_a_stamp_that_cannot_be_read_is_a_failed_read():
    """The cursor would stay, or jump over changes."""
    with pytest.raises(ReadFailed):
        stamps_of({"updatedOn": 7}, "updatedOn")
    assert stamps_of({"updatedOn": None}, "updatedOn", "createdOn") == []


def test_our_own_credit_is_found_by_its_reference():
    """This is the look after an unknown outcome."""
    with serving(orders_page((6001, 5001, "rg-1-2-1", None))) as script:
        assert client_of(script).credits_by_reference("rg-1-2-1") == {6001}
    assert "orderTypeId=3&externalRef=rg-1-2-1&" in script.targets[0]


@pytest.mark.parametrize("row", [[None, 3, 5001], ["x", 3, 5001], [6001, 3, None]])
def test_a_found_credit_without_a_usable_id_is_a_failed_read(row):
    """Left out, it would be raised again."""
    columns = {name: SEARCH[name] for name in ("orderId", "orderTypeId", "parentOrderId")}
    with serving(page([row], columns=columns)) as script, pytest.raises(ReadFailed):
        client_of(script).credits_of_orders([5001])


# The warehouse


def test_goods_in_notes_are_read_by_note_and_by_order():
    """They come as an object keyed by the note's id."""
    with serving(responds(own("goods-in-get"))) as script:
        lines = client_of(script).goods_in_notes(note_ids=[3001, 3002], order_ids=[6001])
    assert [(line.goods_note_id, line.quantity) for line in lines] == [(3001, 2), (3002, 1)] * 2
    assert script.targets == [
        "/warehouse-service/order/*/goods-note/goods-in/3001,3002",
        "/warehouse-service/order/6001/goods-note/goods-in",
    ]


def test_a_bad_note_is_told_and_the_others_are_returned():
    """Notes are judged one by one, also those whose key is no id."""
    notes = own("goods-in-get") | {"3003": {"orderId": None}, "draft": {}}
    rejections: list[RecordRejected] = []
    with serving(responds(notes)) as script:
        client = client_of(script, reject=rejections.append)
        assert {line.goods_note_id for line in client.goods_in_notes([3001])} == {3001, 3002}
    assert [rejection.subject for rejection in rejections] == ["goods-in note 3003", "a goods note"]


def test_goods_out_notes_are_read_by_order_and_by_note():
    """Orders' notes tell what was shipped, transfers' notes are known by their own id."""
    with serving(responds(own("goods-out-get", 0)), responds(own("goods-out-get", 1))) as script:
        client = client_of(script)
        assert client.goods_out_notes([5001])[0].quantities == {71: 2}
        assert client.goods_out_notes_by_id([4002])[0].stock_transfer_id == 501
    assert script.targets[1] == "/warehouse-service/order/*/goods-note/goods-out/4002"


def test_only_goods_in_movements_are_given():
    """In this column SC means a stock correction, not a sales credit."""
    columns = {"goodsMovementId": "IDSET", "goodsNoteTypeCode": "STRING", "updatedOn": "PERIOD"}
    rows = [[1, "GI", MOMENT], [2, "GO", MOMENT], [3, "SC", MOMENT], [4, "IT", MOMENT]]
    with serving(page(rows, columns=columns)) as script:
        moved = list(client_of(script).goods_movements(dt.datetime(2026, 2, 1, tzinfo=dt.UTC)))
    assert [each["goodsMovementId"] for each in moved] == [1]


def test_warehouses_and_their_locations_are_read():
    """Passed goods lie at the default location, failed ones in quarantine."""
    with serving(
        responds([{"id": 2, "name": "Main"}, {"id": 3}]), responds(31), ABSENT, responds({"no": "id"})
    ) as script:
        client = client_of(script)
        assert client.warehouses() == [(2, "Main"), (3, "")]
        assert client.location(3, "default") == 31
        assert client.location(3, "quarantine") is None
        with pytest.raises(ReadFailed):
            client.location(3, "default")


def test_the_account_tells_its_lists():
    """What the settings name must exist in the account."""
    with serving(responds([{"id": 1}])) as script:
        client = client_of(script)
        lists: Sequence[list[dict[str, Any]]] = (
            client.order_statuses(),
            client.tax_codes(),
            client.channels(),
            client.payment_methods(),
        )
    assert list(lists) == [[{"id": 1}]] * 4


def test_payments_are_read_by_column():
    """A refund is recorded once: what is there is looked at first."""
    with serving(payments((1, 6001))) as script:
        assert client_of(script).payments(6001) == [{"paymentId": 1, "orderId": 6001, "amountPaid": "24.00"}]


@pytest.mark.parametrize(("kind", "calls"), [("IDSET", 2), ("INTEGER", 3)])
def test_payments_of_many_sales_are_read_in_sets_where_the_column_takes_them(kind, calls):
    """One call per sale would eat the quota of a busy day."""
    rest = [payments((2, 5002), (3, 5002), kind=kind), payments(kind=kind)]
    with serving(payments((1, 5001), kind=kind), *rest) as script:
        found = client_of(script).payments_of([5003, 5002, 5001])
    assert {order_id: [each["paymentId"] for each in rows] for order_id, rows in found.items()} == {
        5001: [1],
        5002: [2, 3],
        5003: [],
    }
    assert len(script.seen) == calls


# What answers say beside their content, and writes


def test_the_installation_is_known_from_any_answers_header():
    """It goes beside our reference in the rule that forbids duplicates; not every answer names it."""
    with serving(responds([], Brightpearl_Installed_Integration_Instance_Id="34"), responds([])) as script:
        client = client_of(script)
        assert client.installed_integration_instance_id is None
        client.warehouses()
        assert client.installed_integration_instance_id == 34
        client.warehouses()
        assert client.installed_integration_instance_id == 34
        assert client.server_time is not None


def test_a_frozen_request_is_sent_as_it_is_and_its_id_given_back():
    """The payload was hashed and approved: not a digit may change on the way."""
    body = {
        "customer": {"id": 200},
        "externalRef": "rg-1-2-1",
        "rows": [{"productId": 1007, "quantity": "1", "net": "20.0000", "tax": "4.00"}],
    }
    with serving(answers(201, {"response": 6001}), answers(200, {})) as script:
        client = client_of(script, "credit.raise", "credit.cancel", "credit.amend")
        created = client.write({"method": "POST", "path": "/order-service/sales-credit", "body": body})
        changed = client.write(
            {"method": "PUT", "path": "/order-service/order/6001/status", "body": {"orderStatusId": 24}}
        )
        client.write({"method": "DELETE", "path": "/order-service/order/6001/row/90"})
    assert (created.outcome, created.body, created.first_time) == (Outcome.CREATED, 6001, True)
    assert (changed.outcome, changed.body) == (Outcome.CREATED, None)
    assert script.seen[0].json == body
    assert script.seen[2].body == b""


def test_codes_that_no_retry_helps_are_known():
    """A bad filter and a disallowed operation come as 500."""
    assert is_permanent("CMNC-018 The filter cannot be parsed")
    assert is_permanent("CMNC-044 not allowed")
    assert not is_permanent("CMNU-003 Internal error")
