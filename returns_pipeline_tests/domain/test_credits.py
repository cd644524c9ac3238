"""Whole lives of returns over the real ledger: raised, received, amended, posted, noted, paid. Numbers in names are the scenarios'."""

import psycopg
import pytest

from returns_pipeline import schemas
from returns_pipeline_tests.domain.retail import Retail
from returns_pipeline_tests.storage.ledger import books


@pytest.fixture
def retail(connection: psycopg.Connection) -> Retail:
    """Three of one shirt were sold for 30.00 + 6.00, one of them is asked back."""
    world = Retail(connection)
    world.sale(5001, [(9001, "SHIRT", 3, 3000, 600)])
    return world


def held(retail: Retail) -> dict[str, str]:
    """Action -> hold code of what is not ok."""
    proposals = retail.decide()
    return dict(zip(proposals["action"], proposals["hold_code"], strict=True))


def test_s1_an_approved_return_is_raised_and_not_posted_before_goods_come(retail):
    """Else the customer is credited for goods that nobody has seen."""
    retail.rma(77, 5001)
    retail.units(77, "SHIRT", 1200, 200, shipment_id=1)
    assert retail.step() == ["raise:77:5001:1"]
    assert retail.step() == []
    assert books.figures(retail.connection) == (1, 1000, 200, 0, 0, 0)


def test_a_received_return_is_posted_noted_and_its_refund_recorded(retail):
    """The ordinary life, each act once."""
    retail.rma(77, 5001)
    items = retail.units(77, "SHIRT", 1200, 200, shipment_id=1)
    retail.step()
    retail.receive(8001, "SHIRT", 1)
    assert retail.step() == ["post:8001"]
    retail.refund(42, 77, 1200, items)
    assert sorted(retail.step()) == ["annotate:8001", "refund:42:8001"]
    assert retail.step() == []
    assert books.figures(retail.connection) == (0, 0, 0, 1, 1000, 200)


def test_every_proposal_fits_its_schema(retail):
    """A proposal that does not fit would close the gate of the whole shop."""
    retail.rma(77, 5001)
    retail.units(77, "SHIRT", 1200, 200, count=2, shipment_id=1)
    for _ in range(2):
        good, refused = schemas.validate("returns_credit_proposals", retail.decide())
        assert len(good) > 0
        assert refused.empty, refused
        retail.step()
        retail.receive(8001, "SHIRT", 2)
