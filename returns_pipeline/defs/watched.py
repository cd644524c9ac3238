"""Schedules and sensors that leave a sign of life with each tick that went well. What they do is theirs."""

import functools
import os
from collections.abc import Callable
from typing import ParamSpec, TypeVar

import dagster as dg
import psycopg

from returns_pipeline.stages.parts import PARTS
from returns_pipeline.storage import database, heartbeats

Arguments = ParamSpec("Arguments")
Answer = TypeVar("Answer")
Body = Callable[[dg.SensorEvaluationContext, psycopg.Connection], Answer]


def watched_schedule(body: Callable[Arguments, Answer]) -> Callable[Arguments, Answer]:
    """Beats after a tick; one that raised leaves no sign, so that a schedule which fails each time is seen as silent."""

    @functools.wraps(body)
    def evaluated(*arguments: Arguments.args, **named: Arguments.kwargs) -> Answer:
        answer = body(*arguments, **named)
        if os.environ.get("RETURNS_DATABASE_URL"):
            with database.connect() as connection:
                heartbeats.beat(connection, PARTS[body.__name__])
        return answer

    return evaluated


def watched_sensor(body: Body[Answer]) -> Callable[[dg.SensorEvaluationContext], Answer | dg.SkipReason]:
    """Gives the sensor a connection and beats after a tick that went well."""

    def evaluated(context: dg.SensorEvaluationContext) -> Answer | dg.SkipReason:
        if not os.environ.get("RETURNS_DATABASE_URL"):
            return dg.SkipReason("RETURNS_DATABASE_URL is not set for this process, so nothing can be watched")
        with database.connect() as connection:
            answer = body(context, connection)
            heartbeats.beat(connection, PARTS[body.__name__])
        return answer

    evaluated.__name__, evaluated.__doc__ = body.__name__, body.__doc__
    return evaluated
