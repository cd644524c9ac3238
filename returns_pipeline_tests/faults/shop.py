"""The sandbox's retailer as the ledger meets it, and a plan for every kind of write. No assertions about what comes of them."""

import dataclasses
from collections.abc import Callable
from decimal import ROUND_HALF_UP, Decimal
from pathlib import Path
from typing import Any

import psycopg

from returns_pipeline.domain import plan_bodies
from returns_pipeline.domain.plans import EffectPlan, PlannedLine
from returns_pipeline.effects import kinds
from returns_pipeline.effects.runner import DrainReport, Runner
from returns_pipeline.effects.settle import settle
from returns_pipeline.sandbox.actors_returns import Customer, CustomerService
from returns_pipeline.sandbox.brightpearl.summary import summary
from returns_pipeline.sandbox.brightpearl.transfers import correct_stock
from returns_pipeline.sandbox.serve import RunningSandbox
from returns_pipeline.settings import load_settings
from returns_pipeline.stages.accounts import Accounts
from returns_pipeline.storage import ledger
from returns_pipeline_tests.storage.ledger import books

MAIN, RETURNS, PASS_SHELF = 2, 3, 33
UNPROVEN = [
    ('dedupe = "proven"', 'dedupe = "unproven"'),
    (
        "close_wait_seconds = 2",
        "close_wait_seconds = 2\nunknown_horizon_seconds = 0\nabsence_searches = 1\nabsence_search_interval_seconds = 0",
    ),
    ('posting = "automatic"', 'posting = "automatic"\nreceipt_source = "returngo_validated"'),
]


class Shop:
    """The sandbox's retailer as the ledger meets it: one sale of two units, and plans about it."""

    def __init__(self, sandbox: RunningSandbox, connection: psycopg.Connection, folder: Path) -> None:
        self.sandbox = sandbox
        self.connection = connection
        text = sandbox.settings_toml()
        for before, after in UNPROVEN:
            assert before in text
            text = text.replace(before, after)
        path = folder / "settings.toml"
        path.write_text(text)
        self.settings = load_settings({"RETURNS_SETTINGS": str(path), "RETURNS_MODE": "live"})
        self.accounts = Accounts(self.settings, sandbox.environment())
        retail = sandbox.retailer.sell("uk", "pair")
        self.sale = sandbox.retailer.sale_of(retail)
        self.order_name = retail.name
        self.row = next(row for row in self.sale.rows.values() if row.quantity == 2)
        self.net, self.tax = (
            int((each * 100).to_integral_value(ROUND_HALF_UP)) for each in (self.row.net, self.row.tax)
        )
        books.open_gates(connection)
        books.balance(connection, self.row.row_id, 2, self.net, self.tax, self.sale.order_id)

    def drain(self) -> DrainReport:
        return Runner(self.accounts, self.settings, worker="drill").drain(kinds.IN_ORDER)

    def settle(self) -> None:
        self.connection.execute("UPDATE effect SET reconcile_after = now() WHERE reconcile_after IS NOT NULL")
        settle(self.connection, self.accounts, kinds.IN_ORDER, self.settings)

    def state(self, key: str) -> str:
        return books.effect_of(self.connection, key).state

    def truth(self) -> dict[str, Any]:
        return summary(self.sandbox.retailer.brightpearl)

    def writes(self) -> list[tuple[str, str]]:
        logs = [*self.sandbox.brightpearl.log.entries(), *self.sandbox.returngo.log.entries()]
        return [(entry.method, entry.path) for entry in logs if entry.method != "GET"]

    def plan(self, plan: EffectPlan) -> str:
        report = ledger.plan(self.connection, [plan], "drill")
        assert report.refused == []
        return plan.business_key

    def subject(self, credit_id: int | None = None, **more: object) -> dict[str, object]:
        return {"rma_id": 77, "order_id": self.sale.order_id, "part": 1, "credit_id": credit_id, **more}

    def raising(self) -> EffectPlan:
        reference = f"rg-77-{self.sale.order_id}-1"
        goods = {
            "productId": self.row.product_id,
            "quantity": "2",
            "taxCode": self.row.tax_code,
            "net": str(self.row.net),
            "tax": str(self.row.tax),
        }
        body = {
            "customer": {"id": self.sale.contact_id},
            "ref": f"{self.order_name} RMA77",
            "parentId": self.sale.order_id,
            "statusId": 21,
            "warehouseId": RETURNS,
            "channelId": 3,
            "externalRef": reference,
            "priceListId": self.sale.price_list_id,
            "priceModeCode": "INC",
            "currency": {"code": "GBP", "fixedExchangeRate": True, "exchangeRate": "1"},
            "rows": [goods],
        }
        expect = {"order_id": self.sale.order_id, "currency": "GBP", "rows": [self.expected_row(2)]}
        payload = {
            "request": {"method": "POST", "path": "/order-service/sales-credit", "body": body},
            "expect": expect,
            "subject": self.subject(),
        }
        line = PlannedLine(self.row.row_id, "announce", 2, self.net, self.tax)
        return EffectPlan(
            "credit.raise",
            "uk",
            f"raise:77:{self.sale.order_id}:1",
            payload,
            (line,),
            remote_ref=reference,
            currency="GBP",
        )

    def expected_row(self, quantity: int) -> dict[str, int]:
        net, tax = (round(Decimal(total) * quantity / 2) for total in (self.net, self.tax))
        return {"product_id": int(self.row.product_id or 0), "quantity": quantity, "net_minor": net, "tax_minor": tax}

    def raised(self) -> tuple[int, int]:
        """A raised credit: its id and its row's."""
        key = self.plan(self.raising())
        self.drain()
        credit_id = int(str(books.effect_of(self.connection, key).remote_id))
        return credit_id, next(iter(self.sandbox.retailer.brightpearl.orders[credit_id].rows))

    def cancelling(self, credit_id: int, _: int) -> EffectPlan:
        payload = {
            "request": plan_bodies.cancel(credit_id, self.settings, "never sent"),
            "expect": {"order_status_id": 24},
            "subject": self.subject(credit_id),
            "give_back": [
                {"order_row_id": self.row.row_id, "quantity": 2, "net_minor": self.net, "tax_minor": self.tax}
            ],
        }
        return EffectPlan("credit.cancel", "uk", f"cancel:{credit_id}", payload)

    def amending(self, credit_id: int, row_id: int) -> EffectPlan:
        left = self.expected_row(1)
        payload = {
            "request": plan_bodies.amend(credit_id, row_id, 1, left["net_minor"], left["tax_minor"], "GBP"),
            "expect": {},
            "subject": self.subject(credit_id),
            "give_back": [
                {
                    "order_row_id": self.row.row_id,
                    "quantity": 1,
                    "net_minor": self.net - left["net_minor"],
                    "tax_minor": self.tax - left["tax_minor"],
                }
            ],
        }
        return EffectPlan("credit.amend", "uk", f"amend:{credit_id}:{row_id}:1", payload)

    def booking_in(self, credit_id: int, row_id: int) -> EffectPlan:
        reference = f"rg-77-{row_id}"
        about = {
            "product_id": int(self.row.product_id or 0),
            "cost": "4.00",
            "cost_currency": "GBP",
            "received_on": "2026-02-02T10:00:00.000+00:00",
        }
        rows = [{"credit_row_id": row_id, "quantity": 2, "details": about}]
        request = plan_bodies.goods_in(credit_id, rows, RETURNS, PASS_SHELF, reference)
        payload = {
            "request": request,
            "expect": {"user_batch_reference": reference},
            "subject": self.subject(credit_id),
        }
        return EffectPlan("goods_in.write", "uk", f"goods-in:{credit_id}:{row_id}", payload, remote_ref=reference)

    def posting(self, credit_id: int, _: int) -> EffectPlan:
        books.received(self.connection, 2, self.row.row_id)
        expect = {
            "order_id": self.sale.order_id,
            "currency": "GBP",
            "total_minor": self.net + self.tax,
            "rows": [self.expected_row(2)],
        }
        request = plan_bodies.close(credit_id, "2026-02-02T12:00:00.000+00:00")
        line = PlannedLine(self.row.row_id, "post", 2, self.net, self.tax, 31)
        return EffectPlan(
            "credit.post",
            "uk",
            f"post:{credit_id}",
            {"request": request, "expect": expect, "subject": self.subject(credit_id)},
            (line,),
        )

    def annotating(self, credit_id: int, _: int) -> EffectPlan:
        payload = {
            "request": plan_bodies.annotate(credit_id, self.settings, "RMA 77"),
            "expect": {"order_status_id": 23},
            "subject": self.subject(credit_id),
        }
        return EffectPlan("credit.annotate", "uk", f"annotate:{credit_id}", payload)

    def refunding(self, credit_id: int, _: int) -> EffectPlan:
        reference = f"rg-5-{credit_id}"
        request = plan_bodies.customer_payment(
            reference, "SHOPIFYPAY", credit_id, "GBP", "1", 1234, "2026-02-02T12:00:00.000+00:00"
        )
        expect = {"payment_method_code": "SHOPIFYPAY", "amount_minor": 1234, "currency": "GBP"}
        return EffectPlan(
            "refund.record",
            "uk",
            f"refund:5:{credit_id}",
            {"request": request, "expect": expect, "subject": self.subject(credit_id)},
        )

    def opening_transfer(self) -> EffectPlan:
        payload = {
            "request": plan_bodies.stock_transfer(RETURNS, MAIN, "rt-0123456789ab"),
            "expect": {"source_warehouse_id": RETURNS, "target_warehouse_id": MAIN},
            "subject": {"source_warehouse_id": RETURNS, "target_warehouse_id": MAIN, "units": []},
        }
        return EffectPlan(
            "transfer.create", "uk", "transfer:uk:3:2:0123456789ab", payload, remote_ref="rt-0123456789ab"
        )

    def dispatching(self) -> EffectPlan:
        key = self.plan(self.opening_transfer())
        self.drain()
        transfer_id = int(str(books.effect_of(self.connection, key).remote_id))
        correct_stock(self.sandbox.retailer.brightpearl, int(self.row.product_id or 0), PASS_SHELF, 1)
        products = [{"productId": self.row.product_id, "quantity": 1, "fromLocationId": PASS_SHELF}]
        payload = {
            "request": plan_bodies.external_transfer(RETURNS, MAIN, transfer_id, products),
            "expect": {},
            "subject": {"transfer_id": transfer_id, "source_warehouse_id": RETURNS, "target_warehouse_id": MAIN},
        }
        return EffectPlan("transfer.dispatch", "uk", f"dispatch:{transfer_id}", payload)

    def shipping(self) -> EffectPlan:
        key = self.plan(self.dispatching())
        self.drain()
        note_id = int(str(books.effect_of(self.connection, key).remote_id))
        now = self.sandbox.retailer.clock.now()
        payload = {"request": plan_bodies.ship(note_id, now), "expect": {}, "subject": {"goods_out_note_id": note_id}}
        return EffectPlan("transfer.ship", "uk", f"ship:{note_id}", payload)

    def confirming(self) -> EffectPlan:
        returned = Customer(self.sandbox.retailer).request_return(self.order_name, [{"line": 0, "quantity": 1}])
        CustomerService(self.sandbox.retailer).approve(returned["rma_id"])
        detail = self.accounts.returngo(self.settings.shop("uk")).rma_detail(returned["rma_id"])
        shipment = dataclasses.asdict(detail.shipments[0])
        payload = {
            "request": plan_bodies.confirm_shipment(shipment, "Validated"),
            "expect": {"status": "Validated"},
            "subject": {
                "rma_id": returned["rma_id"],
                "order_id": self.sale.order_id,
                "shipment_id": shipment["shipment_id"],
            },
        }
        return EffectPlan("returngo.receive", "uk", f"confirm:{shipment['shipment_id']}", payload)


ON_A_CREDIT = {
    "credit.cancel": Shop.cancelling,
    "credit.amend": Shop.amending,
    "goods_in.write": Shop.booking_in,
    "credit.post": Shop.posting,
    "credit.annotate": Shop.annotating,
    "refund.record": Shop.refunding,
}
ALONE: dict[str, Callable[[Shop], EffectPlan]] = {
    "credit.raise": Shop.raising,
    "transfer.create": Shop.opening_transfer,
    "transfer.dispatch": Shop.dispatching,
    "transfer.ship": Shop.shipping,
    "returngo.receive": Shop.confirming,
}


def planned(shop: Shop, kind: str) -> str:
    """Plans an effect of that kind, with what has to stand there before; its business key."""
    make = ON_A_CREDIT.get(kind)
    return shop.plan(make(shop, *shop.raised()) if make else ALONE[kind](shop))
