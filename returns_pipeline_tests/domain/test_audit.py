"""The judgement of past returns. A cause that is told wrongly sends an auditor after the wrong money."""

import datetime as dt

from returns_pipeline.domain.audit import by_cause, judge_sale, ranked

DAY = dt.timedelta(days=1)
MADE = dt.datetime(2025, 2, 3, 10, tzinfo=dt.UTC)


def item(sku: str = "A", **more: object) -> dict:
    return {"sku": sku, "paid_minor": 400, "currency": "GBP", "is_returned": True, "validated_at": MADE + 4 * DAY, "is_kept": False, "fee_minor": 0, **more}  # fmt: skip


def credit(number: int = 1, day: int = 5, quantity: int = 1, net: int = 333, tax: int = 67, **row: object) -> dict:
    money = {
        "order_row_id": 11,
        "product_id": 5,
        "sku": "A",
        "quantity": quantity,
        "net_minor": net,
        "tax_minor": tax,
        "tax_code": "T20",
        **row,
    }
    return {
        "credit_id": number,
        "number": f"SC-{number}",
        "tax_date": MADE + day * DAY,
        "is_posted": True,
        "rows": [money],
    }


def goods(number: int = 1, day: int = 3, warehouse_id: int = 3) -> dict:
    return {
        "credit_id": number,
        "product_id": 5,
        "quantity": 1,
        "received_on": MADE + day * DAY,
        "warehouse_id": warehouse_id,
        "is_reversed": False,
    }


def case(
    items: tuple = (item(),),
    credits: tuple = (credit(),),
    goods_in: tuple = (goods(),),
    refunded: bool = True,
    rma_id: int = 70,
) -> dict:
    row = {
        "order_row_id": 11,
        "product_id": 5,
        "sku": "A",
        "quantity": 3,
        "net_minor": 1000,
        "tax_minor": 200,
        "tax_code": "T20",
    }
    return {
        "rma": {"rma_id": rma_id, "status": "Done", "order_name": "#1", "created_at": MADE}, "items": list(items),
        "refunds": [{"transaction_id": 1, "minor": 400, "is_success": refunded}],
        "sale": {"order_id": 9, "currency": "GBP", "rows": [row], "component_skus": ["PART"], "credits": list(credits), "goods_in": list(goods_in)},
    }  # fmt: skip


def causes(*cases: dict) -> dict[str, int]:
    return {found.cause: found.money_minor for found in judge_sale(cases, {3})}


def test_a_return_that_went_well_has_no_finding() -> None:
    """Received, inspected, credited with the invoice's share."""
    assert causes(case()) == {}


def test_a_return_that_was_refunded_or_received_and_never_credited_is_missing_its_credit() -> None:
    """Worth its share of the invoice; one that came to nothing is missing nothing."""
    assert causes(case(credits=(), goods_in=())) == {"missing_credit": 400}
    asked_only = case((item(validated_at=None),), credits=(), goods_in=(), refunded=False)
    assert causes(asked_only) == {}
    unposted = credit() | {"is_posted": False}
    assert causes(case(credits=(unposted,))) == {"missing_credit": 400}


def test_two_credits_for_one_unit_are_one_too_many() -> None:
    """The second one's money, with both numbers; it has no goods either."""
    found = {each.cause: each for each in judge_sale([case(credits=(credit(1), credit(2, net=334, tax=66)))], {3})}
    assert (found["double_credit"].money_minor, found["double_credit"].found) == (400, "2 units on SC-1, SC-2")
    assert found["credit_before_receipt"].subject == "SC-2"


def test_tax_is_held_against_the_invoice_to_the_penny_and_by_code() -> None:
    """0.67 of 2.00 for one of three; another code is a gap even with the same amount."""
    assert causes(case(credits=(credit(tax=66),))) == {"tax_gap": 1}
    assert causes(case(credits=(credit(tax_code="T5"),))) == {"tax_gap": 0}


def test_a_credit_dated_before_its_goods_came_is_told_and_one_for_kept_goods_is_not() -> None:
    """On the same day nobody knows which was first."""
    assert causes(case(goods_in=(goods(day=9),))) == {"credit_before_receipt": 400}
    assert causes(case(credits=(credit(day=3),))) == {}
    assert causes(case((item(is_kept=True),), goods_in=())) == {}


def test_goods_received_where_they_can_be_sold_must_be_inspected_first() -> None:
    """Warehouse 2 sells; in a Returns warehouse they may wait."""
    assert causes(case(goods_in=(goods(warehouse_id=2),))) == {"restock_before_inspection": 400}
    assert causes(case((item(validated_at=MADE + 2 * DAY),), goods_in=(goods(warehouse_id=2),))) == {}


def test_an_unknown_sku_a_lost_sale_and_a_fee_that_the_credit_does_not_show_are_told() -> None:
    """Each with what the customer had paid, or the fee."""
    assert causes(case((item("B"),), credits=(), goods_in=())) == {"unknown_sku": 400}
    assert causes(case((item("PART"),), credits=(), goods_in=())) == {}, "a bundle's component was sold with it"
    assert causes(case() | {"sale": None}) == {"sale_not_found": 400}
    assert causes(case((item(fee_minor=50),))) == {"fee_mismatch": 50}
    assert causes(case((item(fee_minor=50),), credits=(credit(net=291, tax=59),))) == {"tax_gap": 8}


def test_findings_are_ranked_by_money_and_summed_by_cause() -> None:
    """The dearest first."""
    found = ranked(
        [*judge_sale([case(credits=(credit(tax=66),))], {3}), *judge_sale([case(credits=(), goods_in=())], {3})]
    )
    assert [each.cause for each in found] == ["missing_credit", "tax_gap"]
    assert by_cause(found) == [("missing_credit", "GBP", 1, 400), ("tax_gap", "GBP", 1, 1)]
