"""The typed settings: one model per table of the settings file, with the same keys.

Belongs here: types, allowed values and what a shop may override. Not here: files and the environment (`load.py`),
or what live mode asks for (`live.py`).
"""

import datetime as dt
import re
from typing import Annotated, Any, Literal
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import BaseModel, ConfigDict, Field, field_validator

Share = Annotated[float, Field(gt=0, le=1)]
ClockTime = Annotated[str, Field(pattern=r"^([01]\d|2[0-3]):[0-5]\d$")]
EffectMode = Literal["live", "shadow"]
OrderReference = Literal["external_ref", "customer_ref"]
Mode = Literal["shadow", "live"]


class Table(BaseModel):
    """One table of the settings file: unknown keys are errors, values never change after loading."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)


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


class Ledger(Table):
    """The clocks of the effect ledger, in seconds unless named otherwise."""

    lease_seconds: int = Field(gt=0)
    request_deadline_seconds: int = Field(gt=0)
    unknown_horizon_seconds: int = Field(ge=0)
    absence_searches: int = Field(ge=1)
    absence_search_interval_seconds: int = Field(ge=0)
    drain_seconds: int = Field(gt=0)
    close_wait_seconds: int = Field(ge=0)


class Ui(Table):
    """How Dagster's web server is reached."""

    behind_proxy: bool


class Webhooks(Table):
    """Where webhooks come in, and how much is made of them."""

    public_url: str
    per_minute: int = Field(gt=0)
    looks_per_hour: int = Field(ge=0)

    @field_validator("public_url")
    @classmethod
    def _is_https(cls, value: str) -> str:
        if value and not re.fullmatch(
            r"(https://[A-Za-z0-9.-]+|http://127\.0\.0\.1)(:\d{1,5})?(/[A-Za-z0-9/_-]*)?", value
        ):
            raise ValueError(f"must be an https address without a query, found {value!r}")
        return value


class DaysOf(Table):
    """Days that one kind of evidence is kept; 0: as `evidence_days`."""

    api_calls: int = Field(ge=0)
    check_results: int = Field(ge=0)
    alerts: int = Field(ge=0)
    gates: int = Field(ge=0)
    comments: int = Field(ge=0)
    tracking: int = Field(ge=0)
    past_returns: int = Field(ge=0)


class Retention(Table):
    """How long evidence and runs are kept."""

    run_days: int = Field(ge=1)
    evidence_days: int = Field(ge=1)
    days_of: DaysOf

    def by_kind(self) -> dict[str, int]:
        """Days by kind of evidence."""
        return {kind: days or self.evidence_days for kind, days in self.days_of.model_dump().items()}


class Quota(Table):
    """Our part of what the two APIs allow."""

    returngo_per_day: int = Field(gt=0)
    audit_share: Share
    returngo_reserve_share: Annotated[float, Field(ge=0, lt=1)]
    brightpearl_per_minute: int = Field(gt=0)
    brightpearl_share: Share


class ServiceLevels(Table):
    """How long a gap may stay open before it is late."""

    receipt_without_credit_hours: int = Field(gt=0)
    credit_without_refund_hours: int = Field(gt=0)
    refund_deadline_days: int = Field(gt=0)
    status_drift_hours: int = Field(gt=0)
    announced_not_arrived_days: int = Field(gt=0)
    quarantine_days: int = Field(gt=0)
    transfer_stuck_days: int = Field(gt=0)
    order_not_found_hours: int = Field(gt=0)


class Owners(Table):
    """Who is told, by role."""

    finance: str
    warehouse: str
    cx: str
    product_data: str
    integration: str


class Escalation(Table):
    """Who is told when an owner's time is over, by the owner's role."""

    finance: str
    warehouse: str
    cx: str
    product_data: str
    integration: str

    def of(self, role: str) -> str:
        """The group that is told after that role's own."""
        return str(getattr(self, role))


class Alerts(Table):
    """What is told, when, and to which addresses."""

    at_once: tuple[Literal["info", "warn", "error", "critical"], ...]
    gather_minutes: int = Field(ge=0)
    digest_at: ClockTime
    quiet_from: ClockTime
    quiet_until: ClockTime
    time_zone: str
    dagster_url: str = Field(pattern=r"^https?://")
    runbook_url: str = Field(pattern=r"^(https?://.*)?$")
    mail_from: str = Field(pattern=r"^[^@\s,]+@[^@\s,]+$")
    mail_to: tuple[str, ...]
    recipients: dict[str, tuple[str, ...]]

    @field_validator("time_zone")
    @classmethod
    def _is_a_zone(cls, value: str) -> str:
        return _zone_name(value)

    @field_validator("mail_to", "recipients")
    @classmethod
    def _are_addresses(cls, value: Any) -> Any:  # noqa: ANN401 - a list of addresses, or lists of them by group
        addresses = [entry for entries in value.values() for entry in entries] if isinstance(value, dict) else value
        wrong = [address for address in addresses if not re.fullmatch(r"[^@\s,<>]+@[^@\s,<>]+", address)]
        if wrong:
            raise ValueError(f"{wrong[0]!r} is no e-mail address")
        return value

    @property
    def zone(self) -> ZoneInfo:
        """The zone of the digest's hour and of the quiet hours."""
        return ZoneInfo(self.time_zone)


class GoLive(Table):
    """What shadow mode must have shown before a shop goes live."""

    compared_returns: int = Field(ge=0)
    agreement_share: Share


class Reports(Table):
    """Where workbooks and pages are written; an empty folder means nowhere."""

    folder: str


class Calendar(Table):
    """Working hours in each shop's own time zone."""

    days: tuple[Literal["mon", "tue", "wed", "thu", "fri", "sat", "sun"], ...]
    opens: ClockTime
    closes: ClockTime
    holidays: tuple[str, ...]

    @field_validator("holidays")
    @classmethod
    def _are_dates(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        for day in value:
            dt.date.fromisoformat(day)
        return value


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
        return _zone_name(value)

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
    shops: tuple[ShopSettings, ...]
    brightpearl: Brightpearl
    returngo: ReturnGo
    tolerances: Tolerances
    limits: Limits
    ledger: Ledger
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

    def shop(self, label: str) -> ShopSettings:
        """The shop of that label; `KeyError` names the labels there are."""
        for shop in self.shops:
            if shop.label == label:
                return shop
        raise KeyError(f"no shop is labelled {label!r}; the settings have {[shop.label for shop in self.shops]}")


def _zone_name(value: str) -> str:
    try:
        ZoneInfo(value)
    except (ZoneInfoNotFoundError, ValueError, OSError) as error:
        raise ValueError(f"no time zone is called {value!r}; write one like 'Europe/London'") from error
    return value


def _format_with(template: str, **values: object) -> str:
    try:
        template.format(**values)
    except (KeyError, IndexError, ValueError) as error:
        raise ValueError(f"may hold only {sorted(values)} in braces, found {template!r}") from error
    return template
