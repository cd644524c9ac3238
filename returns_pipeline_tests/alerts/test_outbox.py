"""A channel that fails loses nothing: real receivers that stop and start again in the middle."""

import datetime as dt
import threading

import psycopg
import pytest

from returns_pipeline.alerts import outbox
from returns_pipeline.alerts.channels import Channel, channels_of
from returns_pipeline.settings import Settings
from returns_pipeline.storage import database
from returns_pipeline.storage import outbox as stored
from returns_pipeline_tests.alerts.conftest import a_message, kept
from returns_pipeline_tests.alerts.receivers import HttpReceiver, MailReceiver

NOON = dt.datetime(2026, 3, 2, 12, tzinfo=dt.UTC)  # a Monday


@pytest.fixture
def channels(webhook: HttpReceiver, mail: MailReceiver, settings: Settings) -> list[Channel]:
    return channels_of({"RETURNS_SMTP_URL": mail.address, "RETURNS_ALERT_WEBHOOK_URL": webhook.address}, settings)


def put(connection, channels, settings, now=NOON, once=None, **changes: object) -> int:
    return outbox.put(connection, a_message(**changes), channels, now, settings, once)


def test_a_receiver_that_stops_and_starts_in_the_middle_gets_everything_once(
    connection: psycopg.Connection, channels, settings, webhook: HttpReceiver, mail: MailReceiver
) -> None:
    """Chat is down for an hour; mail goes on meanwhile, and what chat missed comes when it is back."""
    put(connection, channels, settings, title="first")
    assert outbox.deliver(connection, channels, NOON) == outbox.Delivered(2, {})
    webhook.stop()
    put(connection, channels, settings, title="second")
    put(connection, channels, settings, title="third")
    failed = outbox.deliver(connection, channels, NOON)
    assert (failed.sent, list(failed.failures)) == (2, ["webhook"])
    assert [received["Subject"] for _, received in mail.mails] == [f"[error] {n}" for n in ("first", "second", "third")]
    assert [entry[2:] for entry in kept(connection) if entry[0] == "webhook"] == [(1, True), (1, False), (0, False)]
    webhook.start()
    assert outbox.deliver(connection, channels, NOON).sent == 0, "a channel that failed rests before it is asked again"
    assert outbox.deliver(connection, channels, NOON + dt.timedelta(seconds=31)).sent == 2
    assert [body["title"] for body in webhook.bodies] == ["first", "second", "third"]
    assert outbox.deliver(connection, channels, NOON + dt.timedelta(days=1)).sent == 0
    assert len(mail.mails) == 3


def test_a_mail_server_that_stops_and_starts_gets_everything_once(
    connection: psycopg.Connection, channels, settings, webhook: HttpReceiver, mail: MailReceiver
) -> None:
    mail.stop()
    for title in ("first", "second"):
        put(connection, channels, settings, title=title)
    failed = outbox.deliver(connection, channels, NOON)
    assert (failed.sent, list(failed.failures), len(webhook.bodies)) == (2, ["mail"], 2)
    mail.start()
    assert outbox.deliver(connection, channels, NOON + dt.timedelta(minutes=1)).sent == 2
    assert [received["Subject"] for _, received in mail.mails] == ["[error] first", "[error] second"]


def test_chat_that_stops_and_starts_gets_everything_once(
    connection: psycopg.Connection, settings, slack: HttpReceiver
) -> None:
    """A proxy that is down answers 502 for a while, then nothing at all."""
    chat = channels_of({"RETURNS_SLACK_WEBHOOK_URL": slack.address}, settings)
    for title in ("first", "second"):
        put(connection, chat, settings, title=title)
    slack.status = 502
    assert outbox.deliver(connection, chat, NOON).failures == {"slack": "slack answered 502"}
    slack.stop()
    assert outbox.deliver(connection, chat, NOON + dt.timedelta(minutes=1)).sent == 0
    slack.status = 200
    slack.start()
    assert outbox.deliver(connection, chat, NOON + dt.timedelta(hours=1)).sent == 2
    assert [body["blocks"][0]["text"]["text"].split()[1] for body in slack.bodies] == ["first", "second"]
    assert outbox.deliver(connection, chat, NOON + dt.timedelta(days=1)).sent == 0


def test_the_rests_grow_and_the_health_says_what_waits(
    connection: psycopg.Connection, channels, settings, webhook: HttpReceiver
) -> None:
    """A receiver that is down all day is asked each half hour, not each minute; and never given up."""
    webhook.status = 503
    put(connection, channels, settings)
    moment, rests = NOON, []
    for _ in range(9):
        outbox.deliver(connection, channels, moment)
        (due,) = connection.execute(
            "SELECT not_before FROM alert_outbox WHERE channel = 'webhook' AND sent_at IS NULL"
        ).fetchone()
        rests.append(int((due - moment).total_seconds()))
        moment = due
    assert rests == [30, 60, 120, 240, 480, 960, 1800, 1800, 1800]
    assert stored.waiting(connection) == [("webhook", 1, NOON, "webhook answered 503")]
    webhook.status = 200
    assert outbox.deliver(connection, channels, moment).sent == 1
    assert stored.waiting(connection) == []


def test_two_deliverers_send_each_message_once(
    connection: psycopg.Connection, channels, settings, webhook: HttpReceiver
) -> None:
    """The health run and the sensor may deliver at the same time."""
    for number in range(20):
        put(connection, channels, settings, title=str(number))

    def deliver() -> None:
        with database.connect() as own:
            outbox.deliver(own, channels, NOON)

    threads = [threading.Thread(target=deliver) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(int(body["title"]) for body in webhook.bodies) == list(range(20))


def test_a_message_whose_sender_died_is_sent_again(
    connection: psycopg.Connection, channels, settings, webhook: HttpReceiver
) -> None:
    """At least once: the outbox cannot know whether a dead process had sent it."""
    put(connection, channels, settings)
    for channel in channels:
        assert stored.claim(connection, channel.name, NOON) is not None
    assert outbox.deliver(connection, channels, NOON).sent == 0
    assert outbox.deliver(connection, channels, NOON + dt.timedelta(minutes=3)).sent == 2


def test_at_night_only_what_is_critical_is_sent(connection, channels, settings, webhook: HttpReceiver) -> None:
    """Who is woken for a warning turns the phone off before the next critical."""
    night = dt.datetime(2026, 3, 2, 23, tzinfo=dt.UTC)
    put(connection, channels, settings, now=night, title="warns", severity="error")
    put(connection, channels, settings, now=night, title="cries", severity="critical")
    outbox.deliver(connection, channels, night)
    assert [body["title"] for body in webhook.bodies] == ["cries"]
    outbox.deliver(connection, channels, dt.datetime(2026, 3, 3, 6, 59, tzinfo=dt.UTC))
    assert [body["title"] for body in webhook.bodies] == ["cries"]
    outbox.deliver(connection, channels, dt.datetime(2026, 3, 3, 7, tzinfo=dt.UTC))
    assert [body["title"] for body in webhook.bodies] == ["cries", "warns"]


def test_quiet_hours_are_the_shops_and_may_be_none(connection, channels, make_settings, webhook: HttpReceiver) -> None:
    """In July seven in London is six in UTC."""
    summer = dt.datetime(2026, 7, 6, 6, 30, tzinfo=dt.UTC)
    put(connection, channels, make_settings(), now=summer, title="after seven")
    put(connection, channels, make_settings(), now=summer - dt.timedelta(hours=1), title="before seven")
    always = make_settings(alerts='quiet_from = "00:00"\nquiet_until = "00:00"')
    put(connection, channels, always, now=summer - dt.timedelta(hours=1), title="always")
    outbox.deliver(connection, channels, summer - dt.timedelta(minutes=45))
    assert [body["title"] for body in webhook.bodies] == ["always"]


def test_a_word_of_once_is_used_once_for_each_channel(connection, channels, settings) -> None:
    assert put(connection, channels, settings, once="digest finance 2026-03-02") == 2
    assert put(connection, channels, settings, once="digest finance 2026-03-02") == 0
    assert put(connection, channels, settings) == 2
