"""Takes out of foreign text what the pipeline must not keep: secrets, e-mail addresses, phone and card numbers, control characters. No parsing of records."""

import re
from collections.abc import Iterable

_LONGEST_TEXT, _SHORTEST_SECRET = 200, 6
# Patterns run over this much at most, so that a text of megabytes costs nothing.
_LONGEST_LOOK = 2000
_PRIVATE = (
    (re.compile(r"[\w.+-]{1,64}@[\w-]{1,63}(?:\.[\w-]{1,63})+"), "[e-mail]"),
    (re.compile(r"(?:\+|00)?\d[\d ().-]{7,40}\d"), "[number]"),
)


def printable(text: str) -> str:
    """Without control characters and marks that turn the direction of writing: they have no place in ids, SKUs or messages."""
    return "".join(character for character in text if character.isprintable())


def without_secrets(text: str, secrets: Iterable[str]) -> str:
    """The text with each known secret replaced, the longest first; what is shorter than six characters would be found in any word."""
    for secret in sorted((secret for secret in secrets if len(secret) >= _SHORTEST_SECRET), key=len, reverse=True):
        text = text.replace(secret, "[secret]")
    return text


def scrubbed(text: str, longest: int = _LONGEST_TEXT) -> str:
    """Somebody's words without e-mail addresses and long numbers, cut to a length."""
    kept = printable(text[:_LONGEST_LOOK])
    for pattern, replacement in _PRIVATE:
        kept = pattern.sub(replacement, kept)
    return kept.strip()[:longest]
