"""Notes and customer payments after a posting. Recording a refund that was not paid, or twice, breaks the customer's account."""

import psycopg
import pytest

from returns_pipeline_tests.domain.frames import settings_with
from returns_pipeline_tests.domain.retail import Retail


def posted(connection: psycopg.Connection, **tables: object) -> tuple[Retail, list[int]]:
    """Two shirts of 12.00 each are credited in two parcels' parts, 8001 and 8002, and noted."""
    retail = Retail(connection, settings_with(**tables))
    retail.sale(5001, [(9001, "SHIRT", 3, 3000, 600)])
    retail.rma(77, 5001)
    items = retail.units(77, "SHIRT", 1200, 200, shipment_id=11) + retail.units(77, "SHIRT", 1200, 200, shipment_id=12)
    retail.step()
    for credit_id in (8001, 8002):
        retail.receive(credit_id, "SHIRT", 1)
    assert sorted(retail.step()) == ["post:8001", "post:8002"]
    assert sorted(retail.step()) == ["annotate:8001", "annotate:8002"]
    return retail, items


def recorded(retail: Retail) -> list[tuple[str, int, str]]:
    """Key, amount and code of what is proposed about refunds."""
    proposals = retail.decide()
    rows = proposals[proposals["action"] == "record_refund"]
    return list(zip(rows["business_key"], rows["net_minor"], rows["hold_code"].fillna(""), strict=True))


def test_a_refund_of_both_parts_is_split_and_recorded_once(connection):
    """One transaction, two credits: the parts add up to what left the bank."""
    retail, items = posted(connection)
    retail.refund(42, 77, 2401, items)
    assert recorded(retail) == [("refund:42:8001", 1200, ""), ("refund:42:8002", 1200, "")]
    retail.row("returngo_transactions", transaction_id=42)["amount_minor"] = 2399
    assert [amount for _, amount, _ in recorded(retail)] == [1200, 1199]
    assert sorted(retail.step()) == ["refund:42:8001", "refund:42:8002"]
    assert retail.step() == []


@pytest.mark.parametrize("change", [{"status": "Pending"}, {"status": "Failed"}, {"type": "ChargeForExchange"}])
def test_only_money_that_was_given_back_is_recorded(connection, change):
    """A request is no payment, and a charge is none to the customer."""
    retail, items = posted(connection)
    retail.refund(42, 77, 2400, items, **change)
    assert recorded(retail) == []


@pytest.mark.parametrize("names_units", [True, False])
def test_a_delivery_that_was_credited_beside_the_goods_takes_the_rest_of_their_refund(connection, names_units):
    """Scenario 35: one transaction pays for both; recorded on the goods alone, the delivery's credit stays unpaid for ever."""
    retail = Retail(connection)
    retail.sale(5001, [(9001, "SHIRT", 1, 1000, 200), (9003, None, 1, 400, 80)])
    retail.rma(77, 5001)
    items = retail.units(77, "SHIRT", 1200, 200)
    retail.step()
    retail.receive(8001, "SHIRT", 1)
    retail.refund(42, 77, 1680, items if names_units else [])
    paid: list[tuple[str, int, str]] = []
    for _ in range(5):
        paid += recorded(retail)
        retail.step()
    assert paid == [("refund:42:8001", 1200, ""), ("refund:42:8002", 480, "")]


def test_nothing_is_recorded_where_the_shop_does_not_want_it(connection):
    """Some other integration records payments there."""
    retail, items = posted(connection, policy={"record_refunds": False})
    retail.refund(42, 77, 2400, items)
    assert recorded(retail) == []


def test_a_payment_by_somebody_else_is_not_doubled(connection):
    """Brightpearl shows the credit as paid although we recorded nothing."""
    retail, items = posted(connection)
    retail.row("brightpearl_sales_credits", credit_id=8001)["payment_status"] = "PAID"
    retail.refund(42, 77, 2400, items)
    assert [key for key, *_ in recorded(retail)] == ["refund:42:8002"]


def test_never_more_than_the_credit_is_recorded_on_it(connection):
    """Goodwill beyond it belongs to no credit."""
    retail, items = posted(connection)
    retail.refund(42, 77, 1000, items[:1])
    retail.refund(43, 77, 1000, items[:1])
    assert recorded(retail) == [("refund:42:8001", 1000, ""), ("refund:42:8001", 200, "")]


@pytest.mark.parametrize(
    ("methods", "code"), [(None, "payment_method_unread"), ([], "payment_method_unclear"), (["CARD", "GIFT"], "payment_method_unclear")]
)  # fmt: skip
def test_a_method_that_is_not_clear_is_held(connection, methods, code):
    """The bank reconciliation finds a payment by its method."""
    retail, items = posted(connection)
    retail.row("brightpearl_sales_orders", order_id=5001)["payment_method_codes"] = methods
    retail.refund(42, 77, 1200, items[:1])
    assert recorded(retail) == [("refund:42:8001", 1200, code)]


def test_a_kind_of_refund_without_a_method_in_the_settings_is_held(connection):
    """ReturnGo may add a kind any day."""
    retail, items = posted(connection)
    retail.refund(42, 77, 1200, items[:1], type="RefundToCrypto")
    assert recorded(retail) == [("refund:42:8001", 1200, "payment_method_unclear")]


def test_a_refund_in_the_shops_currency_is_taken_where_the_customer_saw_another(connection):
    """Amounts are read, never converted."""
    retail, items = posted(connection)
    retail.refund(42, 77, 1200, items[:1], currency="EUR", amount_minor=1390, shop_amount_minor=1200)
    assert recorded(retail) == [("refund:42:8001", 1200, "")]
    retail.refund(43, 77, 1200, items[1:], currency="EUR", shop_currency="USD")
    assert recorded(retail) == [("refund:42:8001", 1200, "")]


def test_a_note_is_ascii_and_names_no_person(connection):
    """Brightpearl garbles anything else, and a note is read by many."""
    retail = Retail(connection)
    retail.sale(5001, [(9001, "SHIRT", 1, 1000, 200)])
    retail.rma(77, 5001)
    retail.units(77, "SHIRT", 1200, 200, shipment_id=11, return_reason="Zu groß")
    retail.step()
    retail.receive(8001, "SHIRT", 1)
    retail.step()
    (plan,) = retail.plans()
    assert plan.payload["request"]["body"]["orderNote"]["text"] == "Return RMA77 credited. Reasons: Zu gro?"
