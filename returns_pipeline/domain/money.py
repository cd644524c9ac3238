"""Money as whole minor units beside a currency: how many digits a currency has, and how an amount is written. Shares are in `proration`."""

from decimal import Decimal

_MOST_DIGITS = 2
# ISO 4217. All others have two digits.
_WITHOUT_DIGITS = frozenset(
    [
        "BIF",
        "CLP",
        "DJF",
        "GNF",
        "ISK",
        "JPY",
        "KMF",
        "KRW",
        "PYG",
        "RWF",
        "UGX",
        "UYI",
        "VND",
        "VUV",
        "XAF",
        "XOF",
        "XPF",
    ]
)
_WITH_THREE_DIGITS = frozenset(["BHD", "IQD", "JOD", "KWD", "LYD", "OMR", "TND"])


class UnsupportedCurrency(ValueError):
    """A currency with more minor digits than Brightpearl's two-decimal fields can hold: it halts and is never rounded."""


def minor_digits(currency: str) -> int:
    """How many decimals the currency has: 2 for GBP, 0 for JPY.

    Raises:
        UnsupportedCurrency: three decimals (KWD, BHD, ...).
    """
    if currency in _WITH_THREE_DIGITS:
        raise UnsupportedCurrency(f"{currency} has three decimals, and Brightpearl's amounts hold {_MOST_DIGITS}")
    return 0 if currency in _WITHOUT_DIGITS else 2


def to_minor(amount: str | Decimal, currency: str) -> int:
    """`12.34` of GBP -> 1234.

    Raises:
        ValueError: a fraction of a minor unit.
        UnsupportedCurrency: a currency with three decimals.
    """
    scaled = Decimal(amount).scaleb(minor_digits(currency))
    if scaled != scaled.to_integral_value():
        raise ValueError(f"{amount} holds a fraction of a minor unit of {currency}")
    return int(scaled)


def decimal_text(minor: int, currency: str) -> str:
    """1234 of GBP -> `12.34`, as Brightpearl's amounts are written."""
    digits = minor_digits(currency)
    return f"{Decimal(minor).scaleb(-digits):.{digits}f}"


def format_minor(minor: int, currency: str) -> str:
    """1234567 of GBP -> `12,345.67 GBP`, for people."""
    digits = 0 if currency in _WITHOUT_DIGITS else 3 if currency in _WITH_THREE_DIGITS else 2
    return f"{Decimal(int(minor)).scaleb(-digits):,.{digits}f} {currency}"
