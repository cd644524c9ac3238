"""What Dagster loads where each step of a run is a task for the next free Celery worker. The graph is that of `definitions.py`."""

from dagster import Definitions, definitions
from dagster_celery import celery_executor

from returns_pipeline.definitions import graph_on

# Named as Celery itself names them, so that workers need no file; read when a run starts, not when this loads.
ON_WORKERS = celery_executor.configured(
    {"broker": {"env": "CELERY_BROKER_URL"}, "backend": {"env": "CELERY_RESULT_BACKEND"}}
)


@definitions
def defs() -> Definitions:
    """The graph over workers; `pipeline_health` alone stays in its run's own process, so that it lives when they do not."""
    return graph_on(ON_WORKERS)
