"""What Dagster loads, and the rules that hold for every asset. No asset is defined here; loading reads RETURNS_ACCOUNT alone."""

from pathlib import Path

from dagster import Definitions, ExecutorDefinition, definitions, in_process_executor, load_from_defs_folder


def graph_on(executor: ExecutorDefinition) -> Definitions:
    """Everything under `defs/`; the steps of a run are carried out by that executor."""
    found = load_from_defs_folder(path_within_project=Path(__file__).parent)
    return Definitions.merge(found, Definitions(executor=executor))


@definitions
def defs() -> Definitions:
    """The graph in one process: the framework's own cost is a tenth of the multiprocess executor's."""
    return graph_on(in_process_executor)
