"""SKU validity: a return line that may be credited names the order row and the SKU that were sold."""

from collections.abc import Iterator

import pandas as pd

from returns_pipeline.checks.registry import Check, Violation


def rule(return_lines: pd.DataFrame) -> Iterator[Violation]:
    """Lines held for their SKU, and lines judged right that name no sold row: the second must never happen."""
    held = return_lines[return_lines["hold_code"].isin(["sku_unknown", "row_ambiguous", "partial_bundle"])]
    unproven = return_lines[
        (return_lines["verdict"] == "ok") & (return_lines["order_row_id"].isna() | return_lines["sku_sold"].isna())
    ]
    for line in pd.concat([held, unproven]).itertuples():
        yield Violation(
            subject_type="rma",
            subject_id=str(line.rma_id),
            expected="a SKU that was sold on this order",
            found=f"{line.sku_returned!r} ({line.hold_code or 'no row'})",
            shop=line.shop,
            rma_id=line.rma_id,
            money_minor=line.paid_price_minor,
            currency=line.currency if isinstance(line.currency, str) else None,
            told_as=line.hold_code if isinstance(line.hold_code, str) else None,
        )


CHECK = Check(
    asset="returns/return_lines",
    title="Every returned SKU was sold on the order it names",
    rule=rule,
    owner="product_data",
    severity="warn",
)
