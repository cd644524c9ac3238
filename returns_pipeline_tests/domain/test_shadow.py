"""Plans beside people. An agreement that counts what was never compared is a promise that breaks on the first live day."""

from returns_pipeline.domain.shadow import ONLY_PLANNED, SAME, agreement_of, compare
from returns_pipeline_tests.domain.frames import frame_of

LINE = {"return_line_id": "70-1-0", "rma_id": 70, "order_id": 9, "order_row_id": 1}


def plan(rma_id: int = 70, net: int = 1000, tax: int = 200, units: int = 1, product_id: int | None = 5) -> dict:
    row = {"product_id": product_id, "quantity": units, "net_minor": net, "tax_minor": tax}
    return {"subject": {"rma_id": rma_id, "order_id": 9}, "expect": {"currency": "GBP", "rows": [row]}}


def by_people(
    number: int, net: int = 1000, tax: int = 200, units: int = 1, order_row_id: int | None = 1
) -> tuple[dict, dict]:
    credit = {"credit_id": number, "order_id": 9, "currency": "GBP", "invoice_reference": f"SC-{number}"}
    row = {"credit_row_id": number * 10, "credit_id": number, "order_row_id": order_row_id, "product_id": 5, "quantity": units, "net_minor": net, "tax_minor": tax}  # fmt: skip
    return credit, row


def compared(plans: list, people: list, lines: tuple = (LINE,), held: dict | None = None) -> dict:
    found = compare(
        plans,
        frame_of("returns_return_lines", lines),
        frame_of("brightpearl_sales_credits", [credit for credit, _ in people]),
        frame_of("brightpearl_sales_credit_rows", [row for _, row in people]),
        held or {},
        1,
    )
    return {each.rma_id: each for each in found}


def test_the_same_units_money_and_tax_agree_within_a_rounding() -> None:
    """A penny is a rounding; two are not."""
    assert compared([plan()], [by_people(1)])[70].cause == SAME
    assert compared([plan()], [by_people(1, net=1001)])[70].cause == SAME
    assert compared([plan()], [by_people(1, net=1002)])[70].cause == "another amount"
    assert compared([plan()], [by_people(1, net=1010, tax=190)])[70].cause == "other tax"
    assert compared([plan()], [by_people(1, units=2)])[70].cause == "other units"


def test_what_only_one_side_did_is_told_and_not_counted_as_agreement() -> None:
    """With the reason why the pipeline would not, where it has one."""
    assert compared([plan()], [])[70].cause == ONLY_PLANNED
    assert compared([], [by_people(1)], held={70: "sku unknown"})[70].cause == "the pipeline holds it: sku unknown"
    assert compared([], [by_people(1)])[70].cause == "people had credited it before the pipeline looked"
    found = list(compared([plan(), plan(71, net=500, tax=100)], [by_people(1)]).values())
    agreement = agreement_of(found, "GBP")
    assert (agreement.compared, agreement.same, agreement.hundredths_by_count) == (1, 1, 10_000)
    assert (agreement.compared_minor, agreement.same_minor) == (1200, 1200)
    assert agreement_of([], "GBP").hundredths_by_money == 0


def test_two_returns_of_one_row_each_take_their_own_units() -> None:
    """The first credit is the older return's; the second the younger's."""
    lines = (LINE, LINE | {"return_line_id": "71-1-0", "rma_id": 71})
    found = compared([plan(), plan(71)], [by_people(1), by_people(2, net=900)], lines)
    assert (found[70].cause, found[70].credit_numbers) == (SAME, "SC-1")
    assert (found[71].cause, found[71].difference_minor) == ("another amount", -100)


def test_a_credit_of_other_rows_of_the_sale_is_not_this_returns() -> None:
    """Somebody else's goodwill on the same order."""
    assert compared([plan()], [by_people(1, order_row_id=2)])[70].cause == ONLY_PLANNED
