"""Credits under each policy: special lives, inspection, fees and other money, goods-in by the pipeline, refunds. The ordinary return is in `test_credits`."""

import psycopg
import pytest

from returns_pipeline.settings.model import Fee
from returns_pipeline_tests.domain.credit_cases import NOTHING, SHIRT, a_shirt_comes_back, figures, holds, shop_of
from returns_pipeline_tests.domain.retail import Retail


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
        """A warehouse that inspects in ReturnGO, and an account that takes a receipt per row; two shirts are announced."""
        retail = shop_of(
            connection, policy={"receipt_source": "returngo_validated"}, brightpearl={"part_receipt": "allowed"}
        )
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

    @pytest.fixture
    def at_once(self, connection: psycopg.Connection) -> Retail:
        """The same warehouse, where Brightpearl receives a credit all at once; two shirts and a hat are announced."""
        retail = shop_of(
            connection, policy={"receipt_source": "returngo_validated"}, brightpearl={"part_receipt": "refused"}
        )
        a_shirt_comes_back(retail, count=2)
        retail.units(77, "HAT", 1200, 200, shipment_id=1)
        retail.step()
        return retail

    def test_s18_a_credit_that_is_received_all_at_once_is_booked_in_with_one_note(self, at_once):
        """A note for its first row alone would be refused, and the credit never received."""
        for unit in at_once.tables["returngo_return_items"]:
            unit |= {"validated_at": at_once.now, "is_returned": True, "is_restockable": True}
        (plan,) = at_once.plans()
        moved = [
            (line["purchaseOrderRowId"], line["quantity"]) for line in plan.payload["request"]["body"]["goodsMoved"]
        ]
        assert moved == [(80001, 2), (80002, 1)]
        assert at_once.step() == ["goods-in:8001"]
        assert at_once.step() == ["post:8001"]

    def test_s18_what_did_not_come_leaves_the_credit_before_the_rest_is_booked_in(self, at_once):
        """The hat was not in the parcel: with its row open, the receipt of the shirts would be refused."""
        for unit in at_once.tables["returngo_return_items"]:
            unit |= {"validated_at": at_once.now, "is_returned": unit["sku"] == "SHIRT", "is_restockable": True}
        assert at_once.step() == ["amend:8001:80002:0"]
        assert "goods-in:8001" in at_once.step()
        assert "post:8001" in at_once.step()
        assert figures(at_once)[3:] == (2, 2000, 400)

    def test_s76_one_row_without_a_cost_keeps_the_whole_note_back(self, at_once):
        """Half a note would be refused."""
        at_once.row("brightpearl_sales_order_rows", order_row_id=9002)["item_cost"] = None
        for unit in at_once.tables["returngo_return_items"]:
            unit |= {"validated_at": at_once.now, "is_returned": True}
        assert holds(at_once.decide()) == {"cost_price_missing"}
        assert at_once.step() == NOTHING

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
        (refund,) = [plan for plan in retail.plans() if plan.kind == "refund.record"]
        assert refund.payload["request"]["body"]["amountPaid"] == "24.00"
        assert [each["transaction_id"] for each in refund.payload["subject"]["transactions"]] == [42, 43]

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
