"""Lists that people open in a spreadsheet: read with the number of each row, written so that no cell runs as a formula. What a row means is not known here."""

import csv
import re
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

_TEXT_MARK = "'"
# A spreadsheet may pass over spaces and control characters before it looks for a formula, and takes the wide signs of East Asian keyboards too.
# The mark itself is among what is passed over, so that a marked cell stays as it was when it is read again.
_FORMULA = re.compile(r"[\s\x00-\x1f\ufeff']*[=+\-@\uff1d\uff0b\uff0d\uff20]")


class ListRefused(Exception):
    """The list cannot be used; each line of the message names a row and its mend. Nothing was imported."""


def read(path: Path, columns: Sequence[str]) -> list[tuple[int, dict[str, str]]]:
    """The rows of a CSV in UTF-8 with their numbers in the file (the heading is row 1), trimmed and free of the mark that `write` puts before a formula.

    Raises:
        ListRefused: the file cannot be read, or a column is missing.
    """
    try:
        with path.open(encoding="utf-8-sig", newline="") as opened:
            reader = csv.DictReader(opened)
            missing = [name for name in columns if name not in (reader.fieldnames or [])]
            if missing:
                raise ListRefused(f"{path} has no column {', '.join(missing)}; it needs {', '.join(columns)}")
            return [
                (number, {name: _plain((row[name] or "").strip()) for name in columns})
                for number, row in enumerate(reader, start=2)
            ]
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise ListRefused(f"{path} cannot be read as a CSV in UTF-8: {error}") from error


def write(path: Path, columns: Sequence[str], rows: Iterable[Mapping[str, object]]) -> int:
    """Writes a new CSV and answers how many rows it has; a cell that a spreadsheet would run as a formula is marked as text.

    Raises:
        ListRefused: the file is there already, or cannot be written.
    """
    count = 0
    try:
        with path.open("x", encoding="utf-8-sig", newline="") as opened:
            writer = csv.writer(opened)
            writer.writerow(columns)
            for row in rows:
                writer.writerow([_marked(row.get(name)) for name in columns])
                count += 1
    except OSError as error:
        raise ListRefused(f"{path} cannot be written: {error}; name a new file") from error
    return count


def _marked(value: object) -> str:
    text = "" if value is None else str(value)
    return _TEXT_MARK + text if _is_formula(text) else text


def _plain(cell: str) -> str:
    return cell[1:].strip() if cell.startswith(_TEXT_MARK) and _is_formula(cell) else cell


def _is_formula(text: str) -> bool:
    return _FORMULA.match(text) is not None
