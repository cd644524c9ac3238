"""Who can act in the sandbox, by name: the one door through which the story and the admin address use the actors' verbs.

Not here: the verbs themselves (`actors_returns`, `actors_warehouse`, `actors_office`).
"""

import inspect
from collections.abc import Mapping
from typing import Any

from returns_pipeline.sandbox.actors_office import Channel, Finance, ReturnGoLink, ShopifyApp, Staff
from returns_pipeline.sandbox.actors_returns import Carrier, Customer, CustomerService
from returns_pipeline.sandbox.actors_warehouse import Inspector, Warehouse
from returns_pipeline.sandbox.brightpearl.world import RefusedError as BrightpearlRefusedError
from returns_pipeline.sandbox.retailer import Retailer
from returns_pipeline.sandbox.returngo.world import NotFoundError
from returns_pipeline.sandbox.returngo.world import RefusedError as ReturnGoRefusedError

# What a verb may raise because the worlds' own rules or the caller's words forbid it.
REFUSALS = (BrightpearlRefusedError, ReturnGoRefusedError, NotFoundError, LookupError)


class UnknownVerbError(LookupError):
    """No such actor or verb, or arguments that the verb does not take; the message lists what there is."""


class Actors:
    """Every actor of one retailer."""

    def __init__(self, retailer: Retailer) -> None:
        self.retailer = retailer
        self.customer = Customer(retailer)
        self.cx = CustomerService(retailer)
        self.carrier = Carrier(retailer)
        self.warehouse = Warehouse(retailer)
        self.inspector = Inspector(retailer)
        self.finance = Finance(retailer)
        self.staff = Staff(retailer)
        self.channel = Channel(retailer)
        self.shopify_app = ShopifyApp(retailer)
        self.returngo_link = ReturnGoLink(retailer)

    def act(self, actor: str, verb: str, arguments: Mapping[str, Any]) -> Any:  # noqa: ANN401 - JSON
        """Lets an actor do something, both worlds locked meanwhile.

        Raises:
            UnknownVerbError: no such actor, verb or argument.
            BrightpearlRefusedError, ReturnGoRefusedError, NotFoundError, LookupError: the worlds' own rules forbid it.
        """
        verbs = self.verbs()
        if verb not in verbs.get(actor, {}):
            raise UnknownVerbError(f"no actor {actor!r} with a verb {verb!r}; there are {verbs}")
        method = getattr(getattr(self, actor), verb)
        try:
            inspect.signature(method).bind(**arguments)
        except TypeError as error:
            raise UnknownVerbError(f"{actor}.{verb}{verbs[actor][verb]}: {error}") from error
        with self.retailer.locked():
            return method(**arguments)

    def verbs(self) -> dict[str, dict[str, str]]:
        """Actor -> verb -> signature."""
        people = {name: each for name, each in vars(self).items() if name != "retailer"}
        return {
            name: {
                verb: str(inspect.signature(getattr(each, verb)))
                for verb, _ in inspect.getmembers(type(each), inspect.isfunction)
                if not verb.startswith("_")
            }
            for name, each in people.items()
        }
