"""Ties a month's credits to Brightpearl's books per tax code, and the tax on them to the original invoices. What stands open is in `cutoff.py`.

Our side is what the ledger posted and the tax date that it sent; the books' side is what Brightpearl holds now. What is not ours is others'.
Source: HMRC VATREC13070: a credit corrects the tax of the original supply.
"""

import datetime as dt
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import pandas as pd

from returns_pipeline.domain.close import Cutoff, line
from returns_pipeline.domain.fees import fees_by_credit
from returns_pipeline.domain.netting import kept_back
from returns_pipeline.domain.proration import round_half_up_ratio
from returns_pipeline.domain.records import by_key, records

# A credit's money by tax code: (quantity, net, tax).
Amounts = dict[str, tuple[int, int, int]]


def lines_of_books(
    effects: pd.DataFrame,
    ledger_lines: pd.DataFrame,
    books: Sequence[Mapping[str, Any]],
    tax_codes: Mapping[int, str],
    cutoff: Cutoff,
) -> Iterator[dict[str, Any]]:
    """Our credits, others' credits, all that Brightpearl invoiced in the month, and what does not tie, by number and tax code.

    Args:
        effects: the ledger's effects of the shop.
        ledger_lines: their lines.
        books: the account's sales credits as read at the close: credit_id, number, currency, tax_date, rows of (tax_code, quantity, net_minor, tax_minor, is_goods).
        tax_codes: order row -> tax code of the sale.
        cutoff: the month.
    """
    held = {credit["credit_id"]: credit for credit in books}
    ours = {credit["credit_id"]: credit for credit in _posted_by_us(effects, ledger_lines, tax_codes, held)}
    for credit_id in sorted(held.keys() | ours.keys()):
        mine, theirs = ours.get(credit_id), held.get(credit_id)
        said = mine["amounts"] if mine and _in_month(mine["tax_date"], cutoff) else {}
        stands = _by_code(theirs["rows"]) if theirs and _in_month(theirs["tax_date"], cutoff) else {}
        known = {**(mine or {}), **(theirs or {})}
        yield from _lines("our_credits", said, known, cutoff)
        yield from _lines("invoiced_in_brightpearl", stands, known, cutoff)
        if mine is None:
            yield from _lines("others_credits", stands, known, cutoff)
            continue
        differs = {
            code: _minus(stands.get(code), said.get(code))
            for code in said.keys() | stands.keys()
            if _minus(stands.get(code), said.get(code))[1:] != (0, 0)
        }
        note = _why(mine, theirs, cutoff)
        yield from _lines("books_difference", differs, known, cutoff, note=note)


def tax_proof_lines(
    ledger_lines: pd.DataFrame, dated: Mapping[int, dt.datetime], order_rows: pd.DataFrame, cutoff: Cutoff
) -> Iterator[dict[str, Any]]:
    """Tax that we credited in the month, beside the original invoice's tax on the same units.

    The invoice's share runs on over all credits of a row, so that the month's tax ties to the penny once a row is credited whole.

    Args:
        ledger_lines: lines of confirmed postings, in the order of the ledger.
        dated: credit -> its tax date.
        order_rows: the sales' rows.
        cutoff: the month.
    """
    sold = by_key(order_rows, "order_row_id")
    taken: dict[int, int] = {}
    for each in records(ledger_lines):
        row, on = sold.get(each["order_row_id"]), dated.get(each["credit_id"])
        if row is None or on is None or row["quantity"] <= 0:
            continue
        first = taken.get(each["order_row_id"], 0)
        taken[each["order_row_id"]] = last = first + each["qty"]
        if not cutoff.begins <= on < cutoff.ends:
            continue
        share = {
            name: round_half_up_ratio(row[name] * last, row["quantity"])
            - round_half_up_ratio(row[name] * first, row["quantity"])
            for name in ("net_minor", "tax_minor")
        }
        about = {
            "rma_id": each["rma_id"], "tax_code": row["tax_code"], "quantity": each["qty"], "happened_on": on,
            "note": f"sale {each['order_id']}, row {each['order_row_id']}",
        }  # fmt: skip
        subject = f"{each['credit_id']} line {each['effect_id']}.{each['line_no']}"
        money = {"net_minor": each["net_minor"], "tax_minor": each["tax_minor"]}
        yield line("tax_credited", "credit row", subject, row["currency"], **about, **money)
        yield line("tax_invoiced", "credit row", subject, row["currency"], **about, **share)


def _posted_by_us(
    effects: pd.DataFrame,
    ledger_lines: pd.DataFrame,
    tax_codes: Mapping[int, str],
    books: Mapping[int, Mapping[str, Any]],
) -> Iterator[dict[str, Any]]:
    lines_of = {effect_id: group for effect_id, group in ledger_lines.groupby("effect_id")} if len(ledger_lines) else {}
    posted = effects[(effects["kind"] == "credit.post") & (effects["state"] == "confirmed")]
    fees = fees_by_credit(effects)
    for each in records(posted):
        subject, expect = each["payload"]["subject"], each["payload"]["expect"]
        held = books.get(subject["credit_id"])
        amounts: Amounts = {}
        for entry in records(lines_of[each["effect_id"]]) if each["effect_id"] in lines_of else ():
            code = tax_codes.get(entry["order_row_id"]) or ""
            _add(amounts, code, entry["qty"], entry["net_minor"], entry["tax_minor"])
        goods = next(iter(amounts), "")
        for order_row_id, (net, tax) in kept_back(fees.get(subject["credit_id"], [])).items():
            _add(amounts, tax_codes.get(order_row_id) or "", 0, -net, -tax)
        for fee in (
            row for row in expect["rows"] if row["product_id"] is None and row["net_minor"] + row["tax_minor"] < 0
        ):
            _add(amounts, _code_of_fee(fee, held) or goods, 0, fee["net_minor"], fee["tax_minor"])
        # A credit that somebody posted by hand carries the date that person gave it.
        by_hand = each["confirmed_by"] == "adopted" or not each["payload"].get("request")
        sent = dt.datetime.fromisoformat(each["payload"]["request"]["body"]["taxDate"]) if not by_hand else None
        yield {
            "credit_id": subject["credit_id"], "number": held["number"] if held else f"credit {subject['credit_id']}",
            "currency": expect["currency"], "tax_date": sent or (held["tax_date"] if held else each["updated_at"]),
            "rma_id": subject["rma_id"], "amounts": amounts,
        }  # fmt: skip


def _code_of_fee(fee: Mapping[str, Any], held: Mapping[str, Any] | None) -> str | None:
    """The tax code under which the books hold a fee's row."""
    rows = held["rows"] if held else ()
    same = (row for row in rows if (row["net_minor"], row["tax_minor"]) == (fee["net_minor"], fee["tax_minor"]))
    return next((row["tax_code"] for row in same), None)


def _by_code(rows: Sequence[Mapping[str, Any]]) -> Amounts:
    amounts: Amounts = {}
    for row in rows:
        _add(amounts, row["tax_code"] or "", row["quantity"], row["net_minor"], row["tax_minor"])
    return amounts


def _add(amounts: Amounts, code: str, quantity: int, net: int, tax: int) -> None:
    before = amounts.get(code, (0, 0, 0))
    amounts[code] = (before[0] + quantity, before[1] + net, before[2] + tax)


def _minus(left: tuple[int, int, int] | None, right: tuple[int, int, int] | None) -> tuple[int, int, int]:
    a, b = left or (0, 0, 0), right or (0, 0, 0)
    return a[0] - b[0], a[1] - b[1], a[2] - b[2]


def _lines(
    figure: str, amounts: Amounts, credit: Mapping[str, Any], cutoff: Cutoff, note: str = ""
) -> Iterator[dict[str, Any]]:
    for code, (quantity, net, tax) in sorted(amounts.items()):
        yield line(
            figure, "credit", credit["number"], credit["currency"], rma_id=credit.get("rma_id"), tax_code=code, quantity=quantity,
            net_minor=net, tax_minor=tax, happened_on=credit["tax_date"], age_days=cutoff.age_days(credit["tax_date"]), note=note,
        )  # fmt: skip


def _why(mine: Mapping[str, Any], theirs: Mapping[str, Any] | None, cutoff: Cutoff) -> str:
    if theirs is None:
        return "posted by the pipeline and not found in Brightpearl as a posted credit"
    if _in_month(mine["tax_date"], cutoff) != _in_month(theirs["tax_date"], cutoff):
        return f"sent with tax date {mine['tax_date']:%Y-%m-%d}, stands under {theirs['tax_date']:%Y-%m-%d}"
    return "the amounts in Brightpearl are not those that were posted"


def _in_month(moment: dt.datetime, cutoff: Cutoff) -> bool:
    return cutoff.begins <= moment < cutoff.ends
