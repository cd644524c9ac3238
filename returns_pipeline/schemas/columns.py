"""How a column is declared: its type in a frame, what it means, its unit and its source. No table, no check of several columns.

Times are UTC, money is a whole number of minor units beside its currency, text that is missing is NaN, other missing values are NA or None.
"""

from dataclasses import dataclass
from enum import StrEnum
from typing import Annotated, Any

import numpy as np
import pandas as pd
import pandera.pandas as pa
from pandera.typing import Series


class Kind(StrEnum):
    """What a cell holds; object columns say it here, because their dtype does not."""

    WHOLE = "whole"
    TEXT = "text"
    FLAG = "flag"
    MOMENT = "moment"
    DAY = "day"  # datetime.date
    SPAN = "span"  # datetime.timedelta
    EXACT = "exact"  # decimal.Decimal
    JSON = "json"  # list or dict
    NUMBERS = "numbers"  # list of int
    TEXTS = "texts"  # list of str


class Freshness(StrEnum):
    """How a column that only says when we looked is stored."""

    WITH_CHANGE = "with_change"  # written only together with a change of another column
    ALWAYS = "always"  # written at each look, and no change by itself


Whole = Series[np.int64]
MaybeWhole = Series[pd.Int64Dtype]
Flag = Series[np.bool_]
MaybeFlag = Series[pd.BooleanDtype]
Text = Series[Annotated[pd.StringDtype, "python", np.nan]]
Moment = Series[Annotated[pd.DatetimeTZDtype, "us", "UTC"]]
Thing = Series[object]

# ISO 4217, in use. A currency that is not here holds its row: how many digits it has would be a guess.
_ISO_4217 = (
    "AED AFN ALL AMD AOA ARS AUD AWG AZN BAM BBD BDT BGN BHD BIF BMD BND BOB BRL BSD BTN BWP BYN BZD CAD CDF CHF CLP CNY COP CRC CUP CVE CZK "
    "DJF DKK DOP DZD EGP ERN ETB EUR FJD FKP GBP GEL GHS GIP GMD GNF GTQ GYD HKD HNL HTG HUF IDR ILS INR IQD IRR ISK JMD JOD JPY KES KGS KHR "
    "KMF KPW KRW KWD KYD KZT LAK LBP LKR LRD LSL LYD MAD MDL MGA MKD MMK MNT MOP MRU MUR MVR MWK MXN MYR MZN NAD NGN NIO NOK NPR NZD OMR PAB "
    "PEN PGK PHP PKR PLN PYG QAR RON RSD RUB RWF SAR SBD SCR SDG SEK SGD SHP SLE SOS SRD SSP STN SVC SYP SZL THB TJS TMT TND TOP TRY TTD TWD "
    "TZS UAH UGX USD UYU UZS VED VES VND VUV WST XAF XCD XCG XOF XPF YER ZAR ZMW ZWG"
)
CURRENCIES = frozenset(_ISO_4217.split())


@dataclass(frozen=True)
class Column:
    """One column for people and for the data dictionary."""

    name: str
    dtype: str
    kind: Kind
    description: str
    unit: str | None
    source: str
    nullable: bool
    is_key: bool
    is_generated: bool
    freshness: Freshness | None


def column(
    description: str,
    kind: Kind,
    *,
    unit: str | None = None,
    source: str | None = None,
    nullable: bool = False,
    generated: bool = False,
    freshness: Freshness | None = None,
    **checks: Any,  # noqa: ANN401 - handed on to Pandera
) -> Any:  # noqa: ANN401 - a field of a Pandera model
    """A column with its meaning; `generated` ones are filled by the database and may be missing from a frame."""
    facts = {"kind": kind, "unit": unit, "source": source, "generated": generated, "freshness": freshness}
    return pa.Field(nullable=nullable, description=description, metadata=facts, **checks)


def whole(description: str, **more: Any) -> Any:  # noqa: ANN401
    """A whole number; annotate a nullable one as MaybeWhole."""
    return column(description, Kind.WHOLE, **more)


def money(description: str, currency: str = "currency", **more: Any) -> Any:  # noqa: ANN401
    """Money in minor units of the currency that the named column holds."""
    return column(description, Kind.WHOLE, unit=f"minor units of {currency}", **more)


def currency(description: str, **more: Any) -> Any:  # noqa: ANN401
    """An ISO 4217 code that is in use."""
    return column(description, Kind.TEXT, isin=sorted(CURRENCIES), **more)


def text(description: str, **more: Any) -> Any:  # noqa: ANN401
    """Text, possibly one of `isin`."""
    return column(description, Kind.TEXT, **more)


def flag(description: str, **more: Any) -> Any:  # noqa: ANN401
    """True or false; never missing unless it says so."""
    return column(description, Kind.FLAG, **more)


def moment(description: str, **more: Any) -> Any:  # noqa: ANN401
    """A point in time, in UTC."""
    return column(description, Kind.MOMENT, **more)


def exact(description: str, **more: Any) -> Any:  # noqa: ANN401
    """A decimal with its own digits, for evidence and proofs."""
    return column(description, Kind.EXACT, **more)


def thing(description: str, kind: Kind = Kind.JSON, **more: Any) -> Any:  # noqa: ANN401
    """A list or an object."""
    return column(description, kind, **more)
