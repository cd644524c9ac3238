"""Lists of inspections and SKU maps, typed as a person types them. With one bad row nothing may be taken: half a list is worse than none."""

import csv
from collections.abc import Callable
from pathlib import Path

import psycopg
import pytest

from returns_pipeline import cli
from returns_pipeline.storage import frames
from returns_pipeline_tests.storage.rows import frame

Run = Callable[..., tuple[int, str]]


@pytest.fixture
def run(database_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Run:
    """Types `returns-pipeline ...` against this test's database; answers the exit status and what was printed."""
    assert database_url
    monkeypatch.setenv("RETURNS_HOME", str(tmp_path / "home"))
    for variable in ("DAGSTER_HOME", "DAGSTER_POSTGRES_URL"):
        monkeypatch.setenv(variable, "")  # the command sets them; the patch takes them back

    def typed(*words: object) -> tuple[int, str]:
        status = cli.main([str(word) for word in words])
        return status, capsys.readouterr().out

    return typed


@pytest.fixture
def bench(connection: psycopg.Connection) -> None:
    """RMA 77 has two received units, one of them of a SKU that looks like a formula; RMA 78 is not received."""
    for rma_id, items in ((77, [1, 2]), (78, [3])):
        line = f"{rma_id}-9-0"
        put(connection, "returngo/rmas", rma_id=rma_id, order_name=f"#UK{rma_id}", is_open=True)
        put(connection, "returns/return_lines", return_line_id=line, rma_id=rma_id, returned_item_ids=items)
        for item in items:
            sku = "=A-1" if item == 2 else "A-1"
            put(connection, "returngo/return_items", returned_item_id=item, rma_id=rma_id, sku=sku)
    put(connection, "returns/receipts", receipt_line_id=5, rma_id=77, return_line_id="77-9-0")


@pytest.fixture
def held(connection: psycopg.Connection) -> None:
    """Two returns of the UK shop wait for one unknown SKU; the shelf SKU B-1 is known."""
    for rma_id in (77, 78):
        put(
            connection, "returns/return_lines", return_line_id=f"{rma_id}-x1-0", rma_id=rma_id, sku_returned="b1",
            verdict="held", hold_code="sku_unknown",
        )  # fmt: skip
    put(connection, "brightpearl/products", product_id=11, sku="B-1")


def put(connection: psycopg.Connection, table: str, **values: object) -> None:
    frames.upsert(connection, table, frame(table, values))


def filled(path: Path, **cells: dict[str, str]) -> None:
    """Fills cells in, as a person in a spreadsheet: column -> {what stands in the row's second-last key column: value}."""
    with path.open(encoding="utf-8-sig", newline="") as opened:
        rows = list(csv.DictReader(opened))
    for column, by_key in cells.items():
        for row in rows:
            row[column] = by_key.get(row.get("returned_item_id") or row["sku"], row[column])
    with path.open("w", encoding="utf-8", newline="") as opened:
        writer = csv.DictWriter(opened, list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)


def inspections(connection: psycopg.Connection) -> list[tuple[int, str, str | None]]:
    return connection.execute(
        "SELECT returned_item_id, result, recorded_by FROM inspections ORDER BY inspection_id"
    ).fetchall()


def audited(connection: psycopg.Connection, what: str) -> int:
    found = connection.execute("SELECT count(*) FROM audit WHERE what = %s", [what]).fetchone()
    assert found
    return int(found[0])


def mapped(connection: psycopg.Connection) -> list[tuple[str, str, dict[str, str]]]:
    return connection.execute(
        "SELECT shop, subject_id, value FROM operator_decisions WHERE action = 'map_sku' ORDER BY decision_id"
    ).fetchall()


@pytest.mark.usefixtures("bench")
def test_the_bench_fills_its_list_in_and_sends_it_back(
    run: Run, connection: psycopg.Connection, tmp_path: Path
) -> None:
    """Only received units are listed; sent twice, a list records nothing twice."""
    path = tmp_path / "bench.csv"
    assert run("inspections", "export", path)[1].startswith(f"{path}: 2 units wait")
    assert "'=A-1" in path.read_text(encoding="utf-8-sig")
    filled(path, result={"1": "pass", "2": "damaged"}, reason={"2": "seam torn"})
    assert run("inspections", "import", path, "--by", "Pat") == (
        0, "2 inspections recorded, 0 known already, 0 rows without a result\n",
    )  # fmt: skip
    assert inspections(connection) == [(1, "pass", "Pat"), (2, "damaged", "Pat")]
    assert audited(connection, "inspection recorded") == 2
    assert run("inspections", "import", path, "--by", "Pat")[1].startswith("0 inspections recorded, 2 known already")
    assert len(inspections(connection)) == 2
    assert run("inspections", "export", tmp_path / "rest.csv")[1].startswith(f"{tmp_path / 'rest.csv'}: 0 units wait")


@pytest.mark.usefixtures("bench")
def test_one_bad_row_records_nothing_and_every_bad_row_is_told(
    run: Run, connection: psycopg.Connection, tmp_path: Path
) -> None:
    """The first row is right; taken alone, nobody would know which of the rest are in."""
    path = tmp_path / "bench.csv"
    rows = ["77,1,pass,", "77,2,broken,", "77,2,damaged,", "77,99,pass,", "77,x,pass,", "77,1,pass,", "78,3,,"]
    path.write_text("\n".join(["rma_id,returned_item_id,result,reason", *rows]), encoding="utf-8")
    status, told = run("inspections", "import", path, "--by", "Pat")
    assert (status, told.splitlines()) == (
        1,
        [
            "refused, nothing was recorded:",
            "row 3: 'broken' is none of pass, damaged, write_off",
            "row 4: rma_id 77, returned_item_id 2 is in row 3 already",
            "row 5: RMA 77 has no unit 99",
            "row 6: returned_item_id 'x' is no number",
            "row 7: rma_id 77, returned_item_id 1 is in row 2 already",
        ],
    )
    assert inspections(connection) == []
    assert audited(connection, "inspection recorded") == 0


@pytest.mark.usefixtures("held")
def test_a_sku_is_mapped_for_every_return_that_waits_for_it(
    run: Run, connection: psycopg.Connection, tmp_path: Path
) -> None:
    """One row of the list stands for all returns of that SKU, today's and tomorrow's."""
    path = tmp_path / "skus.csv"
    assert run("skus", "export", path)[1].startswith(f"{path}: 1 SKUs hold returns")
    filled(path, sku_sold={"b1": "B-1"}, reason={"b1": "old label"})
    assert run("skus", "import", path, "--by", "Pat")[1].startswith("1 SKUs mapped, 0 known already")
    assert mapped(connection) == [("uk", "b1", {"sku_sold": "B-1"})]
    assert audited(connection, "decision recorded") == 1
    assert run("skus", "import", path, "--by", "Pat")[1].startswith("0 SKUs mapped, 1 known already")


@pytest.mark.usefixtures("held")
@pytest.mark.parametrize(
    ("row", "told"),
    [
        ("moon,b1,B-1,why", "row 3: no shop is labelled 'moon'"),
        ("uk,,B-1,why", "row 3: sku is empty"),
        ("uk,B-1,B-1,why", "row 3: B-1 is mapped to itself"),
        ("uk,b1,b-1,why", "row 3: no product and no sold row carries 'b-1'"),
        ("uk,b1,B-1,", "row 3: a decision about sku b1 needs a reason"),
        ("uk,b0,B-1,why", "row 3: shop uk, sku b0 is in row 2 already"),
    ],
)
def test_a_bad_map_takes_the_whole_list_back(
    run: Run, connection: psycopg.Connection, tmp_path: Path, row: str, told: str
) -> None:
    """A wrong map credits another product's price on every return to come."""
    path = tmp_path / "skus.csv"
    path.write_text(f"shop,sku,sku_sold,reason\nuk,b0,B-1,old label\n{row}\n", encoding="utf-8")
    status, said = run("skus", "import", path, "--by", "Pat")
    assert (status, said.splitlines()[1].startswith(told)) == (1, True), said
    assert mapped(connection) == []


@pytest.mark.usefixtures("held")
def test_a_sku_that_is_mapped_otherwise_is_first_to_be_taken_back(
    run: Run, connection: psycopg.Connection, tmp_path: Path
) -> None:
    """Of two maps in force nobody could say which one counts."""
    put(connection, "brightpearl/products", product_id=12, sku="B-2")
    path = tmp_path / "skus.csv"
    path.write_text("shop,sku,sku_sold,reason\nuk,b1,B-1,old label\n", encoding="utf-8")
    run("skus", "import", path, "--by", "Pat")
    path.write_text("shop,sku,sku_sold,reason\nuk,b1,B-2,no, the other\n", encoding="utf-8")
    status, said = run("skus", "import", path, "--by", "Pat")
    assert (status, "mapped to B-1 by decision" in said) == (1, True)
    assert mapped(connection) == [("uk", "b1", {"sku_sold": "B-1"})]
