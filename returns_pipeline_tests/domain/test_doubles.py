"""A second credit for the same units is told, and only a second one: which was first is told by Brightpearl's own clock."""

import datetime as dt

import pandas as pd

from returns_pipeline.domain.doubles import double_credits
from returns_pipeline.domain.standing import standing_lines
from returns_pipeline_tests.domain import worlds
from returns_pipeline_tests.domain.worlds import CREATED, PARCEL, RMA, SALE
from returns_pipeline_tests.storage.rows import frame

# Made by the ledger long after Brightpearl's own stamp: our clock runs ahead of Brightpearl's here.
RAISED = {
    "kind": "credit.raise", "business_key": "raise:70:1001:1", "remote_id": "8001", "created_at": CREATED + dt.timedelta(days=30),
    "payload": {"subject": {"rma_id": RMA, "order_id": SALE, "part": 1, "shipment_id": PARCEL}},
}  # fmt: skip


def foreign(*newest: dt.datetime) -> pd.DataFrame:
    """What others credited for the shirt, newest at these times."""
    rows = [
        {"order_row_id": 1, "foreign_qty": 1, "foreign_net": 1000, "foreign_tax": 200, "credit_ids": [9001]}
        | {"newest": moment}
        for moment in newest
    ]
    columns = ["order_row_id", "foreign_qty", "foreign_net", "foreign_tax", "credit_ids", "newest"]
    return pd.DataFrame(rows, columns=columns).astype({"order_row_id": "int64", "newest": "datetime64[us, UTC]"})


def doubles(others: pd.DataFrame, *raises: dict) -> list:
    """The findings where these raises stand beside what others credited."""
    effects = worlds.effects(*raises)
    lines = worlds.ledger_lines({"effect_id": 1, "kind": "credit.raise"}) if raises else worlds.ledger_lines()
    ours = frame("brightpearl_sales_credits", *({"credit_id": 8001, "created_on": CREATED} for _ in raises))
    return double_credits(others, standing_lines(effects, lines), ours, "uk")


def test_a_credit_by_others_after_ours_is_a_double_with_its_money() -> None:
    (found,) = doubles(foreign(CREATED + dt.timedelta(hours=1)), RAISED)
    assert (found.code, found.subject_id, found.money_minor) == ("double_credit", "1", 1200)


def test_a_credit_by_others_before_ours_is_counted_and_no_double() -> None:
    assert doubles(foreign(CREATED - dt.timedelta(hours=1)), RAISED) == []


def test_nothing_raised_yet_is_no_failure() -> None:
    """The first pass on an account, and every pass in shadow."""
    assert doubles(foreign(CREATED)) == []
    assert doubles(foreign()) == []
