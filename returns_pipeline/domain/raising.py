"""Which expected returns to raise: unposted credits for what customers announced, each row with its exact share of what was charged.

Scenarios 1, 13, 27 to 32, 46, 64, 65, 67, 68, 70, 77. A credit that others already wrote is adopted or counted, never doubled.
"""

from collections.abc import Mapping
from typing import Any

import pandas as pd

from returns_pipeline.domain import lives
from returns_pipeline.domain.proposals import exact, held, proposal
from returns_pipeline.domain.proration import share_frame
from returns_pipeline.settings import Settings, ShopSettings

_ANNOUNCED_STATUSES = ("Approved", "Received", "Validated", "Done")
_MOVING = ("Shipped", "Received", "Validated")


def lines_to_raise(
    return_lines: pd.DataFrame, shipments: pd.DataFrame, standing: pd.DataFrame, shop: ShopSettings
) -> pd.DataFrame:
    """Return lines whose quantity is not yet on a credit of ours, with `missing` units and `hold` where the policy says no.

    Args:
        return_lines: judged lines of one shop.
        shipments: their parcels.
        standing: what our credits hold.
        shop: its policy.
    """
    lines = return_lines[
        (return_lines["verdict"] == "ok")
        & return_lines["rma_status"].isin(_ANNOUNCED_STATUSES)
        & (return_lines["life"] != lives.CANCEL_ORDER)
    ].copy()
    lines["parcel"] = lines["shipment_id"].fillna(0).astype("int64")
    covered = standing[~standing["is_cancelled"]].assign(
        parcel=lambda frame: frame["shipment_id"].fillna(0).astype("int64")
    )
    on_credits = covered.groupby(["rma_id", "order_row_id", "parcel"])["quantity"].sum().rename("covered").reset_index()
    lines = lines.merge(on_credits, on=["rma_id", "order_row_id", "parcel"], how="left")
    lines["missing"] = lines["quantity"] - lines["covered"].fillna(0).astype("int64")
    status = (
        lines["shipment_id"].map(shipments.set_index("shipment_id")["status"])
        if len(shipments)
        else pd.Series(None, index=lines.index, dtype="object")
    )
    is_moving = (
        status.isin(_MOVING)
        | lines["rma_status"].isin(["Received", "Validated", "Done"])
        | lines["life"].isin(lives.WITHOUT_RECEIPT)
    )
    announced = {
        "approval": pd.Series(data=True, index=lines.index),
        "in_transit": is_moving,
        "never": pd.Series(data=False, index=lines.index),
    }[shop.policy.announce]
    # What was cancelled because nobody sent it comes back only when the parcel moves.
    gone = standing[standing["is_cancelled"]].groupby("rma_id").size()
    was_cancelled = lines["rma_id"].isin(gone.index)
    raised_by_others = shop.policy.announce == "never"
    lines = lines[(lines["missing"] > 0) & (announced | raised_by_others) & (~was_cancelled | is_moving)].copy()
    lines["hold"] = lines["life"].map(_policy_holds(shop))
    return lines


def propose_raises(
    lines: pd.DataFrame,
    balances: pd.DataFrame,
    order_rows: pd.DataFrame,
    standing: pd.DataFrame,
    foreign: pd.DataFrame,
    adoptions: Mapping[str, int],
    settings: Settings,
) -> list[dict[str, Any]]:
    """Rows to raise, or held with the reason.

    Args:
        lines: of `lines_to_raise`, several shops or one.
        balances: what each order row has left.
        order_rows: tax codes and shipped quantities of the sales.
        standing: what our credits hold, for the numbers of parts.
        foreign: what others credited (`foreign_facts`).
        adoptions: business key -> id of a credit by others that is exactly this one.
        settings: who raises credits.
    """
    if lines.empty:
        return []
    lines = _numbered_parts(lines, standing)
    lines["business_key"] = (
        "raise:"
        + lines["rma_id"].astype("str")
        + ":"
        + lines["order_id"].astype("str")
        + ":"
        + lines["part"].astype("str")
    )
    shared = _shared(lines, balances)
    described = shared.merge(
        order_rows[["order_row_id", "tax_code", "shipped_quantity"]], on="order_row_id", how="left", validate="m:1"
    )
    strangers = foreign.set_index("order_row_id")["credit_ids"].to_dict() if len(foreign) else {}
    rows = [_row(line, number, strangers) for number, line in enumerate(described.to_dict("records"))]
    adopts_only = settings.brightpearl.credits_raised_by == "returngo"
    shops_that_adopt = {shop.label for shop in settings.shops if shop.policy.announce == "never"}
    return _whole_credits([_adopted(row, adoptions, adopts_only or row["shop"] in shops_that_adopt) for row in rows])


def _policy_holds(shop: ShopSettings) -> dict[str, str]:
    holds = {}
    if shop.policy.store_credit == "hold":
        holds[lives.STORE_CREDIT] = "store_credit_policy"
    for life in lives.WITHOUT_RECEIPT:
        if life not in shop.policy.credit_without_receipt:
            holds[life] = "not_credited_without_receipt"
    return holds


def _numbered_parts(lines: pd.DataFrame, standing: pd.DataFrame) -> pd.DataFrame:
    """The part of each line: parcels in ascending order, after the parts that are there."""
    taken = (
        standing.groupby(["rma_id", "order_id"])["part"].max().rename("last_part").reset_index()
        if len(standing)
        else pd.DataFrame(columns=["rma_id", "order_id", "last_part"])
    )
    lines = (
        lines.merge(taken, on=["rma_id", "order_id"], how="left")
        .sort_values(["rma_id", "order_id", "parcel", "order_row_id"])
        .reset_index(drop=True)
    )
    rank = lines.groupby(["rma_id", "order_id"])["parcel"].rank(method="dense").astype("int64")
    lines["part"] = lines["last_part"].fillna(0).astype("int64") + rank
    return lines


def _shared(lines: pd.DataFrame, balances: pd.DataFrame) -> pd.DataFrame:
    """Net, tax and proof of each line; lines of one order row follow each other, each taking what the ones before left."""
    lines = lines.merge(
        balances.rename(
            columns={
                "net_minor": "charged_net",
                "tax_minor": "charged_tax",
                "currency": "sale_currency",
                "order_id": "balance_order",
            }
        ),
        on="order_row_id",
        how="inner",
        validate="m:1",
    )
    for name in ("qty", "net", "tax"):
        lines[f"taken_{name}"] = lines[f"announced_{name}"] + lines[f"posted_{name}"] + lines[f"foreign_{name}"]
    lines["turn"] = lines.groupby("order_row_id").cumcount()
    done: list[pd.DataFrame] = []
    carried = pd.DataFrame(0, index=lines["order_row_id"].unique(), columns=["qty", "net", "tax"])
    for turn in range(int(lines["turn"].max()) + 1 if len(lines) else 0):
        now = lines[lines["turn"] == turn].copy()
        for name in ("qty", "net", "tax"):
            now[f"taken_{name}"] += now["order_row_id"].map(carried[name])
        shares = share_frame(
            now.rename(columns={"charged_net": "net_minor", "charged_tax": "tax_minor"}).assign(quantity=now["missing"])
        )
        now[["share_net", "share_tax", "exact", "rounding"]] = shares[
            ["net_minor", "tax_minor", "exact_tax_millionths", "rounding_millionths"]
        ].to_numpy()
        for name, column in (("qty", "missing"), ("net", "share_net"), ("tax", "share_tax")):
            carried.loc[now["order_row_id"], name] += now[column].to_numpy()
        done.append(now)
    return pd.concat(done, ignore_index=True) if done else lines.assign(share_net=0, share_tax=0, exact=0, rounding=0)


def _row(line: dict[str, Any], number: int, strangers: Mapping[int, list[int]]) -> dict[str, Any]:
    row = proposal(
        "raise",
        line["business_key"],
        number,
        shop=line["shop"],
        rma_id=line["rma_id"],
        order_id=line["order_id"],
        part=line["part"],
        order_row_id=line["order_row_id"],
        return_line_id=line["return_line_id"],
        quantity=line["missing"],
        net_minor=int(line["share_net"]),
        tax_minor=int(line["share_tax"]),
        currency=line["sale_currency"],
        tax_code=line["tax_code"],
        charged_quantity=line["ordered_qty"],
        charged_net_minor=line["charged_net"],
        charged_tax_minor=line["charged_tax"],
        before_quantity=line["taken_qty"],
        before_net_minor=line["taken_net"],
        before_tax_minor=line["taken_tax"],
        exact_tax_minor=exact(line["exact"]),
        rounding_minor=exact(line["rounding"]),
        portal_paid_minor=line["paid_price_minor"],
        portal_fee_minor=line["fee_minor"],
        details={
            "life": line["life"],
            "shipment_id": _whole(line["shipment_id"]),
            "reasons": line["return_reasons"] or "",
        },
    )
    if isinstance(line["hold"], str):
        return held(
            row, line["hold"], "a policy that credits this kind of return", f"{line['life']} of {line['missing']} units"
        )
    left = min(line["shipped_quantity"], line["ordered_qty"]) - line["taken_qty"]
    if line["missing"] <= left:
        return row
    if line["foreign_qty"] > 0:
        ids = ", ".join(str(credit_id) for credit_id in strangers.get(line["order_row_id"], []))
        return held(
            row,
            "foreign_credit",
            f"{line['missing']} units not yet credited",
            f"{line['foreign_qty']} units on credit {ids} that the pipeline did not write",
        )
    return held(row, "quantity_exceeds_shipped", f"at most {max(left, 0)} units", f"{line['missing']} units")


def _adopted(row: dict[str, Any], adoptions: Mapping[str, int], adopts_only: bool) -> dict[str, Any]:
    if row["verdict"] == "ok" and row["business_key"] in adoptions:
        return row | {"details": row["details"] | {"adopt_remote_id": adoptions[row["business_key"]]}}
    if row["verdict"] == "ok" and adopts_only:
        return held(
            row, "awaiting_foreign_credit", "a credit raised by the other system", "none on this sale yet", waits=True
        )
    return row


def _whole_credits(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """A credit is raised whole: where one row of it is held, its other rows wait."""
    troubled = {row["business_key"]: row for row in rows if row["verdict"] != "ok"}
    return [
        held(
            row,
            troubled[row["business_key"]]["hold_code"],
            "every row of the credit in order",
            "another row of this return is held",
            waits=True,
        )
        if row["verdict"] == "ok" and row["business_key"] in troubled
        else row
        for row in rows
    ]


def _whole(value: object) -> int | None:
    return None if value is None or pd.isna(value) is True else int(str(value))
