"""The money of one order row through any sequence of raising, lowering, cancelling and posting. No path may lose or make a penny."""

from types import SimpleNamespace

import pandas as pd
from hypothesis import given, settings
from hypothesis import strategies as st

from returns_pipeline.domain.allotment import Allotment
from returns_pipeline.domain.amendments import amended_rows
from returns_pipeline.domain.cases import CreditLine

NO_STRANGERS = pd.DataFrame(columns=["order_row_id", "foreign_qty", "foreign_net", "foreign_tax"])


class OrderRow:
    """One order row as the ledger keeps it, and the unposted credits on it as [units, net, tax]."""

    def __init__(self, mode: str, ordered: int, net: int, tax: int) -> None:
        self.charged = {
            "order_row_id": 1,
            "price_mode": mode,
            "ordered_qty": ordered,
            "net_minor": net,
            "tax_minor": tax,
        }
        self.credits: list[list[int]] = []
        self.posted = [0, 0, 0]

    def allotment(self) -> Allotment:
        """What the next pass sees."""
        announced = [sum(credit[place] for credit in self.credits) for place in range(3)]
        taken = {f"announced_{name}": value for name, value in zip(("qty", "net", "tax"), announced, strict=True)}
        taken |= {f"posted_{name}": value for name, value in zip(("qty", "net", "tax"), self.posted, strict=True)}
        return Allotment(pd.DataFrame([self.charged | taken]), NO_STRANGERS)

    def left(self) -> int:
        """Units on no credit."""
        return self.allotment().left(1, self.charged["ordered_qty"])

    def raise_credit(self, units: int) -> None:
        """A credit for so many units more."""
        share = self.allotment().take(1, units)
        assert not share.is_cut
        assert abs(share.rounding_minor) <= 1 or self.has_given_back
        self.credits.append([share.quantity, share.net_minor, share.tax_minor])

    has_given_back = False

    def lower(self, number: int, units: int) -> None:
        """A credit brought down to so many units."""
        quantity, net, tax = self.credits[number]
        line = CreditLine(
            order_row_id=1, quantity=quantity, net_minor=net, tax_minor=tax, credit_row_id=61, seen_quantity=quantity, seen_net_minor=net,
            seen_tax_minor=tax, came=units, pieces=0, loose=0, passed=0, failed=0, receipts=[], return_line=None, balance=self.allotment().row(1), tax_code="T20",
            is_delivery=False, portal_paid_minor=0,
        )  # fmt: skip
        ((_, target, kept_net, kept_tax, details),) = amended_rows(
            SimpleNamespace(lines=[line], kept_back={}), {1: units}
        )
        back = details["give_back"]
        assert (back["quantity"], back["net_minor"], back["tax_minor"]) == (
            quantity - target,
            net - kept_net,
            tax - kept_tax,
        )
        assert min(back.values()) >= 0
        self.has_given_back = True
        self.credits[number] = [target, kept_net, kept_tax]
        if not target:
            assert (kept_net, kept_tax) == (0, 0)
            del self.credits[number]

    def post(self, number: int) -> None:
        """A credit that is posted: nothing can be given back of it any more."""
        self.posted = [have + more for have, more in zip(self.posted, self.credits.pop(number), strict=True)]

    def taken(self) -> list[int]:
        """Units, net and tax of all credits."""
        return [sum(credit[place] for credit in self.credits) + self.posted[place] for place in range(3)]


@settings(max_examples=60)
@given(st.sampled_from(["EXC", "INC"]), st.integers(1, 12), st.integers(1, 5000), st.integers(0, 1500), st.data())
def test_no_sequence_takes_more_than_was_charged_and_the_full_quantity_is_the_full_money(
    mode: str, ordered: int, net: int, tax: int, data: st.DataObject
) -> None:
    """Part receipts, withdrawals and new returns come in any order over months."""
    row = OrderRow(mode, ordered, net, tax)
    for _ in range(data.draw(st.integers(0, 8))):
        act = data.draw(st.sampled_from(["raise", "lower", "cancel", "post"]))
        if act == "raise" and row.left():
            row.raise_credit(data.draw(st.integers(1, row.left())))
        elif act != "raise" and row.credits:
            number = data.draw(st.integers(0, len(row.credits) - 1))
            if act == "lower":
                row.lower(number, data.draw(st.integers(0, row.credits[number][0] - 1)))
            elif act == "cancel":
                row.has_given_back = True
                del row.credits[number]
            else:
                row.post(number)
        units, taken_net, taken_tax = row.taken()
        assert 0 <= units <= ordered
        assert 0 <= taken_net <= net
        assert 0 <= taken_tax <= tax
    if row.left():
        row.raise_credit(row.left())
    assert row.taken() == [ordered, net, tax]


@given(st.integers(1, 12), st.integers(1, 5000), st.integers(0, 1500), st.data())
def test_beside_a_credit_by_others_nothing_goes_beyond_the_invoice(
    ordered: int, net: int, tax: int, data: st.DataObject
) -> None:
    """Strangers' units count as units; where their money is odd, ours is the exact share, and never more than is left."""
    foreign = {"order_row_id": 1, "foreign_qty": data.draw(st.integers(0, ordered - 1))}
    foreign |= {"foreign_net": data.draw(st.integers(0, net)), "foreign_tax": data.draw(st.integers(0, tax))}
    charged = OrderRow("EXC", ordered, net, tax).charged
    zeros = {f"{phase}_{name}": 0 for phase in ("announced", "posted") for name in ("qty", "net", "tax")}
    allotment = Allotment(pd.DataFrame([charged | zeros]), pd.DataFrame([foreign]))
    left = allotment.left(1, ordered)
    assert left == ordered - foreign["foreign_qty"]
    share = allotment.take(1, left)
    assert 0 <= share.net_minor <= net - foreign["foreign_net"]
    assert 0 <= share.tax_minor <= tax - foreign["foreign_tax"]
    assert allotment.left(1, ordered) == 0
