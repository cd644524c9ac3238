"""Takes out of foreign text what the pipeline must not keep: e-mail addresses, phone and card numbers, control characters. No parsing of records."""

import re

_LONGEST_TEXT = 200
# Patterns run over this much at most, so that a text of megabytes costs nothing.
_LONGEST_LOOK = 2000
_PRIVATE = (
    (re.compile(r"[\w.+-]{1,64}@[\w-]{1,63}(?:\.[\w-]{1,63})+"), "[e-mail]"),
    (re.compile(r"(?:\+|00)?\d[\d ().-]{7,40}\d"), "[number]"),
)


def printable(text: str) -> str:
    """Without control characters and marks that turn the direction of writing: they have no place in ids, SKUs or messages."""
    return "".join(character for character in text if character.isprintable())


def scrubbed(text: str, longest: int = _LONGEST_TEXT) -> str:
    """Somebody's words without e-mail addresses and long numbers, cut to a length."""
    kept = printable(text[:_LONGEST_LOOK])
    for pattern, replacement in _PRIVATE:
        kept = pattern.sub(replacement, kept)
    return kept.strip()[:longest]
