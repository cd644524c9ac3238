"""What a credit keeps back because of what came: a share of units that failed inspection, and the components of a bundle that a person gave up.

Scenarios 24 and 72. Not here: how a fee stands on a credit (`fees`, `netting`), and what holds the credit instead (`settling`).
"""

import dataclasses
from collections.abc import Mapping
from typing import Any

from returns_pipeline.domain.cases import CreditLine, Settlement
from returns_pipeline.domain.fees import FAILED_INSPECTION, NAMES, PARTIAL_BUNDLE, FeeRow, fee_rows
from returns_pipeline.domain.netting import netted
from returns_pipeline.domain.proposals import proposal
from returns_pipeline.domain.proration import round_half_up_ratio
from returns_pipeline.domain.rulings import Rulings
from returns_pipeline.settings import Settings, ShopSettings

# Kind and order row.
Key = tuple[str, int]
_WHOLE_PERCENT = 100


def accepts_part_of_a_bundle(case: Settlement, rulings: Rulings) -> bool:
    """Whether a person accepted that components make up less than their bundle: each counts as one share of its price."""
    return rulings.on_credit("accept_partial_bundle", case.credit_id, case.rma_id) is not None


def due_deductions(case: Settlement, rulings: Rulings, shop: ShopSettings) -> dict[Key, int]:
    """Kind and order row -> gross in minor units that the customer does not get.

    The units are those that the credit holds: it is brought down to what came before.
    """
    due: dict[Key, int] = {}
    if accepts_part_of_a_bundle(case, rulings):
        for line in case.lines:
            if line.loose:
                came = round_half_up_ratio(line.gross_minor * line.pieces_came, line.pieces)
                due[(PARTIAL_BUNDLE, line.order_row_id)] = line.gross_minor - came
    if shop.policy.credit_on == "inspection" and shop.policy.failed_inspection == "credit_reduced":
        percent = shop.policy.failed_deduction_percent
        for line in case.lines:
            failed = min(line.failed, line.quantity)
            due[(FAILED_INSPECTION, line.order_row_id)] = round_half_up_ratio(
                line.gross_minor * failed * percent, line.quantity * _WHOLE_PERCENT
            )
    return {key: gross for key, gross in due.items() if gross}


def made_deductions(case: Settlement) -> dict[Key, int]:
    """Kind and order row -> gross of the deductions that the credit carries."""
    return {
        (fee["kind"], fee["order_row_id"]): fee["net_minor"] + fee["tax_minor"]
        for fee in case.fees
        if fee["kind"] in (FAILED_INSPECTION, PARTIAL_BUNDLE)
    }


def propose_deductions(
    case: Settlement, due: Mapping[Key, int], shop: ShopSettings, settings: Settings
) -> list[dict[str, Any]]:
    """One amendment per deduction: a row with a minus that names the reason, or the goods' row with less money.

    The second where such rows are refused, and always for components that did not come: nobody earns what was never given back.
    """
    is_netted = settings.brightpearl.negative_rows == "refused"
    lines = {line.order_row_id: line for line in case.lines}
    proposed, off = [], dict(case.kept_back)
    for (kind, order_row_id), gross in due.items():
        line = lines[order_row_id]
        fee = _part(line, gross) if kind == PARTIAL_BUNDLE else _failed(line, gross, shop, is_netted=is_netted)
        before = off.get(order_row_id, (0, 0))
        if fee.netted_into:
            off[order_row_id] = (before[0] + fee.net_minor, before[1] + fee.tax_minor)
        proposed.append(_proposal(case, line, fee, off.get(order_row_id, (0, 0))))
    return proposed


def _failed(line: CreditLine, gross: int, shop: ShopSettings, *, is_netted: bool) -> FeeRow:
    (fee,) = fee_rows({FAILED_INSPECTION: gross}, _goods(line), shop)
    if is_netted:
        (fee,) = netted([fee], _goods(line))
    name = f"{fee.name}: {line.failed} of {line.quantity} units failed, order row {line.order_row_id}"
    return dataclasses.replace(fee, name=name, order_row_id=line.order_row_id)


def _part(line: CreditLine, gross: int) -> FeeRow:
    tax = round_half_up_ratio(gross * line.tax_minor, line.gross_minor)
    name = f"{NAMES[PARTIAL_BUNDLE]}: {line.pieces_came} of {line.pieces} came, order row {line.order_row_id}"
    fee = FeeRow(PARTIAL_BUNDLE, name, gross - tax, tax, line.tax_code or "", "", line.order_row_id)
    (fee,) = netted([fee], _goods(line))
    return fee


def _goods(line: CreditLine) -> list[dict[str, Any]]:
    return [
        {
            "order_row_id": line.order_row_id,
            "net_minor": line.net_minor,
            "tax_minor": line.tax_minor,
            "tax_code": line.tax_code,
        }
    ]


def _proposal(case: Settlement, line: CreditLine, fee: FeeRow, off: tuple[int, int]) -> dict[str, Any]:
    details = {
        "fee": fee.as_payload(),
        "is_done": False,
        # What the goods' row shows once everything due is taken off it.
        "goods_row": {
            "quantity": line.quantity,
            "net_minor": line.net_minor - off[0],
            "tax_minor": line.tax_minor - off[1],
        },
    }
    money = {"net_minor": -fee.net_minor, "tax_minor": -fee.tax_minor, "tax_code": fee.tax_code}
    way = "netted" if fee.netted_into else "row"
    key = f"deduct:{case.credit_id}:{line.order_row_id}:{fee.kind}:{way}"
    return proposal(
        "amend", key, 0, **case.about, **money, quantity=1, credit_row_id=line.credit_row_id, details=details
    )
