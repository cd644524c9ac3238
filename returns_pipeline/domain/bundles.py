"""Returned components of a bundle: whole bundles go back on the parent row, which carries the money; a part of one is held with a proposal.

Scenarios 23, 24, 26. The recipe is the one as sold: the child rows of the sale, not today's catalogue. A bundle of which a person accepted a
part is opened: from then on its components carry its money, by units, and go back one by one. A part that came of a whole bundle on a credit
is `deductions`'.
"""

import pandas as pd

from returns_pipeline.domain.proration import largest_remainder, round_half_up_ratio


def fold_bundles(matched: pd.DataFrame, order_rows: pd.DataFrame) -> pd.DataFrame:
    """Replaces units matched to component rows by whole bundles on the parent row.

    Args:
        matched: returned_item_id, rma_id, shipment_id, order_row_id (component rows among them), row_hold, suggestion, bundle_units.
        order_rows: the sales' rows with is_bundle_child, parent_row_id, quantity.

    Returns:
        The same rows with order_row_id of the topmost parent, `bundles` (whole bundles that the unit's group makes, else missing) and
        row_hold `partial_bundle` with a pro-rata suggestion where components are missing.
    """
    matched = matched.assign(bundles=pd.Series(pd.NA, index=matched.index, dtype="Int64"))
    components = order_rows[order_rows["is_bundle_child"]]
    is_component = matched["order_row_id"].isin(components["order_row_id"])
    if not is_component.any():
        return matched
    parents = _top_parents(order_rows)
    recipe = components.assign(
        parent=components["order_row_id"].map(parents),
        leaf=~components["order_row_id"].isin(components["parent_row_id"]),
    )
    recipe = recipe[recipe["leaf"]].merge(
        order_rows[["order_row_id", "quantity", "net_minor"]].rename(
            columns={"order_row_id": "parent", "quantity": "sold", "net_minor": "parent_net"}
        ),
        on="parent",
    )
    # Each parcel is received and credited by itself, so a bundle must be whole within one.
    folded = matched[is_component].assign(parent=matched["order_row_id"].map(parents))
    for (rma_id, parent, _), group in folded.groupby(["rma_id", "parent", "shipment_id"], dropna=False):
        whole, share = _whole_bundles(group, recipe[recipe["parent"] == parent])
        matched.loc[group.index, "order_row_id"] = parent
        if whole is not None:
            matched.loc[group.index, "bundles"] = whole
            continue
        matched.loc[group.index, "row_hold"] = "partial_bundle"
        matched.loc[group.index, "suggestion"] = (
            f'RMA {rma_id} returns part of the bundle on row {parent}: by units its share would be {share} minor units net; accept_partial_bundle with {{"order_row_id": {parent}}} credits that'
        )
    return matched


def opened_bundles(decisions: pd.DataFrame) -> set[int]:
    """Rows of bundles that a person opened by accepting a part of them.

    Args:
        decisions: rows of `operator_decisions` in force.
    """
    accepted = decisions[decisions["action"] == "accept_partial_bundle"]
    return {int(value["order_row_id"]) for value in accepted["value"] if value.get("order_row_id")}


def open_bundles(order_rows: pd.DataFrame, opened: set[int]) -> pd.DataFrame:
    """The sales' rows with the money of opened bundles on their components; of the bundle itself nothing can go back any more.

    Args:
        order_rows: the columns of `brightpearl_sales_order_rows`.
        opened: of `opened_bundles`.
    """
    parts = _parts_of(order_rows, opened)
    if parts.empty:
        return order_rows
    rows = order_rows.set_index("order_row_id", drop=False)
    whole = rows.loc[parts["parent"]]
    ids = parts["order_row_id"].to_numpy()
    for name in ("tax_code", "nominal_code", "row_net"):
        rows.loc[ids, name] = whole[name].to_numpy()
    for name in ("net_minor", "tax_minor"):
        rows.loc[ids, name] = _shares(parts, dict(zip(whole["order_row_id"], whole[name], strict=True)))
    rows.loc[ids, "is_bundle_child"] = False
    rows.loc[ids, "parent_row_id"] = pd.NA
    rows.loc[rows["order_row_id"].isin(parts["parent"]), ["quantity", "shipped_quantity", "net_minor", "tax_minor"]] = 0
    return rows.reset_index(drop=True)


def component_balances(order_rows: pd.DataFrame, opened: set[int], balances: pd.DataFrame) -> pd.DataFrame:
    """What the components of opened bundles hold at the start: their bundle's charge, discount taken off, spread by units once.

    Args:
        order_rows: as sold, with the money on the bundle's row.
        opened: of `opened_bundles`.
        balances: what the bundles' rows hold.

    Returns:
        order_row_id, order_id, currency, minor_digits, price_mode, ordered_qty, net_minor, tax_minor.
    """
    parts = _parts_of(order_rows, opened & set(balances["order_row_id"]))
    of_parent = balances.rename(columns={"order_row_id": "parent"})
    common = ["parent", "order_id", "currency", "minor_digits", "price_mode"]
    made = parts.merge(of_parent[common], on="parent").rename(columns={"quantity": "ordered_qty"})
    for name in ("net_minor", "tax_minor"):
        charged = dict(zip(of_parent["parent"], of_parent[name], strict=True))
        made[name] = _shares(made.rename(columns={"ordered_qty": "quantity"}), charged)
    return made.drop(columns="parent")


def _parts_of(order_rows: pd.DataFrame, opened: set[int]) -> pd.DataFrame:
    """The stock rows under opened bundles: order_row_id, quantity, parent."""
    components = order_rows[order_rows["is_bundle_child"]]
    top = components["order_row_id"].map(_top_parents(order_rows)) if opened else components["order_row_id"]
    is_leaf = ~components["order_row_id"].isin(components["parent_row_id"])
    parts = components.assign(parent=top)[["order_row_id", "quantity", "parent"]]
    return parts[is_leaf & top.isin(opened)].sort_values("order_row_id")


def _shares(parts: pd.DataFrame, charged: dict[int, int]) -> list[int]:
    """A charge of each parent spread over its parts by units, in the order of `parts`."""
    shares: dict[int, int] = {}
    for parent, group in parts.groupby("parent"):
        ids = [int(row) for row in group["order_row_id"]]
        weights = [int(quantity) for quantity in group["quantity"]]
        shares |= dict(zip(ids, largest_remainder(int(charged[parent]), weights, ids), strict=True))
    return [shares[int(row)] for row in parts["order_row_id"]]


def _top_parents(order_rows: pd.DataFrame) -> dict[int, int]:
    """Component row -> topmost parent row; nested bundles are climbed to the row that carries the money."""
    parent_of = {
        int(row): int(parent)
        for row, parent in order_rows.loc[order_rows["is_bundle_child"], ["order_row_id", "parent_row_id"]]
        .dropna()
        .itertuples(index=False)
    }
    top = {}
    for row in parent_of:
        place, climbed = row, set()
        while place in parent_of and place not in climbed:
            climbed.add(place)
            place = parent_of[place]
        top[row] = place
    return top


def _whole_bundles(group: pd.DataFrame, recipe: pd.DataFrame) -> tuple[int | None, int]:
    """How many whole bundles the units make, or None and the net share by units."""
    returned = group["order_row_id"].value_counts()
    per_bundle = {
        int(row): (int(quantity), int(sold))
        for row, quantity, sold in recipe[["order_row_id", "quantity", "sold"]].itertuples(index=False)
    }
    counts = {
        row: int(returned.get(row, 0)) * sold / quantity for row, (quantity, sold) in per_bundle.items() if quantity
    }
    first = next(iter(counts.values()), 0)
    if first >= 1 and float(first).is_integer() and all(count == first for count in counts.values()):
        return int(first), 0
    units_sold = int(recipe["quantity"].sum())
    parent_net = int(recipe["parent_net"].iloc[0]) if len(recipe) else 0
    return None, round_half_up_ratio(parent_net * int(returned.sum()), units_sold) if units_sold else 0
