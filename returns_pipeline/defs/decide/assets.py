"""What should be credited and what may go back on sale. The decisions are in `domain/`; nothing is written outside here."""

from returns_pipeline.defs.assets import stage_asset
from returns_pipeline.stages import decide

returns_credit_proposals = stage_asset(
    "returns/credit_proposals",
    decide.propose_credits,
    group="decide",
    owner="finance",
    kinds={"pandas", "postgres"},
    deps=["returns/return_lines", "returns/receipts", "brightpearl/sales_credits", "returngo/transactions"],
    description="The next step for each return's credit, row by row, with its tax proof.\n\n"
    "Net and tax are the exact share of what was charged: parts always add up to the invoice, to the penny.",
)

returns_transfer_proposals = stage_asset(
    "returns/transfer_proposals",
    decide.propose_transfers,
    group="decide",
    owner="warehouse",
    kinds={"pandas", "postgres"},
    deps=["returns/receipts", "returngo/return_items"],
    description="Inspected units that may leave the Returns warehouse for sale.\n\n"
    "Nothing becomes sellable without a pass; a failed unit stays with its disposition and owner.",
)
