"""Holds every name and id of the settings against the two accounts: shops, warehouses, statuses, codes, channels, methods, clocks."""

import datetime as dt
from collections.abc import Iterator
from functools import partial

from returns_pipeline.clients.credentials import MissingCredential
from returns_pipeline.clients.outcomes import NotAllowed
from returns_pipeline.doctor.point import Point, tried
from returns_pipeline.settings import Settings, ShopSettings, missing_for_live
from returns_pipeline.stages import exposure, preflight
from returns_pipeline.stages.accounts import Accounts
from returns_pipeline.webhooks.registrations import ours, senders

_MOST_SKEW = dt.timedelta(seconds=60)
_SAME_AS_ITEM, _SAME_AS_SALE = "same_as_item", "same_as_sale"


def points(settings: Settings, accounts: Accounts) -> Iterator[Point]:
    """What settings and accounts need, whichever shop it is about."""
    missing = missing_for_live(settings)
    yield Point("settings are complete for live mode", not missing, "; ".join(missing))
    exposed = exposure.objections(settings, exposure.running_servers())
    yield Point("no web server of this machine is open to others without a proxy", not exposed, "; ".join(exposed))
    for shop in settings.shops:
        yield tried(f"ReturnGo answers for shop {shop.label}", partial(_shop_answers, accounts, shop))
    for what, look in (
        ("Brightpearl answers, and has the warehouses named", preflight.unknown_warehouses),
        ("order statuses exist and are of type SC", preflight.unknown_statuses),
        ("every warehouse named has a default location", _without_default_location),
        ("every warehouse that needs one has a quarantine location", _without_quarantine),
        ("tax codes of the fees exist", _unknown_tax_codes),
        ("channels of the shops exist", _unknown_channels),
        ("payment methods exist", _unknown_methods),
    ):
        yield tried(what, lambda look=look: "; ".join(look(accounts, settings)))  # type: ignore[misc]
    yield tried("webhooks come to us, or none are wanted", partial(_unregistered, accounts, settings))
    yield tried("the clocks agree", partial(_skew, accounts))
    instance = settings.brightpearl.installed_integration_instance_id or _instance(accounts)
    yield Point(
        "an installed integration instance id is known",
        instance is not None,
        "write [brightpearl] installed_integration_instance_id: without it no duplicate rule protects a credit",
        seen=f"{instance}" if instance else "",
    )
    yield Point(
        "the duplicate rule is proven",
        settings.brightpearl.dedupe == "proven",
        "run `returns-pipeline doctor --prove-dedupe ORDER` on a test order; until then an unknown outcome halts for a person, the safe default",
    )


def _shop_answers(accounts: Accounts, shop: ShopSettings) -> str:
    next(accounts.returngo(shop).list_rmas(statuses=("Approved",)), None)
    return ""


def _without_default_location(accounts: Accounts, settings: Settings) -> list[str]:
    named = {
        warehouse
        for shop in settings.shops
        for warehouse in (*shop.returns_warehouses.values(), *shop.saleable_warehouses.values())
    }
    return [
        f"warehouse {warehouse} has no default location: give it one in Brightpearl, or goods cannot be booked in or sent there"
        for warehouse in sorted(named)
        if accounts.brightpearl.location(warehouse, "default") is None
    ]


def _without_quarantine(accounts: Accounts, settings: Settings) -> list[str]:
    """A transfer lands in the target's quarantine; goods that are booked into quarantine need one in Returns."""
    needed = {warehouse for shop in settings.shops for warehouse in shop.saleable_warehouses.values()}
    if settings.brightpearl.receive_into == "quarantine":
        needed |= {warehouse for shop in settings.shops for warehouse in shop.returns_warehouses.values()}
    return [
        f"warehouse {warehouse} has no quarantine location: give it one in Brightpearl; transfers land there, and nothing is released from what is not there"
        for warehouse in sorted(needed)
        if accounts.brightpearl.location(warehouse, "quarantine") is None
    ]


def _unknown_tax_codes(accounts: Accounts, settings: Settings) -> list[str]:
    known = {str(entry.get("code")) for entry in accounts.brightpearl.tax_codes()}
    return [
        f"shop {shop.label!r}: [brightpearl.fees] {kind}: there is no tax code {fee['tax_code']!r}; there are {', '.join(sorted(known))}"
        for shop in settings.shops
        for kind, fee in shop.fees.model_dump(by_alias=True).items()
        if known and fee["tax_code"] != _SAME_AS_ITEM and fee["tax_code"] not in known
    ]


def _unknown_channels(accounts: Accounts, settings: Settings) -> list[str]:
    known = {int(entry["id"]): str(entry.get("name", "")) for entry in accounts.brightpearl.channels() if "id" in entry}
    there_are = ", ".join(f"{channel} {name}" for channel, name in sorted(known.items()))
    return [
        f"shop {shop.label!r}: there is no channel {shop.channel_id}; there are {there_are}"
        for shop in settings.shops
        if known and shop.channel_id not in known
    ]


def _unknown_methods(accounts: Accounts, settings: Settings) -> list[str]:
    known = {str(entry.get("code")) for entry in accounts.brightpearl.payment_methods()}
    return [
        f"shop {shop.label!r}: [brightpearl.payment_methods] {resolution}: there is no method {method!r}; there are {', '.join(sorted(known))}"
        for shop in settings.shops
        for resolution, method in shop.payment_methods.items()
        if known and method != _SAME_AS_SALE and method not in known
    ]


def _unregistered(accounts: Accounts, settings: Settings) -> str:
    url = settings.webhooks.public_url
    if not url:
        return ""
    missing = [
        f"{sender.name} ({event})"
        for sender in senders(settings, accounts.brightpearl, accounts.returngo)
        for event in set(sender.events) - {each.event for each in ours(sender.registered(), url)}
    ]
    return f"run `returns-pipeline webhooks register`: {', '.join(sorted(missing))} not registered" if missing else ""


def _skew(accounts: Accounts) -> str:
    accounts.brightpearl.warehouses()
    return skew("Brightpearl", accounts.brightpearl.server_time)


def skew(system: str, theirs: dt.datetime | None) -> str:
    """The mend where this machine's clock is far from the other's, as its last answer named it."""
    if theirs is None:
        return f"{system}'s answers name no time: compare this machine's clock by hand"
    off = abs(dt.datetime.now(dt.UTC) - theirs)
    return f"this machine is {off.total_seconds():.0f} seconds off {system}'s clock: set it" if off > _MOST_SKEW else ""


def _instance(accounts: Accounts) -> int | None:
    try:
        return accounts.brightpearl.installed_integration_instance_id
    except (MissingCredential, NotAllowed):
        return None
