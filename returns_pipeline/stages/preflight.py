"""Holds the settings against the account before the first write: warehouses and statuses that are not there stop the pipeline with a mend.

Looked up once a day and whenever the settings change; what a person may want to know besides is the `doctor`'s.
"""

import datetime as dt
import hashlib
from collections.abc import Callable

import psycopg

from returns_pipeline.clients.outcomes import CredentialRefused, ReadFailed
from returns_pipeline.settings import Settings
from returns_pipeline.stages.accounts import Accounts
from returns_pipeline.storage import account_facts

_GOOD_FOR = dt.timedelta(hours=24)
_FACT = "settings_held_against_the_account"


def objections(connection: psycopg.Connection, accounts: Accounts, settings: Settings) -> list[str]:
    """What in the settings does not fit the account, one sentence each with its mend; empty when all fits.

    Raises:
        ReadFailed: the account could not be read; nothing may be written then.
    """
    fingerprint = hashlib.sha256(settings.model_dump_json().encode()).hexdigest()
    if account_facts.read(connection, _FACT, max_age=_GOOD_FOR) == fingerprint:
        return []
    found = [
        objection for look in (unknown_warehouses, unknown_statuses) for objection in _looked(look, accounts, settings)
    ]
    if not found:
        account_facts.write(connection, _FACT, fingerprint)
    return found


def _looked(look: Callable[[Accounts, Settings], list[str]], accounts: Accounts, settings: Settings) -> list[str]:
    try:
        return look(accounts, settings)
    except CredentialRefused:
        raise
    except ReadFailed as failure:
        if not failure.permanent:
            raise
        # An app without the scope for a list, or an account without that resource: what cannot be asked is no objection.
        return []


def unknown_warehouses(accounts: Accounts, settings: Settings) -> list[str]:
    """Warehouses that the shops name and the account does not have. No account is without any: an empty list says nothing."""
    known = {warehouse_id for warehouse_id, _ in accounts.brightpearl.warehouses()}
    return [
        f"shop {shop.label!r}: {table} {place!r} = {warehouse_id}: Brightpearl has no such warehouse; it has {sorted(known)}"
        for shop in settings.shops
        for table, warehouses in (
            ("returns_warehouses", shop.returns_warehouses),
            ("saleable_warehouses", shop.saleable_warehouses),
        )
        for place, warehouse_id in warehouses.items()
        if known and warehouse_id not in known
    ]


def unknown_statuses(accounts: Accounts, settings: Settings) -> list[str]:
    """Statuses that the settings name and that are no order statuses of type SC in the account; an empty list says nothing."""
    types = {
        int(status["statusId"]): str(status.get("orderTypeCode", ""))
        for status in accounts.brightpearl.order_statuses()
        if "statusId" in status
    }
    of_credits = sorted(status_id for status_id, code in types.items() if code == "SC")
    return [
        f"[brightpearl.statuses] {name} = {status_id}: no order status of type SC has that id; there are {of_credits}"
        for name, status_id in settings.brightpearl.statuses.model_dump().items()
        if types and types.get(status_id) not in ("SC", "")
    ]
