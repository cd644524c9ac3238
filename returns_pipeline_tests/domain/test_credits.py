"""Whole lives of returns over the real ledger: raised, received, amended, posted, noted, paid. Numbers in names are the scenarios'."""

import pandas as pd
import psycopg
import pytest

from returns_pipeline import schemas
from returns_pipeline.settings.model import Fee
from returns_pipeline_tests.domain.frames import settings_with
from returns_pipeline_tests.domain.retail import Retail, product_of
from returns_pipeline_tests.storage.ledger import books

NOTHING: list[str] = []
SHIRT = product_of("SHIRT")


@pytest.fixture
def retail(connection: psycopg.Connection) -> Retail:
    """Three of one shirt and one hat were sold, 30.00 + 6.00 and 10.00 + 2.00."""
    return shop_of(connection)


def shop_of(connection: psycopg.Connection, **settings: object) -> Retail:
    world = Retail(connection, settings_with(**settings))
    world.sale(5001, [(9001, "SHIRT", 3, 3000, 600), (9002, "HAT", 1, 1000, 200)])
    return world


def a_shirt_comes_back(retail: Retail, count: int = 1, **more: object) -> list[int]:
    retail.rma(77, 5001)
    return retail.units(77, "SHIRT", 1200, 200, count=count, **{"shipment_id": 1, **more})


def holds(proposals: pd.DataFrame) -> set[str]:
    return set(proposals["hold_code"].dropna())


def figures(retail: Retail, row_id: int = 9001) -> tuple[int, ...]:
    return books.figures(retail.connection, row_id)


class TestTheOrdinaryLife:
    def test_s1_an_approved_return_is_raised_and_not_posted_before_goods_come(self, retail):
        """Else the customer is credited for goods that nobody has seen."""
        a_shirt_comes_back(retail)
        assert retail.step() == ["raise:77:5001:1"]
        assert retail.step() == NOTHING
        assert figures(retail) == (1, 1000, 200, 0, 0, 0)

    def test_a_received_return_is_posted_noted_and_its_refund_recorded(self, retail):
        """The ordinary life, each act once."""
        items = a_shirt_comes_back(retail)
        retail.step()
        retail.receive(8001, "SHIRT", 1)
        assert retail.step() == ["post:8001"]
        retail.refund(42, 77, 1200, items)
        assert sorted(retail.step()) == ["annotate:8001", "refund:42:8001"]
        assert retail.step() == NOTHING
        assert figures(retail) == (0, 0, 0, 1, 1000, 200)

    def test_every_proposal_fits_its_schema(self, retail):
        """A proposal that does not fit would close the gate of the whole shop."""
        a_shirt_comes_back(retail, count=2)
        for _ in range(2):
            good, refused = schemas.validate("returns_credit_proposals", retail.decide())
            assert len(good) > 0
            assert refused.empty, refused
            retail.step()
            retail.receive(8001, "SHIRT", 2)

    def test_s65_a_parcel_that_the_carrier_delivered_is_no_receipt(self, retail):
        """ReturnGO's Received may only mean that the carrier said so."""
        a_shirt_comes_back(retail)
        retail.step()
        retail.row("returngo_shipments", shipment_id=1)["status"] = "Received"
        retail.row("returngo_rmas", rma_id=77)["status"] = "Received"
        assert retail.step() == NOTHING

    def test_s77_a_sale_without_invoice_is_announced_and_never_posted(self, retail):
        """A credit note cannot correct an invoice that does not exist."""
        retail.row("brightpearl_sales_orders", order_id=5001)["invoice_reference"] = ""
        a_shirt_comes_back(retail)
        assert retail.step() == ["raise:77:5001:1"]
        retail.receive(8001, "SHIRT", 1)
        assert holds(retail.decide()) == {"sale_not_invoiced"}

    def test_a_posting_under_review_is_proposed_with_its_proof_until_it_is_sent(self, connection):
        """The approver would otherwise see a number without the rows behind it."""
        retail = shop_of(connection, policy={"posting": "review"})
        a_shirt_comes_back(retail)
        retail.step()
        retail.receive(8001, "SHIRT", 1)
        assert retail.step() == ["post:8001"]
        proof = retail.decide().iloc[0]
        assert (proof["business_key"], proof["charged_tax_minor"], str(proof["exact_tax_minor"])) == (
            "post:8001",
            600,
            "200.000000",
        )
        assert figures(retail) == (0, 0, 0, 1, 1000, 200)

    def test_a_large_credit_waits_for_review_even_where_posting_is_automatic(self, connection):
        """limits.auto_post_max_minor is the last look before much money moves."""
        retail = shop_of(connection, limits={"auto_post_max_minor": 1199})
        a_shirt_comes_back(retail)
        retail.step()
        retail.receive(8001, "SHIRT", 1)
        (plan,) = retail.plans()
        assert plan.needs_approval

    def test_the_tax_date_is_local_noon_with_its_offset(self, retail):
        """A midnight in UTC may be another day, another month and another VAT period."""
        a_shirt_comes_back(retail)
        retail.step()
        retail.receive(8001, "SHIRT", 1)
        retail.later(days=60)
        (plan,) = retail.plans()
        assert plan.payload["request"]["body"] == {"taxDate": "2026-05-01T12:00:00.000+01:00"}


class TestQuantities:
    def test_s13_no_more_is_raised_than_was_shipped(self, retail):
        """Three returned of two sold is the over-credit that other systems allowed."""
        for rma_id in (77, 78):
            retail.rma(rma_id, 5001)
            retail.units(rma_id, "SHIRT", 1200, 200, count=2, shipment_id=rma_id)
            retail.step()
        assert figures(retail)[0] == 2

    def test_s27_s28_three_returns_of_one_row_add_up_to_its_tax_whatever_the_thirds(self, connection):
        """9.99 + 2.00 over three units: a share of its own for each would lose or invent a penny."""
        retail = Retail(connection)
        retail.sale(5001, [(9001, "SHIRT", 3, 999, 200)])
        for rma_id in (77, 78, 79):
            retail.rma(rma_id, 5001)
            retail.units(rma_id, "SHIRT", 400, 67, shipment_id=rma_id)
        assert len(retail.step()) == 3
        assert figures(retail) == (3, 999, 200, 0, 0, 0)

    def test_s18_what_did_not_come_is_given_back_and_raised_anew_under_the_next_part(self, retail):
        """A credit is received all at once, so the rest needs a credit of its own."""
        a_shirt_comes_back(retail, count=3)
        retail.step()
        retail.receive(8001, "SHIRT", 1)
        assert retail.step() == ["amend:8001:80001:1"]
        assert sorted(retail.step()) == ["post:8001", "raise:77:5001:2"]
        retail.receive(8002, "SHIRT", 2)
        assert sorted(retail.step()) == ["annotate:8001", "post:8002"]
        assert figures(retail) == (0, 0, 0, 3, 3000, 600)

    def test_a_policy_of_waiting_keeps_a_short_credit_until_its_days_are_over(self, connection):
        """partial_receipt = wait: one credit note for the customer where the rest comes soon."""
        retail = shop_of(connection, policy={"partial_receipt": "wait", "partial_wait_days": 14})
        a_shirt_comes_back(retail, count=2)
        retail.step()
        retail.receive(8001, "SHIRT", 1)
        assert holds(retail.decide()) == {"awaiting_rest_of_parcel"}
        retail.later(days=15)
        assert retail.step() == ["amend:8001:80001:1"]

    def test_a_unit_whose_parcel_is_named_later_is_not_raised_twice(self, retail):
        """The return line takes another name then, but the credit that stands is for the same unit."""
        a_shirt_comes_back(retail, shipment_id=None)
        retail.step()
        retail.units(77, "HAT", 1200, 200, shipment_id=9)
        retail.row("returngo_return_items", sku="SHIRT")["shipment_id"] = 9
        assert retail.step() == ["raise:77:5001:2"]
        retail.receive(8001, "SHIRT", 1)
        assert retail.step() == ["post:8001"]
        assert figures(retail) == (0, 0, 0, 1, 1000, 200)

    def test_two_parcels_of_one_return_become_two_credits(self, retail):
        """A credit is received all at once, and the parcels come on different days."""
        a_shirt_comes_back(retail)
        retail.units(77, "HAT", 1200, 200, shipment_id=2)
        assert retail.step() == ["raise:77:5001:1", "raise:77:5001:2"]

    def test_s14_an_over_receipt_is_credited_as_announced(self, retail):
        """The excess is somebody's stock, not this customer's money."""
        a_shirt_comes_back(retail)
        retail.step()
        retail.receive(8001, "SHIRT", 3)
        assert retail.step() == ["post:8001"]
        assert figures(retail)[3:] == (1, 1000, 200)

    def test_one_row_booked_in_by_two_notes_is_posted_with_both(self, retail):
        """Each goods-in line backs its own units, once."""
        a_shirt_comes_back(retail, count=2)
        retail.step()
        first, second = retail.receive(8001, "SHIRT", 1), retail.receive(8001, "SHIRT", 1)
        (plan,) = retail.plans()
        assert [(line.receipt_line_id, line.quantity, line.net_minor, line.tax_minor) for line in plan.lines] == [
            (first, 1, 1000, 200),
            (second, 1, 1000, 200),
        ]
        assert plan.payload["expect"]["rows"] == [
            {"product_id": SHIRT, "quantity": 2, "net_minor": 2000, "tax_minor": 400}
        ]


class TestWithdrawn:
    def test_s9_a_cancelled_return_takes_its_credit_back(self, retail):
        """An open expected return would wait for ever and keep the units from another one."""
        a_shirt_comes_back(retail)
        retail.step()
        retail.row("returngo_rmas", rma_id=77)["status"] = "Canceled"
        assert retail.step() == ["cancel:8001"]
        assert figures(retail) == (0, 0, 0, 0, 0, 0)
        assert retail.step() == NOTHING

    def test_s9_a_cancelled_return_whose_goods_came_is_for_people(self, retail):
        """Goods and no credit, or credit and no return: a person speaks with the customer."""
        a_shirt_comes_back(retail)
        retail.step()
        retail.receive(8001, "SHIRT", 1)
        retail.row("returngo_rmas", rma_id=77)["status"] = "Canceled"
        assert holds(retail.decide()) == {"cancelled_but_received"}

    def test_a_withdrawn_return_with_a_payment_on_its_credit_is_not_cancelled(self, retail):
        """Brightpearl refuses to cancel what is paid, and money has moved."""
        a_shirt_comes_back(retail)
        retail.step()
        retail.row("brightpearl_sales_credits", credit_id=8001)["payment_status"] = "PARTIALLY_PAID"
        retail.row("returngo_rmas", rma_id=77)["status"] = "Rejected"
        assert holds(retail.decide()) == {"cancelled_but_paid"}

    def test_a_reopened_return_is_raised_under_the_next_part(self, retail):
        """The first reference belongs to a cancelled credit for ever."""
        a_shirt_comes_back(retail)
        retail.step()
        rma = retail.row("returngo_rmas", rma_id=77)
        rma["status"] = "Canceled"
        retail.step()
        rma["status"] = "Approved"
        assert retail.step() == ["raise:77:5001:2"]

    def test_s70_a_return_never_sent_is_cancelled_and_raised_again_when_its_parcel_moves(self, retail):
        """45 days of an expected return that nobody sent, and then it comes after all."""
        a_shirt_comes_back(retail)
        retail.step()
        retail.later(days=46)
        assert retail.step() == ["cancel:8001"]
        assert retail.step() == NOTHING
        retail.row("returngo_shipments", shipment_id=1)["status"] = "Shipped"
        assert retail.step() == ["raise:77:5001:2"]


class TestOtherHands:
    def test_s73_a_quantity_that_staff_lowered_is_adopted_with_our_money(self, retail):
        """Brightpearl reckons the tax of a lowered row anew; the invoice's tax is the one that counts."""
        a_shirt_comes_back(retail, count=3)
        retail.step()
        retail.row("brightpearl_sales_credit_rows", credit_row_id=80001).update(
            quantity=2, net_minor=2000, tax_minor=400
        )
        plans = retail.plans()
        assert [(plan.business_key, plan.payload.get("adopt_remote_id")) for plan in plans] == [
            ("amend:8001:80001:2", "8001")
        ]
        retail.step()
        assert retail.step() == ["raise:77:5001:2"]
        assert figures(retail) == (3, 3000, 600, 0, 0, 0)

    def test_s73_a_lowered_row_with_other_tax_is_set_right(self, connection):
        """Rate times net is a penny off the share of what was charged."""
        retail = Retail(connection)
        retail.sale(5001, [(9001, "SHIRT", 3, 999, 200)])
        retail.rma(77, 5001)
        retail.units(77, "SHIRT", 400, 67, count=3, shipment_id=1)
        retail.step()
        retail.row("brightpearl_sales_credit_rows", credit_row_id=80001).update(
            quantity=2, net_minor=666, tax_minor=134
        )
        (plan,) = retail.plans()
        assert [step["value"] for step in plan.payload["request"]["body"]] == ["2", "6.66", "1.33"]

    def test_s74_a_price_that_staff_changed_halts(self, retail):
        """Nobody can say whether it was meant."""
        a_shirt_comes_back(retail)
        retail.step()
        retail.row("brightpearl_sales_credit_rows", credit_row_id=80001)["net_minor"] = 900
        retail.receive(8001, "SHIRT", 1)
        assert holds(retail.decide()) == {"credit_changed_by_staff"}

    def test_s74_a_row_that_staff_added_halts(self, retail):
        """What is on it was never proved against the sale."""
        a_shirt_comes_back(retail)
        retail.step()
        retail.tables["brightpearl_sales_credit_rows"].append(
            {**retail.row("brightpearl_sales_credit_rows", credit_row_id=80001), "credit_row_id": 99, "product_id": 4}
        )
        assert holds(retail.decide()) == {"credit_changed_by_staff"}

    def test_s67_a_credit_by_others_that_is_ours_to_the_penny_is_adopted(self, connection):
        """credits_raised_by = returngo: two systems, one credit."""
        retail = shop_of(connection, brightpearl={"credits_raised_by": "returngo"})
        a_shirt_comes_back(retail)
        assert holds(retail.decide()) == {"awaiting_foreign_credit"}
        retail.make_credit(
            5001, [{"productId": SHIRT, "quantity": "1", "net": "10.00", "tax": "2.00", "taxCode": "T20"}]
        )
        (plan,) = retail.plans()
        assert plan.payload["adopt_remote_id"] == "8001"
        assert retail.step() == ["raise:77:5001:1"]
        retail.receive(8001, "SHIRT", 1)
        assert retail.step() == ["post:8001"]
        assert figures(retail)[3:] == (1, 1000, 200)

    def test_units_that_others_credited_are_not_credited_again(self, connection):
        """A clone by staff, already posted: ours beside it would pay twice."""
        retail = Retail(connection)
        retail.sale(5001, [(9001, "SHIRT", 1, 1000, 200)])
        retail.make_credit(
            5001,
            [{"productId": SHIRT, "quantity": "1", "net": "10.00", "tax": "2.00", "taxCode": "T20"}],
            invoice_reference="SC-1",
        )
        retail.rma(77, 5001)
        retail.units(77, "SHIRT", 1200, 200, shipment_id=1)
        proposals = retail.decide()
        assert holds(proposals) == {"foreign_credit"}
        assert "8001" in proposals.iloc[0]["found"]

    def test_value_that_others_took_leaves_an_exact_share_or_a_question(self, connection):
        """Goodwill of 5.00 on the row: the first unit is whole, and what the last one gets is for finance."""
        retail = shop_of(connection)
        retail.make_credit(
            5001,
            [{"productId": SHIRT, "quantity": "1", "net": "5.00", "tax": "1.00", "taxCode": "T20"}],
            invoice_reference="SC-1",
        )
        retail.row("brightpearl_sales_credit_rows", credit_id=8001)["quantity"] = 0
        a_shirt_comes_back(retail, count=3)
        proposals = retail.decide()
        assert holds(proposals) == {"foreign_credit"}
        assert "value" in proposals.iloc[0]["found"]

    def test_s62_our_credit_closed_by_hand_after_its_goods_came_is_taken_over(self, retail):
        """It is posted; posting it again would be refused, and forgetting it would leave the return open for ever."""
        a_shirt_comes_back(retail)
        retail.step()
        retail.receive(8001, "SHIRT", 1)
        retail.row("brightpearl_sales_credits", credit_id=8001)["invoice_reference"] = "SC-9"
        (plan,) = retail.plans()
        assert plan.payload["adopt_remote_id"] == "8001"
        assert retail.step() == ["post:8001"]
        assert retail.step() == ["annotate:8001"]

    def test_s3_our_credit_closed_by_hand_before_goods_came_is_critical(self, retail):
        """Money for goods that nobody has."""
        a_shirt_comes_back(retail)
        retail.step()
        retail.row("brightpearl_sales_credits", credit_id=8001)["invoice_reference"] = "SC-9"
        assert holds(retail.decide()) == {"credit_without_receipt"}
        retail.decide_as_person("accept_variance", 77)
        assert retail.step() == ["post:8001"]

    def test_a_credit_that_somebody_deleted_is_held_until_the_return_is_withdrawn(self, retail):
        """Raising it again at once would fight whoever deleted it."""
        a_shirt_comes_back(retail)
        retail.step()
        retail.row("brightpearl_sales_credits", credit_id=8001)["is_gone"] = True
        assert holds(retail.decide()) == {"credit_gone"}
        retail.row("returngo_rmas", rma_id=77)["status"] = "Canceled"
        assert retail.step() == ["cancel:8001"]
        assert figures(retail) == (0, 0, 0, 0, 0, 0)


class TestSpecialLives:
    def test_s46_a_kept_item_is_credited_without_goods(self, retail):
        """Nothing will ever come; the reason stands on the ledger's line."""
        a_shirt_comes_back(retail, shipment_id=None, return_method_type="No shipment required")
        assert retail.step() == ["raise:77:5001:1"]
        (plan,) = retail.plans()
        assert [(line.receipt_line_id, line.without_receipt_reason) for line in plan.lines] == [(None, "keep_item")]
        assert retail.step() == ["post:8001"]

    def test_a_kept_item_is_held_where_the_policy_does_not_know_it(self, connection):
        """Only the lives that the settings name are credited without a receipt."""
        retail = shop_of(connection, policy={"credit_without_receipt": ()})
        a_shirt_comes_back(retail, shipment_id=None, return_method_type="No shipment required")
        assert holds(retail.decide()) == {"not_credited_without_receipt"}

    def test_s79_lost_in_transit_needs_a_claim_reference(self, retail):
        """The carrier pays only against a claim."""
        a_shirt_comes_back(retail)
        retail.step()
        retail.decide_as_person("lost_in_transit", 77)
        assert holds(retail.decide()) == {"claim_reference_missing"}
        retail.decide_as_person("lost_in_transit", 77, claim_reference="C-1")
        (plan,) = retail.plans()
        assert plan.lines[0].without_receipt_reason == "lost_in_transit: claim C-1"

    @pytest.mark.parametrize(
        ("policy", "codes"), [("hold", {"store_credit_policy"}), ("credit_and_liability", set()), ("stock_only", set())]
    )
    def test_s68_store_credit_follows_its_policy(self, connection, policy, codes):
        """As a discount code it would take the VAT off twice."""
        retail = shop_of(connection, policy={"store_credit": policy})
        a_shirt_comes_back(retail, resolution_type="RefundToStoreCredit")
        assert holds(retail.decide()) == codes
        if policy == "hold":
            return
        retail.step()
        retail.receive(8001, "SHIRT", 1)
        assert retail.step() == (["post:8001"] if policy == "credit_and_liability" else NOTHING)

    def test_s40_an_exchange_posts_only_when_its_replacement_is_in_brightpearl(self, retail):
        """A credit without its sale would understate the month."""
        exchanged = [
            {"variant_id": "1", "quantity": 1, "sku": "COAT", "effective_price_minor": 1200, "currency": "GBP"}
        ]
        a_shirt_comes_back(retail, resolution_type="InstantVariantExchange", exchange_items=exchanged)
        retail.step()
        retail.receive(8001, "SHIRT", 1)
        assert holds(retail.decide()) == {"exchange_not_released"}
        retail.row("returngo_rmas", rma_id=77)["exchange_orders"] = [
            {"draft_order_id": "9", "order_id": "S6001", "order_name": "#6001", "type": "Exchange"}
        ]
        assert holds(retail.decide()) == {"exchange_not_released"}
        retail.sale(6001, [(9101, "COAT", 1, 1000, 200)])
        assert retail.step() == ["post:8001"]

    def test_s69_a_replacement_order_at_no_value_is_held(self, retail):
        """Crediting the first sale and not booking the second takes revenue back that was kept."""
        exchanged = [
            {"variant_id": "1", "quantity": 1, "sku": "COAT", "effective_price_minor": 1200, "currency": "GBP"}
        ]
        a_shirt_comes_back(retail, resolution_type="InstantVariantExchange", exchange_items=exchanged)
        retail.step()
        retail.receive(8001, "SHIRT", 1)
        retail.row("returngo_rmas", rma_id=77)["exchange_orders"] = [
            {"draft_order_id": "9", "order_id": "S6001", "order_name": "#6001", "type": "Exchange"}
        ]
        retail.sale(6001, [(9101, "COAT", 1, 0, 0)])
        assert holds(retail.decide()) == {"exchange_undervalued"}

    def test_an_even_swap_brings_stock_back_and_no_credit_note(self, connection):
        """exchange = even_swap: the credit is there for the bench and is never posted."""
        retail = shop_of(connection, policy={"exchange": "even_swap"})
        a_shirt_comes_back(retail, resolution_type="InstantVariantExchange")
        retail.step()
        retail.receive(8001, "SHIRT", 1)
        assert retail.step() == NOTHING
        assert holds(retail.decide()) == set()


class TestInspection:
    @pytest.fixture
    def inspecting(self, connection: psycopg.Connection) -> Retail:
        """A shop that credits on inspection; two shirts came."""
        retail = shop_of(connection, policy={"credit_on": "inspection"})
        a_shirt_comes_back(retail, count=2)
        retail.step()
        retail.receive(8001, "SHIRT", 2)
        return retail

    def inspect(self, retail: Retail, *results: bool) -> None:
        units = retail.tables["returngo_return_items"]
        for unit, is_restockable in zip(units, results, strict=False):
            unit |= {"validated_at": retail.now, "is_returned": True, "is_restockable": is_restockable}

    def test_a_half_inspected_parcel_waits(self, inspecting):
        """Splitting it would strand goods that are already received on this credit."""
        self.inspect(inspecting, True)
        assert holds(inspecting.decide()) == {"awaiting_inspection"}

    def test_all_passed_is_posted(self, inspecting):
        """The pass is what releases the credit."""
        self.inspect(inspecting, True, True)
        assert inspecting.step() == ["post:8001"]

    def test_s72_a_failed_unit_holds_the_credit_until_a_person_accepts_it(self, inspecting):
        """failed_inspection = hold."""
        self.inspect(inspecting, True, False)
        assert holds(inspecting.decide()) == {"failed_inspection"}
        inspecting.decide_as_person("accept_variance", 77)
        assert inspecting.step() == ["post:8001"]


class TestMoneyOfTheReturn:
    def test_a_price_that_the_portal_and_the_invoice_do_not_share_is_held_with_both_numbers(self, retail):
        """One of the two systems is wrong, and the customer is paid by the other."""
        retail.rma(77, 5001)
        retail.units(77, "SHIRT", 1100, 183, shipment_id=1)
        retail.step()
        retail.receive(8001, "SHIRT", 1)
        proposals = retail.decide()
        assert holds(proposals) == {"amount_mismatch"}
        assert (proposals.iloc[0]["expected"], proposals.iloc[0]["found"]) == (
            "12.00 GBP of the invoice",
            "11.00 GBP paid according to ReturnGO",
        )

    def test_an_accepted_variance_posts_our_share(self, retail):
        """A person with a reason has looked; what is written stays the invoice's share."""
        retail.rma(77, 5001)
        retail.units(77, "SHIRT", 1100, 183, shipment_id=1)
        retail.step()
        retail.receive(8001, "SHIRT", 1)
        retail.decide_as_person("accept_variance", 77)
        assert retail.step() == ["post:8001"]
        assert figures(retail)[3:] == (1, 1000, 200)

    def test_prices_without_tax_are_compared_with_tax(self, retail):
        """In shops that show net prices the portal says 10.00 for what was charged 12.00."""
        retail.rma(77, 5001)
        retail.units(77, "SHIRT", 1000, 200, shipment_id=1, is_tax_included=False)
        retail.step()
        retail.receive(8001, "SHIRT", 1)
        assert retail.step() == ["post:8001"]

    def test_s34_a_fee_without_nominal_code_is_held(self, retail):
        """Booked nowhere, it would vanish into the item's refund."""
        a_shirt_comes_back(retail, restocking_fee_minor=240)
        assert holds(retail.decide()) == {"fee_nominal_missing"}

    def test_s34_a_fee_is_a_row_of_its_own_taxed_like_the_item(self, connection):
        """12.00 less 2.40 of restocking: the row gives its full share, the fee stands beside it."""
        retail = shop_of(connection, fees={"restocking": Fee(nominal_code="4900", tax_code="same_as_item")})
        items = a_shirt_comes_back(retail, restocking_fee_minor=240)
        (plan,) = retail.plans()
        assert plan.payload["request"]["body"]["rows"][1] == {
            "name": "Restocking fee",
            "quantity": "1",
            "taxCode": "T20",
            "net": "-2.00",
            "tax": "-0.40",
            "nominalCode": "4900",
            "sequence": 20,
        }
        retail.step()
        retail.receive(8001, "SHIRT", 1)
        (plan,) = retail.plans()
        assert plan.payload["expect"]["total_minor"] == 960
        retail.step()
        retail.refund(42, 77, 960, items)
        plans = {plan.kind: plan.payload["request"]["body"] for plan in retail.plans()}
        assert plans["refund.record"]["amountPaid"] == "9.60"
        assert "Restocking fee 2.40 GBP kept." in plans["credit.annotate"]["orderNote"]["text"]
        assert figures(retail)[3:] == (1, 1000, 200)

    def test_a_fee_of_the_whole_return_is_taken_once_over_all_its_credits(self, connection):
        """fee_scope = rma: ReturnGO may repeat one label fee on each unit."""
        retail = shop_of(
            connection,
            fees={"return_shipping": Fee(nominal_code="4900", tax_code="same_as_item")},
            returngo={"fee_scope": "rma"},
        )
        a_shirt_comes_back(retail, count=2, shipment_fee_minor=295)
        retail.units(77, "HAT", 1200, 200, shipment_id=2, shipment_fee_minor=295)
        plans = retail.plans()
        assert [[fee["net_minor"] + fee["tax_minor"] for fee in plan.payload["fees"]] for plan in plans] == [[295], []]

    def test_s35_delivery_that_was_refunded_is_credited_once_as_a_row_of_its_own(self, connection):
        """as_refunded: the refund is the goods and the delivery together."""
        retail = Retail(connection)
        retail.sale(5001, [(9001, "SHIRT", 1, 1000, 200), (9003, None, 1, 400, 80)])
        items = retail.rma(77, 5001) or retail.units(77, "SHIRT", 1200, 200, shipment_id=1)
        retail.step()
        retail.receive(8001, "SHIRT", 1)
        retail.refund(42, 77, 1680, items)
        assert sorted(retail.step()) == ["post:8001", "raise:77:5001:2"]
        assert "post:8002" in retail.step()
        assert figures(retail, 9003)[3:] == (1, 400, 80)
        assert retail.step() == NOTHING or all("raise" not in key for key in retail.step())


class TestGoodsInByThePipeline:
    @pytest.fixture
    def validating(self, connection: psycopg.Connection) -> Retail:
        """A warehouse that inspects in ReturnGO; two shirts are announced."""
        retail = shop_of(connection, policy={"receipt_source": "returngo_validated"})
        a_shirt_comes_back(retail, count=2)
        retail.step()
        return retail

    def test_validated_units_are_booked_in_at_their_cost_and_then_posted(self, validating):
        """The validation is the receipt; Brightpearl's stock has to learn of it."""
        for unit in validating.tables["returngo_return_items"]:
            unit |= {"validated_at": validating.now, "is_returned": True, "is_restockable": True}
        (plan,) = validating.plans()
        assert plan.payload["request"]["body"]["goodsMoved"] == [
            {
                "productId": SHIRT,
                "purchaseOrderRowId": 80001,
                "quantity": 2,
                "destinationLocationId": 5,
                "productValue": {"currency": "GBP", "value": "4.5"},
            }
        ]
        assert validating.step() == ["goods-in:8001:80001"]
        assert validating.step() == ["post:8001"]

    def test_nothing_is_booked_in_while_a_unit_is_not_judged(self, validating):
        """A credit is received all at once."""
        validating.tables["returngo_return_items"][0] |= {"validated_at": validating.now, "is_returned": True}
        assert holds(validating.decide()) == {"awaiting_rest_of_parcel"}

    def test_s76_nothing_is_booked_in_at_zero_cost(self, validating):
        """A receipt at zero spoils the stock value."""
        validating.row("brightpearl_sales_order_rows", order_row_id=9001)["item_cost"] = None
        for unit in validating.tables["returngo_return_items"]:
            unit |= {"validated_at": validating.now, "is_returned": True}
        assert holds(validating.decide()) == {"cost_price_missing"}


class TestRefunds:
    def test_s7_a_requested_or_failed_refund_is_no_money(self, retail):
        """Only Success has moved."""
        items = a_shirt_comes_back(retail)
        retail.step()
        retail.receive(8001, "SHIRT", 1)
        retail.step()
        retail.refund(42, 77, 1200, items, status="Failed")
        retail.refund(43, 77, 1200, items, status="Requested")
        assert retail.step() == ["annotate:8001"]

    def test_a_refund_over_two_credits_is_split_and_the_later_part_gets_the_rest(self, retail):
        """Two parcels, one transaction: each credit is paid its own share, whenever it is posted."""
        items = a_shirt_comes_back(retail) + retail.units(77, "HAT", 1200, 200, shipment_id=2)
        retail.step()
        retail.refund(42, 77, 2400, items)
        retail.receive(8001, "SHIRT", 1)
        retail.step()
        amounts = {
            plan.business_key: plan.payload["request"]["body"]["amountPaid"]
            for plan in retail.plans()
            if plan.kind == "refund.record"
        }
        assert amounts == {"refund:42:8001": "12.00"}
        retail.step()
        retail.receive(8002, "HAT", 1)
        retail.step()
        amounts = {
            plan.business_key: plan.payload["request"]["body"]["amountPaid"]
            for plan in retail.plans()
            if plan.kind == "refund.record"
        }
        assert amounts == {"refund:42:8002": "12.00"}

    def test_payments_never_exceed_the_credit(self, retail):
        """A goodwill refund on top is a difference for finance, not a payment on this credit."""
        items = a_shirt_comes_back(retail)
        retail.step()
        retail.receive(8001, "SHIRT", 1)
        retail.step()
        retail.refund(42, 77, 1500, items)
        (refund,) = [plan for plan in retail.plans() if plan.kind == "refund.record"]
        assert refund.payload["request"]["body"]["amountPaid"] == "12.00"

    def test_s50_two_refunds_of_the_same_amount_are_both_recorded(self, retail):
        """Keyed by transaction, never by amount."""
        items = a_shirt_comes_back(retail, count=2)
        retail.step()
        retail.receive(8001, "SHIRT", 2)
        retail.step()
        retail.refund(42, 77, 1200, items[:1])
        retail.refund(43, 77, 1200, items[1:])
        assert sorted(retail.step()) == ["annotate:8001", "refund:42:8001", "refund:43:8001"]

    @pytest.mark.parametrize(
        ("codes", "hold"),
        [
            (None, "payment_method_unread"),
            (["CARD", "PAYPAL"], "payment_method_unclear"),
            ([], "payment_method_unclear"),
        ],
    )
    def test_a_method_that_the_sale_does_not_settle_is_asked_for(self, retail, codes, hold):
        """A payment under the wrong method lands on the wrong bank account."""
        retail.row("brightpearl_sales_orders", order_id=5001)["payment_method_codes"] = codes
        items = a_shirt_comes_back(retail)
        retail.step()
        retail.receive(8001, "SHIRT", 1)
        retail.step()
        retail.refund(42, 77, 1200, items)
        assert holds(retail.decide()) == {hold}

    def test_a_credit_that_somebody_else_paid_is_left_alone(self, retail):
        """Recorded twice, the customer's account would show money that never moved."""
        items = a_shirt_comes_back(retail)
        retail.step()
        retail.receive(8001, "SHIRT", 1)
        retail.step()
        retail.row("brightpearl_sales_credits", credit_id=8001)["payment_status"] = "PAID"
        retail.refund(42, 77, 1200, items)
        assert retail.step() == ["annotate:8001"]
