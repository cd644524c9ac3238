"""Slack, e-mail and a generic webhook: sends one message, or says why it could not. What to send and when to try again is decided elsewhere.

Addresses and passwords come from the environment and stay out of every error's words.
"""

import smtplib
import ssl
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from email.message import EmailMessage
from email.utils import make_msgid
from typing import Protocol
from urllib.parse import unquote, urlsplit

import requests

from returns_pipeline.alerts.message import Message
from returns_pipeline.settings import Settings

_SECONDS = 8
_SLACK_MOST = 2900
_LOOPBACK = {"127.0.0.1", "::1", "localhost"}
VARIABLES = ("RETURNS_SLACK_WEBHOOK_URL", "RETURNS_SMTP_URL", "RETURNS_ALERT_WEBHOOK_URL")


class Undelivered(Exception):
    """A channel did not take a message; the words name the channel and what came back, never its address."""


class Channel(Protocol):
    """One way to tell people."""

    @property
    def name(self) -> str:
        """As the outbox names it."""

    def reaches(self, group: str) -> bool:
        """Whether this group has an address here."""

    def send(self, message: Message) -> None:
        """Sends once.

        Raises:
            Undelivered: it was not taken.
        """


def channels_of(environment: Mapping[str, str], settings: Settings) -> list[Channel]:
    """The channels whose variable is set.

    Raises:
        Undelivered: an address that cannot be used.
    """
    slack, mail, webhook = (environment.get(name, "").strip() for name in VARIABLES)
    found: list[Channel] = []
    if slack:
        found.append(Slack(_checked(slack, VARIABLES[0])))
    if mail:
        found.append(Mail(mail, settings))
    if webhook:
        found.append(Webhook(_checked(webhook, VARIABLES[2])))
    return found


def secrets_in(environment: Mapping[str, str]) -> list[str]:
    """What of the channels' variables must never be shown."""
    values = [environment[name].strip() for name in VARIABLES if environment.get(name, "").strip()]
    return [*values, *(unquote(part) for value in values if (part := urlsplit(value).password))]


@dataclass(frozen=True, repr=False)
class Slack:
    """An incoming webhook of Slack; every group reads the same room."""

    address: str
    name: str = "slack"

    def reaches(self, group: str) -> bool:  # noqa: ARG002 - the room is everybody's
        """Always."""
        return True

    def send(self, message: Message) -> None:
        """Sends the text as plain text, so that nothing in it is a link, a mention or a form of writing; only our own links are links."""
        words = "\n".join([f"[{message.severity}] {message.title}", f"for {message.group}", *message.lines])
        blocks: list[dict[str, object]] = [
            {"type": "section", "text": {"type": "plain_text", "text": words[:_SLACK_MOST], "emoji": False}}
        ]
        if message.links:
            links = "  ".join(f"<{address}|{what}>" for what, address in message.links)
            blocks.append({"type": "context", "elements": [{"type": "mrkdwn", "text": links}]})
        _post(
            self,
            {
                "text": _escaped(message.title),
                "mrkdwn": False,
                "parse": "none",
                "unfurl_links": False,
                "blocks": blocks,
            },
        )


@dataclass(frozen=True, repr=False)
class Webhook:
    """Any receiver of JSON; it gets the message's parts."""

    address: str
    name: str = "webhook"

    def reaches(self, group: str) -> bool:  # noqa: ARG002 - the receiver sorts by `group` itself
        """Always."""
        return True

    def send(self, message: Message) -> None:
        """Sends the message's parts."""
        _post(self, {"version": 1, **message.as_json()})


class Mail:
    """A mail server, named as smtp://user:password@host:587 or smtps://host. Beyond this machine nothing is sent unencrypted.

    Raises:
        Undelivered: the address cannot be used.
    """

    name = "mail"

    def __init__(self, address: str, settings: Settings) -> None:
        parts = urlsplit(address)
        if parts.scheme not in ("smtp", "smtps") or not parts.hostname:
            raise Undelivered("RETURNS_SMTP_URL must be like smtp://user:password@host:587 or smtps://host")
        self._is_encrypted = parts.scheme == "smtps"
        self._host, self._port = parts.hostname, parts.port or (465 if self._is_encrypted else 587)
        self._user, self._password = unquote(parts.username or ""), unquote(parts.password or "")
        self._settings = settings.alerts

    def reaches(self, group: str) -> bool:
        """Whether [alerts.recipients] names the group, or mail_to names somebody for all."""
        return bool(self._recipients(group))

    def send(self, message: Message) -> None:
        """Sends plain text to the group's addresses."""
        mail = EmailMessage()
        mail["From"], mail["To"] = self._settings.mail_from, ", ".join(self._recipients(message.group))
        mail["Subject"] = f"[{message.severity}] {message.title}"
        mail["Message-ID"], mail["Auto-Submitted"] = make_msgid(domain="returns-pipeline"), "auto-generated"
        mail.set_content(f"{message.text}\n\nFor: {message.group}\n")
        try:
            with self._connected() as server:
                refused = server.send_message(mail)
        except (OSError, smtplib.SMTPException, UnicodeError) as failure:
            raise Undelivered(f"mail was not taken: {_without_address(failure)}") from None
        if refused:
            raise Undelivered(
                f"mail was refused for {len(refused)} of {len(self._recipients(message.group))} addresses"
            )

    def _connected(self) -> smtplib.SMTP:
        context = ssl.create_default_context()
        if self._is_encrypted:
            server: smtplib.SMTP = smtplib.SMTP_SSL(self._host, self._port, timeout=_SECONDS, context=context)
        else:
            server = smtplib.SMTP(self._host, self._port, timeout=_SECONDS)
            if self._host not in _LOOPBACK:
                server.starttls(context=context)
        if self._user:
            server.login(self._user, self._password)
        return server

    def _recipients(self, group: str) -> Collection[str]:
        return self._settings.recipients.get(group) or self._settings.mail_to


def _post(channel: Slack | Webhook, body: Mapping[str, object]) -> None:
    try:
        answer = requests.post(channel.address, json=body, timeout=_SECONDS, allow_redirects=False)
    except requests.RequestException as failure:
        raise Undelivered(f"{channel.name} could not be reached: {type(failure).__name__}") from None
    if not 200 <= answer.status_code < 300:
        raise Undelivered(f"{channel.name} answered {answer.status_code}")


def _checked(address: str, variable: str) -> str:
    parts = urlsplit(address)
    is_safe = parts.scheme == "https" or (parts.scheme == "http" and parts.hostname in _LOOPBACK)
    if not is_safe or not parts.hostname:
        raise Undelivered(f"{variable} must be an https:// address: what is alerted is nobody else's business")
    return address


def _escaped(text: str) -> str:
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def _without_address(failure: Exception) -> str:
    if isinstance(failure, smtplib.SMTPResponseException):
        return f"{type(failure).__name__} {failure.smtp_code}"
    return type(failure).__name__
