"""Tax proportion: the tax of each proposed credit row is the charged tax times the share of the quantity, to the minor unit."""

from collections.abc import Iterator

import pandas as pd

from returns_pipeline.checks.registry import Check, Violation

_ACTIONS_WITH_MONEY = ("raise", "amend", "post")


def rule(proposals: pd.DataFrame) -> Iterator[Violation]:
    """Rows further than one minor unit from the exact share, or rows of a tax that was never charged."""
    rows = proposals[
        proposals["action"].isin(_ACTIONS_WITH_MONEY)
        & (proposals["verdict"] == "ok")
        & proposals["charged_quantity"].notna()
    ]
    share_times_charged = rows["charged_tax_minor"] * rows["quantity"]
    distance = (rows["tax_minor"] * rows["charged_quantity"] - share_times_charged).abs()
    for row in rows[distance > rows["charged_quantity"]].itertuples():
        yield Violation(
            subject_type="proposal",
            subject_id=row.proposal_id,
            expected=f"{row.quantity} of {row.charged_quantity} units of {row.charged_tax_minor} minor units of tax",
            found=f"{row.tax_minor} minor units of tax",
            shop=row.shop,
            rma_id=row.rma_id,
            money_minor=row.tax_minor,
            currency=row.currency,
        )


CHECK = Check(
    asset="returns/credit_proposals",
    title="The tax of every credit row is in exact proportion to the tax charged",
    rule=rule,
    owner="finance",
    severity="error",
    is_blocking=True,
)
