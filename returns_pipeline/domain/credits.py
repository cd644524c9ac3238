"""The next step of every credit of one shop's open returns, as proposals: to raise, cancel, receive, amend, post, annotate, record refunds.

Belongs here: which facts each rule sees and in which order. The rules are in `plain_raises`, `raising`, `settling`,
`receiving` and `refunds`.
"""

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import pandas as pd

from returns_pipeline.domain.adopting import adoptable, agree
from returns_pipeline.domain.allotment import Allotment
from returns_pipeline.domain.cases import Facts, Settlement
from returns_pipeline.domain.credit_facts import CreditFacts
from returns_pipeline.domain.credit_rows import foreign_facts
from returns_pipeline.domain.fees import gross_by_kind
from returns_pipeline.domain.parcels import parcel_of
from returns_pipeline.domain.plain_raises import plain_sales, raise_plain_sales
from returns_pipeline.domain.proposals import frame_of, held
from returns_pipeline.domain.raising import LIVE_STATUSES, RaisingFacts, propose_raises
from returns_pipeline.domain.receiving import costs_of, propose_goods_in
from returns_pipeline.domain.records import by_key, grouped_by, records
from returns_pipeline.domain.refunds import (
    posted_credits,
    propose_notes,
    propose_refunds,
    refunded_in,
    successful_refunds,
)
from returns_pipeline.domain.rulings import Rulings
from returns_pipeline.domain.settling import settle_credit
from returns_pipeline.domain.standing import standing_lines
from returns_pipeline.settings import Settings, ShopSettings


@dataclass(frozen=True)
class CreditDecision:
    """What is proposed, and what others credited once the adoptions among the proposals are ours.

    Attributes:
        proposals: columns of `returns_credit_proposals`.
        foreign: of `foreign_facts`; to be written into the balances before anything of this is planned.
    """

    proposals: pd.DataFrame
    foreign: pd.DataFrame


def propose_credits(facts: CreditFacts, shop: ShopSettings, settings: Settings, now: dt.datetime) -> CreditDecision:
    """The proposals of one shop, the same for the same facts whatever their order."""
    standing = standing_lines(facts.effects, facts.ledger_lines)
    standing = standing[standing["shop"] == shop.label]
    shop_clock = min(now, facts.newest_return or now)
    order_ids = plain_sales(facts, standing, shop, settings)
    plain = raise_plain_sales(facts, order_ids, shop, shop_clock, now)
    facts = facts.without(order_ids)
    rulings = Rulings(facts.decisions, facts.locked_until)
    raises, foreign = _raises_and_adoptions(facts, standing, rulings, shop, settings, shop_clock)
    rows = raises + _settlements(facts, standing, foreign, rulings, shop, settings, now)
    posted = posted_credits(facts.effects, facts.ledger_lines, facts.credits, shop.label)
    rows += propose_notes(posted, facts.return_lines, facts.effects)
    rows += propose_refunds(posted, facts.transactions, facts.return_lines, facts.orders, facts.effects, shop)
    return CreditDecision(_joined(plain, frame_of(rows, now)), foreign)


def _joined(*parts: pd.DataFrame) -> pd.DataFrame:
    return pd.concat([part for part in parts if len(part)] or parts[:1], ignore_index=True)


def _raises_and_adoptions(
    facts: CreditFacts,
    standing: pd.DataFrame,
    rulings: Rulings,
    shop: ShopSettings,
    settings: Settings,
    shop_clock: dt.datetime,
) -> tuple[list[dict[str, Any]], pd.DataFrame]:
    """What to raise, with the credits by others that are just that; and what others credited besides."""
    known = set(standing["credit_id"].dropna().astype("int64")) | _ours_by_effect(facts.effects)
    free = _free(facts.credits, known)

    def proposed(adopted: set[int]) -> tuple[list[dict[str, Any]], pd.DataFrame]:
        foreign = foreign_facts(
            facts.credits, facts.credit_rows, standing, adopted | (known & set(facts.credits["credit_id"]))
        )
        return propose_raises(
            _raising_facts(facts, standing, foreign, rulings),
            Allotment(facts.balances, foreign),
            shop,
            settings,
            shop_clock,
        ), foreign

    rows, foreign = proposed(free)
    adoptions = adoptable(rows, facts.credits, facts.credit_rows, free, rulings)
    if free:
        rows, foreign = proposed(set(adoptions.values()))
    rows = agree(rows, adoptions, facts.credit_rows)
    adopts_only = settings.brightpearl.credits_raised_by == "returngo" or shop.policy.announce == "never"
    return [_awaited(row) if adopts_only else row for row in rows], foreign


def _awaited(row: dict[str, Any]) -> dict[str, Any]:
    if row["verdict"] != "ok" or "adopt_remote_id" in row["details"]:
        return row
    return held(
        row, "awaiting_foreign_credit", "a credit raised by the other system", "none on this sale yet", waits=True
    )


def _free(credits: pd.DataFrame, known: set[int]) -> set[int]:
    """Credits by others that nobody has posted or cancelled: they may still become ours."""
    free = credits[
        ~credits["credit_id"].isin(known)
        & ~credits["is_cancelled"]
        & ~credits["is_gone"]
        & (credits["invoice_reference"] == "")
    ]
    return set(free["credit_id"])


def _ours_by_effect(effects: pd.DataFrame) -> set[int]:
    raised = effects[(effects["kind"] == "credit.raise") & (effects["state"] == "confirmed")]
    return {int(remote_id) for remote_id in raised["remote_id"]}


def _raising_facts(facts: CreditFacts, standing: pd.DataFrame, foreign: pd.DataFrame, rulings: Rulings) -> RaisingFacts:
    lines = records(facts.return_lines)
    good_units = {
        int(item)
        for line in lines
        if line["verdict"] == "ok" and line["rma_status"] in LIVE_STATUSES
        for item in line["returned_item_ids"]
    }
    on_credits: dict[tuple[int, int, int], int] = {}
    for row in records(standing[~standing["is_cancelled"]]):
        key = (row["rma_id"], row["order_row_id"], parcel_of(row["shipment_id"]))
        on_credits[key] = on_credits.get(key, 0) + row["quantity"]
    return RaisingFacts(
        lines=lines,
        units=grouped_by(facts.items[facts.items["returned_item_id"].isin(good_units)], "rma_id"),
        shipment_status=dict(zip(facts.shipments["shipment_id"], facts.shipments["status"], strict=True)),
        on_credits=on_credits,
        parts=_parts(facts.effects),
        fees=_fees_on_credits(facts.effects, standing),
        sold=by_key(facts.order_rows, "order_row_id"),
        rows_of_sale=grouped_by(facts.order_rows, "order_id"),
        refunded=_refunded(facts.transactions, lines),
        strangers={row["order_row_id"]: row["credit_ids"] for row in records(foreign)},
        rulings=rulings,
    )


def _parts(effects: pd.DataFrame) -> dict[tuple[int, int], int]:
    """The highest part of each return and sale that stands or that may ever have been sent."""
    highest: dict[tuple[int, int], int] = {}
    for effect in records(effects[effects["kind"] == "credit.raise"]):
        if effect["state"] != "voided" or effect["attempt"] > 0:
            subject = effect["payload"]["subject"]
            key = (subject["rma_id"], subject["order_id"])
            highest[key] = max(highest.get(key, 0), subject["part"])
    return highest


def _fees_on_credits(effects: pd.DataFrame, standing: pd.DataFrame) -> dict[int, Mapping[str, int]]:
    """Kind -> gross of the fees on credits of ours that stand, by return."""
    live = set(standing.loc[~standing["is_cancelled"], "raise_key"])
    rows: dict[int, list[Mapping[str, Any]]] = {}
    for effect in records(effects[effects["business_key"].isin(live) & (effects["state"] != "voided")]):
        rows.setdefault(effect["payload"]["subject"]["rma_id"], []).extend(effect["payload"].get("fees", []))
    return {rma_id: gross_by_kind(fees) for rma_id, fees in rows.items()}


def _refunded(transactions: pd.DataFrame, lines: list[dict[str, Any]]) -> dict[int, int]:
    currency = {line["rma_id"]: line["currency"] for line in lines}
    totals: dict[int, int] = {}
    for row in successful_refunds(transactions):
        if row["rma_id"] in currency:
            totals[row["rma_id"]] = totals.get(row["rma_id"], 0) + refunded_in(row, currency[row["rma_id"]])
    return totals


def _settlements(
    facts: CreditFacts,
    standing: pd.DataFrame,
    foreign: pd.DataFrame,
    rulings: Rulings,
    shop: ShopSettings,
    settings: Settings,
    now: dt.datetime,
) -> list[dict[str, Any]]:
    items, rows_of_sale = by_key(facts.items, "returned_item_id"), grouped_by(facts.order_rows, "order_id")
    credit_rows = grouped_by(facts.credit_rows, "credit_id")
    written = set(
        facts.effects.loc[
            (facts.effects["kind"] == "goods_in.write") & (facts.effects["state"] != "voided"), "business_key"
        ]
    )
    listed_costs = costs_of(facts.products) if shop.policy.receipt_cost == "cost_price_list" else None
    rows: list[dict[str, Any]] = []
    for case in _cases(facts, standing, foreign, shop):
        rows += settle_credit(case, rulings, shop, settings, now, shop_clock=min(now, facts.newest_return or now))
        if shop.policy.receipt_source == "returngo_validated" and case.rma_status in LIVE_STATUSES:
            rows += propose_goods_in(
                case,
                items,
                credit_rows.get(case.credit_id, []),
                rows_of_sale.get(case.order_id, []),
                written,
                listed_costs,
                is_at_once=settings.brightpearl.part_receipt == "refused",
            )
    return rows


def _cases(facts: CreditFacts, standing: pd.DataFrame, foreign: pd.DataFrame, shop: ShopSettings) -> list[Settlement]:
    found = Facts(
        standing=standing, effects=facts.effects, allotment=Allotment(facts.balances, foreign), rmas=facts.rmas, return_lines=facts.return_lines,
        items=facts.items, shipments=facts.shipments, receipts=facts.receipts, orders=facts.orders, order_rows=facts.order_rows,
        credits=facts.credits, credit_rows=facts.credit_rows, order_name_format=shop.order_name_format,
    )  # fmt: skip
    return list(found.cases())
