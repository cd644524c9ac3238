"""Makes the clients of one process: credentials from the environment, pacing shared through the database, requests limited to what the settings arm."""

import os
import time
from collections.abc import Callable, Mapping

import psycopg

from returns_pipeline.clients.allow_list import (
    BRIGHTPEARL_READS,
    BRIGHTPEARL_REGISTRATIONS,
    RETURNGO_READS,
    RETURNGO_REGISTRATIONS,
    check_base_url,
    writes_of,
)
from returns_pipeline.clients.brightpearl import BrightpearlClient
from returns_pipeline.clients.brightpearl_answers import is_permanent
from returns_pipeline.clients.credentials import base_url_from, brightpearl_from, returngo_from
from returns_pipeline.clients.returngo import ReturnGoClient
from returns_pipeline.clients.transport import Transport
from returns_pipeline.domain.quota import DayPlan
from returns_pipeline.settings import Settings, ShopSettings, live_kinds
from returns_pipeline.stages import secrecy
from returns_pipeline.stages.day_pacer import DayPacer
from returns_pipeline.storage import database, home, quota_days
from returns_pipeline.storage.pacing import PostgresPacer
from returns_pipeline.storage.quota_days import KeyDay
from returns_pipeline.storage.usage import CallRecorder

_BRIGHTPEARL_EXAMPLE = "https://euw1.brightpearlconnect.com/public-api/ACCOUNT"
_RETURNGO_ADDRESS = "https://api.returngo.ai"
# Of the pool, what stays free for a neighbour's next calls: 30 of Brightpearl's 200.
_LEFT_TO_OTHERS = 0.15


class Accounts:
    """The clients of one process, made when they are first used: one session per API and shop.

    Args:
        settings: shops, quota and the kinds of write that are armed.
        environment: where credentials and addresses are read; the process's own by default.
        registers_webhooks: a person asked to change webhook registrations, which nothing else may.
        sleep: waits for a turn in Brightpearl's minute; it may raise `BudgetSpent` to have none.
    """

    def __init__(
        self,
        settings: Settings,
        environment: Mapping[str, str] | None = None,
        *,
        registers_webhooks: bool = False,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self._settings, self._registers_webhooks, self._sleep = settings, registers_webhooks, sleep
        self._environment = os.environ if environment is None else environment
        self._brightpearl: BrightpearlClient | None = None
        self._returngo: dict[str, ReturnGoClient] = {}
        self._recorders: list[CallRecorder] = []
        self._pacers: list[PostgresPacer] = []
        self._days: dict[str, DayPacer] = {}

    @property
    def brightpearl(self) -> BrightpearlClient:
        """The account's client.

        Raises:
            MissingCredential, NotAllowed: the environment does not say whom to call and as whom.
        """
        if self._brightpearl is None:
            self._brightpearl = self._make_brightpearl()
        return self._brightpearl

    def returngo(self, shop: ShopSettings) -> ReturnGoClient:
        """The client of one shop.

        Raises:
            MissingCredential, NotAllowed: the environment does not say whom to call and as whom.
        """
        if shop.label not in self._returngo:
            self._returngo[shop.label] = self._make_returngo(shop)
        return self._returngo[shop.label]

    def day_of(self, connection: psycopg.Connection, shop: ShopSettings) -> KeyDay:
        """The day of the shop's ReturnGo key as planned now, with every call of this process."""
        for recorder in self._recorders:
            recorder.flush()
        key, shops = self._key_of(shop)
        return quota_days.read(connection, self._settings, key, shops)

    def check(self) -> None:
        """Makes every client, so that a missing variable is told before anything is read."""
        for shop in self._settings.shops:
            self.returngo(shop)
        _ = self.brightpearl

    def close(self) -> None:
        """Closes the sessions and writes down the calls they made."""
        for client in (self._brightpearl, *self._returngo.values()):
            if client is not None:
                client.close()
        for recorder in self._recorders:
            recorder.flush()
        for pacer in self._pacers:
            pacer.close()

    def _make_brightpearl(self) -> BrightpearlClient:
        url = check_base_url(
            base_url_from(self._environment, "BRIGHTPEARL_BASE_URL", _BRIGHTPEARL_EXAMPLE), "BRIGHTPEARL_BASE_URL"
        )
        credentials = brightpearl_from(self._environment, home.credentials(), url)
        secrecy.guard(credentials.secrets)
        pacer = _minute_of(self._settings, self._sleep)
        self._pacers.append(pacer)
        armed = {
            kind
            for shop in self._settings.shops
            for kind in live_kinds(self._settings, shop)
            if not kind.startswith("returngo.")
        }
        transport = Transport(
            url,
            credentials.headers,
            (*BRIGHTPEARL_READS, *writes_of(armed), *(BRIGHTPEARL_REGISTRATIONS if self._registers_webhooks else ())),
            pacer,
            self._recorder("brightpearl", ""),
            api="Brightpearl",
            secrets=secrecy.known,
            deadline_seconds=self._settings.ledger.request_deadline_seconds,
            permanent=is_permanent,
            renew=credentials.renew,
        )
        return BrightpearlClient(transport)

    def _make_returngo(self, shop: ShopSettings) -> ReturnGoClient:
        url = check_base_url(self._environment.get("RETURNGO_BASE_URL") or _RETURNGO_ADDRESS, "RETURNGO_BASE_URL")
        credentials = returngo_from(self._environment, shop.name, shop.api_key_env)
        secrecy.guard(credentials.secrets)
        armed = live_kinds(self._settings, shop) & {"returngo.receive"}
        transport = Transport(
            url,
            credentials.headers,
            (*RETURNGO_READS, *writes_of(armed), *(RETURNGO_REGISTRATIONS if self._registers_webhooks else ())),
            self._day_pacer(shop),
            self._recorder("returngo", shop.label),
            api=f"ReturnGo for {shop.name}",
            secrets=secrecy.known,
            deadline_seconds=self._settings.ledger.request_deadline_seconds,
        )
        return ReturnGoClient(transport)

    def _day_pacer(self, shop: ShopSettings) -> DayPacer:
        def measured() -> DayPlan:
            with database.connect() as connection:
                return self.day_of(connection, shop).plan

        key, _ = self._key_of(shop)
        return self._days.setdefault(key, DayPacer(measured))

    def _key_of(self, shop: ShopSettings) -> tuple[str, tuple[str, ...]]:
        keys = self._settings.shops_by_key(self._environment)
        return next((key, shops) for key, shops in keys.items() if shop.label in shops)

    def _recorder(self, api: str, shop: str) -> CallRecorder:
        recorder = CallRecorder(database.connect, api, shop)
        self._recorders.append(recorder)
        return recorder


def _minute_of(settings: Settings, sleep: Callable[[float], None]) -> PostgresPacer:
    """The account's minute, as every process with these settings shares it."""
    pool, share = settings.quota.brightpearl_per_minute, settings.quota.brightpearl_share
    reserve = int(pool * _LEFT_TO_OTHERS)
    return PostgresPacer(database.connect, "brightpearl", int(pool * share), reserve=reserve, sleep=sleep)
