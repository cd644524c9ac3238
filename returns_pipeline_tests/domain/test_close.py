"""The month end. A credit on the wrong side of midnight is in the wrong VAT return; a balance that does not carry forward is no balance."""

import datetime as dt
from collections import Counter

import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from returns_pipeline import schemas
from returns_pipeline.domain.close import (
    Cutoff,
    canonical,
    carried_forward,
    changes_since,
    close_lines,
    digest,
    figures_of,
    line,
    month_bounds,
    unexplained,
)
from returns_pipeline.domain.cutoff import UnitCost, approved_not_received, lines_of_goods
from returns_pipeline.domain.flow import COLUMNS, US
from returns_pipeline_tests.domain.frames import frame_of, settings_with
from returns_pipeline_tests.domain.worlds import NOW

SHOP = settings_with().shops[0]
MARCH = dt.date(2026, 3, 17)


def at(text: str) -> dt.datetime:
    """A moment in UTC."""
    return dt.datetime.fromisoformat(text).replace(tzinfo=dt.UTC)


def a_slice(name: str, received: str | None, credited: str | None, **more: object) -> dict:
    """One unit worth 10.00 + 2.00."""
    return {
        "slice_id": name, "rma_id": 70, "order_row_id": 1, "return_line_id": name, "currency": "GBP", "tax_code": "T20", "quantity": 1,
        "net_minor": 1000, "tax_minor": 200, "received_on": received and at(received), "credited_on": credited and at(credited),
        "credit_id": 5 if credited else None, "credited_by": US if credited else "", "reason": "", **more,
    }  # fmt: skip


def flow_of(slices: list[dict]) -> pd.DataFrame:
    frame = pd.DataFrame(slices, columns=COLUMNS)
    for name in ("received_on", "credited_on"):
        frame[name] = pd.to_datetime(frame[name], utc=True).astype("datetime64[us, UTC]")
    return frame


def lines_of(slices: list[dict], month: dt.date = MARCH, costs: dict | None = None) -> pd.DataFrame:
    """The lines of a month, valid for their table."""
    cutoff = Cutoff.of(SHOP, month)
    found = close_lines(lines_of_goods(flow_of(slices), cutoff, costs or {}), cutoff)
    good, refused = schemas.validate("finance_month_end_lines", found)
    assert refused.empty
    return good


def shown(lines: pd.DataFrame) -> dict[str, list[str]]:
    return {str(figure): group["subject_id"].tolist() for figure, group in lines.groupby("figure")}


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


def test_56_received_on_the_31st_and_credited_on_the_1st_is_open_at_the_end_of_the_month() -> None:
    """The liability to accrue; the summer hour of the 31st of March decides on which side it lies."""
    lines = lines_of(
        [
            a_slice("both", "2026-03-05T10:00", "2026-03-06T10:00"),
            a_slice("cut off", "2026-03-31T22:30", "2026-03-31T23:30"),
            a_slice("earlier", "2026-02-28T10:00", "2026-03-01T10:00"),
            a_slice("april", "2026-03-31T23:30", None),
        ]
    )
    assert shown(lines) == {
        "opening_received_not_credited": ["earlier"],
        "received_before_credit": ["both", "cut off"],
        "credited_after_receipt": ["both", "earlier"],
        "received_not_credited": ["cut off"],
        "received_in_month": ["both", "cut off"],
        "credited_in_month": ["both", "earlier"],
        "posted_in_another_period": ["earlier"],
    }
    open_line = lines[lines["figure"] == "received_not_credited"].iloc[0]
    assert (open_line["net_minor"], open_line["tax_minor"], open_line["gross_minor"]) == (1000, 200, 1200)
    assert (open_line["age_days"], open_line["note"]) == (0, "credited on 2026-03-31")


def test_a_credit_without_goods_is_open_unless_nobody_sends_them_back() -> None:
    """An ordinary one is a gap, one for goods that are kept is meant."""
    lines = lines_of(
        [
            a_slice("gap", None, "2026-03-06T10:00"),
            a_slice("kept", None, "2026-03-06T10:00", reason="keep_item"),
        ]
    )
    assert shown(lines)["credited_not_received"] == ["gap"]
    assert shown(lines)["credited_without_goods_by_policy"] == ["kept"]


def test_figures_are_the_sums_of_their_lines_by_currency_and_tax_code() -> None:
    """A sum of pounds and euros is no number; a figure that does not tie to its lines is not believed."""
    lines = lines_of(
        [
            a_slice("a", "2026-03-05T10:00", None),
            a_slice("b", "2026-03-06T10:00", None),
            a_slice("c", "2026-03-05T10:00", None, currency="EUR"),
            a_slice("d", "2026-03-05T10:00", None, tax_code="T5", tax_minor=50),
        ],
        costs={"a": UnitCost(901, 2, "USD")},
    )
    good, refused = schemas.validate("finance_month_end_close", figures_of(lines, NOW))
    assert refused.empty
    of_open = good[good["figure"] == "received_not_credited"].set_index(["currency", "tax_code"])
    assert of_open["gross_minor"].to_dict() == {("EUR", "T20"): 1200, ("GBP", "T20"): 2400, ("GBP", "T5"): 1050}
    assert of_open["cases"].to_dict() == {("EUR", "T20"): 1, ("GBP", "T20"): 2, ("GBP", "T5"): 1}
    at_cost = good[good["figure"] == "received_not_credited_at_cost"].iloc[0]
    assert (at_cost["currency"], at_cost["cost_minor"]) == ("USD", 451)
    assert pd.isna(at_cost["gross_minor"])


def test_a_month_without_anything_has_no_lines_and_no_figures() -> None:
    """An empty shop closes too."""
    lines = lines_of([])
    assert lines.empty
    assert figures_of(lines, NOW).empty


def test_what_customers_may_still_send_is_valued_at_the_invoice_and_aged() -> None:
    """The base of a returns provision: three of four units awaited since the 1st."""
    cutoff = Cutoff.of(SHOP, MARCH)
    awaited = frame_of(
        "returns_return_lines",
        [
            {"return_line_id": "x", "rma_id": 70, "order_row_id": 1, "currency": "GBP", "quantity": 4, "life": "ordinary", "verdict": "ok",
             "approved_at": at("2026-03-01T12:00")},
            {"return_line_id": "void", "rma_id": 71, "order_row_id": 1, "currency": "GBP", "quantity": 1, "life": "ordinary", "verdict": "void",
             "approved_at": at("2026-03-01T12:00")},
            {"return_line_id": "later", "rma_id": 72, "order_row_id": 1, "currency": "GBP", "quantity": 1, "life": "ordinary", "verdict": "ok",
             "approved_at": at("2026-04-01T12:00")},
        ],
    )  # fmt: skip
    sold = frame_of(
        "brightpearl_sales_order_rows",
        [{"order_row_id": 1, "quantity": 4, "net_minor": 1001, "tax_minor": 200, "tax_code": "T20"}],
    )
    flow = flow_of([a_slice("one", "2026-03-09T10:00", None, return_line_id="x")])
    (found,) = approved_not_received(awaited, flow, sold, cutoff)
    assert (found["quantity"], found["net_minor"], found["tax_minor"], found["age_days"]) == (3, 751, 150, 30)


def test_a_close_is_hashed_and_what_changes_is_told_line_by_line() -> None:
    """A penny more, and the hash is another one."""
    first = canonical(lines_of([a_slice("a", "2026-03-05T10:00", None)]))
    again = canonical(lines_of([a_slice("a", "2026-03-05T10:00", None)]))
    other = canonical(lines_of([a_slice("a", "2026-03-05T10:00", None, net_minor=1001)]))
    assert digest(first) == digest(again) != digest(other)
    assert changes_since(first, again) == []
    changed = changes_since(first, other)
    assert {each["figure"] for each in changed} == {
        "received_before_credit",
        "received_in_month",
        "received_not_credited",
    }
    assert [(each["was"]["net_minor"], each["is"]["net_minor"], each["what"]) for each in changed][0] == (
        1000,
        1001,
        "changed",
    )


def test_only_differences_without_a_word_keep_a_month_from_being_signed() -> None:
    """By number, as Brightpearl shows it."""
    cutoff = Cutoff.of(SHOP, MARCH)
    found = [line("books_difference", "credit", number, "GBP", net_minor=1, tax_minor=0) for number in ("SC-1", "SC-2")]
    lines = close_lines(found, cutoff)
    assert unexplained(lines, {}) == ["SC-1", "SC-2"]
    assert unexplained(lines, {"SC-1": "posted twice by hand, mended in April", "SC-2": " "}) == ["SC-2"]


MOMENTS = st.one_of(
    st.none(),
    st.integers(0, 180 * 24 * 60).map(
        lambda minutes: dt.datetime(2026, 1, 1, tzinfo=dt.UTC) + dt.timedelta(minutes=minutes)
    ),
)
SLICES = st.lists(
    st.fixed_dictionaries(
        {
            "received_on": MOMENTS,
            "credited_on": MOMENTS,
            "currency": st.sampled_from(["GBP", "EUR"]),
            "tax_code": st.sampled_from(["T20", "T5", ""]),
            "quantity": st.integers(1, 9),
            "net_minor": st.integers(0, 10**6),
            "tax_minor": st.integers(0, 10**5),
            "rma_id": st.integers(1, 5),
            "known_from": st.integers(1, 7),
        }
    ),
    max_size=12,
)


def balance(lines: list[dict], *figures: str) -> Counter:
    """Quantity, net and tax by currency and tax code, without zeros."""
    totals: Counter = Counter()
    for each in lines:
        if each["figure"] in figures:
            for name in ("quantity", "net_minor", "tax_minor"):
                totals[(each["currency"], each["tax_code"], name)] += each[name]
    return Counter({key: amount for key, amount in totals.items() if amount})


def sum_of(*parts: tuple[int, Counter]) -> Counter:
    totals: Counter = Counter()
    for sign, part in parts:
        for key, amount in part.items():
            totals[key] += sign * amount
    return Counter({key: amount for key, amount in totals.items() if amount})


@given(SLICES)
@settings(max_examples=60, deadline=None)
def test_each_close_and_what_was_learnt_since_is_the_next_months_opening(slices: list[dict]) -> None:
    """To the penny, per currency and tax code, for any history, however late a fact is learnt."""
    last: list[dict] = []
    for month in range(1, 8):
        known = [
            {**a_slice(str(number), None, None), **each}
            for number, each in enumerate(slices)
            if each["known_from"] <= month
        ]
        cutoff = Cutoff.of(SHOP, dt.date(2026, month, 1))
        lines = list(lines_of_goods(flow_of(known), cutoff, {}))
        lines += carried_forward(last, lines)
        for figure, comes, goes in (
            ("received_not_credited", "received_before_credit", "credited_after_receipt"),
            ("credited_not_received", "credited_before_receipt", "received_after_credit"),
        ):
            opening, closing = balance(lines, f"opening_{figure}"), balance(lines, figure)
            moved = sum_of((1, opening), (1, balance(lines, comes)), (-1, balance(lines, goes)))
            assert moved == closing
            if month > 1:
                assert sum_of((1, balance(last, figure)), (1, balance(lines, f"adjusted_{figure}"))) == opening
        last = canonical(close_lines(lines, cutoff))
