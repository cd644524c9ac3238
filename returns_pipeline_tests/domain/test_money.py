"""Money as whole minor units. A digit too many or too few is a factor of ten or a hundred."""

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from returns_pipeline.domain.money import UnsupportedCurrency, decimal_text, format_minor, minor_digits, to_minor


@pytest.mark.parametrize(("currency", "digits"), [("GBP", 2), ("EUR", 2), ("USD", 2), ("JPY", 0), ("KRW", 0)])
def test_a_currency_has_its_own_number_of_decimals(currency: str, digits: int) -> None:
    """Yen treated like pounds would be credited a hundred times over."""
    assert minor_digits(currency) == digits


@pytest.mark.parametrize("currency", ["KWD", "BHD", "OMR", "TND", "JOD", "IQD", "LYD"])
def test_three_decimals_halt(currency: str) -> None:
    """They do not fit Brightpearl's amounts, and rounding them would lose money without a word."""
    for convert in (lambda: minor_digits(currency), lambda: to_minor("1.234", currency)):
        with pytest.raises(UnsupportedCurrency, match=currency):
            convert()


@pytest.mark.parametrize(
    ("text", "currency", "minor"),
    [("12.34", "GBP", 1234), ("12.3", "GBP", 1230), ("12.3400", "GBP", 1234), ("1000", "JPY", 1000), ("0", "GBP", 0)],
)
def test_amounts_are_read_exactly(text: str, currency: str, minor: int) -> None:
    """APIs write one amount in several ways; all of them mean the same pennies."""
    assert to_minor(text, currency) == minor
    assert to_minor(Decimal(text), currency) == minor


@pytest.mark.parametrize(("text", "currency"), [("12.345", "GBP"), ("10.5", "JPY")])
def test_a_fraction_of_the_smallest_unit_is_refused(text: str, currency: str) -> None:
    """Rounding on reading would hide that an amount is not what it seems."""
    with pytest.raises(ValueError, match="fraction"):
        to_minor(text, currency)


@given(st.integers(-(10**15), 10**15), st.sampled_from(["GBP", "JPY"]))
def test_what_is_written_reads_back_the_same(minor: int, currency: str) -> None:
    """What we send must be what we meant, at any size."""
    text = decimal_text(minor, currency)
    assert to_minor(text, currency) == minor
    assert len(text.partition(".")[2]) == minor_digits(currency)


def test_people_read_amounts_with_their_currency() -> None:
    """An exception that says 1234567 tells nobody what is at stake."""
    assert format_minor(1234567, "GBP") == "12,345.67 GBP"
    assert format_minor(1234, "JPY") == "1,234 JPY"
    assert format_minor(1234, "KWD") == "1.234 KWD"
