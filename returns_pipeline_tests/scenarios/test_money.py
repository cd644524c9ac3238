"""Tax and money: every part is an exact share of the invoice, and the parts together are the invoice."""

from decimal import Decimal

from returns_pipeline_tests.scenarios.lockstep import Steps, in_lockstep
from returns_pipeline_tests.scenarios.retailer import Retailer

NO_SHIPMENT = "No shipment required"
VARIANT_EXCHANGE = "InstantVariantExchange"


@in_lockstep
def test_27_28_three_thirds_of_ten_pounds_are_ten_pounds(retailer: Retailer) -> Steps:
    """10.00 for three units, 8.33 and 1.67 tax: the penny that thirds leave over goes with the last unit."""
    order = retailer.order("thirds")
    parts = [retailer.approved(order, [{"line": 0, "quantity": 1}]) for _ in range(3)]
    yield
    for part in parts:
        retailer.ship(part)
        retailer.receive(part)
    yield
    credits = retailer.credits(order)
    assert [credit.is_posted for credit in credits] == [True, True, True]
    assert sorted(credit.gross for credit in credits) == [Decimal("3.33"), Decimal("3.33"), Decimal("3.34")]
    assert sum(Decimal(credit.net) for credit in credits) == Decimal("8.33")
    assert sum(Decimal(credit.tax) for credit in credits) == Decimal("1.67")


@in_lockstep
def test_28_four_lines_returned_one_by_one_add_up_to_the_invoice(retailer: Retailer) -> Steps:
    """68.33, 68.33, 57.50 and 85.00: rounded each for itself, the parts come to a penny more than the whole."""
    order = retailer.order("golden")
    parts = [retailer.approved(order, [{"line": line}]) for line in range(4)]
    yield
    for part in parts:
        retailer.ship(part)
        retailer.receive(part)
    yield
    credits = retailer.credits(order)
    assert all(credit.is_posted for credit in credits)
    assert sorted((credit.net, credit.tax) for credit in credits) == [
        ("47.92", "9.58"),
        ("56.94", "11.39"),
        ("56.94", "11.39"),
        ("70.83", "14.17"),
    ]
    assert sum(credit.gross for credit in credits) == Decimal("279.16")


@in_lockstep
def test_29_lines_of_mixed_rates_keep_their_own_codes(retailer: Retailer) -> Steps:
    """One rate for a whole credit gives tax back that was never charged."""
    order = retailer.order("mixed_rates")
    asked = retailer.approved(order, [{"line": 1}, {"line": 2, "quantity": 1}])
    yield
    retailer.ship(asked)
    retailer.receive(asked)
    yield
    (credit,) = retailer.credits(order)
    rows = {row["tax_code"]: (Decimal(row["net"]), Decimal(row["tax"])) for row in credit.rows}
    assert set(rows) == {"T5", "T0"}
    net, tax = rows["T5"]
    assert tax == ((net + tax) * 5 / 105).quantize(Decimal("0.01"))
    assert rows["T0"][1] == 0
    assert (credit.is_posted, credit.gross) == (True, retailer.paid(asked))


@in_lockstep
def test_40_an_even_exchange_gives_no_money_back(retailer: Retailer) -> Steps:
    """Credit and replacement sale come to nothing together; credited before the replacement is known, a refund would hide in it."""
    order = retailer.order()
    asked = retailer.approved(order, resolution=VARIANT_EXCHANGE, exchange_for=order.sku)
    yield
    retailer.ship(asked)
    retailer.receive(asked)
    yield
    (credit,) = retailer.credits(order)
    assert credit.is_posted is False
    assert "exchange_not_released" in retailer.exceptions(asked)
    retailer.act("cx", "release_exchange", rma_id=asked.rma_id)
    yield
    (credit,) = retailer.credits(order)
    assert (credit.is_posted, credit.gross) == (True, retailer.paid(asked))
    assert retailer.refunds(asked) == []
    assert retailer.exceptions(asked) == set()


@in_lockstep
def test_46_a_customer_who_keeps_the_item_is_credited_without_any_stock(retailer: Retailer) -> Steps:
    """Damaged in transit and not worth sending back: money moves, goods do not."""
    order = retailer.order()
    asked = retailer.approved(order, method=NO_SHIPMENT, reason="Damaged in transit")
    yield
    retailer.refund(asked)
    yield
    (credit,) = retailer.credits(order)
    assert (credit.is_posted, credit.gross, retailer.goods_in(credit)) == (True, retailer.paid(asked), 0)
    assert retailer.payments(credit) == [retailer.paid(asked)]
    assert retailer.exceptions(asked) == set()


@in_lockstep
def test_50_two_returns_of_the_same_amount_are_both_credited(retailer: Retailer) -> Steps:
    """A write that is recognised by its amount would swallow the second one as a repeat of the first."""
    order = retailer.order("pair")
    first = retailer.approved(order, [{"line": 0, "quantity": 1}])
    second = retailer.approved(order, [{"line": 0, "quantity": 1}])
    yield
    for asked in (first, second):
        retailer.ship(asked)
        retailer.receive(asked)
    yield
    credits = retailer.credits(order)
    assert [credit.is_posted for credit in credits] == [True, True]
    assert sum(credit.gross for credit in credits) == retailer.paid(first) + retailer.paid(second)
    assert sorted(payment for credit in credits for payment in retailer.payments(credit)) == sorted(
        [retailer.paid(first), retailer.paid(second)]
    )
