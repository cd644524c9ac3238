"""The tables that say how the pipeline runs, is watched and is kept: one model each, with the same keys. What the trade decides is in `model`."""

import datetime as dt
import re
from typing import Annotated, Any, Literal
from zoneinfo import ZoneInfo

from pydantic import Field, field_validator

from returns_pipeline.settings.table import ClockTime, Share, Table, zone_name


class Ledger(Table):
    """The clocks of the effect ledger, in seconds unless named otherwise."""

    lease_seconds: int = Field(gt=0)
    request_deadline_seconds: int = Field(gt=0)
    unknown_horizon_seconds: int = Field(ge=0)
    absence_searches: int = Field(ge=1)
    absence_search_interval_seconds: int = Field(ge=0)
    drain_seconds: int = Field(gt=0)
    close_wait_seconds: int = Field(ge=0)


class Judging(Table):
    """How long a verdict stands when nothing moves."""

    again_after_minutes: int = Field(ge=0, le=720)


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
    hints: int = Field(ge=0)
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
        return zone_name(value)

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
