"""One pass over the graph: the settings, the database and the two accounts that a stage works with. No stage's logic."""

import datetime as dt
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property

import psycopg

from returns_pipeline.settings import Settings, ShopSettings, missing_for_live
from returns_pipeline.stages import exposure, preflight
from returns_pipeline.stages.accounts import Accounts
from returns_pipeline.stages.open_ledger import OpenLedger
from returns_pipeline.storage import database
from returns_pipeline.storage.database import KeptConnection


class NotReady(Exception):
    """The pipeline refuses to begin; the message names what is missing and its mend."""


@dataclass(frozen=True)
class Scope:
    """What a run was asked for: some shops, some RMAs, or all that is open; a sweep re-reads every open item."""

    shops: tuple[str, ...] = ()
    rma_ids: tuple[int, ...] = ()
    is_sweep: bool = False

    def names(self, shop: ShopSettings) -> bool:
        """Whether this run is about that shop."""
        return not self.shops or shop.label in self.shops


@dataclass(frozen=True)
class Pass:
    """What every stage needs; `now` is the pass's own moment, so that one pass judges all rows by one clock."""

    settings: Settings
    connection: psycopg.Connection
    accounts: Accounts
    run_id: str
    now: dt.datetime
    scope: Scope

    @cached_property
    def ledger(self) -> OpenLedger:
        """The ledger as this pass sees it."""
        return OpenLedger(self.connection, self.scope.rma_ids or None)

    @property
    def shops(self) -> list[ShopSettings]:
        """The shops of this run, in the order of the settings."""
        return [shop for shop in self.settings.shops if self.scope.names(shop)]


@contextmanager
def open_pass(
    settings: Settings, accounts: Accounts, run_id: str, scope: Scope, kept: KeptConnection | None = None
) -> Iterator[Pass]:
    """A pass on the connection that is kept for this process's steps, or on one of its own, closed at the end whatever happened.

    Raises:
        NotReady: live mode with settings that live mode needs and does not have.
    """
    refuse_unready(settings)
    with database.connect() if kept is None else kept.lend() as connection:
        yield Pass(settings, connection, accounts, run_id, dt.datetime.now(dt.UTC), scope)


def refuse_unready(settings: Settings) -> None:
    """Stops before anything is read or written when live mode lacks a setting."""
    missing = missing_for_live(settings) if settings.mode == "live" else []
    if missing:
        raise NotReady("RETURNS_MODE is 'live', but the settings are not complete:\n  " + "\n  ".join(missing))


def refuse_unfit(connection: psycopg.Connection, accounts: Accounts, settings: Settings) -> None:
    """Stops a writer in live mode when the settings name what the account does not have, or when anybody may press the UI's buttons.

    Raises:
        NotReady: with one sentence per setting.
        ReadFailed: the account could not be read.
    """
    if settings.mode != "live":
        return
    exposed = exposure.objections(settings, exposure.running_servers())
    if exposed:
        raise NotReady("nothing is written while the UI is open to others:\n  " + "\n  ".join(exposed))
    found = preflight.objections(connection, accounts, settings)
    if found:
        raise NotReady(
            "the settings do not fit the Brightpearl account, so that nothing is written:\n  " + "\n  ".join(found)
        )
