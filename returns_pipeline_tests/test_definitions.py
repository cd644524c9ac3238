"""What Dagster loads: the graph's fixed names, its jobs and what runs by itself. People bookmark these names, checks and sensors use them."""

import os
import subprocess
import sys

import dagster as dg
import pytest

from returns_pipeline.definitions import defs

# asset -> group, team that owns it, what it is made of.
ASSETS = {
    "returngo/rmas": ("ingest", "integration", {"returngo", "postgres"}),
    "returngo/return_items": ("ingest", "integration", {"returngo", "postgres"}),
    "returngo/transactions": ("ingest", "finance", {"returngo", "postgres"}),
    "brightpearl/sales_orders": ("ingest", "integration", {"brightpearl", "postgres"}),
    "brightpearl/products": ("ingest", "product_data", {"brightpearl", "postgres"}),
    "brightpearl/sales_credits": ("ingest", "finance", {"brightpearl", "postgres"}),
    "brightpearl/goods_in": ("ingest", "warehouse", {"brightpearl", "postgres"}),
    "returns/return_lines": ("match", "product_data", {"pandas", "postgres"}),
    "returns/receipts": ("match", "warehouse", {"pandas", "postgres"}),
    "returns/credit_proposals": ("decide", "finance", {"pandas", "postgres"}),
    "returns/transfer_proposals": ("decide", "warehouse", {"pandas", "postgres"}),
    "brightpearl/expected_returns": ("write", "warehouse", {"brightpearl", "postgres"}),
    "brightpearl/posted_credits": ("write", "finance", {"brightpearl", "postgres"}),
    "returngo/receipt_confirmations": ("write", "cx", {"returngo", "postgres"}),
    "brightpearl/stock_transfers": ("write", "warehouse", {"brightpearl", "postgres"}),
    "returns/exceptions": ("reconcile", "integration", {"postgres"}),
    "finance/three_way_match": ("reconcile", "finance", {"pandas", "postgres"}),
    "finance/month_end_close": ("reconcile", "finance", {"pandas", "postgres"}),
    "operations/health": ("reconcile", "integration", {"postgres"}),
}
WRITERS = {asset for asset, (group, _, _) in ASSETS.items() if group == "write"}
# Views over tables that are checked by their constraints and the ledger, and the measurement of the pipeline itself.
WITHOUT_SCHEMA_CHECK = WRITERS | {"returns/exceptions", "operations/health"}
NOT_IN_A_SYNC = {"finance/month_end_close", "operations/health"}
UPSTREAM = {
    "returngo/rmas": set(),
    "returngo/return_items": set(),
    "returngo/transactions": {"returngo/rmas"},
    "brightpearl/sales_orders": {"returngo/rmas", "returngo/return_items"},
    "brightpearl/products": {"brightpearl/sales_orders"},
    "brightpearl/sales_credits": {"brightpearl/sales_orders"},
    "brightpearl/goods_in": {"brightpearl/sales_credits"},
    "returns/return_lines": {"returngo/return_items", "brightpearl/sales_orders", "brightpearl/products"},
    "returns/receipts": {"brightpearl/goods_in", "brightpearl/sales_credits", "returns/return_lines"},
    "returns/credit_proposals": {
        "returns/return_lines",
        "returns/receipts",
        "brightpearl/sales_credits",
        "returngo/transactions",
    },
    "returns/transfer_proposals": {"returns/receipts", "returngo/return_items"},
    "brightpearl/expected_returns": {"returns/credit_proposals"},
    "brightpearl/posted_credits": {"brightpearl/expected_returns"},
    "returngo/receipt_confirmations": {"brightpearl/posted_credits"},
    "brightpearl/stock_transfers": {"returns/transfer_proposals"},
    "returns/exceptions": WRITERS,
    "finance/three_way_match": WRITERS,
    "finance/month_end_close": {"finance/three_way_match"},
    "operations/health": set(),
}


@pytest.fixture(scope="module")
def loaded() -> dg.Definitions:
    return defs()


@pytest.fixture(scope="module")
def specs(loaded: dg.Definitions) -> dict[str, dg.AssetSpec]:
    return {spec.key.to_user_string(): spec for spec in loaded.resolve_all_asset_specs()}


def test_the_definitions_load_with_no_environment_variable_set() -> None:
    """A code location that needs a credential to load cannot be opened to see which credential is missing."""
    code = "from returns_pipeline.definitions import defs; print(len(defs().resolve_all_asset_specs()))"
    loaded = subprocess.run(
        [sys.executable, "-c", code], env={"PYTHONPATH": os.pathsep.join(sys.path)}, capture_output=True, text=True
    )
    assert loaded.stdout.strip() == str(len(ASSETS)), loaded.stderr


def test_the_assets_have_the_names_that_people_bookmark(specs: dict[str, dg.AssetSpec]) -> None:
    assert set(specs) == set(ASSETS)


@pytest.mark.parametrize("asset", ASSETS)
def test_every_asset_stands_in_its_group_with_its_owner_and_kinds(asset: str, specs: dict[str, dg.AssetSpec]) -> None:
    """Owners are told about failures and groups are the stages of the picture: a wrong one tells the wrong people."""
    group, team, kinds = ASSETS[asset]
    assert (specs[asset].group_name, list(specs[asset].owners), specs[asset].kinds) == (group, [f"team:{team}"], kinds)


@pytest.mark.parametrize("asset", ASSETS)
def test_every_asset_says_what_it_is_and_describes_its_columns(asset: str, specs: dict[str, dg.AssetSpec]) -> None:
    """A finance person reads the first line; a column without a meaning or a unit is read wrongly."""
    spec = specs[asset]
    first_line = (spec.description or "").split("\n")[0]
    columns = spec.metadata["dagster/column_schema"].columns
    assert first_line.endswith(".")
    assert len(first_line) > 30
    assert columns
    assert [column.name for column in columns if not column.description or not column.type] == []
    assert spec.metadata["dagster/table_name"] == f"returns.{asset.replace('/', '_')}"
    assert spec.code_version


@pytest.mark.parametrize("asset", ASSETS)
def test_every_asset_comes_after_what_it_reads(asset: str, specs: dict[str, dg.AssetSpec]) -> None:
    """A missing dependency lets a writer run before what it must wait for."""
    assert {dep.asset_key.to_user_string() for dep in specs[asset].deps} == UPSTREAM[asset]


def test_every_asset_with_a_table_of_its_own_has_a_blocking_schema_check(loaded: dg.Definitions) -> None:
    """Without it a malformed batch would reach matching and money within the same run."""
    graph = loaded.resolve_asset_graph()
    shown = {
        check.asset_key.to_user_string(): graph.get(check).blocking
        for check in graph.asset_check_keys
        if check.name.endswith("_conform_to_schema")
    }
    assert shown == dict.fromkeys(set(ASSETS) - WITHOUT_SCHEMA_CHECK, True)


def test_the_tax_check_stops_the_writers_and_the_sku_check_only_tells(loaded: dg.Definitions) -> None:
    """One unknown SKU must never stop the other returns; one wrong tax share must never be posted."""
    graph = loaded.resolve_asset_graph()
    rules = {
        check.to_user_string(): graph.get(check).blocking
        for check in graph.asset_check_keys
        if not check.name.endswith("_conform_to_schema")
    }
    assert rules["returns/credit_proposals:tax_is_in_proportion"] is True
    assert rules["returns/return_lines:every_judged_sku_was_sold"] is False


@pytest.mark.parametrize(
    ("job", "expected"),
    [
        ("returns_sync", set(ASSETS) - NOT_IN_A_SYNC),
        ("full_sweep", set(ASSETS) - NOT_IN_A_SYNC),
        ("month_end_close", {"finance/month_end_close"}),
        ("pipeline_health", {"operations/health"}),
    ],
)
def test_each_job_runs_its_own_assets(job: str, expected: set[str], loaded: dg.Definitions) -> None:
    """The close is partitioned by month and would make any job that held it partitioned; health must live when the rest does not."""
    keys = loaded.resolve_job_def(job).asset_layer.executable_asset_keys
    assert {key.to_user_string() for key in keys} == expected


def test_the_sync_is_not_partitioned_and_the_close_is_by_month(loaded: dg.Definitions) -> None:
    assert loaded.resolve_job_def("returns_sync").partitions_def is None
    close = loaded.resolve_job_def("month_end_close").partitions_def
    assert isinstance(close, dg.MonthlyPartitionsDefinition)


def test_people_have_their_jobs_in_the_launchpad(loaded: dg.Definitions) -> None:
    jobs = {job.name for job in loaded.resolve_all_job_defs()}
    assert {
        "approve_postings",
        "resolve_exception",
        "record_inspection",
        "settle_effects",
        "housekeeping",
        "historical_audit",
        "shadow_comparison",
    } <= jobs


@pytest.mark.parametrize(
    ("schedule", "cron", "job"),
    [
        ("returns_sync_schedule", "*/10 * * * *", "returns_sync"),
        ("full_sweep_schedule", "30 2 * * *", "full_sweep"),
        ("month_end_close_schedule", "0 6 1 * *", "month_end_close"),
        ("health_schedule", "*/5 * * * *", "pipeline_health"),
        ("housekeeping_schedule", "15 3 * * *", "housekeeping"),
    ],
)
def test_every_schedule_runs_from_the_start(schedule: str, cron: str, job: str, loaded: dg.Definitions) -> None:
    """A schedule that starts stopped is a switch that nobody knows of: goods would lie without a credit."""
    found = loaded.resolve_schedule_def(schedule)
    assert (found.cron_schedule, found.job_name) == (cron, job)
    assert found.default_status == dg.DefaultScheduleStatus.RUNNING


def test_no_schedule_or_sensor_starts_stopped(loaded: dg.Definitions) -> None:
    repository = loaded.get_repository_def()
    assert {sensor.name for sensor in repository.sensor_defs} >= {"receipts_without_credit_sensor"}
    assert [s.name for s in repository.schedule_defs if s.default_status != dg.DefaultScheduleStatus.RUNNING] == []
    assert [s.name for s in repository.sensor_defs if s.default_status != dg.DefaultSensorStatus.RUNNING] == []


def test_no_asset_is_retried_by_dagster(loaded: dg.Definitions) -> None:
    """The ledger alone repeats a write; a second layer that repeats could send it twice."""
    nodes = loaded.resolve_job_def("returns_sync").nodes
    assert len(nodes) > len(WRITERS)
    assert [node.name for node in nodes if node.retry_policy or node.definition.retry_policy] == []


def test_steps_run_in_one_process_one_sync_per_account(loaded: dg.Definitions) -> None:
    """Two syncs of one account are kept apart by a tag that dagster.yaml limits to one run."""
    for name in ("returns_sync", "full_sweep"):
        job = loaded.resolve_job_def(name)
        assert job.executor_def.name == "in_process"
        assert job.tags["account"] == "brightpearl"


@pytest.mark.parametrize("asset", sorted(set(ASSETS) - {"finance/month_end_close"}))
def test_every_asset_says_how_old_it_may_be(asset: str) -> None:
    """An asset that silently stops being made looks as right as on its last day; a month's close alone has no age."""
    spec = defs().resolve_asset_graph().get(dg.AssetKey(asset.split("/")))
    assert spec.freshness_policy is not None


@pytest.mark.parametrize("asset", sorted(WRITERS))
def test_every_writer_shows_its_inventory(asset: str) -> None:
    """How many writes are open, which are stuck, and what to do, in the asset's own checks."""
    names = {
        key.name for key in defs().resolve_asset_graph().asset_check_keys if key.asset_key.to_user_string() == asset
    }
    assert any(name.startswith("no_") and name.endswith("_is_stuck") for name in names)
