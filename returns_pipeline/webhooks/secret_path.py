"""The secret in the address that webhooks are sent to: read from the environment, compared in constant time, never shown."""

import hmac
import re
from collections.abc import Mapping

from returns_pipeline.clients.credentials import MissingCredential

VARIABLE = "RETURNS_WEBHOOK_SECRET"
_SECRET = re.compile(r"[A-Za-z0-9_-]{32,128}")


def live_secrets(environment: Mapping[str, str]) -> list[str]:
    """The secrets that are taken today: the newest first, and after a comma the one before it while senders change over.

    Raises:
        MissingCredential: none, or one that could be guessed.
    """
    found = [entry.strip() for entry in environment.get(VARIABLE, "").split(",") if entry.strip()]
    if not 1 <= len(found) <= 2 or not all(_SECRET.fullmatch(entry) for entry in found):
        raise MissingCredential(
            f"{VARIABLE} must hold one secret of 32 to 128 letters, digits, - or _ (two with a comma while you rotate, the new one first): "
            "make one with `python -c 'import secrets; print(secrets.token_urlsafe(32))'`"
        )
    return found


def is_known(given: str, live: list[str]) -> bool:
    """Whether it is one of the live secrets; every one is compared, whatever the first comparison says."""
    return any([hmac.compare_digest(given.encode(errors="replace"), secret.encode()) for secret in live])
