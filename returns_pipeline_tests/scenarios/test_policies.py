"""The same return under other policies: what a setting chooses, the whole graph does."""

from returns_pipeline.sandbox.retailer_account import COST_PRICE_LIST
from returns_pipeline_tests.scenarios.lockstep import Arrangement, Steps, under
from returns_pipeline_tests.scenarios.retailer import MAIN, RETURNS, Retailer

STORE_CREDIT = "RefundToStoreCredit"
POSTING = 'posting = "automatic"'
AFTER_INSPECTION = Arrangement(
    "credit after inspection",
    {
        POSTING: f'{POSTING}\ncredit_on = "inspection"\nstore_credit = "credit_and_liability"\ncredit_ahead_of_receipt = true'
    },
)
INTO_QUARANTINE = Arrangement(
    "received into quarantine",
    {
        POSTING: f'{POSTING}\ncredit_on = "inspection"\nfailed_inspection = "credit_full"\nstore_credit = "stock_only"',
        'receive_into = "location"': f'receive_into = "quarantine"\ncost_price_list_id = {COST_PRICE_LIST}',
    },
)


@under(AFTER_INSPECTION)
def test_72_a_unit_that_failed_holds_the_credit_until_a_person_accepts_it(retailer: Retailer) -> Steps:
    """Paid at the door, the worn dress is the retailer's."""
    order = retailer.order()
    asked = retailer.approved(order)
    yield
    retailer.send_back(asked)
    yield
    assert [credit.is_posted for credit in retailer.credits(order)] == [False]
    assert "awaiting_inspection" in retailer.exceptions(asked)
    retailer.inspect(asked, "fail")
    yield
    assert [credit.is_posted for credit in retailer.credits(order)] == [False]
    assert "failed_inspection" in retailer.exceptions(asked)
    retailer.decide(asked, "failed_inspection", "accept_variance")
    yield
    retailer.credited(order, asked)
    assert retailer.stock(order.sku, MAIN) == retailer.on_sale(order.sku)


@under(AFTER_INSPECTION)
def test_72_a_unit_that_passed_releases_the_credit(retailer: Retailer) -> Steps:
    """With the inspection as the gate, the pass is what the customer waits for."""
    order = retailer.order()
    asked = retailer.approved(order)
    yield
    retailer.send_back(asked)
    yield
    assert [credit.is_posted for credit in retailer.credits(order)] == [False]
    retailer.inspect(asked, "pass")
    yield
    retailer.credited(order, asked)
    assert retailer.exceptions(asked) == set()


@under(AFTER_INSPECTION)
def test_68_a_store_credit_with_a_liability_is_credited_without_cash(retailer: Retailer) -> Steps:
    """The customer holds a voucher: the books owe it, and no bank has paid it."""
    order = retailer.order()
    asked = retailer.approved(order, resolution=STORE_CREDIT)
    yield
    retailer.send_back(asked)
    retailer.inspect(asked, "pass")
    retailer.refund(asked)
    yield
    credit = retailer.credited(order, asked)
    assert retailer.payments_by_method(credit) == [("STORECREDIT", retailer.paid(asked))]


@under(AFTER_INSPECTION)
def test_04_a_refund_at_drop_off_ages_as_an_exposure_where_the_shop_pays_ahead(retailer: Retailer) -> Steps:
    """Expected, so that nobody is woken for it; and still seen, because the goods may never come."""
    order = retailer.order()
    asked = retailer.approved(order)
    yield
    retailer.refund(asked)
    yield
    assert retailer.severity_of(asked, "refund_before_receipt") == "info"
    assert [credit.is_posted for credit in retailer.credits(order)] == [False]
    retailer.time_passes(days=1)
    retailer.send_back(asked)
    retailer.inspect(asked, "pass")
    yield
    (credit,) = retailer.credits(order)
    assert (credit.is_posted, retailer.payments(credit)) == (True, [retailer.paid(asked)])
    assert retailer.exceptions(asked) == set()


@under(INTO_QUARANTINE)
def test_72_a_unit_that_failed_is_credited_whole_where_the_shop_says_so(retailer: Retailer) -> Steps:
    """The damage is the carrier's or the retailer's: the customer has his money, and the unit is not sold."""
    order = retailer.order(alone=True)
    asked = retailer.approved(order)
    yield
    retailer.ship(asked)
    retailer.receive(asked, place="quarantine")
    retailer.inspect(asked, "fail")
    yield
    retailer.credited(order, asked)
    assert retailer.transferred(order.sku) == 0


@under(INTO_QUARANTINE)
def test_71_a_unit_in_quarantine_is_released_inside_returns_before_it_travels(retailer: Retailer) -> Steps:
    """Brightpearl moves nothing out of a quarantine by a transfer."""
    order = retailer.order(alone=True)
    asked = retailer.approved(order)
    yield
    on_sale = retailer.stock(order.sku, MAIN)
    retailer.ship(asked)
    retailer.receive(asked, place="quarantine")
    retailer.inspect(asked, "pass")
    yield
    assert retailer.transferred(order.sku) == 1
    assert retailer.states_of("transfer.release") == {"confirmed"}
    retailer.act("warehouse", "ship_transfers")
    yield
    assert (retailer.stock(order.sku, RETURNS), retailer.stock(order.sku, MAIN)) == (0, on_sale + 1)


@under(INTO_QUARANTINE)
def test_68_a_store_credit_as_a_discount_brings_the_stock_back_and_no_credit(retailer: Retailer) -> Steps:
    """The voucher lowers the next sale: a credit besides would lower the revenue twice."""
    order = retailer.order(alone=True)
    asked = retailer.approved(order, resolution=STORE_CREDIT)
    yield
    retailer.ship(asked)
    retailer.receive(asked, place="quarantine")
    retailer.inspect(asked, "pass")
    retailer.refund(asked)
    yield
    assert [credit.is_posted for credit in retailer.credits(order)] == [False]
    assert retailer.transferred(order.sku) == 1


@under(INTO_QUARANTINE)
def test_76_goods_without_a_cost_are_told_before_their_parcel_comes(retailer: Retailer) -> Steps:
    """Brightpearl books goods without a cost in at zero, and the stock is worth less than it is."""
    order = retailer.order(alone=True)
    retailer.act("staff", "set_cost", sku=order.sku, cost="0")
    asked = retailer.approved(order)
    yield
    assert [(code, owner) for code, owner, *_ in retailer.open_exceptions(asked)] == [
        ("cost_price_missing", "product_data")
    ]
    retailer.act("staff", "set_cost", sku=order.sku, cost="7.50")
    yield
    assert retailer.exceptions(asked) == set()
