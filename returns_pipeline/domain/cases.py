"""Gathers what decides about each raised credit out of the frames: one `Settlement` per credit that is neither posted nor cancelled by us."""

import datetime as dt
from collections.abc import Collection, Iterator, Mapping
from typing import Any

import pandas as pd

from returns_pipeline.domain.settling import CreditLine, Settlement
from returns_pipeline.settings import ShopSettings


class Facts:
    """The frames of one pass, indexed for looking up one credit at a time.

    Args:
        standing: what our credits hold (`standing_lines`).
        balances: what each order row holds and has given.
        rmas, shipments, return_lines, receipts, orders, order_rows, credits, credit_rows: frames of their tables.
        shops: by label.
        accepted_rma_ids: returns whose difference in amount a person accepted.
    """

    def __init__(
        self,
        standing: pd.DataFrame,
        balances: pd.DataFrame,
        rmas: pd.DataFrame,
        shipments: pd.DataFrame,
        return_lines: pd.DataFrame,
        receipts: pd.DataFrame,
        orders: pd.DataFrame,
        order_rows: pd.DataFrame,
        credits: pd.DataFrame,
        credit_rows: pd.DataFrame,
        shops: Mapping[str, ShopSettings],
        accepted_rma_ids: Collection[int] = (),
    ) -> None:
        self._standing = standing
        self._shops = shops
        self._accepted = set(accepted_rma_ids)
        self._balances = _by(balances, "order_row_id")
        self._rmas, self._shipments, self._orders, self._credits = (
            _by(rmas, "rma_id"),
            _by(shipments, "shipment_id"),
            _by(orders, "order_id"),
            _by(credits, "credit_id"),
        )
        self._tax_codes = dict(zip(order_rows["order_row_id"], order_rows["tax_code"], strict=True))
        self._exchange_refs = set(orders["external_ref"].dropna()) | set(orders["customer_ref"].dropna())
        self._lines = {
            (row["rma_id"], row["order_row_id"], _parcel(row["shipment_id"])): row
            for row in return_lines.dropna(subset=["order_row_id"]).to_dict("records")
        }
        self._credit_rows = _groups(credit_rows, "credit_id")
        self._receipts = _groups(receipts, "credit_id")

    def cases(self) -> Iterator[tuple[ShopSettings, Settlement]]:
        """Every confirmed, unposted, uncancelled credit of ours that has been read back, with its shop."""
        open_lines = self._standing[
            self._standing["credit_id"].notna() & self._standing["post_state"].isna() & ~self._standing["is_cancelled"]
        ]
        for credit_id, group in open_lines.groupby("credit_id", sort=True):
            head = group.iloc[0].to_dict() | {"credit_id": int(credit_id)}
            credit, rma, order = (
                self._credits.get(int(credit_id)),
                self._rmas.get(head["rma_id"]),
                self._orders.get(head["order_id"]),
            )
            if credit is None or rma is None or order is None or credit["invoice_reference"]:
                continue
            yield self._shops[head["shop"]], self._case(head, group, credit, rma, order)

    def _case(
        self,
        head: dict[str, Any],
        group: pd.DataFrame,
        credit: Mapping[str, Any],
        rma: Mapping[str, Any],
        order: Mapping[str, Any],
    ) -> Settlement:
        policy = self._shops[head["shop"]].policy
        receipts = self._receipts.get(head["credit_id"], [])
        rows = [row for row in self._credit_rows.get(head["credit_id"], []) if not row["is_bundle_child"]]
        lines = [
            self._line(line, head, rows, receipts, policy.credit_on, policy.failed_inspection)
            for line in group.to_dict("records")
        ]
        known_rows = {line.credit_row_id for line in lines}
        shipment = self._shipments.get(head["shipment_id"]) if pd.notna(head["shipment_id"]) else None
        judged = [line.return_line for line in lines if line.return_line is not None]
        return Settlement(
            credit=credit,
            head=head,
            lines=lines,
            rma_status=rma["status"],
            approved_at=_aware(rma["approved_at"], rma["created_at"]),
            shipment_status=shipment["status"] if shipment else None,
            sale_invoice_reference=order["invoice_reference"],
            has_goods_in=bool(receipts),
            first_received_on=min((row["received_on"] for row in receipts), default=None),
            extra_rows=sum(1 for row in rows if row["credit_row_id"] not in known_rows),
            exchange_released=self._is_released(rma),
            fees_minor=sum(int(line["fee_minor"]) for line in judged),
            is_variance_accepted=head["rma_id"] in self._accepted,
            portal_paid_minor=sum(
                _part_of(int(line.return_line["paid_price_minor"]), line.quantity, int(line.return_line["quantity"]))
                for line in lines
                if line.return_line is not None
            ),
        )

    def _line(
        self,
        line: Mapping[str, Any],
        head: Mapping[str, Any],
        rows: list[dict[str, Any]],
        receipts: list[dict[str, Any]],
        credit_on: str,
        failed: str,
    ) -> CreditLine:
        own = [row for row in rows if row["order_row_id"] == line["order_row_id"]]
        came = [row for row in receipts if row["order_row_id"] == line["order_row_id"] and row["matched_quantity"] > 0]
        released, backing = _released(came, self._credit_rows.get(head["credit_id"], []), own, credit_on, failed)
        return CreditLine(
            order_row_id=line["order_row_id"],
            quantity=line["quantity"],
            net_minor=line["net_minor"],
            tax_minor=line["tax_minor"],
            credit_row_id=own[0]["credit_row_id"] if own else None,
            seen_quantity=sum(row["quantity"] for row in own),
            seen_net_minor=sum(row["net_minor"] for row in own),
            seen_tax_minor=sum(row["tax_minor"] for row in own),
            releasable=released,
            receipts=backing,
            return_line=self._lines.get((head["rma_id"], line["order_row_id"], _parcel(head["shipment_id"]))),
            balance=self._balances[line["order_row_id"]],
            tax_code=self._tax_codes.get(line["order_row_id"]),
        )

    def _is_released(self, rma: Mapping[str, Any]) -> bool:
        """Whether every replacement order of the return has its number and is in Brightpearl."""
        replacements = [entry for entry in rma["exchange_orders"] if entry.get("type") != "Fee"]
        return bool(replacements) and all(
            entry.get("order_id") and {entry["order_id"], entry.get("order_name")} & self._exchange_refs
            for entry in replacements
        )


def _released(
    came: list[dict[str, Any]],
    credit_rows: list[dict[str, Any]],
    own: list[dict[str, Any]],
    credit_on: str,
    failed: str,
) -> tuple[int, list[tuple[int, int]]]:
    """Units that may be credited, and the goods-in lines that back them."""

    def counted(row: Mapping[str, Any]) -> int:
        if credit_on == "receipt":
            return int(row["matched_quantity"])
        return int(row["passed_quantity"]) + (int(row["failed_quantity"]) if failed != "hold" else 0)

    parent_ids = {row["credit_row_id"] for row in own}
    components = [row for row in credit_rows if row["is_bundle_child"] and row["parent_row_id"] in parent_ids]
    if not components:
        return sum(counted(row) for row in came), [
            (int(row["receipt_line_id"]), counted(row)) for row in came if counted(row)
        ]
    bundles = max(int(row["quantity"]) for row in own)
    # A bundle came when each of its components came, in the recipe of the credit's own rows.
    whole = min(
        sum(counted(row) for row in came if row["credit_row_id"] == part["credit_row_id"])
        * bundles
        // int(part["quantity"])
        for part in components
    )
    return whole, [(int(came[0]["receipt_line_id"]), whole)] if whole else []


def _by(frame: pd.DataFrame, key: str) -> dict[int, dict[str, Any]]:
    return {row[key]: row for row in frame.to_dict("records")}


def _groups(frame: pd.DataFrame, key: str) -> dict[int, list[dict[str, Any]]]:
    groups: dict[int, list[dict[str, Any]]] = {}
    for row in frame.to_dict("records"):
        groups.setdefault(row[key], []).append(row)
    return groups


def _parcel(shipment_id: object) -> int:
    return 0 if shipment_id is None or pd.isna(shipment_id) is True else int(str(shipment_id))


def _part_of(total: int, quantity: int, of_quantity: int) -> int:
    return (
        total
        if quantity == of_quantity or not of_quantity
        else (2 * total * quantity + of_quantity) // (2 * of_quantity)
    )


def _aware(first: object, second: dt.datetime) -> dt.datetime:
    return second if first is None or pd.isna(first) is True else first  # type: ignore[return-value]
