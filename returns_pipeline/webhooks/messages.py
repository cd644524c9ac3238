"""What a webhook's body names: which goods-in note, order or return may have moved. Nothing else of a body is looked at, and nothing is stored here.

Source: Brightpearl's webhook POST (the body is our own template, ids may be an id-set); ReturnGo documents `eventName` only, so that ids are
looked for where such messages carry them.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from returns_pipeline.clients.json_reading import parse
from returns_pipeline.clients.outcomes import UnusableAnswer

# What we ask Brightpearl to send: `${...}` is filled in by Brightpearl. An id-set is text such as "1-5,99".
BRIGHTPEARL_BODY_TEMPLATE = '{"event":"${full-event}","ids":"${resource-id}"}'
MOST_IDS = 200
_LARGEST_ID = 2**63 - 1
_DEEPEST = 3
_SUBJECTS = {"goods-in-note": "goods_in", "order": "order", "sales-order": "order"}


@dataclass(frozen=True)
class Hint:
    """One thing that may have moved.

    Attributes:
        subject: goods_in, order (a sale or a sales credit) or rma; unreadable where the body names nothing that we can read.
        subject_id: its id in the sender's system; 0 where it is unreadable.
    """

    subject: str
    subject_id: int


UNREADABLE = Hint("unreadable", 0)


def from_brightpearl(content: bytes) -> list[Hint]:
    """The notes or orders that a delivery names, at most 200; one `UNREADABLE` for anything else."""
    body = _object(content)
    subject = _SUBJECTS.get(str(body.get("event")).split(".")[0])
    ids = _id_set(body.get("ids")) if subject else []
    return [Hint(subject, each) for each in ids] if subject and ids else [UNREADABLE]


def from_returngo(content: bytes) -> list[Hint]:
    """The return that a message is about; one `UNREADABLE` where no RMA id is found."""
    body = _object(content)
    named = {found for found in _rma_ids(body, _DEEPEST) if found}
    if not named and str(body.get("eventName")).startswith("RMA_"):
        inner = body.get("data")
        places = [inner, body] if isinstance(inner, Mapping) else [body]
        named = {found for place in places if (found := _id(place.get("id")))}
    return [Hint("rma", each) for each in sorted(named)[:MOST_IDS]] or [UNREADABLE]


def _object(content: bytes) -> Mapping[str, Any]:
    try:
        body = parse(content)
    except UnusableAnswer:
        return {}
    return body if isinstance(body, dict) else {}


def _rma_ids(value: Any, depth: int) -> Iterator[int | None]:  # noqa: ANN401 - JSON
    """Ids under `rmaId` or `rma_id`, or the `id` of an object called `rma`."""
    if not isinstance(value, Mapping) or depth == 0:
        return
    for key, entry in value.items():
        if key in ("rmaId", "rma_id"):
            yield _id(entry)
        elif key == "rma" and isinstance(entry, Mapping):
            yield _id(entry.get("id"))
        yield from _rma_ids(entry, depth - 1)


def _id(value: Any) -> int | None:  # noqa: ANN401 - JSON
    if isinstance(value, str) and value.isascii() and value.isdigit() and len(value) <= 19:
        value = int(value)
    is_id = isinstance(value, int) and not isinstance(value, bool) and 0 < value <= _LARGEST_ID
    return value if is_id else None


def _id_set(value: Any) -> list[int]:  # noqa: ANN401 - JSON
    """The ids of `7` or `"1-5,99,202"`; none of them when the set is malformed or larger than we follow up."""
    found: set[int] = set()
    for part in str(value).split(",") if isinstance(value, (str, int)) else []:
        first, _, last = part.partition("-")
        begin, end = _id(first), _id(last or first)
        if begin is None or end is None or end < begin or end - begin >= MOST_IDS:
            return []
        found.update(range(begin, end + 1))
        if len(found) > MOST_IDS:
            return []
    return sorted(found)
