"""Delivery that the customer paid for: a row of its own on the sale, credited at most once per order and never spread over goods. Scenario 35.

Delivery that is not refunded stays consideration for a supply that was made, so its tax stays due.
"""

import re
from collections.abc import Iterable, Mapping
from typing import Any

# The reason on a posted delivery row, which no goods-in can back.
LIFE = "delivery_refunded"

_WORDS = re.compile(r"\b(deliver\w*|shipping|postage|carriage|freight)\b", re.IGNORECASE)


def is_delivery(row: Mapping[str, Any]) -> bool:
    """Whether a row of a sale is delivery: a text row that says so."""
    return (
        row["product_id"] is None
        and row["quantity"] > 0
        and row["net_minor"] >= 0
        and bool(_WORDS.search(row["name"] or ""))
    )


def refunded_delivery(
    policy: str, delivery: Mapping[str, Any], goods_left: int, refunded_minor: int, paid_minor: int, tolerance: int
) -> bool:
    """Whether the delivery row goes back with this return.

    Args:
        policy: `policy.refund_delivery`.
        delivery: the sale's delivery row.
        goods_left: units of the sale's goods that no credit has taken, this return's included.
        refunded_minor: successful refunds of the return.
        paid_minor: what was paid for the return's units, less fees.
        tolerance: minor units that two roundings may differ by.
    """
    if policy == "full_return":
        return goods_left == 0
    gross = delivery["net_minor"] + delivery["tax_minor"]
    return policy == "as_refunded" and gross > 0 and abs(refunded_minor - paid_minor - gross) <= tolerance


def delivery_rows(order_rows: Iterable[Mapping[str, Any]]) -> list[Mapping[str, Any]]:
    """The delivery rows of one sale, first one first."""
    return sorted(
        (row for row in order_rows if is_delivery(row)), key=lambda row: (row["sequence"], row["order_row_id"])
    )
