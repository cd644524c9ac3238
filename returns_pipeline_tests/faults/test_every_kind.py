"""Every kind of write against the sandbox: carried out once, and once only when its answer is lost."""

import pytest

from returns_pipeline.sandbox.faults import Fault
from returns_pipeline_tests.faults.shop import ALONE, ON_A_CREDIT, planned
from returns_pipeline_tests.storage.ledger import books


@pytest.mark.parametrize("kind", [*ON_A_CREDIT, *ALONE])
def test_each_kind_is_carried_out_once_and_known_to_be(shop, kind):
    """The ordinary answer of every write must be understood, or the first live day ends in unknowns."""
    key = planned(shop, kind)
    before = len(shop.writes())
    report = shop.drain()
    assert (shop.state(key), report.mismatched, report.stopped_reason) == ("confirmed", 0, None)
    shop.drain()
    assert len(shop.writes()) == before + 1


@pytest.mark.parametrize("kind", [kind for kind in [*ON_A_CREDIT, *ALONE] if kind != "transfer.create"])
def test_f12_f44_each_kind_whose_answer_is_lost_is_found_and_not_repeated(shop, kind):
    """Carried out, and nobody saw it: the other system's state tells."""
    key = planned(shop, kind)
    before = len(shop.writes())
    shop.sandbox.faults.add(
        Fault(
            "commit_then_drop",
            api="returngo" if kind.startswith("returngo") else "brightpearl",
            method="POST|PUT|PATCH|DELETE",
        )
    )
    shop.drain()
    shop.settle()
    assert shop.state(key) == "confirmed", books.effect_of(shop.connection, key).reason
    shop.drain()
    assert len(shop.writes()) == before + 1


@pytest.mark.parametrize(
    "kind", ["credit.raise", "goods_in.write", "refund.record", "transfer.create", "transfer.dispatch"]
)
def test_what_makes_an_object_and_cannot_be_found_halts(shop, kind):
    """Unproven, a second try could be a second object."""
    key = planned(shop, kind)
    before = len(shop.writes())
    shop.sandbox.faults.add(Fault("drop_before_commit", method="POST"))
    shop.drain()
    shop.connection.execute("UPDATE effect SET sent_at = sent_at - interval '20 minutes' WHERE state = 'unknown'")
    shop.settle()
    # Of credits there is an index to wait for: it has shown nothing newer yet, so that its silence proves nothing.
    assert shop.state(key) == ("unknown" if kind == "credit.raise" else "halted")
    shop.drain()
    assert len(shop.writes()) == before + 1


@pytest.mark.parametrize(
    "kind", ["credit.cancel", "credit.amend", "credit.annotate", "transfer.ship", "returngo.receive"]
)
def test_what_only_changes_a_state_is_sent_again_once_its_absence_is_seen(shop, kind):
    """The record itself shows that it did not happen, and doing it twice would leave the same state."""
    key = planned(shop, kind)
    shop.sandbox.faults.add(
        Fault(
            "drop_before_commit",
            api="returngo" if kind.startswith("returngo") else "brightpearl",
            method="POST|PUT|PATCH",
        )
    )
    shop.drain()
    shop.settle()
    assert shop.state(key) == "planned"
    shop.drain()
    assert shop.state(key) == "confirmed"
