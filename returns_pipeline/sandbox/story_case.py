"""One return of the story: its order, its people and the steps that most returns share.

Not here: what makes a kind of return special (`story_scripts`) and when anything is played (`story`).
A script is a generator: it acts, then yields the phase it waits for. So a parcel can lie on the bench until the pipeline has raised its credit.
"""

import random
from collections.abc import Callable, Generator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from returns_pipeline.sandbox.actors import Actors
from returns_pipeline.sandbox.retailer_orders import RetailOrder
from returns_pipeline.sandbox.returngo.records import Rma

PHASES = ("morning", "midday", "afternoon", "evening")
PHASE_HOURS = {"morning": 9, "midday": 12, "afternoon": 15, "evening": 18}


@dataclass(frozen=True)
class Wait:
    """Go on in that phase, so many days later; in the next phase whatever it is when `phase` is None."""

    phase: str | None = None
    days: int = 0

    def slot_after(self, slot: int) -> int:
        """The number of the phase (four a day) in which to go on, seen from a present one."""
        if self.phase is None:
            return slot + 1
        target = slot - slot % len(PHASES) + PHASES.index(self.phase) + len(PHASES) * self.days
        return target if target >= slot else target + len(PHASES)


NEXT_PHASE = Wait()
Steps = Generator[Wait, None, None]
Script = Callable[["Case"], Steps]


@dataclass(frozen=True)
class Kind:
    """A kind of return: the scenarios it plays, the shape of its order, how many there are."""

    name: str
    scenarios: tuple[int, ...]
    script: Script
    count: int
    shape: str = "single"
    shop: str = "uk"
    first_day: int | None = None


class Case:
    """One return under way; `chance` is its own, so that no other return changes what it does."""

    def __init__(self, number: int, kind: Kind, actors: Actors, order: RetailOrder, seed: int) -> None:
        self.number = number
        self.kind = kind
        self.actors = actors
        self.order = order
        self.chance = random.Random(seed * 100_003 + number)  # noqa: S311 - a reproducible world, no secret
        self.rma_id = 0
        self.rma_ids: list[int] = []
        self.item_ids: list[int] = []
        self.shipment_ids: list[int] = []
        self.ended_by: str | None = None

    @property
    def rma(self) -> Rma:
        """The record of the RMA in hand."""
        return self.actors.retailer.returngo.rma(self.rma_id)

    def sku(self, line: int = 0) -> str:
        """The SKU of a line as Brightpearl spells it today."""
        product = self.order.lines[line].product
        if product is None:
            raise LookupError(f"line {line} of order {self.order.name} is no product of Brightpearl's")
        retailer = self.actors.retailer
        return retailer.brightpearl.product(retailer.product_ids[product.sku]).sku

    def ask(self, units: Sequence[Mapping[str, Any]] | None = None, **options: Any) -> None:  # noqa: ANN401 - a verb's options
        """The customer's request."""
        reasons = ("Does not fit", "Changed my mind", "Not as described", "Arrived too late", "Better price elsewhere")
        made = self.actors.customer.request_return(
            self.order.name, units, **{"reason": self.chance.choice(reasons), **options}
        )
        self.rma_id = made["rma_id"]
        self.rma_ids.append(self.rma_id)
        self.item_ids, self.shipment_ids = made["item_ids"], made["shipment_ids"]

    def ask_and_approve(self, units: Sequence[Mapping[str, Any]] | None = None, **options: Any) -> None:  # noqa: ANN401 - a verb's options
        """A request that customer service approves at once."""
        self.ask(units, **options)
        self.actors.cx.approve(self.rma_id)

    def travel(self, shipment_id: int | None = None) -> Steps:
        """The parcel goes off at midday and is delivered a day or two later."""
        yield Wait("midday")
        self.actors.carrier.ship(self.rma_id, shipment_id)
        yield Wait("midday", days=self.chance.choice((1, 1, 2)))
        self.actors.carrier.deliver(self.rma_id, shipment_id)
        yield Wait("afternoon")

    def bench(
        self, units: Mapping[str, int] | None = None, *, place: str = "default"
    ) -> Generator[Wait, None, list[int]]:
        """Books the parcel in as soon as a credit can be found; the ids of the notes."""
        while not (booked := self.actors.warehouse.receive(self.rma_id, units, place=place))["booked"]:
            yield NEXT_PHASE
        notes: list[int] = booked["note_ids"]
        return notes

    def inspect(self, result: str = "pass", item_ids: Sequence[int] | None = None) -> Steps:
        """The inspection in the evening."""
        yield Wait("evening")
        self.actors.inspector.inspect(self.rma_id, result, item_ids)

    def credit(self) -> Generator[Wait, None, int]:
        """Waits until the return's credit is raised; its id."""
        while not (found := self.actors.warehouse.find_credits(self.rma_id)):
            yield NEXT_PHASE
        return found[0]

    def transactions(self) -> Generator[Wait, None, list[int]]:
        """Waits until ReturnGO has asked for the refund; the ids of the transactions."""
        while not self.rma.transactions:
            yield NEXT_PHASE
        return [each.transaction_id for each in self.rma.transactions]

    def arrive(self, *, result: str = "pass") -> Steps:
        """The rest of an ordinary return: travel, goods-in, inspection."""
        yield from self.travel()
        yield from self.bench()
        yield from self.inspect(result)
