"""What `policy.failed_inspection = "credit_reduced"` keeps back: for each row with failed units a share of their price. Scenario 72.

Not here: how a fee stands on a credit (`fees`, `netting`), and whether failed units hold the credit instead (`settling`).
"""

import dataclasses
from collections.abc import Mapping
from typing import Any

from returns_pipeline.domain.cases import CreditLine, Settlement
from returns_pipeline.domain.fees import FAILED_INSPECTION, FeeRow, fee_rows
from returns_pipeline.domain.netting import netted
from returns_pipeline.domain.proposals import proposal
from returns_pipeline.domain.proration import round_half_up_ratio
from returns_pipeline.settings import Settings, ShopSettings

_WHOLE_PERCENT = 100


def due_deductions(case: Settlement, shop: ShopSettings) -> dict[int, int]:
    """Order row -> gross in minor units that its failed units cost the customer; empty under every other policy.

    The units are those that the credit holds: it is brought down to what came before.
    """
    if shop.policy.credit_on != "inspection" or shop.policy.failed_inspection != "credit_reduced":
        return {}
    percent = shop.policy.failed_deduction_percent
    due = {
        line.order_row_id: round_half_up_ratio(
            line.gross_minor * min(line.failed, line.quantity) * percent, line.quantity * _WHOLE_PERCENT
        )
        for line in case.lines
        if line.failed
    }
    return {order_row_id: gross for order_row_id, gross in due.items() if gross}


def made_deductions(case: Settlement) -> dict[int, int]:
    """Order row -> gross of the deductions that the credit carries."""
    return {
        fee["order_row_id"]: fee["net_minor"] + fee["tax_minor"]
        for fee in case.fees
        if fee["kind"] == FAILED_INSPECTION
    }


def propose_deductions(
    case: Settlement, due: Mapping[int, int], shop: ShopSettings, settings: Settings
) -> list[dict[str, Any]]:
    """One amendment per row: a row with a minus that names the reason, or the goods' row with less money where such rows are refused."""
    is_netted = settings.brightpearl.negative_rows == "refused"
    return [
        _proposal(case, line, _deduction(line, due[line.order_row_id], shop, is_netted=is_netted))
        for line in case.lines
        if line.order_row_id in due
    ]


def _deduction(line: CreditLine, gross: int, shop: ShopSettings, *, is_netted: bool) -> FeeRow:
    goods = [{"order_row_id": line.order_row_id, "net_minor": line.net_minor, "tax_minor": line.tax_minor, "tax_code": line.tax_code}]  # fmt: skip
    (fee,) = fee_rows({FAILED_INSPECTION: gross}, goods, shop)
    if is_netted:
        (fee,) = netted([fee], goods)
    name = f"{fee.name}: {line.failed} of {line.quantity} units failed, order row {line.order_row_id}"
    return dataclasses.replace(fee, name=name, order_row_id=line.order_row_id)


def _proposal(case: Settlement, line: CreditLine, fee: FeeRow) -> dict[str, Any]:
    way = "netted" if fee.netted_into else "row"
    before = case.kept_back.get(line.order_row_id, (0, 0))
    details = {
        "fee": fee.as_payload(),
        "is_done": False,
        # What the goods' row shows once this is taken off as well.
        "goods_row": {
            "quantity": line.quantity,
            "net_minor": line.net_minor - before[0] - fee.net_minor,
            "tax_minor": line.tax_minor - before[1] - fee.tax_minor,
        },
    }
    money = {"net_minor": -fee.net_minor, "tax_minor": -fee.tax_minor, "tax_code": fee.tax_code}
    key = f"deduct:{case.credit_id}:{line.order_row_id}:{way}"
    return proposal(
        "amend", key, 0, **case.about, **money, quantity=1, credit_row_id=line.credit_row_id, details=details
    )
