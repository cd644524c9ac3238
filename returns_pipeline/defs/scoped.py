"""A sync of some returns only: the run config that a sensor asks for it with."""

from collections.abc import Sequence
from typing import Any

import dagster as dg


def scoped_to(context: dg.SensorEvaluationContext, rma_ids: Sequence[int]) -> dict[str, Any]:
    """Run config by which each step of `returns_sync` works on these returns alone."""
    if context.repository_def is None:
        raise RuntimeError("the sensor was evaluated without its repository, so the steps of the sync are not known")
    job = context.repository_def.get_job("returns_sync")
    steps = [node.name for node in job.nodes if node.definition.has_config_field]
    return {"ops": {step: {"config": {"rma_ids": list(rma_ids)}} for step in steps}}
