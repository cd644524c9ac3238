"""A credit by others that appeared after ours for the same units. Scenario 66: critical, because the customer's money would be given back twice."""

import pandas as pd

from returns_pipeline.domain.findings import Finding


def double_credits(foreign: pd.DataFrame, standing: pd.DataFrame, credits: pd.DataFrame, shop: str) -> list[Finding]:
    """One finding per order row that we credit and that somebody else credited afterwards, both by Brightpearl's own stamps.

    Args:
        foreign: what others credited (`foreign_facts`).
        standing: what our credits hold.
        credits: as read, for when ours were made.
        shop: label of the shop looked at.
    """
    made = credits[["credit_id", "created_on"]].rename(columns={"created_on": "raised_at"})
    ours = standing[~standing["is_cancelled"] & (standing["shop"] == shop)].merge(made, on="credit_id")
    both = ours.merge(foreign, on="order_row_id")
    after = both[both["newest"] > both["raised_at"]].drop_duplicates("order_row_id")
    return [
        Finding(
            code="double_credit",
            subject_type="order_row",
            subject_id=str(row["order_row_id"]),
            shop=shop,
            cause="a credit by somebody else beside ours",
            rma_id=int(row["rma_id"]),
            money_minor=int(row["foreign_net"] + row["foreign_tax"]),
            expected=f"one credit, {row['credit_id']}",
            found=f"also credit {', '.join(str(credit_id) for credit_id in row['credit_ids'])}",
        )
        for row in after.to_dict("records")
    ]
