"""Which row of the sale sold a returned unit: line id, SKU as sold, the product behind a renamed SKU, barcode. Never the catalogue alone.

Scenarios 15, 17, 20, 21: two rows of one SKU at different prices are not guessed between, and a SKU that is nearly right is a suggestion.
"""

import pandas as pd

_STEPS = ("line_id", "sku_as_sold", "renamed_sku", "barcode")


def match_rows(units: pd.DataFrame, order_rows: pd.DataFrame, products: pd.DataFrame) -> pd.DataFrame:
    """The row of each unit.

    Args:
        units: returned_item_id, rma_id, order_id, sku, barcode, shopify_line_item_id; units whose sale is known.
        order_rows: rows of those sales.
        products: products on those rows, as the catalogue has them today.

    Returns:
        returned_item_id, order_row_id (or missing), matched_by, row_hold (code or None), suggestion.
    """
    rows = order_rows[order_rows["product_id"].notna() & (order_rows["net_minor"] >= 0)]
    candidates = _candidates(units, rows, products)
    counts = candidates.groupby("returned_item_id")["order_row_id"].nunique()
    single = candidates[candidates["returned_item_id"].isin(counts[counts == 1].index)].drop_duplicates(
        "returned_item_id"
    )
    several = candidates[candidates["returned_item_id"].isin(counts[counts > 1].index)]
    shared_out = _share_out(several, rows)
    matched = pd.concat([single[["returned_item_id", "order_row_id", "matched_by"]], shared_out], ignore_index=True)
    result = units[["returned_item_id", "order_id", "sku"]].merge(
        matched, on="returned_item_id", how="left", validate="1:1"
    )
    result["order_row_id"] = result["order_row_id"].astype("Int64")
    result["row_hold"] = pd.Series(None, index=result.index, dtype="object")
    unknown = result["order_row_id"].isna()
    result.loc[unknown, "row_hold"] = "sku_unknown"
    result.loc[unknown & result["returned_item_id"].isin(several["returned_item_id"]), "row_hold"] = "row_ambiguous"
    result["suggestion"] = _suggestions(units[unknown.to_numpy()], result, rows)
    return result[["returned_item_id", "order_row_id", "matched_by", "row_hold", "suggestion"]]


def _candidates(units: pd.DataFrame, rows: pd.DataFrame, products: pd.DataFrame) -> pd.DataFrame:
    """Unit and row pairs of the first step that finds any."""
    left = units[["returned_item_id", "order_id", "sku", "barcode", "shopify_line_item_id"]]
    right = rows[["order_row_id", "order_id", "product_id", "sku", "external_ref"]].rename(columns={"sku": "sku_sold"})
    today = right.merge(
        products[["product_id", "sku", "barcode"]].rename(columns={"sku": "sku_today", "barcode": "barcode_today"}),
        on="product_id",
        how="inner",
    )
    of_line = _of_line_id(left, right)
    agreeing = _agreeing(of_line, products)
    # A unit whose line and SKU name different things is wrong, and no other row is looked for.
    contrary = of_line.loc[~of_line["returned_item_id"].isin(agreeing["returned_item_id"]), "returned_item_id"]
    left = left[~left["returned_item_id"].isin(contrary)]
    steps = [
        agreeing,
        left[left["sku"] != ""].merge(
            right.dropna(subset=["sku_sold"]), left_on=["order_id", "sku"], right_on=["order_id", "sku_sold"]
        ),
        left[left["sku"] != ""].merge(
            today.dropna(subset=["sku_today"]), left_on=["order_id", "sku"], right_on=["order_id", "sku_today"]
        ),
        left.dropna(subset=["barcode"]).merge(
            today.dropna(subset=["barcode_today"]),
            left_on=["order_id", "barcode"],
            right_on=["order_id", "barcode_today"],
        ),
    ]
    pairs = pd.concat(
        [step[["returned_item_id", "order_row_id"]].assign(step=number) for number, step in enumerate(steps)],
        ignore_index=True,
    )
    pairs = pairs[pairs["step"] == pairs.groupby("returned_item_id")["step"].transform("min")]
    pairs["matched_by"] = pairs["step"].map(dict(enumerate(_STEPS)))
    return pairs.drop_duplicates(["returned_item_id", "order_row_id"])


def _of_line_id(units: pd.DataFrame, rows: pd.DataFrame) -> pd.DataFrame:
    """Unit and row pairs by the number of the shop's line."""
    return units.merge(
        rows.dropna(subset=["external_ref"]),
        left_on=["order_id", "shopify_line_item_id"],
        right_on=["order_id", "external_ref"],
    )


def _agreeing(pairs: pd.DataFrame, products: pd.DataFrame) -> pd.DataFrame:
    """Those whose unit has no SKU, or one that the row's product had at the sale or has today."""
    today = products.set_index("product_id")["sku"]
    fits = (pairs["sku"] == "") | (pairs["sku"] == pairs["sku_sold"]) | (pairs["sku"] == pairs["product_id"].map(today))
    return pairs[fits.fillna(value=False).astype(bool)]


def _share_out(several: pd.DataFrame, rows: pd.DataFrame) -> pd.DataFrame:
    """Units that fit several rows: filled row by row where all rows cost the same, or where the units cover every row; else nobody's."""
    shared: list[tuple[int, int, str]] = []
    by_row = rows.set_index("order_row_id")
    row_sets = several.groupby("returned_item_id").agg(
        row_ids=("order_row_id", lambda ids: tuple(sorted(ids))), matched_by=("matched_by", "first")
    )
    for row_ids, group in row_sets.groupby("row_ids"):
        chosen = by_row.loc[list(row_ids)].sort_values(["sequence"], kind="stable")
        capacity = chosen["quantity"].tolist()
        if not _cost_the_same(chosen) and len(group) != sum(capacity):
            continue
        places = [row_id for row_id, room in zip(chosen.index, capacity, strict=True) for _ in range(room)]
        shared += [
            (item_id, row_id, step)
            for (item_id, step), row_id in zip(group["matched_by"].sort_index().items(), places, strict=False)
        ]
    return pd.DataFrame(shared, columns=["returned_item_id", "order_row_id", "matched_by"]).astype(
        {"returned_item_id": "int64"}
    )


def _cost_the_same(rows: pd.DataFrame) -> bool:
    first = rows.iloc[0]
    is_same_unit_price = (rows["net_minor"] * first["quantity"] == first["net_minor"] * rows["quantity"]) & (
        rows["tax_minor"] * first["quantity"] == first["tax_minor"] * rows["quantity"]
    )
    return bool(is_same_unit_price.all()) and rows["tax_code"].nunique() == 1


def normalised_sku(skus: pd.Series) -> pd.Series:
    """SKUs without case, spaces and leading zeros: near enough for a suggestion, never for a match."""
    return skus.fillna("").astype("str").str.casefold().str.replace(r"\s+", "", regex=True).str.lstrip("0")


def _suggestions(unknown: pd.DataFrame, result: pd.DataFrame, rows: pd.DataFrame) -> pd.Series:
    """For units whose SKU is unknown: the row of their line, else one whose SKU is nearly theirs."""
    unknown = unknown[
        unknown["returned_item_id"].isin(result.loc[result["row_hold"] == "sku_unknown", "returned_item_id"])
    ]
    sold = rows.rename(columns={"sku": "sku_sold"})
    alike = unknown.assign(near=normalised_sku(unknown["sku"])).merge(
        sold.assign(near=normalised_sku(sold["sku_sold"])), on=["order_id", "near"]
    )
    near = pd.concat(
        [
            _of_line_id(unknown, sold[["order_row_id", "order_id", "sku_sold", "external_ref"]]),
            alike[alike["near"] != ""],
        ]
    )
    near = near.drop_duplicates("returned_item_id")
    words = (
        "map it to order row " + near["order_row_id"].astype("str") + ", which sold " + near["sku_sold"].astype("str")
    )
    return result["returned_item_id"].map(dict(zip(near["returned_item_id"], words, strict=True))).astype("object")
