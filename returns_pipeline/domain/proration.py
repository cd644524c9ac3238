"""Shares of what was charged, by cumulative difference: exact, independent of how a return is cut, never more than charged. No currency here.

Source: HMRC VATREC12020 and 12030 (half and over up); a share of what was charged, never rate times net.
"""

from collections.abc import Sequence

import numpy as np
import pandas as pd

# Above these, 2 * total * quantity or a total's millionths might not fit 64 bits, and rows are shared one by one in Python's own integers.
_SAFE_PRODUCT = 2**61
_SAFE_TOTAL = 2**42
_MILLIONTHS = 1_000_000
_NUMBERS = ("ordered_qty", "net_minor", "tax_minor", "taken_qty", "taken_net", "taken_tax", "quantity")


def round_half_up_ratio(numerator: int, denominator: int) -> int:
    """`numerator / denominator` to the nearest whole number, exact halves away from zero; both non-negative."""
    return (2 * numerator + denominator) // (2 * denominator)


def cumulative_share(total: int, ordered_quantity: int, taken_quantity: int, taken: int, quantity: int) -> int:
    """What `quantity` more units take of `total` when `taken_quantity` units have taken `taken` of it.

    The share is the rounded cumulative total less what was taken, so that it corrects itself after something was given back,
    and the last unit brings the sum to exactly `total`. Never negative.
    """
    return max(0, round_half_up_ratio(total * (taken_quantity + quantity), ordered_quantity) - taken)


def kept_after_giving_back(
    total: int, ordered_quantity: int, taken_quantity: int, taken: int, own: int, given_back: int
) -> int:
    """What a credit keeps of its `own` when it gives back `given_back` units, so that all credits together stay at the cumulative share."""
    target = round_half_up_ratio(total * (taken_quantity - given_back), ordered_quantity)
    return min(own, max(0, own - (taken - target)))


def share_row(
    price_mode: str,
    ordered_quantity: int,
    net: int,
    tax: int,
    taken_quantity: int,
    taken_net: int,
    taken_tax: int,
    quantity: int,
) -> tuple[int, int]:
    """Net and tax of `quantity` more units of one order row, in minor units.

    EXC rows share net and tax; INC rows share gross and tax and net follows, so that what the customer is paid is the smooth figure.

    Raises:
        ValueError: more units than were ordered.
    """
    if taken_quantity + quantity > ordered_quantity:
        raise ValueError(f"{taken_quantity} + {quantity} units of {ordered_quantity} ordered")
    tax_share = cumulative_share(tax, ordered_quantity, taken_quantity, taken_tax, quantity)
    if price_mode == "EXC":
        return cumulative_share(net, ordered_quantity, taken_quantity, taken_net, quantity), tax_share
    gross = cumulative_share(net + tax, ordered_quantity, taken_quantity, taken_net + taken_tax, quantity)
    return max(0, gross - tax_share), min(tax_share, gross)


def share_frame(rows: pd.DataFrame) -> pd.DataFrame:
    """`share_row` for a million rows at once, in 64-bit integers.

    Args:
        rows: price_mode, ordered_qty, net_minor, tax_minor, taken_qty, taken_net, taken_tax, quantity; all integers but the mode.

    Returns:
        net_minor, tax_minor, and the tax proof in millionths of a minor unit: exact_tax_millionths (the cumulative share before it is rounded
        to minor units, less what was taken) and rounding_millionths (what rounding added to it).
    """
    columns = {name: rows[name].to_numpy(dtype="int64") for name in _NUMBERS}
    if _may_overflow(columns):
        return _share_one_by_one(rows)
    ordered, after = columns["ordered_qty"], columns["taken_qty"] + columns["quantity"]
    tax = _cumulative(columns["tax_minor"], ordered, after) - columns["taken_tax"]
    net = _cumulative(columns["net_minor"], ordered, after) - columns["taken_net"]
    gross = (
        _cumulative(columns["net_minor"] + columns["tax_minor"], ordered, after)
        - columns["taken_net"]
        - columns["taken_tax"]
    )
    tax, net, gross = np.maximum(tax, 0), np.maximum(net, 0), np.maximum(gross, 0)
    is_inclusive = (rows["price_mode"] == "INC").to_numpy()
    shared = pd.DataFrame(index=rows.index)
    shared["net_minor"] = np.where(is_inclusive, np.maximum(gross - tax, 0), net)
    shared["tax_minor"] = np.where(is_inclusive, np.minimum(tax, gross), tax)
    return _with_proof(shared, columns)


def value_share(net: int, tax: int, taken_gross: int, taken_tax: int, gross: int) -> tuple[int, int]:
    """Net and tax of a credit by value: each penny of cumulative gross carries its part of the tax, so net is never negative.

    Raises:
        ValueError: more value than was charged.
    """
    if taken_gross + gross > net + tax:
        raise ValueError(f"{taken_gross} + {gross} of {net + tax} charged")
    share = round_half_up_ratio(tax * (taken_gross + gross), net + tax) - taken_tax if net + tax else 0
    return gross - share, share


def largest_remainder(total: int, weights: Sequence[int], ids: Sequence[int]) -> list[int]:
    """Spreads `total` over rows in proportion to their weights, exactly; the largest remainders get the odd units, ties go to the lowest id.

    Raises:
        ValueError: no weight at all, or a negative total or weight.
    """
    whole = sum(weights)
    if whole <= 0 or total < 0 or any(weight < 0 for weight in weights):
        raise ValueError(f"cannot spread {total} over the weights {list(weights)}")
    parts = [total * weight // whole for weight in weights]
    by_remainder = sorted(range(len(weights)), key=lambda place: (-(total * weights[place] % whole), ids[place]))
    for place in by_remainder[: total - sum(parts)]:
        parts[place] += 1
    return parts


def _cumulative(total: np.ndarray, ordered: np.ndarray, after: np.ndarray) -> np.ndarray:
    return (2 * total * after + ordered) // (2 * ordered)


def _may_overflow(columns: dict[str, np.ndarray]) -> bool:
    if not len(columns["ordered_qty"]):
        return False
    largest_total = int(columns["net_minor"].max()) + int(columns["tax_minor"].max())
    largest_quantity = int(columns["taken_qty"].max()) + int(columns["quantity"].max())
    return largest_total > _SAFE_TOTAL or 2 * largest_total * largest_quantity > _SAFE_PRODUCT


def _with_proof(shared: pd.DataFrame, columns: dict[str, np.ndarray]) -> pd.DataFrame:
    after = columns["taken_qty"] + columns["quantity"]
    # Whole units and the remainder apart, so that millionths of a minor unit still fit 64 bits. Exact halves go to the even millionth,
    # as a decimal is quantized where a row is judged by itself.
    product, ordered = columns["tax_minor"] * after, columns["ordered_qty"]
    part = product % ordered * _MILLIONTHS
    millionths, rest = part // ordered, part % ordered
    is_rounded_up = (2 * rest > ordered) | ((2 * rest == ordered) & (millionths % 2 == 1))
    exact = (product // ordered - columns["taken_tax"]) * _MILLIONTHS + millionths + np.where(is_rounded_up, 1, 0)
    shared["exact_tax_millionths"] = exact
    shared["rounding_millionths"] = shared["tax_minor"].to_numpy() * _MILLIONTHS - exact
    return shared


def _share_one_by_one(rows: pd.DataFrame) -> pd.DataFrame:
    modes = rows["price_mode"].tolist()
    numbers = [[int(value) for value in row] for row in rows[list(_NUMBERS)].itertuples(index=False)]
    pairs = [share_row(mode, *row) for mode, row in zip(modes, numbers, strict=True)]
    shared = pd.DataFrame(pairs, columns=["net_minor", "tax_minor"], index=rows.index, dtype="object")
    columns = {name: np.array([row[place] for row in numbers], dtype="object") for place, name in enumerate(_NUMBERS)}
    return _with_proof(shared, columns).astype({"net_minor": "int64", "tax_minor": "int64"})
