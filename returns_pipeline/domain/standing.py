"""What each credit of ours holds now: the quantities and money announced on it, less what was given back, and how far its posting is.

Read from the ledger's effects and lines, because the ledger and not the API says what we meant.
"""

from collections.abc import Mapping
from typing import Any

import pandas as pd

from returns_pipeline.domain.findings import subject_of

_TYPES = {
    "raise_key": "str",
    "raise_state": "str",
    "shop": "str",
    "rma_id": "int64",
    "order_id": "int64",
    "part": "int64",
    "shipment_id": "Int64",
    "credit_id": "Int64",
    "order_row_id": "int64",
    "line_no": "int64",
    "quantity": "int64",
    "net_minor": "int64",
    "tax_minor": "int64",
    "post_state": "object",
    "is_cancelled": "bool",
}
COLUMNS = list(_TYPES)
_LIVE = ("planned", "claimed", "sending", "unknown", "confirmed", "rejected", "halted")


def standing_lines(effects: pd.DataFrame, ledger_lines: pd.DataFrame) -> pd.DataFrame:
    """One row per raised credit and order row, in the order of the credit's rows.

    Args:
        effects: the ledger's effects with payloads.
        ledger_lines: their lines.

    Returns:
        COLUMNS; `credit_id` is missing until the credit is confirmed, `post_state` is missing until its posting is planned.
    """
    live = effects[effects["state"].isin(_LIVE)]
    raises = live[live["kind"] == "credit.raise"]
    if raises.empty:
        return pd.DataFrame(columns=COLUMNS).astype(_TYPES)
    heads = pd.DataFrame([_head(effect) for effect in raises.to_dict("records")])
    lines = ledger_lines[(ledger_lines["kind"] == "credit.raise") & ledger_lines["effect_id"].isin(raises["effect_id"])]
    standing = heads.merge(
        lines[["effect_id", "line_no", "order_row_id", "qty", "net_minor", "tax_minor"]].rename(
            columns={"qty": "quantity"}
        ),
        on="effect_id",
        validate="1:m",
    )
    standing["credit_id"] = standing["credit_id"].astype("Int64")
    standing = _less_what_was_given_back(standing, live)
    standing["post_state"] = standing["credit_id"].map(_states(live, "credit.post"))
    cancels = _states(live, "credit.cancel")
    standing["is_cancelled"] = standing["credit_id"].map(cancels).eq("confirmed").fillna(value=False).astype("bool")
    live_rows = standing[(standing["quantity"] > 0) | standing["is_cancelled"]][COLUMNS]
    return live_rows.sort_values(["raise_key", "line_no"]).reset_index(drop=True).astype(_TYPES)


def _head(effect: Mapping[str, Any]) -> dict[str, object]:
    subject = subject_of(effect["payload"])
    return {
        "effect_id": effect["effect_id"],
        "raise_key": effect["business_key"],
        "raise_state": effect["state"],
        "shop": effect["shop"],
        "rma_id": subject["rma_id"],
        "order_id": subject["order_id"],
        "part": subject["part"],
        "shipment_id": subject.get("shipment_id"),
        "credit_id": int(effect["remote_id"]) if effect["state"] == "confirmed" else None,
    }


def _less_what_was_given_back(standing: pd.DataFrame, live: pd.DataFrame) -> pd.DataFrame:
    amended = live[live["kind"].isin(["credit.amend", "credit.cancel"]) & (live["state"] == "confirmed")]
    backs = [
        {"credit_id": int(subject_of(payload)["credit_id"]), **given}  # type: ignore[call-overload]
        for payload in amended["payload"]
        for given in payload.get("give_back", [])
    ]
    if not backs:
        return standing
    total = (
        pd.DataFrame(backs)
        .groupby(["credit_id", "order_row_id"], as_index=False)[["quantity", "net_minor", "tax_minor"]]
        .sum()
    )
    total["credit_id"] = total["credit_id"].astype("Int64")
    merged = standing.merge(total, on=["credit_id", "order_row_id"], how="left", suffixes=("", "_back"))
    for name in ("quantity", "net_minor", "tax_minor"):
        merged[name] = (merged[name] - merged.pop(f"{name}_back").fillna(0)).astype("int64")
    return merged


def _states(live: pd.DataFrame, kind: str) -> dict[int, str]:
    of_kind = live[live["kind"] == kind]
    return {
        int(str(subject_of(payload)["credit_id"])): state
        for payload, state in zip(of_kind["payload"], of_kind["state"], strict=True)
    }
