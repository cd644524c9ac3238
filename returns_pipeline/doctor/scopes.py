"""Asks once for each kind of thing that the pipeline reads, so that a missing scope is met today and not in the middle of a return.

What an app may write cannot be asked without writing: that stays open until the first write.
"""

import datetime as dt
from collections.abc import Callable, Iterator, Mapping
from functools import partial

from returns_pipeline.clients.brightpearl import BrightpearlClient
from returns_pipeline.clients.outcomes import CredentialRefused
from returns_pipeline.clients.returngo import ReturnGoClient
from returns_pipeline.doctor.point import Point, looked
from returns_pipeline.settings import Settings, ShopSettings
from returns_pipeline.stages.accounts import Accounts

# No record has to have this id: what is not there is answered, what may not be read is refused.
_ANY_ID = 1
_LONG_AGO = dt.timedelta(days=1)


def points(settings: Settings, accounts: Accounts, now: dt.datetime) -> Iterator[Point]:
    """One point for the Brightpearl app, one for each shop's key."""
    yield looked(
        "the app may read all that the pipeline reads",
        lambda: _asked(_of_brightpearl(settings, accounts.brightpearl, now)),
    )
    for shop in settings.shops:
        what = f"shop {shop.label}: the key may read all that the pipeline reads"
        yield looked(what, partial(_ask_returngo, accounts, shop, now))


def _ask_returngo(accounts: Accounts, shop: ShopSettings, now: dt.datetime) -> tuple[str, str]:
    return _asked(_of_returngo(accounts.returngo(shop), now))


def _of_brightpearl(
    settings: Settings, client: BrightpearlClient, now: dt.datetime
) -> Mapping[str, Callable[[], object]]:
    asked: dict[str, Callable[[], object]] = {
        "orders": lambda: client.orders([_ANY_ID]),
        "the search of sales": lambda: client.find_sales_orders("externalRef", ["1", "2"]),
        "sales credits": lambda: client.sales_credits([_ANY_ID]),
        "customer payments": lambda: client.payments(_ANY_ID),
        "products": lambda: client.products([_ANY_ID]),
        "goods-in notes": lambda: client.goods_in_notes(order_ids=[_ANY_ID]),
        "goods-out notes": lambda: client.goods_out_notes([_ANY_ID]),
        "goods movements": lambda: next(client.goods_movements(now), None),
        "stock transfers": lambda: client.stock_transfers([_ANY_ID]),
    }
    if settings.brightpearl.cost_price_list_id:
        asked["cost prices"] = lambda: client.cost_prices([_ANY_ID], settings.brightpearl.cost_price_list_id)
    return asked


def _of_returngo(client: ReturnGoClient, now: dt.datetime) -> Mapping[str, Callable[[], object]]:
    return {
        "returns": lambda: next(client.list_rmas(created_since=now - _LONG_AGO), None),
        "transactions": lambda: next(client.list_transactions(updated_since=now - _LONG_AGO), None),
        "webhook registrations": client.webhooks,
    }


def _asked(asks: Mapping[str, Callable[[], object]]) -> tuple[str, str]:
    """The mend, and what was asked; anything but a refusal of the credentials is the caller's.

    Raises:
        ReadFailed: something could not be read for another reason.
    """
    refused = []
    for what, ask in asks.items():
        try:
            ask()
        except CredentialRefused:
            refused.append(what)
    mend = (
        f"{', '.join(refused)} refused: give the app or key that scope, or returns stop where they are needed"
        if refused
        else ""
    )
    return mend, f"{len(asks)} kinds asked for"
