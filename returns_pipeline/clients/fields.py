"""Takes single fields out of raw JSON: tolerant where the APIs are known to differ, strict where money or identity would be guessed."""

import datetime as dt
import re
from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from returns_pipeline.clients.least_data import printable, scrubbed
from returns_pipeline.domain.money import UnsupportedCurrency, minor_digits

_LARGEST_ID, _LARGEST_QUANTITY = 2**63 - 1, 2**31 - 1
# More digits than this would be rounded by the arithmetic without a word.
_MOST_DIGITS = 28
_WHOLE = re.compile(r"-?[0-9]{1,19}")
_NUMBER = re.compile(r"-?[0-9]+(?:\.[0-9]+)?(?:[eE][+-]?[0-9]{1,3})?")


class RecordRejected(Exception):
    """One record cannot be used; it is held and the others go on.

    Attributes:
        subject: which record, "rma 7".
        field: the field at fault.
        found: what was there, by type and never by value.
    """

    def __init__(self, subject: str, field: str, found: str, message: str) -> None:
        super().__init__(f"{subject}: {field} {message}, found {found}")
        self.subject, self.field, self.found = subject, field, found


class Fields:
    """One JSON object, read field by field; paths are dotted ("currency.exchangeRate")."""

    def __init__(self, raw: Any, subject: str) -> None:
        self.subject = subject
        if not isinstance(raw, Mapping):
            raise self.rejected("record", raw, "must be an object")
        self._raw = raw

    def rejected(self, path: str, value: object, message: str) -> RecordRejected:
        """The rejection of a field, telling what kind of value was there."""
        found = "nothing" if value is None else f"a {type(value).__name__}"
        return RecordRejected(self.subject, path, found, message)

    def raw(self, path: str) -> Any:
        """The value at the path, None where any part of it is absent or null."""
        value: Any = self._raw
        for part in path.split("."):
            value = value.get(part) if isinstance(value, Mapping) else None
            if value is None:
                return None
        return value

    def has(self, path: str) -> bool:
        """Whether anything but null and empty text is there."""
        return self.raw(path) not in (None, "")

    def objects(self, path: str) -> list[Any]:
        """The list at the path; absent is empty."""
        return [] if self.raw(path) is None else self.required_objects(path)

    def required_objects(self, path: str) -> list[Any]:
        """The list at the path, which must be there: a list that was not sent is not an empty one."""
        value = self.raw(path)
        if not isinstance(value, list):
            raise self.rejected(path, value, "must be a list")
        return value

    def keyed(self, path: str) -> list[tuple[int, Any]]:
        """The entries of an object keyed by id; absent is empty."""
        value = self.raw(path)
        if value is not None and not isinstance(value, Mapping):
            raise self.rejected(path, value, "must be an object keyed by id")
        keys = [Fields({"key": key}, self.subject).integer("key") for key in value or {}]
        return list(zip(keys, (value or {}).values(), strict=True))

    def integer(self, path: str) -> int:
        """An id or a count, as a number or as text of digits."""
        value = self.optional_integer(path)
        if value is None:
            raise self.rejected(path, self.raw(path), "is missing")
        return value

    def optional_integer(self, path: str) -> int | None:
        """The same, or None where it is absent, null or empty."""
        if not self.has(path):
            return None
        value = self.raw(path)
        is_right = isinstance(value, int | str) and not isinstance(value, bool)
        if not is_right or not _WHOLE.fullmatch(str(value).strip()) or abs(int(value)) > _LARGEST_ID:
            raise self.rejected(path, value, "must be a whole number of at most 64 bits")
        return int(value)

    def text(self, path: str) -> str:
        """Text that must be there; it may be empty."""
        value = self.raw(path)
        if isinstance(value, str):
            return printable(value)
        raise self.rejected(path, value, "must be text")

    def identifier(self, path: str) -> str:
        """An id kept as text, sent as text or as a number."""
        value = self.optional_text(path)
        if value is None:
            raise self.rejected(path, self.raw(path), "must be an id")
        return value

    def optional_text(self, path: str) -> str | None:
        """Text, or None where it is absent, null or empty; a whole number is taken as its digits."""
        if not self.has(path):
            return None
        value = self.raw(path)
        if isinstance(value, bool) or not isinstance(value, str | int):
            raise self.rejected(path, value, "must be text")
        return printable(str(value)) or None

    def free_text(self, path: str) -> str | None:
        """A customer's or merchant's words: at most 200 characters, without e-mail addresses and long numbers."""
        value = self.raw(path)
        return (scrubbed(value) or None) if isinstance(value, str) else None

    def boolean(self, path: str, *, default: bool | None = None) -> bool:
        """A boolean, or 0 and 1."""
        value = self.raw(path)
        if value is None and default is not None:
            return default
        if isinstance(value, int) and value in (0, 1):
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
        if not self.has(path):
            return None
        value = self.raw(path)
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
        if default is not None and not self.has(path):
            return default
        is_right = isinstance(value, int | str | Decimal) and not isinstance(value, bool)
        if not is_right or not _NUMBER.fullmatch(str(value).strip()):
            raise self.rejected(path, value, "must be a number")
        number = Decimal(str(value).strip())
        if abs(number) >= Decimal(10) ** 12 or len(number.as_tuple().digits) > _MOST_DIGITS:
            raise self.rejected(path, value, "must be a number of ordinary size")
        return number

    def optional_decimal(self, path: str) -> Decimal | None:
        """The same, or None where it is absent, null or empty."""
        return self.decimal(path) if self.has(path) else None

    def currency(self, path: str) -> str:
        """A currency code of three letters."""
        code = self.text(path).strip().upper()
        if not re.fullmatch(r"[A-Z]{3}", code):
            raise self.rejected(path, code, "must be a currency code of three letters")
        return code

    def minor(self, path: str, currency: str, *, default: Decimal | None = None) -> int:
        """An amount in whole minor units of the currency; a fraction of one is refused, never rounded."""
        return self.exact_minor(path, self.decimal(path, default=default), currency)

    def exact_minor(self, path: str, amount: Decimal, currency: str) -> int:
        """An amount that was found at the path, in whole minor units."""
        scaled = amount.scaleb(self.minor_digits(path, currency))
        if scaled != scaled.to_integral_value():
            raise self.rejected(path, amount, f"holds a fraction of a minor unit of {currency}")
        return int(scaled)

    def minor_digits(self, path: str, currency: str) -> int:
        """How many decimals the currency of an amount has; one that the books cannot hold rejects the record."""
        try:
            return minor_digits(currency)
        except UnsupportedCurrency as error:
            raise self.rejected(path, currency, str(error)) from error

    def quantity(self, path: str) -> int:
        """A whole quantity, sent as "1", 1 or "1.0000"."""
        number = self.decimal(path)
        if number != number.to_integral_value() or abs(number) > _LARGEST_QUANTITY:
            raise self.rejected(path, number, "must be a whole quantity")
        return int(number)
