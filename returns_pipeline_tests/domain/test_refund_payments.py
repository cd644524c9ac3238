"""Refunds are grouped into customer payments, because each payment is a call. Whatever the grouping, each refund is paid once and to the penny."""

import datetime as dt
from dataclasses import dataclass, field
from typing import Any

import hypothesis.strategies as st
import pandas as pd
import pytest
from hypothesis import given, settings

from returns_pipeline.domain import proposals
from returns_pipeline.domain.plans import EffectPlan, Sources, build_credit_plans
from returns_pipeline.domain.refunds import PostedCredit, propose_refunds
from returns_pipeline.storage import ledger
from returns_pipeline.storage.ledger import acts
from returns_pipeline_tests.domain.frames import START, frame_of, settings_with
from returns_pipeline_tests.domain.retail import Retail
from returns_pipeline_tests.storage.ledger import books

RMA, SALE = 77, 5001
METHODS = {"RefundToPaymentMethod": "same_as_sale", "RefundToStoreCredit": "STORECREDIT"}
SETTINGS = settings_with(shop={"payment_methods": METHODS})
SHOP = SETTINGS.shops[0]
# Both sides of midnight in London, at the end of a month in summer time, when it is not midnight in UTC.
MOMENTS = [dt.datetime(2026, 8, 31, 22, 58, tzinfo=dt.UTC) + dt.timedelta(minutes=minutes) for minutes in (0, 1, 2, 3)]


def returned(connection, units: int = 4) -> tuple[Retail, list[int]]:
    """Some shirts of 12.00 each, credited on 8001 and noted."""
    retail = Retail(connection, SETTINGS)
    retail.sale(SALE, [(9001, "SHIRT", units, units * 1000, units * 200)])
    retail.rma(RMA, SALE)
    items = retail.units(RMA, "SHIRT", 1200, 200, count=units)
    retail.step()
    retail.receive(8001, "SHIRT", units)
    retail.step()
    assert retail.step() == ["annotate:8001"]
    return retail, items


def payments(retail: Retail) -> list[tuple[str, str, list[int]]]:
    """Reference, amount and transactions of the payments that are planned now."""
    return [told(plan) for plan in retail.plans() if plan.kind == "refund.record"]


def told(plan: EffectPlan) -> tuple[str, str, list[int]]:
    body = plan.payload["request"]["body"]
    named = [each["transaction_id"] for each in plan.payload["subject"]["transactions"]]
    return body["transactionRef"], body["amountPaid"], named


def test_refunds_that_one_pass_finds_are_one_payment_and_a_later_one_has_its_own(connection):
    """ReturnGo gives a transaction for each unit; a call for each would take a quarter of the account's calls."""
    retail, items = returned(connection)
    for number, item in zip((43, 42), items, strict=False):
        retail.refund(number, RMA, 1200, [item])
    assert payments(retail) == [("rg-42-8001", "24.00", [42, 43])]
    retail.step()
    retail.refund(41, RMA, 1200, items[2:3])
    assert payments(retail) == [("rg-41-8001", "12.00", [41])]
    retail.step()
    assert payments(retail) == []


@pytest.mark.parametrize(
    ("other", "together"),
    [
        ({}, True),
        ({"created_at": MOMENTS[1]}, True),
        ({"created_at": MOMENTS[2]}, False),
        ({"type": "RefundToStoreCredit"}, False),
    ],
    ids=["the same", "a minute before the month's end", "on the month's end", "another kind"],
)
def test_a_payment_has_one_kind_and_one_day_of_the_shop(connection, other, together):
    """It has one date and one method: money would move over the month's end, or cash would become store credit."""
    retail, items = returned(connection)
    retail.refund(42, RMA, 1200, items[:1], created_at=MOMENTS[0])
    retail.refund(43, RMA, 1200, items[1:2], **{"created_at": MOMENTS[0], **other})
    assert [named for _, _, named in payments(retail)] == ([[42, 43]] if together else [[42], [43]])


def test_a_payment_is_dated_as_its_latest_refund(connection):
    """Money is not on record before it was given."""
    retail, items = returned(connection)
    retail.refund(42, RMA, 1200, items[:1], created_at=MOMENTS[1])
    retail.refund(43, RMA, 1200, items[1:2], created_at=MOMENTS[0])
    (plan,) = [plan for plan in retail.plans() if plan.kind == "refund.record"]
    assert plan.payload["request"]["body"]["paymentDate"] == MOMENTS[1].isoformat()


def test_a_payment_whose_method_is_not_clear_is_held_with_every_refund_in_it(connection):
    """One that slipped through would be booked to a bank account that nobody named."""
    retail, items = returned(connection)
    retail.row("brightpearl_sales_orders", order_id=SALE)["payment_method_codes"] = ["CARD", "GIFT"]
    for number, item in zip((42, 43), items, strict=False):
        retail.refund(number, RMA, 1200, [item])
    rows = retail.decide()
    rows = rows[rows["action"] == "record_refund"]
    assert (
        list(zip(rows["net_minor"], rows["hold_code"], rows["found"], strict=True))
        == [(1200, "payment_method_unclear", "2 methods for 24.00 GBP")] * 2
    )


@pytest.mark.parametrize("was_sent", [False, True])
def test_a_voided_payment_is_planned_anew_and_keeps_its_company_once_it_was_sent(connection, was_sent):
    """Brightpearl refuses a reference that it has: under another one, money that was recorded after all would be recorded twice."""
    retail, items = returned(connection)
    for number, item in zip((42, 43), items, strict=False):
        retail.refund(number, RMA, 1200, [item])
    ledger.plan(connection, retail.plans(), "test")
    if was_sent:
        connection.execute("UPDATE effect SET attempt = 1, sent_at = now() WHERE kind = 'refund.record'")
    (effect_id,) = connection.execute("SELECT effect_id FROM effect WHERE kind = 'refund.record'").fetchone()
    acts.void(connection, effect_id, "finance", "typed in by hand, and taken out again")
    retail.refund(41, RMA, 1200, items[2:3])
    apart = [("rg-41-8001", "12.00", [41]), ("rg-42-8001", "24.00", [42, 43])]
    assert payments(retail) == (apart if was_sent else [("rg-41-8001", "36.00", [41, 42, 43])])


def test_the_ledger_takes_a_transaction_once_per_credit_and_no_more_than_the_credit(connection):
    """Two planners that saw different refunds group them differently: the keys differ, and only the database can see it."""
    retail, items = returned(connection)
    retail.refund(43, RMA, 1200, items[1:2])
    seen_first = retail.plans()
    retail.refund(42, RMA, 1200, items[:1])
    seen_later = retail.plans()
    assert ledger.plan(connection, seen_first, "one").planned == 1
    assert ledger.plan(connection, seen_first, "the same").already == 1
    assert ledger.plan(connection, seen_later, "another").refused == [
        ("refund:42:8001", "credit 8001: transaction 43 is on another payment")
    ]
    retail.row("returngo_transactions", transaction_id=42)["amount_minor"] = 4800
    (much,) = [plan for plan in retail.plans() if plan.kind == "refund.record"]
    assert told(much) == ("rg-42-8001", "36.00", [42])
    much.payload["expect"]["amount_minor"] = 3601
    assert ledger.plan(connection, [much], "another").refused == [
        ("refund:42:8001", "credit 8001: payments of 4801, it gives back 4800")
    ]
    acts.void(connection, books.effect_of(connection, "refund:43:8001").effect_id, "finance", "not so")
    assert ledger.plan(connection, seen_later, "another").planned == 1


@dataclass
class World:
    """A return's posted credits and refunds, and a ledger in memory that voids what it is told to."""

    credits: list[PostedCredit]
    lines: pd.DataFrame
    refunds: list[dict[str, Any]]
    effects: list[dict[str, Any]] = field(default_factory=list)

    def look(self, transactions: list[dict[str, Any]]) -> list[EffectPlan]:
        """One pass that finds these transactions; answers what it planned."""
        orders = frame_of("brightpearl_sales_orders", [{"order_id": SALE, "payment_method_codes": ["CARD"]}])
        columns = ["kind", "state", "business_key", "attempt", "payload"]
        rows = propose_refunds(
            self.credits, frame_of("returngo_transactions", transactions), self.lines, orders,
            pd.DataFrame(self.effects, columns=columns), SHOP,
        )  # fmt: skip
        empty = frame_of("returngo_rmas", []), frame_of("returngo_return_items", [])
        sources = Sources(orders, frame_of("brightpearl_sales_order_rows", []), *empty, {}, SETTINGS, START)
        plans = build_credit_plans(proposals.frame_of(rows, START), sources)
        assert not {plan.business_key for plan in plans} & {effect["business_key"] for effect in self.live()}
        self.effects += [
            {"kind": plan.kind, "state": "planned", "business_key": plan.business_key, "attempt": 0, "payload": plan.payload}
            for plan in plans
        ]  # fmt: skip
        return plans

    def live(self) -> list[dict[str, Any]]:
        return [effect for effect in self.effects if effect["state"] != "voided"]

    def paid(self) -> dict[tuple[int, int], int]:
        """By transaction and credit, what the payments that stand carry; a pair on two of them fails."""
        parts = [
            ((each["transaction_id"], effect["payload"]["subject"]["credit_id"]), each["amount_minor"])
            for effect in self.live()
            for each in effect["payload"]["subject"]["transactions"]
        ]
        assert len(dict(parts)) == len(parts), "a transaction is on two payments of a credit"
        return dict(parts)


@st.composite
def worlds(draw: st.DrawFn) -> World:
    """One to three credits of some units; the refunds either go over all of them or are of one credit's units, in up to three pieces."""
    price = draw(st.integers(1, 5000))
    counts = draw(st.lists(st.integers(1, 4), min_size=1, max_size=3))
    items = [[10 * at + unit for unit in range(count)] for at, count in enumerate(counts, 1)]
    credits = [
        PostedCredit(SHOP.label, RMA, SALE, at, 8000 + at, "GBP", price * count, {9000 + at: count}, True, False)
        for at, count in enumerate(counts, 1)
    ]
    lines = pd.DataFrame(
        {
            "rma_id": RMA,
            "order_row_id": [9000 + at for at in range(1, len(counts) + 1)],
            "returned_item_ids": items,
            "quantity": counts,
            "paid_price_minor": [price * count for count in counts],
        }
    )
    if draw(st.booleans()):
        named = [(item for item in group) for group in items]
        pieces = [([item for group in named for item in group], draw(st.integers(1, price * sum(counts))))]
    else:
        pieces = []
        for group in items:
            left = price * len(group)
            for share in draw(st.lists(st.integers(1, left), min_size=1, max_size=3)):
                if left > 0:
                    pieces.append((group, min(share, left)))
                    left -= share
    numbers = draw(st.permutations(range(40, 40 + len(pieces))))
    refunds = [
        {
            "transaction_id": number, "rma_id": RMA, "amount_minor": minor, "currency": "GBP", "shop_amount_minor": minor, "shop_currency": "GBP",
            "type": draw(st.sampled_from(sorted(METHODS))), "status": "Success", "returned_item_ids": named,
            "created_at": draw(st.sampled_from(MOMENTS)),
        }
        for number, (named, minor) in zip(numbers, pieces, strict=True)
    ]  # fmt: skip
    return World(credits, lines, refunds)


def is_alike(plan: EffectPlan, refunds: dict[int, dict[str, Any]]) -> bool:
    """Whether a payment's refunds are of one kind and one day of the shop, and it says their sum and their latest moment."""
    body, named = plan.payload["request"]["body"], plan.payload["subject"]["transactions"]
    of = [refunds[each["transaction_id"]] for each in named]
    total = sum(each["amount_minor"] for each in named)
    return (
        len({(each["type"], each["created_at"].astimezone(SHOP.zone).date()) for each in of}) == 1
        and (round(float(body["amountPaid"]) * 100), plan.payload["expect"]["amount_minor"]) == (total, total)
        and body["paymentDate"] == max(each["created_at"] for each in of).isoformat()
        and len(body["transactionRef"]) <= 64
    )


@settings(max_examples=30, deadline=None)
@given(worlds(), st.data())
def test_whatever_the_passes_find_each_refund_is_paid_once_and_to_the_penny(world, data):
    """Refunds come in any order and company, payments are voided before and after they were sent, and in the end all is recorded."""
    refunds = {each["transaction_id"]: each for each in world.refunds}
    sent_under: dict[tuple[int, int], str] = {}
    for is_last in (False, False, True):
        found = world.refunds if is_last else data.draw(st.lists(st.sampled_from(world.refunds), unique_by=id))
        for plan in world.look(found):
            assert is_alike(plan, refunds)
            for each in plan.payload["subject"]["transactions"]:
                part = (each["transaction_id"], plan.payload["subject"]["credit_id"])
                reference = plan.payload["request"]["body"]["transactionRef"]
                assert sent_under.get(part, reference) == reference, "it may stand under another reference already"
        references = [effect["payload"]["request"]["body"]["transactionRef"] for effect in world.live()]
        assert len(set(references)) == len(references)
        paid = world.paid()
        for credit in world.credits:
            assert sum(minor for (_, on), minor in paid.items() if on == credit.credit_id) <= credit.gross_minor
        for effect in world.live() if not is_last else ():
            fate = data.draw(st.sampled_from(["stands", "voided before it was sent", "voided after it was sent"]))
            if fate != "stands":
                effect |= {"state": "voided", "attempt": int(fate == "voided after it was sent")}
            if effect["attempt"]:
                subject, body = effect["payload"]["subject"], effect["payload"]["request"]["body"]
                for each in subject["transactions"]:
                    sent_under[(each["transaction_id"], subject["credit_id"])] = body["transactionRef"]
    totals = {number: sum(minor for (each, _), minor in world.paid().items() if each == number) for number in refunds}
    assert totals == {number: each["amount_minor"] for number, each in refunds.items()}
