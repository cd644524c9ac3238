"""Credentials come from the environment, a missing one is named with its mend, and none is ever shown."""

import io
import logging

import pytest

from returns_pipeline.clients.credentials import (
    MissingCredential,
    PrivateApp,
    SecretsFilter,
    base_url_from,
    brightpearl_from,
    returngo_from,
)
from returns_pipeline.clients.oauth import OAuthApp

BASE_URL = "https://euw1.brightpearlconnect.com/public-api/acme"
OAUTH = {
    "BRIGHTPEARL_APP_REF": "acme_app",
    "BRIGHTPEARL_DEV_REF": "acme",
    "BRIGHTPEARL_ACCESS_TOKEN": "canary-access",
    "BRIGHTPEARL_REFRESH_TOKEN": "canary-refresh",
}


def test_returngo_calls_carry_key_and_shop():
    """The key is valid for all stores of its owner: the shop's header picks the store."""
    credentials = returngo_from({"KEY_UK": " canary-key "}, "acme.myshopify.com", "KEY_UK")
    assert credentials.headers() == {"x-api-key": "canary-key", "x-shop-name": "acme.myshopify.com"}
    assert credentials.secrets() == {"canary-key"}


def test_a_private_app_carries_reference_and_token(tmp_path):
    """This is what the account's own staff can make without a developer."""
    app = brightpearl_from(
        {"BRIGHTPEARL_APP_REF": "acme_app", "BRIGHTPEARL_ACCOUNT_TOKEN": "canary-token"}, tmp_path, BASE_URL
    )
    assert isinstance(app, PrivateApp)
    assert app.headers() == {"brightpearl-app-ref": "acme_app", "brightpearl-account-token": "canary-token"}
    assert not app.renew()
    assert app.secrets() == {"canary-token"}


def test_an_oauth_app_carries_bearer_and_both_references(tmp_path):
    """Brightpearl wants all three."""
    app = brightpearl_from(OAUTH, tmp_path, BASE_URL)
    assert isinstance(app, OAuthApp)
    assert app.headers() == {
        "authorization": "Bearer canary-access",
        "brightpearl-app-ref": "acme_app",
        "brightpearl-dev-ref": "acme",
    }


@pytest.mark.parametrize(
    ("environment", "named"),
    [
        ({}, "BRIGHTPEARL_APP_REF"),
        ({"BRIGHTPEARL_APP_REF": "  "}, "BRIGHTPEARL_APP_REF"),
        ({"BRIGHTPEARL_APP_REF": "acme_app"}, "BRIGHTPEARL_ACCOUNT_TOKEN"),
        ({"BRIGHTPEARL_APP_REF": "acme_app", "BRIGHTPEARL_DEV_REF": "acme"}, "BRIGHTPEARL_REFRESH_TOKEN"),
    ],
)
def test_a_missing_variable_is_named_with_its_mend(environment, named, tmp_path):
    """The person who reads it sets variables and reads no code."""
    with pytest.raises(MissingCredential, match=f"{named}.*set"):
        brightpearl_from(environment, tmp_path, BASE_URL)


@pytest.mark.parametrize("value", ["canary key", "canary\nkey", "canary\u00e9", "\u201ccanary\u201d"])
def test_what_no_header_can_carry_is_refused_and_not_repeated(value, tmp_path):
    """The library that sends headers would name the value in its own error, and that error ends in an event log."""
    with pytest.raises(MissingCredential, match="KEY_UK is not set to a key") as refused:
        returngo_from({"KEY_UK": value}, "acme", "KEY_UK")
    assert "canary" not in str(refused.value)
    with pytest.raises(MissingCredential, match="BRIGHTPEARL_ACCOUNT_TOKEN is not set to a key"):
        brightpearl_from({"BRIGHTPEARL_APP_REF": "a", "BRIGHTPEARL_ACCOUNT_TOKEN": value}, tmp_path, BASE_URL)


def test_a_missing_key_and_address_are_named():
    """Each shop has a variable of its own."""
    with pytest.raises(MissingCredential, match=r"KEY_UK is not set: it must hold the ReturnGo API key of shop acme"):
        returngo_from({}, "acme", "KEY_UK")
    with pytest.raises(MissingCredential, match="BRIGHTPEARL_BASE_URL is not set"):
        base_url_from({}, "BRIGHTPEARL_BASE_URL", BASE_URL)


def test_no_secret_is_in_a_repr(tmp_path):
    """A repr ends in a traceback, and a traceback in a log."""
    shown = [
        repr(returngo_from({"KEY": "canary-key"}, "acme", "KEY")),
        repr(
            brightpearl_from(
                {"BRIGHTPEARL_APP_REF": "a", "BRIGHTPEARL_ACCOUNT_TOKEN": "canary-token"}, tmp_path, BASE_URL
            )
        ),
        repr(brightpearl_from(OAUTH, tmp_path, BASE_URL)),
    ]
    assert "canary" not in " ".join(shown)


def test_the_log_loses_secrets_control_characters_and_nothing_else():
    """A secret in an argument or a traceback is as public as one in the message; a line break forges a log line's start."""
    secrets = {"canary-token", "canary-token-longer", "abc"}
    stream = io.StringIO()
    handler = logging.StreamHandler(stream)
    handler.addFilter(SecretsFilter(lambda: secrets))
    logger = logging.getLogger("returns_pipeline_tests.secrets")
    logger.propagate = False
    logger.addHandler(handler)
    try:
        raise ValueError("with canary-token inside")
    except ValueError:
        logger.exception("sent %s and %s\x1b[31m\u202e for abc", "canary-token", "canary-token-longer")
    secrets.add("rotated-token")
    logger.warning("now rotated-token")
    logger.removeHandler(handler)
    logged = stream.getvalue()
    assert "canary" not in logged
    assert "rotated" not in logged
    assert "sent [secret] and [secret]?[31m? for abc" in logged
    assert "ValueError: with [secret] inside" in logged
