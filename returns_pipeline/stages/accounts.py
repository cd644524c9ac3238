"""Makes the clients of one process: credentials from the environment, pacing shared through the database, requests limited to what the settings arm."""

import os
from collections.abc import Callable, Mapping

from returns_pipeline.clients.allow_list import (
    BRIGHTPEARL_READS,
    BRIGHTPEARL_REGISTRATIONS,
    RETURNGO_READS,
    RETURNGO_REGISTRATIONS,
    check_base_url,
    writes_of,
)
from returns_pipeline.clients.brightpearl import BrightpearlClient, is_permanent
from returns_pipeline.clients.credentials import base_url_from, brightpearl_from, returngo_from
from returns_pipeline.clients.pacing import BudgetSpent, Priority
from returns_pipeline.clients.returngo import ReturnGoClient
from returns_pipeline.clients.transport import Transport
from returns_pipeline.settings import Settings, ShopSettings, live_kinds
from returns_pipeline.stages import secrecy
from returns_pipeline.storage import database, home
from returns_pipeline.storage.usage import CallRecorder, DailyCount, PostgresPacer

_BRIGHTPEARL_EXAMPLE = "https://euw1.brightpearlconnect.com/public-api/ACCOUNT"
_RETURNGO_ADDRESS = "https://api.returngo.ai"


class Accounts:
    """The clients of one process, made when they are first used: one session per API and shop.

    Args:
        settings: shops, quota and the kinds of write that are armed.
        environment: where credentials and addresses are read; the process's own by default.
        registers_webhooks: a person asked to change webhook registrations, which nothing else may.
    """

    def __init__(
        self,
        settings: Settings,
        environment: Mapping[str, str] | None = None,
        *,
        registers_webhooks: bool = False,
    ) -> None:
        self._settings, self._registers_webhooks = settings, registers_webhooks
        self._environment = os.environ if environment is None else environment
        self._brightpearl: BrightpearlClient | None = None
        self._returngo: dict[str, ReturnGoClient] = {}
        self._recorders: list[CallRecorder] = []
        self._pacers: list[PostgresPacer] = []

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
        quota = self._settings.quota
        pacer = PostgresPacer(database.connect, "brightpearl", quota.brightpearl_per_minute * quota.brightpearl_share)
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
            secrets=credentials.secrets,
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
            _DailyPacer(DailyCount(database.connect, "returngo"), self._settings),
            self._recorder("returngo", shop.label),
            api=f"ReturnGo for {shop.name}",
            secrets=credentials.secrets,
            deadline_seconds=self._settings.ledger.request_deadline_seconds,
        )
        return ReturnGoClient(transport)

    def _recorder(self, api: str, shop: str) -> Callable[[str, str, int, int, int | None], None]:
        recorder = CallRecorder(database.connect, api, shop)
        self._recorders.append(recorder)
        return recorder


class _DailyPacer:
    """ReturnGo's day: polling stops at the reserve, writes and look-ups may use it up."""

    _LOOK_AGAIN_AFTER = 25

    def __init__(self, count: DailyCount, settings: Settings) -> None:
        self._count, self._quota = count, settings.quota
        self._used, self._since = count.used(), 0

    def wait(self, priority: Priority) -> None:
        """Raises BudgetSpent when this kind of call may not go today."""
        if self._since >= self._LOOK_AGAIN_AFTER:
            self._used, self._since = self._count.used(), 0
        reserve = int(self._quota.returngo_per_day * self._quota.returngo_reserve_share)
        limit = self._quota.returngo_per_day - (reserve if priority >= Priority.POLL else 0)
        if self._used + self._since >= limit:
            raise BudgetSpent(
                f"{self._used + self._since} of {self._quota.returngo_per_day} ReturnGo calls of the day are used: polling rests, the reserve is kept"
            )
        self._since += 1

    def note(self, remaining: int | None, next_period_milliseconds: int | None) -> None:
        """ReturnGo's answers say nothing of what is left."""
