"""The tax check: a share of the quantity carries that share of the tax."""

import pandas as pd
import pytest

from returns_pipeline.checks.tax_is_in_proportion import rule


def proposals(**overrides):
    row = {
        "proposal_id": "raise:1:1:1", "action": "raise", "shop": "uk", "rma_id": 7, "verdict": "ok", "quantity": 1, "charged_quantity": 3,
        "charged_tax_minor": 200, "tax_minor": 67, "currency": "GBP",
    }  # fmt: skip
    return pd.DataFrame([row | overrides])


@pytest.mark.parametrize("tax_minor", [66, 67])
def test_a_third_of_two_pounds_may_be_66_or_67_pence(tax_minor):
    assert list(rule(proposals(tax_minor=tax_minor))) == []


@pytest.mark.parametrize("tax_minor", [65, 69, 0, 200])
def test_more_than_a_penny_off_is_a_violation(tax_minor):
    (violation,) = rule(proposals(tax_minor=tax_minor))
    assert violation.subject_id == "raise:1:1:1"


def test_a_held_row_is_not_judged_twice():
    assert list(rule(proposals(tax_minor=0, verdict="held"))) == []
