"""Reads JSON that nobody vouches for: numbers as Decimal, no key twice, no bottomless nesting. What it means is not known here."""

import json
from decimal import Decimal, DecimalException
from typing import Any

from returns_pipeline.clients.outcomes import UnusableAnswer

_DEEPEST = 50
_LONGEST_INTEGER = 19


def parse(content: bytes) -> Any:
    """The parsed content; numbers with a fraction are Decimals.

    Raises:
        UnusableAnswer: no JSON, a key twice in one object, deeper than 50 levels, an integer of more digits than 64 bits can hold.
    """
    try:
        parsed = json.loads(
            content,
            parse_float=Decimal,
            parse_int=_bounded,
            object_pairs_hook=_without_repeats,
            parse_constant=_no_constant,
        )
    except (UnicodeDecodeError, json.JSONDecodeError, RecursionError, DecimalException) as error:
        raise UnusableAnswer(f"the answer is no JSON: {type(error).__name__}") from error
    _measure(parsed)
    return parsed


def _bounded(digits: str) -> int:
    if len(digits.lstrip("-")) > _LONGEST_INTEGER:
        raise UnusableAnswer("the answer holds an integer of too many digits")
    return int(digits)


def _no_constant(name: str) -> None:
    raise UnusableAnswer(f"the answer holds {name}, which is no JSON number")


def _without_repeats(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    built = dict(pairs)
    if len(built) != len(pairs):
        raise UnusableAnswer("the answer holds one key twice in an object")
    return built


def _measure(parsed: Any) -> None:
    level = [parsed]
    for _ in range(_DEEPEST):
        level = [
            child
            for value in level
            for child in (value.values() if isinstance(value, dict) else value if isinstance(value, list) else ())
            if isinstance(child, dict | list)
        ]
        if not level:
            return
    raise UnusableAnswer(f"the answer nests deeper than {_DEEPEST} levels")
