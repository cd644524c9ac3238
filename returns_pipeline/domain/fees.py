"""What is kept back from a refund, as rows of a credit with a minus: one per kind of fee, taxed like the goods. Scenario 34.

The order row still gives its full share: a fee is the retailer's income beside it. Which credit carries it is decided in `raising`; how it
stands in an account that refuses rows with a minus, in `netting`.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import pandas as pd

from returns_pipeline.domain.proration import round_half_up_ratio
from returns_pipeline.settings import ShopSettings
from returns_pipeline.settings.model import Fee

FAILED_INSPECTION = "failed_inspection"
PARTIAL_BUNDLE = "partial_bundle"
# Kind -> the unit's column, and whether ReturnGo may repeat one fee of the return on each unit.
_KINDS = {
    "restocking": ("restocking_fee_minor", False),
    "return": ("return_fee_minor", True),
    "return_shipping": ("shipment_fee_minor", True),
}
# What people read on the credit.
NAMES = {
    "restocking": "Restocking fee",
    "return": "Return fee",
    "return_shipping": "Return shipping fee",
    FAILED_INSPECTION: "Deduction after inspection",
    PARTIAL_BUNDLE: "Components that did not come",
}


@dataclass(frozen=True)
class FeeRow:
    """One fee on a credit; net and tax are positive here and go out with a minus.

    Attributes:
        order_row_id: the row that it is about, where it is about one.
        netted_into: where it is no row of its own: what each goods row of the credit gives of it (order_row_id, net_minor, tax_minor).
    """

    kind: str
    name: str
    net_minor: int
    tax_minor: int
    tax_code: str
    nominal_code: str
    order_row_id: int | None = None
    netted_into: list[dict[str, int]] = field(default_factory=list)

    def as_payload(self) -> dict[str, Any]:
        """What the ledger keeps beside the credit's request."""
        return vars(self).copy()


def fees_due(units: Iterable[Mapping[str, Any]], fee_scope: str, already: Mapping[str, int]) -> dict[str, int]:
    """Gross of each kind of fee that no credit of the return carries yet.

    Args:
        units: the return's units (`returngo_return_items`).
        fee_scope: `item`: each unit's fees are its own; `rma`: a fee of the whole return is repeated on each unit.
        already: kind -> gross on credits that stand.
    """
    units = list(units)
    due = {}
    for kind, (column, may_repeat) in _KINDS.items():
        amounts = [int(unit[column]) for unit in units]
        total = max(amounts, default=0) if may_repeat and fee_scope == "rma" else sum(amounts)
        if total > already.get(kind, 0):
            due[kind] = total - already.get(kind, 0)
    return due


def without_nominal(due: Mapping[str, int], shop: ShopSettings) -> list[str]:
    """Kinds of fee that are due and have no nominal code in the settings."""
    return [kind for kind in due if not _settings_of(kind, shop).nominal_code]


def fee_rows(due: Mapping[str, int], goods: Sequence[Mapping[str, Any]], shop: ShopSettings) -> list[FeeRow]:
    """The fees as rows of one credit, never more than its goods; what does not fit waits for the return's next credit.

    Args:
        due: of `fees_due`.
        goods: the credit's rows with net_minor, tax_minor and tax_code.
        shop: how its fees are booked; `same_as_item` follows the row of the greatest value.
    """
    room = sum(row["net_minor"] + row["tax_minor"] for row in goods)
    main = max(goods, key=lambda row: row["net_minor"] + row["tax_minor"])
    rows = []
    for kind, gross in due.items():
        fee, taken = _settings_of(kind, shop), min(gross, room)
        if taken <= 0:
            continue
        tax_code = main["tax_code"] if fee.tax_code == "same_as_item" else fee.tax_code
        model = next((row for row in goods if row["tax_code"] == tax_code), None)
        tax = _tax_in(taken, model)
        rows.append(FeeRow(kind, NAMES[kind], taken - tax, tax, tax_code, fee.nominal_code))
        room -= taken
    return rows


def fees_by_credit(effects: pd.DataFrame) -> dict[int, list[Mapping[str, Any]]]:
    """Credit id -> the fees that it carries, as the ledger keeps them: those it was raised with, and deductions since."""
    confirmed = effects[effects["state"] == "confirmed"]
    found: dict[int, list[Mapping[str, Any]]] = {}
    for kind, remote_id, payload in confirmed[["kind", "remote_id", "payload"]].itertuples(index=False):
        if kind == "credit.raise":
            found.setdefault(int(remote_id), []).extend(payload.get("fees", []))
        elif kind == "credit.amend":
            found.setdefault(int(payload["subject"]["credit_id"]), []).extend(payload.get("fees", []))
    return found


def gross_by_kind(rows: Iterable[Mapping[str, Any]]) -> dict[str, int]:
    """Kind -> gross of fee rows as the ledger keeps them."""
    totals: dict[str, int] = {}
    for row in rows:
        totals[row["kind"]] = totals.get(row["kind"], 0) + row["net_minor"] + row["tax_minor"]
    return totals


def _tax_in(gross: int, model: Mapping[str, Any] | None) -> int:
    """Tax in a fee, in the proportion of a row with its tax code; a code that no row of the credit has is one without tax."""
    whole = model["net_minor"] + model["tax_minor"] if model else 0
    return round_half_up_ratio(gross * model["tax_minor"], whole) if model and whole else 0


def _settings_of(kind: str, shop: ShopSettings) -> Fee:
    return {
        "restocking": shop.fees.restocking,
        "return": shop.fees.return_,
        "return_shipping": shop.fees.return_shipping,
        FAILED_INSPECTION: shop.fees.failed_inspection,
    }[kind]
