"""Sales and returns of a simulation, and the plans that a pass would make of them. No acts, no checks."""

from dataclasses import dataclass, field

from returns_pipeline.domain import plan_bodies
from returns_pipeline.domain.money import decimal_text
from returns_pipeline.domain.plans import EffectPlan, PlannedLine
from returns_pipeline.settings import Settings
from returns_pipeline_tests.sandbox.account import CUSTOMER, INSTALLATION
from returns_pipeline_tests.storage.ledger import books


@dataclass
class Part:
    """Units of the sale that come back together: one credit."""

    number: int
    quantity: int
    net_minor: int
    tax_minor: int
    is_withdrawn: bool = False


@dataclass
class Sale:
    """One order row and the returns of it."""

    rma_id: int
    order_id: int
    row_id: int
    product_id: int
    quantity: int
    net_minor: int
    tax_minor: int
    parts: list[Part]
    foreign_ids: list[int] = field(default_factory=list)
    known_ids: list[int] = field(default_factory=list)

    def reference(self, part: Part) -> str:
        return f"rg-{self.rma_id}-{self.order_id}-{part.number}"


def _subject(sale: Sale, part: Part, credit_id: int | None = None) -> dict[str, object]:
    return {"rma_id": sale.rma_id, "order_id": sale.order_id, "part": part.number, "credit_id": credit_id}


def _expected(sale: Sale, part: Part) -> dict[str, object]:
    row = {
        "product_id": sale.product_id, "quantity": part.quantity, "net_minor": part.net_minor, "tax_minor": part.tax_minor,
    }  # fmt: skip
    return {"order_id": sale.order_id, "currency": "GBP", "rows": [row]}


def raising(sale: Sale, part: Part, settings: Settings) -> EffectPlan:
    """The credit of a part; its key of deduplication where that is proven."""
    reference = sale.reference(part)
    row = {
        "productId": sale.product_id, "quantity": str(part.quantity), "taxCode": "T20",
        "net": decimal_text(part.net_minor, "GBP"), "tax": decimal_text(part.tax_minor, "GBP"),
    }  # fmt: skip
    body = {
        "customer": {"id": CUSTOMER}, "ref": f"RMA{sale.rma_id}", "parentId": sale.order_id, "warehouseId": 3, "statusId": 21, "channelId": 3,
        "externalRef": reference, "priceModeCode": "INC", "currency": {"code": "GBP", "fixedExchangeRate": True, "exchangeRate": "1"}, "rows": [row],
    }  # fmt: skip
    if settings.brightpearl.dedupe == "proven":
        body["installedIntegrationInstanceId"] = INSTALLATION
    payload = {
        "request": {"method": "POST", "path": "/order-service/sales-credit", "body": body},
        "expect": _expected(sale, part),
        "subject": _subject(sale, part),
    }
    line = PlannedLine(sale.row_id, "announce", part.quantity, part.net_minor, part.tax_minor)
    key = f"raise:{sale.rma_id}:{sale.order_id}:{part.number}"
    return EffectPlan("credit.raise", books.SHOP, key, payload, (line,), remote_ref=reference, currency="GBP")


def posting(sale: Sale, part: Part, credit_id: int, receipt_line_id: int) -> EffectPlan:
    """The posting of a part whose goods came; every second one waits for a person."""
    payload = {
        "request": plan_bodies.close(credit_id, "2026-02-02T12:00:00.000+00:00"),
        "expect": _expected(sale, part),
        "subject": _subject(sale, part, credit_id),
    }
    line = PlannedLine(sale.row_id, "post", part.quantity, part.net_minor, part.tax_minor, receipt_line_id)
    return EffectPlan(
        "credit.post",
        books.SHOP,
        f"post:{credit_id}",
        payload,
        (line,),
        currency="GBP",
        needs_approval=part.number % 2 == 0,
    )


def refunding(sale: Sale, part: Part, credit_id: int) -> EffectPlan:
    """The record of the money that went back."""
    amount = part.net_minor + part.tax_minor
    reference = f"rg-{part.number}-{credit_id}"
    payload = {
        "request": plan_bodies.customer_payment(
            reference, "SHOPIFYPAY", credit_id, "GBP", "1", amount, "2026-02-02T12:00:00.000+00:00"
        ),
        "expect": {"payment_method_code": "SHOPIFYPAY", "amount_minor": amount, "currency": "GBP"},
        "subject": _subject(sale, part, credit_id),
    }
    return EffectPlan("refund.record", books.SHOP, f"refund:{part.number}:{credit_id}", payload)


def cancelling(sale: Sale, part: Part, credit_id: int, settings: Settings) -> EffectPlan:
    """The taking back of a credit whose return was withdrawn."""
    back = {
        "order_row_id": sale.row_id, "quantity": part.quantity, "net_minor": part.net_minor, "tax_minor": part.tax_minor,
    }  # fmt: skip
    payload = {
        "request": plan_bodies.cancel(credit_id, settings, "never sent"),
        "expect": {"order_status_id": settings.brightpearl.statuses.cancelled},
        "subject": _subject(sale, part, credit_id),
        "give_back": [back],
    }
    return EffectPlan("credit.cancel", books.SHOP, f"cancel:{credit_id}", payload)
