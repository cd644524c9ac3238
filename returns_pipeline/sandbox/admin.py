"""The sandbox's own address: its true state, its request logs, its actors, its story, its switches and its faults.

Not here: how the three servers are started (`serve`). Nothing of the pipeline calls this; people, the demo and tests do.
"""

import dataclasses
import datetime as dt
from collections import Counter
from collections.abc import Callable, Mapping
from decimal import Decimal
from typing import Any

from returns_pipeline.sandbox.actors import REFUSALS, UnknownVerbError
from returns_pipeline.sandbox.brightpearl.summary import summary as brightpearl_summary
from returns_pipeline.sandbox.faults import FaultPlan
from returns_pipeline.sandbox.http import Request, RequestLog, Response
from returns_pipeline.sandbox.retailer import Retailer
from returns_pipeline.sandbox.returngo import wire
from returns_pipeline.sandbox.returngo.records import Rma
from returns_pipeline.sandbox.story import Story
from returns_pipeline.sandbox.story_case import PHASES

Route = Callable[["AdminApp", Request], Any]


class AdminApp:
    """Serves the admin address of one running sandbox."""

    def __init__(self, story: Story, faults: FaultPlan) -> None:
        self.story = story
        self.retailer: Retailer = story.retailer
        self.faults = faults
        self.logs: dict[str, RequestLog] = {}

    def __call__(self, request: Request) -> Response:
        """One answer; what the worlds refuse is a 409, what the caller got wrong a 400."""
        route = _ROUTES.get((request.method, request.path))
        if route is None:
            known = [f"{method} {path}" for method, path in _ROUTES]
            return Response(404, {"message": f"no {request.method} {request.path}; there are {known}"}, is_unknown=True)
        if request.is_malformed:
            return Response(400, {"message": "the body is no JSON"})
        try:
            return Response(200, route(self, request))
        except (UnknownVerbError, KeyError, TypeError, ValueError) as error:
            return Response(400, {"message": f"{type(error).__name__}: {error}"})
        except REFUSALS as refusal:
            return Response(409, {"message": str(refusal)})

    def state(self, _: Request) -> dict[str, Any]:
        """The true state of both worlds."""
        with self.retailer.locked():
            rmas = [_rma(rma) for rma in self.retailer.returngo.rmas.values()]
            return {
                "now": self.retailer.clock.now().isoformat(),
                "returngo": {"rmas": rmas, "by_status": dict(Counter(rma["status"] for rma in rmas))},
                "brightpearl": brightpearl_summary(self.retailer.brightpearl),
                "orders": {name: order.brightpearl_id for name, order in self.retailer.orders.items()},
            }

    def requests(self, request: Request) -> dict[str, Any]:
        """The request logs: `?api=brightpearl` for one, `?after=N` for what came after its N-th entry, `?writes=true` without reads."""
        wanted = request.query.get("api", list(self.logs))
        after = int(request.query.get("after", ["0"])[-1])
        only_writes = request.query.get("writes", ["false"])[-1] == "true"
        entries = {api: self.logs[api].entries(after=after) for api in wanted}
        return {
            api: [
                dataclasses.asdict(each) for each in found if not only_writes or each.method not in ("GET", "OPTIONS")
            ]
            for api, found in entries.items()
        }

    def verbs(self, _: Request) -> dict[str, dict[str, str]]:
        """Who can do what."""
        return self.story.actors.verbs()

    def act(self, request: Request) -> Any:  # noqa: ANN401 - what the verb answers
        """{"actor": ..., "verb": ..., and the verb's arguments}."""
        arguments = dict(request.body)
        return self.story.actors.act(str(arguments.pop("actor")), str(arguments.pop("verb")), arguments)

    def advance(self, request: Request) -> dict[str, str]:
        """{"hours": n} moves the clock on; {"to_now": true} moves it to the real moment."""
        clock = self.retailer.clock
        if request.body.get("to_now"):
            return {"now": clock.to_now().isoformat()}
        return {
            "now": clock.advance(dt.timedelta(seconds=float(Decimal(str(request.body["hours"])) * 3600))).isoformat()
        }

    def show_story(self, _: Request) -> dict[str, Any]:
        """The story's days, kinds and returns."""
        with self.retailer.locked():
            return self.story.describe()

    def play(self, request: Request) -> Any:  # noqa: ANN401 - one phase, or a list of them
        """{"day": n, "phase": "morning"} plays a phase; without a phase the whole day."""
        day, phase = int(request.body["day"]), request.body.get("phase")
        return self.story.play(day, phase) if phase else [self.story.play(day, each) for each in PHASES]

    def show_switches(self, _: Request) -> dict[str, Any]:
        """The switches of both worlds."""
        return {api: dataclasses.asdict(switches) | _dates(switches) for api, switches in self._switches().items()}

    def set_switches(self, request: Request) -> dict[str, Any]:
        """{"brightpearl": {...}, "returngo": {...}}: all of them or, when one is wrong, none."""
        changes = [
            (self._switches()[api], name, value)
            for api, wanted in request.body.items()
            for name, value in wanted.items()
        ]
        unknown = [name for switches, name, _ in changes if not hasattr(switches, name)]
        if unknown:
            raise ValueError(f"no such switch: {', '.join(unknown)}")
        for switches, name, value in changes:
            is_date = name == "period_locked_until" and value is not None
            setattr(switches, name, dt.date.fromisoformat(value) if is_date else value)
        return self.show_switches(request)

    def show_faults(self, _: Request) -> list[dict[str, Any]]:
        """The faults in force, with how often each struck."""
        return self.faults.to_json()

    def add_faults(self, request: Request) -> list[dict[str, Any]]:
        """One fault or a list of them."""
        self.faults.add_from_json(request.body if isinstance(request.body, list) else [request.body])
        return self.faults.to_json()

    def clear_faults(self, _: Request) -> list[dict[str, Any]]:
        """Ends all faults."""
        self.faults.clear()
        return []

    def _switches(self) -> Mapping[str, Any]:
        return {"returngo": self.retailer.returngo.switches, "brightpearl": self.retailer.brightpearl.switches}


def _rma(rma: Rma) -> dict[str, Any]:
    return {
        "rma_id": rma.rma_id,
        "shop_name": rma.shop_name,
        "order_name": rma.order_name,
        "status": rma.status,
        "items": [
            {
                "returned_item_id": item.returned_item_id,
                "sku": item.unit.sku,
                "paid": wire.number(item.unit.paid_price.shop_amount),
                "resolution_type": item.resolution_type,
                "shipment_id": item.shipment_id,
                "is_returned": item.validation.is_returned,
                "is_restockable": item.validation.is_restockable,
                "is_validated": item.validation.validated_on is not None,
            }
            for item in rma.items
        ],
        "shipments": [{"shipment_id": each.shipment_id, "status": each.status} for each in rma.shipments],
        "transactions": [
            {
                "id": each.transaction_id,
                "type": each.type,
                "status": each.status,
                "amount": wire.number(each.amount.shop_amount),
            }
            for each in rma.transactions
        ],
    }


def _dates(switches: object) -> dict[str, str]:
    return {name: value.isoformat() for name, value in vars(switches).items() if isinstance(value, dt.date)}


_ROUTES: dict[tuple[str, str], Route] = {
    ("GET", "/state"): AdminApp.state,
    ("GET", "/requests"): AdminApp.requests,
    ("GET", "/act"): AdminApp.verbs,
    ("POST", "/act"): AdminApp.act,
    ("POST", "/advance"): AdminApp.advance,
    ("GET", "/story"): AdminApp.show_story,
    ("POST", "/story/play"): AdminApp.play,
    ("GET", "/switches"): AdminApp.show_switches,
    ("POST", "/switches"): AdminApp.set_switches,
    ("GET", "/faults"): AdminApp.show_faults,
    ("POST", "/faults"): AdminApp.add_faults,
    ("DELETE", "/faults"): AdminApp.clear_faults,
}
