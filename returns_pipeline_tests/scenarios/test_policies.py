"""The same return under other policies: what a setting chooses, the whole graph does."""

from decimal import Decimal

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
REDUCED_BY_ROW = Arrangement(
    "a deduction for what failed",
    {POSTING: f'{POSTING}\ncredit_on = "inspection"\nfailed_inspection = "credit_reduced"'},
)
STRICT_ACCOUNT = Arrangement(
    "received at once and no row with a minus",
    {
        POSTING: f'{POSTING}\ncredit_on = "inspection"\nfailed_inspection = "credit_reduced"\nreceipt_source = "returngo_validated"',
        'part_receipt = "allowed"': 'part_receipt = "refused"\nnegative_rows = "refused"',
    },
    {"brightpearl": {"part_receipt_allowed": False, "negative_rows_allowed": False}},
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


@under(REDUCED_BY_ROW)
def test_72_a_unit_that_failed_is_credited_less_a_row_that_says_why(retailer: Retailer) -> Steps:
    """The customer wore it: half of its price stays with the retailer, taxed like the goods, under a nominal code of its own."""
    order = retailer.order()
    asked = retailer.approved(order)
    yield
    retailer.send_back(asked)
    retailer.inspect(asked, "fail")
    yield
    (credit,) = retailer.credits(order)
    goods, deduction = sorted(credit.rows, key=lambda row: Decimal(row["net"]), reverse=True)
    paid, kept = Decimal(goods["net"]) + Decimal(goods["tax"]), -Decimal(deduction["net"]) - Decimal(deduction["tax"])
    assert (credit.is_posted, paid, credit.gross) == (True, retailer.paid(asked), paid - kept)
    assert abs(kept * 2 - paid) <= Decimal("0.01")
    assert deduction["name"].startswith("Deduction after inspection: 1 of 1 units failed")
    assert deduction["tax_code"] == goods["tax_code"]
    # ReturnGo knows nothing of the deduction and has paid in full: finance is told.
    assert retailer.exceptions(asked) == {"refund_mismatch"}


@under(STRICT_ACCOUNT)
def test_72_a_deduction_comes_off_the_goods_row_where_no_row_may_be_negative(retailer: Retailer) -> Steps:
    """Brightpearl refuses the row with a minus: the goods' row shows what the customer gets, the note says why."""
    order = retailer.order()
    asked = retailer.approved(order)
    yield
    retailer.ship(asked)
    retailer.inspect(asked, "fail")
    yield
    (credit,) = retailer.credits(order)
    (goods,) = credit.rows
    assert (credit.is_posted, Decimal(goods["net"]) + Decimal(goods["tax"])) == (True, credit.gross)
    assert abs(credit.gross * 2 - retailer.paid(asked)) <= Decimal("0.01")
    assert "rejected" not in dict(map(reversed, retailer.ledger(asked)))


@under(STRICT_ACCOUNT)
def test_34_a_fee_comes_off_the_goods_row_where_no_row_may_be_negative(retailer: Retailer) -> Steps:
    """2.95 is kept back without a row of its own, and the refund is the difference."""
    order = retailer.order()
    asked = retailer.approved(order, return_fee="2.95")
    yield
    retailer.ship(asked)
    retailer.inspect(asked, "pass")
    retailer.refund(asked)
    yield
    (credit,) = retailer.credits(order)
    assert len(credit.rows) == 1
    assert (credit.is_posted, credit.gross) == (True, retailer.paid(asked) - Decimal("2.95"))
    assert retailer.payments(credit) == [credit.gross]


@under(STRICT_ACCOUNT)
def test_18_a_credit_of_several_rows_is_received_all_at_once(retailer: Retailer) -> Steps:
    """The account refuses a receipt that leaves a row open, and the pipeline books all that came with one note."""
    order = retailer.order("mixed_rates")
    asked = retailer.approved(order)
    yield
    retailer.ship(asked)
    retailer.inspect(asked, "pass")
    yield
    credit = retailer.credited(order, asked)
    assert len(credit.rows) > 1
    assert retailer.goods_in(credit) == sum(credit.units.values())


@under(STRICT_ACCOUNT)
def test_18_what_was_not_in_the_parcel_leaves_the_credit_before_it_is_received(retailer: Retailer) -> Steps:
    """One of two things was in the box: the credit is brought down to it, received at once, and the other is announced anew."""
    order = retailer.order("mixed_rates")
    asked = retailer.approved(order)
    yield
    retailer.ship(asked)
    retailer.inspect(asked, "pass", asked.item_ids[:1])
    retailer.inspect(asked, "missing", asked.item_ids[1:])
    yield
    came, announced = retailer.credits(order)
    assert [credit.is_posted for credit in (came, announced)] == [True, False]
    assert [sum(credit.units.values()) for credit in (came, announced)] == [1, len(asked.item_ids) - 1]
    assert [retailer.goods_in(credit) for credit in (came, announced)] == [1, 0]
    assert "rejected" not in dict(map(reversed, retailer.ledger(asked)))
