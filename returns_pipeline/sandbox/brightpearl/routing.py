"""How the sandbox Brightpearl's routes are written down and answered: one call, its ids, its body, its envelope.

Not here: the routes of a service (`routes_*`) and who may call (`account`).
"""

import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from returns_pipeline.sandbox.brightpearl.search import parse_id_set
from returns_pipeline.sandbox.brightpearl.world import BrightpearlWorld, RefusedError
from returns_pipeline.sandbox.http import Request, Response

_MOST_IDS = 200
_LIKE_A_PERIOD = re.compile(r"/?\d{4}-\d\d-\d\d")


@dataclass(frozen=True)
class Call:
    """One request that matched a route, with the parts of its path."""

    world: BrightpearlWorld
    request: Request
    groups: tuple[str, ...]


@dataclass(frozen=True)
class Route:
    """A method and path below the account, and what the answer's `Message-Type` says."""

    method: str
    pattern: str
    handle: Callable[[Call], Response]
    message_type: str


def search_route(path: str, find: Callable[[BrightpearlWorld, dict[str, list[str]]], dict[str, Any]]) -> Route:
    """The route of a resource search."""
    return Route(
        "GET", path, lambda call: Response(200, find(call.world, _query_as_read(call.request))), "bulk-data-search"
    )


def _query_as_read(request: Request) -> dict[str, list[str]]:
    """The query, with the encoded slash of a period left as it is: Brightpearl does not decode it there."""
    encoded = {part.split("=", 1)[0] for part in request.raw_query.split("&") if "%2f" in part.lower()}
    return {
        name: [
            value.replace("/", "%2F") if name in encoded and _LIKE_A_PERIOD.match(value) else value for value in values
        ]
        for name, values in request.query.items()
    }


def answer(value: Any) -> Response:  # noqa: ANN401 - JSON
    """200 with a value in the envelope."""
    return Response(200, {"response": value})


def no_content() -> Response:
    """200 with an empty object, as status changes and closes answer."""
    return Response(200, {})


def refusal(refused: RefusedError) -> Response:
    """The error envelope."""
    return Response(refused.status, {"errors": [{"code": refused.code, "message": refused.message}]})


def listed(call: Call, found: list[Any], what: str) -> Response:
    """Records by id: an empty list, or a 404, where none of the ids exists."""
    if not found and call.world.switches.missing_ids_are_404:
        raise RefusedError("CMNC-404", f"There is no {what} in ID Set {call.groups[0]}", 404)
    return answer(found)


def uris(kind: str, ids: Iterable[int]) -> list[str]:
    """The calls that fetch these ids, at most 200 in each, with ranges where ids follow each other."""
    known = sorted(ids)
    parts = [known[start : start + _MOST_IDS] for start in range(0, len(known), _MOST_IDS)]
    return [f"/{kind}/{','.join(_ranges(part))}" for part in parts]


def _ranges(ids: Sequence[int]) -> list[str]:
    runs: list[list[int]] = []
    for each in ids:
        if runs and each == runs[-1][-1] + 1:
            runs[-1].append(each)
        else:
            runs.append([each])
    return [f"{run[0]}-{run[-1]}" if len(run) > 1 else str(run[0]) for run in runs]


def object_body(call: Call) -> dict[str, Any]:
    """The body of a write.

    Raises:
        RefusedError: it is no JSON object.
    """
    if not isinstance(call.request.body, dict):
        raise RefusedError("CMNC-010", "A JSON body is required")
    return call.request.body


def wanted_ids(call: Call, group: int = 0) -> set[int]:
    """The ids of the path.

    Raises:
        RefusedError: it is no id-set, or holds more than a GET may ask for.
    """
    text = call.groups[group]
    try:
        ids = parse_id_set(text)
    except ValueError as error:
        raise RefusedError("CMNC-019", f"{text[:60]} is not an id set: {error}") from error
    if call.request.method == "GET" and len(ids) > _MOST_IDS:
        raise RefusedError("CMNC-021", f"At most {_MOST_IDS} ids may be asked for, got {len(ids)}")
    return ids
