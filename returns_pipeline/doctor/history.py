"""What the account's newest credits show of facts that no page tells: who writes credits, in how many receipts, with which rows.

A sample of the last 30 days, some 200 credits at most. What was not seen is not proof of the contrary: the setting's safe default stays.
"""

import datetime as dt
import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from returns_pipeline.clients.records_brightpearl import SalesCredit
from returns_pipeline.doctor.point import Point
from returns_pipeline.settings import Settings
from returns_pipeline.stages.accounts import Accounts

DAYS = 30
_MOST_CREDITS = 200
_OURS = "rg-"


@dataclass(frozen=True)
class History:
    """What the sample held.

    Attributes:
        credits: how many were looked at.
        writers: who wrote those that are not ours, with their number, most first.
        has_part_receipts: whether a credit has several receipts; None where no credit of the sample was received.
        has_negative_rows: whether any row has a minus.
        refund_like: how many of the others' are posted without any goods-in, as Brightpearl's Shopify app does it for each refund.
        rma_like: how many of the others' name an RMA, as ReturnGo's own link does it.
        shown: every credit that the search of changes listed.
        received: credits of the sample with a goods-in note.
    """

    credits: int
    writers: Sequence[tuple[str, int]]
    has_part_receipts: bool | None
    has_negative_rows: bool
    refund_like: int
    rma_like: int
    shown: frozenset[int]
    received: frozenset[int]


def read(accounts: Accounts, now: dt.datetime) -> History:
    """Reads the sample: a search and some lists.

    Raises:
        ReadFailed: the account could not be read.
    """
    changed, _ = accounts.brightpearl.credits_changed(now - dt.timedelta(days=DAYS))
    newest = sorted(changed, reverse=True)[:_MOST_CREDITS]
    credits = accounts.brightpearl.sales_credits(newest)
    notes: dict[int, set[int]] = {}
    for line in accounts.brightpearl.goods_in_notes(order_ids=newest):
        notes.setdefault(line.credit_id, set()).add(line.goods_note_id)
    others = [credit for credit in credits if not _is_ours(credit)]
    return History(
        credits=len(credits),
        writers=Counter(_writer(credit) for credit in others).most_common(),
        has_part_receipts=any(len(each) > 1 for each in notes.values()) if notes else None,
        has_negative_rows=any(row.net_minor < 0 for credit in credits for row in credit.rows),
        refund_like=sum(_is_posted(credit) and credit.credit_id not in notes for credit in others),
        rma_like=sum(_names_an_rma(credit) for credit in others),
        shown=frozenset(changed),
        received=frozenset(notes),
    )


def points(history: History, settings: Settings) -> list[Point]:
    """What the sample means for the settings."""
    brightpearl = settings.brightpearl
    others = ", ".join(f"{number} by {who}" for who, number in history.writers)
    likes = f"; {history.refund_like} posted without goods-in, as Brightpearl's Shopify app does, {history.rma_like} with an RMA's number, as ReturnGo's link does"
    adopts = brightpearl.credits_raised_by == "returngo"
    part = {True: "a credit with several receipts", False: "none with several", None: "no received credit"}
    wants_more = brightpearl.part_receipt == "allowed" and history.has_part_receipts is not True
    minus = "a row with a minus" if history.has_negative_rows else "no row with a minus"
    hopes = brightpearl.negative_rows == "allowed" and not history.has_negative_rows
    return [
        Point(
            "nobody else writes sales credits for returns",
            adopts or not history.writers,
            f"switch them off, or each refund is credited twice: {others}; or, where ReturnGo's own link shall go on, write [brightpearl] credits_raised_by = 'returngo'",
            seen=f"{history.credits} credits of {DAYS} days; {others + likes if others else 'all ours'}",
        ),
        Point(
            "part receipts of one credit are as the settings say",
            not wants_more,
            "[brightpearl] part_receipt = 'allowed' was not seen to work here: 'refused' is the safe default until a credit was received twice",
            seen=part[history.has_part_receipts],
        ),
        Point(
            "rows with a minus on a credit are as the settings say",
            not hopes,
            "[brightpearl] negative_rows = 'allowed' was not seen here: run `returns-pipeline doctor --prove-negative-rows ORDER` on a test order, or write 'refused'; a refused credit is told and nothing is lost",
            seen=minus,
        ),
    ]


def _is_ours(credit: SalesCredit) -> bool:
    return (credit.external_ref or "").startswith(_OURS)


def _is_posted(credit: SalesCredit) -> bool:
    return credit.invoice_reference not in ("", "pending")


def _names_an_rma(credit: SalesCredit) -> bool:
    return re.search(r"\bRMA ?\d", f"{credit.reference or ''} {credit.external_ref or ''}", re.IGNORECASE) is not None


def _writer(credit: SalesCredit) -> str:
    if credit.installed_integration_instance_id is not None:
        return f"integration {credit.installed_integration_instance_id}"
    return f"user {credit.created_by}" if credit.created_by is not None else "an unknown writer"
