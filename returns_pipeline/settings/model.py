"""The typed settings: one model per table of the settings file, with the same keys.

Belongs here: types, allowed values and what a shop may override. Not here: how the pipeline runs (`running.py`), files and the environment
(`load.py`), or what live mode asks for (`live.py`).
"""

import datetime as dt
from collections.abc import Mapping
from typing import Literal
from zoneinfo import ZoneInfo

from pydantic import Field, field_validator

from returns_pipeline.settings.running import (
    Alerts,
    Calendar,
    Escalation,
    GoLive,
    Judging,
    Ledger,
    Owners,
    Quota,
    Reports,
    Retention,
    ServiceLevels,
    Ui,
    Webhooks,
)
from returns_pipeline.settings.table import ClockTime, Share, Table, zone_name

EffectMode = Literal["live", "shadow"]
OrderReference = Literal["external_ref", "customer_ref"]
Mode = Literal["shadow", "live"]


class Statuses(Table):
    """Order status ids of type SC in this Brightpearl account; 0 means not yet known."""

    awaiting_return: int
    goods_received: int
    credited: int
    cancelled: int


class Fee(Table):
    """How one kind of fee that ReturnGo deducts is booked; an empty nominal code holds credits with that fee."""

    nominal_code: str
    tax_code: str


class Fees(Table):
    """The three fees ReturnGo may deduct, and what is kept back for units that failed inspection."""

    restocking: Fee
    # `return` is a Python keyword; the file's key stays `return`.
    return_: Fee = Field(alias="return")
    return_shipping: Fee
    failed_inspection: Fee


class Brightpearl(Table):
    """How this Brightpearl account is set up."""

    installed_integration_instance_id: int
    dedupe: Literal["proven", "unproven"]
    part_receipt: Literal["refused", "allowed"]
    receive_into: Literal["location", "quarantine"]
    credits_raised_by: Literal["pipeline", "returngo"]
    shopify_app_credits: Literal["unknown", "off", "on"]
    accounting_currency: str
    credit_ref_format: str
    returns_nominal_code: str
    negative_rows: Literal["allowed", "refused"]
    cost_price_list_id: int = Field(ge=0)
    statuses: Statuses
    fees: Fees
    payment_methods: dict[str, str]
    inspection_locations: dict[str, Literal["pass", "damaged", "write_off"]]

    @field_validator("credit_ref_format")
    @classmethod
    def _holds_the_rma(cls, value: str) -> str:
        return _format_with(value, order_name="#1", rma_id=1)


class ReturnGo(Table):
    """How ReturnGo is set up, for all shops of its owner."""

    fee_scope: Literal["item", "rma"]
    confirm_status: Literal["Validated", "Received"]


class Policy(Table):
    """What the retailer decided about returns; a shop may override any key."""

    announce: Literal["approval", "in_transit", "never"]
    cancel_announced_after_days: int = Field(ge=0)
    receipt_source: Literal["brightpearl", "returngo_validated"]
    credit_on: Literal["receipt", "inspection"]
    failed_inspection: Literal["hold", "credit_full", "credit_reduced"]
    failed_deduction_percent: int = Field(ge=1, le=99)
    posting: Literal["review", "automatic"]
    partial_receipt: Literal["split", "wait"]
    partial_wait_days: int = Field(ge=0)
    credit_without_receipt: tuple[Literal["keep_item", "lost_in_transit"], ...]
    credit_ahead_of_receipt: bool
    refund_delivery: Literal["as_refunded", "never", "full_return"]
    store_credit: Literal["hold", "credit_and_liability", "stock_only"]
    exchange: Literal["credit_and_sale", "even_swap"]
    receipt_cost: Literal["original_sale", "cost_price_list"]
    record_refunds: bool | None = None
    inspection_source: tuple[Literal["returngo", "job", "brightpearl_location"], ...]
    put_away: Literal["warehouse", "automatic"]
    tax_date: Literal["posting", "receipt"]
    locked_until: str = Field(pattern=r"^(\d{4}-\d{2}-\d{2})?$")

    @field_validator("locked_until")
    @classmethod
    def _is_a_day(cls, value: str) -> str:
        if value:
            dt.date.fromisoformat(value)
        return value

    @property
    def last_locked_day(self) -> dt.date | None:
        """The last day of the locked period that finance named, if it named one."""
        return dt.date.fromisoformat(self.locked_until) if self.locked_until else None


class Effects(Table):
    """Which kinds of write are armed while the mode is live."""

    credits: EffectMode
    confirmations: EffectMode
    refunds: EffectMode
    transfers: EffectMode


class Transfers(Table):
    """When passed units leave the Returns warehouse."""

    at: tuple[ClockTime, ...]
    min_units: int = Field(ge=1)
    ship_by: Literal["warehouse", "pipeline"]


class Tolerances(Table):
    """Differences that are noted and not held, in minor units."""

    amount_minor_per_line: int = Field(ge=0)
    amount_minor_per_rma: int = Field(ge=0)
    tax_minor_per_line: int = Field(ge=0)


class Limits(Table):
    """What stops a batch or asks for a second person."""

    max_held_share: Share
    max_held_min_rows: int = Field(ge=0)
    second_approver_minor: int = Field(ge=0)
    auto_post_max_minor: int = Field(ge=0)


class ShopSettings(Table):
    """One ReturnGo shop, with the shop's own overrides already merged into policy, effects, transfers, fees and payment methods."""

    label: str = Field(pattern=r"^[a-z0-9_-]{1,32}$")
    name: str = Field(min_length=1)
    api_key_env: str = Field(default="RETURNGO_API_KEY", pattern=r"^[A-Z][A-Z0-9_]*$")
    channel_id: int
    currency: str = Field(pattern=r"^[A-Z]{3}$")
    time_zone: str
    order_match: tuple[OrderReference, ...] = ("external_ref", "customer_ref")
    order_name_format: str = "{order_name}"
    returns_warehouses: dict[str, int]
    saleable_warehouses: dict[str, int]
    policy: Policy
    effects: Effects
    transfers: Transfers
    fees: Fees
    payment_methods: dict[str, str]

    @field_validator("time_zone")
    @classmethod
    def _is_a_zone(cls, value: str) -> str:
        return zone_name(value)

    @field_validator("order_name_format")
    @classmethod
    def _holds_the_order_name(cls, value: str) -> str:
        return _format_with(value, order_name="#1")

    @field_validator("returns_warehouses")
    @classmethod
    def _has_a_default(cls, value: dict[str, int]) -> dict[str, int]:
        if "default" not in value:
            raise ValueError("needs a `default` warehouse id: { default = 3 }")
        return value

    @property
    def zone(self) -> ZoneInfo:
        """The zone in which this shop's days and months are counted."""
        return ZoneInfo(self.time_zone)


class Settings(Table):
    """Everything the pipeline may be told, typed and complete."""

    mode: Mode
    account: str = Field(default="", pattern="^[a-z0-9_]*$")
    shops: tuple[ShopSettings, ...]
    brightpearl: Brightpearl
    returngo: ReturnGo
    tolerances: Tolerances
    limits: Limits
    ledger: Ledger
    judging: Judging
    ui: Ui
    webhooks: Webhooks
    retention: Retention
    quota: Quota
    sla: ServiceLevels
    owners: Owners
    escalation: Escalation
    alerts: Alerts
    go_live: GoLive
    reports: Reports
    calendar: Calendar

    @field_validator("shops")
    @classmethod
    def _labels_differ(cls, value: tuple[ShopSettings, ...]) -> tuple[ShopSettings, ...]:
        labels = [shop.label for shop in value]
        if len(set(labels)) != len(labels):
            raise ValueError(f"two shops share a label: {labels}")
        return value

    def group_of(self, role: str) -> str:
        """The group of people that [owners] names for a role."""
        return str(getattr(self.owners, role))

    def shops_by_key(self, environment: Mapping[str, str]) -> dict[str, tuple[str, ...]]:
        """The variable of each ReturnGo key -> labels of the shops that share it; two variables that hold the same key are one, by the first name."""
        name_of: dict[str, str] = {}
        shared: dict[str, tuple[str, ...]] = {}
        for shop in self.shops:
            name = name_of.setdefault(environment.get(shop.api_key_env) or shop.api_key_env, shop.api_key_env)
            shared[name] = (*shared.get(name, ()), shop.label)
        return shared

    def shop(self, label: str) -> ShopSettings:
        """The shop of that label; `KeyError` names the labels there are."""
        for shop in self.shops:
            if shop.label == label:
                return shop
        raise KeyError(f"no shop is labelled {label!r}; the settings have {[shop.label for shop in self.shops]}")


def _format_with(template: str, **values: object) -> str:
    try:
        template.format(**values)
    except (KeyError, IndexError, ValueError) as error:
        raise ValueError(f"may hold only {sorted(values)} in braces, found {template!r}") from error
    return template
