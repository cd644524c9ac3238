"""Opens the alerts' channels for a sensor. What is told and how is in `alerts/`."""

import datetime as dt
import functools
import os

import psycopg

from returns_pipeline.alerts import channels
from returns_pipeline.alerts.announce import Announcer
from returns_pipeline.settings import load_settings
from returns_pipeline.stages import secrecy

NO_CHANNEL = f"nobody is told: none of {', '.join(channels.VARIABLES)} is set"


@functools.cache
def _guard() -> None:
    secrecy.guard(lambda: channels.secrets_in(os.environ))


def announcer(connection: psycopg.Connection) -> Announcer | None:
    """Announces now, over the channels of the environment; None where there is none.

    Raises:
        Undelivered: an address that cannot be used.
    """
    _guard()
    settings = load_settings()
    found = channels.channels_of(os.environ, settings)
    return Announcer(connection, found, settings, dt.datetime.now(dt.UTC)) if found else None
