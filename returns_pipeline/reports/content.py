"""What a report holds, whatever it is written as: tiles, charts, tables and notes. How it looks is `workbook.py`'s and `page.py`'s.

Money stays whole minor units beside its currency until it is written.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any


class Kind(StrEnum):
    """What a column holds, by which it is aligned, formatted and filtered."""

    TEXT = "text"
    WHOLE = "whole"
    MONEY = "money"  # minor units of the row's `currency`
    MOMENT = "moment"
    SHARE = "share"  # hundredths of a per cent


@dataclass(frozen=True)
class Column:
    """One column: the key of its cells, its heading and its kind."""

    name: str
    title: str
    kind: Kind = Kind.TEXT


@dataclass(frozen=True)
class Sheet:
    """One question and its rows; `name` is short enough for a tab (31 letters). A page shows the first rows only, a workbook all."""

    name: str
    question: str
    columns: Sequence[Column]
    rows: Sequence[Mapping[str, Any]]
    most_on_page: int = 40


@dataclass(frozen=True)
class Tile:
    """One figure that is read first; `tone` is good, warn or plain."""

    label: str
    value: str
    note: str = ""
    tone: str = "plain"


@dataclass(frozen=True)
class Series:
    """One colour of a chart: its name and one amount per label."""

    name: str
    values: Sequence[int]


@dataclass(frozen=True)
class Chart:
    """Bars over labels in minor units of one currency; several series stand side by side, or on top of each other when stacked."""

    title: str
    question: str
    currency: str
    labels: Sequence[str]
    series: Sequence[Series]
    is_stacked: bool = False


@dataclass(frozen=True)
class Report:
    """A whole report: for whom and when, what is read first, what is drawn, and the tables beneath."""

    title: str
    subtitle: str
    stamp: str
    zone: str
    tiles: Sequence[Tile]
    charts: Sequence[Chart]
    sheets: Sequence[Sheet]
    notes: Sequence[str] = field(default_factory=tuple)
