"""The people and programs that change credits in Brightpearl besides the pipeline: finance, staff, the Shopify app, ReturnGO's own link.

Not here: receiving goods (`actors_warehouse`) and ReturnGO's dashboard (`actors_returns`).
"""

import dataclasses
import datetime as dt
from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from returns_pipeline.sandbox import retailer_account as account
from returns_pipeline.sandbox.brightpearl import credits, sales
from returns_pipeline.sandbox.brightpearl.records import CREDIT, OrderRow
from returns_pipeline.sandbox.retailer import Retailer
from returns_pipeline.sandbox.retailer_orders import RetailOrder
from returns_pipeline.sandbox.returngo.records import Rma


class Finance:
    """Locks periods and closes credits by hand."""

    def __init__(self, retailer: Retailer) -> None:
        self._world = retailer.brightpearl

    def lock_period(self, until: str | None) -> dict[str, Any]:
        """Locks the accounts up to and with a day (YYYY-MM-DD); None unlocks them."""
        self._world.switches.period_locked_until = dt.date.fromisoformat(until) if until else None
        return {"period_locked_until": until}

    def change_tax_rate(self, code: str, rate: str) -> dict[str, Any]:
        """The law changes the rate behind a tax code; what was invoiced before keeps its tax."""
        self._world.tax_codes[code] = dataclasses.replace(self._world.tax_codes[code], rate=Decimal(rate))
        return {"code": code, "rate": rate}

    def close_credit(self, credit_id: int, tax_date: str | None = None) -> dict[str, Any]:
        """Posts a credit with the Credit button."""
        credits.close_credit(self._world, credit_id, dt.datetime.fromisoformat(tax_date) if tax_date else None)
        return {"credit_id": credit_id, "invoice_reference": self._world.order(credit_id).invoice_reference}


class Staff:
    """Works in Brightpearl's screens."""

    def __init__(self, retailer: Retailer) -> None:
        self._retailer = retailer
        self._world = retailer.brightpearl

    def clone_credit(
        self, order_name: str, units: Mapping[str, int] | None = None, *, close: bool = False
    ) -> dict[str, Any]:
        """Clones a sale to a credit by hand: `units` by SKU, all goods when None; it carries no reference of ours."""
        sale = self._retailer.sale_of(self._retailer.order(order_name))
        quantities = {
            row.row_id: row.quantity if units is None else units[row.sku or ""]
            for row in sale.rows.values()
            if row.product_id is not None and not row.is_bundle_child and (units is None or (row.sku or "") in units)
        }
        return {"credit_id": credits.clone_order_to_credit(self._world, sale.order_id, quantities, close=close)}

    def lower_quantity(self, credit_id: int, sku: str, quantity: int) -> dict[str, Any]:
        """Lowers a row of an unposted credit, its money in proportion."""
        row = self._row(credit_id, sku)
        share = Decimal(quantity) / row.quantity
        net, tax = (row.net * share).quantize(Decimal("0.0001")), (row.tax * share).quantize(Decimal("0.01"))
        credits.update_row(self._world, credit_id, row.row_id, quantity=quantity, net=net, tax=tax)
        return {"credit_id": credit_id, "row_id": row.row_id, "quantity": quantity}

    def change_price(self, credit_id: int, sku: str, net: str, tax: str | None = None) -> dict[str, Any]:
        """Overtypes the net of a row of an unposted credit; Brightpearl recomputes the tax unless that is typed too."""
        row_id = self._row(credit_id, sku).row_id
        typed = Decimal(tax) if tax is not None else None
        row = credits.update_row(self._world, credit_id, row_id, net=Decimal(net), tax=typed)
        return {"credit_id": credit_id, "row_id": row.row_id, "net": str(row.net), "tax": str(row.tax)}

    def add_row(self, credit_id: int, name: str, net: str, tax: str, tax_code: str = "T20") -> dict[str, Any]:
        """Adds a free-text row to an unposted credit."""
        credit = self._world.order(credit_id, CREDIT)
        row_id = sales.add_row(self._world, credit, sales.SaleRow(None, 1, Decimal(net), Decimal(tax), tax_code, name))
        self._world.touch(credit)
        return {"credit_id": credit_id, "row_id": row_id}

    def cancel_credit(self, credit_id: int) -> dict[str, Any]:
        """Cancels an unposted credit."""
        credits.cancel_credit(self._world, credit_id)
        return {"credit_id": credit_id, "is_cancelled": True}

    def invoice_order(self, order_name: str) -> dict[str, Any]:
        """Invoices a sale that was left open."""
        sale = self._retailer.sale_of(self._retailer.order(order_name))
        return {"order_id": sale.order_id, "invoice_reference": sales.invoice_order(self._world, sale.order_id)}

    def set_cost(self, sku: str, cost: str) -> dict[str, Any]:
        """Enters what a product costs; 0 is what a product has that nobody entered a cost for."""
        product = self._world.product_by_sku(sku)
        if product is None:
            raise LookupError(f"no product {sku!r}")
        product.cost = Decimal(cost)
        return {"sku": sku, "cost": cost}

    def _row(self, credit_id: int, sku: str) -> OrderRow:
        credit = self._world.order(credit_id, CREDIT)
        found = [row for row in credit.rows.values() if row.sku == sku and not row.is_bundle_child]
        if not found:
            raise LookupError(
                f"credit {credit_id} has no row with SKU {sku!r}; it has {[row.sku for row in credit.rows.values()]}"
            )
        return found[0]


class Channel:
    """Brings orders from Shopify into Brightpearl."""

    def __init__(self, retailer: Retailer) -> None:
        self._retailer = retailer

    def land_order(self, order_name: str) -> dict[str, Any]:
        """Brings an order that was late."""
        order = self._retailer.order(order_name)
        return {"order_name": order_name, "order_id": order.brightpearl_id or self._retailer.land(order)}


class ShopifyApp:
    """Brightpearl's own Shopify app, which some accounts let raise a credit for each refund."""

    def __init__(self, retailer: Retailer) -> None:
        self._retailer = retailer

    def credit_refund(self, rma_id: int) -> dict[str, Any]:
        """A closed credit for the units that a return refunded; it knows nothing of the RMA."""
        rma = self._retailer.returngo.rma(rma_id)
        refunded = rma.refunded_item_ids()
        rows = _rows_of_units(self._retailer, rma, refunded)
        sale_id = self._retailer.sale_of(self._retailer.order_of(rma)).order_id
        return {"credit_id": credits.clone_order_to_credit(self._retailer.brightpearl, sale_id, rows, close=True)}


class ReturnGoLink:
    """ReturnGO's own link to Brightpearl, for accounts where it raises the credits."""

    def __init__(self, retailer: Retailer) -> None:
        self._retailer = retailer

    def raise_credit(self, rma_id: int) -> dict[str, Any]:
        """The expected return of an approved RMA, with the RMA's number in its reference."""
        rma = self._retailer.returngo.rma(rma_id)
        world = self._retailer.brightpearl
        rows = _rows_of_units(self._retailer, rma, {item.returned_item_id for item in rma.items})
        sale = self._retailer.sale_of(self._retailer.order_of(rma))
        credit_id = credits.clone_order_to_credit(world, sale.order_id, rows)
        credit = world.order(credit_id, CREDIT)
        credit.reference, credit.warehouse_id = f"{rma.order_name} RMA{rma_id}", account.RETURNS
        credit.external_ref, credit.installation_id = f"returngo-{rma_id}", 77
        return {"credit_id": credit_id}


def _rows_of_units(retailer: Retailer, rma: Rma, item_ids: set[int]) -> dict[int, int]:
    """Sale row -> how many of the given units are on it."""
    order: RetailOrder = retailer.order_of(rma)
    retailer.sale_of(order)
    quantities: dict[int, int] = {}
    for item in rma.items:
        if item.returned_item_id in item_ids:
            row_id = order.row_ids[item.unit.shop_line_item_id]
            quantities[row_id] = quantities.get(row_id, 0) + 1
    return quantities
