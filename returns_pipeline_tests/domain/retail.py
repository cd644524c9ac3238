"""A retailer's few returns as frames over the real ledger: what was sold, asked for and received is stated; matching, deciding and planning are
the project's own. What stands in Brightpearl is kept as rows and changes as its documentation says. No assertions.
"""

import datetime as dt
from collections.abc import Iterable, Mapping
from decimal import Decimal
from typing import Any

import pandas as pd
import psycopg

from returns_pipeline.domain.balances import opening_balances
from returns_pipeline.domain.credit_facts import CreditFacts
from returns_pipeline.domain.credit_rows import match_credit_rows
from returns_pipeline.domain.credits import CreditDecision, propose_credits
from returns_pipeline.domain.matching import match_lines
from returns_pipeline.domain.plans import EffectPlan, Sources, build_credit_plans
from returns_pipeline.domain.receipts import match_receipts
from returns_pipeline.domain.standing import standing_lines
from returns_pipeline.settings import Settings
from returns_pipeline.storage import ledger
from returns_pipeline_tests.domain.frames import START, frame_of, settings_with
from returns_pipeline_tests.storage.ledger import books

SHOP = "uk"


class Retail:
    """One shop's open returns from the sale to the posted credit."""

    def __init__(self, connection: psycopg.Connection, settings: Settings | None = None) -> None:
        self.connection, self.settings = connection, settings or settings_with()
        self.now = START
        self.newest_return: dt.datetime | None = None
        self.tables: dict[str, list[dict[str, Any]]] = {
            name: []
            for name in (
                "returngo_rmas", "returngo_shipments", "returngo_return_items", "returngo_transactions", "brightpearl_sales_orders",
                "brightpearl_sales_order_rows", "brightpearl_products", "brightpearl_sales_credits", "brightpearl_sales_credit_rows", "brightpearl_goods_in",
                "inspections", "operator_decisions",
            )
        }  # fmt: skip
        self._numbers = {"credit": 8000, "row": 80000, "note": 600, "receipt": 30, "item": 7000, "decision": 1}
        books.open_gates(connection, SHOP)

    def frame(self, table: str) -> pd.DataFrame:
        """A table as storage would read it."""
        return frame_of(table, self.tables[table])

    def row(self, table: str, **key: object) -> dict[str, Any]:
        """The stored row with these values, to look at or to change."""
        return next(row for row in self.tables[table] if all(row.get(name) == value for name, value in key.items()))

    # What was sold and what comes back

    def sale(
        self, order_id: int, rows: Iterable[tuple[int, str, int, int, int]], mode: str = "EXC", **more: object
    ) -> None:
        """A sale of rows (row id, SKU, quantity, net, tax) at 20%; a SKU is its product; SKU None is a text row called Delivery."""
        sold = [
            {
                "order_row_id": row_id, "order_id": order_id, "sequence": number * 10, "product_id": product_of(sku), "sku": sku, "name": sku or "Delivery",
                "quantity": quantity, "shipped_quantity": quantity, "row_net": Decimal(net) / 100, "net_minor": net, "tax_minor": tax,
                "tax_code": "T20" if tax else "T0", "nominal_code": "4000", "item_cost": Decimal("4.5"), "cost_currency": "GBP",
            }
            for number, (row_id, sku, quantity, net, tax) in enumerate(rows, 1)
        ]  # fmt: skip
        self.tables["brightpearl_sales_order_rows"] += sold
        net, tax = sum(row["net_minor"] for row in sold), sum(row["tax_minor"] for row in sold)
        order = {
            "order_id": order_id, "shop": SHOP, "external_ref": f"S{order_id}", "customer_ref": f"#{order_id}", "channel_id": 3, "customer_contact_id": 55,
            "currency": "GBP", "accounting_currency": "GBP", "exchange_rate": Decimal("1.000000"), "price_mode": mode, "warehouse_id": 2,
            "invoice_reference": f"SI-{order_id}", "net_minor": net, "tax_minor": tax, "total_minor": net + tax, "payment_method_codes": ["CARD"],
        }  # fmt: skip
        self.tables["brightpearl_sales_orders"].append(order | more)

    def rma(self, rma_id: int, order_id: int, status: str = "Approved", **more: object) -> None:
        """A return of a sale, approved now."""
        rma = {
            "rma_id": rma_id,
            "shop": SHOP,
            "status": status,
            "order_name": f"#{order_id}",
            "shopify_order_id": f"S{order_id}",
            "created_at": self.now,
        }
        self.tables["returngo_rmas"].append(rma | {"approved_at": self.now, "is_open": True} | more)

    def units(
        self, rma_id: int, sku: str, paid: int, tax: int, count: int = 1, shipment_id: int | None = None, **more: object
    ) -> list[int]:
        """Units of one SKU with their price each, tax included; the parcel is made where it is not there yet."""
        if shipment_id is not None and all(
            row["shipment_id"] != shipment_id for row in self.tables["returngo_shipments"]
        ):
            self.tables["returngo_shipments"].append(
                {
                    "shipment_id": shipment_id,
                    "shop": SHOP,
                    "rma_id": rma_id,
                    "status": "LabelCreated",
                    "carrier_name": "DPD",
                    "tracking_number": "T1",
                    "label_url": "https://label.example/1",
                }
            )
        money = {
            "paid_price_minor": paid,
            "paid_tax_minor": tax,
            "currency": "GBP",
            "shop_paid_price_minor": paid,
            "shop_paid_tax_minor": tax,
            "shop_currency": "GBP",
        }
        fixed = {
            "is_tax_included": True,
            "resolution_type": "RefundToPaymentMethod",
            "return_method_type": "Ship with any carrier",
            "return_reason": "Too small",
        }
        ids = [self._next("item") for _ in range(count)]
        self.tables["returngo_return_items"] += [
            {
                "returned_item_id": item_id,
                "shop": SHOP,
                "rma_id": rma_id,
                "shipment_id": shipment_id,
                "sku": sku,
                **fixed,
                **money,
                **more,
            }
            for item_id in ids
        ]
        return ids

    def refund(self, transaction_id: int, rma_id: int, amount: int, items: Iterable[int], **more: object) -> None:
        """A successful refund of these units."""
        money = {"amount_minor": amount, "currency": "GBP", "shop_amount_minor": amount, "shop_currency": "GBP"}
        fixed = {
            "shop": SHOP,
            "type": "RefundToPaymentMethod",
            "status": "Success",
            "returned_item_ids": list(items),
            "created_at": self.now,
        }
        self.tables["returngo_transactions"].append(
            {"transaction_id": transaction_id, "rma_id": rma_id, **money, **fixed, **more}
        )

    def decide_as_person(
        self, action: str, rma_id: int, subject_type: str = "rma", subject_id: int | None = None, **value: object
    ) -> None:
        """A decision in force about a return, or about one credit."""
        self.tables["operator_decisions"].append(
            {"decision_id": self._next("decision"), "action": action, "shop": SHOP, "subject_type": subject_type, "subject_id": str(subject_id or rma_id), "rma_id": rma_id,
             "value": value, "reason": "seen", "decided_by": "Kim"}
        )  # fmt: skip

    def receive(self, credit_id: int, sku: str, quantity: int, **more: object) -> int:
        """A goods-in line on a credit's row of that SKU; answers its receipt line."""
        row = self.row("brightpearl_sales_credit_rows", credit_id=credit_id, product_id=product_of(sku))
        line = {
            "receipt_line_id": self._next("receipt"), "goods_note_id": self._next("note"), "credit_id": credit_id, "credit_row_id": row["credit_row_id"],
            "product_id": row["product_id"], "location_id": 5, "warehouse_id": 3, "quantity": quantity, "shop": SHOP, "received_on": self.now,
        }  # fmt: skip
        self.tables["brightpearl_goods_in"].append(line | more)
        return line["receipt_line_id"]

    def later(self, **delta: float) -> None:
        """Time passes."""
        self.now += dt.timedelta(**delta)

    # What the pipeline makes of it

    def lines(self) -> pd.DataFrame:
        """The return lines, judged by the project's own matching."""
        return match_lines(
            items=self.frame("returngo_return_items"), rmas=self.frame("returngo_rmas"), orders=self.frame("brightpearl_sales_orders"),
            order_rows=self.frame("brightpearl_sales_order_rows"), products=frame_of("brightpearl_products", []), decisions=self.frame("operator_decisions"),
            shop=self.settings.shop(SHOP), patience=dt.timedelta(days=1), now=self.now,
        )  # fmt: skip

    def receipts(self, lines: pd.DataFrame, credit_rows: pd.DataFrame, standing: pd.DataFrame) -> pd.DataFrame:
        """The goods-in lines, matched by the project's own matching."""
        return match_receipts(
            goods_in=self.frame("brightpearl_goods_in"), credits=self.frame("brightpearl_sales_credits"), credit_rows=credit_rows,
            return_lines=lines, items=self.frame("returngo_return_items"), inspections=self.frame("inspections"), moves=frame_of("brightpearl_shelf_moves", []),
            standing=standing, settings=self.settings, shop=SHOP, now=self.now,
        )  # fmt: skip

    def credit_rows(self, standing: pd.DataFrame) -> pd.DataFrame:
        """The credits' rows with the sale's row that each gives back."""
        rows = self.frame("brightpearl_sales_credit_rows")
        rows["order_row_id"] = match_credit_rows(
            rows, self.frame("brightpearl_sales_credits"), self.frame("brightpearl_sales_order_rows"), standing
        )
        return rows

    def facts(self) -> CreditFacts:
        """Everything that decides about credits, as read now."""
        orders, order_rows = self.frame("brightpearl_sales_orders"), self.frame("brightpearl_sales_order_rows")
        ledger.ensure_balances(self.connection, opening_balances(orders, order_rows))
        effects = ledger.read_effects(self.connection, scope="all")
        ledger_lines = ledger.read_lines(self.connection, scope="all")
        standing, lines = standing_lines(effects, ledger_lines), self.lines()
        credit_rows = self.credit_rows(standing)
        return CreditFacts(
            rmas=self.frame("returngo_rmas"), return_lines=lines, items=self.frame("returngo_return_items"), shipments=self.frame("returngo_shipments"),
            transactions=self.frame("returngo_transactions"), receipts=self.receipts(lines, credit_rows, standing), orders=orders, order_rows=order_rows,
            products=self.frame("brightpearl_products"), credits=self.frame("brightpearl_sales_credits"), credit_rows=credit_rows,
            balances=ledger.read_balances(self.connection, orders["order_id"].tolist()), effects=effects, ledger_lines=ledger_lines,
            decisions=self.frame("operator_decisions"), newest_return=self.newest_return,
        )  # fmt: skip

    def decide(self) -> pd.DataFrame:
        """The proposals; what came and what others credited is in the balances afterwards."""
        facts = self.facts()
        decided: CreditDecision = propose_credits(facts, self.settings.shop(SHOP), self.settings, self.now)
        standing = standing_lines(facts.effects, facts.ledger_lines)
        came = facts.receipts[facts.receipts["credit_id"].isin(standing["credit_id"].dropna())].dropna(
            subset=["order_row_id"]
        )
        ledger.record_facts(
            self.connection,
            came.groupby("order_row_id")["matched_quantity"].sum().rename("received_qty").reset_index(),
            decided.foreign[["order_row_id", "foreign_qty", "foreign_net", "foreign_tax"]],
        )
        return decided.proposals

    def plans(self) -> list[EffectPlan]:
        """The effects that the proposals of this moment become."""
        facts = {"installed_integration_instance_id": 13, "locations": {"3": {"default": 5, "quarantine": 6}}}
        sources = Sources(
            self.frame("brightpearl_sales_orders"), self.frame("brightpearl_sales_order_rows"), self.frame("returngo_rmas"), self.frame("returngo_return_items"),
            facts, self.settings, self.now,
        )  # fmt: skip
        return build_credit_plans(self.decide(), sources)

    def step(self) -> list[str]:
        """Plans what is due and has Brightpearl carry it out; answers the business keys that were planned, refusals with their reason."""
        plans = self.plans()
        report = ledger.plan(self.connection, plans, "test")
        done = [plan.business_key for plan in plans if not any(key == plan.business_key for key, _ in report.refused)]
        for plan in plans:
            if plan.business_key in done and "adopt_remote_id" not in plan.payload and not plan.needs_approval:
                books.confirm(self.connection, plan.kind, str(self._carry_out(plan)))
        self.later(minutes=10)
        return done + [f"{key}: {reason}" for key, reason in report.refused]

    # What Brightpearl does

    def _carry_out(self, plan: EffectPlan) -> int:
        subject, body = plan.payload["subject"], plan.payload["request"]["body"]
        if plan.kind == "credit.raise":
            return self.make_credit(
                subject["order_id"], body["rows"], external_ref=body["externalRef"], warehouse_id=body["warehouseId"]
            )
        if plan.kind in ("credit.annotate", "refund.record"):
            return self._next("note")
        credit = self.row("brightpearl_sales_credits", credit_id=subject["credit_id"])
        credit["read_at"] = dt.datetime.now(dt.UTC) + dt.timedelta(days=1)
        if plan.kind == "credit.post":
            credit |= {"invoice_reference": f"SC-{credit['credit_id']}", "invoice_tax_date": self.now}
        elif plan.kind == "credit.cancel":
            credit["is_cancelled"] = True
        elif plan.kind == "credit.amend":
            self._amend(plan.payload["request"])
        elif plan.kind == "goods_in.write":
            note_id = self._next("note")
            self.tables["brightpearl_goods_in"] += [
                {"receipt_line_id": self._next("receipt"), "goods_note_id": note_id, "credit_id": credit["credit_id"], "credit_row_id": moved["purchaseOrderRowId"],
                 "product_id": moved["productId"], "location_id": moved["destinationLocationId"], "warehouse_id": 3, "quantity": moved["quantity"], "shop": SHOP, "received_on": self.now}
                for moved in body["goodsMoved"]
            ]  # fmt: skip
        return int(credit["credit_id"])

    def make_credit(self, order_id: int, rows: Iterable[Mapping[str, Any]], **more: object) -> int:
        """A credit with rows as a POST writes them; answers its id."""
        credit_id = self._next("credit")
        made = [
            {
                "credit_row_id": self._next("row"), "credit_id": credit_id, "sequence": number, "product_id": row.get("productId"), "name": row.get("name"), "quantity": int(row["quantity"]),
                "row_net": Decimal(row["net"]), "net_minor": round(Decimal(row["net"]) * 100), "tax_minor": round(Decimal(row["tax"]) * 100), "tax_code": row["taxCode"],
            }
            for number, row in enumerate(rows, 1)
        ]  # fmt: skip
        self.tables["brightpearl_sales_credit_rows"] += made
        money = {"net_minor": sum(row["net_minor"] for row in made), "tax_minor": sum(row["tax_minor"] for row in made)}
        credit = {
            "credit_id": credit_id,
            "shop": SHOP,
            "order_id": order_id,
            "currency": "GBP",
            "payment_status": "UNPAID",
            "warehouse_id": 3,
            **money,
        }
        credit |= {
            "total_minor": money["net_minor"] + money["tax_minor"],
            "created_on": self.now,
            "read_at": dt.datetime.now(dt.UTC) + dt.timedelta(days=1),
        }
        self.tables["brightpearl_sales_credits"].append(credit | more)
        return credit_id

    def _amend(self, request: Mapping[str, Any]) -> None:
        if request["method"] == "POST":
            self._add_row(int(request["path"].split("/")[3]), request["body"])
            return
        row = self.row("brightpearl_sales_credit_rows", credit_row_id=int(request["path"].rsplit("/", 1)[1]))
        if request["method"] == "DELETE":
            self.tables["brightpearl_sales_credit_rows"].remove(row)
            return
        value = {step["path"]: Decimal(step["value"]) for step in request["body"]}
        row |= {
            "quantity": int(value["/quantity/magnitude"]),
            "net_minor": round(value["/rowValue/rowNet/value"] * 100),
            "tax_minor": round(value["/rowValue/rowTax/value"] * 100),
        }

    def _add_row(self, credit_id: int, body: Mapping[str, Any]) -> None:
        value = body["rowValue"]
        net, tax = Decimal(value["rowNet"]["value"]), Decimal(value["rowTax"]["value"])
        self.tables["brightpearl_sales_credit_rows"].append(
            {
                "credit_row_id": self._next("row"), "credit_id": credit_id, "sequence": 90, "product_id": None, "name": body["productName"], "quantity": 1,
                "row_net": net, "net_minor": round(net * 100), "tax_minor": round(tax * 100), "tax_code": value["taxCode"],
            }
        )  # fmt: skip

    def _next(self, what: str) -> int:
        self._numbers[what] += 1
        return self._numbers[what]


def product_of(sku: str | None) -> int | None:
    """The product id of a SKU; none for a text row."""
    return None if sku is None else 1000 + sum(ord(letter) * (place + 1) for place, letter in enumerate(sku))
