"""What Dagster loads, and the rules that hold for every asset. No asset is defined here; loading reads no environment."""

from pathlib import Path

from dagster import Definitions, definitions, in_process_executor, load_from_defs_folder


@definitions
def defs() -> Definitions:
    """Everything under `defs/`, run in one process: the framework's own cost is a tenth of the multiprocess executor's."""
    found = load_from_defs_folder(path_within_project=Path(__file__).parent)
    return Definitions.merge(found, Definitions(executor=in_process_executor))
