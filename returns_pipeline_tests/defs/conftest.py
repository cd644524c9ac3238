"""A Dagster instance for a sensor, and cases in the database that it looks at."""

from collections.abc import Callable, Iterator

import dagster as dg
import pytest

from returns_pipeline.definitions import defs

Tick = Callable[..., object]


@pytest.fixture(scope="session")
def repository() -> dg.RepositoryDefinition:
    return defs().get_repository_def()


@pytest.fixture
def instance() -> Iterator[dg.DagsterInstance]:
    with dg.instance_for_test() as opened:
        yield opened


@pytest.fixture
def tick(instance: dg.DagsterInstance, repository: dg.RepositoryDefinition, database_url: str) -> Tick:
    """Evaluates a sensor by name as the daemon does: its cursor goes from one tick to the next."""
    cursors: dict[str, str | None] = {}

    def evaluated(name: str) -> object:
        with dg.build_sensor_context(instance=instance, cursor=cursors.get(name), repository_def=repository) as context:
            answer = repository.get_sensor_def(name)(context)
            cursors[name] = context.cursor
        return answer

    return evaluated
