"""Several accounts in one Dagster: their assets, their syncs and their failures are kept apart."""

import json
import os
import subprocess
import sys

import dagster as dg
import pytest

from returns_pipeline.alerts.compose import links
from returns_pipeline.definitions import defs
from returns_pipeline.defs.jobs import SYNC_TAGS
from returns_pipeline.defs.schedules import sync_is_under_way
from returns_pipeline.settings import SettingsError, load_settings

_NAMES = """
import json
from returns_pipeline.definitions import defs
graph = defs().resolve_asset_graph()
sync = defs().resolve_job_def("returns_sync")
print(json.dumps({
    "assets": sorted(key.to_user_string() for key in graph.get_all_asset_keys()),
    "checks": sorted(key.to_user_string() for key in graph.asset_check_keys),
    "synced": sorted(key.to_user_string() for key in sync.asset_layer.executable_asset_keys),
    "tags": sync.tags,
}))
"""


def names_of(account: str) -> dict:
    """What Dagster calls the assets and checks of an account's code location."""
    environment = {"PYTHONPATH": os.pathsep.join(sys.path), "RETURNS_ACCOUNT": account}
    ran = subprocess.run([sys.executable, "-c", _NAMES], env=environment, capture_output=True, text=True)
    assert ran.returncode == 0, ran.stderr
    return json.loads(ran.stdout)


def test_an_accounts_label_stands_before_every_asset_and_check() -> None:
    """Dagster keeps one history per key: under the same key the failing check of one account would be hidden by the other's."""
    alone = names_of("")
    named = names_of("brand_a")
    for what in ("assets", "checks", "synced"):
        assert alone[what]
        assert named[what] == [f"brand_a/{name}" for name in alone[what]]
    assert (alone["tags"]["account"], named["tags"]["account"]) == ("brightpearl", "brand_a")


@pytest.mark.parametrize(("account", "expected"), [(SYNC_TAGS["account"], True), ("brand_b", False)])
def test_the_sync_of_another_account_is_not_waited_for(
    account: str, expected: bool, instance: dg.DagsterInstance
) -> None:
    """One account's long backlog must not keep the others from their ten minutes."""
    instance.create_run_for_job(
        defs().resolve_job_def("returns_sync"), tags={"account": account}, status=dg.DagsterRunStatus.STARTED
    )
    assert sync_is_under_way(instance) is expected


def test_a_link_in_an_alert_leads_to_the_accounts_own_asset() -> None:
    """Under the plain key there is nothing to see where several accounts share one Dagster."""
    settings = load_settings({"RETURNS_ACCOUNT": "brand_a"})
    ((_, asset),) = links("assets/returns/exceptions", settings)
    ((_, run),) = links("runs/7", settings)
    assert asset.endswith("/assets/brand_a/returns/exceptions")
    assert run.endswith("/runs/7")


def test_a_label_that_no_asset_can_carry_is_refused() -> None:
    """Dagster's keys take no blanks; a run says so before it reads anything."""
    with pytest.raises(SettingsError, match="RETURNS_ACCOUNT is 'Brand A': use small letters"):
        load_settings({"RETURNS_ACCOUNT": "Brand A"})
