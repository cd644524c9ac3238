"""Who may call the sandbox's Brightpearl and how often; id-sets; several messages in one; what nobody knows."""

import json

import pytest
import requests

from returns_pipeline.sandbox.brightpearl import sales

CHANNELS = "/product-service/channel"


@pytest.mark.parametrize(
    "changes",
    [
        {"brightpearl-app-ref": "other"},
        {"brightpearl-account-token": "wrong"},
        {"brightpearl-account-token": ""},
        {"authorization": "Bearer nonsense"},
    ],
)
def test_a_stranger_gets_a_401_that_is_no_error_envelope(account, changes):
    answer = account.call("GET", CHANNELS, headers=account.headers | changes)
    assert (answer.status_code, set(answer.json()), answer.headers["Message-Type"]) == (401, {"response"}, "api-proxy")
    assert "Brightpearl-Installed-Integration-Instance-Id" not in answer.headers


def bearer(account, token):
    return {
        "brightpearl-app-ref": account.app.credentials.app_ref,
        "brightpearl-dev-ref": "sandbox",
        "authorization": f"Bearer {token}",
    }


def token(account, **form):
    return requests.post(f"{account.server.base_url}/token/{account.app.credentials.account}", data=form, timeout=5)


def test_a_refresh_rotates_both_tokens_and_the_old_ones_die(account):
    """Two processes that refresh at once lock each other out unless they share what they got."""
    credentials = account.app.credentials
    access, refresh = credentials.access_token, credentials.refresh_token
    assert account.call("GET", CHANNELS, headers=bearer(account, access)).status_code == 200
    form = {"grant_type": "refresh_token", "refresh_token": refresh, "client_id": credentials.app_ref}
    fresh = token(account, **form).json()
    assert fresh["refresh_token"] != refresh
    assert (fresh["token_type"], "installation_instance_id" in fresh) == ("Bearer", False)
    assert account.call("GET", CHANNELS, headers=bearer(account, fresh["access_token"])).status_code == 200
    assert account.call("GET", CHANNELS, headers=bearer(account, access)).status_code == 401
    again = token(account, **form)
    assert again.status_code == 400
    assert set(again.json()) == {"error"}


def test_an_expired_token_says_so(account):
    account.app.credentials.expires_at = 0.0
    answer = account.call("GET", CHANNELS, headers=bearer(account, account.app.credentials.access_token))
    assert (answer.status_code, answer.json()) == (401, {"response": "Authorization token expired"})


def test_over_the_limit_is_a_503_with_milliseconds(served):
    """Not a 429, and not seconds: a client that reads it so waits a thousand times too long."""
    account = served(requests_per_minute=3)
    answers = [account.get(CHANNELS) for _ in range(4)]
    assert [answer.status_code for answer in answers] == [200, 200, 200, 503]
    assert [answer.headers["Brightpearl-Requests-Remaining"] for answer in answers] == ["2", "1", "0", "0"]
    assert 1000 < int(answers[3].headers["Brightpearl-Next-Throttle-Period"]) <= 60_000
    assert answers[3].json() == {
        "response": "You have sent too many requests. Please wait before sending another request"
    }


def test_a_throttled_write_is_not_carried_out(served):
    account = served(requests_per_minute=1)
    account.get(CHANNELS)
    assert account.post("/order-service/sales-credit", account.credit_body()).status_code == 503
    assert not account.world.orders


def test_the_pool_is_shared_with_the_accounts_other_apps(served):
    account = served(requests_per_minute=10, neighbour_usage_per_minute=8)
    assert [account.get(CHANNELS).status_code for _ in range(3)] == [200, 200, 503]


def test_every_answer_names_its_type_its_request_and_the_installation(served):
    named, nameless = served(), served(installation_header=False)
    headers = named.get(CHANNELS).headers
    assert (headers["Message-Type"], headers["Brightpearl-Installed-Integration-Instance-Id"]) == ("get-channel", "34")
    assert headers["Ruid"]
    assert "Brightpearl-Installed-Integration-Instance-Id" not in nameless.get(CHANNELS).headers


def test_what_does_not_exist_is_logged_as_unknown(account):
    """A client that calls what Brightpearl does not have must be seen."""
    answer = account.get("/order-service/sales-credit-search")
    assert (answer.status_code, answer.json()["errors"][0]["code"]) == (404, "CMNC-404")
    assert account.server.log.entries()[-1].is_unknown


def test_a_write_without_json_is_refused(account):
    answer = account.call("POST", "/order-service/sales-credit", data="not json")
    assert (answer.status_code, answer.json()["errors"][0]["code"]) == (400, "CMNC-010")


@pytest.mark.parametrize(
    ("ids", "count"), [("500001-500003", 3), ("500001,500003", 2), ("500003.500001", 2), ("500001", 1)]
)
def test_ids_are_ranges_ordered_lists_or_unordered_ones(account, ids, count):
    for number in range(3):
        account.sale(external_ref=str(number))
    assert len(account.response(f"/order-service/order/{ids}")) == count


@pytest.mark.parametrize("ids", ["500003,500001", "500003-500001", "1-201", "1,,2"])
def test_ids_that_fall_or_are_too_many_are_refused(account, ids):
    assert account.get(f"/order-service/order/{ids}").status_code == 400


def test_missing_orders_are_an_empty_list_and_missing_credits_beside_others_a_207(account):
    """Absence is no error here; a client that waits for a 404 waits for ever."""
    credit_id = account.credit()
    assert (account.get("/order-service/order/999").status_code, account.response("/order-service/order/999")) == (
        200,
        [],
    )
    assert account.response("/order-service/sales-credit/999") == []
    mixed = account.get(f"/order-service/sales-credit/999,{credit_id}")
    assert (mixed.status_code, [each["id"] for each in mixed.json()["response"]]) == (207, [credit_id])


@pytest.mark.parametrize(("is_404", "status"), [(False, 200), (True, 404)])
@pytest.mark.parametrize("path", ["/product-service/product/99", "/warehouse-service/stock-transfer/99"])
def test_missing_products_and_transfers_are_an_empty_list_or_a_404(served, path, is_404, status):
    assert served(missing_ids_are_404=is_404).get(path).status_code == status


def test_options_lists_what_exists_as_ranges(account):
    sale_ids = [account.sale(external_ref=str(number)) for number in range(3)]
    credit_id = account.credit()
    orders = account.call("OPTIONS", "/order-service/order/1-10,500001-500100").json()
    assert orders == {"response": {"getUris": [f"/order/{sale_ids[0]}-{credit_id}"]}}
    credits_only = account.call("OPTIONS", "/order-service/sales-credit/500001-500100").json()
    assert credits_only["response"]["getUris"] == [f"/sales-credit/{credit_id}"]
    assert account.call("OPTIONS", "/product-service/product/1-100").json() == {"response": {"getUris": []}}


def message(label, uri, method="POST", body=None):
    return {"label": label, "uri": uri, "httpMethod": method, "body": body or {}}


def send(account, *messages, on_fail="CONTINUE"):
    return account.post(
        "/multi-message", {"processingMode": "SEQUENTIAL", "onFail": on_fail, "messages": list(messages)}
    )


def test_messages_have_each_their_own_outcome_and_nothing_is_rolled_back(account):
    good = message("good", "/order-service/sales-credit", body=account.credit_body())
    bad = message("bad", "/order-service/sales-credit/1/close")
    answer = send(account, good, bad)
    processed = answer.json()["response"]["processedMessages"]
    assert answer.status_code == 207
    assert [(each["label"], each["statusCode"]) for each in processed] == [("good", 201), ("bad", 404)]
    assert json.loads(processed[0]["body"]["content"])["response"] in account.world.orders


def test_a_failed_message_may_stop_those_after_it(account):
    bad = message("bad", "/order-service/sales-credit/1/close")
    answer = send(
        account, bad, message("late", "/order-service/sales-credit", body=account.credit_body()), on_fail="STOP"
    )
    assert answer.json()["response"]["unprocessedMessages"] == ["late"]
    assert not account.world.orders


def test_messages_carry_no_reads_and_are_at_most_ten(account):
    assert send(account, message("read", "/product-service/channel", "GET")).status_code == 400
    assert send(account, *[message(str(number), "/x") for number in range(11)]).status_code == 400


def test_a_webhook_is_subscribed_read_and_deleted(account):
    path, body = (
        "/integration-service/webhook",
        {"subscribeTo": "goods-in-note.created", "httpMethod": "POST", "uriTemplate": "https://example.com/hook"},
    )
    number = account.post(path, body).json()["response"]
    assert account.response(f"{path}/{number}") == [body | {"id": number}]
    assert account.call("DELETE", f"{path}/{number}").json() == {}
    assert account.get(f"{path}/{number}").json()["errors"] == [
        {"code": "CMNC-404", "message": f"No webhooks available in ID Set {number}"}
    ]
    refused = account.post(path, body | {"subscribeTo": "sales-credit.created"})
    assert (refused.status_code, refused.json()["errors"][0]["code"]) == (400, "INTC-064")


def test_parties_carry_canaries_that_no_pipeline_may_keep(account):
    """Names and addresses are in the answers: a leak can be looked for by these words."""
    sale_id, credit_id = account.sale(), account.credit()
    for path in (f"/order-service/order/{sale_id}", f"/order-service/sales-credit/{credit_id}"):
        assert {"Canary Person", "canary@example.com"} <= set(json.dumps(account.response(path)).split('"'))


def test_the_external_reference_is_on_the_order_only_if_the_account_shows_it(served):
    for shows in (False, True):
        account = served(order_shows_external_ref=shows)
        [order] = account.response(f"/order-service/order/{account.sale()}")
        assert ("externalRef" in order) is shows


def test_an_archived_product_comes_back_to_life_with_stock(account):
    account.world.product(account.shirt).status = "ARCHIVED"
    correction = {
        "quantity": 1,
        "productId": account.shirt,
        "reason": "Found",
        "locationId": 21,
        "cost": {"currency": "GBP", "value": "1"},
    }
    account.post("/warehouse-service/warehouse/2/stock-correction", {"corrections": [correction]})
    assert account.response(f"/product-service/product/{account.shirt}")[0]["status"] == "LIVE"


def test_a_sale_that_is_not_invoiced_shows_an_empty_reference_whatever_its_status(account):
    """The status may already say Invoiced: only the reference tells."""
    sale_id = account.sale(is_invoiced=False, status_id=4)
    [order] = account.response(f"/order-service/order/{sale_id}")
    assert (order["orderStatus"]["name"], order["invoices"]) == ("Invoiced", [{"invoiceReference": ""}])
    with account.world.lock:
        sales.invoice_order(account.world, sale_id)
    assert account.response(f"/order-service/order/{sale_id}")[0]["invoices"][0]["invoiceReference"].startswith("SI-")
