"""A settings file as the accounts suggest it, for a person to check: what stands in the settings and is there is kept, the rest is what was seen.

It never writes over a file. What people must decide (`shopify_app_credits`, `record_refunds`) is never guessed.
"""

import json
import os
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from returns_pipeline.clients.brightpearl import BrightpearlClient
from returns_pipeline.doctor.history import DAYS, History
from returns_pipeline.doctor.naming import Naming
from returns_pipeline.settings import Settings, ShopSettings

_STATUS_WORDS = {
    "awaiting_return": ("await", "expect", "pending", "new"),
    "goods_received": ("received",),
    "credited": ("credited", "complete", "closed"),
    "cancelled": ("cancel",),
}


class NotWritten(Exception):
    """There is a file already; nothing was written over."""


@dataclass(frozen=True)
class _Account:
    """What the account has: ids and names of warehouses and channels, statuses of type SC, tax codes, methods."""

    warehouses: Sequence[tuple[int, str]]
    channels: Mapping[int, str]
    statuses: Mapping[int, str]
    tax_codes: frozenset[str]
    methods: Mapping[str, str]
    instance: int


def proposed(settings: Settings, client: BrightpearlClient, history: History, naming: Naming) -> str:
    """The text of the file, each line with the other candidates beside it.

    Raises:
        ReadFailed: the account could not be read.
    """
    account = _read(settings, client)
    lines = [
        "# Proposed from what the accounts show, beside what stands in your settings. Check every line; docs/settings.md says what each means.",
        "# Tables that are not here keep their defaults: copy over what your own file has of them.",
        "",
    ]
    for shop in settings.shops:
        lines += [*_shop(shop, account, naming), ""]
    lines += [*_brightpearl(settings, account, history), ""]
    lines += [
        "[returngo]",
        f"fee_scope = {json.dumps(settings.returngo.fee_scope)}",
        f"confirm_status = {json.dumps(settings.returngo.confirm_status)}",
        "",
        "[policy]",
        *_record_refunds(settings),
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


def _read(settings: Settings, client: BrightpearlClient) -> _Account:
    statuses = [
        status for status in client.order_statuses() if status.get("orderTypeCode") == "SC" and "statusId" in status
    ]
    methods = client.payment_methods()
    instance = settings.brightpearl.installed_integration_instance_id or client.installed_integration_instance_id
    return _Account(
        warehouses=client.warehouses(),
        channels={int(each["id"]): str(each.get("name", "")) for each in client.channels() if "id" in each},
        statuses={int(each["statusId"]): str(each.get("name", "")) for each in statuses},
        tax_codes=frozenset(str(each.get("code")) for each in client.tax_codes()),
        methods={str(each.get("code")): str(each.get("name", "")) for each in methods},
        instance=instance or 0,
    )


def _shop(shop: ShopSettings, account: _Account, naming: Naming) -> Iterator[str]:
    known = {number for number, _ in account.warehouses}
    returns = next((number for number, called in account.warehouses if "return" in called.casefold()), 0)
    sells = next((number for number, _ in account.warehouses if number != returns), 0)
    channel = shop.channel_id if shop.channel_id in account.channels else next(iter(account.channels), shop.channel_id)
    found_format = naming.format_of(shop)
    ways = [
        way for way, is_seen in (("external_ref", naming.has_shopify_ids), ("customer_ref", found_format)) if is_seen
    ]
    returns_to = _kept(shop.returns_warehouses, known) or {"default": returns}
    sells_from = _kept(shop.saleable_warehouses, known) or {str(channel): sells}
    yield "[[shops]]"
    yield f"label = {json.dumps(shop.label)}"
    yield f"name = {json.dumps(shop.name)}"
    yield f"api_key_env = {json.dumps(shop.api_key_env)}"
    yield f"channel_id = {channel}  # channels: {_said(account.channels.items())}"
    yield f"currency = {json.dumps(shop.currency)}"
    yield f"time_zone = {json.dumps(str(shop.zone))}"
    yield f"order_match = {json.dumps(ways or list(shop.order_match))}"
    yield f"order_name_format = {json.dumps(found_format or shop.order_name_format)}"
    yield f"returns_warehouses = {_table(returns_to)}  # warehouses: {_said(account.warehouses)}"
    yield f"saleable_warehouses = {_table(sells_from)}"


def _brightpearl(settings: Settings, account: _Account, history: History) -> Iterator[str]:
    now = settings.brightpearl
    yield "[brightpearl]"
    yield f"installed_integration_instance_id = {account.instance}"
    yield f'dedupe = {json.dumps(now.dedupe)}  # "proven" after `returns-pipeline doctor --prove-dedupe ORDER`'
    yield f'part_receipt = "{"allowed" if history.has_part_receipts else "refused"}"'
    yield f'negative_rows = "{"allowed" if history.has_negative_rows else "refused"}"'
    yield f'shopify_app_credits = {json.dumps(now.shopify_app_credits)}  # "off" once the Shopify app makes no credits'
    yield f"# credits by others in the last {DAYS} days: {_said((number, who) for who, number in history.writers) or 'none seen'}"
    for name in (
        "credits_raised_by",
        "receive_into",
        "accounting_currency",
        "credit_ref_format",
        "returns_nominal_code",
    ):
        yield f"{name} = {json.dumps(getattr(now, name))}"
    yield f"cost_price_list_id = {now.cost_price_list_id}"
    yield "[brightpearl.statuses]"
    for name, words in _STATUS_WORDS.items():
        present = getattr(now.statuses, name)
        guess = next(
            (number for word in words for number, called in account.statuses.items() if word in called.casefold()), 0
        )
        yield f"{name} = {present if present in account.statuses else guess}  # of type SC: {_said(account.statuses.items())}"
    yield "[brightpearl.fees]"
    for kind, fee in now.fees.model_dump(by_alias=True).items():
        code = fee["tax_code"] if fee["tax_code"] in account.tax_codes else "same_as_item"
        yield f"{kind} = {{ nominal_code = {json.dumps(fee['nominal_code'])}, tax_code = {json.dumps(code)} }}"
    yield f"[brightpearl.payment_methods]  # methods of the account: {_said(account.methods.items())}"
    for resolution, method in now.payment_methods.items():
        is_there = method == "same_as_sale" or method in account.methods
        yield f"{'' if is_there else '# choose one of the account: '}{resolution} = {json.dumps(method)}"


def _record_refunds(settings: Settings) -> Iterator[str]:
    decided = {shop.policy.record_refunds for shop in settings.shops}
    (only,) = decided if len(decided) == 1 else (None,)
    if only is None:
        yield "# record_refunds = true  # required before live: true, or false where something else records them"
    else:
        yield f"record_refunds = {json.dumps(only)}"


def _kept(named: Mapping[str, int], known: set[int]) -> Mapping[str, int]:
    """What the settings name, if all of it is there."""
    return named if known.issuperset(named.values()) else {}


def _table(entries: Mapping[str, int]) -> str:
    return f"{{ {', '.join(f'{json.dumps(key)} = {number}' for key, number in entries.items())} }}"


def _said(pairs: Iterable[tuple[object, object]]) -> str:
    """Ids and names of the account in one harmless line."""
    return "".join(
        each if each.isprintable() else " " for each in ", ".join(f"{number} {called}" for number, called in pairs)
    )
