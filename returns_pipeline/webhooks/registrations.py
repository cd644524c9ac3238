"""What both systems are told to send us: which registrations there should be, which there are, and how the one becomes the other.

Source: Brightpearl `POST/GET/DELETE integration-service/webhook`; ReturnGo `POST/DELETE /webhook`, `GET /webhooks`, whose body is known by symmetry only.
Retries are not asked for (quality of service 0): a lost hint costs nothing.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from returns_pipeline.clients.fields import Fields, RecordRejected
from returns_pipeline.clients.outcomes import Outcome, ReadFailed, WriteAnswer
from returns_pipeline.settings import Settings, ShopSettings
from returns_pipeline.webhooks.messages import BRIGHTPEARL_BODY_TEMPLATE

BRIGHTPEARL_EVENTS = ("goods-in-note.created", "order.modified")
RETURNGO_EVENTS = ("RMA_STATUS_UPDATED", "TRANSACTION_CREATED")
_BRIGHTPEARL_PATH = "/integration-service/webhook"


class Writer(Protocol):
    """What is asked of a client here."""

    def take_turn(self) -> None:
        """Waits until a write may go."""

    def write(self, request: Mapping[str, Any]) -> WriteAnswer:
        """Sends a request once."""

    def webhooks(self) -> list[Any]:
        """The registrations that there are, as they came."""


@dataclass(frozen=True)
class Registration:
    """One event that is sent to one address.

    Attributes:
        webhook_id: the sender's id of it; 0 for one that is not made yet.
    """

    webhook_id: int
    event: str
    url: str


@dataclass(frozen=True)
class Sender:
    """One system that sends: Brightpearl, or one shop's ReturnGo.

    Attributes:
        name: as people read it.
        path: what follows the secret in the address.
        events: what is asked for.
        client: how it is reached.
    """

    name: str
    path: str
    events: tuple[str, ...]
    client: Writer

    @property
    def is_brightpearl(self) -> bool:
        """Whose words the registration has to use."""
        return self.path == "brightpearl"

    def registered(self) -> list[Registration]:
        """All registrations that the sender has, other people's too.

        Raises:
            ReadFailed: they could not be read.
        """
        event, url = ("subscribeTo", "uriTemplate") if self.is_brightpearl else ("eventName", "url")
        found = []
        for raw in self.client.webhooks():
            fields = Fields(raw, f"a webhook of {self.name}")
            try:
                found.append(
                    Registration(
                        fields.integer("id"), fields.optional_text(event) or "", fields.optional_text(url) or ""
                    )
                )
            except RecordRejected as rejection:
                raise ReadFailed(f"{rejection}: the answer is not in the shape that the API documents") from rejection
        return found

    def register(self, event: str, url: str) -> None:
        """Asks for one event.

        Raises:
            ReadFailed: it was refused, or nobody answered; look at the list before you try again.
        """
        if self.is_brightpearl:
            body = {
                "subscribeTo": event,
                "httpMethod": "POST",
                "uriTemplate": url,
                "bodyTemplate": BRIGHTPEARL_BODY_TEMPLATE,
                "contentType": "application/json",
                "idSetAccepted": True,
                "qualityOfService": 0,
            }
            self._write("POST", _BRIGHTPEARL_PATH, body, f"registering {event}")
        else:
            self._write("POST", "/webhook", {"url": url, "eventName": event}, f"registering {event}")

    def remove(self, registration: Registration) -> None:
        """Takes one back.

        Raises:
            ReadFailed: it was refused, or nobody answered.
        """
        path = _BRIGHTPEARL_PATH if self.is_brightpearl else "/webhook"
        self._write("DELETE", f"{path}/{registration.webhook_id}", None, f"removing {registration.event}")

    def _write(self, method: str, path: str, body: Mapping[str, Any] | None, tried: str) -> None:
        self.client.take_turn()
        answer = self.client.write({"method": method, "path": path, "body": body})
        if answer.outcome is not Outcome.CREATED:
            raise ReadFailed(
                f"{tried} at {self.name} came back with {answer.http_status or 'no answer'} ({answer.detail}); run `returns-pipeline webhooks list`"
            )


def senders(settings: Settings, brightpearl: Writer, returngo: Callable[[ShopSettings], Writer]) -> list[Sender]:
    """Brightpearl and every shop's ReturnGo."""
    return [
        Sender("Brightpearl", "brightpearl", BRIGHTPEARL_EVENTS, brightpearl),
        *(
            Sender(f"ReturnGo of {shop.label}", f"returngo/{shop.label}", RETURNGO_EVENTS, returngo(shop))
            for shop in settings.shops
        ),
    ]


def ours(registered: Sequence[Registration], public_url: str) -> list[Registration]:
    """Those that are sent to our address, whatever secret is in it."""
    return [each for each in registered if each.url.startswith(public_url.rstrip("/") + "/")]


def address(public_url: str, secret: str, sender: Sender) -> str:
    """Where a sender is told to send."""
    return f"{public_url.rstrip('/')}/{secret}/{sender.path}"
