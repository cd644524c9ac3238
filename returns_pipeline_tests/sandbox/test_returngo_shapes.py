"""The sandbox ReturnGO's answers have the keys, types and nulls of the recordings.

`RETURNS_CONTRACT_SAMPLES` may name a folder of recorded answers (`returngo/*.json` in it); else the shapes noted from them are compared.
"""

import json
import os
from collections import defaultdict
from pathlib import Path

import pytest

from returns_pipeline.sandbox.returngo.records import NO_SHIPMENT, ExchangeItem
from returns_pipeline_tests.sandbox.test_returngo import amount, api, wanted

NOTED = Path(__file__).parent / "fixtures" / "returngo_shapes.json"
KINDS = {
    "detail": ("rma-detail-*.json", "openapi-example-rma-detail.json"),
    "rmas": ("rmas-list-response.json", "openapi-example-rmas-list.json"),
    "transactions": ("transactions-list-response.json", "openapi-example-transactions-list.json"),
    "webhooks": ("webhooks-list-response.json", None),
    "shipment": (None, "openapi-example-shipment-put-response.json"),
}
WORDS = {
    dict: "object",
    list: "array",
    str: "text",
    bool: "boolean",
    int: "number",
    float: "number",
    type(None): "null",
}
__all__ = ["api"]


class Shape:
    """Path -> types seen there; and which keys every object at a path had."""

    def __init__(self):
        self.types = defaultdict(set)
        self.keys = {}

    def read(self, value, path=""):
        self.types[path].add(WORDS[type(value)])
        if isinstance(value, dict):
            self.keys[path] = self.keys.get(path, set(value)) & set(value)
            for key, each in value.items():
                self.read(each, f"{path}.{key}")
        if isinstance(value, list):
            for each in value:
                self.read(each, f"{path}[]")
        return self

    def as_json(self):
        return {
            "types": {path: sorted(types) for path, types in self.types.items()},
            "keys": {path: sorted(keys) for path, keys in self.keys.items()},
        }


def of_files(folder, pattern):
    shape = Shape()
    for file in sorted(folder.glob(pattern)) if pattern else ():
        shape.read(json.loads(file.read_text()))
    return shape.as_json()


def shapes(kind):
    """(recorded, documented) shapes of a kind of answer."""
    folder = os.environ.get("RETURNS_CONTRACT_SAMPLES")
    if folder:
        return tuple(of_files(Path(folder) / "returngo", pattern) for pattern in KINDS[kind])
    return tuple(json.loads(NOTED.read_text())[kind])


def answers_of_all_kinds(served):
    """One detail of each sort of return, both lists, webhooks and a shipment."""
    world = served.world
    exchange = served.approved(
        wanted(
            resolution_type="InstantVariantExchange", exchange_for=ExchangeItem("501", "602", "OXF-L", amount("30.00"))
        ),
        wanted(variant_name=None, barcode=None),
    )
    kept = served.approved(wanted(method=NO_SHIPMENT))
    world.refund(kept.rma_id, outcome="Failed")
    inspected = served.approved()
    world.validate_item(inspected.rma_id, inspected.items[0].returned_item_id, is_returned=True, is_restockable=False)
    served.call("POST", "/webhook", json={"url": "https://example.com/x", "eventName": "RMA_CREATED"})
    pending = served.ask()
    return {
        "detail": [
            served.get(f"/rma/{rma.rma_id}", includeMedia="true").json() for rma in (exchange, kept, inspected, pending)
        ],
        "rmas": [served.get("/rmas", pagesize=2).json()],
        "transactions": [served.get("/transactions", pagesize=2).json()],
        "webhooks": [served.get("/webhooks").json()],
        "shipment": [
            served.call("PUT", f"/shipment/{exchange.shipments[0].shipment_id}", json={"status": "Shipped"}).json()
        ],
    }


@pytest.mark.parametrize("kind", KINDS)
def test_answers_have_no_key_and_no_type_that_was_never_seen(api, kind):
    recorded, documented = shapes(kind)
    strays = {}
    for answer in answers_of_all_kinds(api)[kind]:
        for path, types in Shape().read(answer).types.items():
            known = set(recorded["types"].get(path, []))
            allowed = known if known - {"null"} else known | {"null"} | set(documented["types"].get(path, []))
            if not types <= allowed:
                strays[path] = (sorted(types), sorted(allowed))
    assert strays == {}


@pytest.mark.parametrize("kind", KINDS)
def test_answers_lack_no_key_that_every_recording_has(api, kind):
    recorded, _ = shapes(kind)
    missing = {}
    for answer in answers_of_all_kinds(api)[kind]:
        for path, keys in Shape().read(answer).keys.items():
            lost = set(recorded["keys"].get(path, [])) - keys - {"next_cursor"}
            if lost:
                missing[path] = sorted(lost)
    assert missing == {}


@pytest.mark.parametrize(
    "path",
    [".rmaSummary.rmaId", ".items[].returnedItemId", ".items[].paidPrice.amount", ".items[].taxIncluded", ".createdAt"],
)
def test_what_was_never_null_is_not_null(api, path):
    recorded, _ = shapes("detail")
    seen = {kind for answer in answers_of_all_kinds(api)["detail"] for kind in Shape().read(answer).types[path]}
    assert seen == set(recorded["types"][path])
