"""Which credits that others wrote are exactly what we would raise: same sale, same rows, same units, same money, unposted. Those become ours."""

from collections.abc import Mapping
from typing import Any

import pandas as pd

Rows = Mapping[int, tuple[int, int, int]]


def adoptable(
    proposed: list[dict[str, Any]], credits: pd.DataFrame, credit_rows: pd.DataFrame, known_ids: set[int]
) -> dict[str, int]:
    """Business key of a raise -> id of the credit by others that it is.

    Args:
        proposed: rows of `propose_raises`, as if nobody else had credited anything.
        credits, credit_rows: on those sales, rows matched to the sale's rows.
        known_ids: credits that are ours already.
    """
    free = credits[
        ~credits["credit_id"].isin(known_ids)
        & ~credits["is_cancelled"]
        & ~credits["is_gone"]
        & (credits["invoice_reference"] == "")
    ]
    goods = credit_rows[credit_rows["credit_id"].isin(free["credit_id"]) & ~credit_rows["is_bundle_child"]]
    standing: dict[int, dict[int, list[int]]] = {}
    complete = set(free["credit_id"]) - set(goods.loc[goods["order_row_id"].isna(), "credit_id"])
    for row in goods[goods["credit_id"].isin(complete)].to_dict("records"):
        of_credit = standing.setdefault(row["credit_id"], {}).setdefault(int(row["order_row_id"]), [0, 0, 0])
        for place, name in enumerate(("quantity", "net_minor", "tax_minor")):
            of_credit[place] += row[name]
    order_of = dict(zip(free["credit_id"], free["order_id"], strict=True))
    found: dict[str, int] = {}
    for key, wanted in _wanted(proposed).items():
        for credit_id, rows in sorted(standing.items()):
            if (
                credit_id not in found.values()
                and order_of[credit_id] == wanted["order_id"]
                and {row: tuple(values) for row, values in rows.items()} == wanted["rows"]
            ):
                found[key] = credit_id
                break
    return found


def _wanted(proposed: list[dict[str, Any]]) -> dict[str, dict[str, Any]]:
    wanted: dict[str, dict[str, Any]] = {}
    for row in proposed:
        if row["action"] != "raise" or row["verdict"] == "held":
            continue
        entry = wanted.setdefault(row["business_key"], {"order_id": row["order_id"], "rows": {}})
        entry["rows"][row["order_row_id"]] = (row["quantity"], row["net_minor"], row["tax_minor"])
    return wanted
