"""From the bench to a posted credit in one tick: the sensor against a living retailer, and the run that it asks for."""

import dagster as dg
import pytest

from returns_pipeline.definitions import defs
from returns_pipeline.storage import database
from returns_pipeline_tests.scenarios.conftest import OpenShop, open_shop  # noqa: F401 - a fixture

SENSOR = "new_goods_in_sensor"


@pytest.fixture
def calls():
    """How many calls went to each account since the last time it was asked."""
    seen = {"n": 0}

    def since() -> int:
        with database.connect() as connection:
            row = connection.execute("SELECT coalesce(sum(calls), 0)::bigint FROM api_calls").fetchone()
        before, seen["n"] = seen["n"], row[0]
        return seen["n"] - before

    return since


def test_goods_in_becomes_a_posted_credit_with_the_run_that_the_sensor_asks_for(
    open_shop: OpenShop,  # noqa: F811
    instance: dg.DagsterInstance,
    repository: dg.RepositoryDefinition,
    calls,
) -> None:
    """Two minutes from goods-in to posted credit: one tick of a minute, and a run of that return alone."""
    cursors: dict[str, str | None] = {"at": None}

    def tick() -> object:
        with dg.build_sensor_context(instance=instance, cursor=cursors["at"], repository_def=repository) as context:
            answer = repository.get_sensor_def(SENSOR)(context)
            cursors["at"] = context.cursor
        return answer

    with open_shop() as retailer:
        first = tick()
        assert isinstance(first, dg.SkipReason)
        assert first.skip_message.startswith("no sync has read goods movements yet")
        order, other = retailer.order(), retailer.order()
        asked, waiting = retailer.approved(order), retailer.approved(other)
        retailer.sync()
        calls()
        quiet = tick()
        assert isinstance(quiet, dg.SkipReason)
        assert (quiet.skip_message, calls()) == ("no goods were booked in on our credits since the last look", 1)
        retailer.ship(asked)
        (note,) = retailer.receive(asked)
        request = tick()
        assert isinstance(request, dg.RunRequest)
        assert calls() == 1
        assert request.tags["reason"] == f"goods-in note {note}"
        scopes = {tuple(step["config"]["rma_ids"]) for step in request.run_config["ops"].values()}
        assert scopes == {(asked.rma_id,)}
        again = tick()
        assert isinstance(again, dg.SkipReason), "a note is answered once, or each minute would ask for a run"
        run = (
            defs()
            .resolve_job_def("returns_sync")
            .execute_in_process(instance=instance, run_config=request.run_config, raise_on_error=False)
        )
        assert run.success
        (credit,) = retailer.credits(order)
        assert (credit.is_posted, credit.gross) == (True, retailer.paid(asked))
        (unposted,) = retailer.credits(other)
        assert not unposted.is_posted
        assert retailer.ledger(waiting) == [("credit.raise", "confirmed")]
