"""Expected returns of plain sales, as whole columns: nobody has credited anything of them and every line of their returns is ordinary.

A season's returns are nearly all plain when they are announced. What makes a sale plain is `plain_sales`; whatever is odd about one is for
the rules of `raising`, which go row by row and give the same for a plain sale: a property test holds the two together.
"""

import datetime as dt
from collections.abc import Iterable, Mapping
from decimal import Decimal
from typing import Any

import numpy as np
import pandas as pd

from returns_pipeline.domain import lives
from returns_pipeline.domain.credit_facts import CreditFacts
from returns_pipeline.domain.proposals import frame_of_columns
from returns_pipeline.domain.proration import share_frame
from returns_pipeline.domain.raising import LIVE_STATUSES, MOVING, NOT_SENT
from returns_pipeline.settings import Settings, ShopSettings

_MILLIONTHS_DIGITS = -6


def plain_sales(facts: CreditFacts, standing: pd.DataFrame, shop: ShopSettings, settings: Settings) -> pd.Index:
    """The ids of the plain sales among those that something is returned of.

    Args:
        facts: the shop's open returns.
        standing: what our credits hold (`standing_lines`).
        shop, settings: their rules; where other systems raise the credits, no sale is plain.
    """
    if settings.brightpearl.credits_raised_by == "returngo" or shop.policy.announce == "never":
        return pd.Index([], dtype="int64")
    lines = facts.return_lines[facts.return_lines["order_id"].notna()]
    lines = lines.merge(
        _creditable(facts.order_rows, facts.balances),
        on="order_row_id",
        how="left",
        validate="m:1",
    )
    is_odd = ~(
        (lines["verdict"] == "ok")
        & lines["rma_status"].isin(LIVE_STATUSES)
        & (lines["life"] == lives.ORDINARY)
        & (lines["fee_minor"] == 0)
        & (lines["quantity"] <= lines["room"].fillna(0))
        & ~lines["order_row_id"].duplicated(keep=False)
        & ~lines["rma_id"].isin(_returns_with_more_to_them(facts, shop))
        & ~lines["order_id"].isin(_sales_with_more_to_them(facts, standing, shop))
    )
    several = lines.groupby("rma_id")["order_id"].transform("nunique") > 1
    may_carry_delivery = lines["paid_price_minor"] <= settings.tolerances.amount_minor_per_rma
    odd = lines.loc[is_odd | several | may_carry_delivery, "order_id"]
    return pd.Index(lines.loc[~lines["order_id"].isin(odd), "order_id"].astype("int64").unique())


def raise_plain_sales(
    facts: CreditFacts, order_ids: pd.Index, shop: ShopSettings, shop_clock: dt.datetime, now: dt.datetime
) -> pd.DataFrame:
    """The rows of the credits to raise for these sales, with the columns of `returns_credit_proposals`.

    Args:
        facts: the shop's open returns.
        order_ids: plain sales (`plain_sales`).
        shop: its rules: when a return is announced, and how long one that nobody sent is kept announced.
        shop_clock: the moment by which announced returns age.
        now: the pass's moment.
    """
    lines = facts.return_lines[facts.return_lines["order_id"].isin(order_ids)]
    lines = lines[_is_announced_now(lines, facts.shipments, shop, shop_clock)]
    lines = lines.assign(parcel=lines["shipment_id"].fillna(0).astype("int64"))
    lines = lines.sort_values(["rma_id", "order_id", "parcel", "return_line_id"]).reset_index(drop=True)
    charged = lines[["order_row_id"]].merge(_charged(facts), on="order_row_id", how="left", validate="m:1")
    shares = share_frame(charged.assign(taken_qty=0, taken_net=0, taken_tax=0, quantity=lines["quantity"]))
    part = _ranks(lines, ["rma_id", "order_id"], "parcel")
    number = lines.groupby(["rma_id", "order_id", "parcel"]).cumcount()
    return frame_of_columns(
        {
            "action": "raise",
            **_keys(lines["rma_id"], lines["order_id"], part, number),
            **{
                name: lines[name]
                for name in ("shop", "rma_id", "order_id", "order_row_id", "return_line_id", "quantity", "currency")
            },
            "part": part,
            **{name: shares[name] for name in ("net_minor", "tax_minor")},
            "tax_code": charged["tax_code"],
            "charged_quantity": charged["ordered_qty"],
            "charged_net_minor": charged["net_minor"],
            "charged_tax_minor": charged["tax_minor"],
            **dict.fromkeys(("before_quantity", "before_net_minor", "before_tax_minor"), 0),
            "exact_tax_minor": _exact(shares["exact_tax_millionths"]),
            "rounding_minor": _exact(shares["rounding_millionths"]),
            "portal_paid_minor": lines["paid_price_minor"],
            "portal_fee_minor": lines["fee_minor"],
            "details": _details(lines),
            "verdict": "ok",
        },
        lines.index,
        now,
    )


def _creditable(order_rows: pd.DataFrame, balances: pd.DataFrame) -> pd.DataFrame:
    """Order rows that nobody has taken of, with the units that may be credited: order_row_id, room."""
    untouched = balances[(balances["announced_qty"] == 0) & (balances["posted_qty"] == 0)]
    untouched = untouched[(untouched[["announced_net", "announced_tax", "posted_net", "posted_tax"]] == 0).all(axis=1)]
    rows = untouched[["order_row_id", "ordered_qty"]].merge(
        order_rows[["order_row_id", "shipped_quantity"]], on="order_row_id", validate="1:1"
    )
    return rows[["order_row_id"]].assign(room=rows[["ordered_qty", "shipped_quantity"]].min(axis=1))


def _returns_with_more_to_them(facts: CreditFacts, shop: ShopSettings) -> set[int]:
    """Returns that people decided about, that were written to before, or whose refund may hold a delivery."""
    decided = facts.decisions["rma_id"].dropna().tolist()
    decided += [
        subject
        for kind, subject in zip(facts.decisions["subject_type"], facts.decisions["subject_id"], strict=True)
        if kind == "rma"
    ]
    written = [subject.get("rma_id") for subject in _subjects(facts.effects)]
    refunded = [] if shop.policy.refund_delivery == "never" else facts.transactions["rma_id"].dropna().tolist()
    return {int(rma_id) for rma_id in (*decided, *written, *refunded) if rma_id is not None}


def _sales_with_more_to_them(facts: CreditFacts, standing: pd.DataFrame, shop: ShopSettings) -> set[int]:
    """Sales with a credit of ours or by others, that were written to before, or whose delivery goes back with the last of the goods."""
    written = [subject["order_id"] for subject in _subjects(facts.effects) if subject.get("order_id") is not None]
    of_text = facts.order_rows.loc[facts.order_rows["product_id"].isna(), "order_id"]
    with_delivery = of_text.tolist() if shop.policy.refund_delivery == "full_return" else []
    return {int(order_id) for order_id in (*written, *with_delivery, *standing["order_id"], *facts.credits["order_id"])}


def _subjects(effects: pd.DataFrame) -> Iterable[Mapping[str, Any]]:
    return [payload.get("subject", {}) for payload in effects["payload"]]


def _is_announced_now(
    lines: pd.DataFrame, shipments: pd.DataFrame, shop: ShopSettings, shop_clock: dt.datetime
) -> pd.Series:
    """Whether the policy announces a line now: not before its parcel moves, where it says so, and not one that was never sent for too long."""
    status = lines["shipment_id"].map(shipments.set_index("shipment_id")["status"])
    is_approved_only = lines["rma_status"] == "Approved"
    announced = pd.Series(data=True, index=lines.index)
    if shop.policy.announce == "in_transit":
        announced &= status.isin(MOVING) | ~is_approved_only
    if shop.policy.cancel_announced_after_days:
        age = shop_clock - lines["approved_at"]
        is_old = age > dt.timedelta(days=shop.policy.cancel_announced_after_days)
        announced &= ~(is_approved_only & status.isin(NOT_SENT) & is_old)
    return announced


def _charged(facts: CreditFacts) -> pd.DataFrame:
    balances = facts.balances[["order_row_id", "price_mode", "ordered_qty", "net_minor", "tax_minor"]]
    return balances.merge(facts.order_rows[["order_row_id", "tax_code"]], on="order_row_id", validate="1:1")


def _ranks(lines: pd.DataFrame, keys: list[str], column: str) -> pd.Series:
    """1 for the lowest value of a column among the rows with the same keys, 2 for the next, with none left out; the rows are sorted by all."""
    is_new = ~lines.duplicated([*keys, column])
    return is_new.groupby([lines[key] for key in keys]).cumsum().astype("int64")


def _keys(rma_id: pd.Series, order_id: pd.Series, part: pd.Series, number: pd.Series) -> dict[str, list[str]]:
    columns = (each.tolist() for each in (rma_id, order_id, part))
    business_keys = [
        f"raise:{of_return}:{of_sale}:{of_part}" for of_return, of_sale, of_part in zip(*columns, strict=True)
    ]
    return {
        "business_key": business_keys,
        "proposal_id": [f"raise:{key}:{line}" for key, line in zip(business_keys, number.tolist(), strict=True)],
    }


def _exact(millionths: pd.Series) -> np.ndarray:
    """Millionths of a minor unit as decimals; each value is made once."""
    places, values = pd.factorize(millionths)
    decimals = np.array([Decimal(int(value)).scaleb(_MILLIONTHS_DIGITS) for value in values], dtype="object")
    return decimals[places] if len(decimals) else decimals


def _details(lines: pd.DataFrame) -> list[dict[str, Any]]:
    shipments = lines["shipment_id"].astype("object").where(lines["shipment_id"].notna(), None).tolist()
    reasons = lines["return_reasons"].fillna("").tolist()
    return [
        {"life": lives.ORDINARY, "shipment_id": shipment_id, "reasons": words}
        for shipment_id, words in zip(shipments, reasons, strict=True)
    ]
