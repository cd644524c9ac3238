"""Tax and money: every part is an exact share of the invoice, and the parts together are the invoice."""

from decimal import ROUND_HALF_UP, Decimal

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
    retailer.send_back(asked)
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
    retailer.send_back(asked)
    yield
    (credit,) = retailer.credits(order)
    assert credit.is_posted is False
    assert "exchange_not_released" in retailer.exceptions(asked)
    retailer.act("cx", "release_exchange", rma_id=asked.rma_id)
    yield
    retailer.credited(order, asked)
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


@in_lockstep
def test_refunds_of_single_units_are_one_payment_on_their_credit(retailer: Retailer) -> Steps:
    """ReturnGo refunds unit by unit; a payment for each would be a call for each."""
    order = retailer.order("pair")
    asked = retailer.approved(order)
    yield
    retailer.ship(asked)
    retailer.receive(asked)
    yield
    (credit,) = retailer.credits(order)
    assert len(retailer.transactions(asked)) == 2
    assert retailer.payments(credit) == [retailer.paid(asked)]


@in_lockstep
def test_30_a_return_keeps_the_rate_of_its_sale(retailer: Retailer) -> Steps:
    """The law changed the rate between sale and return; a credit corrects the sale as it was charged."""
    order = retailer.order("reduced_rate")
    retailer.act("finance", "change_tax_rate", code="T5", rate="20")
    asked = retailer.approved(order)
    yield
    retailer.send_back(asked)
    yield
    credit = retailer.credited(order, asked)
    assert Decimal(credit.tax) == (credit.gross * 5 / 105).quantize(Decimal("0.01"))


@in_lockstep
def test_31_a_discount_is_taken_off_on_the_basis_of_the_price(retailer: Retailer) -> Steps:
    """Two units at a tenth less, tax included: taken off the net instead, one unit comes to another price."""
    order = retailer.order("row_discount")
    asked = retailer.approved(order, [{"line": 0, "quantity": 1}])
    yield
    retailer.send_back(asked)
    yield
    credit = retailer.credited(order, asked)
    assert Decimal(credit.tax) == (credit.gross * 20 / 120).quantize(Decimal("0.01"), ROUND_HALF_UP)


@in_lockstep
def test_32_a_returned_line_takes_its_own_share_of_the_orders_discount(retailer: Retailer) -> Steps:
    """The lines that stay keep theirs: spread anew over what is left, the last return is worth too much."""
    order = retailer.order("order_discount")
    first = retailer.approved(order, [{"line": 0, "quantity": 1}])
    yield
    retailer.send_back(first)
    rest = retailer.approved(order, [{"line": 1}, {"line": 2}])
    yield
    retailer.send_back(rest)
    yield
    credits = retailer.credits(order)
    assert [credit.is_posted for credit in credits] == [True, True]
    # ReturnGo rounds each unit's price by itself: a penny a unit is no difference.
    for credit, asked in zip(credits, (first, rest), strict=True):
        assert abs(credit.gross - retailer.paid(asked)) <= Decimal("0.01") * sum(credit.units.values())


@in_lockstep
def test_34_a_return_fee_is_a_row_of_its_own(retailer: Retailer) -> Steps:
    """2.95 is kept back: the goods' row gives its full share, the fee stands beside it, the refund is their difference."""
    order = retailer.order()
    asked = retailer.approved(order, return_fee="2.95")
    yield
    retailer.send_back(asked)
    yield
    (credit,) = retailer.credits(order)
    goods, fee = sorted(credit.rows, key=lambda row: Decimal(row["net"]), reverse=True)
    assert Decimal(goods["net"]) + Decimal(goods["tax"]) == retailer.paid(asked)
    assert Decimal(fee["net"]) + Decimal(fee["tax"]) == Decimal("-2.95")
    assert fee["tax_code"] == goods["tax_code"]
    assert (credit.is_posted, credit.gross) == (True, retailer.paid(asked) - Decimal("2.95"))
    assert retailer.payments(credit) == [credit.gross]
    assert retailer.exceptions(asked) == set()


@in_lockstep
def test_35_delivery_that_was_refunded_is_credited_once_as_its_own_row(retailer: Retailer) -> Steps:
    """Customer service gave 3.95 delivery back: spread over the goods, the tax codes mix; credited per return, it is paid twice."""
    order = retailer.order("with_delivery")
    asked = retailer.approved(order)
    yield
    retailer.send_back(asked)
    retailer.refund(asked, adjustment="3.95")
    yield
    yield
    goods, delivery = retailer.credits(order)
    assert (goods.is_posted, goods.gross) == (True, retailer.paid(asked))
    assert (delivery.is_posted, delivery.gross) == (True, Decimal("3.95"))
    assert retailer.payments(goods) + retailer.payments(delivery) == [retailer.paid(asked), Decimal("3.95")]
    assert retailer.exceptions(asked) == set()


@in_lockstep
def test_36_less_paid_than_credited_is_told_with_both_numbers(retailer: Retailer) -> Steps:
    """Customer service kept 5.00 for damage: the credit is not bent to fit, finance decides about the difference."""
    order = retailer.order()
    asked = retailer.approved(order)
    yield
    retailer.send_back(asked)
    retailer.refund(asked, adjustment="-5.00")
    yield
    credit = retailer.credited(order, asked)
    assert retailer.payments(credit) == [retailer.paid(asked) - 5]
    assert ("refund_mismatch", "finance") in {(code, owner) for code, owner, *_ in retailer.open_exceptions(asked)}


@in_lockstep
def test_38_68_a_store_credit_waits_until_finance_has_chosen_how_to_book_it(retailer: Retailer) -> Steps:
    """Redeeming a discount code lowers VAT a second time: until somebody has decided, nothing is written."""
    order = retailer.order()
    asked = retailer.approved(order, resolution="RefundToStoreCredit")
    yield
    assert retailer.credits(order) == []
    assert ("store_credit_policy", "finance") in {(code, owner) for code, owner, *_ in retailer.open_exceptions(asked)}


@in_lockstep
def test_39_a_sale_in_euros_is_credited_in_euros_at_its_own_rate(retailer: Retailer) -> Steps:
    """Converted at the day's rate, the books show a loss that nobody made."""
    order = retailer.order(shop="eu")
    asked = retailer.approved(order)
    yield
    retailer.send_back(asked)
    yield
    (credit,) = retailer.credits(order)
    assert (credit.currency, credit.is_posted, credit.gross) == ("EUR", True, retailer.paid(asked))
    assert retailer.payments(credit) == [retailer.paid(asked)]
    assert retailer.exceptions(asked) == set()


@in_lockstep
def test_39_a_customer_who_saw_dollars_is_credited_what_the_shop_booked(retailer: Retailer) -> Steps:
    """Shopify shows the customer's money beside the shop's: mixed, the credit is 30% too large."""
    order = retailer.order("presentment")
    asked = retailer.approved(order)
    yield
    retailer.send_back(asked)
    yield
    (credit,) = retailer.credits(order)
    assert (credit.currency, credit.is_posted, credit.gross) == ("GBP", True, retailer.paid(asked))
    assert retailer.exceptions(asked) == set()


@in_lockstep
def test_42_an_exchange_that_becomes_a_refund_is_credited_once(retailer: Retailer) -> Steps:
    """The wanted article is out of stock: what waited for a replacement order now waits for nothing."""
    order = retailer.order()
    asked = retailer.approved(order, resolution=VARIANT_EXCHANGE, exchange_for=order.sku)
    yield
    retailer.send_back(asked)
    yield
    assert "exchange_not_released" in retailer.exceptions(asked)
    retailer.act("cx", "change_resolution", rma_id=asked.rma_id, resolution="RefundToPaymentMethod")
    retailer.refund(asked)
    retailer.inspect(asked, "pass")
    yield
    credit = retailer.credited(order, asked)
    assert retailer.payments(credit) == [retailer.paid(asked)]
    assert retailer.exceptions(asked) == set()


@in_lockstep
def test_69_an_exchange_for_nothing_is_held_until_a_person_accepts_it(retailer: Retailer) -> Steps:
    """An app wrote the replacement order at zero: credited as well, the revenue is taken back twice."""
    order = retailer.order()
    asked = retailer.approved(order, resolution=VARIANT_EXCHANGE, exchange_for=order.sku)
    yield
    retailer.send_back(asked)
    retailer.act("cx", "release_exchange", rma_id=asked.rma_id, is_undervalued=True)
    yield
    assert [credit.is_posted for credit in retailer.credits(order)] == [False]
    assert "exchange_undervalued" in retailer.exceptions(asked)
    retailer.decide(asked, "exchange_undervalued", "accept_variance")
    yield
    retailer.credited(order, asked)
    assert "exchange_undervalued" not in retailer.exceptions(asked)
