"""`webhooks serve|register|remove|list`: takes messages in, and tells both systems where to send them. What a message leads to is `stages/early_look`."""

import os
from collections.abc import Iterator
from contextlib import contextmanager

import uvicorn

from returns_pipeline.commands import runtime
from returns_pipeline.commands.answers import Answer
from returns_pipeline.settings import Settings, load_settings
from returns_pipeline.stages import secrecy
from returns_pipeline.stages.accounts import Accounts
from returns_pipeline.stages.passes import NotReady
from returns_pipeline.storage import database, hints
from returns_pipeline.webhooks.endpoint import Pace, endpoint
from returns_pipeline.webhooks.registrations import Sender, address, ours, senders
from returns_pipeline.webhooks.secret_path import live_secrets

_LOOPBACK = ("127.0.0.1", "::1")
_MOST_AT_ONCE = 64


def serve(host: str, port: int) -> Answer:
    """Takes webhooks in until it is stopped.

    Raises:
        NotReady: it would listen beyond this machine without a proxy before it.
        MissingCredential: there is no secret to tell senders by.
    """
    settings = load_settings()
    if host not in _LOOPBACK and not settings.ui.behind_proxy:
        raise NotReady(
            f"webhooks would be taken in at {host}, for everybody: listen on 127.0.0.1, or write [ui] behind_proxy = true once a proxy with TLS stands before it"
        )
    secrets = live_secrets(os.environ)
    secrecy.guard(lambda: secrets)
    # A login that may only add hints can neither migrate nor needs to.
    if not os.environ.get("RETURNS_DATABASE_URL"):
        runtime.prepare()
    application = endpoint(
        secrets, [shop.label for shop in settings.shops], Pace(settings.webhooks.per_minute), database.connect
    )
    # The access log would hold the address, and with it the secret.
    uvicorn.run(
        application,
        host=host,
        port=port,
        access_log=False,
        log_level="warning",
        server_header=False,
        limit_concurrency=_MOST_AT_ONCE,
    )
    return Answer(["stopped"], {})


def register() -> Answer:
    """Registers what is missing, and takes back what carries an older secret.

    Raises:
        NotReady: no address is set.
        ReadFailed: a system refused; what was done before stands.
    """
    secret = live_secrets(os.environ)[0]
    lines = []
    with _open_senders() as (settings, every_sender):
        for sender in every_sender:
            wanted = address(settings.webhooks.public_url, secret, sender)
            standing = ours(sender.registered(), settings.webhooks.public_url)
            kept = {each.event for each in standing if each.url == wanted}
            for event in sender.events:
                if event not in kept:
                    sender.register(event, wanted)
                    lines.append(f"{sender.name}: {event} registered")
            for each in standing:
                if each.url != wanted or each.event not in sender.events:
                    sender.remove(each)
                    lines.append(f"{sender.name}: {each.event} with an older address removed")
    return Answer(lines or ["everything was registered already"], {})


def remove() -> Answer:
    """Takes back every registration that sends to our address; other people's stay.

    Raises:
        NotReady: no address is set.
        ReadFailed: a system refused; what was done before stands.
    """
    lines = []
    with _open_senders() as (settings, every_sender):
        for sender in every_sender:
            for each in ours(sender.registered(), settings.webhooks.public_url):
                sender.remove(each)
                lines.append(f"{sender.name}: {each.event} removed")
    return Answer(lines or ["nothing of ours was registered"], {})


def listed() -> Answer:
    """What is registered at our address and how many are other people's, and what came in the last week. Addresses are not shown: they hold secrets.

    Raises:
        NotReady: no address is set.
        ReadFailed: a system could not be read.
    """
    runtime.prepare()
    registered, lines = {}, []
    with _open_senders() as (settings, every_sender):
        for sender in every_sender:
            everything = sender.registered()
            standing = sorted(each.event for each in ours(everything, settings.webhooks.public_url))
            registered[sender.name] = standing
            others = len(everything) - len(standing)
            lines.append(f"{sender.name}: {', '.join(standing) or 'nothing of ours'}; {others} of others")
    with database.connect() as connection:
        came = hints.counts_by_sender(connection)
    for name, shop, subject, count, newest in came:
        told = "without an id that could be read" if subject == "unreadable" else f"about {subject}"
        lines.append(
            f"{' '.join(filter(None, (name, shop)))}: {count} noted {told}, the newest at {newest:%Y-%m-%d %H:%M} UTC"
        )
    data = [
        {"sender": name, "shop": shop, "subject": subject, "noted": count, "newest": newest.isoformat()}
        for name, shop, subject, count, newest in came
    ]
    return Answer(lines, {"registered": registered, "noted": data})


@contextmanager
def _open_senders() -> Iterator[tuple[Settings, list[Sender]]]:
    settings = load_settings()
    if not settings.webhooks.public_url:
        raise NotReady("[webhooks] public_url is empty: write the https address at which your proxy takes webhooks in")
    runtime.prepare()
    # A person asked for this by name, so that registrations may change in shadow mode too.
    accounts = Accounts(settings, registers_webhooks=True)
    try:
        yield settings, senders(settings, accounts.brightpearl, accounts.returngo)
    finally:
        accounts.close()
