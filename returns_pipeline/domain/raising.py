"""Which expected returns to raise: unposted credits for what customers announced, each row with its exact share of what was charged.

Scenarios 1, 13, 27 to 32, 34, 35, 46, 64, 65, 67, 68, 70, 77, 79. A credit that others already wrote is adopted or counted, never doubled.
"""

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from returns_pipeline.domain import delivery, lives
from returns_pipeline.domain.allotment import Allotment, Share
from returns_pipeline.domain.fees import FeeRow, fee_rows, fees_due, without_nominal
from returns_pipeline.domain.netting import netted
from returns_pipeline.domain.parcels import Key, parcel_of, spread_over_lines
from returns_pipeline.domain.proposals import held, proposal
from returns_pipeline.domain.proration import round_half_up_ratio
from returns_pipeline.domain.rulings import Rulings
from returns_pipeline.settings import Settings, ShopSettings

Row = Mapping[str, Any]
LIVE_STATUSES = ("Approved", "Received", "Validated", "Done")
NOT_SENT = ("Pending", "LabelCreated")
MOVING = ("Shipped", "Received", "Validated")


@dataclass(frozen=True)
class RaisingFacts:
    """What raising looks at, of one shop.

    Attributes:
        lines: return lines.
        units: returned items by return.
        shipment_status: by shipment id.
        on_credits: units on live credits of ours by (return, order row, parcel).
        parts: numbers of credits that exist or may exist, by (return, sale).
        fees: kind -> gross of fees on live credits, by return.
        sold: order rows by id.
        rows_of_sale: order rows by sale.
        refunded: successful refunds of a return in its sale's currency.
        strangers: ids of credits by others, by order row.
    """

    lines: Sequence[Row]
    units: Mapping[int, Sequence[Row]]
    shipment_status: Mapping[int, str]
    on_credits: Mapping[Key, int]
    parts: Mapping[tuple[int, int], int]
    fees: Mapping[int, Mapping[str, int]]
    sold: Mapping[int, Row]
    rows_of_sale: Mapping[int, Sequence[Row]]
    refunded: Mapping[int, int]
    strangers: Mapping[int, Sequence[int]]
    rulings: Rulings


def is_stale(
    shipment_status: str | None, life: str, approved_at: dt.datetime | None, shop: ShopSettings, shop_clock: dt.datetime
) -> bool:
    """Whether an announced return was never sent for longer than the policy waits; it comes back when its parcel moves."""
    days = shop.policy.cancel_announced_after_days
    if not days or approved_at is None or life in lives.WITHOUT_RECEIPT or shipment_status not in NOT_SENT:
        return False
    return shop_clock - approved_at > dt.timedelta(days=days)


def propose_raises(
    facts: RaisingFacts, allotment: Allotment, shop: ShopSettings, settings: Settings, shop_clock: dt.datetime
) -> list[dict[str, Any]]:
    """Rows of the credits to raise for one shop, or held with the reason: one credit per return, sale and parcel."""
    missing = _missing(facts, shop, shop_clock)
    groups: dict[tuple[int, int, int, bool], list[Row]] = {}
    for line in missing:
        # What the policy never posts must not keep back what it does.
        key = (
            line["rma_id"],
            line["order_id"],
            parcel_of(line["shipment_id"]),
            lives.is_stock_only(line["life"], shop.policy),
        )
        groups.setdefault(key, []).append(line)
    taken: dict[tuple[int, int], int] = {}
    fees_used: dict[int, dict[str, int]] = {}
    proposed = []
    for (rma_id, order_id, *_), lines in sorted(groups.items()):
        part = taken[(rma_id, order_id)] = taken.get((rma_id, order_id), facts.parts.get((rma_id, order_id), 0)) + 1
        rows = [_row(line, number, part, facts, allotment, shop) for number, line in enumerate(lines)]
        already = {**facts.fees.get(rma_id, {})}
        for kind, gross in fees_used.get(rma_id, {}).items():
            already[kind] = already.get(kind, 0) + gross
        units = facts.units.get(rma_id, ())
        due = fees_due(units, settings.returngo.fee_scope, already)
        rows, used = _with_fees(rows, units, due, shop, settings.brightpearl.negative_rows)
        fees_used[rma_id] = {
            kind: fees_used.get(rma_id, {}).get(kind, 0) + used.get(kind, 0)
            for kind in {*used, *fees_used.get(rma_id, {})}
        }
        proposed += _whole_credit(rows)
    return proposed + _deliveries(facts, allotment, proposed, shop, settings, taken)


def _missing(facts: RaisingFacts, shop: ShopSettings, shop_clock: dt.datetime) -> list[dict[str, Any]]:
    """Lines with the units that are on no credit of ours, where the policy announces them now."""
    covered = spread_over_lines(facts.lines, facts.on_credits)
    found = []
    for line in sorted(facts.lines, key=lambda row: (row["rma_id"], row["return_line_id"])):
        if line["verdict"] != "ok" or line["rma_status"] not in LIVE_STATUSES or line["life"] == lives.CANCEL_ORDER:
            continue
        missing = line["quantity"] - covered.get(line["return_line_id"], 0)
        status = facts.shipment_status.get(line["shipment_id"]) if line["shipment_id"] is not None else None
        is_moving = status in MOVING or line["rma_status"] != "Approved" or line["life"] in lives.WITHOUT_RECEIPT
        if missing <= 0 or (shop.policy.announce == "in_transit" and not is_moving):
            continue
        if line["rma_status"] == "Approved" and is_stale(status, line["life"], line["approved_at"], shop, shop_clock):
            continue
        found.append({**line, "missing": missing})
    return found


def _row(
    line: Row, number: int, part: int, facts: RaisingFacts, allotment: Allotment, shop: ShopSettings
) -> dict[str, Any]:
    charged = allotment.row(line["order_row_id"])
    sold = facts.sold[line["order_row_id"]]
    head = {
        "shop": line["shop"], "rma_id": line["rma_id"], "order_id": line["order_id"], "part": part, "order_row_id": line["order_row_id"],
        "return_line_id": line["return_line_id"], "quantity": line["missing"], "currency": line["currency"], "tax_code": sold["tax_code"],
        "portal_paid_minor": line["paid_price_minor"], "portal_fee_minor": line["fee_minor"],
        "details": {"life": line["life"], "shipment_id": line["shipment_id"], "reasons": line["return_reasons"] or ""},
    }  # fmt: skip
    row = proposal("raise", f"raise:{line['rma_id']}:{line['order_id']}:{part}", number, **head)
    if charged is None:
        return held(
            row,
            "row_not_creditable",
            "a row of the sale with units and an amount",
            f"row {line['order_row_id']} has none",
        )
    row |= {
        "charged_quantity": charged["ordered_qty"],
        "charged_net_minor": charged["net_minor"],
        "charged_tax_minor": charged["tax_minor"],
    }
    left = allotment.left(line["order_row_id"], sold["shipped_quantity"])
    if line["missing"] > left:
        row |= _as_charged(charged, line["missing"])
        return _too_many(row, left, charged, facts.strangers.get(line["order_row_id"], ()))
    share = allotment.take(line["order_row_id"], line["missing"])
    row |= _columns(share)
    if share.is_cut:
        ids = _ids(facts.strangers.get(line["order_row_id"], ()))
        return held(
            row,
            "foreign_credit",
            "the units' share of the invoice",
            f"less money is left: {ids} took value from this row",
        )
    return _by_policy(row, line, shop, facts.rulings)


def _columns(share: Share) -> dict[str, Any]:
    return {name: value for name, value in vars(share).items() if name not in ("is_cut", "quantity")}


def _as_charged(charged: Row, quantity: int) -> dict[str, int]:
    """The money at stake where there is nothing left to take."""
    return {
        name: round_half_up_ratio(charged[name] * min(quantity, charged["ordered_qty"]), charged["ordered_qty"])
        for name in ("net_minor", "tax_minor")
    }


def _too_many(row: dict[str, Any], left: int, charged: Row, strangers: Sequence[int]) -> dict[str, Any]:
    if charged["foreign_qty"] > 0:
        expected = f"{row['quantity']} units that nobody has credited; adopt that credit or void this return"
        return held(
            row,
            "foreign_credit",
            expected,
            f"{charged['foreign_qty']} units on {_ids(strangers)}, not written by the pipeline",
        )
    return held(row, "quantity_exceeds_shipped", f"at most {left} units", f"{row['quantity']} units")


def _ids(credit_ids: Sequence[int]) -> str:
    return "credit " + ", ".join(map(str, credit_ids)) if credit_ids else "a credit by others"


def _by_policy(row: dict[str, Any], line: Row, shop: ShopSettings, rulings: Rulings) -> dict[str, Any]:
    """The row, held where the policy does not credit this life, or lacks what it asks for."""
    found = f"{line['life']} of {line['missing']} units"
    if line["life"] == lives.STORE_CREDIT and shop.policy.store_credit == "hold":
        return held(row, "store_credit_policy", "a choice in policy.store_credit", found)
    if line["life"] in lives.WITHOUT_RECEIPT and line["life"] not in shop.policy.credit_without_receipt:
        return held(row, "not_credited_without_receipt", "a life in policy.credit_without_receipt", found)
    if line["life"] == lives.LOST_IN_TRANSIT and rulings.claim_reference(line["rma_id"]) is None:
        return held(row, "claim_reference_missing", "the carrier's claim reference with the decision", found)
    return row


def _with_fees(
    rows: list[dict[str, Any]],
    units: Sequence[Row],
    due: Mapping[str, int],
    shop: ShopSettings,
    negative_rows: str,
) -> tuple[list[dict[str, Any]], dict[str, int]]:
    """The credit's rows with the return's fees behind them; held where a fee has no nominal code or is in another currency."""
    if not due or any(row["verdict"] != "ok" for row in rows):
        return rows, {}
    foreign_money = {unit["currency"] for unit in units} - {rows[0]["currency"]}
    if foreign_money:
        return [
            held(row, "currency_mismatch", f"fees in {row['currency']}", f"fees in {', '.join(sorted(foreign_money))}")
            for row in rows
        ], {}
    nameless = without_nominal(due, shop)
    if nameless:
        found = ", ".join(f"{kind} fee of {due[kind]} minor units" for kind in nameless)
        return [held(row, "fee_nominal_missing", "a nominal code in [brightpearl.fees]", found) for row in rows], {}
    fees = fee_rows(due, rows, shop)
    if negative_rows == "refused":
        fees = netted(fees, rows)
    added = [_fee(rows[0], fee, len(rows) + number) for number, fee in enumerate(fees)]
    return rows + added, {fee.kind: fee.net_minor + fee.tax_minor for fee in fees}


def _fee(first: Row, fee: FeeRow, number: int) -> dict[str, Any]:
    about = {name: first[name] for name in ("shop", "rma_id", "order_id", "part", "currency")}
    money = {"quantity": 1, "net_minor": -fee.net_minor, "tax_minor": -fee.tax_minor, "tax_code": fee.tax_code}
    return proposal("raise", first["business_key"], number, **about, **money, details={"fee": fee.as_payload()})


def _deliveries(
    facts: RaisingFacts,
    allotment: Allotment,
    proposed: Sequence[Row],
    shop: ShopSettings,
    settings: Settings,
    parts: dict[tuple[int, int], int],
) -> list[dict[str, Any]]:
    """Credits for delivery that goes back with a return: one per sale, under the return's next part."""
    found: list[dict[str, Any]] = []
    by_sale: dict[int, list[Row]] = {}
    troubled = {row["order_id"] for row in proposed if row["verdict"] != "ok"}
    for line in facts.lines:
        if (
            line["verdict"] == "ok"
            and line["rma_status"] in LIVE_STATUSES
            and line["order_id"] is not None
            and line["life"] != lives.CANCEL_ORDER
        ):
            by_sale.setdefault(line["order_id"], []).append(line)
    for order_id, lines in sorted(by_sale.items()):
        rows = facts.rows_of_sale.get(order_id, ())
        for row in delivery.delivery_rows(rows):
            charged = allotment.row(row["order_row_id"])
            if charged is None or charged["own_qty"] + charged["foreign_qty"] > 0 or order_id in troubled:
                continue
            goods = [
                each
                for each in rows
                if each["product_id"] is not None
                and not each["is_bundle_child"]
                and allotment.row(each["order_row_id"]) is not None
            ]
            left = sum(allotment.left(each["order_row_id"], each["quantity"]) for each in goods)
            for rma_id in sorted({line["rma_id"] for line in lines}):
                own = [line for line in lines if line["rma_id"] == rma_id]
                paid = sum(line["paid_price_minor"] - line["fee_minor"] for line in own)
                if delivery.refunded_delivery(
                    shop.policy.refund_delivery,
                    row,
                    left,
                    facts.refunded.get(rma_id, 0),
                    paid,
                    settings.tolerances.amount_minor_per_rma,
                ):
                    part = parts[(rma_id, order_id)] = (
                        parts.get((rma_id, order_id), facts.parts.get((rma_id, order_id), 0)) + 1
                    )
                    found.append(
                        _delivery_row(
                            own[0], row, part, charged, allotment.take(row["order_row_id"], charged["ordered_qty"])
                        )
                    )
                    break
    return found


def _delivery_row(line: Row, row: Row, part: int, charged: Row, share: Share) -> dict[str, Any]:
    about = {
        "shop": line["shop"],
        "rma_id": line["rma_id"],
        "order_id": line["order_id"],
        "part": part,
        "currency": line["currency"],
        "tax_code": row["tax_code"],
    }
    of_row = {
        "order_row_id": row["order_row_id"],
        "quantity": share.quantity,
        "charged_quantity": charged["ordered_qty"],
    }
    money = {"charged_net_minor": charged["net_minor"], "charged_tax_minor": charged["tax_minor"]}
    details = {"life": delivery.LIFE, "shipment_id": None, "reasons": ""}
    return proposal(
        "raise",
        f"raise:{line['rma_id']}:{line['order_id']}:{part}",
        0,
        **about,
        **of_row,
        **money,
        **_columns(share),
        details=details,
    )


def _whole_credit(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """A credit is raised whole: where one row of it is held, its other rows wait."""
    troubled = next((row for row in rows if row["verdict"] != "ok"), None)
    if troubled is None:
        return rows
    return [
        held(
            row,
            troubled["hold_code"],
            "every row of the credit in order",
            "another row of this return is held",
            waits=True,
        )
        if row["verdict"] == "ok"
        else row
        for row in rows
    ]
