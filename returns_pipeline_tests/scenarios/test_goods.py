"""Quantities, SKUs and bundles: what came against what was sold and announced."""

from decimal import ROUND_HALF_UP, Decimal

from returns_pipeline.domain import RULES_VERSION
from returns_pipeline.storage import database
from returns_pipeline_tests.scenarios.lockstep import Steps, in_lockstep
from returns_pipeline_tests.scenarios.retailer import RETURNS, Order, Retailer


def the_set(order: Order) -> tuple[int, Decimal]:
    """The row of the order's bundle and what was charged for it, tax included."""
    with database.connect() as connection:
        ((row_id, charged),) = connection.execute(
            "SELECT order_row_id, net_minor + tax_minor FROM brightpearl_sales_order_rows WHERE order_id = %s AND is_bundle_parent",
            [order.order_id],
        ).fetchall()
    return row_id, Decimal(charged) / 100


@in_lockstep
def test_13_units_that_are_credited_already_are_not_credited_again(retailer: Retailer) -> Steps:
    """Two were sold and two were given back: a third would be paid from nothing."""
    order = retailer.order("pair")
    asked = retailer.approved(order)
    yield
    retailer.send_back(asked)
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
    order = retailer.order("pair", alone=True)
    asked = retailer.approved(order, [{"line": 0, "quantity": 1}])
    yield
    retailer.send_back(asked)
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
    retailer.inspect(asked, "missing")
    yield
    (credit,) = retailer.credits(order)
    assert (credit.is_posted, retailer.goods_in(credit)) == (False, 0)
    assert retailer.parcels(asked) == ["Received"]
    assert retailer.refunds(asked) == []
    assert ("not_in_parcel", "cx") in {(code, owner) for code, owner, *_ in retailer.open_exceptions(asked)}


@in_lockstep
def test_17_of_two_rows_of_one_sku_the_returned_one_is_credited(retailer: Retailer) -> Steps:
    """The same SKU was sold at two prices; reducing any row gives back too much or too little."""
    order = retailer.order("same_sku_two_prices")
    cheaper = retailer.approved(order, [{"line": 1}])
    yield
    retailer.send_back(cheaper)
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
    retailer.send_back(asked)
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
    (suggestion,) = [
        words
        for code, owner, _, words in retailer.open_exceptions(asked)
        if (code, owner) == ("sku_unknown", "product_data")
    ]
    assert "00417-LAMP" in (suggestion or "")


@in_lockstep
def test_55_a_mended_return_is_judged_again_and_both_judgements_are_kept(retailer: Retailer) -> Steps:
    """Later somebody asks why it was held then and credited now, and by which rules."""
    asked = retailer.approved(retailer.order("sku_case"))
    yield
    assert retailer.ledger(asked) == []
    ((_, _, _, words),) = retailer.open_exceptions(asked)
    order_row_id = int((words or "").split(",")[0].rsplit(" ", 1)[1])
    retailer.decide(asked, "sku_unknown", "map_sku", sku="417-lamp", order_row_id=order_row_id)
    yield
    assert retailer.ledger(asked) == [("credit.raise", "confirmed")]
    assert retailer.history(asked, "sku_unknown") == ["opened", "acknowledged", "resolved"]
    assert retailer.rules_of(asked) == {RULES_VERSION}


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
    retailer.send_back(asked)
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


@in_lockstep
def test_24_a_person_accepts_a_part_of_a_bundle_at_its_share(retailer: Retailer) -> Steps:
    """One piece of the set came and the customer keeps the rest: it is credited by units, to the penny, and the rest is never given back."""
    order = retailer.order("bundle")
    part, pieces = {"SET-TOWEL": ("TWL-BATH", 5), "SET-TEA": ("TEAPOT-1", 3)}[order.sku]
    asked = retailer.approved(order)
    yield
    retailer.ship(asked)
    retailer.receive(asked, {part: 1})
    yield
    retailer.decide(asked, "partial_bundle", "accept_partial_bundle")
    yield
    (credit,) = retailer.credits(order)
    (goods,) = [row for row in credit.rows if not row["is_bundle_child"]]
    share = (retailer.paid(asked) / pieces).quantize(Decimal("0.01"), rounding=ROUND_HALF_UP)
    assert (credit.is_posted, Decimal(goods["net"]) + Decimal(goods["tax"])) == (True, share)
    assert "credited_more_than_received" not in retailer.exceptions(asked)
    assert "partial_bundle" not in retailer.exceptions(asked)


@in_lockstep
def test_24_components_that_are_announced_by_themselves_go_back_one_by_one_once_a_person_agrees(
    retailer: Retailer,
) -> Steps:
    """The portal takes the set apart: its first piece is credited at its share, and what is left of the set makes up the rest to the penny."""
    order = retailer.order("bundle")
    part, *others = {"SET-TOWEL": ["TWL-BATH", "TWL-BATH", "TWL-HAND", "TWL-HAND", "TWL-FACE"], "SET-TEA": ["TEAPOT-1", "MUG-BLU", "MUG-BLU"]}[order.sku]  # fmt: skip
    asked = retailer.approved(order, [{"line": 0, "component": part}])
    yield
    assert (retailer.exceptions(asked), retailer.credits(order)) == ({"partial_bundle"}, [])
    row_id, charged = the_set(order)
    retailer.decide(asked, "partial_bundle", "accept_partial_bundle", order_row_id=row_id)
    yield
    retailer.send_back(asked)
    rest = retailer.approved(order, [{"line": 0, "component": sku} for sku in others])
    yield
    retailer.send_back(rest)
    yield
    first, last = retailer.credits(order)
    assert (first.is_posted, first.units) == (True, {part: 1})
    assert abs(first.gross - retailer.paid(asked)) <= Decimal("0.01")
    assert last.is_posted
    assert first.gross + last.gross == charged
    assert retailer.exceptions(asked) == set()


@in_lockstep
def test_06_goods_that_came_before_their_return_wait_for_it(retailer: Retailer) -> Steps:
    """The parcel was quicker than the customer's request: the bench booked it on a credit that staff had cloned."""
    order = retailer.order()
    made = retailer.act("staff", "clone_credit", order_name=order.name)
    retailer.act("warehouse", "receive_unannounced", sku=order.sku, credit_id=made["credit_id"])
    # A look without any open return begins nowhere, so that another one is open.
    retailer.approved(retailer.order())
    yield
    assert retailer.receipts_without_return(made["credit_id"]) == 1
    asked = retailer.approved(order)
    yield
    (credit,) = retailer.credits(order)
    assert (credit.credit_id, credit.is_posted, credit.gross) == (made["credit_id"], True, retailer.paid(asked))
    assert retailer.receipts_without_return(made["credit_id"]) == 0
    assert retailer.ledger(asked)[0] == ("credit.raise", "confirmed")


@in_lockstep
def test_16_goods_that_nobody_announced_are_matched_to_no_return_of_their_sku(retailer: Retailer) -> Steps:
    """Another customer's return of the same article waits: paid on the SKU alone, the wrong one gets the money."""
    sent, waiting = retailer.order("thirds"), retailer.order("thirds")
    made = retailer.act("staff", "clone_credit", order_name=sent.name, units={sent.sku: 1})
    asked = retailer.approved(waiting, [{"line": 0, "quantity": 1}])
    yield
    retailer.act("warehouse", "receive_unannounced", sku=sent.sku, credit_id=made["credit_id"])
    yield
    assert retailer.receipts_without_return(made["credit_id"]) == 1
    (credit,) = retailer.credits(waiting)
    assert (credit.is_posted, retailer.goods_in(credit)) == (False, 0)
    assert retailer.ledger(asked) == [("credit.raise", "confirmed")]


@in_lockstep
def test_18_two_parcels_are_two_credits(retailer: Retailer) -> Steps:
    """A credit that was received once may take no more: each parcel has its own from the start."""
    order = retailer.order("pair")
    asked = retailer.approved(order, [{"line": 0, "parcel": 1}, {"line": 0, "parcel": 2}])
    first, second = asked.shipment_ids
    yield
    announced = [credit.credit_id for credit in retailer.credits(order)]
    assert len(announced) == 2
    retailer.act("carrier", "ship", rma_id=asked.rma_id, shipment_id=first)
    retailer.act("carrier", "deliver", rma_id=asked.rma_id, shipment_id=first)
    retailer.receive(asked, credit_id=announced[0])
    yield
    assert [credit.is_posted for credit in retailer.credits(order)] == [True, False]
    assert retailer.parcels(asked) == ["Validated", "LabelCreated"]
    retailer.act("carrier", "ship", rma_id=asked.rma_id, shipment_id=second)
    retailer.act("carrier", "deliver", rma_id=asked.rma_id, shipment_id=second)
    retailer.receive(asked)
    yield
    credits = retailer.credits(order)
    assert [credit.is_posted for credit in credits] == [True, True]
    assert sum(credit.gross for credit in credits) == retailer.paid(asked)
    assert retailer.parcels(asked) == ["Validated", "Validated"]


@in_lockstep
def test_26_a_bundle_within_a_bundle_has_its_value_on_the_outer_row_alone(retailer: Retailer) -> Steps:
    """The hamper holds a tea set that holds a pot: four rows with stock, one with money."""
    order = retailer.order("nested_bundle")
    asked = retailer.approved(order)
    yield
    retailer.send_back(asked)
    yield
    (credit,) = retailer.credits(order)
    assert (credit.is_posted, credit.units, credit.gross) == (True, {order.sku: 1}, retailer.paid(asked))
    assert sum(Decimal(row["net"]) for row in credit.rows if row["is_bundle_child"]) == 0
    assert retailer.goods_in(credit) == 5
    assert retailer.matched(asked) == [(1, 1, 1)]


@in_lockstep
def test_80_an_empty_box_credits_nothing_and_goes_to_customer_service(retailer: Retailer) -> Steps:
    """The carrier delivered, the bench found nothing: neither ReturnGo's refund nor the credit may follow."""
    order = retailer.order()
    asked = retailer.approved(order)
    yield
    retailer.ship(asked)
    retailer.act("warehouse", "report_empty_box", rma_id=asked.rma_id)
    retailer.inspect(asked, "missing")
    yield
    (credit,) = retailer.credits(order)
    assert (credit.is_posted, retailer.goods_in(credit)) == (False, 0)
    assert (retailer.parcels(asked), retailer.refunds(asked)) == (["Received"], [])
    assert ("not_in_parcel", "cx") in {(code, owner) for code, owner, *_ in retailer.open_exceptions(asked)}
