"""Credentials of both APIs, read from the environment when a run starts. No secret is ever in a `repr`, a message or a log line."""

import logging
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from returns_pipeline.clients.least_data import without_secrets
from returns_pipeline.clients.oauth import OAuthApp, token_url_of


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

    def secrets(self) -> set[str]:
        """What must not be seen anywhere."""
        return {self.api_key}


@dataclass(frozen=True)
class PrivateApp:
    """A private (legacy) Brightpearl app: app reference and account token."""

    app_ref: str
    account_token: str = field(repr=False)

    def headers(self) -> dict[str, str]:
        """The headers of every Brightpearl call."""
        return {"brightpearl-app-ref": self.app_ref, "brightpearl-account-token": self.account_token}

    def renew(self) -> bool:
        """A private app's token lives until somebody replaces it: there is no fresh one to be had."""
        return False

    def secrets(self) -> set[str]:
        """What must not be seen anywhere."""
        return {self.account_token}


BrightpearlCredentials = PrivateApp | OAuthApp


def returngo_from(environment: Mapping[str, str], shop_name: str, api_key_variable: str) -> ReturnGoCredentials:
    """The key of one shop.

    Raises:
        MissingCredential: the shop's variable is not set.
    """
    where = f"the ReturnGo API key of shop {shop_name}, from Settings > Integrations > API in ReturnGo"
    return ReturnGoCredentials(shop_name, _required(environment, api_key_variable, where))


def brightpearl_from(environment: Mapping[str, str], directory: Path, base_url: str) -> BrightpearlCredentials:
    """A private app where BRIGHTPEARL_ACCOUNT_TOKEN is set, else an OAuth app.

    Args:
        environment: where the variables are.
        directory: where rotated OAuth tokens live.
        base_url: of the account; it names the account whose tokens are refreshed.

    Raises:
        MissingCredential: neither is complete.
    """
    where = "the reference of the app in Brightpearl's App store > Private apps"
    app_ref = _required(environment, "BRIGHTPEARL_APP_REF", where)
    account_token = _given(environment, "BRIGHTPEARL_ACCOUNT_TOKEN")
    if account_token:
        return PrivateApp(app_ref, account_token)
    dev_ref = _given(environment, "BRIGHTPEARL_DEV_REF")
    if not dev_ref:
        raise MissingCredential(
            "BRIGHTPEARL_ACCOUNT_TOKEN is not set: set it for a private app, or BRIGHTPEARL_DEV_REF and BRIGHTPEARL_REFRESH_TOKEN for OAuth"
        )
    access, refresh = (_given(environment, name) for name in ("BRIGHTPEARL_ACCESS_TOKEN", "BRIGHTPEARL_REFRESH_TOKEN"))
    if not access and not refresh:
        raise MissingCredential(
            "BRIGHTPEARL_ACCESS_TOKEN and BRIGHTPEARL_REFRESH_TOKEN are not set: set at least one of them for the OAuth app"
        )
    return OAuthApp(app_ref, dev_ref, access, refresh, token_url_of(base_url), directory)


def base_url_from(environment: Mapping[str, str], variable: str, example: str) -> str:
    """A base URL.

    Raises:
        MissingCredential: the variable is not set.
    """
    return _required(environment, variable, f"the address of the API, such as {example}")


class SecretsFilter(logging.Filter):
    """Takes known secrets and control characters out of every log line and traceback.

    Args:
        secrets: called for each line, because tokens rotate while a process runs.
    """

    def __init__(self, secrets: Callable[[], Iterable[str]]) -> None:
        super().__init__()
        self._secrets = secrets
        self._formatter = logging.Formatter()

    def filter(self, record: logging.LogRecord) -> bool:
        """Rewrites the record; never drops it."""
        record.msg, record.args = self._safe(record.getMessage()), ()
        if record.exc_info:
            record.exc_text = record.exc_text or self._formatter.formatException(record.exc_info)
            record.exc_info = None
        if record.exc_text:
            record.exc_text = self._safe(record.exc_text)
        return True

    def _safe(self, text: str) -> str:
        kept = without_secrets(text, self._secrets())
        return "".join(character if character.isprintable() or character == "\n" else "?" for character in kept)


def _required(environment: Mapping[str, str], variable: str, meaning: str) -> str:
    value = _given(environment, variable)
    if not value:
        raise MissingCredential(f"{variable} is not set: it must hold {meaning}")
    return value


def _given(environment: Mapping[str, str], variable: str) -> str:
    """The variable without white space around it, or an empty text.

    Raises:
        MissingCredential: it holds what no header can carry; the library that sends it would name the value in its own error.
    """
    value = environment.get(variable, "").strip()
    if not (value.isascii() and value.isprintable()) or " " in value:
        raise MissingCredential(
            f"{variable} is not set to a key: it holds blanks, line breaks or letters that no key has; copy it anew"
        )
    return value
