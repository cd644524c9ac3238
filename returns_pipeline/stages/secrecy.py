"""Keeps known secrets out of every log line of the process. Where secrets come from is the clients'."""

import logging
from collections.abc import Callable, Iterable

from returns_pipeline.clients.credentials import SecretsFilter

_sources: list[Callable[[], Iterable[str]]] = []


def known() -> set[str]:
    """Every secret that this process has met, of all systems and channels."""
    return {secret for source in _sources for secret in source()}


_FILTER = SecretsFilter(known)


def guard(source: Callable[[], Iterable[str]]) -> None:
    """Adds a source of secrets, asked for each line because tokens rotate, and sees that every handler of the process filters."""
    if source not in _sources:
        _sources.append(source)
    for name in (None, "dagster"):
        for handler in logging.getLogger(name).handlers:
            if _FILTER not in handler.filters:
                handler.addFilter(_FILTER)
