"""One message over each channel, against real receivers: what arrives, and what a refusal says."""

import pytest

from returns_pipeline.alerts.channels import Channel, Mail, Undelivered, channels_of, secrets_in
from returns_pipeline.alerts.message import plain
from returns_pipeline.settings import Settings
from returns_pipeline_tests.alerts.conftest import a_message
from returns_pipeline_tests.alerts.receivers import HttpReceiver, MailReceiver

HOSTILE = "<!channel> *bold* [pay](http://evil.example) ![x](http://evil.example/b.png) <img src=x> =1+1 \r\nBcc: a@b.c \u202egnp.exe"


def the_channel(settings: Settings, **environment: str) -> Channel:
    (found,) = channels_of(environment, settings)
    return found


def test_without_a_variable_there_is_no_channel(settings: Settings) -> None:
    """An empty variable is how a container leaves one out."""
    assert channels_of({"RETURNS_SLACK_WEBHOOK_URL": " "}, settings) == []


def test_slack_gets_plain_text_and_only_our_own_links(slack: HttpReceiver, settings: Settings) -> None:
    """A customer's comment that mentions everybody, or shows a link, would be read as ours."""
    the_channel(settings, RETURNS_SLACK_WEBHOOK_URL=slack.address).send(
        a_message(title=f"about {plain(HOSTILE)}", lines=(plain(HOSTILE),))
    )
    (body,) = slack.bodies
    words, links = body["blocks"]
    assert words["text"]["type"] == "plain_text"
    assert words["text"]["emoji"] is False
    assert "[error] about <!channel> *bold*" in words["text"]["text"]
    assert links["elements"] == [
        {"type": "mrkdwn", "text": "<http://dagster.example.com/assets/returns/exceptions|Dagster>"}
    ]
    assert (body["mrkdwn"], body["parse"], body["unfurl_links"]) == (False, "none", False)
    assert "<" not in body["text"]
    assert "\u202e" not in str(body)


def test_the_webhook_gets_the_parts(webhook: HttpReceiver, settings: Settings) -> None:
    the_channel(settings, RETURNS_ALERT_WEBHOOK_URL=webhook.address).send(a_message(count=3))
    (body,) = webhook.bodies
    assert (body["version"], body["kind"], body["severity"], body["group"], body["count"]) == (
        1,
        "cause",
        "error",
        "finance",
        3,
    )
    assert body["money"] == {"GBP": 1999}


def test_mail_goes_to_the_group_as_plain_text(mail: MailReceiver, settings: Settings) -> None:
    """HTML in a mail would show whatever third parties wrote as ours; a line break in a subject would add a header."""
    the_channel(settings, RETURNS_SMTP_URL=mail.address).send(
        a_message(title=plain(HOSTILE), lines=(plain("größe é"),))
    )
    ((recipients, received),) = mail.mails
    assert recipients == ["finance@example.com"]
    assert received["From"] == "pipeline@example.com"
    assert received["Bcc"] is None
    assert received["Subject"].startswith("[error] <!channel>")
    assert received.get_content_type() == "text/plain"
    text = received.get_content()
    assert "größe é" in text
    assert "Dagster: http://dagster.example.com/assets/returns/exceptions" in text


def test_mail_reaches_only_groups_with_an_address(mail: MailReceiver, make_settings) -> None:
    """A message to nobody must not count as told."""
    nobody = the_channel(make_settings(), RETURNS_SMTP_URL=mail.address)
    assert [nobody.reaches(group) for group in ("finance", "warehouse")] == [True, False]
    everybody = the_channel(make_settings(alerts='mail_to = ["all@example.com"]'), RETURNS_SMTP_URL=mail.address)
    assert everybody.reaches("warehouse")


@pytest.mark.parametrize("status", [301, 404, 410, 500, 503])
def test_an_answer_that_is_no_success_is_told_without_the_address(
    status: int, webhook: HttpReceiver, settings: Settings
) -> None:
    """The address of an incoming webhook is a secret: who has it can write as us."""
    webhook.status = status
    with pytest.raises(Undelivered) as refusal:
        the_channel(settings, RETURNS_ALERT_WEBHOOK_URL=webhook.address).send(a_message())
    assert str(refusal.value) == f"webhook answered {status}"


def test_a_receiver_that_is_down_is_told_without_the_address(
    webhook: HttpReceiver, mail: MailReceiver, settings: Settings
) -> None:
    webhook.stop()
    mail.stop()
    with pytest.raises(Undelivered, match=r"^webhook could not be reached: \w+$"):
        the_channel(settings, RETURNS_ALERT_WEBHOOK_URL=webhook.address).send(a_message())
    with pytest.raises(Undelivered, match=r"^mail was not taken: \w+$"):
        the_channel(settings, RETURNS_SMTP_URL=mail.address).send(a_message())


@pytest.mark.parametrize(
    ("variable", "address"),
    [
        ("RETURNS_SLACK_WEBHOOK_URL", "http://hooks.example.com/x"),
        ("RETURNS_ALERT_WEBHOOK_URL", "ftp://127.0.0.1/x"),
        ("RETURNS_SMTP_URL", "mail.example.com:587"),
    ],
)
def test_an_address_that_would_send_in_the_clear_is_refused(variable: str, address: str, settings: Settings) -> None:
    with pytest.raises(Undelivered, match=f"^{variable} must be"):
        channels_of({variable: address}, settings)


def test_beyond_this_machine_mail_is_encrypted(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    """A server that offers no encryption gets neither the password nor the message."""
    receiver = MailReceiver().start()
    try:
        channel = Mail(receiver.address.replace("smtp://", "smtp://user:pass%40word@"), settings)
        monkeypatch.setattr("returns_pipeline.alerts.channels._LOOPBACK", set())
        with pytest.raises(Undelivered, match="SMTPNotSupportedError"):
            channel.send(a_message())
        assert receiver.mails == []
    finally:
        receiver.stop()


def test_the_secrets_of_the_channels_are_known_to_the_log_filter() -> None:
    environment = {"RETURNS_SMTP_URL": "smtp://user:pass%40word@mail.example.com", "RETURNS_SLACK_WEBHOOK_URL": ""}
    assert secrets_in(environment) == ["smtp://user:pass%40word@mail.example.com", "pass@word"]


def test_third_party_text_becomes_one_short_harmless_line() -> None:
    assert plain("a\r\nb\t\x00c\u202ed\u200b") == "a b cd"
    assert plain("x" * 300) == "x" * 197 + "..."
