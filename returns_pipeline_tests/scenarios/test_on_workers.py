"""Past one machine: the steps of a sync go to Celery workers, and the books end as if one process had done it all."""

from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from returns_pipeline.commands.sync import sync
from returns_pipeline.stages.passes import Scope
from returns_pipeline.storage import database
from returns_pipeline_tests.scenarios.conftest import OpenShop
from returns_pipeline_tests.scenarios.retailer import Retailer, Return
from returns_pipeline_tests.scenarios.workers import NAMES, broker_variables, steps_taken, sync_on_workers, workers


@pytest.mark.xdist_group("workers")
def test_two_workers_end_with_the_same_books_as_one_process(open_shop: OpenShop, tmp_path: Path) -> None:
    """Steps of one run in processes of their own share the ledger, its locks and the quota; nothing may be lost or doubled."""
    with open_shop() as retailer:
        returns = two_shops(retailer)
        assert sync(Scope(is_sweep=True)).is_good
        alone = books(retailer, returns)
    with pytest.MonkeyPatch.context() as patch:
        for name, value in broker_variables().items():
            patch.setenv(name, value)
        with open_shop() as retailer, workers(tmp_path):
            returns = two_shops(retailer)
            sync_on_workers("full_sweep")
            together = books(retailer, returns)
    assert together == alone
    written = Counter((shop, kind) for shop, kind, state, *_ in together["effects"] if state == "confirmed")
    for shop in ("uk", "eu"):
        assert written[shop, "credit.raise"] == 3
        assert written[shop, "credit.post"] == 2
        assert written[shop, "returngo.receive"] == 2
        assert written[shop, "transfer.create"] == 1
    taken = steps_taken(tmp_path)
    assert all(taken[name] >= 3 for name in NAMES), taken


def two_shops(retailer: Retailer) -> list[Return]:
    """Each shop has one return under way, two that came back (one of them damaged), a new one, and UK one of goods it never stocked."""
    first = [retailer.approved(retailer.order(shop=shop)) for shop in ("uk", "eu") for _ in range(2)]
    first.append(retailer.approved(retailer.order("drop_ship")))
    retailer.sandbox.post("/advance", {"hours": 25})
    assert sync(Scope()).is_good
    for asked, result in zip(first[:4], ("pass", "fail") * 2, strict=True):
        retailer.send_back(asked)
        retailer.inspect(asked, result)
    first += [retailer.approved(retailer.order(shop=shop)) for shop in ("uk", "eu")]
    retailer.sandbox.post("/advance", {"hours": 25})
    return first


def books(retailer: Retailer, returns: list[Return]) -> dict[str, Any]:
    """The ledger, what is open, and what both accounts really hold, without the numbers and moments that are no part of the books."""
    state = retailer.state()
    with database.connect() as connection:
        effects = connection.execute("SELECT shop, kind, state::text, quantity, net_minor, tax_minor FROM effects")
        cases = connection.execute("SELECT shop, code, rma_id, money_minor FROM exceptions_open")
        return {
            "effects": sorted(effects.fetchall(), key=repr),
            "exceptions": sorted(cases.fetchall(), key=repr),
            "credits": [retailer.credits(asked.order) for asked in returns],
            "parcels": [retailer.parcels(asked) for asked in returns],
            "payments": sorted((each["method"], each["amount"]) for each in state["brightpearl"]["payments"]),
            "stock": [retailer.on_sale(asked.order.sku) for asked in returns],
            "transfers": len(state["brightpearl"]["transfers"]),
        }
