"""Searches of the sandbox's Brightpearl over real HTTP: filters, pages, metadata, and an index that may lag."""

import pytest

from returns_pipeline.sandbox.brightpearl import sales

ORDERS = "/order-service/order-search"


def found(account, query):
    return [row["orderId"] for row in account.rows(f"{ORDERS}?{query}")]


def metadata(account, query):
    return account.response(f"{ORDERS}?{query}")["metaData"]


def test_credits_are_found_by_their_sale(account):
    first, second = account.sale(), account.sale(external_ref="5520002")
    credit_id = account.credit(parentId=first)
    account.credit(parentId=second, externalRef="raise:78:1")
    assert found(account, f"orderTypeId=3&parentOrderId={first}") == [credit_id]


def test_several_parents_are_asked_for_at_once_only_where_the_column_takes_sets(served):
    """The type of the column is known from the metadata alone, and differs between accounts."""
    sets, single = served(), served(parent_order_id_is_idset=False)
    for account in (sets, single):
        parents = [account.sale(), account.sale(external_ref="5520002")]
        for parent in parents:
            account.credit(parentId=parent, externalRef=f"raise:{parent}:1")
    query = "parentOrderId=500001,500002"
    assert len(found(sets, query)) == 2
    refused = single.get(f"{ORDERS}?{query}")
    assert (refused.status_code, refused.json()["errors"][0]["code"]) == (500, "CMNC-018")


@pytest.mark.parametrize(
    ("query", "message"),
    [
        ("orderStatusId=BAD%20PARAM", "The filter orderStatusId=BAD PARAM cannot be parsed as: INTEGER"),
        ("orderId=5-1", "The filter orderId=5-1 cannot be parsed as: IDSET"),
        (
            "createdOn=2026-02-01T00:00:00+00:00/",
            "The filter createdOn=2026-02-01T00:00:00 00:00/ cannot be parsed as: PERIOD",
        ),
        ("createdOn=2026-02-01T00:00%2F", "The filter createdOn=2026-02-01T00:00%2F cannot be parsed as: PERIOD"),
        ("createdOn=yesterday/", "The filter createdOn=yesterday/ cannot be parsed as: PERIOD"),
    ],
)
def test_a_filter_that_cannot_be_read_is_a_500_that_no_retry_helps(account, query, message):
    """An unencoded plus, an encoded slash and a falling range are the mistakes that callers make."""
    answer = account.get(f"{ORDERS}?{query}")
    assert (answer.status_code, answer.json()["errors"]) == (500, [{"code": "CMNC-018", "message": message}])


def test_a_period_is_open_or_closed(account):
    sale_id = account.sale()
    day = "2026-02-20T09:00:00.000%2B00:00"
    assert found(account, f"createdOn={day}/") == [sale_id]
    assert found(account, f"createdOn=/{day}") == [sale_id]
    assert found(account, "createdOn=2026-02-21T00:00/2026-02-22T00:00") == []


def test_a_new_credit_has_no_change_date(account):
    """Whoever polls by updatedOn alone never sees a fresh credit."""
    credit_id = account.credit()
    assert found(account, "orderTypeId=3&updatedOn=2026-01-01T00:00/") == []
    account.call("PUT", f"/order-service/order/{credit_id}/status", json={"orderStatusId": 22})
    assert found(account, "orderTypeId=3&updatedOn=2026-01-01T00:00/") == [credit_id]


def test_the_metadata_tells_pages_columns_and_order(account):
    for number in range(5):
        account.sale(external_ref=str(number))
    page = metadata(account, "pageSize=2&firstResult=3&sort=orderId.DESC")
    assert (page["firstResult"], page["lastResult"], page["resultsReturned"], page["resultsAvailable"]) == (3, 4, 2, 5)
    assert page["morePagesAvailable"] is True
    assert [column["name"] for column in page["columns"]][:4] == [
        "orderId",
        "orderTypeId",
        "contactId",
        "orderStatusId",
    ]
    assert page["sorting"][0]["direction"] == "DESC"
    assert metadata(account, "pageSize=2&firstResult=5")["morePagesAvailable"] is False


def test_without_hits_the_first_and_last_result_are_absent(account):
    page = account.get(f"{ORDERS}?orderId=1").json()
    assert page["response"]["results"] == []
    assert not {"firstResult", "lastResult"} & set(page["response"]["metaData"])
    assert page["reference"] == {}


def test_names_of_codes_come_beside_the_rows(account):
    account.credit()
    assert account.get(ORDERS).json()["reference"]["orderTypeNames"]["3"] == "SALES_CREDIT"


def test_columns_may_be_chosen_and_then_come_alone(account):
    account.sale()
    assert list(account.rows(f"{ORDERS}?columns=orderId,externalRef")[0]) == ["orderId", "externalRef"]


def test_a_filter_that_names_no_column_is_passed_over_or_refused(served):
    """A typo that is silently ignored returns the whole account."""
    loose, strict = served(), served(ignores_unknown_filters=False)
    for account in (loose, strict):
        account.sale()
    assert len(loose.rows(f"{ORDERS}?extrenalRef=1")) == 1
    assert strict.get(f"{ORDERS}?extrenalRef=1").status_code == 500


def test_sales_are_found_by_sets_of_references(account):
    """A dot separates: an order name that holds one cannot be asked for in a set."""
    first = account.sale()
    second = account.sale(external_ref="5520002", customer_ref="#UK1.002")
    path = "/order-service/sales-order-search"
    assert [row["orderId"] for row in account.rows(f"{path}?externalRefs=5520001.5520002.9")] == [first, second]
    assert [row["orderId"] for row in account.rows(f"{path}?customerRefs=%23UK1001.%23UK1.002")] == [first]
    assert [row["orderId"] for row in account.rows(f"{ORDERS}?customerRef=%23UK1.002")] == [second]


def test_a_search_may_lag_behind_what_was_written(served):
    """A miss proves nothing: the credit is there when it is asked for by id."""
    account = served(search_lag_seconds=60.0)
    credit_id = account.credit()
    assert found(account, "orderTypeId=3") == []
    assert account.response(f"/order-service/sales-credit/{credit_id}")[0]["id"] == credit_id


def test_under_a_lag_a_changed_order_still_shows_as_it_was(served):
    """A lagging index shows the past, not a hole."""
    account = served()
    credit_id = account.credit()
    account.world.switches.search_lag_seconds = 60.0
    with account.world.lock:
        sales.set_order_status(account.world, credit_id, 22)
    [row] = account.rows(f"{ORDERS}?orderId={credit_id}")
    assert (row["orderStatusId"], row["updatedOn"]) == (21, None)
    assert account.response(f"/order-service/order/{credit_id}")[0]["orderStatus"]["orderStatusId"] == 22


def test_pages_may_come_twice_or_overlap(served):
    repeating, overlapping = served(repeat_pages=True), served(overlap_pages=1)
    for account in (repeating, overlapping):
        for number in range(4):
            account.sale(external_ref=str(number))
    assert found(repeating, "pageSize=2&firstResult=3") == found(repeating, "pageSize=2")
    assert found(overlapping, "pageSize=2&firstResult=3") == [500_002, 500_003]


def test_rows_without_a_sort_may_come_in_any_order(served):
    account = served(shuffle_pages=True)
    ids = [account.sale(external_ref=str(number)) for number in range(20)]
    shuffled = found(account, "orderTypeId=1")
    assert (sorted(shuffled), found(account, "sort=orderId.ASC")) == (ids, ids)
    assert shuffled != ids


def test_products_are_found_by_the_exact_sku_or_a_part_of_the_name(account):
    path = "/product-service/product-search"
    assert [row["productId"] for row in account.rows(f"{path}?SKU=SHIRT-M")] == [account.shirt]
    assert account.rows(f"{path}?SKU=shirt-m") == []
    assert [row["stockTracked"] for row in account.rows(f"{path}?productName=set-tea")] == [False]
