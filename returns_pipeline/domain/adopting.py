"""Which credits that others wrote are just what we would raise: same sale, same rows, same units, same money, unposted. Those become ours.

Scenario 67. A person may say that a credit with the same rows and units but other money is meant; its money is then taken as it stands.
"""

from collections.abc import Mapping
from typing import Any

import pandas as pd

from returns_pipeline.domain.proposals import held
from returns_pipeline.domain.records import records
from returns_pipeline.domain.rulings import Rulings

Rows = Mapping[int, tuple[int, int, int]]


def adoptable(
    proposed: list[dict[str, Any]], credits: pd.DataFrame, credit_rows: pd.DataFrame, free: set[int], rulings: Rulings
) -> dict[str, int]:
    """Business key of a raise -> id of the credit by others that it is.

    Args:
        proposed: rows of `propose_raises`, as if the free credits were not there.
        credits, credit_rows: on those sales, rows matched to the sale's rows.
        free: credits by others that may become ours.
        rulings: `adopt_credit` decisions name a credit whose money differs.
    """
    standing = _rows_by_credit(credit_rows, free)
    order_of = dict(zip(credits["credit_id"], credits["order_id"], strict=True))
    found: dict[str, int] = {}
    for key, (order_id, rma_id, rows) in _wanted(proposed).items():
        for credit_id, theirs in sorted(standing.items()):
            is_meant = (
                rulings.on_credit("adopt_credit", credit_id) is not None
                or rulings.on_return("adopt_credit", rma_id) is not None
            )
            if credit_id in found.values() or order_of[credit_id] != order_id:
                continue
            if theirs == rows or (
                is_meant
                and {row: units for row, (units, *_) in theirs.items()}
                == {row: units for row, (units, *_) in rows.items()}
            ):
                found[key] = credit_id
                break
    return found


def agree(
    proposed: list[dict[str, Any]], adoptions: Mapping[str, int], credit_rows: pd.DataFrame
) -> list[dict[str, Any]]:
    """The rows with the credit that each adopts, in that credit's own money; held where it would take more than is left of the invoice."""
    theirs = _rows_by_credit(credit_rows, set(adoptions.values()))
    rows = []
    for row in proposed:
        credit_id = adoptions.get(row["business_key"])
        if credit_id is None or row["verdict"] != "ok":
            rows.append(row)
            continue
        _, net, tax = theirs[credit_id][row["order_row_id"]]
        room = (row["charged_net_minor"] - row["before_net_minor"], row["charged_tax_minor"] - row["before_tax_minor"])
        if net > room[0] or tax > room[1]:
            rows.append(
                held(
                    row,
                    "foreign_credit",
                    f"at most {room[0]} and {room[1]} minor units",
                    f"{net} and {tax} on credit {credit_id}",
                )
            )
        else:
            rows.append(
                row | {"net_minor": net, "tax_minor": tax, "details": row["details"] | {"adopt_remote_id": credit_id}}
            )
    return rows


def _rows_by_credit(credit_rows: pd.DataFrame, free: set[int]) -> dict[int, dict[int, tuple[int, int, int]]]:
    """Units, net and tax by order row of each credit; a credit with a row that gives back nothing we know is left out."""
    found: dict[int, dict[int, tuple[int, int, int]]] = {}
    unknown: set[int] = set()
    for row in records(credit_rows[credit_rows["credit_id"].isin(free) & ~credit_rows["is_bundle_child"]]):
        if row["order_row_id"] is None:
            unknown.add(row["credit_id"])
            continue
        units, net, tax = found.setdefault(row["credit_id"], {}).get(row["order_row_id"], (0, 0, 0))
        found[row["credit_id"]][row["order_row_id"]] = (
            units + row["quantity"],
            net + row["net_minor"],
            tax + row["tax_minor"],
        )
    return {credit_id: rows for credit_id, rows in found.items() if credit_id not in unknown}


def _wanted(proposed: list[dict[str, Any]]) -> dict[str, tuple[int, int, Rows]]:
    """Sale, return and rows of each credit to raise; one with fees is not looked for, because others do not write them."""
    wanted: dict[str, tuple[int, int, dict[int, tuple[int, int, int]]]] = {}
    unfit = {row["business_key"] for row in proposed if row["verdict"] != "ok" or "fee" in row["details"]}
    for row in proposed:
        if row["business_key"] not in unfit:
            entry = wanted.setdefault(row["business_key"], (row["order_id"], row["rma_id"], {}))
            entry[2][row["order_row_id"]] = (row["quantity"], row["net_minor"], row["tax_minor"])
    return wanted  # type: ignore[return-value]
