"""Everything that a play has written, as text to be searched: tables, a backup, files and what is packed in them. No assertions."""

import os
import subprocess
import zipfile
from collections.abc import Iterator
from pathlib import Path

from returns_pipeline.storage import backup, database
from returns_pipeline_tests.scenarios.retailer import owners_url

_PACKED = (".xlsx", ".zip")


def everything_written() -> Iterator[tuple[str, str]]:
    """Name and text of each table and of each file under RETURNS_HOME but the database's own; a workbook part by part."""
    # As the owner: the pipeline's own login does not see Dagster's tables, and would pass them over in silence.
    with database.connect(owners_url(os.environ["RETURNS_DATABASE_URL"])) as connection:
        tables = connection.execute(
            "SELECT format('%I.%I', table_schema, table_name) FROM information_schema.tables "
            "WHERE table_type = 'BASE TABLE' AND table_schema NOT IN ('pg_catalog', 'information_schema')"
        ).fetchall()
        for (table,) in tables:
            with connection.cursor().copy(f"COPY {table} TO STDOUT") as copied:
                yield table, b"".join(bytes(block) for block in copied).decode("utf-8", "replace")
    for path in Path(os.environ["RETURNS_HOME"]).rglob("*"):
        if path.suffix in _PACKED:
            with zipfile.ZipFile(path) as archive:
                yield from ((f"{path}!{name}", _text(archive.read(name))) for name in archive.namelist())
        elif path.is_file():
            yield str(path), _text(path.read_bytes())


def unpacked(dump: Path) -> str:
    """The statements that a backup would restore, large objects and all."""
    tool = backup.POSTGRES_BIN_PATH / "pg_restore"
    return subprocess.run([tool, "--file=-", dump], capture_output=True, check=True).stdout.decode("utf-8", "replace")


def _text(content: bytes) -> str:
    return content.decode("utf-8", "replace")
