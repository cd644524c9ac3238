"""The tie to the books. A month that does not tie and is signed all the same is a wrong VAT return."""

import datetime as dt

import pandas as pd

from returns_pipeline.domain.books import lines_of_books, tax_proof_lines
from returns_pipeline.domain.close import Cutoff
from returns_pipeline.storage.ledger.reading import _LINE_COLUMNS
from returns_pipeline_tests.domain.frames import frame_of, settings_with
from returns_pipeline_tests.domain.test_flow import MARCH_1, SOLD, booked

CUTOFF = Cutoff.of(settings_with().shops[0], MARCH_1.date())
APRIL = dt.datetime(2026, 4, 2, 11, tzinfo=dt.UTC)


def posted(
    effect_id: int = 50, credit_id: int = 8, tax_date: str = "2026-03-05T12:00:00+00:00", rows: list = ()
) -> dict:
    goods = [{"product_id": 1, "quantity": 1, "net_minor": 333, "tax_minor": 67}]
    return {
        "effect_id": effect_id, "kind": "credit.post", "state": "confirmed", "confirmed_by": "answer", "updated_at": MARCH_1,
        "payload": {
            "request": {"body": {"taxDate": tax_date}}, "subject": {"credit_id": credit_id, "rma_id": 70},
            "expect": {"currency": "GBP", "rows": [*goods, *rows]},
        },
    }  # fmt: skip


def held(credit_id: int = 8, tax_date: dt.datetime = MARCH_1, rows: list | None = None) -> dict:
    money = {"tax_code": "T20", "quantity": 1, "net_minor": 333, "tax_minor": 67}
    return {
        "credit_id": credit_id, "number": f"SC-{credit_id}", "currency": "GBP", "tax_date": tax_date, "rows": [money] if rows is None else rows,
    }  # fmt: skip


def tied(effects: list, books: list) -> list[tuple]:
    postings = [each for each in effects if each["kind"] == "credit.post"]
    lines = pd.DataFrame([booked(each["effect_id"], 1, 333, 67) for each in postings], columns=list(_LINE_COLUMNS))
    found = lines_of_books(pd.DataFrame(effects, columns=["effect_id", "kind", "state", "confirmed_by", "updated_at", "remote_id", "payload"]),
        lines.astype(_LINE_COLUMNS), books, {1: "T20"}, CUTOFF)  # fmt: skip
    return [
        (each["figure"], each["subject_id"], each["tax_code"], each["net_minor"], each["tax_minor"]) for each in found
    ]


def test_ours_and_others_are_all_that_brightpearl_invoiced() -> None:
    """Per tax code and number; nothing differs, nothing is listed."""
    assert tied([posted()], [held(), held(9)]) == [
        ("our_credits", "SC-8", "T20", 333, 67),
        ("invoiced_in_brightpearl", "SC-8", "T20", 333, 67),
        ("invoiced_in_brightpearl", "SC-9", "T20", 333, 67),
        ("others_credits", "SC-9", "T20", 333, 67),
    ]


def test_a_credit_that_was_changed_lost_or_moved_to_another_month_is_listed_by_number() -> None:
    """By what differs, on the books' side minus ours."""
    changed = held(rows=[{"tax_code": "T20", "quantity": 1, "net_minor": 333, "tax_minor": 60}])
    assert ("books_difference", "SC-8", "T20", 0, -7) in tied([posted()], [changed])
    assert ("books_difference", "credit 8", "T20", -333, -67) in tied([posted()], [])
    assert ("books_difference", "SC-8", "T20", -333, -67) in tied([posted()], [held(tax_date=APRIL)])
    other_code = held(rows=[{"tax_code": "T5", "quantity": 1, "net_minor": 333, "tax_minor": 67}])
    differing = [each[2:] for each in tied([posted()], [other_code]) if each[0] == "books_difference"]
    assert sorted(differing) == [("T20", -333, -67), ("T5", 333, 67)]


def test_money_that_is_taken_off_the_goods_row_ties_like_a_row_of_its_own() -> None:
    """Where no row may be negative the books hold 2.33 + 0.47: the ledger's full share less what was kept back."""
    off = {"netted_into": [{"order_row_id": 1, "net_minor": 100, "tax_minor": 20}]}
    raised = posted(effect_id=49) | {"kind": "credit.raise", "remote_id": "8"}
    raised["payload"] = raised["payload"] | {"fees": [off]}
    books = held(rows=[{"tax_code": "T20", "quantity": 1, "net_minor": 233, "tax_minor": 47}])
    found = tied([raised, posted()], [books])
    assert ("our_credits", "SC-8", "T20", 233, 47) in found
    assert not [each for each in found if each[0] == "books_difference"]


def test_a_fee_counts_under_the_tax_code_that_the_books_have_it_under() -> None:
    """Restocking 1.00 + 0.20 kept: its own row, which ties like the goods'."""
    fee = {"product_id": None, "quantity": 1, "net_minor": -100, "tax_minor": -20}
    rows = [held()["rows"][0], fee | {"tax_code": "T9"}]
    found = tied([posted(rows=[fee])], [held(rows=rows)])
    assert not [each for each in found if each[0] == "books_difference" and each[3:] != (0, 0)]
    assert ("our_credits", "SC-8", "T9", -100, -20) in found


def test_tax_on_credits_is_held_against_the_invoice_over_all_credits_of_a_row() -> None:
    """Three units with 2.00 of tax: 0.67, 0.66, 0.67; a credit with 0.60 shows 0.07 too little."""
    lines = [booked(50, 1, 333, 67), booked(51, 2, 334, 60, credit_id=9)]
    frame = pd.DataFrame(lines, columns=list(_LINE_COLUMNS)).astype(_LINE_COLUMNS)
    sold = frame_of("brightpearl_sales_order_rows", [SOLD]).assign(currency="GBP")
    found = list(tax_proof_lines(frame, {8: APRIL, 9: MARCH_1}, sold, CUTOFF))
    assert [(each["figure"], each["net_minor"], each["tax_minor"]) for each in found] == [
        ("tax_credited", 334, 60),
        ("tax_invoiced", 334, 66),
    ]
