"""A small Brightpearl account, served over real HTTP, with the calls that the tests of the sandbox make. No assertions."""

import datetime as dt
from decimal import Decimal

import requests

from returns_pipeline.sandbox import retailer_account
from returns_pipeline.sandbox.brightpearl import catalogue, goods, sales
from returns_pipeline.sandbox.brightpearl.records import CREDIT
from returns_pipeline.sandbox.brightpearl.routes import BrightpearlApp
from returns_pipeline.sandbox.brightpearl.switches import BrightpearlSwitches
from returns_pipeline.sandbox.brightpearl.world import BrightpearlWorld
from returns_pipeline.sandbox.clock import SandboxClock
from returns_pipeline.sandbox.http import SandboxServer

START = dt.datetime(2026, 3, 2, 9, 0, tzinfo=dt.UTC)
SOLD_ON = START - dt.timedelta(days=10)
CUSTOMER, INSTALLATION = 200, 34


class Account:
    """A world with six products and its server; leaves time and switches to the test."""

    def __init__(self, requests_per_minute: int = 10_000, interceptor=None, **switches):
        self.clock = SandboxClock(START)
        self.world = BrightpearlWorld(self.clock, BrightpearlSwitches(**switches), seed=3)
        retailer_account.set_up(self.world)
        self.shirt = self.product("SHIRT-M", "T20", "30.00", "12.00")
        self.book = self.product("BOOK-1", "T0", "9.99", "4.00")
        self.mug = self.product("MUG-BLU", "T20", "9.99", "3.50")
        self.teapot = self.product("TEAPOT-1", "T20", "28.75", "11.00")
        self.tea_set = self.product("SET-TEA", "T20", "44.50", "0", [(self.teapot, 1), (self.mug, 2)])
        self.hamper = self.product("HAMPER-1", "T20", "60.00", "0", [(self.tea_set, 1), (self.book, 1)])
        self.app = BrightpearlApp(self.world, requests_per_minute=requests_per_minute)
        self.server = SandboxServer(self.app, clock=self.clock, interceptor=interceptor).start()
        self.base_url = self.server.base_url + self.app.base_path
        credentials = self.app.credentials
        self.headers = {
            "brightpearl-app-ref": credentials.app_ref,
            "brightpearl-account-token": credentials.account_token,
        }

    def product(self, sku, tax_code, price, cost, components=()):
        money = {"price": Decimal(price), "cost": Decimal(cost)}
        return catalogue.add_product(
            self.world, sku=sku, name=sku.title(), tax_code=tax_code, components=components, **money
        )

    def call(self, method, path, **options):
        headers = options.pop("headers", self.headers)
        return requests.request(method, self.base_url + path, headers=headers, timeout=5, **options)

    def get(self, path):
        return self.call("GET", path)

    def post(self, path, body):
        return self.call("POST", path, json=body)

    def response(self, path):
        """What is in the envelope of a GET."""
        return self.get(path).json()["response"]

    def rows(self, path):
        """The rows of a search by column name."""
        found = self.response(path)
        names = [column["name"] for column in found["metaData"]["columns"]]
        return [dict(zip(names, row, strict=True)) for row in found["results"]]

    def sale(self, *rows, **options):
        """A sale of (product id, quantity, net, tax, tax code)."""
        wanted = rows or [(self.shirt, 1, "25.0000", "5.00", "T20")]
        given = {
            "channel_id": 3,
            "external_ref": "5520001",
            "customer_ref": "#UK1001",
            "currency": "GBP",
            "price_mode": "INC",
            "placed_on": SOLD_ON,
            "payment_method_code": "SHOPIFYPAY",
        }
        sold = [
            sales.SaleRow(product, quantity, Decimal(net), Decimal(tax), code)
            for product, quantity, net, tax, code in wanted
        ]
        return sales.add_sales_order(self.world, rows=sold, **(given | options))

    def credit_body(self, *rows, **fields):
        """The body of a credit, by default of one shirt."""
        row = {"productId": self.shirt, "quantity": "1", "taxCode": "T20", "net": "25.0000", "tax": "5.00"}
        body = {
            "customer": {"id": CUSTOMER},
            "ref": "#UK1001 RMA77",
            "warehouseId": 3,
            "statusId": 21,
            "channelId": 3,
            "externalRef": "raise:77:1",
            "installedIntegrationInstanceId": INSTALLATION,
            "currency": {"code": "GBP", "fixedExchangeRate": False, "exchangeRate": "1.000000"},
            "rows": list(rows) or [row],
        }
        return body | fields

    def credit(self, *rows, **fields):
        """A credit's id."""
        answer = self.post("/order-service/sales-credit", self.credit_body(*rows, **fields))
        assert answer.status_code == 201, answer.text
        return answer.json()["response"]

    def row_ids(self, order_id):
        """The rows that were asked for, in order; a bundle's children are left out."""
        return [row.row_id for row in self.world.order(order_id).rows.values() if not row.is_bundle_child]

    def goods_in_body(self, credit_id, quantities, **fields):
        """A goods-in note's body that receives `quantities` by row id into the default location of Returns."""
        rows = self.world.order(credit_id, CREDIT).rows
        moved = [
            {
                "productId": rows[row_id].product_id,
                "purchaseOrderRowId": row_id,
                "quantity": quantity,
                "destinationLocationId": 31,
                "productValue": {"currency": "GBP", "value": "12.00"},
            }
            for row_id, quantity in quantities.items()
        ]
        return {
            "transfer": False,
            "warehouseId": 3,
            "receivedOn": "2026-03-02T10:00:00.000+00:00",
            "goodsMoved": moved,
        } | fields

    def receive(self, credit_id, location_id=31):
        """All goods of a credit, as the bench books them in."""
        open_rows = self.world.order(credit_id).goods_rows()
        receipts = [goods.Receipt(row.row_id, row.quantity) for row in open_rows]
        with self.world.lock:
            return goods.book_goods_in(self.world, credit_id, receipts, location_id=location_id)

    def stock(self, product_id, location_id):
        return self.world.stock.get((product_id, location_id), 0)
