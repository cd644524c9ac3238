"""One thing that was looked at. Which there are is told beside."""

from collections.abc import Callable
from dataclasses import dataclass

from returns_pipeline.clients.credentials import MissingCredential
from returns_pipeline.clients.outcomes import NotAllowed, ReadFailed
from returns_pipeline.clients.pacing import BudgetSpent

UNREADABLE = (ReadFailed, MissingCredential, NotAllowed, BudgetSpent)


@dataclass(frozen=True)
class Point:
    """One thing looked at: what it is, whether it holds, the mend where it does not, and what was seen."""

    what: str
    is_ok: bool
    mend: str = ""
    seen: str = ""


def tried(what: str, look: Callable[[], str]) -> Point:
    """The point of a look that answers the mend, or nothing where all is well; what cannot be read is not well."""
    return looked(what, lambda: (look(), ""))


def looked(what: str, look: Callable[[], tuple[str, str]]) -> Point:
    """The same for a look that answers the mend and what was seen."""
    try:
        mend, seen = look()
    except UNREADABLE as refusal:
        return Point(what, False, str(refusal))
    return Point(what, not mend, mend, seen)
