"""The assets that change something outside. Each effect is a row of the ledger first; a closed gate or shadow mode sends nothing."""

from returns_pipeline.defs.assets import stage_asset
from returns_pipeline.stages import write

brightpearl_expected_returns = stage_asset(
    "brightpearl/expected_returns",
    write.raise_expected_returns,
    group="write",
    owner="warehouse",
    kinds={"brightpearl", "postgres"},
    deps=["returns/credit_proposals"],
    has_gate=False,
    description="Expected returns written to Brightpearl: unposted credits that the bench receives against.\n\n"
    "Raised once per return and parcel; cancelled when the return is withdrawn and nothing came.",
)

brightpearl_posted_credits = stage_asset(
    "brightpearl/posted_credits",
    write.post_credits,
    group="write",
    owner="finance",
    kinds={"brightpearl", "postgres"},
    deps=["brightpearl/expected_returns"],
    has_gate=False,
    description="Sales credits posted to Brightpearl, one per received parcel, after review where the policy asks for it.\n\n"
    "Read back before posting: any difference from what was planned stops that credit.",
)

returngo_receipt_confirmations = stage_asset(
    "returngo/receipt_confirmations",
    write.confirm_receipts,
    group="write",
    owner="cx",
    kinds={"returngo", "postgres"},
    deps=["brightpearl/posted_credits"],
    has_gate=False,
    description="Parcels confirmed to ReturnGo, which releases the customer's refund.\n\n"
    "Only when every unit of the parcel is posted or decided by a person.",
)

brightpearl_stock_transfers = stage_asset(
    "brightpearl/stock_transfers",
    write.move_stock,
    group="write",
    owner="warehouse",
    kinds={"brightpearl", "postgres"},
    deps=["returns/transfer_proposals"],
    has_gate=False,
    description="Transfers of passed units from the Returns warehouse to the warehouse that sells them.\n\n"
    "They never wait for a credit, and always name the location they take from.",
)
