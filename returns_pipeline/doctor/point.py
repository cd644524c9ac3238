"""One thing that was looked at. Which there are is told beside."""

from collections.abc import Callable
from dataclasses import dataclass

from returns_pipeline.clients.credentials import MissingCredential
from returns_pipeline.clients.outcomes import NotAllowed, ReadFailed
from returns_pipeline.clients.pacing import BudgetSpent


@dataclass(frozen=True)
class Point:
    """One thing looked at: what it is, whether it holds, the mend where it does not, and what was seen."""

    what: str
    is_ok: bool
    mend: str = ""
    seen: str = ""


def tried(what: str, look: Callable[[], str]) -> Point:
    """The point of a look that answers the mend, or nothing where all is well; what cannot be read is not well."""
    try:
        mend = look()
    except (ReadFailed, MissingCredential, NotAllowed, BudgetSpent) as refusal:
        return Point(what, False, str(refusal))
    return Point(what, not mend, mend)
