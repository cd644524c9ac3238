"""Looks at what earlier syncs kept of the books: currencies, price modes, nominal codes, locked periods; and how much of the calls is left."""

from collections.abc import Iterator

import psycopg

from returns_pipeline.doctor.point import Point
from returns_pipeline.settings import Settings, ShopSettings
from returns_pipeline.storage import period_locks

_LEAST_SHARE_LEFT = 0.2
_NOMINAL_CODES = """
SELECT nominal_code FROM brightpearl_sales_order_rows WHERE nominal_code IS NOT NULL
UNION SELECT nominal_code FROM brightpearl_sales_credit_rows WHERE nominal_code IS NOT NULL
UNION SELECT nominal_code_sales FROM brightpearl_products WHERE nominal_code_sales IS NOT NULL"""


def points(connection: psycopg.Connection, settings: Settings) -> Iterator[Point]:
    """Points of the account, then of each shop; what was not read yet is not judged."""
    yield from _calls(connection, settings)
    known = {row[0] for row in connection.execute(_NOMINAL_CODES).fetchall()}
    for shop in settings.shops:
        sales = connection.execute(
            "SELECT currency, price_mode, count(*) FROM brightpearl_sales_orders WHERE shop = %s GROUP BY 1, 2 ORDER BY 1, 2",
            (shop.label,),
        ).fetchall()
        if sales:
            yield _currencies(shop, sales)
            yield _nominals(shop, settings, known)
        yield _lock(connection, shop, settings)


def _calls(connection: psycopg.Connection, settings: Settings) -> Iterator[Point]:
    """How far Brightpearl's pool was drawn down in the last day, by us and by other apps of the account."""
    row = connection.execute(
        "SELECT min(least_remaining) FROM api_calls WHERE api = 'brightpearl' AND hour > now() - interval '1 day'"
    ).fetchone()
    if row is None or row[0] is None:
        return
    quota = settings.quota
    ours = quota.brightpearl_per_minute * quota.brightpearl_share
    drawn = max(quota.brightpearl_per_minute - row[0], 0)
    yield Point(
        "Brightpearl's pool of calls has room",
        row[0] >= quota.brightpearl_per_minute * _LEAST_SHARE_LEFT,
        "other apps of the account use it up: slow them down, or lower [quota] brightpearl_share so that nobody is refused",
        seen=f"at the worst {row[0]} of {quota.brightpearl_per_minute} calls a minute were left; at least {max(round(drawn - ours), 0)} were other apps'",
    )


def _currencies(shop: ShopSettings, sales: list[tuple[str, str, int]]) -> Point:
    told = ", ".join(f"{count} in {currency} priced {mode}" for currency, mode, count in sales)
    return Point(
        f"shop {shop.label}: sales are in the shop's currency",
        shop.currency in {currency for currency, *_ in sales},
        f"no sale is in {shop.currency}: write the shop's own currency",
        seen=told,
    )


def _nominals(shop: ShopSettings, settings: Settings, known: set[str]) -> Point:
    fees = shop.fees
    named = [settings.brightpearl.returns_nominal_code]
    named += [fee.nominal_code for fee in (fees.restocking, fees.return_, fees.return_shipping, fees.failed_inspection)]
    unseen = sorted({code for code in named if code} - known)
    return Point(
        f"shop {shop.label}: nominal codes of the settings are in use",
        not unseen,
        f"no sale, credit or article that was read carries {', '.join(unseen)}: look whether Brightpearl has them; a credit with an unknown code is refused and told",
        seen=f"{len(known)} codes seen",
    )


def _lock(connection: psycopg.Connection, shop: ShopSettings, settings: Settings) -> Point:
    owner = settings.group_of("finance")
    days = [day for day in (shop.policy.last_locked_day, period_locks.locked_until(connection, shop.label)) if day]
    return Point(
        f"shop {shop.label}: the locked period is known",
        True,
        seen=f"locked until {max(days)}, as settings, signed months or a refusal say; {owner} owns the lock and opens it in Brightpearl"
        if days
        else f"nothing is known to be locked; Brightpearl tells only when it refuses, then a credit is dated on the day of posting; {owner} owns the lock",
    )
