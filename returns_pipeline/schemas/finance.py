"""What finance reads: return, receipt, credit and money side by side, and the frozen picture of a month."""

import pandas as pd
import pandera.pandas as pa

from returns_pipeline.domain.close import FIGURES
from returns_pipeline.schemas import columns as of
from returns_pipeline.schemas.tables import Table, TableSchema


class ThreeWayMatch(Table):
    """One return line beside its goods-in, its credit and its money."""

    return_line_id: of.Text = of.text("The return line", unique=True)
    shop: of.Text = of.text("Label of the shop in the settings")
    rma_id: of.Whole = of.whole("The return")
    order_id: of.MaybeWhole = of.whole("The sale, once found", nullable=True)
    order_row_id: of.MaybeWhole = of.whole("The sale's row, once found", nullable=True)
    currency: of.Text = of.currency("Currency of the sale, once found", nullable=True)
    tax_code: of.Text = of.text("Tax code, the sale's", nullable=True)
    life: of.Text = of.text("How the return goes: ordinary, keep_item, exchange, ...")
    announced_quantity: of.Whole = of.whole("Units on the return", unit="units", ge=0)
    received_quantity: of.Whole = of.whole("Units booked in", unit="units", ge=0)
    credited_quantity: of.Whole = of.whole("Units on posted credits of ours", unit="units", ge=0)
    raised_credit_ids: of.Thing = of.thing("Credits raised for it", of.Kind.NUMBERS)
    received_on: of.Moment = of.moment("When the first unit was booked in", nullable=True)
    credited_on: of.Moment = of.moment("Tax point of the last credit note", nullable=True)
    credit_reference: of.Text = of.text("Credit note numbers", nullable=True)
    expected_net_minor: of.MaybeWhole = of.money("Net that its units come to", nullable=True)
    expected_tax_minor: of.MaybeWhole = of.money("Tax that its units come to", nullable=True)
    credited_net_minor: of.Whole = of.money("Net on posted credits of ours")
    credited_tax_minor: of.Whole = of.money("Tax on posted credits of ours")
    foreign_quantity: of.Whole = of.whole("Units credited by others", unit="units", ge=0)
    refunded_minor: of.Whole = of.money("Money that went back to the customer")
    recorded_minor: of.Whole = of.money("Money recorded on credits")
    state: of.Text = of.text(
        "announced, in transit, received, credited, refunded, complete, held, cancelled, credited_by_others"
    )
    cause: of.Text = of.text("Why it stands where it stands, in words")
    difference_minor: of.Whole = of.money("What does not meet")
    compared_at: of.Moment = of.moment("When this comparison last changed", freshness=of.Freshness.WITH_CHANGE)


class MatchCoverage(Table):
    """How much of the lines compared on one day had met, with goods and credit both there."""

    shop: of.Text = of.text("Label of the shop in the settings")
    day: of.Thing = of.thing("The day, in the shop's own zone", of.Kind.DAY)
    currency: of.Text = of.currency("Currency of the sales")
    tax_code: of.Text = of.text("Tax code, the sale's; empty text where it is not known yet")
    lines: of.Whole = of.whole("Return lines compared", unit="lines")
    met_lines: of.Whole = of.whole("Of these, received and credited", unit="lines")
    expected_minor: of.Whole = of.money("Gross that the lines come to")
    met_minor: of.Whole = of.money("Gross credited on lines that met")
    difference_minor: of.Whole = of.money("What does not meet")


class MonthEndClose(Table):
    """One figure of a month's picture: the sum of its lines."""

    shop: of.Text = of.text("Label of the shop in the settings")
    month: of.Thing = of.thing("First day of the month, in the shop's own zone", of.Kind.DAY)
    figure: of.Text = of.text("Which figure", isin=list(FIGURES))
    currency: of.Text = of.currency("Currency of the figure")
    tax_code: of.Text = of.text("Tax code of the figure; empty text for a figure over all codes")
    cases: of.Whole = of.whole("Lines beneath it", unit="lines")
    quantity: of.Whole = of.whole("Units", unit="units")
    net_minor: of.MaybeWhole = of.money("Net, where the figure has it", nullable=True)
    tax_minor: of.MaybeWhole = of.money("Tax, where the figure has it", nullable=True)
    gross_minor: of.MaybeWhole = of.money("Gross, where the figure has it", nullable=True)
    cost_minor: of.MaybeWhole = of.money("Cost, for goods at cost", nullable=True)
    computed_at: of.Moment = of.moment("When this figure last changed", freshness=of.Freshness.WITH_CHANGE)

    @pa.dataframe_check(name="one_row_for_each_figure")
    def one_row_for_each_figure(cls, frame: pd.DataFrame) -> pd.Series:  # noqa: N805
        """Two rows of one figure would be added up by whoever reads the report."""
        return ~frame.duplicated(["shop", "month", "figure", "currency", "tax_code"], keep=False)


class MonthEndLine(Table):
    """One case beneath a figure of a month's picture."""

    shop: of.Text = of.text("Label of the shop in the settings")
    month: of.Thing = of.thing("First day of the month, in the shop's own zone", of.Kind.DAY)
    figure: of.Text = of.text("The figure it belongs to", isin=list(FIGURES))
    line_no: of.Whole = of.whole("Its number beneath the figure")
    subject_type: of.Text = of.text("What it is about: units, credit, transaction, goods-in line, exception, ...")
    subject_id: of.Text = of.text("Which one")
    rma_id: of.MaybeWhole = of.whole("The return, where there is one", nullable=True)
    currency: of.Text = of.currency("Currency of the amounts")
    tax_code: of.Text = of.text("Tax code; empty text where there is none")
    quantity: of.Whole = of.whole("Units", unit="units")
    net_minor: of.MaybeWhole = of.money("Net, where it has one", nullable=True)
    tax_minor: of.MaybeWhole = of.money("Tax, where it has one", nullable=True)
    gross_minor: of.MaybeWhole = of.money("Gross, where it has one", nullable=True)
    cost_minor: of.MaybeWhole = of.money("Cost, for goods at cost", nullable=True)
    happened_on: of.Moment = of.moment("When it began to count", nullable=True)
    age_days: of.MaybeWhole = of.whole("Its age at the end of the month", unit="days", nullable=True)
    note: of.Text = of.text("What else there is to say, in words")


TABLES = (
    TableSchema("finance_three_way_match", ThreeWayMatch, ("return_line_id",), "computed", "finance/three_way_match"),
    TableSchema("finance_match_coverage", MatchCoverage, ("shop", "day", "currency", "tax_code"), "computed"),
    TableSchema(
        "finance_month_end_close",
        MonthEndClose,
        ("shop", "month", "figure", "currency", "tax_code"),
        "computed",
        "finance/month_end_close",
    ),
    TableSchema("finance_month_end_lines", MonthEndLine, ("shop", "month", "figure", "line_no"), "computed"),
)
