"""`skus`: SKUs that no sale carries, out as a list and mapped by it. The work is in `stages.bulk`."""

import getpass
from pathlib import Path

from returns_pipeline.commands import runtime
from returns_pipeline.commands.answers import Answer
from returns_pipeline.settings import load_settings
from returns_pipeline.stages import bulk
from returns_pipeline.stages.csv_lists import ListRefused
from returns_pipeline.storage import database


def export_list(path: Path) -> Answer:
    """Writes the SKUs that hold returns as a CSV to fill in."""
    runtime.prepare()
    try:
        with database.connect() as connection:
            count = bulk.export_skus(connection, path)
    except ListRefused as refusal:
        return Answer([str(refusal)], status=1)
    return Answer([f"{path}: {count} SKUs hold returns; fill in sku_sold and reason"], {"skus": count})


def import_list(path: Path, by: str) -> Answer:
    """Maps the SKUs of a list; a list with a bad row changes nothing, and each bad row is told."""
    settings = load_settings()
    runtime.prepare()
    try:
        with database.connect() as connection:
            done = bulk.import_skus(connection, settings, path, by, getpass.getuser())
    except ListRefused as refusal:
        return Answer(["refused, nothing was mapped:", *str(refusal).splitlines()], status=1)
    line = f"{done.recorded} SKUs mapped, {done.known} known already, {done.empty} rows without sku_sold; the next sync judges with them"
    return Answer([line], vars(done))
