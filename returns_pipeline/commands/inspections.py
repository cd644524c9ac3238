"""`inspections`: what the bench found, about one unit or by the list. The acts are in `stages.acting` and `stages.bulk`."""

from pathlib import Path

from returns_pipeline.commands import runtime
from returns_pipeline.commands.answers import Answer
from returns_pipeline.stages import acting, bulk
from returns_pipeline.stages.csv_lists import ListRefused
from returns_pipeline.storage import database


def record(*, rma_id: int, item_id: int, result: str, reason: str, by: str) -> Answer:
    """Records pass, damaged or write_off of one unit; refused for a unit that is not of that return."""
    runtime.prepare()
    try:
        with database.connect() as connection:
            return Answer([acting.record_inspection(connection, rma_id, item_id, result, reason, by)])
    except acting.ActRefused as refusal:
        return Answer([f"refused, nothing was recorded: {refusal}"], status=1)


def export_list(path: Path) -> Answer:
    """Writes the received units that wait for an inspection as a CSV to fill in."""
    runtime.prepare()
    try:
        with database.connect() as connection:
            count = bulk.export_inspections(connection, path)
    except ListRefused as refusal:
        return Answer([str(refusal)], status=1)
    return Answer(
        [f"{path}: {count} units wait; fill in result (pass, damaged, write_off) and reason"], {"units": count}
    )


def import_list(path: Path, by: str) -> Answer:
    """Records the results of a list; a list with a bad row changes nothing, and each bad row is told."""
    runtime.prepare()
    try:
        with database.connect() as connection:
            done = bulk.import_inspections(connection, path, by)
    except ListRefused as refusal:
        return Answer(["refused, nothing was recorded:", *str(refusal).splitlines()], status=1)
    line = f"{done.recorded} inspections recorded, {done.known} known already, {done.empty} rows without a result"
    return Answer([line], vars(done))
