"""Lists for spreadsheets. A SKU that begins with = must not run as a formula on the warehouse's computer."""

import csv
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from returns_pipeline.stages.csv_lists import ListRefused, read, write

CELLS = st.text(st.characters(exclude_characters="\x00", exclude_categories=["Cs"]), max_size=12)


@example('=HYPERLINK("http://x")')
@example("'=1")
@example(" +1")
@example("\t@SUM(A1)")
@example("\x0c@SUM(A1)")
@example("\uff1d1")
@given(CELLS)
def test_no_cell_runs_as_a_formula_and_every_cell_comes_back(cell: str) -> None:
    """Marked on the way out, the mark is taken off on the way in; spaces around a cell are not kept."""
    with TemporaryDirectory() as folder:
        path = Path(folder) / "list.csv"
        assert write(path, ["sku", "n"], [{"sku": cell, "n": 1}]) == 1
        with path.open(encoding="utf-8-sig", newline="") as opened:
            ((_, row),) = enumerate(csv.DictReader(opened))
        assert not row["sku"].lstrip().startswith(("=", "+", "-", "@", "\uff1d", "\uff0b", "\uff0d", "\uff20"))
        assert [found["sku"] for _, found in read(path, ["sku"])] == [cell.strip()]


def test_a_list_is_never_written_over(tmp_path: Path) -> None:
    """It may hold an hour of somebody's work."""
    path = tmp_path / "list.csv"
    path.write_text("sku\nA-1\n", encoding="utf-8")
    with pytest.raises(ListRefused, match="name a new file"):
        write(path, ["sku"], [])
    assert path.read_text(encoding="utf-8") == "sku\nA-1\n"


def test_a_list_without_a_column_is_refused(tmp_path: Path) -> None:
    """Read as empty, a renamed column would leave every row out without a word."""
    path = tmp_path / "list.csv"
    path.write_text("SKU\nA-1\n", encoding="utf-8")
    with pytest.raises(ListRefused, match="has no column sku"):
        read(path, ["sku"])
