"""How the pipeline stands: what was written or is to be written, what is open for people, and its own health."""

from returns_pipeline.schemas import columns as of
from returns_pipeline.schemas.tables import Table, TableSchema


class Effects(Table):
    """One write to a remote system: planned, under way, done or stopped."""

    effect_id: of.Whole = of.whole("Ledger's id of the effect", unique=True)
    shop: of.Text = of.text("Label of the shop in the settings")
    kind: of.Text = of.text("What is written: credit.raise, credit.post, ...")
    business_key: of.Text = of.text("What the effect is about, made of the sources' ids")
    remote_ref: of.Text = of.text("Our reference on the remote object, by which it is found again", nullable=True)
    state: of.Text = of.text("planned, claimed, sending, unknown, confirmed, rejected, halted or voided")
    reason: of.Text = of.text("Why it stopped", nullable=True)
    attempt: of.Whole = of.whole("How often it was sent", unit="sends")
    remote_id: of.Text = of.text("The remote system's id of what it made or changed", nullable=True)
    confirmed_by: of.Text = of.text("By what it was confirmed: an answer, a reading back, an adoption", nullable=True)
    needs_approval: of.Flag = of.flag("Whether a person must approve it")
    is_approved: of.Flag = of.flag("Whether a person has approved it")
    created_at: of.Moment = of.moment("When it was planned")
    sent_at: of.Moment = of.moment("When it was last sent", nullable=True)
    updated_at: of.Moment = of.moment("When its state last changed")
    quantity: of.MaybeWhole = of.whole("Units on its lines", unit="units", nullable=True)
    net_minor: of.MaybeWhole = of.money("Net on its lines", currency="the sale's currency", nullable=True)
    tax_minor: of.MaybeWhole = of.money("Tax on its lines", currency="the sale's currency", nullable=True)


class OpenExceptions(Table):
    """One case that does not fit and is not closed: what, whose, how much, since when."""

    exception_id: of.Whole = of.whole("Id of the exception, the same when it opens again", unique=True)
    code: of.Text = of.text("Code of the exception catalogue")
    owner: of.Text = of.text("Who is to act: finance, warehouse, cx, product_data or integration")
    severity: of.Text = of.text("info, warn, error or critical")
    shop: of.Text = of.text("Label of the shop in the settings")
    subject_type: of.Text = of.text("What it is about: rma, order, credit, receipt, sku, ...")
    subject_id: of.Text = of.text("Which one")
    rma_id: of.MaybeWhole = of.whole("The return", nullable=True)
    money_minor: of.MaybeWhole = of.money("Money at stake", nullable=True)
    currency: of.Text = of.text("Currency of the money at stake", nullable=True)
    expected: of.Text = of.text("What would have fitted", nullable=True)
    found: of.Text = of.text("What was found instead", nullable=True)
    suggestion: of.Text = of.text("What may be meant", nullable=True)
    cause: of.Text = of.text("What is wrong, in words")
    state: of.Text = of.text("open or acknowledged", isin=["open", "acknowledged"])
    first_seen_at: of.Moment = of.moment("When it was first seen")
    last_seen_at: of.Moment = of.moment("When a stage last judged and found it")
    due_at: of.Moment = of.moment("When it is to be done by", nullable=True)
    age: of.Thing = of.thing("Time since it was first seen", of.Kind.SPAN)
    is_overdue: of.MaybeFlag = of.flag("Whether it is past its due time", nullable=True)


class Health(Table):
    """One measure of how the pipeline itself stands."""

    measure: of.Text = of.text("What is measured")
    shop: of.Text = of.text("Label of the shop; empty text for a measure of the whole")
    value: of.Thing = of.exact("The measure", unit="see unit", nullable=True)
    unit: of.Text = of.text("Unit of the value")
    state: of.Text = of.text("ok, warn or bad", isin=["ok", "warn", "bad"])
    message: of.Text = of.text("What it means and what to do")
    measured_at: of.Moment = of.moment("When it was measured", freshness=of.Freshness.ALWAYS)


_LEDGER = "effect ledger"
TABLES = (
    TableSchema(
        "brightpearl_expected_returns", Effects, ("effect_id",), _LEDGER, "brightpearl/expected_returns", is_view=True
    ),
    TableSchema(
        "brightpearl_posted_credits", Effects, ("effect_id",), _LEDGER, "brightpearl/posted_credits", is_view=True
    ),
    TableSchema(
        "returngo_receipt_confirmations",
        Effects,
        ("effect_id",),
        _LEDGER,
        "returngo/receipt_confirmations",
        is_view=True,
    ),
    TableSchema(
        "brightpearl_stock_transfers", Effects, ("effect_id",), _LEDGER, "brightpearl/stock_transfers", is_view=True
    ),
    TableSchema(
        "returns_exceptions", OpenExceptions, ("exception_id",), "exceptions", "returns/exceptions", is_view=True
    ),
    TableSchema("operations_health", Health, ("measure", "shop"), "computed", "operations/health"),
)
