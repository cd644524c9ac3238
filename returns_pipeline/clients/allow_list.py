"""Which requests may leave the process: every read that the clients use, and the writes of the effect kinds that the settings arm.

What no kind uses (stock corrections, internal transfers, deleting orders) cannot be expressed at all.
"""

import re
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from functools import cached_property
from urllib.parse import urlsplit

from returns_pipeline.clients.outcomes import NotAllowed

_ID = r"[0-9]{1,19}"
_IDS = r"[0-9][0-9,.\-]*"
_ALLOWED_HOSTS = re.compile(r"[a-z0-9-]+\.(?:brightpearlconnect|brightpearl)\.com|api\.returngo\.ai")
_BASE_PATH = re.compile(r"(?:/[A-Za-z0-9_-]+)*/?")
# Literal addresses only: what a name resolves to is somebody else's word.
_LOOPBACK = {"127.0.0.1", "::1"}


@dataclass(frozen=True)
class Rule:
    """One method and path template, such as `PUT /order-service/order/{id}/status`; `{id}` is an integer, `{ids}` an id-set."""

    method: str
    template: str

    @cached_property
    def _pattern(self) -> re.Pattern[str]:
        return re.compile(re.escape(self.template).replace(r"\{id\}", _ID).replace(r"\{ids\}", _IDS))

    def matches(self, method: str, path: str) -> bool:
        """Whether the request is this one."""
        return method == self.method and self._pattern.fullmatch(path) is not None


BRIGHTPEARL_READS = tuple(
    Rule("GET", template)
    for template in (
        "/order-service/order/{ids}",
        "/order-service/order-search",
        "/order-service/sales-order-search",
        "/order-service/sales-credit/{ids}",
        "/order-service/order-status",
        "/product-service/product/{ids}",
        "/product-service/product-search",
        "/product-service/channel",
        "/product-service/product-price/{ids}/price-list/{id}",
        "/warehouse-service/warehouse",
        "/warehouse-service/warehouse/{id}/location/default",
        "/warehouse-service/warehouse/{id}/location/quarantine",
        "/warehouse-service/goods-movement-search",
        "/warehouse-service/goods-in-search",
        "/warehouse-service/order/{ids}/goods-note/goods-in",
        "/warehouse-service/order/*/goods-note/goods-in/{ids}",
        "/warehouse-service/order/{ids}/goods-note/goods-out",
        "/warehouse-service/order/*/goods-note/goods-out/{ids}",
        "/warehouse-service/stock-transfer/{ids}",
        "/accounting-service/tax-code",
        "/accounting-service/payment-method",
        "/accounting-service/customer-payment-search",
        "/integration-service/webhook",
    )
)
RETURNGO_READS = tuple(Rule("GET", path) for path in ("/rmas", "/rma/{id}", "/transactions", "/webhooks"))
# Registrations are changed by a person's command alone: no effect kind arms these.
BRIGHTPEARL_REGISTRATIONS = (
    Rule("POST", "/integration-service/webhook"),
    Rule("DELETE", "/integration-service/webhook/{id}"),
)
RETURNGO_REGISTRATIONS = (Rule("POST", "/webhook"), Rule("DELETE", "/webhook/{id}"))

_WRITES: dict[str, tuple[Rule, ...]] = {
    "credit.raise": (Rule("POST", "/order-service/sales-credit"),),
    "credit.cancel": (Rule("PUT", "/order-service/order/{id}/status"),),
    "credit.amend": (
        Rule("POST", "/order-service/order/{id}/row"),
        Rule("PATCH", "/order-service/order/{id}/row/{id}"),
        Rule("DELETE", "/order-service/order/{id}/row/{id}"),
    ),
    "credit.post": (Rule("POST", "/order-service/sales-credit/{id}/close"),),
    "credit.annotate": (
        Rule("PUT", "/order-service/order/{id}/status"),
        Rule("POST", "/order-service/order/{id}/note"),
    ),
    "goods_in.write": (Rule("POST", "/warehouse-service/order/{id}/goods-note/goods-in"),),
    "refund.record": (Rule("POST", "/accounting-service/customer-payment"),),
    "transfer.create": (Rule("POST", "/warehouse-service/warehouse/{id}/stock-transfer"),),
    "transfer.dispatch": (Rule("POST", "/warehouse-service/warehouse/{id}/external-transfer"),),
    "transfer.ship": (Rule("POST", "/warehouse-service/goods-note/goods-out/{id}/event"),),
    "transfer.release": (Rule("POST", "/warehouse-service/warehouse/{id}/quarantine/release"),),
    "returngo.receive": (Rule("PUT", "/shipment/{id}"),),
}


def writes_of(kinds: Collection[str]) -> tuple[Rule, ...]:
    """The writes that these effect kinds may make; a kind that is not armed adds nothing.

    Raises:
        KeyError: no such kind.
    """
    return tuple(dict.fromkeys(rule for kind in sorted(kinds) for rule in _WRITES[kind]))


def template_of(rules: Iterable[Rule], method: str, path: str) -> str:
    """The template that the request matches, which is also how it is recorded.

    Raises:
        NotAllowed: no rule allows it.
    """
    for rule in rules:
        if rule.matches(method, path):
            return rule.template
    raise NotAllowed(
        f"{method} {path} is not on the list of requests that may leave: no effect kind that the settings arm uses it"
    )


def check_base_url(url: str, variable: str) -> str:
    """The base URL without a trailing slash, if we may talk to that host.

    Raises:
        NotAllowed: not https (but for loopback), an unknown host or port, a user name, a query or an odd path.
    """
    try:
        parts = urlsplit(url)
        host, port = (parts.hostname or "").lower(), parts.port
    except ValueError as error:
        raise NotAllowed(f"{variable} is no URL: write scheme, host and path") from error
    if parts.username is not None or parts.password is not None:
        raise NotAllowed(f"{variable} holds a user name or password: write only scheme, host and path")
    if parts.query or parts.fragment or not _BASE_PATH.fullmatch(parts.path):
        raise NotAllowed(f"{variable} holds more than scheme, host and a plain path: take the rest away")
    if host in _LOOPBACK and parts.scheme in ("http", "https"):
        return url.rstrip("/")
    if parts.scheme != "https":
        found = parts.scheme or "no scheme"
        raise NotAllowed(f"{variable} must begin with https:// (http is for 127.0.0.1 only), found {found!r}")
    if not _ALLOWED_HOSTS.fullmatch(host) or port not in (None, 443):
        raise NotAllowed(f"{variable} names the host {host!r}, which is neither Brightpearl's nor ReturnGo's")
    return url.rstrip("/")
