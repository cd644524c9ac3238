"""Bundles on a credit: the warehouse receives their components, the bundle's own row carries the money. How often a bundle came whole.

The recipe is the credit's own rows, nested bundles climbed to the row that has the value. Bundles among returned units are `bundles`'.
"""

from collections.abc import Sequence

import pandas as pd

_DEEPEST_NESTING = 4


def top_rows(credit_rows: pd.DataFrame, rows: pd.Series | None = None) -> pd.Series:
    """The row that carries the value for each credit row: itself, or of a component the outermost bundle.

    Args:
        credit_rows: credit_row_id, parent_row_id.
        rows: ids of credit rows; all of them when not given.
    """
    parents = credit_rows.drop_duplicates("credit_row_id").set_index("credit_row_id")["parent_row_id"]
    climbed = credit_rows["credit_row_id"] if rows is None else rows
    for _ in range(_DEEPEST_NESTING):
        parent = climbed.map(parents)
        climbed = climbed.where(parent.isna(), parent)
    return climbed.astype("Int64")


def recipes(credit_rows: pd.DataFrame) -> pd.DataFrame:
    """The rows of bundles that stock is received on: credit_row_id, top_row_id, `per` (its units on the credit) and `bundles` (bundles on the credit)."""
    leaves = credit_rows[credit_rows["is_bundle_child"] & ~credit_rows["is_bundle_parent"]]
    quantity = credit_rows.set_index("credit_row_id")["quantity"]
    top = top_rows(credit_rows, leaves["credit_row_id"])
    return pd.DataFrame(
        {
            "credit_row_id": leaves["credit_row_id"],
            "top_row_id": top,
            "per": leaves["quantity"],
            "bundles": top.map(quantity).fillna(0).astype("int64"),
        }
    )


def whole_units(receipts: pd.DataFrame, credit_rows: pd.DataFrame, columns: Sequence[str]) -> pd.DataFrame:
    """Units that came by the credit's row with the value, which is the index; a bundle counts as often as all of its components came.

    Args:
        receipts: credit_row_id and the columns to count.
        credit_rows: the rows of those credits.
        columns: of receipts, counted in units.
    """
    recipe = recipes(credit_rows)
    names = list(columns)
    came = receipts.groupby("credit_row_id")[names].sum()
    own = came[~came.index.isin(recipe["credit_row_id"])]
    begun = set(recipe.loc[recipe["credit_row_id"].isin(came.index), "top_row_id"])
    parts = recipe[recipe["top_row_id"].isin(begun)].merge(came, left_on="credit_row_id", right_index=True, how="left")
    for name in names:
        parts[name] = parts[name].fillna(0).astype("int64") * parts["bundles"] // parts["per"]
    bundles = parts.groupby("top_row_id")[names].min()
    return pd.concat([own, bundles]).rename_axis("top_row_id").astype("int64")
