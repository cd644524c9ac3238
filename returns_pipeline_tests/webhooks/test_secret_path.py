"""The secret in a webhook's address."""

import pytest

from returns_pipeline.clients.credentials import MissingCredential
from returns_pipeline.webhooks.secret_path import VARIABLE, is_known, live_secrets

NEW, OLD = "n" * 32, "o" * 43


def test_two_secrets_live_while_senders_change_over():
    live = live_secrets({VARIABLE: f"{NEW}, {OLD}"})
    assert live == [NEW, OLD]
    assert is_known(NEW, live)
    assert is_known(OLD, live)
    assert not is_known("", live)
    assert not is_known(NEW[:-1], live)
    assert not is_known("\udcff", live)


@pytest.mark.parametrize(
    "text", ["", " ", "short", "n" * 31, "n" * 129, f"{NEW},{OLD},{NEW}", f"{NEW},short", NEW[:-1] + "/"]
)
def test_a_secret_that_could_be_guessed_is_refused_and_not_repeated(text):
    with pytest.raises(MissingCredential, match=VARIABLE) as refused:
        live_secrets({VARIABLE: text})
    assert not text.strip() or text.strip() not in str(refused.value)
