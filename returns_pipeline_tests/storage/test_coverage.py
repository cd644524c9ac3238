"""How much has met, day by day. A trend that counts what nobody expects to meet falls for no reason."""

import datetime as dt

from returns_pipeline.storage import coverage, frames
from returns_pipeline_tests.storage.rows import frame

TODAY = dt.date(2026, 3, 2)


def shown(connection):
    return connection.execute(
        "SELECT currency, tax_code, lines, met_lines, expected_minor, met_minor, difference_minor FROM finance_match_coverage ORDER BY 1, 2"
    ).fetchall()


def line(name, state, credited=0, **more):
    return {
        "return_line_id": name, "shop": "uk", "currency": "GBP", "tax_code": "T20", "state": state, "expected_net_minor": 1000, "expected_tax_minor": 200,
        "credited_net_minor": credited, "credited_tax_minor": credited // 5, "difference_minor": 1200 - credited - credited // 5,
        "compared_at": dt.datetime.now(dt.UTC), **more,
    }  # fmt: skip


def test_lines_and_money_that_met_are_counted_once_a_day_by_currency_and_tax_code(connection):
    """Withdrawn returns and comparisons of last year do not count; only a sweep measures a day again."""
    old = dt.datetime.now(dt.UTC) - dt.timedelta(days=120)
    rows = [
        line("a", "complete", 1000),
        line("b", "received"),
        line("c", "cancelled"),
        line("d", "complete", 1000, compared_at=old),
    ]
    frames.upsert(
        connection,
        "finance/three_way_match",
        frame("finance_three_way_match", *rows, line("e", "credited", 1000, currency="EUR")),
    )
    coverage.keep_once_a_day(connection, "uk", TODAY, again=False)
    first = [("EUR", "T20", 1, 1, 1200, 1200, 0), ("GBP", "T20", 2, 1, 2400, 1200, 1200)]
    assert shown(connection) == first
    frames.upsert(connection, "finance/three_way_match", frame("finance_three_way_match", line("b", "complete", 1000)))
    coverage.keep_once_a_day(connection, "uk", TODAY, again=False)
    assert shown(connection) == first
    coverage.keep_once_a_day(connection, "uk", TODAY, again=True)
    assert shown(connection)[1] == ("GBP", "T20", 2, 2, 2400, 2400, 0)
