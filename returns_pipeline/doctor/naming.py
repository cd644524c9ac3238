"""How the account's newest sales carry the shops' orders, and at which offset it dates them. Shapes only: nobody's reference is told."""

import datetime as dt
import itertools
import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import partial

from returns_pipeline.doctor.point import UNREADABLE, Point, looked
from returns_pipeline.settings import Settings, ShopSettings
from returns_pipeline.stages.accounts import Accounts

_SALE = 1
_PERIODS = (dt.timedelta(days=2), dt.timedelta(days=30))
_MOST = 200
# What one sale alone carries may be what somebody typed, a customer's name among it.
_FEWEST_ALIKE = 2
_SHOPIFY_ID, _NUMBER = "{id}", "9"


@dataclass(frozen=True)
class Naming:
    """What the sample showed.

    Attributes:
        sales: how many were looked at.
        external, customer: shape of the reference -> number of sales; a long number is `{id}`, any other `9`.
        offset: at which offset the account dates its sales; None where no sale was seen.
        orders: shop -> shape of ReturnGo's order names -> number.
        now: when it was looked at.
    """

    sales: int
    external: Mapping[str, int]
    customer: Mapping[str, int]
    offset: dt.timedelta | None
    orders: Mapping[str, Mapping[str, int]]
    now: dt.datetime

    def format_of(self, shop: ShopSettings) -> str | None:
        """How the customer reference is made of the shop's order names, as `order_name_format` writes it; None where none fits."""
        fitting: Counter[str] = Counter()
        for customer, name in itertools.product(self.customer, self.orders.get(shop.label, {})):
            before, found, after = customer.partition(name)
            if found and _NUMBER not in before + after and "{" not in before + after:
                fitting[f"{before}{{order_name}}{after}"] += self.customer[customer]
        return fitting.most_common(1)[0][0] if fitting else None

    @property
    def has_shopify_ids(self) -> bool:
        """Whether external references are long numbers, as Shopify's order ids are."""
        return _SHOPIFY_ID in self.external


def read(settings: Settings, accounts: Accounts, now: dt.datetime) -> Naming:
    """Reads some sales and each shop's newest returns: a page of a search, and of each list.

    Raises:
        ReadFailed: the sales could not be read.
    """
    rows: list[Mapping[str, object]] = []
    for period in _PERIODS:
        rows = list(itertools.islice(accounts.brightpearl.sales_made(now - period), _MOST))
        if rows:
            break
    stamps = [str(row["createdOn"]) for row in rows if row.get("createdOn")]
    return Naming(
        sales=len(rows),
        external=shapes(row.get("externalRef") for row in rows),
        customer=shapes(row.get("customerRef") for row in rows),
        offset=dt.datetime.fromisoformat(stamps[-1]).utcoffset() if stamps else None,
        orders={shop.label: _names_of(accounts, shop, now) for shop in settings.shops},
        now=now,
    )


def _names_of(accounts: Accounts, shop: ShopSettings, now: dt.datetime) -> Mapping[str, int]:
    """Shapes of the order names of a shop's newest returns; none where ReturnGo cannot be read, which another point tells."""
    try:
        rows = itertools.islice(accounts.returngo(shop).list_rmas(created_since=now - _PERIODS[-1]), _MOST)
        return shapes(row.order_name for row in rows)
    except UNREADABLE:
        return {}


def points(naming: Naming, settings: Settings) -> Iterator[Point]:
    """What the shapes mean for `order_match` and `order_name_format`, and the offset for the months."""
    for shop in settings.shops:
        what = f"shop {shop.label}: sales carry what orders are looked for by"
        yield looked(what, partial(_references, naming, shop))
    if naming.offset is not None:
        zones = {shop.label: naming.now.astimezone(shop.zone).utcoffset() for shop in settings.shops}
        yield Point(
            "the account's days are those of a shop",
            naming.offset in zones.values(),
            "no shop's time_zone is the account's: months are cut by the shop's clock here and by the account's in Brightpearl's reports, so that the last hours of a month differ; write the zone that finance counts by",
            seen=f"the account dates sales at {_hours(naming.offset)}; {', '.join(f'{label} is at {_hours(offset)}' for label, offset in zones.items())}",
        )


def _references(naming: Naming, shop: ShopSettings) -> tuple[str, str]:
    told = f"external references like {_told(naming.external)}; customer references like {_told(naming.customer)}; ReturnGo's orders like {_told(naming.orders.get(shop.label, {}))}"
    seen = f"{naming.sales} newest sales: {told}"
    found = naming.format_of(shop)
    is_by_name = found is not None and found == shop.order_name_format
    looks = {"external_ref": naming.has_shopify_ids, "customer_ref": is_by_name}
    if not naming.sales or any(looks[way] for way in shop.order_match):
        return "", seen if naming.sales else "no sale in 30 days"
    if found is not None:
        return (
            f'write order_match = ["customer_ref"] and order_name_format = "{found}": customer references hold the order\'s name so',
            seen,
        )
    if naming.has_shopify_ids:
        return (
            'write order_match = ["external_ref"]: external references are long numbers, as Shopify\'s order ids are',
            seen,
        )
    return (
        "neither reference holds Shopify's order id or the order's name: the channel that brings orders into Brightpearl must write one of them, or no return finds its sale",
        seen,
    )


def shapes(texts: Iterable[object]) -> Mapping[str, int]:
    """The commonest shapes of references with their number, those of single texts left out."""
    shapes = Counter(
        re.sub(r"\d+", _NUMBER, re.sub(r"\d{10,}", _SHOPIFY_ID, str(text).replace("{", "(")))[:60]
        for text in texts
        if text
    )
    return {shape: number for shape, number in shapes.most_common(3) if number >= _FEWEST_ALIKE and shape.isprintable()}


def _told(shapes: Mapping[str, int]) -> str:
    return ", ".join(f"{shape} ({number})" for shape, number in shapes.items()) or "nothing that two of them share"


def _hours(offset: dt.timedelta | None) -> str:
    return f"{(offset or dt.timedelta()).total_seconds() / 3600:+g} h"
