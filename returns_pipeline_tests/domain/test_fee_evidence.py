"""What refunds say about repeated fees."""

import pytest

from returns_pipeline.domain.fee_evidence import Borne, against_the_setting


@pytest.mark.parametrize("scopes", [[], ["item"], ["item", "rma"]])
def test_nothing_and_a_newest_refund_that_fits_are_no_finding(scopes):
    """An old contradiction that newer refunds have answered is over."""
    assert against_the_setting([Borne(9 - number, scope) for number, scope in enumerate(scopes)], "item", "uk") == []


def test_the_newest_refund_that_speaks_against_the_setting_is_named_with_the_count():
    """Finance compares one return, and sees how many more there are."""
    (told,) = against_the_setting([Borne(9, "rma"), Borne(8, "item"), Borne(7, "rma")], "item", "uk")
    assert (told.code, told.subject_id) == ("fee_scope_contradicted", "returngo.fee_scope:uk")
    assert told.found == "2 refunds fit 'rma', 1 fit 'item'; the newest is RMA 9"
