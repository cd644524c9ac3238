"""What happens in each kind of return: one short script per kind.

Not here: how many returns of a kind there are (`story_kinds`) and the steps that all share (`story_case`).
Every script begins in the morning.
"""

from returns_pipeline.sandbox.returngo.records import CANCEL_ORDER, NO_SHIPMENT
from returns_pipeline.sandbox.story_case import NEXT_PHASE, Case, Steps, Wait

_ONE = [{"line": 0, "quantity": 1}]


def whole_order(case: Case) -> Steps:
    """The ordinary return: everything comes back and is fit for sale."""
    case.ask_and_approve()
    yield from case.arrive()


def one_unit(case: Case) -> Steps:
    """One unit of the first line."""
    case.ask_and_approve(_ONE)
    yield from case.arrive()


def slow_approval(case: Case) -> Steps:
    """Customer service needs a day."""
    case.ask()
    yield Wait("morning", days=1)
    case.actors.cx.approve(case.rma_id)
    yield from case.arrive()


def unit_by_unit(case: Case) -> Steps:
    """A line of three at a price that thirds do not divide: each unit in a return of its own."""
    for _ in range(3):
        case.ask_and_approve(_ONE)
    yield from _one_after_the_other(case)


def line_by_line(case: Case) -> Steps:
    """Four lines whose parts round to a penny more than their sum: each line in a return of its own."""
    for line in range(len(case.order.lines)):
        case.ask_and_approve([{"line": line}])
    yield from _one_after_the_other(case)


def second_line_only(case: Case) -> Steps:
    """Of two lines of one SKU the dearer stays."""
    case.ask_and_approve([{"line": 1}])
    yield from case.arrive()


def keep_the_item(case: Case) -> Steps:
    """The customer keeps the goods and gets the money."""
    case.ask_and_approve(method=NO_SHIPMENT, reason="Damaged in transit")
    yield Wait("evening")
    case.actors.cx.refund(case.rma_id)


def cancel_order(case: Case) -> Steps:
    """An order that never left is cancelled by way of a return."""
    case.ask(method=NO_SHIPMENT, resolution=CANCEL_ORDER)
    yield Wait("midday")
    case.actors.cx.approve(case.rma_id)


def wrong_article(case: Case) -> Steps:
    """Something else is in the parcel."""
    case.ask_and_approve()
    yield from case.travel()
    case.actors.warehouse.receive_wrong_sku("UMB-BLK")
    case.actors.cx.comment(case.rma_id, "Wrong article in the parcel: an umbrella")


def empty_box(case: Case) -> Steps:
    """Nothing is in the parcel."""
    case.ask_and_approve()
    yield from case.travel()
    case.actors.warehouse.report_empty_box(case.rma_id)


def unannounced(case: Case) -> Steps:
    """A parcel without any return."""
    yield Wait("afternoon", days=1)
    case.actors.warehouse.receive_unannounced(case.sku())


def part_of_a_bundle(case: Case) -> Steps:
    """Only one component of the set is in the parcel."""
    case.ask_and_approve()
    yield from case.travel()
    component = case.order.lines[0].product.components[0][0] if case.order.lines[0].product else ""
    yield from case.bench({component: 1})


def two_parcels(case: Case) -> Steps:
    """Two units in two parcels, a day apart."""
    case.ask_and_approve([{"line": 0, "quantity": 1, "parcel": 1}, {"line": 0, "quantity": 1, "parcel": 2}])
    first, second = case.shipment_ids
    yield from case.travel(first)
    yield from case.bench({case.sku(): 1})
    yield from case.travel(second)
    yield from case.bench({case.sku(): 1})
    yield from case.inspect()


def part_of_a_parcel(case: Case) -> Steps:
    """Two units were announced in one parcel, one is in it; the other comes two days later."""
    case.ask_and_approve([{"line": 0, "quantity": 2}])
    yield from case.travel()
    yield from case.bench({case.sku(): 1})
    yield Wait("afternoon", days=2)
    yield from case.bench({case.sku(): 1})


def more_than_announced(case: Case) -> Steps:
    """One unit was announced, two come."""
    case.ask_and_approve(_ONE)
    yield from case.travel()
    yield from case.bench()
    case.actors.warehouse.receive_extra(case.sku())
    yield from case.inspect()


def more_than_bought(case: Case) -> Steps:
    """Both units are asked back, and a further return asks for one more."""
    case.ask_and_approve([{"line": 0, "quantity": 2}])
    case.ask_and_approve(_ONE)
    case.rma_id = case.rma_ids[0]
    yield from case.arrive()


def cancelled_before_sending(case: Case) -> Steps:
    """The customer changes their mind."""
    case.ask_and_approve()
    yield Wait("morning", days=1)
    case.actors.cx.cancel(case.rma_id)


def cancelled_and_reopened(case: Case) -> Steps:
    """... and changes it again."""
    yield from cancelled_before_sending(case)
    yield Wait("morning", days=1)
    case.actors.cx.reopen(case.rma_id)
    yield from case.arrive()


def cancelled_but_sent(case: Case) -> Steps:
    """The parcel comes although the return was cancelled."""
    yield from cancelled_before_sending(case)
    yield from case.travel()
    case.actors.cx.reopen(case.rma_id)
    yield from case.bench()


def rejected(case: Case) -> Steps:
    """Customer service says no."""
    case.ask(reason="Worn")
    yield Wait("midday")
    case.actors.cx.reject(case.rma_id)


def store_credit(case: Case) -> Steps:
    """Paid out as a discount code once the goods were seen."""
    yield from _paid_by_hand(case, "RefundToStoreCredit")


def gift_card(case: Case) -> Steps:
    """Paid out as a new gift card once the goods were seen."""
    yield from _paid_by_hand(case, "RefundToGiftCard")


def exchange_released(case: Case) -> Steps:
    """An even exchange whose replacement order comes."""
    yield from _exchanged(case)
    case.actors.cx.release_exchange(case.rma_id)


def exchange_undervalued(case: Case) -> Steps:
    """The replacement order is written at nothing."""
    yield from _exchanged(case)
    case.actors.cx.release_exchange(case.rma_id, is_undervalued=True)


def exchange_waiting(case: Case) -> Steps:
    """The draft is never released."""
    yield from _exchanged(case)


def exchange_becomes_refund(case: Case) -> Steps:
    """The wanted article is out of stock: the money goes back instead."""
    yield from _exchanged(case)
    case.actors.cx.change_resolution(case.rma_id, "RefundToPaymentMethod")
    case.actors.cx.refund(case.rma_id)


def refund_pending(case: Case) -> Steps:
    """The platform takes a day to answer."""
    yield from _refunded(case, "Requested")
    yield Wait("morning", days=1)
    for transaction_id in [each.transaction_id for each in case.rma.transactions]:
        case.actors.cx.settle_refund(transaction_id, "Success")


def refund_failed(case: Case) -> Steps:
    """The platform says no."""
    yield from _refunded(case, "Failed")


def refund_before_receipt(case: Case) -> Steps:
    """Customer service pays before anything came."""
    case.ask_and_approve()
    case.actors.cx.refund(case.rma_id)
    yield from case.arrive()


def refund_with_delivery(case: Case) -> Steps:
    """The delivery charge is given back too."""
    yield from _adjusted(case, "3.95")


def refund_with_deduction(case: Case) -> Steps:
    """Less is paid than was asked for, because of damage."""
    yield from _adjusted(case, "-5.00")


def failed_inspection(case: Case) -> Steps:
    """It came, but cannot be sold."""
    case.ask_and_approve()
    yield from case.arrive(result="fail")


def damaged_shelf(case: Case) -> Steps:
    """The bench puts it on the shelf for damaged goods."""
    case.ask_and_approve()
    yield from case.travel()
    yield from case.bench()
    yield Wait("evening")
    case.actors.inspector.move_to_shelf(case.sku(), 1, "damaged")


def one_of_two_failed(case: Case) -> Steps:
    """Two units came: one passes, one fails."""
    case.ask_and_approve([{"line": 0, "quantity": 2}])
    yield from case.travel()
    yield from case.bench()
    yield from case.inspect("pass", case.item_ids[:1])
    yield from case.inspect("fail", case.item_ids[1:])


def into_quarantine(case: Case) -> Steps:
    """The bench books it into quarantine."""
    case.ask_and_approve()
    yield from case.travel()
    yield from case.bench(place="quarantine")
    yield from case.inspect()


def invoiced_late(case: Case) -> Steps:
    """The sale is invoiced two days after the return was approved."""
    case.ask_and_approve()
    yield from case.travel()
    yield from case.bench()
    yield Wait("morning", days=2)
    case.actors.staff.invoice_order(case.order.name)


def order_comes_late(case: Case) -> Steps:
    """The sale reaches Brightpearl a day after the return was approved."""
    case.ask_and_approve()
    yield Wait("morning", days=1)
    case.actors.channel.land_order(case.order.name)
    yield from case.arrive()


def never_arrives(case: Case) -> Steps:
    """Shipped, and not seen again."""
    case.ask_and_approve()
    yield Wait("midday")
    case.actors.carrier.ship(case.rma_id)


def only_the_carrier_says_so(case: Case) -> Steps:
    """Delivered by the carrier's word, never booked in."""
    case.ask_and_approve()
    yield from case.travel()


def with_return_fee(case: Case) -> Steps:
    """A fee of the whole return is deducted."""
    case.ask_and_approve(return_fee="2.95")
    yield from case.arrive()


def with_restocking_fee(case: Case) -> Steps:
    """A fee of the item is deducted."""
    case.ask_and_approve(restocking_fee="4.00")
    yield from case.arrive()


def staff_credited_before(case: Case) -> Steps:
    """Staff had cloned and closed the sale by hand, and the bench books onto that credit."""
    credit_id = case.actors.staff.clone_credit(case.order.name, close=True)["credit_id"]
    case.ask_and_approve()
    yield from case.travel()
    case.actors.warehouse.receive(case.rma_id, credit_id=credit_id)


def staff_credits_too(case: Case) -> Steps:
    """Staff clone and close the sale by hand although ours is raised."""
    case.ask_and_approve()
    yield from case.credit()
    case.actors.staff.clone_credit(case.order.name, close=True)
    yield from case.travel()
    yield from case.bench()


def shopify_app_credits_too(case: Case) -> Steps:
    """Brightpearl's Shopify app credits the refund that we credit as well."""
    case.ask_and_approve()
    yield from case.arrive()
    yield from case.transactions()
    case.actors.shopify_app.credit_refund(case.rma_id)


def staff_lower_the_quantity(case: Case) -> Steps:
    """Staff take a unit off the unposted credit, because only one is in the parcel."""
    case.ask_and_approve([{"line": 0, "quantity": 2}])
    credit_id = yield from case.credit()
    yield from case.travel()
    case.actors.staff.lower_quantity(credit_id, case.sku(), 1)
    case.actors.warehouse.receive(case.rma_id, credit_id=credit_id)


def staff_change_the_price(case: Case) -> Steps:
    """Staff overtype the net of the unposted credit."""
    case.ask_and_approve()
    credit_id = yield from case.credit()
    case.actors.staff.change_price(credit_id, case.sku(), "5.00")
    yield from case.travel()
    yield from case.bench()


def staff_add_a_row(case: Case) -> Steps:
    """Staff add a goodwill row to the unposted credit."""
    case.ask_and_approve()
    credit_id = yield from case.credit()
    case.actors.staff.add_row(credit_id, "Goodwill", "2.50", "0.50")
    yield from case.travel()
    yield from case.bench()


def goods_in_corrected(case: Case) -> Steps:
    """The goods-in was a mistake and is taken back the next morning."""
    case.ask_and_approve()
    yield from case.travel()
    notes = yield from case.bench()
    yield Wait("morning", days=1)
    case.actors.warehouse.correct_goods_in(notes[0], case.sku(), 1)


def done_early(case: Case) -> Steps:
    """Customer service pays and closes the return in ReturnGO before Brightpearl has anything."""
    case.ask_and_approve()
    yield from case.travel()
    case.actors.cx.refund(case.rma_id)
    case.actors.cx.mark_done(case.rma_id)
    yield NEXT_PHASE
    yield from case.bench()


def _one_after_the_other(case: Case) -> Steps:
    for rma_id in case.rma_ids:
        case.rma_id = rma_id
        yield Wait("midday")
        case.actors.carrier.ship(rma_id)
        case.actors.carrier.deliver(rma_id)
        yield Wait("afternoon")
        yield from case.bench()
        yield Wait("morning", days=1)


def _paid_by_hand(case: Case, resolution: str) -> Steps:
    case.ask_and_approve(resolution=resolution)
    yield from case.arrive()
    yield Wait("evening")
    case.actors.cx.refund(case.rma_id)


def _exchanged(case: Case) -> Steps:
    case.ask_and_approve(resolution="InstantVariantExchange", exchange_for=case.order.lines[0].sku)
    yield from case.arrive()
    yield Wait("morning", days=1)


def _refunded(case: Case, outcome: str) -> Steps:
    case.ask_and_approve(refund_outcome=outcome)
    yield from case.arrive()
    yield from case.transactions()


def _adjusted(case: Case, adjustment: str) -> Steps:
    case.ask_and_approve()
    yield from case.travel()
    case.actors.cx.refund(case.rma_id, adjustment=adjustment)
    yield from case.bench()
    yield from case.inspect()
