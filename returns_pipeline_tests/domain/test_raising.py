"""Which expected returns are raised, over the real ledger. What is raised twice is paid twice."""

import psycopg
import pytest

from returns_pipeline.settings.model import Fee
from returns_pipeline_tests.domain.frames import settings_with
from returns_pipeline_tests.domain.retail import Retail
from returns_pipeline_tests.storage.ledger import books

NAMED = Fee(nominal_code="4905", tax_code="same_as_item")


def world(connection: psycopg.Connection, **tables: object) -> Retail:
    """Three shirts for 10.00 + 2.00 and delivery for 4.13 + 0.82 were sold; nothing is asked back yet."""
    retail = Retail(connection, settings_with(**tables))
    retail.sale(5001, [(9001, "SHIRT", 3, 1000, 200), (9002, None, 1, 413, 82)])
    return retail


def asked(retail: Retail, count: int = 1, rma_id: int = 77, **more: object) -> list[int]:
    """Some shirts are asked back at 4.00 each, tax included."""
    if not any(row["rma_id"] == rma_id for row in retail.tables["returngo_rmas"]):
        retail.rma(rma_id, 5001)
    return retail.units(rma_id, "SHIRT", 400, 67, count=count, **{"shipment_id": rma_id, **more})


def codes(retail: Retail) -> list[tuple[str, str]]:
    """Verdict and code of every proposal that is not ok."""
    proposals = retail.decide()
    troubled = proposals[proposals["verdict"] != "ok"]
    return list(zip(troubled["verdict"], troubled["hold_code"], strict=True))


def test_parcels_of_one_return_are_parts_in_their_order(connection):
    """Each parcel is received and posted by itself; the reference says which is which."""
    retail = world(connection)
    asked(retail, shipment_id=12)
    asked(retail, shipment_id=11)
    first, second = retail.plans()
    assert [(plan.remote_ref, plan.payload["subject"]["shipment_id"]) for plan in (first, second)] == [
        ("rg-77-5001-1", 11),
        ("rg-77-5001-2", 12),
    ]
    money = [(plan.lines[0].net_minor, plan.lines[0].tax_minor) for plan in (first, second)]
    assert money == [(333, 67), (334, 66)]
    assert len(retail.step()) == 2
    assert retail.step() == []


def test_a_unit_whose_parcel_is_named_later_is_not_raised_again(connection):
    """The portal assigns parcels late: the return line changes its name, the credit stays."""
    retail = world(connection)
    asked(retail, shipment_id=None)
    retail.step()
    for item in retail.tables["returngo_return_items"]:
        item["shipment_id"] = 12
    assert retail.step() == []


def test_several_returns_of_one_row_share_its_money(connection):
    """Three customers' thirds of 10.00 must be 10.00."""
    retail = world(connection)
    for rma_id in (77, 78, 79):
        asked(retail, rma_id=rma_id)
    assert len(retail.step()) == 3
    assert books.figures(connection)[:3] == (3, 1000, 200)


@pytest.mark.parametrize(("announce", "raised"), [("approval", True), ("in_transit", False)])
def test_the_policy_says_when_a_return_is_announced(connection, announce, raised):
    """Some shops tell the bench at once, some when the parcel moves."""
    retail = world(connection, policy={"announce": announce})
    asked(retail)
    assert bool(retail.step()) is raised
    retail.row("returngo_shipments", shipment_id=77)["status"] = "Shipped"
    assert bool(retail.step()) is not raised


def test_a_credit_by_others_for_the_same_units_is_held(connection):
    """The shop's own app was quicker and has posted: ours beside it would pay twice."""
    retail = world(connection)
    asked(retail, count=3)
    row = {
        "productId": retail.tables["brightpearl_sales_order_rows"][0]["product_id"],
        "quantity": "3",
        "net": "10.00",
        "tax": "2.00",
        "taxCode": "T20",
    }
    credit_id = retail.make_credit(5001, [row], invoice_reference="SC-9")
    assert codes(retail) == [("held", "foreign_credit")]
    assert str(credit_id) in retail.decide()["found"].iloc[0]


def test_an_unposted_credit_by_others_that_is_just_ours_is_adopted(connection):
    """ReturnGo's own link raised it: it becomes ours and is not written again."""
    retail = world(connection, brightpearl={"credits_raised_by": "returngo"})
    asked(retail, count=3)
    assert codes(retail) == [("waiting", "awaiting_foreign_credit")]
    row = {
        "productId": retail.tables["brightpearl_sales_order_rows"][0]["product_id"],
        "quantity": "3",
        "net": "10.00",
        "tax": "2.00",
        "taxCode": "T20",
    }
    credit_id = retail.make_credit(5001, [row])
    (plan,) = retail.plans()
    assert plan.payload["adopt_remote_id"] == str(credit_id)
    assert not codes(retail)


@pytest.mark.parametrize(
    ("units", "policy", "code"),
    [
        ({"resolution_type": "RefundToStoreCredit"}, {}, "store_credit_policy"),
        ({"return_method_type": "No shipment required", "shipment_id": None}, {"credit_without_receipt": ()}, "not_credited_without_receipt"),
    ],
)  # fmt: skip
def test_a_life_that_the_policy_does_not_credit_is_held(connection, units, policy, code):
    """What it means for tax is the retailer's choice, not a default."""
    retail = world(connection, policy=policy)
    asked(retail, **units)
    assert codes(retail) == [("held", code)]


def test_a_fee_without_a_nominal_code_holds_and_with_one_is_a_row_of_its_own(connection):
    """Scenario 34: the order row still gives its full share; the fee stands beside it, taxed like the goods."""
    retail = world(connection)
    asked(retail, return_fee_minor=60)
    assert codes(retail) == [("held", "fee_nominal_missing")]
    retail.settings = settings_with(fees={"return_": NAMED})
    (plan,) = retail.plans()
    assert [(row["net"], row["tax"]) for row in plan.payload["request"]["body"]["rows"]] == [
        ("3.33", "0.67"),
        ("-0.50", "-0.10"),
    ]
    assert [(line.net_minor, line.tax_minor) for line in plan.lines] == [(333, 67)]


def test_a_fee_of_the_whole_return_is_kept_once_over_its_parcels(connection):
    """The portal repeats it on every unit; the customer pays it once."""
    retail = world(connection, fees={"return_": NAMED}, returngo={"fee_scope": "rma"})
    asked(retail, shipment_id=11, return_fee_minor=60)
    asked(retail, shipment_id=12, return_fee_minor=60)
    rows = [row for plan in retail.plans() for row in plan.payload["request"]["body"]["rows"]]
    assert [row["net"] for row in rows if row["net"].startswith("-")] == ["-0.50"]


def test_delivery_goes_back_once_when_the_refund_holds_it(connection):
    """Scenario 35: it is a row of its own on the sale, and it is credited once per sale."""
    retail = world(connection)
    items = asked(retail, count=3)
    retail.step()
    retail.refund(42, 77, 1200 + 495, items)
    (plan,) = [plan for plan in retail.plans() if plan.kind == "credit.raise"]
    assert [(row["name"], row["net"], row["tax"]) for row in plan.payload["request"]["body"]["rows"]] == [
        ("Delivery", "4.13", "0.82")
    ]
    assert retail.step() == ["raise:77:5001:2"]
    assert not [plan for plan in retail.plans() if plan.kind == "credit.raise"]


def test_delivery_stays_where_the_refund_does_not_hold_it(connection):
    """A supply that was made stays taxed."""
    retail = world(connection)
    retail.refund(42, 77, 1200, asked(retail, count=3))
    assert [plan.business_key for plan in retail.plans()] == ["raise:77:5001:1"]


def test_one_held_row_holds_its_whole_credit_and_no_other(connection):
    """A credit is raised whole or not at all; the next return goes on."""
    retail = world(connection)
    asked(retail, resolution_type="RefundToStoreCredit")
    asked(retail, rma_id=78)
    assert [plan.business_key for plan in retail.plans()] == ["raise:78:5001:1"]
