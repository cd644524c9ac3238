"""What is known of one shop's open returns when its credits are decided. No rule: those are in `credits` and the rooms that it names."""

import datetime as dt
from dataclasses import dataclass, replace

import pandas as pd


@dataclass(frozen=True)
class CreditFacts:
    """The frames of one shop's open returns that decide about credits; each has the columns of its table.

    Attributes:
        balances: the ledger's balance rows of the sales.
        effects, ledger_lines: the ledger (`storage.ledger.read_effects`, `read_lines`).
        decisions: operator decisions in force.
        newest_return: when the shop's newest return was asked for. An announced return ages by the shop's own clock: while nothing at all
            is asked for (a season's pause, a store of test data), nothing is given up either.
        locked_until: the last day of the shop's locked period.
    """

    rmas: pd.DataFrame
    return_lines: pd.DataFrame
    items: pd.DataFrame
    shipments: pd.DataFrame
    transactions: pd.DataFrame
    receipts: pd.DataFrame
    orders: pd.DataFrame
    order_rows: pd.DataFrame
    products: pd.DataFrame
    credits: pd.DataFrame
    credit_rows: pd.DataFrame
    balances: pd.DataFrame
    effects: pd.DataFrame
    ledger_lines: pd.DataFrame
    decisions: pd.DataFrame
    newest_return: dt.datetime | None = None
    locked_until: dt.date | None = None

    def without(self, order_ids: pd.Index) -> "CreditFacts":
        """The facts of the other sales: nothing of these sales, nor of the returns from them."""
        rma_ids = pd.Index(self.return_lines.loc[self.return_lines["order_id"].isin(order_ids), "rma_id"].unique())
        of_sale = {
            name: _without(getattr(self, name), "order_id", order_ids) for name in ("orders", "order_rows", "balances")
        }
        of_return = {
            name: _without(getattr(self, name), "rma_id", rma_ids)
            for name in ("rmas", "return_lines", "items", "shipments", "transactions")
        }
        return replace(self, **of_sale, **of_return)


def _without(frame: pd.DataFrame, column: str, ids: pd.Index) -> pd.DataFrame:
    return frame[~frame[column].isin(ids)]
