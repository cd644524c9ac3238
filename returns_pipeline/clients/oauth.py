"""The tokens of a Brightpearl OAuth app: kept in a file that only its owner reads, refreshed by one process at a time. No other credential.

Source: the recorded token answers; whether a refresh ends the life of the old pair is unknown, so the new pair is stored before it is used.
"""

import datetime as dt
import fcntl
import json
import os
import re
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from pathlib import Path
from urllib.parse import urlsplit

import requests

from returns_pipeline.clients.answers import take_apart
from returns_pipeline.clients.deadlines import Deadline, watched_session
from returns_pipeline.clients.outcomes import CredentialRefused, NotAllowed, ReadFailed

_TOKEN_PATIENCE_SECONDS = (5.0, 30.0)
_DEADLINE_SECONDS = 45.0
# Refreshed this long before it ends, so that no write meets an expired token.
_SPARE = dt.timedelta(hours=12)
_RECORDED_HOST = "https://oauth.brightpearl.com"


@dataclass(frozen=True)
class _Tokens:
    access_token: str = field(repr=False)
    refresh_token: str = field(repr=False)
    expires_at: float | None = None


class OAuthApp:
    """A Brightpearl OAuth app: gives the newest token, and swaps the pair when it runs out.

    Args:
        app_ref, dev_ref: the app's references.
        access_token, refresh_token: the seed from the environment, used while the file is absent; either may be empty.
        token_url: where tokens are refreshed.
        directory: `RETURNS_HOME/credentials`; the file in it is mode 0600, written anew and renamed, under a lock.
        now: the clock.
    """

    def __init__(
        self,
        app_ref: str,
        dev_ref: str,
        access_token: str,
        refresh_token: str,
        token_url: str,
        directory: Path,
        now: Callable[[], dt.datetime] = lambda: dt.datetime.now(dt.UTC),
    ) -> None:
        self._app_ref, self._dev_ref, self._token_url, self._now = app_ref, dev_ref, token_url, now
        self._seed = _Tokens(access_token, refresh_token)
        self._path = directory / "brightpearl-tokens.json"
        self._met = {token for token in (access_token, refresh_token) if token}
        self._handed_out: str | None = None

    def __repr__(self) -> str:
        return f"OAuthApp(app_ref={self._app_ref!r}, dev_ref={self._dev_ref!r})"

    def headers(self) -> dict[str, str]:
        """The headers of every Brightpearl call, with a token that is not about to run out.

        Raises:
            ReadFailed: a fresh token was needed and could not be had.
        """
        tokens = self._tokens()
        if self._runs_out(tokens) and tokens.refresh_token:
            self._refresh(tokens)
            tokens = self._tokens()
        self._handed_out = tokens.access_token
        return {
            "authorization": f"Bearer {tokens.access_token}",
            "brightpearl-app-ref": self._app_ref,
            "brightpearl-dev-ref": self._dev_ref,
        }

    def renew(self) -> bool:
        """Swaps the tokens after the account refused the present one; False where no refresh token is there.

        Raises:
            CredentialRefused: Brightpearl refused the refresh token.
            ReadFailed: no answer that can be used.
        """
        tokens = self._tokens()
        if self._handed_out not in (None, tokens.access_token):
            # What was refused is no longer the newest: another process has swapped it meanwhile.
            return True
        if not tokens.refresh_token:
            return False
        self._refresh(tokens)
        return True

    def secrets(self) -> set[str]:
        """What must not be seen anywhere: every pair that this process met, because an older one may live on beside the newest."""
        tokens = self._tokens()
        self._met |= {token for token in (tokens.access_token, tokens.refresh_token) if token}
        return set(self._met)

    def _runs_out(self, tokens: _Tokens) -> bool:
        if not tokens.access_token:
            return True
        return tokens.expires_at is not None and self._now().timestamp() > tokens.expires_at - _SPARE.total_seconds()

    def _refresh(self, used: _Tokens) -> None:
        with self._locked():
            if self._tokens() != used:
                # Another process was faster, and a refresh token may work only once.
                return
            self._met |= {used.access_token, used.refresh_token} - {""}
            body = self._ask_for_fresh(used)
            lifetime = body.get("expires_in")
            seconds = float(lifetime) if isinstance(lifetime, int) and lifetime > 0 else None
            self._store(
                _Tokens(
                    access_token=str(body["access_token"]),
                    refresh_token=str(body.get("refresh_token") or used.refresh_token),
                    expires_at=None if seconds is None else self._now().timestamp() + seconds,
                )
            )

    def _ask_for_fresh(self, used: _Tokens) -> Mapping[str, object]:
        form = {"grant_type": "refresh_token", "refresh_token": used.refresh_token, "client_id": self._app_ref}
        session = watched_session()
        try:
            with (
                Deadline(_DEADLINE_SECONDS),
                session,
                session.post(
                    self._token_url, data=form, timeout=_TOKEN_PATIENCE_SECONDS, allow_redirects=False, stream=True
                ) as response,
            ):
                answer = take_apart(response, lambda: (used.access_token, used.refresh_token))
        except requests.RequestException as error:
            raise ReadFailed(
                f"Brightpearl's OAuth token could not be refreshed ({type(error).__name__}). Look at the network"
            ) from error
        if 400 <= answer.status < 500:
            raise CredentialRefused(
                f"Brightpearl refused to refresh the OAuth token ({answer.status}: {answer.detail}). "
                f"Authorise the app anew, set BRIGHTPEARL_REFRESH_TOKEN and remove {self._path.name}",
                status=answer.status,
            )
        body = answer.body
        if answer.status != 200 or not isinstance(body, dict) or not isinstance(body.get("access_token"), str):
            raise ReadFailed(
                f"Brightpearl's OAuth token could not be refreshed ({answer.status}). Please try again later"
            )
        return body

    def _tokens(self) -> _Tokens:
        try:
            stored = json.loads(self._path.read_text(encoding="utf-8"))
        except FileNotFoundError:
            return self._seed
        return _Tokens(stored["access_token"], stored["refresh_token"], stored.get("expires_at"))

    def _store(self, tokens: _Tokens) -> None:
        new = self._path.with_suffix(".new")
        new.unlink(missing_ok=True)
        with os.fdopen(os.open(new, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="utf-8") as file:
            json.dump(asdict(tokens), file)
            file.flush()
            os.fsync(file.fileno())
        new.rename(self._path)

    @contextmanager
    def _locked(self) -> Iterator[None]:
        self._path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        with (self._path.parent / "lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            yield


def token_url_of(base_url: str) -> str:
    """Where the tokens of an account are refreshed: the recorded address, or the same path on loopback.

    Raises:
        NotAllowed: the base URL names no account.
    """
    account = re.search(r"/public-api/([A-Za-z0-9-]+)", base_url)
    if account is None:
        raise NotAllowed("BRIGHTPEARL_BASE_URL must go up to and with /public-api/ and the account's code")
    parts = urlsplit(base_url)
    is_loopback = parts.hostname in ("127.0.0.1", "::1")
    host = f"{parts.scheme}://{parts.netloc}" if is_loopback else _RECORDED_HOST
    return f"{host}/token/{account.group(1)}"
