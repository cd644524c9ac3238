"""Compares what a payload expects with what a read back shows. Pure: it says what differs, not what follows from it."""

from collections.abc import Mapping, Sequence


def differences(expect: object, seen: object, path: str = "") -> list[str]:
    """What differs, in words; empty when everything expected is there.

    A mapping must hold each expected key; a list must hold exactly the expected items, in any order. Keys that nobody expects are ignored.
    """
    if isinstance(expect, Mapping):
        if not isinstance(seen, Mapping):
            return [f"{path or 'it'} is missing"]
        return [
            difference
            for key, value in expect.items()
            for difference in differences(value, seen.get(key), f"{path}.{key}".lstrip("."))
        ]
    if isinstance(expect, Sequence) and not isinstance(expect, str):
        return _list_differences(expect, seen, path)
    # Ids come as numbers or as text, depending on the page.
    if expect == seen or (expect is not None and seen is not None and str(expect) == str(seen)):
        return []
    return [f"{path} is {seen!r}, expected {expect!r}"]


def _list_differences(expect: Sequence[object], seen: object, path: str) -> list[str]:
    if not isinstance(seen, Sequence) or isinstance(seen, str):
        return [f"{path} is missing"]
    left = list(seen)
    found: list[str] = []
    for item in expect:
        match = next((candidate for candidate in left if not differences(item, candidate)), None)
        if match is None:
            found.append(f"{path}: no {_short(item)}")
        else:
            left.remove(match)
    if len(left) > 0 and not found:
        found.append(f"{path}: {len(left)} more than expected")
    return found


def _short(item: object) -> str:
    if isinstance(item, Mapping):
        return ", ".join(f"{key} {value}" for key, value in item.items())
    return str(item)
