"""What live mode asks of the settings before the first write.

Belongs here: what the settings alone show to be missing. Not here: what must be read from the accounts (the `doctor` command).
"""

from returns_pipeline.settings.model import Settings, ShopSettings

KINDS_OF_SWITCH = {
    "credits": ("credit.raise", "credit.cancel", "credit.amend", "credit.post", "credit.annotate", "goods_in.write"),
    "confirmations": ("returngo.receive",),
    "refunds": ("refund.record",),
    "transfers": ("transfer.create", "transfer.dispatch", "transfer.ship", "transfer.release"),
}


def missing_for_live(settings: Settings) -> list[str]:
    """What stands against live mode, one sentence per setting with its mend; empty when nothing does."""
    brightpearl = settings.brightpearl
    missing = [
        f"[brightpearl.statuses] {name} is 0: write the id of that order status of type SC"
        for name, status_id in brightpearl.statuses.model_dump().items()
        if status_id <= 0
    ]
    if brightpearl.shopify_app_credits != "off":
        missing.append(
            f"[brightpearl] shopify_app_credits is {brightpearl.shopify_app_credits!r}: switch off credits per refund in Brightpearl's Shopify app, then write 'off'"
        )
    missing += [
        f"[policy] record_refunds is not set for shop {shop.label!r}: write true to record refunds as customer payments, or false where something else does"
        for shop in settings.shops
        if shop.policy.record_refunds is None
    ]
    return missing


def live_kinds(settings: Settings, shop: ShopSettings) -> frozenset[str]:
    """The effect kinds that may really be sent for this shop: none in shadow mode, else what its [effects] arm."""
    if settings.mode != "live":
        return frozenset()
    armed = [
        kind for switch, kinds in KINDS_OF_SWITCH.items() if getattr(shop.effects, switch) == "live" for kind in kinds
    ]
    if not shop.policy.record_refunds:
        armed = [kind for kind in armed if kind != "refund.record"]
    if shop.policy.receipt_source != "returngo_validated":
        armed = [kind for kind in armed if kind != "goods_in.write"]
    return frozenset(armed)
