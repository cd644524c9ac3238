"""The demo's story: some days in the life of the retailer, played phase by phase so that the pipeline can sync in between.

Not here: the kinds of return and their scripts (`story_kinds`, `story_scripts`).
The same seed and start give the same requests, ids and moments, whatever the pipeline does meanwhile.
"""

import datetime as dt
import heapq
import random
import threading
from collections import Counter
from typing import Any

from returns_pipeline.sandbox.actors import REFUSALS, Actors
from returns_pipeline.sandbox.retailer import Retailer
from returns_pipeline.sandbox.story_case import PHASE_HOURS, PHASES, Case, Kind, Steps
from returns_pipeline.sandbox.story_kinds import KINDS, ORDINARY

DAYS = 7
_LAST_REQUEST_DAY = 3
_PAUSE = dt.timedelta(seconds=20)
_NEW_CUSTOMER_CHANCE = 0.6


class Story:
    """Every return of the story, and where each stands."""

    def __init__(self, retailer: Retailer, seed: int) -> None:
        self.retailer = retailer
        self.actors = Actors(retailer)
        self.cases: list[Case] = []
        self._seed = seed
        self._chance = random.Random(seed)  # noqa: S311 - a reproducible world, no secret
        self._opened_on = retailer.clock.now()
        self._waiting: list[tuple[int, int]] = []
        self._scripts: dict[int, Steps] = {}
        self._slot = -1
        unused: dict[tuple[str, str], list[str]] = {}
        for order in retailer.orders.values():
            unused.setdefault((order.shop, order.shape), []).append(order.name)
        for kind in KINDS:
            for _ in range(kind.count):
                day = self._chance.randint(0, _LAST_REQUEST_DAY) if kind.first_day is None else kind.first_day
                self._add(kind, unused[(kind.shop, kind.shape)].pop(0), day * len(PHASES))

    def days(self) -> list[dict[str, Any]]:
        """The story's days with their phases."""
        return [
            {"day": day, "date": self._moment(day, PHASES[0]).date().isoformat(), "phases": list(PHASES)}
            for day in range(DAYS)
        ]

    def play_day(self, day: int) -> list[dict[str, Any]]:
        """All phases of a day, without a pause for the pipeline."""
        return [self.play(day, phase) for phase in PHASES]

    def play(self, day: int, phase: str) -> dict[str, Any]:
        """Everything that is due by that phase. Days after the last only let people finish what still lies on the bench.

        Raises:
            LookupError: no such phase, or one before the last that was played.
        """
        if phase not in PHASES or day < 0:
            raise LookupError(f"no phase {phase!r} of day {day}; phases are {', '.join(PHASES)}")
        slot = day * len(PHASES) + PHASES.index(phase)
        if slot < self._slot:
            raise LookupError(f"the story is past the {phase} of day {day}")
        with self.retailer.locked():
            self.retailer.clock.move_to(self._moment(day, phase))
            played = self._play_until(slot)
            routine = self._evening() if phase == "evening" else {}
        return {
            "day": day,
            "phase": phase,
            "now": self.retailer.clock.now().isoformat(),
            "steps": played,
            **routine,
            **self._progress(),
        }

    def describe(self) -> dict[str, Any]:
        """The kinds with their scenarios, and every return with what became of it."""
        counts = Counter(case.kind.name for case in self.cases)
        kinds = {case.kind.name: case.kind for case in self.cases}
        return {
            "days": self.days(),
            "kinds": [
                {"kind": name, "scenarios": list(kinds[name].scenarios), "count": count}
                for name, count in counts.items()
            ],
            "cases": [self._describe(case) for case in self.cases],
            **self._progress(),
        }

    def living(self, stop_event: threading.Event, *, tick_seconds: float = 20.0) -> None:
        """Goes on making returns in real time until it is stopped: each tick is a phase, and some ticks bring a new customer."""
        self.retailer.clock.to_now()
        self.retailer.clock.live()
        while not stop_event.wait(tick_seconds):
            with self.retailer.locked():
                slot = self._slot + 1
                if self._chance.random() < _NEW_CUSTOMER_CHANCE:
                    kind = self._chance.choice(ORDINARY)
                    self._add(kind, self.retailer.sell(kind.shop, kind.shape).name, slot)
                self._play_until(slot)
                self._evening()

    def _add(self, kind: Kind, order_name: str, slot: int) -> None:
        case = Case(len(self.cases), kind, self.actors, self.retailer.order(order_name), self._seed)
        self.cases.append(case)
        self._scripts[case.number] = kind.script(case)
        heapq.heappush(self._waiting, (slot, case.number))

    def _play_until(self, slot: int) -> int:
        steps = 0
        self._slot = max(self._slot, slot)
        while self._waiting and self._waiting[0][0] <= slot:
            _, number = heapq.heappop(self._waiting)
            self._play_case(self.cases[number], slot)
            steps += 1
        return steps

    def _play_case(self, case: Case, slot: int) -> None:
        """Lets one return go on until it waits for a later phase; what the worlds refuse ends it and is told."""
        if not self.retailer.clock.is_living:
            # A moment of its own for each return: how long others waited for the pipeline moves no one's stamps.
            day, phase = divmod(slot, len(PHASES))
            self.retailer.clock.move_to(self._moment(day, PHASES[phase], case.number))
        script = self._scripts[case.number]
        try:
            while (due := next(script).slot_after(slot)) <= slot:
                pass
        except StopIteration:
            case.ended_by = "played to its end"
        except REFUSALS as refusal:
            case.ended_by = f"refused: {refusal}"
        else:
            heapq.heappush(self._waiting, (due, case.number))

    def _evening(self) -> dict[str, Any]:
        shipped = self.actors.warehouse.ship_transfers()["note_ids"]
        return {"transfers_shipped": len(shipped), "put_away": self.actors.warehouse.put_away()["released"]}

    def _progress(self) -> dict[str, int]:
        ended = sum(case.ended_by is not None for case in self.cases)
        return {
            "returns": sum(len(case.rma_ids) for case in self.cases),
            "ended": ended,
            "waiting": len(self.cases) - ended,
        }

    def _describe(self, case: Case) -> dict[str, Any]:
        return {
            "case": case.number,
            "kind": case.kind.name,
            "scenarios": list(case.kind.scenarios),
            "shop": case.order.shop,
            "order_name": case.order.name,
            "rma_ids": case.rma_ids,
            "statuses": [self.retailer.returngo.rma(rma_id).status for rma_id in case.rma_ids],
            "ended_by": case.ended_by,
        }

    def _moment(self, day: int, phase: str, pauses: int = 0) -> dt.datetime:
        morning = self._opened_on.replace(hour=PHASE_HOURS[phase], minute=0, second=0)
        moment = morning + dt.timedelta(days=day) + pauses * _PAUSE
        # What is left over after the last day is finished today at the latest: a stamp in the future would be no one's.
        return moment if day < DAYS else min(moment, dt.datetime.now(dt.UTC))
