"""What happens to a raised credit, over the real ledger: posted, lowered, cancelled, or held for a person."""

import dataclasses
import datetime as dt

import pandas as pd
import psycopg
import pytest

from returns_pipeline.domain.credits import propose_credits
from returns_pipeline_tests.domain.frames import settings_with
from returns_pipeline_tests.domain.retail import Retail
from returns_pipeline_tests.storage.ledger import books

CREDIT = 8001


def raised(connection: psycopg.Connection, units: int = 2, **more: object) -> Retail:
    """Three shirts were sold for 10.00 + 2.00 together; some are announced, and their credit is raised. Keywords: `settings`, else columns of the units."""
    settings = more.pop("settings", None)
    retail = Retail(connection, settings)
    retail.sale(5001, [(9001, "SHIRT", 3, 1000, 200)])
    retail.rma(77, 5001)
    retail.units(77, "SHIRT", 400, 67, count=units, **{"shipment_id": 1, **more})
    assert retail.step() == ["raise:77:5001:1"]
    return retail


def row_of(retail: Retail) -> dict:
    """The goods row of our credit as it stands in Brightpearl."""
    return retail.row("brightpearl_sales_credit_rows", credit_id=CREDIT)


def held(retail: Retail) -> list[tuple[str, str]]:
    """Verdict and code of what is not ok."""
    proposals = retail.decide()
    troubled = proposals[proposals["verdict"] != "ok"]
    return list(zip(troubled["verdict"], troubled["hold_code"], strict=True))


def test_when_all_came_the_credit_is_posted_with_each_units_receipt(connection):
    """Two goods-in notes brought it; each posted unit must name the note that backs it."""
    retail = raised(connection)
    first, second = retail.receive(CREDIT, "SHIRT", 1), retail.receive(CREDIT, "SHIRT", 1)
    (plan,) = retail.plans()
    assert plan.kind == "credit.post"
    assert [(line.receipt_line_id, line.quantity) for line in plan.lines] == [(first, 1), (second, 1)]
    assert sum(line.net_minor for line in plan.lines) == row_of(retail)["net_minor"] == 667
    assert sum(line.tax_minor for line in plan.lines) == row_of(retail)["tax_minor"] == 133
    assert not plan.needs_approval


def test_when_a_part_came_the_credit_is_lowered_posted_and_the_rest_raised_anew(connection):
    """Else a customer waits for a refund of what was received because of what was not."""
    retail = raised(connection)
    retail.receive(CREDIT, "SHIRT", 1)
    assert [key.split(":")[0] for key in retail.step()] == ["amend"]
    assert (row_of(retail)["quantity"], row_of(retail)["net_minor"], row_of(retail)["tax_minor"]) == (1, 333, 67)
    assert sorted(retail.step()) == [f"post:{CREDIT}", "raise:77:5001:2"]
    retail.receive(8002, "SHIRT", 1)
    assert "post:8002" in retail.step()
    assert books.figures(connection) == (0, 0, 0, 2, 667, 133)


def test_the_policy_may_wait_for_the_rest_of_a_parcel(connection):
    """Some shops credit a parcel whole; but not for ever."""
    retail = raised(
        connection,
        settings=settings_with(
            policy={"partial_receipt": "wait", "partial_wait_days": 14}, brightpearl={"part_receipt": "allowed"}
        ),
    )
    retail.receive(CREDIT, "SHIRT", 1)
    assert held(retail) == [("waiting", "awaiting_rest_of_parcel")]
    retail.later(days=15)
    assert retail.step()[0].startswith("amend:")


def test_what_the_customer_keeps_is_credited_without_goods(connection):
    """Nothing will ever come in, and the posting says why no receipt backs it."""
    retail = raised(connection, shipment_id=None, return_method_type="No shipment required")
    (plan,) = retail.plans()
    assert plan.kind == "credit.post"
    assert [(line.receipt_line_id, line.without_receipt_reason) for line in plan.lines] == [(None, "keep_item")]
    retail.step()
    assert books.figures(connection)[3:] == (2, 667, 133)


def test_a_withdrawn_return_is_cancelled_and_its_units_are_free_again(connection):
    """Else the next return of the same shirt finds nothing left to credit."""
    retail = raised(connection)
    retail.row("returngo_rmas", rma_id=77)["status"] = "Canceled"
    assert retail.step() == [f"cancel:{CREDIT}"]
    assert books.figures(connection) == (0, 0, 0, 0, 0, 0)
    assert retail.step() == []


def test_a_withdrawn_return_whose_goods_came_is_a_persons_to_decide(connection):
    """Cancelling would lose the goods' owner, posting would refund what was withdrawn."""
    retail = raised(connection)
    retail.receive(CREDIT, "SHIRT", 2)
    retail.row("returngo_rmas", rma_id=77)["status"] = "Rejected"
    assert held(retail) == [("held", "cancelled_but_received")]


def test_a_withdrawn_return_with_a_payment_on_its_credit_is_held(connection):
    """A cancelled credit with money on it is a hole in the customer's account."""
    retail = raised(connection)
    retail.row("returngo_rmas", rma_id=77)["status"] = "Canceled"
    retail.row("brightpearl_sales_credits", credit_id=CREDIT)["payment_status"] = "PAID"
    assert held(retail) == [("held", "cancelled_but_paid")]


def test_what_nobody_sent_is_cancelled_after_the_policys_days_and_comes_back_when_it_moves(connection):
    """Old expected returns would fill the bench's list for ever."""
    retail = raised(connection)
    retail.later(days=44)
    assert retail.step() == []
    retail.later(days=2)
    assert retail.step() == [f"cancel:{CREDIT}"]
    assert retail.step() == []
    retail.row("returngo_shipments", shipment_id=1)["status"] = "Shipped"
    assert retail.step() == ["raise:77:5001:2"]


def test_nothing_is_given_up_while_the_shop_itself_stands_still(connection):
    """After a season's pause, or on a store of old test data, every announced return would be cancelled at once."""
    retail = raised(connection)
    retail.newest_return = retail.now
    retail.later(days=200)
    assert retail.step() == []
    retail.newest_return = retail.now
    assert retail.step() == [f"cancel:{CREDIT}"]


def test_what_staff_lower_is_adopted_with_the_money_that_belongs_to_it(connection):
    """The bench saw one shirt instead of two: that is knowledge, not a fault."""
    retail = raised(connection)
    row_of(retail).update(quantity=1, net_minor=333, tax_minor=66)
    (key, *_) = retail.step()
    assert key.startswith(f"amend:{CREDIT}:")
    assert (row_of(retail)["quantity"], row_of(retail)["net_minor"], row_of(retail)["tax_minor"]) == (1, 333, 67)


@pytest.mark.parametrize(
    "change",
    [
        {"quantity": 3, "net_minor": 1000, "tax_minor": 200},
        {"net_minor": 500},
        {"tax_minor": 0},
        {"quantity": 1, "net_minor": 600, "tax_minor": 120},
    ],
)
def test_any_other_change_by_hand_is_held(connection, change):
    """More units, another price: writing over it would undo what a person meant, taking it over would break the proof."""
    retail = raised(connection)
    row_of(retail).update(change)
    assert held(retail)[-1] == ("held", "credit_changed_by_staff")


def test_a_row_that_somebody_added_is_held(connection):
    """Goodwill that was put on our credit is not ours to post."""
    retail = raised(connection)
    extra = row_of(retail) | {"credit_row_id": 99, "product_id": None, "name": "Goodwill", "net_minor": 100}
    retail.tables["brightpearl_sales_credit_rows"].append(extra)
    assert held(retail) == [("held", "credit_changed_by_staff")]


def test_a_credit_that_is_gone_is_told_and_not_written_again(connection):
    """Somebody deleted it for a reason."""
    retail = raised(connection)
    retail.row("brightpearl_sales_credits", credit_id=CREDIT)["is_gone"] = True
    assert held(retail) == [("held", "credit_gone")]
    assert not [plan for plan in retail.plans() if plan.kind in ("credit.raise", "credit.post")]


def test_a_sale_without_an_invoice_is_waited_for(connection):
    """A credit against a sale that is not in the books has nothing to mirror."""
    retail = raised(connection)
    retail.receive(CREDIT, "SHIRT", 2)
    retail.row("brightpearl_sales_orders", order_id=5001)["invoice_reference"] = ""
    assert held(retail) == [("waiting", "sale_not_invoiced")]


def test_prices_that_disagree_are_held_until_a_person_accepts_them(connection):
    """The refund follows ReturnGo's price and the books the invoice's: somebody must know which is right."""
    retail = Retail(connection)
    retail.sale(5001, [(9001, "SHIRT", 3, 1000, 200)])
    retail.rma(77, 5001)
    retail.units(77, "SHIRT", 500, 67, shipment_id=1)
    retail.step()
    retail.receive(CREDIT, "SHIRT", 1)
    assert held(retail) == [("held", "amount_mismatch")]
    retail.decide_as_person("accept_variance", 77)
    assert f"post:{CREDIT}" in retail.step()


@pytest.mark.parametrize(
    "settings", [settings_with(policy={"posting": "review"}), settings_with(limits={"auto_post_max_minor": 799})]
)
def test_a_review_or_a_large_amount_asks_for_a_person(connection, settings):
    """Automatic posting has an upper bound, and review has none."""
    retail = raised(connection, settings=settings)
    retail.receive(CREDIT, "SHIRT", 2)
    assert [plan.needs_approval for plan in retail.plans()] == [True]


@pytest.mark.parametrize(
    ("tax_date", "expected"),
    [("posting", "2026-04-01T12:00:00.000+01:00"), ("receipt", "2026-03-28T12:00:00.000+00:00")],
)
def test_the_tax_date_is_noon_of_the_shops_day(connection, tax_date, expected):
    """Midnight in another zone would put a credit into another month; the clocks changed in between."""
    retail = raised(connection, settings=settings_with(policy={"tax_date": tax_date}))
    retail.receive(CREDIT, "SHIRT", 2, received_on=dt.datetime(2026, 3, 28, 23, 30, tzinfo=dt.UTC))
    retail.now = dt.datetime(2026, 3, 31, 23, 30, tzinfo=dt.UTC)
    (plan,) = retail.plans()
    assert plan.payload["request"]["body"] == {"taxDate": expected}


def test_a_credit_posted_by_hand_after_receipt_is_taken_over(connection):
    """Somebody was quicker than we: the ledger must know, and nothing is posted twice."""
    retail = raised(connection)
    retail.receive(CREDIT, "SHIRT", 2)
    retail.row("brightpearl_sales_credits", credit_id=CREDIT)["invoice_reference"] = "SC-1"
    (plan,) = retail.plans()
    assert (plan.kind, plan.payload["adopt_remote_id"]) == ("credit.post", str(CREDIT))


def test_a_credit_posted_by_hand_before_receipt_is_told_to_finance(connection):
    """Money given back for goods that nobody has seen."""
    retail = raised(connection)
    retail.row("brightpearl_sales_credits", credit_id=CREDIT)["invoice_reference"] = "SC-1"
    assert held(retail) == [("held", "credit_without_receipt")]


def test_inspection_may_be_what_releases_a_credit(connection):
    """Where the policy says so, receipt alone pays nothing; a failed unit is a person's to decide."""
    retail = raised(connection, settings=settings_with(policy={"credit_on": "inspection"}))
    retail.receive(CREDIT, "SHIRT", 2)
    assert held(retail) == [("waiting", "awaiting_inspection")]
    items = retail.tables["returngo_return_items"]
    for item in items:
        item.update(validated_at=retail.now, is_returned=True, is_restockable=item is items[0])
    assert held(retail) == [("held", "failed_inspection")]
    items[1]["is_restockable"] = True
    assert retail.step() == [f"post:{CREDIT}"]


def test_an_exchange_waits_for_its_replacement_and_holds_where_it_is_worth_less(connection):
    """A replacement order at zero would take the revenue back a second time."""
    retail = raised(connection, resolution_type="InstantVariantExchange")
    retail.receive(CREDIT, "SHIRT", 2)
    assert held(retail) == [("waiting", "exchange_not_released")]
    retail.row("returngo_rmas", rma_id=77)["exchange_orders"] = [
        {"order_id": "S5002", "order_name": "#5002", "type": "Exchange"}
    ]
    assert held(retail) == [("waiting", "exchange_not_released")]
    retail.sale(5002, [(9002, "SHIRT", 1, 0, 0)])
    assert held(retail) == [("held", "exchange_undervalued")]
    retail.row("brightpearl_sales_orders", order_id=5002)["total_minor"] = 400
    assert retail.step() == [f"post:{CREDIT}"]


def test_goods_lost_on_their_way_need_a_claim(connection):
    """The carrier pays for what it lost only against a reference."""
    retail = Retail(connection)
    retail.sale(5001, [(9001, "SHIRT", 3, 1000, 200)])
    retail.rma(77, 5001)
    retail.units(77, "SHIRT", 400, 67, shipment_id=1)
    retail.decide_as_person("lost_in_transit", 77)
    assert held(retail) == [("held", "claim_reference_missing")]
    retail.decide_as_person("lost_in_transit", 77, claim_reference="DPD-1")
    assert retail.step() == ["raise:77:5001:1"]
    (plan,) = retail.plans()
    assert [line.without_receipt_reason for line in plan.lines] == ["lost_in_transit: claim DPD-1"]


def test_a_bundle_is_posted_when_each_of_its_components_came(connection):
    """Half of a gift set has been received, none of it is credited."""
    retail = Retail(connection)
    retail.sale(5001, [(9001, "SET", 1, 3000, 600), (9002, "MUG", 2, 0, 0), (9003, "TIN", 1, 0, 0)])
    for row_id in (9002, 9003):
        retail.row("brightpearl_sales_order_rows", order_row_id=row_id).update(is_bundle_child=True, parent_row_id=9001)
    retail.rma(77, 5001)
    retail.units(77, "SET", 3600, 600, shipment_id=1)
    assert retail.step() == ["raise:77:5001:1"]
    parent = row_of(retail)
    parent["is_bundle_parent"] = True
    mug, tin = (retail.row("brightpearl_sales_order_rows", order_row_id=row_id) for row_id in (9002, 9003))
    for number, sold in enumerate((mug, tin), start=1):
        child = {
            "credit_row_id": 70 + number,
            "quantity": sold["quantity"],
            "product_id": sold["product_id"],
            "net_minor": 0,
            "tax_minor": 0,
        }
        retail.tables["brightpearl_sales_credit_rows"].append(
            parent
            | child
            | {"is_bundle_parent": False, "is_bundle_child": True, "parent_row_id": parent["credit_row_id"]}
        )
    retail.receive(CREDIT, "MUG", 2)
    assert retail.step() == []
    retail.receive(CREDIT, "TIN", 1)
    assert retail.plans()[0].kind == "credit.post"
    assert pd.isna(retail.decide()["hold_code"]).all()


@pytest.mark.parametrize(("days", "expected"), [(-1, []), (0, [("held", "period_locked")])])
def test_57_a_credit_waits_for_finance_while_today_lies_in_the_locked_period(connection, days, expected):
    """Nothing is dated into a locked period, and nothing into the future."""
    retail = raised(connection, units=1)
    retail.receive(CREDIT, "SHIRT", 1)
    locked = retail.now.date() + dt.timedelta(days=days)
    facts = dataclasses.replace(retail.facts(), locked_until=locked)
    shop = retail.settings.shops[0]
    decided = propose_credits(facts, shop, retail.settings, retail.now).proposals
    troubled = decided[decided["verdict"] != "ok"]
    assert list(zip(troubled["verdict"], troubled["hold_code"], strict=True)) == expected
