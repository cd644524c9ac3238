"""The SKU check: what may be credited must have been sold."""

import pandas as pd

from returns_pipeline.checks.every_judged_sku_was_sold import rule


def lines(**overrides):
    row = {
        "shop": "uk",
        "rma_id": 7,
        "verdict": "ok",
        "hold_code": None,
        "order_row_id": 3,
        "sku_sold": "A",
        "sku_returned": "A",
        "paid_price_minor": 100,
        "currency": "GBP",
    }
    return pd.DataFrame([row | overrides])


def test_a_sold_sku_is_no_violation():
    assert list(rule(lines())) == []


def test_a_line_held_for_its_sku_is_a_violation_that_names_the_rma_and_the_money():
    (violation,) = rule(lines(verdict="held", hold_code="sku_unknown", order_row_id=None, sku_sold=None))
    assert (violation.subject_id, violation.money_minor, violation.currency) == ("7", 100, "GBP")


def test_a_line_judged_right_without_a_sold_row_is_a_violation():
    assert len(list(rule(lines(order_row_id=None)))) == 1
