"""`checks new`: what it writes runs at once, is found by itself, and overwrites nothing."""

import importlib
import importlib.util
import sys
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

import pytest

import returns_pipeline.checks
from returns_pipeline.checks.registry import discover
from returns_pipeline.commands import checks


@pytest.fixture
def root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A folder that Python takes for another part of the checks' folder."""
    for folder in ("returns_pipeline/checks", "returns_pipeline_tests/checks"):
        (tmp_path / folder).mkdir(parents=True)
    parts = [*returns_pipeline.checks.__path__, str(tmp_path / "returns_pipeline" / "checks")]
    monkeypatch.setattr(returns_pipeline.checks, "__path__", parts)
    yield tmp_path
    for name in [name for name in sys.modules if name.endswith("parcels_have_a_carrier")]:
        del sys.modules[name]


def module_of(path: Path) -> ModuleType:
    spec = importlib.util.spec_from_file_location(path.stem, path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.mark.parametrize("asset", ["returns/return_lines", "returngo/return_items", "brightpearl/sales_credits"])
def test_a_new_check_is_found_by_itself_and_its_test_passes(root: Path, asset: str) -> None:
    """The data team begins with something that runs."""
    answer = checks.new("parcels_have_a_carrier", asset, root)
    importlib.invalidate_caches()
    (found,) = [check for check in discover() if check.name == "parcels_have_a_carrier"]
    assert (found.asset, found.title) == (asset, "Parcels have a carrier")
    written = module_of(root / "returns_pipeline_tests" / "checks" / "test_parcels_have_a_carrier.py")
    tests = [getattr(written, name) for name in dir(written) if name.startswith("test_")]
    assert len(tests) == 2
    for test in tests:
        test()
    assert "test_parcels_have_a_carrier.py" in answer.lines[1]


@pytest.mark.parametrize(
    ("name", "asset", "said"),
    [
        ("Prices", "returns/return_lines", "is no name for a check"),
        ("../evil_path", "returns/return_lines", "is no name for a check"),
        ("prices_are_known", "returns/nothing", "no asset 'returns/nothing'"),
    ],
)
def test_what_cannot_be_a_check_is_refused_and_nothing_is_written(root: Path, name: str, asset: str, said: str) -> None:
    with pytest.raises(checks.CheckNotWritten, match=said):
        checks.new(name, asset, root)
    assert [path for path in root.rglob("*.py")] == []


def test_nothing_is_written_over(root: Path) -> None:
    """Somebody's rule may already stand there."""
    checks.new("parcels_have_a_carrier", "returns/return_lines", root)
    file = root / "returns_pipeline" / "checks" / "parcels_have_a_carrier.py"
    file.write_text("# mine")
    with pytest.raises(checks.CheckNotWritten, match="is there already"):
        checks.new("parcels_have_a_carrier", "returns/return_lines", root)
    assert file.read_text() == "# mine"
