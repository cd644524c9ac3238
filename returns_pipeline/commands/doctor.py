"""`doctor`: every setting, credential, warehouse, status and shop that the pipeline needs, each OK or with its mend. Only reads."""

import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial

from returns_pipeline.alerts import channels, compose
from returns_pipeline.alerts.message import Message
from returns_pipeline.clients.credentials import MissingCredential
from returns_pipeline.clients.outcomes import NotAllowed, ReadFailed
from returns_pipeline.commands import runtime
from returns_pipeline.commands.answers import Answer
from returns_pipeline.settings import Settings, ShopSettings, load_settings, missing_for_live
from returns_pipeline.stages import preflight
from returns_pipeline.stages.accounts import Accounts


@dataclass(frozen=True)
class Point:
    """One thing looked at: what it is, whether it holds, and the mend where it does not."""

    what: str
    is_ok: bool
    mend: str = ""


def examine() -> Answer:
    """Looks at everything and answers one line per point; 1 where something must be mended."""
    runtime.prepare()
    settings = load_settings()
    accounts = Accounts(settings)
    try:
        points = list(points_of_accounts(settings, accounts))
    finally:
        accounts.close()
    return answer_of(points)


def send_test_alert() -> Answer:
    """Sends a test message over each channel of the environment, and says of each whether it was taken."""
    runtime.prepare()
    settings = load_settings()
    try:
        found = channels.channels_of(os.environ, settings)
    except channels.Undelivered as refusal:
        return Answer([f"MEND alerts: {refusal}"], [], status=1)
    message = compose.of_test(settings)
    points = [_tried_channel(channel, message) for channel in found]
    if not found:
        points = [Point("alerts", False, f"nobody is told: set one of {', '.join(channels.VARIABLES)}")]
    return answer_of(points)


def _tried_channel(channel: channels.Channel, message: Message) -> Point:
    what = f"a test alert by {channel.name}, for {message.group}"
    if not channel.reaches(message.group):
        return Point(what, False, f"name addresses of {message.group} in [alerts.recipients], or mail_to in [alerts]")
    try:
        channel.send(message)
    except channels.Undelivered as failure:
        return Point(what, False, str(failure))
    return Point(what, True)


def answer_of(points: list[Point]) -> Answer:
    """One line per point; 1 where something must be mended."""
    lines = [
        f"{'OK  ' if point.is_ok else 'MEND'} {point.what}{'' if point.is_ok else ': ' + point.mend}"
        for point in points
    ]
    return Answer(lines, [vars(point) for point in points], status=0 if all(point.is_ok for point in points) else 1)


def points_of_accounts(settings: Settings, accounts: Accounts) -> Iterator[Point]:
    """What settings and accounts need, whichever shop it is about."""
    missing = missing_for_live(settings)
    yield Point("settings are complete for live mode", not missing, "; ".join(missing))
    for shop in settings.shops:
        yield _tried(f"ReturnGo answers for shop {shop.label}", partial(_shop_answers, accounts, shop))
    yield _tried(
        "Brightpearl answers, and has the warehouses named",
        lambda: "; ".join(preflight.unknown_warehouses(accounts, settings)),
    )
    yield _tried(
        "order statuses exist and are of type SC", lambda: "; ".join(preflight.unknown_statuses(accounts, settings))
    )
    instance = settings.brightpearl.installed_integration_instance_id or _instance(accounts)
    yield Point(
        "an installed integration instance id is known",
        instance is not None,
        "write [brightpearl] installed_integration_instance_id: without it no duplicate rule protects a credit",
    )
    yield Point(
        "the duplicate rule is proven",
        settings.brightpearl.dedupe == "proven",
        "until then an unknown outcome halts for a person; that is the safe default",
    )


def _tried(what: str, look: Callable[[], str]) -> Point:
    try:
        mend = look()
    except (ReadFailed, MissingCredential, NotAllowed) as refusal:
        return Point(what, False, str(refusal))
    return Point(what, not mend, mend)


def _shop_answers(accounts: Accounts, shop: ShopSettings) -> str:
    next(accounts.returngo(shop).list_rmas(statuses=("Approved",)), None)
    return ""


def _instance(accounts: Accounts) -> int | None:
    try:
        return accounts.brightpearl.installed_integration_instance_id
    except (MissingCredential, NotAllowed):
        return None
