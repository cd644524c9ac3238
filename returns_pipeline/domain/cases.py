"""Gathers what decides about each raised credit out of the frames: one `Settlement` per credit of ours that is not settled yet. No verdicts."""

import datetime as dt
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pandas as pd

from returns_pipeline.domain import delivery, lives
from returns_pipeline.domain.allotment import Allotment
from returns_pipeline.domain.components import recipes
from returns_pipeline.domain.fees import fees_by_credit
from returns_pipeline.domain.netting import Money, kept_back
from returns_pipeline.domain.parcels import parcel_of
from returns_pipeline.domain.records import by_key, grouped_by, records

Row = Mapping[str, Any]
_MONEY = ("quantity", "net_minor", "tax_minor")


@dataclass(frozen=True)
class CreditLine:
    """One row of one of our credits: what it holds, what stands in Brightpearl, what came and what inspection said.

    Attributes:
        credit_row_id: the row in Brightpearl, or None where it is not there (any more) or was not read yet.
        came: units received that were announced, of a bundle whole bundles.
        pieces: units of components of all its bundles; 0 for a row that is no bundle.
        loose: units of components that came beyond the whole bundles; a part of a bundle is nobody's unit.
        receipts: goods-in lines and their units, in the order in which they came.
    """

    order_row_id: int
    quantity: int
    net_minor: int
    tax_minor: int
    credit_row_id: int | None
    seen_quantity: int
    seen_net_minor: int
    seen_tax_minor: int
    came: int
    pieces: int
    loose: int
    passed: int
    failed: int
    receipts: Sequence[tuple[int, int]]
    return_line: Row | None
    balance: Row
    tax_code: str | None
    is_delivery: bool
    portal_paid_minor: int

    @property
    def life(self) -> str:
        """The life of its units."""
        if self.is_delivery:
            return delivery.LIFE
        return self.return_line["life"] if self.return_line is not None else lives.ORDINARY

    @property
    def is_without_receipt(self) -> bool:
        """Whether its units are credited although nothing comes."""
        return self.life in lives.WITHOUT_RECEIPT

    @property
    def pieces_came(self) -> int:
        """Units of components that came, whole bundles and loose ones."""
        return self.came * self.pieces // self.quantity + self.loose

    @property
    def gross_minor(self) -> int:
        """Net and tax together."""
        return self.net_minor + self.tax_minor


@dataclass(frozen=True)
class Settlement:
    """One of our raised credits with everything that decides about it.

    Attributes:
        credit: as read, or None while it has not been read back since our last write to it: then it stands as we wrote it.
        fees: what it keeps back, as the ledger has it.
        extra_rows: rows in Brightpearl that we did not write.
        missing_fees: fee rows of ours that are not there as we wrote them.
    """

    credit: Row | None
    credit_id: int
    shop: str
    rma_id: int
    order_id: int
    part: int
    currency: str
    post_state: str | None
    lines: Sequence[CreditLine]
    rma_status: str
    approved_at: dt.datetime | None
    shipment_status: str | None
    sale_invoice_reference: str
    has_goods_in: bool
    first_received_on: dt.datetime | None
    last_received_on: dt.datetime | None
    extra_rows: int
    missing_fees: int
    fees: Sequence[Row]
    exchange: str

    @property
    def is_posted_by_hand(self) -> bool:
        """Whether Brightpearl shows an invoice reference although we did not post it."""
        return self.credit is not None and self.credit["invoice_reference"] not in ("", "pending")

    @property
    def about(self) -> dict[str, Any]:
        """The columns that name it in a proposal."""
        return {name: getattr(self, name) for name in ("shop", "rma_id", "order_id", "part", "credit_id", "currency")}

    @property
    def kept_back(self) -> dict[int, Money]:
        """Order row -> net and tax that fees take off its row in Brightpearl."""
        return kept_back(self.fees)

    @property
    def fees_net_minor(self) -> int:
        """Net of the fees that the credit keeps back."""
        return sum(fee["net_minor"] for fee in self.fees)

    @property
    def fees_tax_minor(self) -> int:
        """Tax of the fees that the credit keeps back."""
        return sum(fee["tax_minor"] for fee in self.fees)


class Facts:
    """The frames of one shop's pass, indexed for looking up one credit at a time.

    Args:
        standing: what our credits hold (`standing_lines`).
        effects: the ledger's effects with payloads.
        allotment: what each order row holds and has given, with what others took.
        rmas, return_lines, items, shipments, receipts, orders, order_rows, credits, credit_rows: frames of their tables.
        order_name_format: how the shop's order names are written in Brightpearl.
    """

    def __init__(
        self,
        *,
        standing: pd.DataFrame,
        effects: pd.DataFrame,
        allotment: Allotment,
        rmas: pd.DataFrame,
        return_lines: pd.DataFrame,
        items: pd.DataFrame,
        shipments: pd.DataFrame,
        receipts: pd.DataFrame,
        orders: pd.DataFrame,
        order_rows: pd.DataFrame,
        credits: pd.DataFrame,
        credit_rows: pd.DataFrame,
        order_name_format: str,
    ) -> None:
        self._standing, self._allotment = standing, allotment
        self._rmas, self._shipments = by_key(rmas, "rma_id"), by_key(shipments, "shipment_id")
        self._orders, self._credits, self._sold = (
            by_key(orders, "order_id"),
            by_key(credits, "credit_id"),
            by_key(order_rows, "order_row_id"),
        )
        self._items = by_key(items, "returned_item_id")
        self._lines: dict[tuple[int, int], list[Row]] = {}
        for line in records(return_lines.sort_values("return_line_id")):
            self._lines.setdefault((line["rma_id"], line["order_row_id"]), []).append(line)
        self._credit_rows, self._receipts = (
            grouped_by(credit_rows, "credit_id"),
            grouped_by(receipts.sort_values("receipt_line_id"), "credit_id"),
        )
        self._recipes = grouped_by(recipes(credit_rows), "top_row_id")
        self._fees, self._written_at = fees_by_credit(effects), _written_at(effects)
        self._orders_by_ref = {
            ref: row for row in self._orders.values() for ref in (row["external_ref"], row["customer_ref"]) if ref
        }
        self._order_name_format = order_name_format

    def cases(self) -> Iterator[Settlement]:
        """Every confirmed credit of ours that is not cancelled and whose posting was not sent yet."""
        lines = self._standing[self._standing["credit_id"].notna() & ~self._standing["is_cancelled"]]
        for credit_id, group in grouped_by(lines, "credit_id").items():
            head = group[0]
            if (
                head["post_state"] not in (None, "planned")
                or head["rma_id"] not in self._rmas
                or head["order_id"] not in self._orders
            ):
                continue
            yield self._case(int(credit_id), head, group)

    def _case(self, credit_id: int, head: Row, group: Sequence[Row]) -> Settlement:
        credit = self._credits.get(credit_id)
        if credit is not None and credit["read_at"] <= self._written_at.get(
            credit_id, credit["read_at"] - dt.timedelta(seconds=1)
        ):
            credit = None
        receipts = [row for row in self._receipts.get(credit_id, []) if row["matched_quantity"] > 0]
        rows = [row for row in self._credit_rows.get(credit_id, []) if not row["is_bundle_child"]]
        fees = self._fees.get(credit_id, [])
        off = kept_back(fees)
        own_rows = _own_rows(group, rows, self._sold, off)
        lines = [
            self._line(
                line,
                head,
                own_rows.get(line["order_row_id"], []),
                receipts,
                off.get(line["order_row_id"], (0, 0)),
                is_read=credit is not None,
            )
            for line in group
        ]
        left_over = [row for row in rows if all(row not in own for own in own_rows.values())]
        extra_rows, missing_fees = _fees_found(left_over, fees) if credit is not None else (0, 0)
        rma, order = self._rmas[head["rma_id"]], self._orders[head["order_id"]]
        shipment = self._shipments.get(head["shipment_id"])
        received = [row["received_on"] for row in self._receipts.get(credit_id, [])]
        return Settlement(
            credit=credit, credit_id=credit_id, shop=head["shop"], rma_id=head["rma_id"], order_id=head["order_id"], part=head["part"],
            currency=order["currency"], post_state=head["post_state"], lines=lines, rma_status=rma["status"], approved_at=rma["approved_at"],
            shipment_status=shipment["status"] if shipment else None, sale_invoice_reference=order["invoice_reference"],
            has_goods_in=bool(received), first_received_on=min(received, default=None), last_received_on=max(received, default=None),
            extra_rows=extra_rows, missing_fees=missing_fees, fees=fees, exchange=self._exchange(rma),
        )  # fmt: skip

    def _line(
        self, line: Row, head: Row, own: Sequence[Row], receipts: Sequence[Row], off: Money, *, is_read: bool
    ) -> CreditLine:
        sold = self._sold[line["order_row_id"]]
        came = [
            {**row, "inspected_quantity": row["passed_quantity"] + row["failed_quantity"]}
            for row in receipts
            if row["order_row_id"] == line["order_row_id"]
        ]
        bundles = [self._recipes[row["credit_row_id"]] for row in own if row["credit_row_id"] in self._recipes]
        # A bundle has failed where all of it was inspected and not all of it passed.
        units, passed, inspected = (
            _whole_units(came, bundles, column)
            for column in ("matched_quantity", "passed_quantity", "inspected_quantity")
        )
        return_line = self._return_line(head, line["order_row_id"])
        # With what fees took off: a row stands as meant when it shows its share less them.
        taken_off = {"quantity": 0, "net_minor": off[0], "tax_minor": off[1]} if own else dict.fromkeys(_MONEY, 0)
        seen = {name: sum(row[name] for row in own) + taken_off[name] if is_read else line[name] for name in _MONEY}
        return CreditLine(
            order_row_id=line["order_row_id"], quantity=line["quantity"], net_minor=line["net_minor"], tax_minor=line["tax_minor"],
            credit_row_id=own[0]["credit_row_id"] if own else None, seen_quantity=seen["quantity"], seen_net_minor=seen["net_minor"],
            seen_tax_minor=seen["tax_minor"], came=units, pieces=sum(part["per"] for parts in bundles for part in parts), loose=_loose(came, bundles), passed=passed, failed=inspected - passed,
            receipts=[(came[0]["receipt_line_id"], units)] if bundles and units else [] if bundles else [(row["receipt_line_id"], row["matched_quantity"]) for row in came],
            return_line=return_line, balance=self._allotment.balance_of(line["order_row_id"]), tax_code=sold["tax_code"],
            is_delivery=delivery.is_delivery(sold), portal_paid_minor=self._paid(return_line, line["quantity"]),
        )  # fmt: skip

    def _return_line(self, head: Row, order_row_id: int) -> Row | None:
        """The return line of the credit's own parcel, or one that the portal has moved to another parcel since."""
        lines = self._lines.get((head["rma_id"], order_row_id), [])
        return next(
            (line for line in lines if parcel_of(line["shipment_id"]) == parcel_of(head["shipment_id"])),
            lines[0] if lines else None,
        )

    def _paid(self, line: Row | None, quantity: int) -> int:
        """What the portal says was paid for so many of a line's units, tax included."""
        if line is None:
            return 0
        units = [self._items[int(item)] for item in line["returned_item_ids"] if int(item) in self._items]
        tax_on_top = line["paid_tax_minor"] if units and not any(unit["is_tax_included"] for unit in units) else 0
        return (2 * (line["paid_price_minor"] + tax_on_top) * quantity + line["quantity"]) // (2 * line["quantity"])

    def _exchange(self, rma: Row) -> str:
        """`unreleased`, `unread`, `undervalued` or `released`: how far the replacement orders of a return are."""
        wanted = [entry for entry in rma["exchange_orders"] if entry.get("type") != "Fee"]
        if not wanted or not all(entry.get("order_id") for entry in wanted):
            return "unreleased"
        orders = [
            self._orders_by_ref.get(entry["order_id"])
            or self._orders_by_ref.get(self._order_name_format.format(order_name=entry.get("order_name")))
            for entry in wanted
        ]
        if any(order is None for order in orders):
            return "unread"
        value = sum(
            entry["effective_price_minor"] * entry["quantity"]
            for item in self._items.values()
            if item["rma_id"] == rma["rma_id"]
            for entry in item["exchange_items"]
        )
        return (
            "undervalued"
            if sum(order["total_minor"] for order in orders if order) < value
            or not any(order["total_minor"] for order in orders if order)
            else "released"
        )


def _own_rows(
    group: Sequence[Row], rows: Sequence[Row], sold: Mapping[int, Row], off: Mapping[int, Money]
) -> dict[int, list[Row]]:
    """Our credit's rows in Brightpearl by order row; a text row, which has no product to be found by, by its money."""
    own = {line["order_row_id"]: [row for row in rows if row["order_row_id"] == line["order_row_id"]] for line in group}
    for line in group:
        if not own[line["order_row_id"]] and sold[line["order_row_id"]]["product_id"] is None:
            net, tax = off.get(line["order_row_id"], (0, 0))
            written = (line["quantity"], line["net_minor"] - net, line["tax_minor"] - tax)
            own[line["order_row_id"]] = [
                row for row in rows if row["product_id"] is None and tuple(row[name] for name in _MONEY) == written
            ][:1]
    return own


def _whole_units(came: Sequence[Row], bundles: Sequence[Sequence[Row]], column: str) -> int:
    """Units that came; of a bundle as many as every component came for.

    Args:
        came: goods-in lines of the order row.
        bundles: the recipe of each bundle row (`components.recipes`); empty where the row is no bundle.
        column: what is counted.
    """
    if not bundles:
        return sum(row[column] for row in came)
    return sum(min(_of_row(came, part, column) * part["bundles"] // part["per"] for part in parts) for parts in bundles)


def _loose(came: Sequence[Row], bundles: Sequence[Sequence[Row]]) -> int:
    """Units of components beyond the whole bundles that came."""
    whole = [_whole_units(came, [parts], "matched_quantity") for parts in bundles]
    return sum(
        _of_row(came, part, "matched_quantity") - count * part["per"] // max(1, part["bundles"])
        for parts, count in zip(bundles, whole, strict=True)
        for part in parts
    )


def _of_row(came: Sequence[Row], part: Row, column: str) -> int:
    return sum(row[column] for row in came if row["credit_row_id"] == part["credit_row_id"])


def _fees_found(rows: Sequence[Row], fees: Sequence[Row]) -> tuple[int, int]:
    """How many rows are neither goods nor fees of ours, and how many of our fees are missing."""
    left = list(rows)
    missing = 0
    for fee in (fee for fee in fees if not fee["netted_into"]):
        match = next(
            (
                row
                for row in left
                if row["product_id"] is None
                and (row["net_minor"], row["tax_minor"]) == (-fee["net_minor"], -fee["tax_minor"])
            ),
            None,
        )
        if match is None:
            missing += 1
        else:
            left.remove(match)
    return len(left), missing


def _written_at(effects: pd.DataFrame) -> dict[int, dt.datetime]:
    """When we last changed a credit, so that what was read before is not taken for somebody's change."""
    written: dict[int, dt.datetime] = {}
    for effect in records(
        effects[effects["kind"].isin(["credit.raise", "credit.amend"]) & (effects["state"] == "confirmed")]
    ):
        credit_id = int(
            effect["remote_id"] if effect["kind"] == "credit.raise" else effect["payload"]["subject"]["credit_id"]
        )
        if effect["confirmed_by"] != "adopted":
            written[credit_id] = max(written.get(credit_id, effect["updated_at"]), effect["updated_at"])
    return written
