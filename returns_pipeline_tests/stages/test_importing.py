"""Lists that people export by hand. A row that is read wrongly is money that finance looks for in vain."""

import datetime as dt
from pathlib import Path

import pytest

from returns_pipeline import cli
from returns_pipeline.stages.csv_lists import ListRefused
from returns_pipeline.stages.importing import refunds_in
from returns_pipeline.storage import closes
from returns_pipeline_tests.domain.frames import settings_with

SHOP = settings_with().shops[0]
HEADING = "refund_id,order_name,refunded_at,amount,currency\n"


def written(folder: Path, rows: str, heading: str = HEADING) -> Path:
    path = folder / "refunds.csv"
    path.write_text(heading + rows, encoding="utf-8-sig")
    return path


def test_amounts_become_minor_units_and_times_the_shops(tmp_path: Path) -> None:
    """Excel writes a mark before the first heading; a time without a zone is the shop's summer hour."""
    path = written(tmp_path, "991,#1,2026-04-01T00:30,12.30,GBP\n992,#2,2026-04-01T00:30:00+00:00,500,JPY\n")
    first, second = refunds_in(path, SHOP).to_dict("records")
    assert (first["amount_minor"], first["refunded_on"].astimezone(dt.UTC).isoformat()) == (
        1230,
        "2026-03-31T23:30:00+00:00",
    )
    assert (second["amount_minor"], second["currency"]) == (500, "JPY")


@pytest.mark.parametrize(
    ("rows", "told"),
    [
        ("991,#1,yesterday,12.30,GBP\n", "row 2"),
        ("991,#1,2026-04-01,12.345,GBP\n", "fraction of a minor unit"),
        ("991,#1,2026-04-01,-1,GBP\n", "more than nothing"),
        ("991,#1,2026-04-01,1,\n", "row 2 has no currency"),
        ("991,#1,2026-04-01,1,GBP\n991,#1,2026-04-01,1,GBP\n", "refund 991 twice"),
        ("991,#1,2026-04-01,1,KWD\n", "three decimals"),
    ],
)
def test_a_row_that_cannot_be_used_refuses_the_whole_list_by_its_number(tmp_path: Path, rows: str, told: str) -> None:
    """Half a list would look like a whole one."""
    with pytest.raises(ListRefused, match=told):
        refunds_in(written(tmp_path, rows), SHOP)


def test_a_list_without_a_column_says_which(tmp_path: Path) -> None:
    """And which it needs."""
    with pytest.raises(ListRefused, match="no column currency"):
        refunds_in(written(tmp_path, "", "refund_id,order_name,refunded_at,amount\n"), SHOP)


def test_the_command_imports_a_list_once(connection, tmp_path: Path, monkeypatch, capsys) -> None:
    """The same list again adds nothing; an unknown shop is wrong usage; who imported is in the audit."""
    monkeypatch.setenv("RETURNS_HOME", str(tmp_path))
    monkeypatch.setenv("DAGSTER_HOME", "")
    monkeypatch.setenv("DAGSTER_POSTGRES_URL", "")
    path = written(tmp_path, "991,#1,2026-04-01T00:30,12.30,GBP\n")
    words = ["refunds", "import", str(path), "--by", "Ada", "--shop"]
    assert cli.main([*words, "uk"]) == cli.OK
    assert "1 of them new" in capsys.readouterr().out
    assert cli.main([*words, "uk"]) == cli.OK
    assert "0 of them new" in capsys.readouterr().out
    assert cli.main([*words, "mars"]) == cli.USAGE
    assert closes.imported_refunds(connection, "uk")["amount_minor"].tolist() == [1230]
    rows = connection.execute("SELECT detail->>'by' FROM audit WHERE what = 'refunds imported'").fetchall()
    assert rows == [("Ada",), ("Ada",)]
