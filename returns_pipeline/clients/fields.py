"""Takes single fields out of raw JSON: tolerant where the APIs are known to differ, strict where money or identity would be guessed."""

import datetime as dt
import re
from collections.abc import Mapping
from decimal import Decimal, InvalidOperation
from typing import Any

from returns_pipeline.domain.money import UnsupportedCurrency, minor_digits

_LARGEST = 2**63 - 1
_SCRUBBED = (
    (re.compile(r"[\w.+-]+@[\w-]+\.[\w.-]+"), "[e-mail]"),
    (re.compile(r"(?:\+|00)?\d[\d ().-]{7,}\d"), "[number]"),
)
_LONGEST_TEXT = 200


class RecordRejected(Exception):
    """One record cannot be used; it is held and the others go on.

    Attributes:
        subject: which record, "rma 7".
        field: the field at fault.
        found: what was there, by type and shape and never by value.
    """

    def __init__(self, subject: str, field: str, found: str, message: str) -> None:
        super().__init__(f"{subject}: {field} {message}, found {found}")
        self.subject, self.field, self.found = subject, field, found


class Fields:
    """One JSON object, read field by field; paths are dotted ("currency.exchangeRate")."""

    def __init__(self, raw: Any, subject: str) -> None:  # noqa: ANN401 - whatever the API sent
        self.subject = subject
        if not isinstance(raw, Mapping):
            raise self.rejected("record", raw, "must be an object")
        self._raw = raw

    def rejected(self, path: str, value: object, message: str) -> RecordRejected:
        """The rejection of a field, telling what kind of value was there."""
        found = "nothing" if value is None else f"a {type(value).__name__}"
        return RecordRejected(self.subject, path, found, message)

    def raw(self, path: str) -> Any:  # noqa: ANN401 - JSON
        """The value at the path, None where any part of it is absent or null."""
        value: Any = self._raw
        for part in path.split("."):
            value = value.get(part) if isinstance(value, Mapping) else None
            if value is None:
                return None
        return value

    def objects(self, path: str) -> list[Any]:
        """The list at the path; absent is empty."""
        value = self.raw(path)
        if value is None:
            return []
        if not isinstance(value, list):
            raise self.rejected(path, value, "must be a list")
        return value

    def integer(self, path: str) -> int:
        """An id or a count, as a number or as text of digits."""
        value = self.optional_integer(path)
        if value is None:
            raise self.rejected(path, self.raw(path), "is missing")
        return value

    def optional_integer(self, path: str) -> int | None:
        """The same, or None where it is absent, null or empty."""
        value = self.raw(path)
        if value is None or value == "":
            return None
        if (
            isinstance(value, bool)
            or not isinstance(value, int | str)
            or not re.fullmatch(r"-?\d{1,19}", str(value).strip())
        ):
            raise self.rejected(path, value, "must be a whole number")
        number = int(value)
        if abs(number) > _LARGEST:
            raise self.rejected(path, value, "must fit 64 bits")
        return number

    def text(self, path: str) -> str:
        """Text that must be there; it may be empty."""
        value = self.raw(path)
        if isinstance(value, str):
            return _clean(value)
        raise self.rejected(path, value, "must be text")

    def identifier(self, path: str) -> str:
        """An id kept as text, sent as text or as a number."""
        value = self.raw(path)
        if isinstance(value, bool) or not isinstance(value, int | str) or value == "":
            raise self.rejected(path, value, "must be an id")
        return _clean(str(value))

    def optional_text(self, path: str) -> str | None:
        """Text, or None where it is absent, null or empty; a number is taken as its digits."""
        value = self.raw(path)
        if value is None or value == "":
            return None
        if isinstance(value, bool) or not isinstance(value, str | int):
            raise self.rejected(path, value, "must be text")
        return _clean(str(value)) or None

    def free_text(self, path: str) -> str | None:
        """A customer's or merchant's words: at most 200 characters, without e-mail addresses and long numbers."""
        value = self.raw(path)
        if not isinstance(value, str) or not value.strip():
            return None
        scrubbed = _clean(value)
        for pattern, replacement in _SCRUBBED:
            scrubbed = pattern.sub(replacement, scrubbed)
        return scrubbed.strip()[:_LONGEST_TEXT] or None

    def boolean(self, path: str, *, default: bool | None = None) -> bool:
        """A boolean, or 0 and 1."""
        value = self.raw(path)
        if value is None and default is not None:
            return default
        if isinstance(value, bool):
            return value
        if value in (0, 1):
            return bool(value)
        raise self.rejected(path, value, "must be true or false")

    def moment(self, path: str) -> dt.datetime:
        """A point in time, aware; without an offset it is UTC."""
        found = self.optional_moment(path)
        if found is None:
            raise self.rejected(path, self.raw(path), "is missing")
        return found

    def optional_moment(self, path: str) -> dt.datetime | None:
        """The same, or None where it is absent, null or empty."""
        value = self.raw(path)
        if value is None or value == "":
            return None
        if not isinstance(value, str):
            raise self.rejected(path, value, "must be a date and time")
        try:
            parsed = dt.datetime.fromisoformat(value)
            return (parsed if parsed.tzinfo else parsed.replace(tzinfo=dt.UTC)).astimezone(dt.UTC)
        except (ValueError, OverflowError) as error:
            raise self.rejected(path, value, "must be a date and time") from error

    def decimal(self, path: str, *, default: Decimal | None = None) -> Decimal:
        """An exact number, sent as a number or as text."""
        value = self.raw(path)
        if (value is None or value == "") and default is not None:
            return default
        if isinstance(value, bool) or not isinstance(value, int | str | Decimal):
            raise self.rejected(path, value, "must be a number")
        try:
            number = Decimal(str(value).strip())
        except InvalidOperation as error:
            raise self.rejected(path, value, "must be a number") from error
        if not number.is_finite() or abs(number) >= Decimal(10) ** 12:
            raise self.rejected(path, value, "must be a number of ordinary size")
        return number

    def optional_decimal(self, path: str) -> Decimal | None:
        """The same, or None where it is absent, null or empty."""
        return None if self.raw(path) in (None, "") else self.decimal(path)

    def currency(self, path: str) -> str:
        """A currency code whose minor unit is known."""
        code = self.text(path).strip().upper()
        if not re.fullmatch(r"[A-Z]{3}", code):
            raise self.rejected(path, code, "must be a currency code of three letters")
        return code

    def minor(self, path: str, currency: str, *, default: Decimal | None = None) -> int:
        """An amount in whole minor units of the currency; a fraction of one is refused, never rounded."""
        number = self.decimal(path, default=default)
        try:
            scaled = number.scaleb(minor_digits(currency))
        except UnsupportedCurrency as error:
            raise self.rejected(path, number, str(error)) from error
        if scaled != scaled.to_integral_value():
            raise self.rejected(path, number, f"holds a fraction of a minor unit of {currency}")
        return int(scaled)

    def quantity(self, path: str) -> int:
        """A whole quantity, sent as "1", 1 or "1.0000"."""
        number = self.decimal(path)
        if number != number.to_integral_value():
            raise self.rejected(path, number, "must be a whole quantity")
        return int(number)


def _clean(text: str) -> str:
    """Without control characters and marks that turn the direction of writing; they have no place in ids, SKUs or names."""
    return "".join(character for character in text if character.isprintable())
