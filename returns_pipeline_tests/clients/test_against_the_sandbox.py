"""Both clients against the sandbox, which was built from the same contract by other hands: they meet only over HTTP."""

import datetime as dt
from collections.abc import Iterator
from pathlib import Path

import pytest

from returns_pipeline.clients.allow_list import BRIGHTPEARL_READS, RETURNGO_READS, check_base_url, writes_of
from returns_pipeline.clients.brightpearl import BrightpearlClient
from returns_pipeline.clients.brightpearl_answers import is_permanent
from returns_pipeline.clients.brightpearl_search import Since
from returns_pipeline.clients.credentials import brightpearl_from, returngo_from
from returns_pipeline.clients.outcomes import CredentialRefused, Outcome, ReadFailed
from returns_pipeline.clients.returngo import ReturnGoClient
from returns_pipeline.sandbox.serve import RunningSandbox, serve
from returns_pipeline_tests.clients.server import Calls, transport_to

OPEN = ("Approved", "Received", "Validated")
LONG_AGO = dt.datetime(2020, 1, 1, tzinfo=dt.UTC)


@pytest.fixture(scope="module")
def sandbox() -> Iterator[RunningSandbox]:
    """A retailer in the middle of its week of returns."""
    with serve() as running:
        for day in range(4):
            running.story.play_day(day)
        yield running


def returngo(sandbox: RunningSandbox) -> ReturnGoClient:
    environment = sandbox.environment()
    credentials = returngo_from(environment, "acme-uk.myshopify.com", "RETURNGO_API_KEY")
    rules = (*RETURNGO_READS, *writes_of(["returngo.receive"]))
    url = check_base_url(environment["RETURNGO_BASE_URL"], "RETURNGO_BASE_URL")
    return ReturnGoClient(transport_to(url, headers=credentials.headers, rules=rules))


def brightpearl(sandbox: RunningSandbox, folder: Path, calls: Calls | None = None, **changed: str) -> BrightpearlClient:
    environment = sandbox.environment() | changed
    url = check_base_url(environment["BRIGHTPEARL_BASE_URL"], "BRIGHTPEARL_BASE_URL")
    credentials = brightpearl_from(environment, folder, url)
    rules = (*BRIGHTPEARL_READS, *writes_of(["credit.raise", "credit.cancel"]))
    transport = transport_to(
        url, calls, headers=credentials.headers, renew=credentials.renew, rules=rules, permanent=is_permanent
    )
    return BrightpearlClient(transport)


def test_every_return_of_the_retailer_is_read(sandbox):
    """A kind of return that cannot be read is one that nobody handles."""
    client = returngo(sandbox)
    listed = list(client.list_rmas())
    details = [client.rma_detail(row.rma_id) for row in listed]
    assert listed
    assert [(detail.rma.rma_id, detail.rma.status) for detail in details] == [
        (row.rma_id, row.status) for row in listed
    ]
    assert {row.status for row in client.list_rmas(statuses=OPEN)} <= set(OPEN)
    own = {entry.transaction_id for detail in details for entry in detail.transactions}
    assert own <= {entry.transaction_id for entry in client.list_transactions(updated_since=LONG_AGO)}


def test_the_sales_of_the_returns_are_found_and_read(sandbox, tmp_path):
    """From the portal's order to Brightpearl's: the step on which everything rests."""
    client, portal = brightpearl(sandbox, tmp_path), returngo(sandbox)
    references = {portal.rma_detail(row.rma_id).rma.shopify_order_id for row in portal.list_rmas(statuses=OPEN)}
    found = client.find_sales_orders("externalRef", references)
    refs = {order_id: reference for reference, ids in found.items() for order_id in ids}
    orders = client.orders(refs, refs)
    assert orders
    assert {order.order_id for order in orders} == set(refs)
    assert all(order.rows for order in orders)
    products = {row.product_id for order in orders for row in order.rows if row.product_id}
    assert {product.product_id for product in client.products(products)} <= products
    assert set(client.payments_of(refs)) == set(refs)
    assert {note.order_id for note in client.goods_out_notes(refs)} <= set(refs)


def test_credits_and_receipts_are_read(sandbox, tmp_path):
    """By change, by sale, by movement and by note they must come to the same."""
    client = brightpearl(sandbox, tmp_path)
    changed, newest = client.credits_changed(LONG_AGO)
    credits = client.sales_credits(changed)
    parents = {parent for parent in changed.values() if parent}
    by_sale = client.credits_of_orders(parents)
    assert {credit.credit_id for credit in credits} == set(changed)
    assert {credit for ids in by_sale.values() for credit in ids} == {
        credit for credit, parent in changed.items() if parent
    }
    assert newest is None or newest.tzinfo is not None
    moved = {int(row["goodsNoteId"]) for row in client.goods_movements(LONG_AGO) if row["orderId"] in changed}
    assert {line.goods_note_id for line in client.goods_in_notes(moved)} == moved
    assert {line.goods_note_id for line in client.goods_in_notes(order_ids=changed)} == moved


def test_the_account_is_read(sandbox, tmp_path):
    """What `doctor` compares the settings with."""
    client = brightpearl(sandbox, tmp_path)
    warehouses = dict(client.warehouses())
    assert {2, 3} <= set(warehouses)
    assert client.location(3, "default") != client.location(3, "quarantine")
    assert all(
        client_list
        for client_list in (client.order_statuses(), client.tax_codes(), client.channels(), client.payment_methods())
    )
    assert client.installed_integration_instance_id is not None
    assert client.server_time is not None


def _credit_of(client: BrightpearlClient, reference: str) -> dict[str, object]:
    order_ids = [
        int(row["orderId"])
        for row in client.search("/order-service/order-search", {"orderTypeId": 1, "createdOn": Since(LONG_AGO)})
    ]
    order = next(order for order in client.orders(order_ids[:50]) if any(row.product_id for row in order.rows))
    row = next(row for row in order.rows if row.product_id)
    return {
        "customer": {"id": order.customer_contact_id},
        "parentId": order.order_id,
        "statusId": 21,
        "warehouseId": 3,
        "channelId": order.channel_id,
        "externalRef": reference,
        "installedIntegrationInstanceId": client.installed_integration_instance_id,
        "priceListId": order.price_list_id,
        "priceModeCode": order.price_mode,
        "currency": {"code": order.currency, "fixedExchangeRate": True, "exchangeRate": str(order.exchange_rate)},
        "rows": [
            {
                "productId": row.product_id,
                "quantity": "1",
                "taxCode": row.tax_code,
                "net": "1.00",
                "tax": "0.20",
                "nominalCode": row.nominal_code,
            }
        ],
    }


def test_a_credit_is_raised_once_found_again_and_cancelled(sandbox, tmp_path):
    """The reference is what an unknown outcome is looked up by; a repeat must not make a second credit."""
    client = brightpearl(sandbox, tmp_path)
    body = _credit_of(client, "rg-client-test-1")
    request = {"method": "POST", "path": "/order-service/sales-credit", "body": body}
    first, repeat = client.write(request), client.write(request)
    assert (first.outcome, first.first_time) == (Outcome.CREATED, True)
    assert (repeat.outcome, repeat.first_time, repeat.body) == (Outcome.CREATED, False, first.body)
    assert client.credits_by_reference("rg-client-test-1") == {first.body}
    (credit,) = client.sales_credits([first.body])
    assert (credit.net_minor, credit.tax_minor, credit.external_ref, credit.order_id) == (
        100,
        20,
        "rg-client-test-1",
        body["parentId"],
    )
    assert credit.invoice_reference == ""
    cancel = {"method": "PUT", "path": f"/order-service/order/{first.body}/status", "body": {"orderStatusId": 24}}
    assert client.write(cancel).outcome is Outcome.CREATED
    assert client.sales_credits([first.body])[0].order_status_id == 24


def test_a_throttled_account_is_waited_for(tmp_path):
    """Its answers say for how long, in milliseconds; a retry before that is a call lost."""
    with serve(requests_per_minute=3) as running:
        calls = Calls()
        client = brightpearl(running, tmp_path, calls)
        for _ in range(3):
            client.warehouses()
        with pytest.raises(ReadFailed, match="came back with 503: You have sent too many requests"):
            client.warehouses()
    assert calls.slept
    assert all(50 < seconds <= 60 for seconds in calls.slept)


def test_an_expired_oauth_token_is_swapped_by_the_way(sandbox, tmp_path):
    """Nobody is there on the seventh night."""
    seed = {
        "BRIGHTPEARL_ACCOUNT_TOKEN": "",
        "BRIGHTPEARL_DEV_REF": sandbox.credentials.dev_ref,
        "BRIGHTPEARL_ACCESS_TOKEN": "expired-token",
        "BRIGHTPEARL_REFRESH_TOKEN": sandbox.credentials.refresh_token,
    }
    assert brightpearl(sandbox, tmp_path, **seed).warehouses()
    assert brightpearl(sandbox, tmp_path, **seed).warehouses()
    with pytest.raises(CredentialRefused, match="Authorise the app anew"):
        brightpearl(sandbox, tmp_path / "another", **seed).warehouses()
