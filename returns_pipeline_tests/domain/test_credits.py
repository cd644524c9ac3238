"""Whole lives of returns over the real ledger: raised, received, amended, posted, noted, paid. Numbers in names are the scenarios'."""

from returns_pipeline import schemas
from returns_pipeline_tests.domain.credit_cases import NOTHING, SHIRT, a_shirt_comes_back, figures, holds, shop_of
from returns_pipeline_tests.domain.retail import Retail


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
        retail = shop_of(
            connection,
            policy={"partial_receipt": "wait", "partial_wait_days": 14},
            brightpearl={"part_receipt": "allowed"},
        )
        a_shirt_comes_back(retail, count=2)
        retail.step()
        retail.receive(8001, "SHIRT", 1)
        assert holds(retail.decide()) == {"awaiting_rest_of_parcel"}
        retail.later(days=15)
        assert retail.step() == ["amend:8001:80001:1"]

    def test_nobody_waits_for_goods_that_the_credit_cannot_receive_any_more(self, connection):
        """part_receipt = refused: Brightpearl takes one receipt per credit, so that the rest needs a credit of its own."""
        retail = shop_of(connection, policy={"partial_receipt": "wait"}, brightpearl={"part_receipt": "refused"})
        a_shirt_comes_back(retail, count=2)
        retail.step()
        retail.receive(8001, "SHIRT", 1)
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
