"""Quantities, SKUs and bundles: what came against what was sold and announced."""

from returns_pipeline_tests.scenarios.lockstep import Steps, in_lockstep
from returns_pipeline_tests.scenarios.retailer import RETURNS, Retailer


@in_lockstep
def test_13_units_that_are_credited_already_are_not_credited_again(retailer: Retailer) -> Steps:
    """Two were sold and two were given back: a third would be paid from nothing."""
    order = retailer.order("pair")
    asked = retailer.approved(order)
    yield
    retailer.ship(asked)
    retailer.receive(asked)
    yield
    further = retailer.approved(order, [{"line": 0, "quantity": 1}])
    yield
    (credit,) = retailer.credits(order)
    assert (credit.is_posted, credit.units) == (True, {order.sku: 2})
    assert retailer.exceptions(further) == {"quantity_exceeds_shipped"}
    assert retailer.ledger(further) == []


@in_lockstep
def test_14_more_than_announced_is_credited_as_announced(retailer: Retailer) -> Steps:
    """The second unit in the parcel is stock that nobody can name yet, and no money."""
    order = retailer.order("pair")
    asked = retailer.approved(order, [{"line": 0, "quantity": 1}])
    yield
    retailer.ship(asked)
    retailer.receive(asked)
    retailer.act("warehouse", "receive_extra", sku=order.sku)
    yield
    (credit,) = retailer.credits(order)
    assert (credit.is_posted, credit.units, credit.gross) == (True, {order.sku: 1}, retailer.paid(asked))
    assert retailer.stock(order.sku, RETURNS) == 2
    assert retailer.transferred(order.sku) == 0


@in_lockstep
def test_15_another_article_in_the_parcel_credits_nothing(retailer: Retailer) -> Steps:
    """An umbrella came instead: the bench parks it, and the customer is not paid for what he kept."""
    order = retailer.order()
    asked = retailer.approved(order)
    yield
    retailer.ship(asked)
    retailer.act("warehouse", "receive_wrong_sku", sku="CLK-WALL")
    yield
    (credit,) = retailer.credits(order)
    assert (credit.is_posted, retailer.goods_in(credit)) == (False, 0)
    assert retailer.parcels(asked) == ["Received"]
    assert retailer.refunds(asked) == []


@in_lockstep
def test_17_of_two_rows_of_one_sku_the_returned_one_is_credited(retailer: Retailer) -> Steps:
    """The same SKU was sold at two prices; reducing any row gives back too much or too little."""
    order = retailer.order("same_sku_two_prices")
    cheaper = retailer.approved(order, [{"line": 1}])
    yield
    retailer.ship(cheaper)
    retailer.receive(cheaper)
    yield
    dearer = retailer.approved(order, [{"line": 0}])
    assert retailer.paid(dearer) - retailer.paid(cheaper) == 2
    yield
    credits = retailer.credits(order)
    assert [credit.gross for credit in credits] == [retailer.paid(cheaper), retailer.paid(dearer)]
    assert [credit.is_posted for credit in credits] == [True, False]


@in_lockstep
def test_20_a_sku_renamed_since_the_sale_is_found_by_its_product(retailer: Retailer) -> Steps:
    """ReturnGo knows the old SKU for ever; creating a product for it would split its stock."""
    order = retailer.opening_order("renamed")
    asked = retailer.approved(order)
    yield
    retailer.ship(asked)
    retailer.receive(asked)
    yield
    (credit,) = retailer.credits(order)
    assert (credit.is_posted, credit.gross, retailer.goods_in(credit)) == (True, retailer.paid(asked), 1)
    assert retailer.exceptions(asked) == set()


@in_lockstep
def test_21_a_sku_spelled_otherwise_is_held_with_a_suggestion(retailer: Retailer) -> Steps:
    """A guess in the ledger is worse than a question: `417-lamp` may be another lamp."""
    order = retailer.order("sku_case")
    asked = retailer.approved(order)
    yield
    assert retailer.credits(order) == []
    ((code, owner, _, suggestion),) = retailer.open_exceptions(asked)
    assert (code, owner) == ("sku_unknown", "product_data")
    assert "00417-LAMP" in (suggestion or "")


@in_lockstep
def test_22_one_unknown_sku_holds_its_own_return_and_no_other(retailer: Retailer) -> Steps:
    """One bad row must not stop the others of its run."""
    held = retailer.approved(retailer.order("drop_ship"))
    order = retailer.order()
    sound = retailer.approved(order)
    yield
    assert retailer.exceptions(held) == {"sku_unknown"}
    assert retailer.credits(held.order) == []
    assert [credit.units for credit in retailer.credits(order)] == [{order.sku: 1}]
    assert retailer.exceptions(sound) == set()


@in_lockstep
def test_23_a_whole_bundle_is_credited_once_at_its_own_price(retailer: Retailer) -> Steps:
    """The components carry no price: counted besides their bundle they would be given back twice."""
    order = retailer.order("bundle")
    asked = retailer.approved(order)
    yield
    retailer.ship(asked)
    retailer.receive(asked)
    yield
    (credit,) = retailer.credits(order)
    assert (credit.is_posted, credit.units, credit.gross) == (True, {order.sku: 1}, retailer.paid(asked))
    assert retailer.goods_in(credit) == {"SET-TOWEL": 5, "SET-TEA": 3}[order.sku]
    assert retailer.exceptions(asked) == set()


@in_lockstep
def test_24_a_part_of_a_bundle_is_for_a_person_to_value(retailer: Retailer) -> Steps:
    """One towel of a set is worth something, but no rule of the sale says how much."""
    order = retailer.order("bundle")
    part = {"SET-TOWEL": "TWL-BATH", "SET-TEA": "TEAPOT-1"}[order.sku]
    asked = retailer.approved(order)
    yield
    retailer.ship(asked)
    retailer.receive(asked, {part: 1})
    yield
    assert [credit.is_posted for credit in retailer.credits(order)] == [False]
    assert "partial_bundle" in retailer.exceptions(asked)
    assert retailer.parcels(asked) == ["Received"]
