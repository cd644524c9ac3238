"""What the pipeline judged: inspections, return lines, receipts, and what may be credited or moved, with the tax proof."""

import pandas as pd
import pandera.pandas as pa

from returns_pipeline.schemas import columns as of
from returns_pipeline.schemas.tables import Table, TableSchema

_JUDGED = "When this judgement last changed"
_HOLD = "Code of the exception catalogue; empty when nothing is in the way"
ACTIONS = ["raise", "cancel", "write_goods_in", "amend", "post", "annotate", "record_refund"]


class Inspections(Table):
    """One result of an inspection, recorded by a person or read from a location."""

    inspection_id: of.Whole = of.whole("Our id of the inspection", generated=True)
    shop: of.Text = of.text("Label of the shop in the settings")
    rma_id: of.Whole = of.whole("The return")
    returned_item_id: of.MaybeWhole = of.whole("The unit, where it is known", nullable=True)
    receipt_line_id: of.MaybeWhole = of.whole("The goods-in line, where it is known", nullable=True)
    quantity: of.Whole = of.whole("Units inspected", unit="units", gt=0)
    result: of.Text = of.text("pass, damaged or write_off", isin=["pass", "damaged", "write_off"])
    reason: of.Text = of.text("Why it did not pass", nullable=True)
    source: of.Text = of.text(
        "job: recorded by a person; brightpearl_location: read from where the goods lie",
        isin=["job", "brightpearl_location"],
    )
    recorded_by: of.Text = of.text("Who recorded it, as asserted")
    recorded_at: of.Moment = of.moment("When it was recorded")


class ReturnLines(Table):
    """The units of one RMA, one parcel and one order row, joined to the sale."""

    return_line_id: of.Text = of.text(
        "{rma_id}-{order_row_id}-{shipment_id or 0}; for units without a sale {rma_id}-x{returned_item_id}-{shipment_id or 0}",
        unique=True,
    )
    shop: of.Text = of.text("Label of the shop in the settings")
    rma_id: of.Whole = of.whole("The return")
    rma_status: of.Text = of.text("ReturnGo's status of the return")
    shipment_id: of.MaybeWhole = of.whole("The parcel; empty when nothing is shipped", nullable=True)
    order_id: of.MaybeWhole = of.whole("The sale, once found", nullable=True)
    order_row_id: of.MaybeWhole = of.whole("The sale's row, once found", nullable=True)
    product_id: of.MaybeWhole = of.whole("The product sold", nullable=True)
    sku_returned: of.Text = of.text("SKU as the portal names it")
    sku_sold: of.Text = of.text("SKU as it was sold", nullable=True)
    quantity: of.Whole = of.whole("Units", unit="units", gt=0)
    returned_item_ids: of.Thing = of.thing("ReturnGo's ids of the units", of.Kind.NUMBERS)
    life: of.Text = of.text("ordinary, keep_item, lost_in_transit, store_credit, gift_card, exchange, ...")
    matched_by: of.Text = of.text("How the row was found: line id, SKU, renamed SKU, barcode, a person", nullable=True)
    currency: of.Text = of.currency("Currency of the sale, once found", nullable=True)
    paid_price_minor: of.Whole = of.money("What the portal says was paid for the units", ge=0)
    paid_tax_minor: of.Whole = of.money("Tax in it", ge=0)
    fee_minor: of.Whole = of.money("Fees that the portal deducts", ge=0)
    resolution_type: of.Text = of.text("ReturnGo's resolution type")
    return_reasons: of.Text = of.text("Reasons of the units, joined", nullable=True)
    approved_at: of.Moment = of.moment("When the return was approved", nullable=True)
    verdict: of.Text = of.text(
        "ok; waiting: time heals it; held: a person must act; void: nothing is to be credited",
        isin=["ok", "waiting", "held", "void"],
    )
    hold_code: of.Text = of.text(_HOLD, nullable=True)
    expected: of.Text = of.text("What would have fitted", nullable=True)
    found: of.Text = of.text("What was found instead", nullable=True)
    suggestion: of.Text = of.text("What may be meant", nullable=True)
    judged_at: of.Moment = of.moment(_JUDGED, freshness=of.Freshness.WITH_CHANGE)

    @pa.dataframe_check(name="a_good_line_has_its_row_and_sku")
    def a_good_line_has_its_row_and_sku(cls, frame: pd.DataFrame) -> pd.Series:  # noqa: N805
        """SKU validity: what is judged good names the sale, its row, the SKU sold and the currency."""
        named = frame[["order_id", "order_row_id", "sku_sold", "currency"]].notna().all(axis=1) & (
            frame["sku_sold"].fillna("") != ""
        )
        return (frame["verdict"] != "ok") | named

    @pa.dataframe_check(name="a_hold_has_its_code")
    def a_hold_has_its_code(cls, frame: pd.DataFrame) -> pd.Series:  # noqa: N805
        """Held and waiting lines carry a code, others none."""
        return frame["verdict"].isin(["held", "waiting"]) == frame["hold_code"].notna()


class Receipts(Table):
    """One goods-in line, matched to a return line, with what inspection said."""

    receipt_line_id: of.Whole = of.whole("Our id of the goods-in line", unique=True)
    shop: of.Text = of.text("Label of the shop in the settings")
    rma_id: of.MaybeWhole = of.whole("The return, once found", nullable=True)
    return_line_id: of.Text = of.text("The return line, once found", nullable=True)
    credit_id: of.Whole = of.whole("The credit it was booked against")
    credit_row_id: of.Whole = of.whole("The credit's row")
    order_id: of.MaybeWhole = of.whole("The sale", nullable=True)
    order_row_id: of.MaybeWhole = of.whole("The sale's row", nullable=True)
    product_id: of.Whole = of.whole("Product received")
    quantity: of.Whole = of.whole("Units received", unit="units", gt=0)
    matched_quantity: of.Whole = of.whole("Units that a return line waits for", unit="units", ge=0)
    passed_quantity: of.Whole = of.whole("Units that inspection passed", unit="units", ge=0)
    failed_quantity: of.Whole = of.whole("Units that inspection failed", unit="units", ge=0)
    warehouse_id: of.Whole = of.whole("Warehouse that received them")
    location_id: of.Whole = of.whole("Location they lie in")
    received_on: of.Moment = of.moment("When they were booked in")
    verdict: of.Text = of.text("ok or held", isin=["ok", "held"])
    hold_code: of.Text = of.text(_HOLD, nullable=True)
    expected: of.Text = of.text("What would have fitted", nullable=True)
    found: of.Text = of.text("What was found instead", nullable=True)
    judged_at: of.Moment = of.moment(_JUDGED, freshness=of.Freshness.WITH_CHANGE)

    @pa.dataframe_check(name="no_more_matched_or_inspected_than_received")
    def no_more_matched_or_inspected_than_received(cls, frame: pd.DataFrame) -> pd.Series:  # noqa: N805
        """A unit is matched once and inspected once."""
        return (frame["matched_quantity"] <= frame["quantity"]) & (
            frame["passed_quantity"] + frame["failed_quantity"] <= frame["quantity"]
        )

    @pa.dataframe_check(name="a_hold_has_its_code")
    def a_hold_has_its_code(cls, frame: pd.DataFrame) -> pd.Series:  # noqa: N805
        """Held receipts carry a code, others none."""
        return (frame["verdict"] == "held") == frame["hold_code"].notna()


class CreditProposals(Table):
    """One credit row that a writer may act on, with the proof of its tax."""

    proposal_id: of.Text = of.text("{action}:{business key}:{line number}", unique=True)
    action: of.Text = of.text("What is to be done", isin=ACTIONS)
    business_key: of.Text = of.text("Key of the effect, made of the sources' ids")
    shop: of.Text = of.text("Label of the shop in the settings")
    rma_id: of.Whole = of.whole("The return")
    order_id: of.Whole = of.whole("The sale")
    part: of.Whole = of.whole("Number of the credit among those of this return and sale", ge=0)
    credit_id: of.MaybeWhole = of.whole("The credit, once raised", nullable=True)
    credit_row_id: of.MaybeWhole = of.whole("The credit's row, once raised", nullable=True)
    order_row_id: of.MaybeWhole = of.whole("The sale's row", nullable=True)
    return_line_id: of.Text = of.text("The return line", nullable=True)
    receipt_line_id: of.MaybeWhole = of.whole("The goods-in line that backs it", nullable=True)
    without_receipt_reason: of.Text = of.text("Why it is credited without a receipt", nullable=True)
    quantity: of.Whole = of.whole("Units credited", unit="units", ge=0)
    net_minor: of.Whole = of.money("Net credited; negative on a fee's row")
    tax_minor: of.Whole = of.money("Tax credited")
    currency: of.Text = of.currency("Currency of the sale")
    tax_code: of.Text = of.text("Tax code, the sale's", nullable=True)
    charged_quantity: of.MaybeWhole = of.whole("Units on the sale's row", unit="units", nullable=True)
    charged_net_minor: of.MaybeWhole = of.money("Net of the sale's row", nullable=True, ge=0)
    charged_tax_minor: of.MaybeWhole = of.money("Tax of the sale's row", nullable=True, ge=0)
    before_quantity: of.MaybeWhole = of.whole(
        "Units taken before, by us and by others", unit="units", nullable=True, ge=0
    )
    before_net_minor: of.MaybeWhole = of.money("Net taken before", nullable=True, ge=0)
    before_tax_minor: of.MaybeWhole = of.money("Tax taken before", nullable=True, ge=0)
    exact_tax_minor: of.Thing = of.exact(
        "The share of the tax before rounding", unit="minor units of currency", nullable=True
    )
    rounding_minor: of.Thing = of.exact("What rounding moved", unit="minor units of currency", nullable=True)
    portal_paid_minor: of.MaybeWhole = of.money("What the portal says was paid for these units", nullable=True)
    portal_fee_minor: of.MaybeWhole = of.money("Fees that the portal deducts", nullable=True)
    details: of.Thing = of.thing("What else a reviewer or a plan needs")
    verdict: of.Text = of.text("ok; waiting: time heals it; held: a person must act", isin=["ok", "waiting", "held"])
    hold_code: of.Text = of.text(_HOLD, nullable=True)
    expected: of.Text = of.text("What would have fitted", nullable=True)
    found: of.Text = of.text("What was found instead", nullable=True)
    judged_at: of.Moment = of.moment(_JUDGED, freshness=of.Freshness.WITH_CHANGE)

    @pa.dataframe_check(name="tax_is_in_proportion")
    def tax_is_in_proportion(cls, frame: pd.DataFrame) -> pd.Series:  # noqa: N805
        """Of what is raised or posted, the tax is the units' share of the tax charged, with or without what was taken before, to one minor unit.

        Reckoned in whole numbers from the sale's own figures, not from the share that the proposal states. The rows of one effect about one row of
        the sale (one for each goods-in line) count together, because they are one row on the credit.
        """
        is_judged = (
            frame["action"].isin(["raise", "post"])
            & (frame["verdict"] == "ok")
            & (frame["charged_quantity"].fillna(0) > 0)
        )
        judged = frame[is_judged].fillna({"before_quantity": 0, "before_tax_minor": 0, "charged_tax_minor": 0})
        together = judged.groupby(["business_key", "order_row_id"], dropna=False)
        tax, units = together["tax_minor"].transform("sum"), together["quantity"].transform("sum")
        before, taken = together["before_quantity"].transform("min"), together["before_tax_minor"].transform("min")
        charged, ordered = judged["charged_tax_minor"], judged["charged_quantity"]
        after_others = (charged * (before + units) - taken * ordered).clip(lower=0)
        fits = ((tax * ordered - after_others).abs() <= ordered) | ((tax * ordered - charged * units).abs() <= ordered)
        return fits.astype(bool).reindex(frame.index, fill_value=True)

    @pa.dataframe_check(name="what_is_posted_was_received_or_says_why_not")
    def what_is_posted_was_received_or_says_why_not(cls, frame: pd.DataFrame) -> pd.Series:  # noqa: N805
        """Nothing is credited before it is received, except the lives that the policy names."""
        backed = frame["receipt_line_id"].notna() | frame["without_receipt_reason"].notna()
        return (frame["action"] != "post") | (frame["verdict"] != "ok") | frame["order_row_id"].isna() | backed

    @pa.dataframe_check(name="what_takes_from_a_row_takes_something")
    def what_takes_from_a_row_takes_something(cls, frame: pd.DataFrame) -> pd.Series:  # noqa: N805
        """A raised or posted row of the sale has units and no negative money; a fee's row stands for itself."""
        taking = frame["action"].isin(["raise", "post"]) & frame["order_row_id"].notna() & (frame["verdict"] == "ok")
        return ~taking | ((frame["quantity"] > 0) & (frame["net_minor"] >= 0) & (frame["tax_minor"] >= 0))

    @pa.dataframe_check(name="a_hold_has_its_code")
    def a_hold_has_its_code(cls, frame: pd.DataFrame) -> pd.Series:  # noqa: N805
        """Held and waiting proposals carry a code, others none."""
        return (frame["verdict"] != "ok") == frame["hold_code"].notna()


class TransferProposals(Table):
    """Passed units that may go back on sale."""

    proposal_id: of.Text = of.text("Our id of the proposal", unique=True)
    shop: of.Text = of.text("Label of the shop in the settings")
    rma_id: of.Whole = of.whole("The return")
    receipt_line_id: of.Whole = of.whole("The goods-in line")
    product_id: of.Whole = of.whole("Product")
    quantity: of.Whole = of.whole("Units that passed and were on no transfer when this was judged", unit="units", gt=0)
    moved_quantity: of.Whole = of.whole("Units of the goods-in line that were on transfers then", unit="units", ge=0)
    source_warehouse_id: of.Whole = of.whole("Returns warehouse they lie in")
    source_location_id: of.Whole = of.whole("Location they lie in")
    target_warehouse_id: of.MaybeWhole = of.whole(
        "Saleable warehouse, by the explicit map; empty: none is named", nullable=True
    )
    is_from_quarantine: of.Flag = of.flag("Whether they must be released inside Returns first")
    passed_at: of.Moment = of.moment("When inspection passed them", nullable=True)
    verdict: of.Text = of.text("ok; waiting: time heals it; held: a person must act", isin=["ok", "waiting", "held"])
    hold_code: of.Text = of.text(_HOLD, nullable=True)
    expected: of.Text = of.text("What would have fitted", nullable=True)
    found: of.Text = of.text("What was found instead", nullable=True)
    judged_at: of.Moment = of.moment(_JUDGED, freshness=of.Freshness.WITH_CHANGE)

    @pa.dataframe_check(name="a_good_transfer_has_its_target")
    def a_good_transfer_has_its_target(cls, frame: pd.DataFrame) -> pd.Series:  # noqa: N805
        """Goods never move to a warehouse that nobody named, nor to where they are."""
        named = frame["target_warehouse_id"].notna() & (
            frame["target_warehouse_id"].fillna(0) != frame["source_warehouse_id"]
        )
        return (frame["verdict"] != "ok") | named.astype(bool)

    @pa.dataframe_check(name="a_hold_has_its_code")
    def a_hold_has_its_code(cls, frame: pd.DataFrame) -> pd.Series:  # noqa: N805
        """Held and waiting proposals carry a code, others none."""
        return (frame["verdict"] != "ok") == frame["hold_code"].notna()


class OperatorDecisions(Table):
    """What a person decided about one subject, read when returns are matched and credits decided."""

    decision_id: of.Whole = of.whole("Our id of the decision", generated=True)
    action: of.Text = of.text("map_sku, accept_variance, keep_item, lost_in_transit, adopt, waive, ...")
    shop: of.Text = of.text("Label of the shop in the settings")
    subject_type: of.Text = of.text("What it is about: rma, order, credit, receipt, sku, ...")
    subject_id: of.Text = of.text("Which one")
    rma_id: of.MaybeWhole = of.whole("The return", nullable=True)
    value: of.Thing = of.thing("What was chosen")
    reason: of.Text = of.text("Why, in the person's words")
    decided_by: of.Text = of.text("Who decided, as asserted")
    second_approver: of.Text = of.text("Who confirmed it, as asserted", nullable=True)
    os_user: of.Text = of.text("Operating system's user, where it came over the command line", nullable=True)
    at: of.Moment = of.moment("When it was recorded", generated=True)
    revoked_at: of.Moment = of.moment("When it was taken back", nullable=True)


TABLES = (
    TableSchema("operator_decisions", OperatorDecisions, ("decision_id",), "recorded by a person"),
    TableSchema("inspections", Inspections, ("inspection_id",), "recorded by a person or read from a location"),
    TableSchema("returns_return_lines", ReturnLines, ("return_line_id",), "computed", "returns/return_lines"),
    TableSchema("returns_receipts", Receipts, ("receipt_line_id",), "computed", "returns/receipts"),
    TableSchema("returns_credit_proposals", CreditProposals, ("proposal_id",), "computed", "returns/credit_proposals"),
    TableSchema(
        "returns_transfer_proposals", TransferProposals, ("proposal_id",), "computed", "returns/transfer_proposals"
    ),
)
