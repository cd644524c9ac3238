"""The same graph where its steps go to workers. That the books end alike is in `scenarios/test_on_workers.py`."""

import os
import subprocess
import sys

import dagster as dg
import pytest

from returns_pipeline import definitions, definitions_on_celery


@pytest.fixture(scope="module")
def loaded() -> dg.Definitions:
    return definitions_on_celery.defs()


def test_it_loads_without_the_address_of_a_broker() -> None:
    """Dagster must show the graph, and what is missing, before any worker is there."""
    code = "from returns_pipeline.definitions_on_celery import defs; print(len(defs().resolve_all_asset_specs()) > 0)"
    ran = subprocess.run(
        [sys.executable, "-c", code], env={"PYTHONPATH": os.pathsep.join(sys.path)}, capture_output=True, text=True
    )
    assert ran.stdout.strip() == "True", ran.stderr


def test_it_is_the_same_graph_with_the_same_jobs_schedules_and_sensors(loaded: dg.Definitions) -> None:
    """A check or a schedule that only one machine has would be missing where the retailer is largest."""

    def names(graph: dg.Definitions) -> set[str]:
        repository = graph.get_repository_def()
        things = [*repository.get_all_jobs(), *repository.schedule_defs, *repository.sensor_defs]
        checks = graph.resolve_asset_graph().asset_check_keys
        return {thing.name for thing in things} | {check.to_user_string() for check in checks}

    assert names(loaded) == names(definitions.defs())


@pytest.mark.parametrize(
    ("job", "executor"), [("returns_sync", "celery"), ("full_sweep", "celery"), ("pipeline_health", "in_process")]
)
def test_health_needs_no_worker_and_a_sync_does(job: str, executor: str, loaded: dg.Definitions) -> None:
    """When every worker is gone, health must still say so."""
    assert loaded.resolve_job_def(job).executor_def.name == executor
