"""Typed frames out of a few columns: a test states what matters, the rest is an ordinary value of its column. No assertions."""

import datetime as dt
from collections.abc import Iterable, Mapping
from decimal import Decimal
from typing import Any

import pandas as pd

from returns_pipeline import schemas
from returns_pipeline.schemas.coercion import series_of
from returns_pipeline.schemas.columns import Kind
from returns_pipeline.settings import Settings, load_settings

START = dt.datetime(2026, 3, 2, 9, 0, tzinfo=dt.UTC)
_PLAIN = {
    Kind.WHOLE: 0,
    Kind.FLAG: False,
    Kind.TEXT: "",
    Kind.MOMENT: START,
    Kind.EXACT: Decimal(1),
    Kind.DAY: START.date(),
}


def frame_of(table: str, rows: Iterable[Mapping[str, Any]]) -> pd.DataFrame:
    """Rows of a table in its own dtypes; a column that no row states is empty, or zero where it must be filled."""
    filled = list(rows)
    columns = {}
    for column in schemas.named(table).columns():
        default = None if column.nullable else _PLAIN.get(column.kind)
        values = [row.get(column.name, [] if default is None and not column.nullable else default) for row in filled]
        columns[column.name] = series_of(values, column)
    return pd.DataFrame(columns)


def settings_with(**tables: Mapping[str, Any]) -> Settings:
    """The default settings with the account set up, automatic posting, and changes by table: policy, fees, transfers, brightpearl, ..."""
    settings = load_settings({})
    statuses = settings.brightpearl.statuses.model_copy(
        update={"awaiting_return": 21, "goods_received": 22, "credited": 23, "cancelled": 24}
    )
    policy = {"posting": "automatic", "record_refunds": True} | dict(tables.pop("policy", {}))
    shop_changes: dict[str, Any] = dict(tables.pop("shop", {}))
    shop = settings.shops[0]
    shop_changes |= {"policy": shop.policy.model_copy(update=policy)}
    for name in ("fees", "transfers"):
        if name in tables:
            shop_changes[name] = getattr(shop, name).model_copy(update=tables.pop(name))
    changes: dict[str, Any] = {"mode": "live", "shops": (shop.model_copy(update=shop_changes),)}
    changes["brightpearl"] = settings.brightpearl.model_copy(
        update={"statuses": statuses, **tables.pop("brightpearl", {})}
    )
    changes |= {name: getattr(settings, name).model_copy(update=change) for name, change in tables.items()}
    return settings.model_copy(update=changes)
