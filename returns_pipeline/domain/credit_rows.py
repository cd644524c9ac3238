"""Which row of the sale each row of a sales credit gives back, and what credits by others take. Reading them is the ingest's."""

import pandas as pd


def match_credit_rows(
    credit_rows: pd.DataFrame, credits: pd.DataFrame, order_rows: pd.DataFrame, standing: pd.DataFrame
) -> pd.Series:
    """The sale's row of each credit row, or missing; aligned with `credit_rows`.

    Ours follow the rows we sent, in their order; others' are found by product, then by unit price, then by order. Components have no row of their own.

    Args:
        credit_rows: credit_row_id, credit_id, sequence, product_id, quantity, net_minor, tax_minor, is_bundle_child.
        credits: credit_id, order_id.
        order_rows: rows of the sales.
        standing: our credits' lines.
    """
    unmatched = credit_rows.drop(columns="order_row_id", errors="ignore")
    rows = unmatched.merge(credits[["credit_id", "order_id"]], on="credit_id", how="left", validate="m:1")
    rows = rows[~rows["is_bundle_child"] & rows["product_id"].notna()].sort_values(
        ["credit_id", "sequence", "credit_row_id"]
    )
    sold = order_rows[
        ~order_rows["is_bundle_child"] & order_rows["product_id"].notna() & (order_rows["net_minor"] >= 0)
    ]
    ours = standing.dropna(subset=["credit_id"]).merge(sold[["order_row_id", "product_id"]], on="order_row_id")
    ours = _numbered(ours.sort_values(["credit_id", "line_no"]), ["credit_id", "product_id"])
    keyed = _numbered(rows, ["credit_id", "product_id"])
    matched = keyed.merge(
        ours[["credit_id", "product_id", "number", "order_row_id"]],
        on=["credit_id", "product_id", "number"],
        how="left",
    )
    found = dict(zip(matched["credit_row_id"], matched["order_row_id"], strict=True))
    others = keyed[~keyed["credit_row_id"].isin([row for row, order_row in found.items() if pd.notna(order_row)])]
    found |= _by_product_and_price(others, sold)
    return credit_rows["credit_row_id"].map(found).astype("Int64")


def foreign_facts(
    credits: pd.DataFrame, credit_rows: pd.DataFrame, standing: pd.DataFrame, adopted: set[int]
) -> pd.DataFrame:
    """What others credited per order row: order_row_id, foreign_qty, foreign_net, foreign_tax, credit_ids, newest.

    Args:
        credits, credit_rows: of the sales concerned, with `order_row_id` matched.
        standing: our own credits, which do not count.
        adopted: credits that are about to become ours, which do not count either.
    """
    ours = set(standing["credit_id"].dropna().astype("int64")) | adopted
    strangers = credits[~credits["credit_id"].isin(ours) & ~credits["is_cancelled"] & ~credits["is_gone"]]
    rows = credit_rows.merge(strangers[["credit_id", "created_on"]], on="credit_id").dropna(subset=["order_row_id"])
    rows = rows[~rows["is_bundle_child"]]
    return (
        rows.groupby("order_row_id")
        .agg(
            foreign_qty=("quantity", "sum"),
            foreign_net=("net_minor", "sum"),
            foreign_tax=("tax_minor", "sum"),
            credit_ids=("credit_id", lambda ids: sorted(set(ids))),
            newest=("created_on", "max"),
        )
        .reset_index()
        .astype({"order_row_id": "int64"})
    )


def _by_product_and_price(rows: pd.DataFrame, sold: pd.DataFrame) -> dict[int, int]:
    pairs = rows.merge(
        sold[["order_id", "product_id", "order_row_id", "sequence", "quantity", "net_minor"]],
        on=["order_id", "product_id"],
        suffixes=("", "_sold"),
    )
    if pairs.empty:
        return {}
    pairs["distance"] = (
        pairs["net_minor"] * pairs["quantity_sold"] - pairs["net_minor_sold"] * pairs["quantity"]
    ).abs()
    best = pairs.sort_values(
        ["credit_row_id", "distance", "sequence_sold" if "sequence_sold" in pairs else "order_row_id", "order_row_id"]
    )
    best = best.drop_duplicates("credit_row_id")
    return dict(zip(best["credit_row_id"], best["order_row_id"], strict=True))


def _numbered(rows: pd.DataFrame, keys: list[str]) -> pd.DataFrame:
    return rows.assign(number=rows.groupby(keys).cumcount())
