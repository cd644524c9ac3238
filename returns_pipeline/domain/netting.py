"""Fees in an account that refuses rows with a minus: they are taken off the rows of the goods, and the credit's note names them.

What is due as a fee is decided in `fees`. The ledger and the balances hold the goods' full share either way; only what stands in Brightpearl is less.
"""

import dataclasses
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from returns_pipeline.domain.fees import FeeRow

Row = Mapping[str, Any]
Money = tuple[int, int]


def netted(fees: Iterable[FeeRow], goods: Sequence[Row]) -> list[FeeRow]:
    """The fees with the rows that bear them, the greatest first; what no row can bear waits for the return's next credit.

    Args:
        fees: of `fees.fee_rows`.
        goods: the credit's rows with order_row_id, net_minor and tax_minor.
    """
    left = {row["order_row_id"]: (row["net_minor"], row["tax_minor"]) for row in goods}
    borne = []
    for fee in fees:
        net, tax = fee.net_minor, fee.tax_minor
        into = []
        for order_row_id in sorted(left, key=lambda each: (-sum(left[each]), each)):
            taken = min(net, left[order_row_id][0]), min(tax, left[order_row_id][1])
            if not any(taken):
                continue
            left[order_row_id] = (left[order_row_id][0] - taken[0], left[order_row_id][1] - taken[1])
            net, tax = net - taken[0], tax - taken[1]
            into.append({"order_row_id": order_row_id, "net_minor": taken[0], "tax_minor": taken[1]})
        if into:
            borne.append(
                dataclasses.replace(fee, net_minor=fee.net_minor - net, tax_minor=fee.tax_minor - tax, netted_into=into)
            )
    return borne


def kept_back(fees: Iterable[Row]) -> dict[int, Money]:
    """Order row -> net and tax that fees take off its row of the credit.

    Args:
        fees: as the ledger keeps them.
    """
    totals: dict[int, Money] = {}
    for fee in fees:
        for part in fee["netted_into"]:
            net, tax = totals.get(part["order_row_id"], (0, 0))
            totals[part["order_row_id"]] = (net + part["net_minor"], tax + part["tax_minor"])
    return totals


def as_written(rows: Sequence[Row]) -> list[Row]:
    """A credit's proposed rows as they stand in Brightpearl: goods less what fees take off them, and only those fees that are rows.

    Args:
        rows: proposals of one credit; several may be about one order row, and a fee is taken off the last of them.
    """
    off = kept_back(row["details"]["fee"] for row in rows if "fee" in row["details"])
    written: list[Row] = []
    for row in reversed(rows):
        if "fee" in row["details"]:
            if not row["details"]["fee"]["netted_into"]:
                written.append(row)
            continue
        net, tax = off.pop(row["order_row_id"], (0, 0))
        written.append({**row, "net_minor": row["net_minor"] - net, "tax_minor": row["tax_minor"] - tax})
    return written[::-1]
