"""The month end. A credit on the wrong side of midnight is in the wrong VAT return."""

import datetime as dt

import pandas as pd
import pytest

from returns_pipeline import schemas
from returns_pipeline.domain.close import month_bounds, month_end_figures
from returns_pipeline_tests.domain.frames import frame_of, settings_with
from returns_pipeline_tests.domain.worlds import NOW

SHOP = settings_with().shops[0]
MARCH = dt.date(2026, 3, 17)


def at(text: str) -> dt.datetime:
    """A moment in UTC."""
    return dt.datetime.fromisoformat(text).replace(tzinfo=dt.UTC)


def match(line: str, received: str | None, credited: str | None, **more: object) -> dict:
    """One line of the three-way match, worth 10.00 + 2.00."""
    money = {"expected_net_minor": 1000, "expected_tax_minor": 200}
    booked = {"credited_net_minor": 1000, "credited_tax_minor": 200, "credited_quantity": 1} if credited else {}
    return {
        "return_line_id": line, "shop": "uk", "currency": "GBP", "tax_code": "T20", "life": "ordinary", "received_quantity": int(bool(received)),
        "received_on": received and at(received), "credited_on": credited and at(credited), **money, **booked, **more,
    }  # fmt: skip


def figures(matches: list[dict], credits: tuple = (), credit_rows: tuple = (), month: dt.date = MARCH) -> pd.DataFrame:
    """The figures of a month, by name."""
    found = month_end_figures(
        frame_of("finance_three_way_match", matches),
        frame_of("brightpearl_sales_credits", credits),
        frame_of("brightpearl_sales_credit_rows", credit_rows),
        SHOP,
        month,
        NOW,
    )
    good, refused = schemas.validate("finance_month_end_close", found)
    assert refused.empty
    assert len(good) == len(found)
    return found.set_index("figure")


@pytest.mark.parametrize(
    ("month", "begins", "ends"),
    [
        (MARCH, "2026-03-01T00:00:00+00:00", "2026-03-31T23:00:00+00:00"),
        (dt.date(2026, 10, 31), "2026-09-30T23:00:00+00:00", "2026-11-01T00:00:00+00:00"),
        (dt.date(2026, 12, 1), "2026-12-01T00:00:00+00:00", "2027-01-01T00:00:00+00:00"),
        (dt.date(2028, 2, 29), "2028-02-01T00:00:00+00:00", "2028-03-01T00:00:00+00:00"),
    ],
)
def test_a_month_goes_from_local_midnight_to_local_midnight(month: dt.date, begins: str, ends: str) -> None:
    """In March and October the clocks change inside it: a UTC month would be an hour off at one end."""
    found = [moment.astimezone(dt.UTC).isoformat() for moment in month_bounds(month, SHOP)]
    assert found == [begins, ends]


def test_what_came_and_what_was_credited_is_told_apart_by_month() -> None:
    """The cut-off: received in March and credited in April is a liability at the end of March."""
    found = figures(
        [
            match("both", "2026-03-05T10:00", "2026-03-06T10:00"),
            match("not yet", "2026-03-31T22:30", "2026-03-31T23:30"),
            match("earlier", "2026-02-28T10:00", "2026-03-01T10:00"),
            match("neither", "2026-03-31T23:30", None),
        ]
    )
    assert found["detail"].to_dict() == {
        "received_in_month": ["both", "not yet"],
        "received_not_credited": ["not yet"],
        "credited_in_month": ["both", "earlier"],
        "received_earlier_credited_in_month": ["earlier"],
    }
    assert found.loc["received_in_month", ["quantity", "net_minor", "tax_minor"]].tolist() == [2, 2000, 400]


def test_a_credit_without_goods_is_shown_unless_they_are_kept() -> None:
    """An ordinary one is a gap; one for goods that the customer keeps is meant."""
    found = figures([match("gap", None, "2026-03-06T10:00"), match("kept", None, "2026-03-06T10:00", life="keep_item")])
    assert found.loc["credited_not_received", "detail"] == ["gap"]


def test_currencies_and_tax_codes_are_never_added_up() -> None:
    """A sum of pounds and euros is no number."""
    found = figures(
        [match("a", "2026-03-05T10:00", None), match("b", "2026-03-05T10:00", None, currency="EUR"), match("c", "2026-03-05T10:00", None, tax_code="T5")]
    )  # fmt: skip
    shown = found.loc["received_in_month", ["currency", "tax_code"]].values.tolist()
    assert shown == [["EUR", "T20"], ["GBP", "T20"], ["GBP", "T5"]]


def test_the_books_count_every_posted_credit_ours_or_not() -> None:
    """Finance reconciles with Brightpearl's own total, not with what we think of it."""
    credit = {
        "credit_id": 1,
        "shop": "uk",
        "currency": "GBP",
        "invoice_reference": "SC-1",
        "invoice_tax_date": at("2026-03-31T22:59"),
    }
    row = {"credit_row_id": 1, "credit_id": 1, "quantity": 2, "net_minor": 2000, "tax_minor": 400, "tax_code": "T20"}
    found = figures(
        [],
        credits=(
            credit,
            credit | {"credit_id": 2, "invoice_tax_date": at("2026-03-31T23:00")},
            credit | {"credit_id": 3, "invoice_reference": "pending"},
            credit | {"credit_id": 4, "is_cancelled": True},
        ),
        credit_rows=(
            row,
            row | {"credit_row_id": 2, "is_bundle_child": True},
            *(row | {"credit_row_id": 10 + number, "credit_id": number} for number in (2, 3, 4)),
        ),
    )
    assert found.index.tolist() == ["invoiced_in_brightpearl"]
    assert found.loc["invoiced_in_brightpearl", ["quantity", "net_minor", "tax_minor", "detail"]].tolist() == [
        2,
        2000,
        400,
        [1],
    ]


def test_a_month_without_anything_has_no_figures() -> None:
    """An empty shop closes too."""
    assert figures([]).empty
