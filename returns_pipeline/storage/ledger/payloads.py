"""The frozen form of a payload: canonical JSON and its SHA-256. What a payload says is decided in `domain/`."""

import hashlib
import json
from collections.abc import Iterable, Mapping


def canonical_json(payload: Mapping[str, object]) -> str:
    """The payload as JSON with sorted keys and no spaces, so that equal payloads have equal hashes.

    Raises:
        ValueError: a float is in it; money travels as a string or as whole minor units.
    """
    _refuse_floats(payload, "payload")
    return json.dumps(payload, sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False)


def payload_sha256(payload: Mapping[str, object]) -> bytes:
    """SHA-256 over the canonical JSON."""
    return hashlib.sha256(canonical_json(payload).encode()).digest()


def batch_sha256(payload_hashes: Iterable[bytes]) -> bytes:
    """SHA-256 over frozen payload hashes in effect order: what an approver approves."""
    digest = hashlib.sha256()
    for payload_hash in payload_hashes:
        digest.update(payload_hash)
    return digest.digest()


def _refuse_floats(value: object, path: str) -> None:
    if isinstance(value, float):
        raise ValueError(f"{path} is the float {value!r}: write money as a string or as whole minor units")  # noqa: TRY004 - the caller sees one kind of refusal
    if isinstance(value, Mapping):
        for key, inner in value.items():
            _refuse_floats(inner, f"{path}.{key}")
    elif isinstance(value, list | tuple):
        for position, inner in enumerate(value):
            _refuse_floats(inner, f"{path}[{position}]")
