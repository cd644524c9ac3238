"""What schedules and sensors tell of ReturnGo's day: which keys ask their lists less often, and which rest. How a pass rests is `stages.polling`'s."""

import os

import psycopg

from returns_pipeline.domain.quota import pace_in_words
from returns_pipeline.settings import load_settings
from returns_pipeline.storage import database, quota_days


def tag_of_pace() -> dict[str, str]:
    """The tag of a sync that asks ReturnGo less often than at every tick; none while the day is long enough."""
    if not os.environ.get("RETURNS_DATABASE_URL"):
        return {}
    with database.connect() as connection:
        told = stretched(connection)
    return {"returngo": "; ".join(told)[:200]} if told else {}


def stretched(connection: psycopg.Connection) -> list[str]:
    """A sentence for each key whose lists are asked less often, or rest."""
    days = quota_days.read_all(connection, load_settings(), os.environ)
    return [f"{', '.join(day.shops)}: {pace_in_words(day.plan)}" for day in days if day.plan.is_stretched]


def all_rest(connection: psycopg.Connection) -> bool:
    """Whether no key may read anything now."""
    days = quota_days.read_all(connection, load_settings(), os.environ)
    return all(day.plan.asks_every_minutes is None for day in days)
