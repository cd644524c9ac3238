"""What each order row has left within one pass, and the share that the next units take of it, with its proof. The ledger books it later.

Source: cumulative difference (`proration`). What others credited counts in units; where their money is odd, ours stays the exact share,
bounded by what is left of the invoice.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

import pandas as pd

from returns_pipeline.domain.proration import round_half_up_ratio, share_row
from returns_pipeline.domain.records import by_key

_MILLIONTH = Decimal("0.000001")


@dataclass(frozen=True)
class Share:
    """Units of an order row with their money in minor units, what was taken before, and the tax before rounding.

    Attributes:
        is_cut: less money is left than these units were charged: others took value without units.
    """

    quantity: int
    net_minor: int
    tax_minor: int
    before_quantity: int
    before_net_minor: int
    before_tax_minor: int
    exact_tax_minor: Decimal
    rounding_minor: Decimal
    is_cut: bool = False


class Allotment:
    """The order rows' balances as this pass uses them up.

    Args:
        balances: the ledger's balance rows.
        foreign: what others credited per order row, as read now (`foreign_facts`).
    """

    def __init__(self, balances: pd.DataFrame, foreign: pd.DataFrame) -> None:
        self._rows = by_key(balances, "order_row_id")
        strangers = by_key(foreign, "order_row_id")
        for order_row_id, row in self._rows.items():
            stranger = strangers.get(order_row_id, {})
            for name in ("qty", "net", "tax"):
                row[f"own_{name}"] = row[f"announced_{name}"] + row[f"posted_{name}"]
                row[f"foreign_{name}"] = int(stranger.get(f"foreign_{name}", 0))

    def row(self, order_row_id: int) -> Mapping[str, Any] | None:
        """The balance row, with `own_qty`, `own_net`, `own_tax` and the `foreign_` figures; None where the row cannot be credited."""
        return self._rows.get(order_row_id)

    def balance_of(self, order_row_id: int) -> Mapping[str, Any]:
        """The balance row of an order row that a credit of ours holds units of: the ledger took them from it, so it is there."""
        return self._rows[order_row_id]

    def left(self, order_row_id: int, shipped_quantity: int) -> int:
        """Units that were shipped and that nobody has credited yet."""
        row = self._rows[order_row_id]
        return max(0, min(shipped_quantity, row["ordered_qty"]) - row["own_qty"] - row["foreign_qty"])

    def take(self, order_row_id: int, quantity: int) -> Share:
        """The share of `quantity` more units, which are taken from then on.

        Raises:
            ValueError: more units than are left.
        """
        row = self._rows[order_row_id]
        before_net, before_tax = self._before(row)
        before = row["own_qty"] + row["foreign_qty"]
        net, tax = share_row(
            row["price_mode"],
            row["ordered_qty"],
            row["net_minor"],
            row["tax_minor"],
            before,
            before_net,
            before_tax,
            quantity,
        )
        net_left, tax_left = (
            row[f"{name}_minor"] - row[f"own_{name}"] - row[f"foreign_{name}"] for name in ("net", "tax")
        )
        taken_net, taken_tax = min(net, max(0, net_left)), min(tax, max(0, tax_left))
        for name, value in (("qty", quantity), ("net", taken_net), ("tax", taken_tax)):
            row[f"own_{name}"] += value
        exact, rounding = tax_proof(row, before, before_tax, quantity, taken_tax)
        return Share(
            quantity,
            taken_net,
            taken_tax,
            before,
            before_net,
            before_tax,
            exact,
            rounding,
            (taken_net, taken_tax) != (net, tax),
        )

    @staticmethod
    def _before(row: Mapping[str, Any]) -> tuple[int, int]:
        """Net and tax taken before: ours as booked, others' as the share of their units."""
        after = row["own_qty"] + row["foreign_qty"]

        def foreign_share(total: int) -> int:
            return round_half_up_ratio(total * after, row["ordered_qty"]) - round_half_up_ratio(
                total * row["own_qty"], row["ordered_qty"]
            )

        tax = foreign_share(row["tax_minor"])
        if row["price_mode"] == "EXC":
            return row["own_net"] + foreign_share(row["net_minor"]), row["own_tax"] + tax
        return row["own_net"] + foreign_share(row["net_minor"] + row["tax_minor"]) - tax, row["own_tax"] + tax


def tax_proof(
    row: Mapping[str, Any], before_quantity: int, before_tax: int, quantity: int, tax: int
) -> tuple[Decimal, Decimal]:
    """The unrounded cumulative share of the tax less what was taken before, and what rounding added, in minor units."""
    exact = Decimal(row["tax_minor"] * (before_quantity + quantity)) / Decimal(row["ordered_qty"]) - before_tax
    return exact.quantize(_MILLIONTH), (tax - exact).quantize(_MILLIONTH)
