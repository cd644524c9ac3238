"""What a credit keeps back, fees and deductions, in accounts that take rows with a minus and in accounts that refuse them. Scenarios 34 and 72."""

from typing import Any

import psycopg
import pytest
from hypothesis import given
from hypothesis import strategies as st

from returns_pipeline.domain.fees import FeeRow
from returns_pipeline.domain.netting import as_written, kept_back, netted
from returns_pipeline.settings.model import Fee
from returns_pipeline_tests.domain.credit_cases import NOTHING, a_shirt_comes_back, figures, holds, shop_of
from returns_pipeline_tests.domain.retail import Retail

BOOKED = Fee(nominal_code="4900", tax_code="same_as_item")
FEES = {"restocking": BOOKED, "failed_inspection": BOOKED}


def shop_that_refuses_minus(connection: psycopg.Connection, **policy: object) -> Retail:
    """A shop on an account whose credits take no negative row."""
    return shop_of(connection, fees=FEES, policy=policy, brightpearl={"negative_rows": "refused"})


def inspected(retail: Retail, *results: bool) -> None:
    """The bench has looked at the units, in their order: whether each passed."""
    for unit, is_restockable in zip(retail.tables["returngo_return_items"], results, strict=True):
        unit |= {"validated_at": retail.now, "is_returned": True, "is_restockable": is_restockable}


def rows_in_brightpearl(retail: Retail) -> list[tuple[int, int, int]]:
    """Quantity, net and tax of each row of the first credit."""
    return [
        (row["quantity"], row["net_minor"], row["tax_minor"])
        for row in retail.tables["brightpearl_sales_credit_rows"]
        if row["credit_id"] == 8001
    ]


class TestFeesTakenOffTheGoods:
    """`brightpearl.negative_rows = "refused"`."""

    def test_s34_the_row_shows_the_difference_and_the_ledger_the_full_share(self, connection):
        """12.00 less 2.40: the credit says 9.60, and nobody can return the same shirt for the 2.40 again."""
        retail = shop_that_refuses_minus(connection)
        items = a_shirt_comes_back(retail, restocking_fee_minor=240)
        (plan,) = retail.plans()
        (row,) = plan.payload["request"]["body"]["rows"]
        assert (row["net"], row["tax"]) == ("8.00", "1.60")
        retail.step()
        retail.receive(8001, "SHIRT", 1)
        (plan,) = retail.plans()
        (expected,) = plan.payload["expect"]["rows"]
        assert (expected["net_minor"], expected["tax_minor"], plan.payload["expect"]["total_minor"]) == (800, 160, 960)
        retail.step()
        assert figures(retail)[3:] == (1, 1000, 200)
        retail.refund(42, 77, 960, items)
        plans = {plan.kind: plan.payload["request"]["body"] for plan in retail.plans()}
        assert plans["refund.record"]["amountPaid"] == "9.60"
        assert "Restocking fee 2.40 GBP kept." in plans["credit.annotate"]["orderNote"]["text"]

    def test_a_row_that_is_brought_down_still_bears_its_fee(self, connection):
        """One of two shirts came: 12.00 less 2.40 is credited, and the other is raised without the fee."""
        retail = shop_that_refuses_minus(connection)
        first, _ = a_shirt_comes_back(retail, count=2)
        retail.row("returngo_return_items", returned_item_id=first)["restocking_fee_minor"] = 240
        retail.step()
        assert rows_in_brightpearl(retail) == [(2, 1800, 360)]
        retail.receive(8001, "SHIRT", 1)
        assert retail.step() == ["amend:8001:80001:1"]
        assert rows_in_brightpearl(retail) == [(1, 800, 160)]
        assert sorted(retail.step()) == ["post:8001", "raise:77:5001:2"]
        assert retail.row("brightpearl_sales_credit_rows", credit_id=8002)["net_minor"] == 1000

    def test_a_fee_beyond_what_came_is_held(self, connection):
        """Its row would be less than nothing."""
        retail = shop_that_refuses_minus(connection)
        first, _ = a_shirt_comes_back(retail, count=2)
        retail.row("returngo_return_items", returned_item_id=first)["restocking_fee_minor"] = 1300
        retail.step()
        retail.receive(8001, "SHIRT", 1)
        assert holds(retail.decide()) == {"fee_exceeds_credit"}

    def test_a_row_that_staff_lowered_below_its_fee_is_a_change_to_be_told(self, connection):
        """What stands there is neither the share less the fee nor fewer units at that price."""
        retail = shop_that_refuses_minus(connection)
        a_shirt_comes_back(retail, restocking_fee_minor=240)
        retail.step()
        retail.row("brightpearl_sales_credit_rows", credit_id=8001)["net_minor"] = 700
        retail.receive(8001, "SHIRT", 1)
        assert holds(retail.decide()) == {"credit_changed_by_staff"}


def test_a_credit_that_would_ask_the_customer_for_money_is_held(connection):
    """The fee of a whole return on the one cheap thing that came."""
    retail = shop_of(connection, fees=FEES)
    first, _ = a_shirt_comes_back(retail, count=2)
    retail.row("returngo_return_items", returned_item_id=first)["restocking_fee_minor"] = 1300
    retail.step()
    retail.receive(8001, "SHIRT", 1)
    retail.step()
    assert holds(retail.decide()) == {"fee_exceeds_credit"}


class TestFailedUnits:
    """`policy.failed_inspection = "credit_reduced"`."""

    REDUCED = {"credit_on": "inspection", "failed_inspection": "credit_reduced", "failed_deduction_percent": 40}

    @pytest.mark.parametrize(
        ("negative_rows", "key", "rows"),
        [
            ("allowed", "deduct:8001:9001:failed_inspection:row", [(2, 2000, 400), (1, -400, -80)]),
            ("refused", "deduct:8001:9001:failed_inspection:netted", [(2, 1600, 320)]),
        ],
    )
    def test_s72_a_share_of_the_failed_units_is_kept_back_before_posting(self, connection, negative_rows, key, rows):
        """One of two shirts at 12.00 failed: 40 per cent of it, 4.80, stays with the retailer, tax in proportion."""
        retail = shop_of(connection, fees=FEES, policy=self.REDUCED, brightpearl={"negative_rows": negative_rows})
        items = a_shirt_comes_back(retail, count=2)
        retail.step()
        retail.receive(8001, "SHIRT", 2)
        inspected(retail, True, False)
        assert retail.step() == [key]
        assert rows_in_brightpearl(retail) == rows
        (plan,) = retail.plans()
        assert (plan.kind, plan.payload["expect"]["total_minor"]) == ("credit.post", 1920)
        retail.step()
        assert figures(retail)[3:] == (2, 2000, 400)
        retail.refund(42, 77, 1920, items)
        plans = {plan.kind: plan.payload["request"]["body"] for plan in retail.plans()}
        assert plans["refund.record"]["amountPaid"] == "19.20"
        assert "Deduction after inspection: 1 of 2 units failed" in plans["credit.annotate"]["orderNote"]["text"]

    def test_all_passed_is_credited_whole(self, connection):
        """Nothing failed, nothing is kept back."""
        retail = shop_of(connection, fees=FEES, policy=self.REDUCED)
        a_shirt_comes_back(retail, count=2)
        retail.step()
        retail.receive(8001, "SHIRT", 2)
        inspected(retail, True, True)
        assert retail.step() == ["post:8001"]

    def test_a_deduction_that_has_no_nominal_code_is_held(self, connection):
        """Booked nowhere, it would vanish into the goods."""
        retail = shop_of(connection, policy=self.REDUCED)
        a_shirt_comes_back(retail)
        retail.step()
        retail.receive(8001, "SHIRT", 1)
        inspected(retail, False)
        assert holds(retail.decide()) == {"fee_nominal_missing"}
        assert retail.step() == NOTHING

    def test_an_inspection_that_is_corrected_after_the_deduction_is_told(self, connection):
        """The unit was judged anew: the customer's 4.80 are no longer the retailer's to keep."""
        retail = shop_of(connection, fees=FEES, policy=self.REDUCED)
        a_shirt_comes_back(retail)
        retail.step()
        retail.receive(8001, "SHIRT", 1)
        inspected(retail, False)
        retail.step()
        inspected(retail, True)
        assert holds(retail.decide()) == {"failed_inspection"}

    def test_a_fee_and_a_deduction_beyond_the_goods_are_held(self, connection):
        """11.00 of fees and 4.80 for the damage, on a shirt of 12.00."""
        retail = shop_of(connection, fees=FEES, policy=self.REDUCED)
        a_shirt_comes_back(retail, restocking_fee_minor=1100)
        retail.step()
        retail.receive(8001, "SHIRT", 1)
        inspected(retail, False)
        assert holds(retail.decide()) == {"fee_exceeds_credit"}


MONEY = st.integers(0, 5000)


@given(
    goods=st.lists(st.tuples(MONEY, MONEY), min_size=1, max_size=5), fees=st.lists(st.tuples(MONEY, MONEY), max_size=3)
)
def test_whatever_the_fees_no_row_falls_below_nothing_and_no_penny_is_lost(goods, fees):
    """What the rows show and what the fees took are together exactly the goods."""
    rows: list[dict[str, Any]] = [
        {"order_row_id": number, "net_minor": net, "tax_minor": tax, "details": {}}
        for number, (net, tax) in enumerate(goods)
    ]
    borne = netted([FeeRow("return", "Return fee", net, tax, "T20", "4900") for net, tax in fees], rows)
    payloads = [fee.as_payload() for fee in borne]
    written = as_written([*rows, *({"order_row_id": None, "details": {"fee": fee}} for fee in payloads)])
    assert len(written) == len(rows)
    for place, name in enumerate(("net_minor", "tax_minor")):
        assert all(row[name] >= 0 for row in written)
        taken = sum(fee[name] for fee in payloads)
        assert sum(row[name] for row in written) + taken == sum(row[name] for row in rows)
        assert taken <= sum(fee[place] for fee in fees)
    assert sum(net for net, _ in kept_back(payloads).values()) == sum(fee["net_minor"] for fee in payloads)
