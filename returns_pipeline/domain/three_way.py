"""Every return line beside its goods-in, its credit and its money, with a state and its cause in words. What is held is said by earlier stages.

Scenarios 2, 3, 4, 8, 10, 40, 51, 56. Quantities are the row's; money is in minor units of the sale's currency.
"""

import datetime as dt
from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd

from returns_pipeline.domain import lives
from returns_pipeline.domain.components import top_rows, whole_units
from returns_pipeline.domain.findings import subject_of
from returns_pipeline.domain.parcels import ParcelsToday
from returns_pipeline.domain.records import records
from returns_pipeline.settings import ShopSettings

COLUMNS = [
    "return_line_id", "shop", "rma_id", "order_id", "order_row_id", "currency", "tax_code", "life", "announced_quantity", "received_quantity",
    "credited_quantity", "raised_credit_ids", "received_on", "credited_on", "credit_reference", "expected_net_minor", "expected_tax_minor",
    "credited_net_minor", "credited_tax_minor", "foreign_quantity", "refunded_minor", "recorded_minor", "state", "cause", "difference_minor",
    "compared_at",
]  # fmt: skip
_OWED_NO_MONEY = (lives.EXCHANGE, lives.STORE_CREDIT, lives.GIFT_CARD)
_CAUSES = {
    "cancelled": "the return was withdrawn",
    "nothing_to_credit": "nothing was shipped, so nothing is credited",
    "held": "held: see its exception",
    "credited_by_others": "credited by somebody else",
    "complete": "received, credited and refunded",
    "stock_only": "stock is back, and the policy writes no credit note",
    "refund_mismatch": "the refund and the credit differ by more than rounding",
    "credited": "credited; the refund is not there yet",
    "credited_more_than_received": "a receipt was corrected down after the credit was posted",
    "received": "received; the credit is not posted yet",
    "refund_before_receipt": "refunded before any goods came in",
    "announced_not_arrived": "announced and never arrived",
    "announced": "announced; nothing came yet",
}


def three_way_match(
    return_lines: pd.DataFrame,
    receipts: pd.DataFrame,
    standing: pd.DataFrame,
    credits: pd.DataFrame,
    credit_rows: pd.DataFrame,
    order_rows: pd.DataFrame,
    foreign: pd.DataFrame,
    ledger_lines: pd.DataFrame,
    effects: pd.DataFrame,
    transactions: pd.DataFrame,
    shop: ShopSettings,
    patience: dt.timedelta,
    now: dt.datetime,
) -> pd.DataFrame:
    """The match of one shop's open return lines, with the columns of `finance_three_way_match`.

    Args:
        return_lines, receipts, credits, credit_rows, order_rows, transactions: frames of their tables.
        standing: what our credits hold.
        foreign: what others credited per order row.
        ledger_lines, effects: the ledger.
        shop: its policy.
        patience: how long an announced parcel may be under way.
        now: the pass's moment.
    """
    lines = return_lines.copy()
    lines["parcel"] = lines["shipment_id"].fillna(0).astype("int64")
    lines["tax_code"] = lines["order_row_id"].map(order_rows.set_index("order_row_id")["tax_code"])
    today = ParcelsToday(records(return_lines))
    lines = lines.merge(_received(receipts, credit_rows), on="return_line_id", how="left", validate="1:1")
    lines = lines.merge(
        _credited(standing, ledger_lines, credits, today),
        on=["rma_id", "order_row_id", "parcel"],
        how="left",
        validate="m:1",
    )
    lines = lines.merge(_raised(standing, today), on=["rma_id", "order_row_id", "parcel"], how="left", validate="m:1")
    lines["foreign_quantity"] = (
        lines["order_row_id"].map(foreign.set_index("order_row_id")["foreign_qty"]) if len(foreign) else 0
    )
    lines["refunded_minor"] = _refunded(lines, transactions)
    lines["recorded_minor"] = _recorded(lines, effects)
    for name in (
        "received_quantity",
        "credited_quantity",
        "unbacked_quantity",
        "credited_net_minor",
        "credited_tax_minor",
        "foreign_quantity",
    ):
        lines[name] = lines[name].fillna(0).astype("int64")
    lines["announced_quantity"] = lines["quantity"]
    lines["money_differs"] = _money_differs(lines, effects)
    lines["state"] = _states(lines, shop, patience, now)
    lines["cause"] = lines["state"].map(_CAUSES)
    lines["difference_minor"] = _differences(lines)
    lines["raised_credit_ids"] = lines["raised_credit_ids"].map(lambda ids: ids if isinstance(ids, list) else [])
    lines["compared_at"] = pd.Series(now, index=lines.index, dtype="datetime64[us, UTC]")
    return lines[COLUMNS]


def _received(receipts: pd.DataFrame, credit_rows: pd.DataFrame) -> pd.DataFrame:
    """Units that came and the day the first of them did; a bundle's components are one unit once they are all there."""
    good = receipts[receipts["return_line_id"].notna()]
    good = good.assign(top_row_id=top_rows(credit_rows, good["credit_row_id"]))
    line_of = good.drop_duplicates("top_row_id").set_index("top_row_id")["return_line_id"]
    units = whole_units(good, credit_rows, ["matched_quantity"])["matched_quantity"]
    quantities = units.groupby(units.index.map(line_of)).sum()
    came = good.groupby("return_line_id", as_index=False)["received_on"].min()
    return came.assign(received_quantity=came["return_line_id"].map(quantities))


def _credited(
    standing: pd.DataFrame, ledger_lines: pd.DataFrame, credits: pd.DataFrame, today: ParcelsToday
) -> pd.DataFrame:
    """Posted units and money per return, row and parcel, with the newest invoice reference."""
    posted = ledger_lines[(ledger_lines["kind"] == "credit.post") & (ledger_lines["state"] == "confirmed")]
    parcel = (
        standing.dropna(subset=["credit_id"])
        .drop_duplicates("credit_id")
        .set_index("credit_id")["shipment_id"]
        .fillna(0)
    )
    references = {
        credit_id: reference
        for credit_id, reference in zip(credits["credit_id"], credits["invoice_reference"], strict=True)
        if reference not in ("", "pending")
    }
    dates = dict(zip(credits["credit_id"], credits["invoice_tax_date"], strict=True))
    posted = posted.assign(
        parcel=posted["credit_id"].map(parcel).fillna(0).astype("int64"),
        # Posted for another reason than a receipt, which the ledger keeps.
        unbacked=posted["qty"].where(posted["without_receipt_reason"].notna(), 0),
        credit_reference=pd.Series(
            [references.get(credit_id) for credit_id in posted["credit_id"]], index=posted.index, dtype="object"
        ),
        credited_on=pd.Series(
            [dates.get(credit_id) for credit_id in posted["credit_id"]], index=posted.index, dtype="datetime64[us, UTC]"
        ),
    )
    posted["parcel"] = _shown_on(posted, today)
    return (
        posted.groupby(["rma_id", "order_row_id", "parcel"])
        .agg(
            credited_quantity=("qty", "sum"),
            unbacked_quantity=("unbacked", "sum"),
            credited_net_minor=("net_minor", "sum"),
            credited_tax_minor=("tax_minor", "sum"),
            credit_reference=("credit_reference", "last"),
            credited_on=("credited_on", "max"),
        )
        .reset_index()
    )


def _shown_on(rows: pd.DataFrame, today: ParcelsToday) -> pd.Series:
    """The parcel of today for units that were raised for another one."""
    keys = zip(rows["rma_id"], rows["order_row_id"], rows["parcel"], strict=True)
    return pd.Series(
        [today.of(int(rma), int(row), int(parcel)) for rma, row, parcel in keys], index=rows.index, dtype="int64"
    )


def _raised(standing: pd.DataFrame, today: ParcelsToday) -> pd.DataFrame:
    live = standing[~standing["is_cancelled"]].assign(
        parcel=lambda frame: frame["shipment_id"].fillna(0).astype("int64")
    )
    live["parcel"] = _shown_on(live, today)
    key = ["rma_id", "order_row_id", "parcel"]
    ids: dict[tuple[int, ...], list[int]] = {}
    known = live.dropna(subset=["credit_id"]).drop_duplicates([*key, "credit_id"]).sort_values("credit_id")
    for *where, credit_id in known[[*key, "credit_id"]].itertuples(index=False, name=None):
        ids.setdefault(tuple(where), []).append(int(credit_id))
    raised = live.groupby(key, as_index=False).agg(
        expected_net_minor=("net_minor", "sum"), expected_tax_minor=("tax_minor", "sum")
    )
    keys = raised[key].itertuples(index=False, name=None)
    raised["raised_credit_ids"] = pd.Series([ids.get(where, []) for where in keys], index=raised.index, dtype="object")
    return raised.astype({"expected_net_minor": "Int64", "expected_tax_minor": "Int64"})


def _refunded(lines: pd.DataFrame, transactions: pd.DataFrame) -> pd.Series:
    """Successful refunds by the units they name; one that names several lines is shared by what was paid for them."""
    paid = {
        line_id: int(minor) for line_id, minor in zip(lines["return_line_id"], lines["paid_price_minor"], strict=True)
    }
    line_of = {
        int(item): line_id
        for line_id, items in zip(lines["return_line_id"], lines["returned_item_ids"], strict=True)
        for item in items
    }
    currency = dict(zip(lines["return_line_id"], lines["currency"], strict=True))
    totals: dict[str, int] = {}
    successful = transactions[(transactions["status"] == "Success") & transactions["type"].str.startswith("RefundTo")]
    for row in successful.to_dict("records"):
        named = sorted({line_of[int(item)] for item in row["returned_item_ids"] if int(item) in line_of})
        left, weight_left = (
            _amount(row, currency.get(named[0]) if named else None),
            sum(max(paid[line_id], 1) for line_id in named),
        )
        for line_id in named:
            weight = max(paid[line_id], 1)
            part = (2 * left * weight + weight_left) // (2 * weight_left)
            totals[line_id] = totals.get(line_id, 0) + part
            left, weight_left = left - part, weight_left - weight
    return lines["return_line_id"].map(totals).fillna(0).astype("int64")


def _amount(row: Mapping[str, Any], currency: object) -> int:
    return int(row["amount_minor"] if row["currency"] == currency else row["shop_amount_minor"])


def _recorded(lines: pd.DataFrame, effects: pd.DataFrame) -> pd.Series:
    """Customer payments that Brightpearl has, by credit; shown on the first line of each credit."""
    totals: dict[int, int] = {}
    for payload in effects.loc[(effects["kind"] == "refund.record") & (effects["state"] == "confirmed"), "payload"]:
        credit_id = int(str(subject_of(payload)["credit_id"]))
        totals[credit_id] = totals.get(credit_id, 0) + int(payload["expect"]["amount_minor"])
    recorded, seen = [], set()
    for ids in lines["raised_credit_ids"]:
        mine = [credit_id for credit_id in (ids if isinstance(ids, list) else []) if credit_id not in seen]
        seen.update(mine)
        recorded.append(sum(totals.get(credit_id, 0) for credit_id in mine))
    return pd.Series(recorded, index=lines.index, dtype="int64")


def _money_differs(lines: pd.DataFrame, effects: pd.DataFrame) -> pd.Series:
    """Where a return is credited whole and refunded, and both differ by more than one rounding per unit; its delivery and fees count on both sides."""
    credited: dict[int, int] = {}
    for payload in effects.loc[(effects["kind"] == "credit.post") & (effects["state"] == "confirmed"), "payload"]:
        rma_id = int(str(subject_of(payload)["rma_id"]))
        credited[rma_id] = credited.get(rma_id, 0) + int(payload["expect"]["total_minor"])
    of_return = lines.groupby("rma_id")
    refunded, units = of_return["refunded_minor"].transform("sum"), of_return["quantity"].transform("sum")
    is_open = lines["life"].isin(_OWED_NO_MONEY) | (lines["credited_quantity"] < lines["quantity"])
    is_settled = ~is_open.groupby(lines["rma_id"]).transform("any")
    difference = (lines["rma_id"].map(credited).fillna(0).astype("int64") - refunded).abs()
    return is_settled & (refunded > 0) & (difference > units)


def _states(lines: pd.DataFrame, shop: ShopSettings, patience: dt.timedelta, now: dt.datetime) -> np.ndarray:
    withdrawn = lines["rma_status"].isin(["Rejected", "Canceled"])
    nothing = (lines["verdict"] == "void") & ~withdrawn & (lines["rma_status"] != "Pending")
    without_receipt = lines["life"].isin(lives.WITHOUT_RECEIPT)
    is_credited = lines["credited_quantity"] >= lines["quantity"]
    is_received = lines["received_quantity"] > 0
    over = ~without_receipt & (lines["credited_quantity"] - lines["unbacked_quantity"] > lines["received_quantity"])
    refunded = lines["refunded_minor"] > 0
    is_stock_only = lines["life"].map(lambda life: lives.is_stock_only(life, shop.policy)).astype("bool")
    no_money_due = lines["life"].isin(_OWED_NO_MONEY)
    late = (now - lines["approved_at"]) > patience
    return np.select(
        [withdrawn & ~is_credited, nothing, lines["verdict"] == "held", over, is_credited & lines["money_differs"], is_credited & (refunded | no_money_due), is_credited,
         is_stock_only & is_received,
         (lines["foreign_quantity"] >= lines["quantity"]) & ~is_received, is_received, refunded & ~without_receipt, late.fillna(value=False)],
        ["cancelled", "nothing_to_credit", "held", "credited_more_than_received", "refund_mismatch", "complete", "credited", "stock_only", "credited_by_others", "received",
         "refund_before_receipt", "announced_not_arrived"],
        "announced",
    )  # fmt: skip


def _differences(lines: pd.DataFrame) -> pd.Series:
    """Money that has not met yet: the credit against the refund where both are there, else what is still expected."""
    credited = lines["credited_net_minor"] + lines["credited_tax_minor"]
    expected = (lines["expected_net_minor"].fillna(0) + lines["expected_tax_minor"].fillna(0)).astype("int64")
    has_both = (credited > 0) & (lines["refunded_minor"] > 0)
    return (credited - lines["refunded_minor"]).where(has_both, expected - credited).astype("int64")
