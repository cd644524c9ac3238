"""Credentials of both APIs, read from the environment when a run starts; rotated OAuth tokens in a file that only its owner reads.

No secret is ever in a `repr`, a message or a log line.
"""

import fcntl
import json
import logging
import os
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import requests

_TOKEN_PATIENCE_SECONDS = (5.0, 30.0)


class MissingCredential(Exception):
    """A variable that a client needs is not set; the message names it and its mend."""


@dataclass(frozen=True)
class ReturnGoCredentials:
    """One shop's key."""

    shop_name: str
    api_key: str = field(repr=False)

    def headers(self) -> dict[str, str]:
        """The headers of every ReturnGo call."""
        return {"x-api-key": self.api_key, "x-shop-name": self.shop_name}


@dataclass(frozen=True)
class PrivateApp:
    """A private (legacy) Brightpearl app: app reference and account token."""

    app_ref: str
    account_token: str = field(repr=False)

    def headers(self) -> dict[str, str]:
        """The headers of every Brightpearl call."""
        return {"brightpearl-app-ref": self.app_ref, "brightpearl-account-token": self.account_token}


class OAuthApp:
    """A Brightpearl OAuth app; `refresh` swaps the pair of tokens and stores the new one before it is used.

    Args:
        app_ref, dev_ref: the app's references.
        access_token, refresh_token: the seed from the environment, used while the file is absent.
        token_url: where tokens are refreshed.
        directory: `RETURNS_HOME/credentials`; the file in it is mode 0600, written anew and renamed, under a lock.
    """

    def __init__(
        self, app_ref: str, dev_ref: str, access_token: str, refresh_token: str, token_url: str, directory: Path
    ) -> None:
        self._app_ref, self._dev_ref, self._token_url = app_ref, dev_ref, token_url
        self._seed = {"access_token": access_token, "refresh_token": refresh_token}
        self._path = directory / "brightpearl-tokens.json"

    def __repr__(self) -> str:
        return f"OAuthApp(app_ref={self._app_ref!r}, dev_ref={self._dev_ref!r})"

    def headers(self) -> dict[str, str]:
        """The headers of every Brightpearl call, with the newest token."""
        return {
            "authorization": f"Bearer {self._tokens()['access_token']}",
            "brightpearl-app-ref": self._app_ref,
            "brightpearl-dev-ref": self._dev_ref,
        }

    def secrets(self) -> set[str]:
        """The tokens that must not be seen anywhere."""
        return {token for token in self._tokens().values() if token}

    def refresh(self, used_access_token: str) -> bool:
        """Swaps the tokens unless another process has done so since `used_access_token`; False where no refresh token is there.

        Raises:
            MissingCredential: Brightpearl refused the refresh token.
        """
        with self._locked():
            tokens = self._tokens()
            if tokens["access_token"] != used_access_token:
                return True
            if not tokens["refresh_token"]:
                return False
            answer = requests.post(
                self._token_url,
                data={
                    "grant_type": "refresh_token",
                    "refresh_token": tokens["refresh_token"],
                    "client_id": self._app_ref,
                },
                timeout=_TOKEN_PATIENCE_SECONDS,
                allow_redirects=False,
            )
            if answer.status_code != 200:
                raise MissingCredential(
                    f"Brightpearl refused to refresh the OAuth token ({answer.status_code}): authorise the app anew and set BRIGHTPEARL_REFRESH_TOKEN"
                )
            fresh = answer.json()
            self._store(
                {
                    "access_token": fresh["access_token"],
                    "refresh_token": fresh.get("refresh_token") or tokens["refresh_token"],
                }
            )
            return True

    def _tokens(self) -> dict[str, str]:
        if not self._path.exists():
            return self._seed
        stored: dict[str, str] = json.loads(self._path.read_text(encoding="utf-8"))
        return stored

    def _store(self, tokens: Mapping[str, str]) -> None:
        new = self._path.with_suffix(".new")
        with os.fdopen(os.open(new, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w", encoding="utf-8") as file:
            json.dump(dict(tokens), file)
            file.flush()
            os.fsync(file.fileno())
        new.rename(self._path)

    @contextmanager
    def _locked(self) -> Iterator[None]:
        self._path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        with (self._path.parent / "lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            yield


BrightpearlCredentials = PrivateApp | OAuthApp


def returngo_from(environment: Mapping[str, str], shop_name: str, api_key_variable: str) -> ReturnGoCredentials:
    """The key of one shop.

    Raises:
        MissingCredential: the shop's variable is not set.
    """
    key = _required(
        environment,
        api_key_variable,
        f"the ReturnGo API key of shop {shop_name}, from Settings > Integrations > API in ReturnGo",
    )
    return ReturnGoCredentials(shop_name, key)


def brightpearl_from(environment: Mapping[str, str], directory: Path, token_url: str) -> BrightpearlCredentials:
    """A private app where BRIGHTPEARL_ACCOUNT_TOKEN is set, else an OAuth app.

    Raises:
        MissingCredential: neither is complete.
    """
    app_ref = _required(
        environment, "BRIGHTPEARL_APP_REF", "the reference of the app in Brightpearl's App store > Private apps"
    )
    if environment.get("BRIGHTPEARL_ACCOUNT_TOKEN"):
        return PrivateApp(app_ref, environment["BRIGHTPEARL_ACCOUNT_TOKEN"])
    if not environment.get("BRIGHTPEARL_DEV_REF"):
        raise MissingCredential(
            "BRIGHTPEARL_ACCOUNT_TOKEN is not set: set it for a private app, or BRIGHTPEARL_DEV_REF and BRIGHTPEARL_REFRESH_TOKEN for OAuth"
        )
    access, refresh = environment.get("BRIGHTPEARL_ACCESS_TOKEN", ""), environment.get("BRIGHTPEARL_REFRESH_TOKEN", "")
    if not access and not refresh:
        raise MissingCredential(
            "BRIGHTPEARL_ACCESS_TOKEN and BRIGHTPEARL_REFRESH_TOKEN are not set: set at least one of them for the OAuth app"
        )
    return OAuthApp(app_ref, environment["BRIGHTPEARL_DEV_REF"], access, refresh, token_url, directory)


def base_url_from(environment: Mapping[str, str], variable: str, example: str) -> str:
    """A base URL.

    Raises:
        MissingCredential: the variable is not set.
    """
    return _required(environment, variable, f"the address of the API, such as {example}")


def _required(environment: Mapping[str, str], variable: str, meaning: str) -> str:
    value = environment.get(variable, "").strip()
    if not value:
        raise MissingCredential(f"{variable} is not set: it must hold {meaning}")
    return value


class SecretsFilter(logging.Filter):
    """Takes known secrets and control characters out of every log line."""

    def __init__(self, secrets: Iterable[str]) -> None:
        super().__init__()
        self._secrets = sorted((secret for secret in secrets if len(secret) >= 6), key=len, reverse=True)

    def filter(self, record: logging.LogRecord) -> bool:
        """Rewrites the record; never drops it."""
        message = record.getMessage()
        for secret in self._secrets:
            message = message.replace(secret, "[secret]")
        record.msg = "".join(
            character if character.isprintable() or character == "\n" else "?" for character in message
        )
        record.args = ()
        return True
