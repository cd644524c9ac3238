"""What may leave the process: the reads the clients use, and the writes of armed kinds; nothing else can be expressed."""

import pytest

from returns_pipeline.clients.allow_list import (
    BRIGHTPEARL_READS,
    RETURNGO_READS,
    check_base_url,
    template_of,
    writes_of,
)
from returns_pipeline.clients.outcomes import NotAllowed

WRITES = {
    "credit.raise": [("POST", "/order-service/sales-credit")],
    "credit.cancel": [("PUT", "/order-service/order/6001/status")],
    "credit.amend": [("PATCH", "/order-service/order/6001/row/90"), ("DELETE", "/order-service/order/6001/row/90")],
    "credit.post": [("POST", "/order-service/sales-credit/6001/close")],
    "credit.annotate": [("PUT", "/order-service/order/6001/status"), ("POST", "/order-service/order/6001/note")],
    "goods_in.write": [("POST", "/warehouse-service/order/6001/goods-note/goods-in")],
    "refund.record": [("POST", "/accounting-service/customer-payment")],
    "transfer.create": [("POST", "/warehouse-service/warehouse/3/stock-transfer")],
    "transfer.dispatch": [("POST", "/warehouse-service/warehouse/3/external-transfer")],
    "transfer.ship": [("POST", "/warehouse-service/goods-note/goods-out/4002/event")],
    "transfer.release": [("POST", "/warehouse-service/warehouse/3/quarantine/release")],
    "returngo.receive": [("PUT", "/shipment/6400001")],
}
# Requests that Brightpearl and ReturnGo know and no kind makes.
NEVER = [
    ("POST", "/warehouse-service/warehouse/3/stock-correction"),
    ("POST", "/warehouse-service/warehouse/3/internal-transfer"),
    ("POST", "/order-service/order"),
    ("DELETE", "/order-service/order/6001"),
    ("POST", "/accounting-service/invoice/sales-credit"),
    ("DELETE", "/accounting-service/customer-payment/1"),
    ("DELETE", "/warehouse-service/goods-note/goods-in/3001"),
    ("POST", "/multi-message"),
    ("POST", "/integration-service/webhook"),
    ("PUT", "/rma/9800001/status"),
    ("POST", "/rma/9800001/comment"),
    ("PUT", "/transaction/1"),
    ("DELETE", "/shipment/6400001"),
]


def _may_leave(rules, method: str, path: str) -> bool:
    try:
        template_of(rules, method, path)
    except NotAllowed:
        return False
    return True


@pytest.mark.parametrize("kind", sorted(WRITES))
def test_an_armed_kind_may_make_its_own_requests_and_no_others(kind):
    """A kind that is shadowed adds nothing: a bug cannot write what nobody armed."""
    rules = (*BRIGHTPEARL_READS, *RETURNGO_READS, *writes_of([kind]))
    for requests in WRITES.values():
        for method, path in requests:
            assert _may_leave(rules, method, path) == ((method, path) in WRITES[kind])


@pytest.mark.parametrize(("method", "path"), NEVER)
def test_what_no_kind_uses_can_never_leave(method, path):
    """Stock corrections and deletions are for people, whatever is armed."""
    assert not _may_leave((*BRIGHTPEARL_READS, *RETURNGO_READS, *writes_of(WRITES)), method, path)


def test_nothing_is_written_when_nothing_is_armed():
    """Shadow mode is proved by what cannot be expressed."""
    assert writes_of([]) == ()
    assert not any(
        _may_leave((*BRIGHTPEARL_READS, *RETURNGO_READS), *each) for requests in WRITES.values() for each in requests
    )


def test_an_unknown_kind_is_an_error():
    """A mistyped kind must not silently write nothing."""
    with pytest.raises(KeyError):
        writes_of(["credit.rise"])


@pytest.mark.parametrize(
    "path",
    [
        "/order-service/order/6001/status/",
        "/order-service/order/6001,6002/status",
        "/order-service/order/../order/6001/status",
        "/order-service/order/6001/status?x=1",
        "/order-service/order/6001%2F7/status",
        "/order-service/order/-6001/status",
        "/order-service/order/6001/status\n",
    ],
)
def test_an_id_is_digits_and_nothing_else(path):
    """An id out of foreign data must not choose another resource."""
    assert not _may_leave(writes_of(WRITES), "PUT", path)


@pytest.mark.parametrize(
    "url",
    [
        "https://euw1.brightpearlconnect.com/public-api/acme",
        "https://ws-eu1.brightpearl.com/public-api/acme-uk/",
        "https://api.returngo.ai",
        "http://127.0.0.1:8123/public-api/acme",
        "http://[::1]:8123",
        "https://127.0.0.1:8443",
    ],
)
def test_the_two_apis_and_literal_loopback_are_taken(url):
    """The documented hosts must work as they are written."""
    assert check_base_url(url, "BASE_URL") == url.rstrip("/")


@pytest.mark.parametrize(
    "url",
    [
        "http://euw1.brightpearlconnect.com/public-api/acme",
        "https://brightpearl.com.evil.example/public-api/acme",
        "https://evilbrightpearl.com/public-api/acme",
        "https://a.b.brightpearl.com/public-api/acme",
        "https://evil.example/euw1.brightpearlconnect.com",
        "https://user:word@euw1.brightpearlconnect.com/public-api/acme",
        "https://euw1.brightpearlconnect.com@evil.example/",
        "https://euw1.brightpearlconnect.com:8443/public-api/acme",
        "https://euw1.brightpearlconnect.com/public-api/acme?to=x",
        "https://euw1.brightpearlconnect.com/public-api/acme#x",
        "https://euw1.brightpearlconnect.com/public-api/../acme",
        "https://api.returngo.ai:port",
        "https://[::1",
        "http://localhost:8123",
        "http://169.254.169.254/latest",
        "ftp://127.0.0.1/",
        "api.returngo.ai",
        "",
    ],
)
def test_any_other_address_is_refused(url):
    """The account's token goes to whoever the address names."""
    with pytest.raises(NotAllowed, match="BASE_URL"):
        check_base_url(url, "BASE_URL")
