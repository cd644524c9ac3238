"""The returns of an ordinary week as a shop's people live them, over the sandbox's admin address. What they cost is counted in `calls`.

Out of a hundred returns, in an order that the seed fixes:

* 72 come whole in one parcel and pass; 4 more come whole and are damaged;
* 3 come in two parcels, a half day apart;
* 4 lack a unit: of 2 it comes a day later, of 2 it never comes;
* 8 are cancelled before anything was sent. Of 305 returns that were recorded in one live store, 32 had been cancelled at least once;
* 8 are approved and never sent: the expected return is cancelled by the pipeline when its days are over;
* 1 is kept by the customer: 3 of the same 305 needed no shipment.

Those recordings have 425 units in 305 returns, 1.4 each; two thirds of the orders here are of one article, the others of two to five units, with a
discount, with delivery, or a bundle. Two parcels and missing units are not in the recordings: their shares are ours, and they cost more calls
than an ordinary return, as cancelled and unsent ones cost fewer. Refunds are one transaction for each unit, given when we confirm the parcel; what
that rule leaves, people refund a half day later. Exchanges and store credit follow policies of their own and are the scenarios'.
"""

import random
from collections.abc import Callable, Iterator
from itertools import cycle
from typing import Any

from returns_pipeline.commands.sandbox_process import Sandbox

SHOP = "uk"
# What people do about one return: each `yield` ends a half day, after which the pipeline has worked.
Steps = Iterator[None]
_NO_SHIPMENT = "No shipment required"
# Sales come all day long: what moves in the same minutes is read together again and again.
_ORDERS_AT_ONCE = 200
_SHAPES = {"single": 66, "pair": 12, "several": 6, "order_discount": 4, "with_delivery": 6, "bundle": 6}


class People:
    """Customers, customer service, the carrier and the bench of one shop; the bench inspects in ReturnGo, or by the shelf it books goods onto."""

    def __init__(self, sandbox: Sandbox, *, inspects_in_returngo: bool) -> None:
        self._sandbox = sandbox
        self._inspects_in_returngo = inspects_in_returngo

    def act(self, actor: str, verb: str, **arguments: Any) -> Any:  # noqa: ANN401 - JSON
        return self._sandbox.post("/act", {"actor": actor, "verb": verb, **arguments})

    def wait(self, hours: int) -> None:
        """Time passes in the sandbox."""
        self._sandbox.post("/advance", {"hours": hours})

    def approved(self, order: dict[str, Any], **how: Any) -> dict[str, Any]:  # noqa: ANN401 - the verb's own arguments
        """A customer asks to return an order, or some units of it, and customer service approves."""
        asked: dict[str, Any] = self.act("customer", "request_return", order_name=order["order_name"], **how)
        self.act("cx", "approve", rma_id=asked["rma_id"])
        return asked

    def send(self, rma: dict[str, Any], parcel: int | None = None) -> None:
        """The carrier takes a parcel, all of them when none is named, and delivers it."""
        which = None if parcel is None else rma["shipment_ids"][parcel]
        for verb in ("ship", "deliver"):
            self.act("carrier", verb, rma_id=rma["rma_id"], shipment_id=which)

    def book_in(
        self,
        rma: dict[str, Any],
        result: str = "pass",
        *,
        item_ids: list[int] | None = None,
        **what: Any,  # noqa: ANN401
    ) -> None:
        """The bench inspects what came and books it in: all that is open, or as the verb's own arguments say."""
        if self._inspects_in_returngo:
            self.act("inspector", "inspect", rma_id=rma["rma_id"], result=result, item_ids=item_ids)
            what["place"] = "default"
        else:
            what["place"] = "pass" if result == "pass" else "damaged"
        booked = self.act("warehouse", "receive", rma_id=rma["rma_id"], **what)
        if not booked["booked"]:
            raise AssertionError(f"the bench found no credit for RMA {rma['rma_id']}")

    def refund(self, rma: dict[str, Any], item_ids: list[int] | None = None) -> None:
        self.act("cx", "refund", rma_id=rma["rma_id"], item_ids=item_ids)

    def close(self, rma: dict[str, Any]) -> None:
        self.act("cx", "mark_done", rma_id=rma["rma_id"])


def whole(people: People, order: dict[str, Any], result: str = "pass") -> Steps:
    """Comes whole in one parcel."""
    rma = people.approved(order)
    yield
    people.send(rma)
    yield
    people.book_in(rma, result)
    yield
    people.refund(rma)
    yield
    people.close(rma)


def damaged(people: People, order: dict[str, Any]) -> Steps:
    """Comes whole, and not as it left."""
    yield from whole(people, order, "fail")


def in_two_parcels(people: People, order: dict[str, Any]) -> Steps:
    """Two units of one article, each in a parcel of its own."""
    rma = people.approved(order, units=[{"line": 0, "parcel": 0}, {"line": 0, "parcel": 1}])
    yield
    first, second = people.act("warehouse", "find_credits", rma_id=rma["rma_id"])
    people.send(rma, 0)
    yield
    people.book_in(rma, item_ids=rma["item_ids"][:1], credit_id=first)
    people.send(rma, 1)
    yield
    people.book_in(rma, item_ids=rma["item_ids"][1:], credit_id=second)
    people.refund(rma, rma["item_ids"][:1])
    yield
    people.refund(rma, rma["item_ids"][1:])
    yield
    people.close(rma)


def short(people: People, order: dict[str, Any], *, comes_later: bool = True) -> Steps:
    """One of two units is missing; it comes a day later, or never."""
    rma = people.approved(order)
    (sku,) = order["skus"]
    yield
    people.send(rma)
    yield
    people.book_in(rma, item_ids=rma["item_ids"][:1], units={sku: 1})
    yield
    people.refund(rma, rma["item_ids"][:1])
    yield
    if comes_later:
        people.book_in(rma, item_ids=rma["item_ids"][1:])
        yield
        people.refund(rma, rma["item_ids"][1:])
        yield
    people.close(rma)


def short_for_good(people: People, order: dict[str, Any]) -> Steps:
    """One of two units never comes."""
    yield from short(people, order, comes_later=False)


def cancelled(people: People, order: dict[str, Any]) -> Steps:
    """The customer thinks better of it."""
    rma = people.approved(order)
    yield
    people.act("cx", "cancel", rma_id=rma["rma_id"])


def never_sent(people: People, order: dict[str, Any]) -> Steps:
    """Approved, and nothing is heard of it again."""
    people.approved(order)
    yield


def kept(people: People, order: dict[str, Any]) -> Steps:
    """The customer keeps the goods and has the money."""
    rma = people.approved(order, method=_NO_SHIPMENT)
    yield
    people.refund(rma)
    yield
    people.close(rma)


Kind = Callable[[People, dict[str, Any]], Steps]
SHARES: dict[Kind, int] = {
    whole: 72, damaged: 4, in_two_parcels: 3, short: 2, short_for_good: 2, cancelled: 8, never_sent: 8, kept: 1,
}  # fmt: skip
_OF_TWO_UNITS = (in_two_parcels, short, short_for_good)


def announced(people: People, count: int) -> list[int]:
    """So many returns of whole orders, asked for and an hour later approved; the numbers of their RMAs."""
    orders = [people.act("customer", "buy", shop=SHOP, shape=shape) for _, shape in zip(range(count), cycle(_SHAPES))]
    rma_ids = [people.act("customer", "request_return", order_name=order["order_name"])["rma_id"] for order in orders]
    people.wait(hours=1)
    for rma_id in rma_ids:
        people.act("cx", "approve", rma_id=rma_id)
    return rma_ids


def returns(people: People, count: int, seed: int) -> list[Steps]:
    """So many returns that wait to be asked for: each kind by its share of every hundred, the orders bought now."""
    hundred = [kind for kind, share in SHARES.items() for _ in range(share)]
    chance = random.Random(seed)  # noqa: S311 - a reproducible mix, no secret
    kinds: list[Kind] = []
    while len(kinds) < count:
        chance.shuffle(hundred)
        kinds += hundred
    orders = []
    for number, kind in enumerate(kinds[:count]):
        if number % _ORDERS_AT_ONCE == 0:
            people.wait(hours=1)
        orders.append(people.act("customer", "buy", shop=SHOP, shape=_shape(kind, chance)))
    return [kind(people, order) for kind, order in zip(kinds, orders, strict=False)]


def _shape(kind: Kind, chance: random.Random) -> str:
    if kind in _OF_TWO_UNITS:
        return "pair"
    (shape,) = chance.choices(list(_SHAPES), weights=list(_SHAPES.values()))
    return shape
