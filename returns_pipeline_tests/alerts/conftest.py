"""Receivers of alerts, settings with addresses, and cases to tell of."""

from collections.abc import Callable, Iterator

import psycopg
import pytest

from returns_pipeline.alerts.message import Message
from returns_pipeline.settings import Settings, load_settings
from returns_pipeline_tests.alerts.receivers import HttpReceiver, MailReceiver

SETTINGS_TOML = """
[alerts]
mail_from = "pipeline@example.com"
dagster_url = "http://dagster.example.com"
runbook_url = "http://docs.example.com/runbook"
[alerts.recipients]
finance = ["finance@example.com"]
operations = ["boss@example.com"]
"""
MakeSettings = Callable[..., Settings]


@pytest.fixture
def slack() -> Iterator[HttpReceiver]:
    receiver = HttpReceiver().start()
    yield receiver
    receiver.stop()


@pytest.fixture
def webhook() -> Iterator[HttpReceiver]:
    receiver = HttpReceiver().start()
    yield receiver
    receiver.stop()


@pytest.fixture
def mail() -> Iterator[MailReceiver]:
    receiver = MailReceiver().start()
    yield receiver
    receiver.stop()


@pytest.fixture
def make_settings(tmp_path) -> MakeSettings:
    """The settings of SETTINGS_TOML with some of its lines, or further tables, changed."""

    def made(more: str = "", **changed: str) -> Settings:
        text = SETTINGS_TOML
        for before, after in changed.items():
            text = text.replace(f"[{before}]\n", f"[{before}]\n{after}\n")
        path = tmp_path / "settings.toml"
        path.write_text(text + more, encoding="utf-8")
        return load_settings({"RETURNS_SETTINGS": str(path)})

    return made


@pytest.fixture
def settings(make_settings: MakeSettings) -> Settings:
    return make_settings()


def a_message(**changes: object) -> Message:
    given: dict = {
        "kind": "cause",
        "cause": "uk sku_unknown no product",
        "severity": "error",
        "group": "finance",
        "title": "A returned SKU was not sold",
        "lines": ("cause: no product",),
        "money": {"GBP": 1999},
        "links": (("Dagster", "http://dagster.example.com/assets/returns/exceptions"),),
    }
    return Message(**(given | changes))


def kept(connection: psycopg.Connection) -> list[tuple[str, str, int, bool]]:
    """What the outbox holds: channel, cause, attempts, whether it was sent."""
    return connection.execute(
        "SELECT channel, cause, attempts, sent_at IS NOT NULL FROM alert_outbox ORDER BY alert_id"
    ).fetchall()
