"""Sharing what was charged. A penny wrong here is a penny wrong in somebody's VAT return."""

from fractions import Fraction
from itertools import pairwise

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from returns_pipeline.domain.money import UnsupportedCurrency, decimal_text, to_minor
from returns_pipeline.domain.proration import (
    cumulative_share,
    kept_after_giving_back,
    largest_remainder,
    round_half_up_ratio,
    share_frame,
    share_row,
    value_share,
)
from returns_pipeline_tests.domain.examples import EXAMPLES, charged

BY_UNITS = [name for name, case in EXAMPLES.items() if case["expect"]["outcome"] == "credits" and name != "T34"]
MONEY = st.integers(0, 10**9)
QUANTITIES = st.integers(1, 40)


class Taken:
    """What the credits of one row have taken so far."""

    def __init__(self, mode: str, ordered: int, net: int, tax: int) -> None:
        self.mode, self.ordered, self.net, self.tax = mode, ordered, net, tax
        self.quantity = self.taken_net = self.taken_tax = 0

    def take(self, quantity: int) -> tuple[int, int]:
        """One more credit."""
        net, tax = share_row(
            self.mode, self.ordered, self.net, self.tax, self.quantity, self.taken_net, self.taken_tax, quantity
        )
        self.quantity += quantity
        self.taken_net += net
        self.taken_tax += tax
        return net, tax

    def give_back(self, quantity: int, net: int, tax: int) -> None:
        """A credit that was cancelled."""
        self.quantity -= quantity
        self.taken_net -= net
        self.taken_tax -= tax


def row_of(example: dict, line: dict) -> Taken:
    """A row of an example with nothing taken."""
    currency = example["currency"]
    return Taken(example["price_mode"], line["qty"], to_minor(line["net"], currency), to_minor(line["tax"], currency))


@st.composite
def charged_rows(draw):
    """Rows as a sale may hold them: tax only where there is a net."""
    net = draw(MONEY)
    tax = draw(MONEY) if net else 0
    return Taken(draw(st.sampled_from(["EXC", "INC"])), draw(QUANTITIES), net, tax)


@pytest.mark.parametrize("name", BY_UNITS)
def test_each_worked_example_gives_its_credits_to_the_penny(name: str) -> None:
    """Every rounding case that was worked out by hand, in the order in which its credits come."""
    example = EXAMPLES[name]
    currency = example["currency"]
    rows = {line: row_of(example, values) for line, values in charged(example).items()}
    for credit in example["expect"]["credits"]:
        for item in credit["items"]:
            net, tax = rows[item["line"]].take(item["qty"])
            shown = tuple(decimal_text(amount, currency) for amount in (net, tax, net + tax))
            assert shown == (item["net"], item["tax"], item["gross"])


@pytest.mark.parametrize("name", BY_UNITS)
def test_each_worked_example_is_given_in_full(name: str) -> None:
    """When the last unit is credited, nothing of the row is left over."""
    example = EXAMPLES[name]
    for line, values in charged(example).items():
        row = row_of(example, values)
        for credit in example["returns"]:
            for item in credit["items"]:
                if item["line"] == line:
                    row.take(item["qty"])
        assert row.quantity == row.ordered
        assert (row.taken_net, row.taken_tax) == (row.net, row.tax)


def test_a_credit_by_value_carries_its_part_of_the_tax() -> None:
    """T34: goodwill has no units, and dividing by rate would leave a penny of tax behind."""
    example = EXAMPLES["T34"]
    row = row_of(example, example["lines"][0])
    taken_gross = taken_tax = 0
    for step, expected in zip(example["returns"], example["expect"]["credits"], strict=True):
        gross = to_minor(step["value_gross"], "GBP")
        net, tax = value_share(row.net, row.tax, taken_gross, taken_tax, gross)
        taken_gross, taken_tax = taken_gross + gross, taken_tax + tax
        assert (decimal_text(net, "GBP"), decimal_text(tax, "GBP")) == (expected["net"], expected["tax"])
    assert (taken_gross, taken_tax) == (row.net + row.tax, row.tax)


def test_more_value_than_was_charged_is_refused() -> None:
    """A slip in a decision must not pay out more than came in."""
    with pytest.raises(ValueError, match="charged"):
        value_share(1000, 200, 1200, 200, 1)


def test_a_unit_that_was_never_ordered_is_refused() -> None:
    """T27: the third unit of two."""
    example = EXAMPLES["T27"]
    row = row_of(example, example["lines"][0])
    row.take(example["returns"][0]["items"][0]["qty"])
    with pytest.raises(ValueError, match="ordered"):
        row.take(example["returns"][1]["items"][0]["qty"])


def test_the_expected_tax_of_a_wrong_proposal_is_known() -> None:
    """T28: one sixth of a net figure is not its tax, and the difference must show."""
    example = EXAMPLES["T28"]
    _, tax = row_of(example, example["lines"][0]).take(1)
    assert decimal_text(tax, "GBP") == example["expect"]["expected_tax"]
    assert decimal_text(tax, "GBP") != example["returns"][0]["proposed"]["tax"]


def test_a_currency_with_three_decimals_is_refused() -> None:
    """T29: rounding a third decimal to two decimals would lose money silently."""
    example = EXAMPLES["T29"]
    with pytest.raises(UnsupportedCurrency):
        row_of(example, example["lines"][0])


@pytest.mark.parametrize(
    ("top", "bottom", "rounded"), [(1, 2, 1), (3, 2, 2), (5, 2, 3), (1, 3, 0), (2, 3, 1), (0, 7, 0)]
)
def test_halves_go_up(top: int, bottom: int, rounded: int) -> None:
    """Bankers' rounding would credit half of all halves a penny short."""
    assert round_half_up_ratio(top, bottom) == rounded


@given(charged_rows(), st.data())
def test_the_parts_make_the_whole_however_it_is_cut(row: Taken, data: st.DataObject) -> None:
    """Otherwise a customer who returns one by one gets more or less than one who returns all at once."""
    parts = []
    while row.quantity < row.ordered:
        parts.append(row.take(data.draw(st.integers(1, row.ordered - row.quantity))))
        assert 0 <= row.taken_net <= row.net
        assert 0 <= row.taken_tax <= row.tax
        assert min(parts[-1]) >= 0
    assert (row.taken_net, row.taken_tax) == (row.net, row.tax)


@given(MONEY, QUANTITIES, st.data())
def test_the_order_of_partial_returns_does_not_matter(total: int, ordered: int, data: st.DataObject) -> None:
    """What is taken after so many units depends on the units alone."""
    steps = sorted(data.draw(st.sets(st.integers(0, ordered))) | {0, ordered})
    taken = 0
    for before, after in pairwise(steps):
        taken += cumulative_share(total, ordered, before, taken, after - before)
        assert taken == round_half_up_ratio(total * after, ordered)


@given(charged_rows(), st.data())
def test_after_any_cancelled_credits_the_full_quantity_is_the_full_money(row: Taken, data: st.DataObject) -> None:
    """A cancelled credit gives back a rounded amount: what follows must make that good, and never overshoot."""
    credits: list[tuple[int, int, int]] = []
    for _ in range(data.draw(st.integers(0, 12))):
        if credits and data.draw(st.booleans()):
            row.give_back(*credits.pop(data.draw(st.integers(0, len(credits) - 1))))
        elif row.quantity < row.ordered:
            quantity = data.draw(st.integers(1, row.ordered - row.quantity))
            credits.append((quantity, *row.take(quantity)))
        assert 0 <= row.taken_net <= row.net
        assert 0 <= row.taken_tax <= row.tax
    if row.quantity < row.ordered:
        row.take(row.ordered - row.quantity)
    assert (row.taken_net, row.taken_tax) == (row.net, row.tax)


@given(MONEY, QUANTITIES, st.data())
def test_what_a_lowered_credit_keeps_is_between_nothing_and_its_own(
    total: int, ordered: int, data: st.DataObject
) -> None:
    """An amended credit may neither grow nor turn negative, and all credits together stand at the cumulative share."""
    taken_quantity = data.draw(st.integers(1, ordered))
    earlier = data.draw(st.integers(0, taken_quantity - 1))
    taken_before = round_half_up_ratio(total * earlier, ordered)
    own = cumulative_share(total, ordered, earlier, taken_before, taken_quantity - earlier)
    given_back = data.draw(st.integers(0, taken_quantity - earlier))
    kept = kept_after_giving_back(total, ordered, taken_quantity, taken_before + own, own, given_back)
    assert 0 <= kept <= own
    assert taken_before + kept == round_half_up_ratio(total * (taken_quantity - given_back), ordered)


@st.composite
def frames_to_share(draw, most: int):
    """Rows at any point of their life, small or of any size that a 64-bit column holds."""
    rows = []
    for _ in range(draw(st.integers(0, 5))):
        row = draw(charged_rows())
        row.net, row.tax = draw(st.integers(1, most)), draw(st.integers(0, most))
        if row.ordered > 1 and draw(st.booleans()):
            row.take(draw(st.integers(1, row.ordered - 1)))
        quantity = draw(st.integers(0, row.ordered - row.quantity))
        rows.append((row.mode, row.ordered, row.net, row.tax, row.quantity, row.taken_net, row.taken_tax, quantity))
    names = ["price_mode", "ordered_qty", "net_minor", "tax_minor", "taken_qty", "taken_net", "taken_tax", "quantity"]
    return pd.DataFrame(rows, columns=names)


@pytest.mark.parametrize("most", [50, 10**7, 2**61])
@given(st.data())
def test_a_whole_frame_is_shared_as_its_rows_are(most: int, data: st.DataObject) -> None:
    """Two ways to the same figure: an overflow or a slip in the fast one shows against the plain one."""
    frame = data.draw(frames_to_share(most))
    shared = share_frame(frame)
    expected = [share_row(*row) for row in frame.itertuples(index=False)]
    assert list(zip(shared["net_minor"], shared["tax_minor"], strict=True)) == expected
    for place, row in enumerate(frame.itertuples(index=False)):
        # As the proof of a single row is quantized: `round` of a fraction takes exact halves to the even one.
        exact = round(Fraction(row.tax_minor * (row.taken_qty + row.quantity) * 1_000_000, row.ordered_qty))
        assert int(shared["exact_tax_millionths"].iloc[place]) == exact - row.taken_tax * 1_000_000
        rounding = expected[place][1] * 1_000_000 - int(shared["exact_tax_millionths"].iloc[place])
        assert int(shared["rounding_millionths"].iloc[place]) == rounding


@given(MONEY, MONEY, st.data())
def test_credits_by_value_make_the_whole_and_are_never_negative(net: int, tax: int, data: st.DataObject) -> None:
    """Goodwill in many pieces: each piece holds some net and some tax, and together they hold all of both."""
    steps = sorted(data.draw(st.sets(st.integers(0, net + tax), max_size=6)) | {0, net + tax})
    taken_net = taken_tax = 0
    for before, after in pairwise(steps):
        part_net, part_tax = value_share(net, tax, before, taken_tax, after - before)
        assert min(part_net, part_tax) >= 0
        taken_net, taken_tax = taken_net + part_net, taken_tax + part_tax
    assert (taken_net, taken_tax) == (net, tax)


@given(st.integers(0, 10**12), st.lists(st.integers(0, 10**12), min_size=1, max_size=8))
def test_a_discount_spread_over_rows_is_spread_exactly(total: int, weights: list[int]) -> None:
    """Each row gets its share rounded down or one more, and nothing is lost."""
    if not sum(weights):
        weights[0] = 1
    parts = largest_remainder(total, weights, list(range(len(weights))))
    assert sum(parts) == total
    for part, weight in zip(parts, weights, strict=True):
        assert 0 <= part - total * weight // sum(weights) <= 1


def test_worked_discounts_and_document_taxes_are_spread_as_written() -> None:
    """T14 and T15: the spare penny goes to the largest remainder, and where two are alike to the lower row."""
    spread = EXAMPLES["T15"]["spread"]
    weights = [to_minor(weight, "GBP") for weight in spread["weights"]]
    parts = largest_remainder(to_minor(spread["discount"], "GBP"), weights, [1, 2, 3])
    assert [decimal_text(part, "GBP") for part in parts] == list(spread["shares"].values())
    lines = EXAMPLES["T14"]["lines"]
    nets = [to_minor(line["net"], "GBP") for line in lines]
    taxes = largest_remainder(to_minor(EXAMPLES["T14"]["spread"]["document_tax"], "GBP"), nets, [1, 2, 3, 4])
    assert [decimal_text(tax, "GBP") for tax in taxes] == [line["tax"] for line in lines]


@pytest.mark.parametrize(("total", "weights"), [(1, [0, 0]), (-1, [1]), (1, [2, -1])])
def test_a_spread_without_sense_is_refused(total: int, weights: list[int]) -> None:
    """A division by nothing, or a negative part, would move money to where none belongs."""
    with pytest.raises(ValueError, match="spread"):
        largest_remainder(total, weights, list(range(len(weights))))
