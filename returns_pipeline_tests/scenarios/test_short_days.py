"""A day on which ReturnGo's calls do not suffice: lists rest, and nothing else does."""

import dagster as dg
import pytest

from returns_pipeline.clients.pacing import BudgetSpent
from returns_pipeline.commands.audit import audited
from returns_pipeline.commands.sync import SyncResult, sync
from returns_pipeline.definitions import defs
from returns_pipeline.defs.resting import tag_of_pace
from returns_pipeline.stages.passes import Scope
from returns_pipeline.storage import database
from returns_pipeline_tests.benchmarks.calls import INSPECTED_ELSEWHERE, INSPECTED_IN_RETURNGO, calls
from returns_pipeline_tests.scenarios.lockstep import Arrangement
from returns_pipeline_tests.scenarios.test_past_returns import FIRST, LAST

_A_HUNDRED_CALLS = Arrangement(
    "a hundred ReturnGo calls a day",
    changes={
        "returngo_per_day = 20000": "returngo_per_day = 100",
        INSPECTED_IN_RETURNGO: INSPECTED_ELSEWHERE,
    },
    switches={"returngo": {"daily_quota": 100}},
)
_OTHERS = 85
_LIST, _DETAIL, _CONFIRM = (
    ("returngo", *call) for call in (("GET", "/rmas"), ("GET", "/rma/{id}"), ("PUT", "/shipment/{id}"))
)


def a_pass(scope: Scope) -> SyncResult:
    """One pass, in which no step may fail and no gate may close."""
    result = sync(scope)
    assert result.is_good, (result.failed_steps, result.closed_gates)
    return result


def checked(repository: dg.RepositoryDefinition, instance: dg.DagsterInstance) -> dg.AssetCheckEvaluation:
    """The alarm, as the health schedule would raise it now."""
    result = repository.get_job("pipeline_health").execute_in_process(instance=instance)
    (check,) = [
        each for each in result.get_asset_check_evaluations() if each.check_name == "returngo_calls_last_the_day"
    ]
    return check


def refused() -> int:
    with database.connect() as connection:
        ((count,),) = connection.execute("SELECT count(*) FROM api_calls WHERE http_status = 429").fetchall()
    return count


def others_call(count: int) -> None:
    """Another process of ours has read so many details of the UK shop in this hour."""
    with database.connect() as connection:
        connection.execute(
            """INSERT INTO api_calls(api, shop, hour, method, path_template, http_status, calls, milliseconds)
               VALUES ('returngo', 'uk', date_trunc('hour', clock_timestamp(), 'UTC'), 'GET', '/rma/{id}', 404, %s, 1)""",
            (count,),
        )


@pytest.mark.xdist_group("calls")
def test_lists_rest_while_credits_and_confirmations_go_and_the_alarm_comes_before_any_refusal(open_shop):
    """144 looks a day do not fit into a hundred calls: without a plan, noon's last call is followed by a day of nothing."""
    with open_shop(_A_HUNDRED_CALLS) as retailer, dg.instance_for_test() as instance:
        first, second = (retailer.approved(retailer.order()) for _ in range(2))
        retailer.sandbox.post("/advance", {"hours": 25})
        a_pass(Scope())
        before = calls()
        assert before[_DETAIL] == 2
        # The lists were asked, and are asked again in fifty minutes; what the bench books in is credited and confirmed in the meantime.
        retailer.send_back(first)
        repository = defs().get_repository_def()
        with dg.build_sensor_context(instance=instance, repository_def=repository) as context:
            asked_for = repository.get_sensor_def("new_goods_in_sensor")(context)
        assert isinstance(asked_for, dg.RunRequest)
        assert asked_for.run_config == {}, "a run of that return alone would read it from ReturnGo"
        resting = a_pass(Scope())
        assert resting.counts["returngo/rmas:shops_not_asked"] == 2
        retailer.credited(first.order, first)
        assert retailer.parcels(first) == ["Validated"]
        spent = calls() - before
        assert (spent[_LIST], spent[_DETAIL], spent[_CONFIRM]) == (0, 0, 1)
        assert "asked every 50 minutes instead of every 10" in tag_of_pace()["returngo"]
        warned = checked(repository, instance)
        assert (warned.passed, warned.severity) == (False, dg.AssetCheckSeverity.WARN)
        assert refused() == 0
        # A sweep does not wait to ask, and reads nothing again that only history's calls would pay.
        a_pass(Scope(is_sweep=True))
        assert (calls() - before)[_LIST] >= 2
        assert (calls() - before)[_DETAIL] == 0
        # Nothing is left for reading or for the past, and the next parcel is confirmed all the same.
        others_call(_OTHERS)
        with pytest.raises(BudgetSpent, match="past returns wait"):
            audited(FIRST, LAST, ["uk"], only_plan=False, afresh=False, tell=str)
        retailer.send_back(second)
        a_pass(Scope(rma_ids=(second.rma_id,)))
        retailer.credited(second.order, second)
        assert retailer.parcels(second) == ["Validated"]
        assert ((calls() - before)[_CONFIRM], (calls() - before)[_DETAIL], refused()) == (2, _OTHERS, 0)
