"""Telling ReturnGo that a parcel is settled. Its call may release the customer's whole refund."""

import json

import pandas as pd
import pytest

from returns_pipeline.domain.confirmations import build_confirmation_plans
from returns_pipeline_tests.domain import worlds
from returns_pipeline_tests.domain.frames import settings_with
from returns_pipeline_tests.domain.worlds import PARCEL, RMA, SALE

RAISED = {
    "kind": "credit.raise", "business_key": "raise:70:1001:1", "remote_id": "8001",
    "payload": {"subject": {"rma_id": RMA, "order_id": SALE, "part": 1, "shipment_id": PARCEL}},
}  # fmt: skip
TWO_LINES = worlds.return_lines({}, {"return_line_id": "70-2-900", "order_row_id": 2})


def confirmed(
    lines: pd.DataFrame,
    *posted: dict,
    shipments: pd.DataFrame | None = None,
    shipment: dict | None = None,
    receipts: pd.DataFrame | None = None,
    decided: frozenset = frozenset(),
    **tables: object,
) -> tuple[list, list]:
    """The plans and findings where these lines are posted."""
    settings = settings_with(**tables)
    plans, findings = build_confirmation_plans(
        lines,
        worlds.shipments(shipment or {}) if shipments is None else shipments,
        worlds.receipts().iloc[:0] if receipts is None else receipts,
        worlds.effects(RAISED),
        worlds.ledger_lines(*posted),
        set(decided),
        settings.shops[0],
        settings,
    )
    json.dumps([plan.payload for plan in plans], allow_nan=False)
    return plans, findings


def test_a_parcel_is_confirmed_when_every_unit_in_it_is_posted() -> None:
    """One call for the parcel, with what the carrier's fields were."""
    ((plan,), findings) = confirmed(TWO_LINES, {}, {"order_row_id": 2}, shipment={"tracking_number": "T1"})
    assert findings == []
    assert (plan.kind, plan.business_key) == ("returngo.receive", f"confirm:{PARCEL}")
    assert plan.payload["request"]["body"] == {"status": "Validated", "trackingNumber": "T1"}


def test_a_parcel_of_which_a_part_is_open_is_told_and_not_confirmed() -> None:
    """Confirming it would refund a unit that nobody has settled."""
    plans, (finding,) = confirmed(TWO_LINES, {})
    assert plans == []
    assert (finding.code, finding.subject_id, finding.rma_id) == ("refund_waits_for_parcel", str(PARCEL), RMA)
    assert finding.found == "1 units still open"


def test_what_a_person_decided_or_what_is_void_does_not_hold_a_parcel() -> None:
    """Else a waived unit would keep the customer waiting for ever."""
    plans, _ = confirmed(TWO_LINES, {}, decided=frozenset({RMA}))
    assert len(plans) == 1
    void = worlds.return_lines({}, {"return_line_id": "70-2-900", "order_row_id": 2, "verdict": "void"})
    assert len(confirmed(void, {})[0]) == 1


def test_a_held_unit_holds_its_parcel() -> None:
    """A unit whose row is unknown is in the parcel all the same."""
    held = {"return_line_id": "70-x2-900", "order_row_id": None, "verdict": "held", "hold_code": "sku_unknown"}
    plans, findings = confirmed(worlds.return_lines({}, held), {})
    assert (plans, len(findings)) == ([], 1)


@pytest.mark.parametrize("posted", [(), ({"state": "planned"},), ({"state": "unknown"},), ({"kind": "credit.raise"},)])
def test_nothing_is_confirmed_before_a_posting_is(posted: tuple) -> None:
    """A posting that is only planned, or whose outcome is not known, is no posting."""
    assert confirmed(worlds.return_lines(), *posted) == ([], [])


def test_units_of_another_parcel_do_not_count() -> None:
    """Two parcels of one row are settled apart."""
    lines = worlds.return_lines({}, {"return_line_id": "70-1-901", "shipment_id": 901})
    plans, _ = confirmed(lines, {}, shipments=worlds.shipments({}, {"shipment_id": 901}))
    assert [plan.business_key for plan in plans] == [f"confirm:{PARCEL}"]


@pytest.mark.parametrize("shipment", [{"status": "Validated"}, {"is_outbound": True}])
def test_what_is_told_already_or_is_no_return_parcel_is_left_alone(shipment: dict) -> None:
    """Every call counts against the day's quota, and an outbound parcel is the replacement."""
    assert confirmed(worlds.return_lines(), {}, shipment=shipment) == ([], [])


def test_the_setting_says_which_status_confirms() -> None:
    """Some shops' refunds wait for another one."""
    status = {"returngo": {"confirm_status": "Received"}}
    ((plan,), _) = confirmed(worlds.return_lines(), {}, **status)
    assert plan.payload["request"]["body"]["status"] == "Received"
    assert confirmed(worlds.return_lines(), {}, shipment={"status": "Received"}, **status) == ([], [])


def test_a_unit_whose_parcel_was_named_after_its_credit_still_counts() -> None:
    """The credit was raised before ReturnGO named the parcel: without it the customer would wait for ever."""
    later = worlds.return_lines({"return_line_id": "70-1-901", "shipment_id": 901})
    plans, _ = confirmed(later, {}, shipments=worlds.shipments({"shipment_id": 901}))
    assert [plan.business_key for plan in plans] == ["confirm:901"]


def test_where_the_policy_writes_no_credit_note_a_unit_is_settled_when_it_came() -> None:
    """store_credit = stock_only: stock is back, no credit is posted, and the customer is owed the store credit all the same."""
    lines = worlds.return_lines({"life": "store_credit"})
    stock_only = {"policy": {"store_credit": "stock_only"}}
    assert confirmed(lines, **stock_only) == ([], [])
    assert len(confirmed(lines, receipts=worlds.receipts(), **stock_only)[0]) == 1
    assert confirmed(lines, receipts=worlds.receipts(), policy={"store_credit": "credit_and_liability"}) == ([], [])
