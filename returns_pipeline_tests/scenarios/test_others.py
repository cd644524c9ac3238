"""Other writers, lost answers and stock: the pipeline is not alone in Brightpearl, and nothing becomes saleable unseen."""

from returns_pipeline_tests.scenarios.lockstep import Steps, in_lockstep
from returns_pipeline_tests.scenarios.retailer import MAIN, RETURNS, Retailer


@in_lockstep
def test_43_goods_come_into_returns_and_leave_it_only_after_a_pass(retailer: Retailer) -> Steps:
    """Uninspected goods on sale are sold broken to the next customer."""
    order = retailer.order(alone=True)
    asked = retailer.approved(order)
    yield
    on_sale = retailer.stock(order.sku, MAIN)
    retailer.send_back(asked)
    yield
    assert (retailer.stock(order.sku, RETURNS), retailer.stock(order.sku, MAIN)) == (1, on_sale)
    assert retailer.transferred(order.sku) == 0
    retailer.inspect(asked, "pass")
    yield
    assert retailer.transferred(order.sku) == 1
    retailer.act("warehouse", "ship_transfers")
    yield
    assert (retailer.stock(order.sku, RETURNS), retailer.stock(order.sku, MAIN)) == (0, on_sale + 1)
    assert retailer.states_of("transfer.create") == retailer.states_of("transfer.dispatch") == {"confirmed"}


@in_lockstep
def test_62_an_exception_that_people_mend_closes_itself_and_opens_again_under_its_number(retailer: Retailer) -> Steps:
    """A list of things that are long mended is a list that nobody reads."""
    order = retailer.order()
    asked = retailer.approved(order)
    yield
    (credit,) = retailer.credits(order)
    change: dict[str, object] = {"credit_id": credit.credit_id, "sku": order.sku}
    retailer.act("staff", "change_price", **change, net="1.00")
    retailer.ship(asked)
    yield
    ((code, _, first_number, _),) = retailer.open_exceptions(asked)
    assert code == "credit_changed_by_staff"
    retailer.act("staff", "change_price", **change, net=credit.net, tax=credit.tax)
    yield
    assert retailer.exceptions(asked) == set()
    retailer.act("staff", "change_price", **change, net="1.00")
    yield
    ((code, _, second_number, _),) = retailer.open_exceptions(asked)
    assert (code, second_number) == ("credit_changed_by_staff", first_number)


@in_lockstep
def test_66_a_second_credit_by_the_shopify_app_is_a_critical_double(retailer: Retailer) -> Steps:
    """Both are posted: the revenue is taken back twice, and only one of the two is ours."""
    order = retailer.order()
    asked = retailer.approved(order)
    yield
    retailer.send_back(asked)
    yield
    retailer.act("shopify_app", "credit_refund", rma_id=asked.rma_id)
    yield
    assert sorted(credit.is_ours for credit in retailer.credits(order)) == [False, True]
    assert "double_credit" in retailer.exceptions(asked)


@in_lockstep
def test_66_a_return_that_staff_have_credited_already_is_not_credited_again(retailer: Retailer) -> Steps:
    """Staff cloned and closed the sale before the return was approved."""
    order = retailer.order()
    retailer.act("staff", "clone_credit", order_name=order.name, close=True)
    asked = retailer.approved(order)
    yield
    assert [credit.is_ours for credit in retailer.credits(order)] == [False]
    assert retailer.exceptions(asked) == {"foreign_credit"}


@in_lockstep
def test_73_a_quantity_lowered_by_staff_is_adopted_and_the_rest_raised_anew(retailer: Retailer) -> Steps:
    """Only one of two was in the parcel, and the bench said so on the credit itself."""
    order = retailer.order("pair")
    asked = retailer.approved(order)
    yield
    (credit,) = retailer.credits(order)
    retailer.act("staff", "lower_quantity", credit_id=credit.credit_id, sku=order.sku, quantity=1)
    retailer.ship(asked)
    retailer.receive(asked, credit_id=credit.credit_id)
    yield
    first, rest = retailer.credits(order)
    assert (first.credit_id, first.is_posted, first.units) == (credit.credit_id, True, {order.sku: 1})
    assert (rest.is_posted, rest.units) == (False, {order.sku: 1})
    assert first.gross + rest.gross == retailer.paid(asked)


@in_lockstep
def test_74_a_row_added_by_staff_stops_the_credit(retailer: Retailer) -> Steps:
    """A goodwill row may be right, but the pipeline never proved its tax."""
    order = retailer.order()
    asked = retailer.approved(order)
    yield
    (credit,) = retailer.credits(order)
    retailer.act("staff", "add_row", credit_id=credit.credit_id, name="Goodwill", net="2.50", tax="0.50")
    retailer.send_back(asked)
    yield
    (credit,) = retailer.credits(order)
    assert credit.is_posted is False
    assert "credit_changed_by_staff" in retailer.exceptions(asked)
    assert retailer.parcels(asked) == ["Received"]


@in_lockstep
def test_74_a_price_changed_by_staff_stops_the_credit(retailer: Retailer) -> Steps:
    """Posted as it stands, it would give back another sum than was charged."""
    order = retailer.order()
    asked = retailer.approved(order)
    yield
    (credit,) = retailer.credits(order)
    retailer.act("staff", "change_price", credit_id=credit.credit_id, sku=order.sku, net="1.00")
    retailer.send_back(asked)
    yield
    (credit,) = retailer.credits(order)
    assert credit.is_posted is False
    assert "credit_changed_by_staff" in retailer.exceptions(asked)


@in_lockstep
def test_75_a_failed_unit_stays_where_a_passed_one_of_its_sku_goes_on_sale(retailer: Retailer) -> Steps:
    """Both lie in one warehouse under one SKU: a transfer that only counts takes either."""
    order = retailer.order("pair", alone=True)
    asked = retailer.approved(order)
    yield
    retailer.send_back(asked)
    retailer.inspect(asked, "pass", asked.item_ids[:1])
    retailer.inspect(asked, "fail", asked.item_ids[1:])
    retailer.act("inspector", "move_to_shelf", sku=order.sku, quantity=1, shelf="damaged")
    yield
    assert retailer.transferred(order.sku) == 1
    retailer.act("warehouse", "ship_transfers")
    yield
    assert retailer.stock(order.sku, RETURNS) == 1
    assert retailer.transferred(order.sku) == 1


@in_lockstep
def test_44_a_damaged_unit_is_credited_and_never_sold(retailer: Retailer) -> Steps:
    """Whose fault the damage is decides nobody at the shelf: the customer has his money, the unit stays in Returns."""
    order = retailer.order(alone=True)
    asked = retailer.approved(order)
    yield
    on_sale = retailer.stock(order.sku, MAIN)
    retailer.send_back(asked)
    retailer.inspect(asked, "fail")
    yield
    retailer.credited(order, asked)
    assert (retailer.stock(order.sku, RETURNS), retailer.stock(order.sku, MAIN)) == (1, on_sale)
    assert retailer.transferred(order.sku) == 0


@in_lockstep
def test_75_a_unit_that_was_put_on_a_shelf_meanwhile_is_taken_from_there(retailer: Retailer) -> Steps:
    """The bench inspects by shelf: taken from where it was booked in, Brightpearl refuses the transfer."""
    order = retailer.order(alone=True)
    asked = retailer.approved(order)
    yield
    on_sale = retailer.stock(order.sku, MAIN)
    retailer.send_back(asked)
    retailer.act("inspector", "move_to_shelf", sku=order.sku, quantity=1, shelf="pass")
    yield
    assert retailer.transferred(order.sku) == 1
    retailer.act("warehouse", "ship_transfers")
    yield
    assert (retailer.stock(order.sku, RETURNS), retailer.stock(order.sku, MAIN)) == (0, on_sale + 1)
    assert retailer.exceptions(asked) == set()
