"""Stands in for the alert sensors when they are silent themselves: the health run then tells it and sends what waits. Else it leaves that to them."""

import os

from returns_pipeline.alerts import channels
from returns_pipeline.alerts.announce import Announcer
from returns_pipeline.stages.passes import Pass
from returns_pipeline.storage import heartbeats

_ALERTERS = ("exception_alert_sensor", "failed_check_sensor")


def tell_of_silent_alerters(stage_pass: Pass) -> list[str]:
    """Tells each silence of an alerter once and delivers; answers what went wrong, and never fails the measuring."""
    silent = [heart for heart in heartbeats.read(stage_pass.connection) if heart.name in _ALERTERS and heart.is_stale]
    if not silent:
        return []
    try:
        found = channels.channels_of(os.environ, stage_pass.settings)
    except channels.Undelivered as refusal:
        return [str(refusal)]
    speaker = Announcer(stage_pass.connection, found, stage_pass.settings, stage_pass.now)
    for heart in silent:
        speaker.silent_part(heart)
    return list(speaker.deliver().failures.values())
