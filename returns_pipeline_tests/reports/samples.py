"""The close of a busy month, made up, for looking at and for tests: every figure, two currencies, three tax codes."""

import datetime as dt
import random

from returns_pipeline.domain.close import FIGURES, Cutoff, close_lines, figures_of, line
from returns_pipeline.domain.records import records
from returns_pipeline.reports.content import Report
from returns_pipeline.reports.month import month_report
from returns_pipeline_tests.domain.frames import settings_with
from returns_pipeline_tests.domain.worlds import NOW

CUTOFF = Cutoff.of(settings_with().shops[0], dt.date(2026, 3, 1))
NASTY = '=HYPERLINK("http://x","y")<script>alert(1)</script>'
_CAUSES = (
    "double_credit (finance)", "receipt_without_return (warehouse)", "amount_mismatch (finance)", "sku_unknown (product_data)",
    "refund_waits_for_parcel (cx)", "tax_out_of_proportion (finance)",
)  # fmt: skip
_AT_COST = ("received_not_credited_at_cost", "in_quarantine", "returns_stock_at_cost")
_GROSS_ONLY = (
    "refunded_not_received", "refunded_not_recorded", "refunded_only_in_shopify", "posted_unpaid", "store_credit_issued", "gift_cards_issued", "exceptions_open",
)  # fmt: skip
_FEW = {"books_difference": 1, "posted_in_another_period": 4, "gift_cards_issued": 2, "refunded_only_in_shopify": 2}


def some_lines(differing: bool = True) -> list[dict]:
    """About two hundred lines with amounts that a seed fixes."""
    dice = random.Random(7)  # noqa: S311 - a picture, no secret
    lines = []
    for figure in FIGURES:
        if figure == "books_difference" and not differing:
            continue
        for number in range(_FEW.get(figure, 12)):
            net = dice.randint(900, 24_000)
            code = dice.choice(["T20", "T20", "T5", "T0"])
            currency = "EUR" if number == 11 else "GBP"
            money = {"net_minor": net, "tax_minor": net * {"T20": 20, "T5": 5, "T0": 0}[code] // 100, "tax_code": code}
            if figure in _AT_COST:
                money = {"cost_minor": net // 3}
            if figure in _GROSS_ONLY:
                money = {"gross_minor": net}
            age = dice.choice([1, 3, 5, 9, 12, 18, 26, 41, 75])
            note = f"{dice.choice(_CAUSES)}: {NASTY}" if figure == "exceptions_open" else ""
            lines.append(
                line(
                    figure, "units", f"goods-in line {100 + number}", currency, rma_id=9850000 + number, quantity=1 + number % 3,
                    happened_on=CUTOFF.ends - dt.timedelta(days=age, hours=3), age_days=age, note=note, **money,
                )
            )  # fmt: skip
    return lines


def month(differing: bool = True, changes: tuple = ()) -> Report:
    """The report of that month."""
    lines = close_lines(some_lines(differing), CUTOFF)
    figures = records(figures_of(lines, NOW))
    return month_report(
        "uk", CUTOFF.month, "GBP", "Europe/London", records(lines), figures, "Computed 2026-04-01 06:00. Not signed. Hash 0123456789abcdef",
        changes,
    )  # fmt: skip
