"""The integration service of the sandbox's Brightpearl: webhooks and the installed instance.

Not here: sending webhooks (`deliveries`, beside this folder).
"""

import re

from returns_pipeline.sandbox.brightpearl.routing import Call, Route, answer, no_content, object_body, wanted_ids
from returns_pipeline.sandbox.brightpearl.world import RefusedError
from returns_pipeline.sandbox.http import Response

_FIELDS = (
    "subscribeTo", "httpMethod", "uriTemplate", "bodyTemplate", "contentType", "idSetAccepted", "qualityOfService",
)  # fmt: skip
_EVENTS = (
    r"goods-in-note(\.created)?|quarantine-release(\.created)?|sales-order\.created"
    r"|goods-out-note(\.(created|destroyed|modified(\.(un-)?(printed|picked|packed|shipped))?))?"
    r"|order(\.modified(\.(order-status|fully-shipped))?)?"
    r"|product(\.(created|destroyed|modified(\.on-hand-modified)?))?"
)


def post_webhook(call: Call) -> Response:
    """`POST webhook`: an event that nobody may subscribe to is refused."""
    body = object_body(call)
    event = str(body.get("subscribeTo") or "")
    if not re.fullmatch(_EVENTS, event):
        raise RefusedError("INTC-064", f"{event} either does not exist or cannot be subscribed too")
    number = call.world.number("webhook")
    call.world.webhooks[number] = {"id": number} | {name: body[name] for name in _FIELDS if name in body}
    return answer(number)


def get_webhooks(call: Call) -> Response:
    """`GET webhook[/{ids}]`."""
    wanted = wanted_ids(call) if call.groups[0] else set(call.world.webhooks)
    found = [each for number, each in call.world.webhooks.items() if number in wanted]
    if not found and call.groups[0]:
        raise RefusedError("CMNC-404", f"No webhooks available in ID Set {call.groups[0]}", 404)
    return answer(found)


def delete_webhook(call: Call) -> Response:
    """`DELETE webhook/{id}`."""
    if call.world.webhooks.pop(int(call.groups[0]), None) is None:
        raise RefusedError("CMNC-404", f"Cannot find webhook: {call.groups[0]}", 404)
    return no_content()


def get_instance(call: Call) -> Response:
    """`GET integration/instance`: the installation that the caller is."""
    return answer({"installedIntegrationInstanceId": call.world.installation_id})


ROUTES: tuple[Route, ...] = (
    Route("POST", r"/integration-service/webhook", post_webhook, "post-webhook"),
    Route("GET", r"/integration-service/webhook(?:/([\d,.\-]+))?", get_webhooks, "webhook-get"),
    Route("DELETE", r"/integration-service/webhook/(\d+)", delete_webhook, "webhook-delete"),
    Route("GET", r"/integration-service/integration/instance", get_instance, "get-integration-instance"),
)
