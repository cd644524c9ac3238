"""Which day a credit note is dated: local noon of the shop with its offset, and never a day of a locked period. What is locked is storage's to know.

Scenario 57. Source: reg 38(5) via HMRC VATSC06610: the entry belongs to the period in which the decrease takes place.
"""

import datetime as dt
from dataclasses import dataclass

from returns_pipeline.settings import ShopSettings


@dataclass(frozen=True)
class TaxDate:
    """The tax date as it is sent, and why it is another day than the policy's; empty where it is not."""

    text: str
    moved_because: str = ""


def tax_date(
    received_on: dt.datetime | None, now: dt.datetime, locked_until: dt.date | None, shop: ShopSettings
) -> TaxDate | None:
    """The day that `policy.tax_date` names, or today where that one is locked; None where today is locked as well.

    Args:
        received_on: when the last of the goods came, if any came.
        now: the pass's moment.
        locked_until: the last day of the locked period.
        shop: whose days they are.
    """
    today = now.astimezone(shop.zone).date()
    wanted = received_on.astimezone(shop.zone).date() if received_on and shop.policy.tax_date == "receipt" else today
    if locked_until is None or wanted > locked_until:
        return TaxDate(local_noon(wanted, shop))
    if today <= locked_until:
        return None
    return TaxDate(local_noon(today, shop), f"received on {wanted}, which is locked until {locked_until}")


def local_noon(day: dt.date, shop: ShopSettings) -> str:
    """Noon of the shop's day with its offset: no midnight that slips into another day or month."""
    return dt.datetime.combine(day, dt.time(12), tzinfo=shop.zone).isoformat(timespec="milliseconds")
