"""Two credits for the same units: which of them was first is told by Brightpearl's own clock."""

import datetime as dt

import pytest

from returns_pipeline.domain.credit_rows import foreign_facts
from returns_pipeline.domain.doubles import double_credits
from returns_pipeline.domain.standing import standing_lines
from returns_pipeline_tests.domain import worlds
from returns_pipeline_tests.domain.worlds import CREATED, PARCEL, RMA, SALE
from returns_pipeline_tests.storage.rows import frame

RAISED = {
    "kind": "credit.raise", "business_key": "raise:70:1001:1", "remote_id": "8001", "created_at": CREATED + dt.timedelta(days=30),
    "payload": {"subject": {"rma_id": RMA, "order_id": SALE, "part": 1, "shipment_id": PARCEL}},
}  # fmt: skip


@pytest.mark.parametrize(("hours", "found"), [(1, ["double_credit"]), (-1, [])])
def test_a_credit_by_others_is_a_double_when_brightpearl_made_it_after_ours(hours: int, found: list[str]) -> None:
    """Held against our own clock, which runs ahead of Brightpearl's here, no double was ever seen."""
    credits = frame(
        "brightpearl_sales_credits",
        {"credit_id": 8001, "order_id": SALE, "created_on": CREATED},
        {"credit_id": 8002, "order_id": SALE, "created_on": CREATED + dt.timedelta(hours=hours)},
    )
    rows = frame("brightpearl_sales_credit_rows", {"credit_row_id": 2, "credit_id": 8002, "order_row_id": 1})
    standing = standing_lines(worlds.effects(RAISED), worlds.ledger_lines({"kind": "credit.raise"}))
    foreign = foreign_facts(credits, rows, standing, set())
    assert [finding.code for finding in double_credits(foreign, standing, credits, "uk")] == found


def test_where_nothing_was_credited_nothing_is_double() -> None:
    """The first pass of an account in which somebody else raises the credits."""
    credits = frame("brightpearl_sales_credits")
    standing = standing_lines(worlds.effects(), worlds.ledger_lines())
    foreign = foreign_facts(credits, frame("brightpearl_sales_credit_rows"), standing, set())
    assert double_credits(foreign, standing, credits, "uk") == []
