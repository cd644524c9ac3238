"""`doctor`: every setting, credential, warehouse, status and shop that the pipeline needs, each OK or with its mend. Only reads."""

import datetime as dt
import os
from pathlib import Path

import psycopg

from returns_pipeline.alerts import channels, compose
from returns_pipeline.alerts.message import Message
from returns_pipeline.commands import runtime
from returns_pipeline.commands.answers import Answer
from returns_pipeline.doctor import (
    account,
    books,
    history,
    kept,
    naming,
    portal,
    proposal,
    scopes,
    searching,
    unknowns,
)
from returns_pipeline.doctor.point import UNREADABLE, Point
from returns_pipeline.settings import Settings, load_settings
from returns_pipeline.stages.accounts import Accounts
from returns_pipeline.storage import database


def examine() -> Answer:
    """Looks at everything and answers one line per point, and what stays unknown; 1 where something must be mended."""
    runtime.prepare()
    settings = load_settings()
    accounts = Accounts(settings)
    now = dt.datetime.now(dt.UTC)
    try:
        with database.connect() as connection:
            points = [
                *account.points(settings, accounts),
                *scopes.points(settings, accounts, now),
                *_sampled_points(connection, settings, accounts, now),
                *portal.points(connection, settings, accounts, now),
                *books.points(connection, settings),
                *kept.points(connection, settings),
            ]
    finally:
        accounts.close()
    answer = answer_of(points)
    still_open = unknowns.still_open(settings)
    lines = [
        f"OPEN {each.question} Safe: {each.safe}. It shows in: {each.shows}{f', see: {each.point}' if each.point else ''}."
        + (f" In force: {force}." if (force := each.in_force(settings)) else "")
        for each in still_open
    ]
    opened = [vars(each) | {"in_force": each.in_force(settings)} for each in still_open]
    data = {"points": answer.data, "open": opened}
    return Answer([*answer.lines, *lines], data, status=answer.status)


def propose_settings(path: Path) -> Answer:
    """Writes a settings file as the account suggests it; 1 where the file is there or the account cannot be read."""
    runtime.prepare()
    settings = load_settings()
    accounts = Accounts(settings)
    try:
        now = dt.datetime.now(dt.UTC)
        seen, named = history.read(accounts, now), naming.read(settings, accounts, now)
        proposal.write(proposal.proposed(settings, accounts.brightpearl, seen, named), path)
    except (proposal.NotWritten, *UNREADABLE) as refusal:
        return Answer([f"nothing was written: {refusal}"], status=1)
    finally:
        accounts.close()
    return Answer([f"{path}: a proposal; check every line, then name the file in RETURNS_SETTINGS"])


def _sampled_points(
    connection: psycopg.Connection, settings: Settings, accounts: Accounts, now: dt.datetime
) -> list[Point]:
    try:
        seen, named = history.read(accounts, now), naming.read(settings, accounts, now)
    except UNREADABLE as refusal:
        return [Point("the newest sales and credits of the account can be read", False, str(refusal))]
    return [
        *history.points(seen, settings),
        *naming.points(named, settings),
        *searching.points(connection, accounts.brightpearl, settings, seen, now),
    ]


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
        f"{'OK  ' if point.is_ok else 'MEND'} {point.what}{f' ({point.seen})' if point.seen else ''}{'' if point.is_ok else ': ' + point.mend}"
        for point in points
    ]
    return Answer(lines, [vars(point) for point in points], status=0 if all(point.is_ok for point in points) else 1)
