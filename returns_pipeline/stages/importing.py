"""Reads a list of refunds that were made straight in Shopify, so that the close knows of them. Keeping them is `storage.closes`'."""

import datetime as dt
from collections.abc import Mapping
from decimal import Decimal, InvalidOperation
from pathlib import Path

import pandas as pd

from returns_pipeline.domain.money import to_minor
from returns_pipeline.settings import ShopSettings
from returns_pipeline.stages import csv_lists
from returns_pipeline.stages.csv_lists import ListRefused

COLUMNS = ("refund_id", "order_name", "refunded_at", "amount", "currency")


def refunds_in(path: Path, shop: ShopSettings) -> pd.DataFrame:
    """The refunds of a CSV with the columns of `COLUMNS`: refund_id, order_name, refunded_on, currency, amount_minor.

    A time without a zone is the shop's own.

    Raises:
        ListRefused: the file, a column or a row cannot be used.
    """
    rows = [_refund(row, number, shop) for number, row in csv_lists.read(path, COLUMNS)]
    frame = pd.DataFrame(rows, columns=["refund_id", "order_name", "refunded_on", "currency", "amount_minor"])
    doubles = frame.loc[frame["refund_id"].duplicated(), "refund_id"].tolist()
    if doubles:
        raise ListRefused(f"{path} names refund {doubles[0]} twice: one refund is one row")
    return frame


def _refund(given: Mapping[str, str], number: int, shop: ShopSettings) -> dict[str, object]:
    empty = [name for name, value in given.items() if not value]
    if empty:
        raise ListRefused(f"row {number} has no {', '.join(empty)}: fill it or take the row out")
    try:
        moment = dt.datetime.fromisoformat(given["refunded_at"])
        minor = to_minor(Decimal(given["amount"]), given["currency"])
    except (ValueError, InvalidOperation) as error:
        raise ListRefused(f"row {number}: {error}; write times like 2026-03-31T14:05 and amounts like 12.34") from error
    if minor <= 0:
        raise ListRefused(f"row {number} has the amount {given['amount']}: a refund is more than nothing")
    moment = moment if moment.tzinfo else moment.replace(tzinfo=shop.zone)
    return {
        "refund_id": given["refund_id"], "order_name": given["order_name"], "refunded_on": moment, "currency": given["currency"],
        "amount_minor": minor,
    }  # fmt: skip
