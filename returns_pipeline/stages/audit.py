"""The historical audit: lists past returns, says what reading them costs, reads them with the calls that today's work leaves, and judges what was read.

Read-only by construction: its accounts are made of settings in shadow mode, so that no path that writes can leave the process.
It keeps what it read apart, and goes on where it stopped. Rules are `domain.audit`'s.
"""

import datetime as dt
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import pandas as pd
import psycopg

from returns_pipeline.clients.fields import RecordRejected
from returns_pipeline.clients.outcomes import ReadFailed
from returns_pipeline.clients.pacing import BudgetSpent, Priority
from returns_pipeline.clients.records_brightpearl import SalesCredit, SalesOrder
from returns_pipeline.clients.records_returngo import RmaDetail
from returns_pipeline.clients.records_warehouse import GoodsInLine
from returns_pipeline.domain import audit, lives
from returns_pipeline.domain.audit import AuditFinding
from returns_pipeline.domain.credit_rows import match_credit_rows
from returns_pipeline.domain.records import grouped_by
from returns_pipeline.domain.sales_matching import formatted_order_name
from returns_pipeline.settings import Settings, ShopSettings
from returns_pipeline.stages.accounts import Accounts
from returns_pipeline.storage import audits
from returns_pipeline.storage.frames import of_records

_AT_ONCE = 100
_FILTERS = {"external_ref": "externalRef", "customer_ref": "customerRef"}
# Sets of a hundred: sales found, sales, their credits, those credits, goods-in on them, with a page or two to spare.
_BRIGHTPEARL_CALLS_PER_SET = 8
_HISTORY_LACKS_STANDING = pd.DataFrame(
    {
        "credit_id": pd.Series(dtype="Int64"),
        "order_row_id": pd.Series(dtype="int64"),
        "line_no": pd.Series(dtype="int64"),
    }
)


@dataclass(frozen=True)
class AuditPlan:
    """What reading one shop's past returns costs before it starts."""

    shop: str
    returns: int
    to_read: int
    returngo_calls: int
    brightpearl_calls: int
    returngo_calls_now: int
    returngo_calls_a_day: int

    @property
    def days(self) -> int:
        """Days that the audit needs with what a day like this one leaves of ReturnGo's calls."""
        return -(-self.returngo_calls // self.returngo_calls_a_day)


@dataclass(frozen=True)
class AuditResult:
    """What one shop's audit has read so far, what is left and why, what could not be used, and what is wrong, the dearest first."""

    shop: str
    read: int
    left: int
    why_left: str
    rejected: tuple[str, ...]
    findings: tuple[AuditFinding, ...]


@dataclass(frozen=True)
class PastReturns:
    """One shop's past: the days that are looked at, whole days of the shop's own zone, both included."""

    shop: ShopSettings
    first: dt.date
    last: dt.date

    @property
    def begins(self) -> dt.datetime:
        """The first moment."""
        return dt.datetime.combine(self.first, dt.time(), tzinfo=self.shop.zone)

    @property
    def ends(self) -> dt.datetime:
        """The first moment after the last day."""
        return dt.datetime.combine(self.last + dt.timedelta(days=1), dt.time(), tzinfo=self.shop.zone)


def read_only(settings: Settings) -> Settings:
    """The same settings with every kind of write off."""
    return settings.model_copy(update={"mode": "shadow"})


def plan(connection: psycopg.Connection, accounts: Accounts, past: PastReturns) -> AuditPlan:
    """Lists the returns of the time, which costs a call per 500, and reckons what the rest costs.

    Raises:
        ReadFailed, BudgetSpent: the list could not be read to its end.
    """
    rows = list(accounts.returngo(past.shop).list_rmas(created_since=past.begins, priority=Priority.BACKFILL))
    of_time = [row for row in rows if row.created_at is None or past.begins <= row.created_at < past.ends]
    audits.listed(connection, past.shop.label, ((row.rma_id, row.created_at) for row in of_time))
    to_read = len(audits.unread(connection, past.shop.label, past.begins, past.ends))
    day = accounts.day_of(connection, past.shop).plan
    now, sets = day.may_take.history, -(-to_read // _AT_ONCE)
    a_day = max(1, now + day.facts.used.history)
    return AuditPlan(past.shop.label, len(of_time), to_read, to_read, sets * _BRIGHTPEARL_CALLS_PER_SET, now, a_day)


def run(connection: psycopg.Connection, accounts: Accounts, past: PastReturns) -> AuditResult:
    """Reads what is not read yet with the calls that the plan of the day leaves to history, and judges all that was read.

    Raises:
        ReadFailed: an account could not be read; what was kept before stays.
    """
    shop = past.shop
    rejected: list[str] = []
    spent: list[str] = []
    unread = audits.unread(connection, shop.label, past.begins, past.ends)
    for start in range(0, len(unread), _AT_ONCE):
        wanted = unread[start : start + _AT_ONCE]
        details = list(_details(accounts, shop, wanted, rejected, spent))
        sales = _sales(accounts, shop, [detail for detail in details])
        for detail in details:
            facts = _facts(detail, sales.get(detail.rma.rma_id))
            audits.keep(connection, shop.label, detail.rma.rma_id, detail.rma.created_at, facts)
        if spent:
            break
    cases = audits.read(connection, shop.label, past.begins, past.ends)
    left = len(audits.unread(connection, shop.label, past.begins, past.ends))
    return AuditResult(shop.label, len(cases), left, "".join(spent), tuple(rejected), tuple(judge(cases, shop)))


def judge(cases: Sequence[dict[str, Any]], shop: ShopSettings) -> list[AuditFinding]:
    """What is wrong with these returns, sale by sale, most money first."""
    inspected_in = set(shop.returns_warehouses.values())
    sales: dict[str, list[dict[str, Any]]] = {}
    for case in cases:
        key = str(case["sale"]["order_id"]) if case["sale"] else f"return {case['rma']['rma_id']}"
        sales.setdefault(key, []).append(case)
    return audit.ranked([found for group in sales.values() for found in audit.judge_sale(group, inspected_in)])


def _details(
    accounts: Accounts, shop: ShopSettings, rma_ids: Sequence[int], rejected: list[str], spent: list[str]
) -> Iterator[RmaDetail]:
    for rma_id in rma_ids:
        try:
            yield accounts.returngo(shop).rma_detail(rma_id, Priority.BACKFILL)
        except RecordRejected as rejection:
            rejected.append(f"RMA {rma_id}: {rejection}")
        except BudgetSpent as refusal:
            # The rest is read when the day has calls again.
            spent.append(str(refusal))
            return


def _sales(accounts: Accounts, shop: ShopSettings, details: Sequence[RmaDetail]) -> dict[int, dict[str, Any]]:
    """RMA -> its sale with rows, credits and goods-in; returns whose sale is not found are not among them."""
    client = accounts.brightpearl
    client.reject = _pass_over
    order_of = _orders_of(accounts, shop, details)
    orders = {order.order_id: order for order in client.orders(set(order_of.values())) if order.order_type == "SO"}
    of_orders = client.credits_of_orders(list(orders))
    credits = client.sales_credits({credit_id for ids in of_orders.values() for credit_id in ids})
    goods = client.goods_in_notes(order_ids=[credit.credit_id for credit in credits])
    row_of = _sale_rows_of(list(orders.values()), credits)
    sales = {
        order.order_id: _sale(order, [credit for credit in credits if credit.order_id == order.order_id], goods, row_of)
        for order in orders.values()
    }
    return {rma_id: sales[order_id] for rma_id, order_id in order_of.items() if order_id in sales}


def _pass_over(rejection: RecordRejected) -> None:
    raise ReadFailed(f"the audit cannot use an answer of Brightpearl: {rejection}", permanent=True)


def _orders_of(accounts: Accounts, shop: ShopSettings, details: Sequence[RmaDetail]) -> dict[int, int]:
    names = pd.Series([detail.rma.order_name for detail in details], dtype="object")
    references = {
        "external_ref": [detail.rma.shopify_order_id for detail in details],
        "customer_ref": list(formatted_order_name(shop, names)),
    }
    found: dict[int, int] = {}
    for column in shop.order_match:
        left = {
            detail.rma.rma_id: reference
            for detail, reference in zip(details, references[column], strict=True)
            if detail.rma.rma_id not in found and reference
        }
        hits = accounts.brightpearl.find_sales_orders(_FILTERS[column], set(left.values()))
        # Two sales under one reference are not guessed between.
        found |= {rma_id: min(hits[ref]) for rma_id, ref in left.items() if len(hits.get(ref, ())) == 1}
    return found


def _sale_rows_of(orders: Sequence[SalesOrder], credits: Sequence[SalesCredit]) -> dict[int, int | None]:
    """Credit row -> the sale's row it gives back."""
    order_rows = of_records(
        "brightpearl_sales_order_rows", [row for order in orders for row in order.rows], shipped_quantity=0
    )
    credit_frame = of_records("brightpearl_sales_credits", credits, shop="", is_gone=False, read_at=None)
    rows = of_records(
        "brightpearl_sales_credit_rows", [row for credit in credits for row in credit.rows], order_row_id=None
    )
    if rows.empty:
        return {}
    rows["order_row_id"] = match_credit_rows(rows, credit_frame, order_rows, _HISTORY_LACKS_STANDING)
    return {key: found[0]["order_row_id"] for key, found in grouped_by(rows, "credit_row_id").items()}


def _sale(
    order: SalesOrder, credits: Sequence[SalesCredit], goods: Sequence[GoodsInLine], row_of: dict[int, int | None]
) -> dict[str, Any]:
    mine = {credit.credit_id for credit in credits}
    kept = ("order_row_id", "product_id", "sku", "quantity", "net_minor", "tax_minor", "tax_code")
    return {
        "order_id": order.order_id,
        "currency": order.currency,
        "rows": [
            {name: getattr(row, name) for name in kept}
            for row in order.rows
            if not row.is_bundle_child and row.product_id is not None and row.quantity > 0
        ],
        "component_skus": sorted({row.sku for row in order.rows if row.is_bundle_child and row.sku}),
        "credits": [
            {
                "credit_id": credit.credit_id, "number": credit.invoice_reference, "tax_date": credit.invoice_tax_date or credit.created_on,
                "is_posted": credit.invoice_reference not in ("", "pending") and not credit.is_cancelled,
                "rows": [
                    {"order_row_id": row_of.get(row.credit_row_id)} | {name: getattr(row, name) for name in kept[1:]}
                    for row in credit.rows
                    if not row.is_bundle_child
                ],
            }
            for credit in credits
        ],
        "goods_in": [
            {
                "credit_id": line.credit_id, "product_id": line.product_id, "quantity": line.quantity, "received_on": line.received_on,
                "warehouse_id": line.warehouse_id, "is_reversed": line.is_reversed,
            }
            for line in goods
            if line.credit_id in mine
        ],
    }  # fmt: skip


def _facts(detail: RmaDetail, sale: dict[str, Any] | None) -> dict[str, Any]:
    """What the audit keeps of a return: no more than it judges by, and nothing of the customer."""
    rma = detail.rma
    kinds = lives.lives_of(
        pd.Series([item.resolution_type for item in detail.items], dtype="object"),
        pd.Series([item.return_method_type for item in detail.items], dtype="object"),
    )
    return {
        "rma": {"rma_id": rma.rma_id, "status": rma.status, "order_name": rma.order_name, "created_at": rma.created_at},
        "items": [
            {
                "sku": item.sku, "paid_minor": item.shop_paid_price_minor, "currency": item.shop_currency, "is_returned": item.is_returned,
                "validated_at": item.validated_at, "is_kept": life == lives.KEEP_ITEM,
                "fee_minor": item.restocking_fee_minor + item.return_fee_minor + item.shipment_fee_minor if item.currency == item.shop_currency else 0,
            }
            for item, life in zip(detail.items, kinds, strict=True)
        ],
        "refunds": [
            {"transaction_id": each.transaction_id, "minor": each.shop_amount_minor, "is_success": each.status == "Success" and each.type.startswith("RefundTo")}
            for each in detail.transactions
        ],
        "sale": sale,
    }  # fmt: skip
