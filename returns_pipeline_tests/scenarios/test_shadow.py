"""Shadow mode at a live retailer: plans while people go on posting, and what they show before a shop goes live."""

import re

from returns_pipeline import cli
from returns_pipeline.commands import go_live
from returns_pipeline.definitions import defs
from returns_pipeline.domain.shadow import ONLY_PLANNED, SAME, Comparison
from returns_pipeline.settings import load_settings
from returns_pipeline.stages.shadowing import compared
from returns_pipeline.storage import database, home
from returns_pipeline_tests.scenarios.lockstep import Arrangement, Steps, under
from returns_pipeline_tests.scenarios.retailer import Retailer

KINDS = ("credits", "confirmations", "refunds", "transfers")
IN_SHADOW = Arrangement(
    "everything in shadow",
    {f'{kind} = "live"': f'{kind} = "shadow"' for kind in KINDS}
    | {"[effects]": "[go_live]\ncompared_returns = 2\n[effects]"},
)


def comparisons() -> dict[int, Comparison]:
    settings = load_settings()
    with database.connect() as connection:
        return {each.rma_id: each for each in compared(connection, settings, settings.shop("uk"))}


@under(IN_SHADOW)
def test_plans_are_compared_with_what_people_post_and_never_become_writes(retailer: Retailer) -> Steps:
    """One posted as planned, one for another amount, one nobody has posted yet."""
    same, other, waiting = (retailer.approved(retailer.order()) for _ in range(3))
    yield
    assert {each.cause for each in comparisons().values()} == {ONLY_PLANNED}
    retailer.act("staff", "clone_credit", order_name=same.order.name, close=True)
    changed = retailer.act("staff", "clone_credit", order_name=other.order.name)
    retailer.act("staff", "change_price", credit_id=changed["credit_id"], sku=other.order.sku, net="1.00")
    retailer.act("finance", "close_credit", credit_id=changed["credit_id"])
    yield
    yield
    found = comparisons()
    assert found[same.rma_id].cause == SAME
    assert (found[same.rma_id].planned_quantity, found[same.rma_id].people_quantity) == (1, 1)
    assert found[other.rma_id].cause == "another amount"
    assert found[other.rma_id].people_net_minor == 100
    assert found[waiting.rma_id].cause == ONLY_PLANNED
    assert retailer.ledger(same) == []
    assert defs().resolve_job_def("shadow_comparison").execute_in_process().success
    (folder,) = {path.parent for path in home.root().rglob("shadow-uk.xlsx")}
    assert (folder / "shadow-uk.html").stat().st_size
    answer = go_live.examine("uk")
    mends = {point["what"]: point["mend"] for point in answer.data if not point["is_ok"]}
    assert answer.status == cli.FOUND_SOMETHING
    assert re.search(r"50\.0 % agree by count", mends["plans and people agree on 95% of them"])
    assert "2 returns were planned and credited by people as well" not in mends
    assert go_live.examine("nobody").status == cli.USAGE
