"""Reads JSON that nobody vouches for: numbers as Decimal, no key twice, no bottomless nesting. What it means is not known here."""

import json
from collections.abc import Iterator
from decimal import Decimal, DecimalException
from itertools import accumulate
from typing import Any

from returns_pipeline.clients.outcomes import UnusableAnswer

_DEEPEST = 50
_LONGEST_INTEGER = 19
_NO_BRACKET_OR_QUOTE = bytes(set(range(256)) - set(b'[]{}"'))


def parse(content: bytes) -> Any:
    """The parsed content; numbers with a fraction are Decimals.

    Raises:
        UnusableAnswer: no JSON, a key twice in one object, deeper than 50 levels, an integer of more digits than 64 bits can hold.
    """
    # Before the parser runs: one that recurses to the interpreter's bound leaves other code, a collector's callback for one, without a stack.
    if any(depth > _DEEPEST for depth in _depths(content)):
        raise UnusableAnswer(f"the answer nests deeper than {_DEEPEST} levels")
    try:
        return json.loads(
            content.decode("utf-8-sig"),
            parse_float=Decimal,
            parse_int=_bounded,
            object_pairs_hook=_without_repeats,
            parse_constant=_no_constant,
        )
    except (UnicodeDecodeError, json.JSONDecodeError, DecimalException) as error:
        raise UnusableAnswer(f"the answer is no JSON: {type(error).__name__}") from error


def _depths(content: bytes) -> Iterator[int]:
    """The nesting after each bracket that stands outside a string."""
    outside = content.replace(b"\\\\", b"").replace(b'\\"', b"").translate(None, _NO_BRACKET_OR_QUOTE).split(b'"')[::2]
    return accumulate(1 if bracket in b"[{" else -1 for bracket in b"".join(outside))


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
