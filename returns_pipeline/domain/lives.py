"""What kind of life a returned unit has: whether it is sent back, and what the customer gets. Which policy applies is decided elsewhere.

Source: ReturnGo's return methods and resolutions; its resolution types are an open set, so that inferred names are matched by their words.
"""

import pandas as pd

from returns_pipeline.settings.model import Policy

ORDINARY = "ordinary"
KEEP_ITEM = "keep_item"
EXCHANGE = "exchange"
STORE_CREDIT = "store_credit"
GIFT_CARD = "gift_card"
CANCEL_ORDER = "cancel_order"
LOST_IN_TRANSIT = "lost_in_transit"
UNKNOWN = "unknown_resolution"

# Lives that are settled without goods coming in, where the policy allows it.
WITHOUT_RECEIPT = (KEEP_ITEM, LOST_IN_TRANSIT)


def lives_of(resolution_type: pd.Series, return_method_type: pd.Series) -> pd.Series:
    """The life of each unit.

    A unit that needs no shipment is kept by the customer, whatever is paid for it; a cancelled order was never shipped.
    """
    # A season has a handful of different pairs: the words are searched once for each of them.
    pairs = pd.DataFrame({"resolution": resolution_type.fillna(""), "method": return_method_type.fillna("")})
    kinds = pairs.drop_duplicates()
    kinds = kinds.assign(life=_by_words(kinds["resolution"], kinds["method"]))
    return pairs.merge(kinds, on=["resolution", "method"], how="left", validate="m:1")["life"].set_axis(pairs.index)


def _by_words(resolution_type: pd.Series, return_method_type: pd.Series) -> pd.Series:
    resolution = resolution_type.str.lower().str.replace(r"[^a-z]", "", regex=True)
    method = return_method_type.str.lower()
    life = pd.Series(UNKNOWN, index=resolution_type.index, dtype="object")
    life[resolution.str.contains("refund|bankaccount|paymentmethod")] = ORDINARY
    life[resolution.str.contains("exchange")] = EXCHANGE
    life[resolution.str.contains("storecredit")] = STORE_CREDIT
    life[resolution.str.contains("giftcard")] = GIFT_CARD
    is_kept = method.str.contains("no shipment") | resolution.str.contains("keep|donate|green")
    life[is_kept & ~life.isin([EXCHANGE, STORE_CREDIT, GIFT_CARD])] = KEEP_ITEM
    life[resolution.str.contains("cancelorder")] = CANCEL_ORDER
    return life


def is_stock_only(life: str, policy: Policy) -> bool:
    """Whether the policy brings back stock and writes no credit note: the credit stays unposted."""
    return (life == STORE_CREDIT and policy.store_credit == "stock_only") or (
        life == EXCHANGE and policy.exchange == "even_swap"
    )
