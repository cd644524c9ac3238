"""A settings file as the account suggests it: ids and names that are there, for a person to check. It never writes over a file."""

import json
import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from returns_pipeline.doctor.history import History
from returns_pipeline.settings import Settings
from returns_pipeline.stages.accounts import Accounts

_STATUS_WORDS = {
    "awaiting_return": ("await", "expect", "pending", "new"),
    "goods_received": ("received",),
    "credited": ("credited", "complete", "closed"),
    "cancelled": ("cancel",),
}


class NotWritten(Exception):
    """There is a file already; nothing was written over."""


def proposed(settings: Settings, accounts: Accounts, history: History) -> str:
    """The text of the file: what was read, each guess with the other candidates beside it.

    Raises:
        ReadFailed: the account could not be read.
    """
    brightpearl = accounts.brightpearl
    warehouses, channels = brightpearl.warehouses(), brightpearl.channels()
    statuses = [status for status in brightpearl.order_statuses() if status.get("orderTypeCode") == "SC"]
    instance = settings.brightpearl.installed_integration_instance_id or brightpearl.installed_integration_instance_id
    lines = ["# Proposed from what the accounts show. Check every line; docs/settings.md says what each means.", ""]
    for shop in settings.shops:
        lines += _shop(shop.label, shop.name, shop.channel_id, shop.currency, str(shop.zone), warehouses, channels)
    lines += [
        "[brightpearl]",
        f"installed_integration_instance_id = {instance or 0}",
        'dedupe = "unproven"                            # "proven" after `returns-pipeline doctor --prove-dedupe ORDER`',
        f'part_receipt = "{"allowed" if history.has_part_receipts else "refused"}"',
        f'negative_rows = "{"allowed" if history.has_negative_rows else "refused"}"',
        'shopify_app_credits = "unknown"                # "off" once the Shopify app makes no credits',
        f"# credits by others in the last 30 days: {_said(history.writers) or 'none seen'}",
        "[brightpearl.statuses]",
        *(_status(name, words, statuses) for name, words in _STATUS_WORDS.items()),
        "[brightpearl.payment_methods]",
        f"# methods of the account: {_said([(str(each.get('code')), str(each.get('name'))) for each in brightpearl.payment_methods()])}",
        'RefundToPaymentMethod = "same_as_sale"',
        "",
    ]
    return "\n".join(lines)


def write(text: str, path: Path) -> None:
    """Writes a new file that only its owner reads.

    Raises:
        NotWritten: the file is there.
    """
    try:
        handle = os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600)
    except FileExistsError as error:
        raise NotWritten(f"{path} is there already: a proposal is never written over a file") from error
    with os.fdopen(handle, "w", encoding="utf-8") as opened:
        opened.write(text)


def _shop(
    label: str,
    name: str,
    channel_id: int,
    currency: str,
    zone: str,
    warehouses: Sequence[tuple[int, str]],
    channels: Sequence[Mapping[str, Any]],
) -> list[str]:
    returns = next((number for number, called in warehouses if "return" in called.casefold()), 0)
    sells = next((number for number, _ in warehouses if number != returns), 0)
    known = [int(each["id"]) for each in channels if "id" in each]
    channel = channel_id if channel_id in known or not known else known[0]
    return [
        "[[shops]]",
        f"label = {json.dumps(label)}",
        f"name = {json.dumps(name)}",
        f"channel_id = {channel}  # channels: {_said([(str(each.get('id')), str(each.get('name'))) for each in channels])}",
        f"currency = {json.dumps(currency)}",
        f"time_zone = {json.dumps(zone)}",
        f"returns_warehouses = {{ default = {returns} }}  # warehouses: {_said(warehouses)}",
        f'saleable_warehouses = {{ "{channel}" = {sells} }}',
        "",
    ]


def _status(name: str, words: Sequence[str], statuses: Sequence[Mapping[str, Any]]) -> str:
    named = [(int(each["statusId"]), str(each.get("name", ""))) for each in statuses if "statusId" in each]
    guess = next((number for word in words for number, called in named if word in called.casefold()), 0)
    return f"{name} = {guess}  # of type SC: {_said(named)}"


def _said(pairs: Sequence[tuple[object, object]]) -> str:
    """Ids and names of the account in one harmless line."""
    return "".join(
        each if each.isprintable() else " " for each in ", ".join(f"{number} {called}" for number, called in pairs)
    )
