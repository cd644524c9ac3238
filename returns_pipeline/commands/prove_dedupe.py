"""`doctor --prove-dedupe ORDER`: sends one test credit twice and sees whether Brightpearl keeps one. The only part of the doctor that writes.

Source: sales-credit POST, "duplicate": documented for the pair of `externalRef` and `installedIntegrationInstanceId`, seen by nobody in code.
"""

import datetime as dt

from returns_pipeline.clients.brightpearl import BrightpearlClient
from returns_pipeline.clients.outcomes import ReadFailed
from returns_pipeline.clients.records_brightpearl import SalesOrder
from returns_pipeline.commands import runtime
from returns_pipeline.commands.answers import Answer
from returns_pipeline.domain.plan_bodies import Request
from returns_pipeline.settings import Settings, load_settings
from returns_pipeline.stages.accounts import Accounts

_ROW = "Test of the duplicate rule: cancel this credit"


def prove(order_id: int) -> Answer:
    """Two identical test credits on a test order, and what stands afterwards; 1 unless exactly one credit stands.

    Raises:
        ReadFailed: the order is not there, or what stands could not be read: look in Brightpearl for the reference that the message names.
    """
    runtime.prepare()
    settings = load_settings()
    # A person asked for this write by name, so that it may leave in shadow mode too.
    accounts = Accounts(settings.model_copy(update={"mode": "live"}))
    try:
        return _prove(accounts.brightpearl, order_id, settings)
    finally:
        accounts.close()


def _prove(client: BrightpearlClient, order_id: int, settings: Settings) -> Answer:
    orders = client.orders([order_id])
    if not orders:
        raise ReadFailed(
            f"Brightpearl has no order {order_id}: name a test order that may get a test credit", permanent=True
        )
    instance = settings.brightpearl.installed_integration_instance_id or client.installed_integration_instance_id
    if instance is None:
        return Answer(
            [
                "no installed integration instance id is known, and without it no duplicate rule can hold: write [brightpearl] installed_integration_instance_id"
            ],
            {"proven": False},
            status=1,
        )
    reference = f"rg-dedupe-{order_id}-{dt.datetime.now(dt.UTC):%Y%m%d%H%M%S}"
    request = _test_credit(orders[0], reference, instance, settings)
    answers = [client.write(request) for _ in range(2)]
    standing = sorted(client.credits_by_reference(reference))
    told = {
        "proven": len(standing) == 1,
        "reference": reference,
        "credits": standing,
        "http_statuses": [answer.http_status for answer in answers],
    }
    return Answer(
        _in_words(standing, reference, [answer.detail or "" for answer in answers]),
        told,
        status=0 if len(standing) == 1 else 1,
    )


def _in_words(standing: list[int], reference: str, details: list[str]) -> list[str]:
    if not standing:
        return [
            f"no credit with reference {reference} was found: {'; '.join(detail for detail in details if detail) or 'no reason was given'}",
            "nothing is proven; searches may lag, so look into Brightpearl for the reference before you try again",
        ]
    named = ", ".join(str(credit_id) for credit_id in standing)
    if len(standing) == 1:
        verdict = 'proven: the second of two identical credits changed nothing. Write [brightpearl] dedupe = "proven"'
    else:
        verdict = f'not so: {len(standing)} credits stand. Leave [brightpearl] dedupe = "unproven": an unknown outcome halts for a person'
    return [
        verdict,
        f"clean up: cancel sales credit {named} in Brightpearl (reference {reference}); no goods, no money and no posting are on it",
    ]


def _test_credit(order: SalesOrder, reference: str, instance: int, settings: Settings) -> Request:
    """One unit of one minor unit without tax, as free text: it moves no stock, and stays unposted."""
    body = {
        "customer": {"id": order.customer_contact_id},
        "ref": reference,
        "parentId": order.order_id,
        "statusId": settings.brightpearl.statuses.awaiting_return,
        "warehouseId": order.warehouse_id,
        "channelId": order.channel_id,
        "externalRef": reference,
        "installedIntegrationInstanceId": instance,
        "priceListId": order.price_list_id,
        "priceModeCode": order.price_mode,
        "currency": {"code": order.currency, "fixedExchangeRate": True, "exchangeRate": str(order.exchange_rate)},
        "rows": [{"name": _ROW, "quantity": "1", "taxCode": order.rows[0].tax_code, "net": "0.01", "tax": "0.00"}],
    }
    return {
        "method": "POST",
        "path": "/order-service/sales-credit",
        "body": {name: value for name, value in body.items() if value is not None},
    }
