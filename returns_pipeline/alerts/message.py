"""What is told, as plain text: one cause, how many, how much money, an example and where to look. Not who gets it or how it is sent."""

import unicodedata
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

_MOST_CHARACTERS = 200


@dataclass(frozen=True)
class Message:
    """One alert.

    Attributes:
        kind: cause, escalation, digest, check, run, silence or test.
        cause: the same for all messages about one cause; a further one waits until the first is old.
        severity: info, warn, error or critical.
        group: whom it is for, a name of [owners] or [escalation].
        title: one line.
        lines: what people read below it.
        count: cases behind it.
        money: minor units at stake by currency.
        links: (what is there, address), made by us and never by third parties.
    """

    kind: str
    cause: str
    severity: str
    group: str
    title: str
    lines: tuple[str, ...]
    count: int = 1
    money: Mapping[str, int] | None = None
    links: tuple[tuple[str, str], ...] = ()

    @property
    def text(self) -> str:
        """Title, lines and links, one below the other."""
        return "\n".join([self.title, *self.lines, *(f"{what}: {address}" for what, address in self.links)])

    def as_json(self) -> dict[str, Any]:
        """As the outbox keeps it and the generic webhook gets it."""
        return asdict(self) | {"money": dict(self.money or {})}


def from_json(kept: Mapping[str, Any]) -> Message:
    """The message that `as_json` made."""
    return Message(
        **{
            **kept,
            "lines": tuple(kept["lines"]),
            "links": tuple((what, address) for what, address in kept["links"]),
            "money": {currency: int(minor) for currency, minor in kept["money"].items()},
        }
    )


def plain(text: object, most: int = _MOST_CHARACTERS) -> str:
    """Third-party text as one harmless line: no control characters, no marks that turn the direction of writing, not longer than `most`."""
    kept = "".join(" " if character in "\r\n\t" else character for character in str(text))
    kept = "".join(character for character in kept if unicodedata.category(character)[0] != "C")
    line = " ".join(kept.split())
    return line if len(line) <= most else f"{line[: most - 3]}..."
