"""Plain sales are raised as whole columns, all others row by row: two ways to one answer, held together here whatever the world looks like."""

import datetime as dt
import random
from collections import defaultdict

import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from returns_pipeline import schemas
from returns_pipeline.domain import credits
from returns_pipeline.domain.balances import opening_balances
from returns_pipeline.domain.credit_facts import CreditFacts
from returns_pipeline.domain.plain_raises import plain_sales
from returns_pipeline.domain.standing import standing_lines
from returns_pipeline.settings import Settings
from returns_pipeline_tests.domain import worlds
from returns_pipeline_tests.domain.frames import settings_with
from returns_pipeline_tests.storage.rows import frame

TAKEN = ("announced_qty", "announced_net", "announced_tax", "posted_qty", "posted_net", "posted_tax")
NEVER_SENT = worlds.NOW - dt.timedelta(days=60)


def facts_of(**tables: pd.DataFrame) -> CreditFacts:
    """One return of one shirt of a sale that nobody has touched, but for the frames that are given."""
    orders, order_rows = tables.pop("orders", worlds.orders()), tables.pop("order_rows", worlds.sold())
    balances = opening_balances(orders, order_rows).assign(**dict.fromkeys(TAKEN, 0))
    known = {
        "rmas": worlds.rmas(), "return_lines": worlds.return_lines(), "items": worlds.items(), "shipments": worlds.shipments(),
        "transactions": frame("returngo_transactions"), "receipts": frame("returns_receipts"), "products": frame("brightpearl_products"),
        "credits": frame("brightpearl_sales_credits"), "credit_rows": frame("brightpearl_sales_credit_rows"), "balances": balances,
        "effects": worlds.effects(), "ledger_lines": worlds.ledger_lines(), "decisions": worlds.decisions(),
    }  # fmt: skip
    return CreditFacts(orders=orders, order_rows=order_rows, **(known | tables))


def plain(facts: CreditFacts, rules: Settings) -> list[int]:
    standing = standing_lines(facts.effects, facts.ledger_lines)
    return plain_sales(facts, standing, rules.shops[0], rules).tolist()


def proposals(facts: CreditFacts, rules: Settings) -> pd.DataFrame:
    """What is proposed, as the table would hold it."""
    decided = credits.propose_credits(facts, rules.shops[0], rules, worlds.NOW).proposals
    good, held = schemas.validate("returns_credit_proposals", decided)
    assert held.empty, held["reason"].tolist()
    return good.sort_values("proposal_id", ignore_index=True)


ODDITIES = (
    "held", "void", "store_credit", "exchange", "keep_item", "lost_in_transit", "cancel_order", "Pending", "Canceled", "fee", "short", "gift", "refund",
    "decision", "posted_credit", "free_credit", "taken",
)  # fmt: skip


class Season:
    """Many sales with their returns, most of them plain and each other one odd in one way; a return of it is a few rows of a few tables."""

    def __init__(self, seed: int, sales: int) -> None:
        self.random = random.Random(seed)  # noqa: S311 - a made-up season, and the same for the same seed
        self.rows: dict[str, list[dict]] = defaultdict(list)
        self.taken: list[int] = []
        for order_id in range(1001, 1001 + sales):
            self._sell(order_id, self.random.choice([None, *ODDITIES]) if self.random.random() < 0.5 else None)

    def facts(self) -> CreditFacts:
        made = {name: getattr(worlds, name)(*rows) for name, rows in self.rows.items() if hasattr(worlds, name)}
        tables = {
            name: frame(table, *self.rows[name])
            for name, table in (
                ("transactions", "returngo_transactions"), ("credits", "brightpearl_sales_credits"), ("credit_rows", "brightpearl_sales_credit_rows"),
            )
        }  # fmt: skip
        facts = facts_of(**made, **tables, order_rows=worlds.sold(*self.rows["order_rows"]))
        facts.balances.loc[facts.balances["order_id"].isin(self.taken), "posted_qty"] = 1
        return facts

    def _sell(self, order_id: int, odd: str | None) -> None:
        some = self.random
        names = {"order_id": order_id, "external_ref": str(order_id), "customer_ref": f"#{order_id}"}
        self.rows["orders"].append(names | {"price_mode": some.choice(["EXC", "INC"])})
        row_ids = [order_id * 10 + number for number in range(some.randint(1, 3))]
        for row_id in row_ids:
            quantity = some.randint(1, 3)
            row = {
                "order_row_id": row_id,
                "order_id": order_id,
                "product_id": row_id,
                "sku": f"SKU{row_id}",
                "quantity": quantity,
            }
            money = {"net_minor": some.randint(1, 5000), "tax_minor": some.randint(0, 1000)}
            self.rows["order_rows"].append(row | money | {"shipped_quantity": quantity - (odd == "short")})
        if some.random() < 0.5:
            delivery = {"product_id": None, "sku": None, "name": "Delivery", "net_minor": 400, "tax_minor": 80}
            self.rows["order_rows"].append({"order_row_id": order_id * 10 + 9, "order_id": order_id} | delivery)
        for rma_id in range(order_id * 100, order_id * 100 + some.choice([1, 1, 1, 2])):
            self._ask(rma_id, order_id, row_ids, odd)
        if odd in ("posted_credit", "free_credit"):
            credit = {
                "credit_id": order_id,
                "order_id": order_id,
                "invoice_reference": "SC-1" if odd == "posted_credit" else "",
            }
            self.rows["credits"].append(credit)
            money = {"quantity": 1, "net_minor": 500, "tax_minor": 100, "product_id": row_ids[0]}
            self.rows["credit_rows"].append(
                {"credit_row_id": order_id, "credit_id": order_id, "order_row_id": row_ids[0]} | money
            )
        if odd == "taken":
            self.taken.append(order_id)

    def _ask(self, rma_id: int, order_id: int, row_ids: list[int], odd: str | None) -> None:
        some = self.random
        status = odd if odd in ("Pending", "Canceled") else some.choice(["Approved", "Approved", "Received", "Done"])
        head = {"rma_id": rma_id, "approved_at": some.choice([worlds.CREATED, worlds.CREATED, NEVER_SENT, None])}
        self.rows["rmas"].append(head | {"status": status})
        parcels = [rma_id * 10 + number for number in range(2)]
        self.rows["shipments"] += [
            {"shipment_id": parcel, "rma_id": rma_id, "status": some.choice(["Pending", "LabelCreated", "Shipped"])}
            for parcel in parcels
        ]
        for number, row_id in enumerate(some.sample(row_ids, some.randint(1, len(row_ids)))):
            item_id, parcel = rma_id * 100 + number, some.choice([*parcels, None])
            fee = {"fee": 100}.get(odd, 0)
            self.rows["items"].append(
                {"returned_item_id": item_id, "rma_id": rma_id, "shipment_id": parcel, "restocking_fee_minor": fee}
            )
            sold = next(row for row in self.rows["order_rows"] if row["order_row_id"] == row_id)
            judged = {
                "verdict": odd if odd in ("held", "void") else "ok",
                "hold_code": "sku_unknown" if odd == "held" else None,
            }
            life = (
                {"life": odd}
                if odd in ("store_credit", "exchange", "keep_item", "lost_in_transit", "cancel_order")
                else {}
            )
            wishes = {
                "quantity": some.randint(1, sold["quantity"]),
                "return_reasons": some.choice([None, "Too small", "Torn; late"]),
            }
            line = {
                "return_line_id": f"{rma_id}-{row_id}-{parcel or 0}",
                "rma_status": status,
                "shipment_id": parcel,
                "order_id": order_id,
                "order_row_id": row_id,
            }
            paid = {
                "fee_minor": fee,
                "paid_price_minor": 3 if odd == "gift" else 1200,
                "product_id": row_id,
                "returned_item_ids": [item_id],
            }
            self.rows["return_lines"].append(head | line | paid | judged | life | wishes)
        if odd == "refund":
            money = {
                "amount_minor": some.choice([1200, 1680]),
                "currency": "GBP",
                "shop_amount_minor": 1200,
                "shop_currency": "GBP",
            }
            kind = {"type": "RefundToPaymentMethod", "status": "Success", "returned_item_ids": []}
            self.rows["transactions"].append({"transaction_id": rma_id, "rma_id": rma_id} | kind | money)
        if odd == "decision":
            named = {"subject_id": str(rma_id), "rma_id": some.choice([rma_id, None]), "action": "lost_in_transit"}
            self.rows["decisions"].append(named | {"value": {"claim_reference": "C1"}})


@settings(max_examples=6, deadline=None)
@given(
    st.integers(0, 2**32),
    st.sampled_from(["approval", "in_transit"]),
    st.sampled_from(["as_refunded", "never", "full_return"]),
    st.sampled_from([0, 45]),
)
def test_plain_sales_are_raised_as_row_by_row(seed, announce, refund_delivery, cancel_after_days):
    """A season goes the fast way: a penny, a part or a key that it gives otherwise is a season of wrong credits."""
    policy = {
        "announce": announce,
        "refund_delivery": refund_delivery,
        "cancel_announced_after_days": cancel_after_days,
    }
    facts, rules = Season(seed, sales=80).facts(), settings_with(policy=policy)
    assert plain(facts, rules)
    fast = proposals(facts, rules)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(credits, "plain_sales", lambda *_: pd.Index([], dtype="int64"))
        slow = proposals(facts, rules)
    pd.testing.assert_frame_equal(fast, slow)


def test_an_ordinary_return_is_plain():
    """Were nothing plain, the fast way would be a dead end, and every comparison of the two would agree."""
    assert plain(facts_of(), worlds.settings()) == [worlds.SALE]


LINE = {"return_line_id": "70-2-900", "order_row_id": 2, "product_id": 12}
ODD = {
    "a line that is held": {"return_lines": worlds.return_lines({}, LINE | {"verdict": "held", "hold_code": "sku_unknown"})},
    "a return that is not approved": {"return_lines": worlds.return_lines({"rma_status": "Pending"})},
    "a life with rules of its own": {"return_lines": worlds.return_lines({"life": "store_credit"})},
    "a fee": {"return_lines": worlds.return_lines({"fee_minor": 100})},
    "more than was shipped": {"return_lines": worlds.return_lines({"quantity": 3})},
    "two parcels of one row": {"return_lines": worlds.return_lines({}, {"return_line_id": "70-1-901", "shipment_id": 901})},
    "a gift": {"return_lines": worlds.return_lines({"paid_price_minor": 0})},
    "a decision": {"decisions": worlds.decisions({"action": "keep_item"})},
    "a refund": {"transactions": frame("returngo_transactions", {"transaction_id": 1, "rma_id": worlds.RMA})},
    "a credit by others": {"credits": frame("brightpearl_sales_credits", {"credit_id": 8001, "order_id": worlds.SALE})},
    "a write of ours": {"effects": worlds.effects({"kind": "credit.raise", "business_key": "k", "state": "voided", "payload": {"subject": {"rma_id": worlds.RMA, "order_id": worlds.SALE, "part": 1}}})},
    "a row without money to give": {"order_rows": worlds.sold({"order_row_id": 1, "product_id": 11, "sku": "SHIRT", "net_minor": 0, "tax_minor": 5})},
}  # fmt: skip


@pytest.mark.parametrize("oddity", ODD)
def test_whatever_is_odd_about_a_sale_is_for_the_rules_that_go_row_by_row(oddity):
    """A rule that the whole columns do not know would be passed over in silence."""
    assert plain(facts_of(**ODD[oddity]), worlds.settings()) == []


@pytest.mark.parametrize("figure", TAKEN)
def test_a_sale_of_which_something_was_taken_is_not_plain(figure):
    """What is taken already changes the next unit's share."""
    facts = facts_of()
    facts.balances.loc[facts.balances["order_row_id"] == 1, figure] = 1
    assert plain(facts, worlds.settings()) == []


@pytest.mark.parametrize(
    "rules", [{"policy": {"announce": "never"}}, {"brightpearl": {"credits_raised_by": "returngo"}}]
)
def test_nothing_is_plain_where_others_raise_the_credits(rules):
    """There each proposal waits for somebody else's credit."""
    assert plain(facts_of(), settings_with(**rules)) == []
