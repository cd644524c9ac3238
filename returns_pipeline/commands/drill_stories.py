"""The drills' stories: what happened, what the person is told, and what in the small world is prepared for it. Judging is `drill_verdicts`'."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from returns_pipeline.commands.sandbox_process import Sandbox

CLAIM = "CLAIM-2291"
_BROKEN_SKU_HINT = "417-lamp"


@dataclass(frozen=True)
class Case:
    """The return that a drill is about, as ReturnGo and Brightpearl number it."""

    role: str
    order_name: str
    order_id: int
    rma_id: int
    item_ids: tuple[int, ...]


@dataclass(frozen=True)
class Story:
    """One drill.

    Attributes:
        code: the exception that the person has to find.
        words: what happened, told with {rma}, {order} and the numbers of the units {first} and {second}.
        steps: a command line that shows the way without giving the answer away.
        shape: what kind of order the customer has.
        before: what happens before the first pass of the pipeline; it answers with the return.
        after: what happens between the first pass and a second; None: there is no second.
        settings: lines of the sandbox's settings, and what stands there instead.
    """

    role: str
    title: str
    code: str
    words: tuple[str, ...]
    steps: tuple[str, ...]
    shape: str
    before: Callable[[Sandbox, str, Mapping[str, Any]], Case]
    after: Callable[[Sandbox, Case], None] | None = None
    settings: tuple[tuple[str, str], ...] = ()


def act(sandbox: Sandbox, actor: str, verb: str, **arguments: Any) -> Any:  # noqa: ANN401 - what the verb answers
    """One person of the small world does something."""
    return sandbox.post("/act", {"actor": actor, "verb": verb, **arguments})


def _approved(sandbox: Sandbox, role: str, order: Mapping[str, Any], **wishes: Any) -> Case:  # noqa: ANN401 - a verb's options
    made = act(sandbox, "customer", "request_return", order_name=order["order_name"], **wishes)
    act(sandbox, "cx", "approve", rma_id=made["rma_id"])
    return Case(role, order["order_name"], order["order_id"], made["rma_id"], tuple(made["item_ids"]))


def _credited_by_a_colleague(sandbox: Sandbox, role: str, order: Mapping[str, Any]) -> Case:
    act(sandbox, "staff", "clone_credit", order_name=order["order_name"], close=True)
    return _approved(sandbox, role, order)


def _arrives(sandbox: Sandbox, case: Case) -> None:
    act(sandbox, "carrier", "ship", rma_id=case.rma_id)
    act(sandbox, "carrier", "deliver", rma_id=case.rma_id)
    act(sandbox, "warehouse", "receive", rma_id=case.rma_id)


def _is_refunded_and_lost(sandbox: Sandbox, case: Case) -> None:
    act(sandbox, "carrier", "ship", rma_id=case.rma_id)
    act(sandbox, "cx", "refund", rma_id=case.rma_id)


def _refused_once(sandbox: Sandbox, role: str, order: Mapping[str, Any]) -> Case:
    refusal = {"errors": [{"code": "ORDC-008", "message": "The order status is not known"}]}
    fault = {"kind": "status_before_commit", "method": "POST", "path": "/sales-credit$", "status": 400, "body": refusal}
    sandbox.post("/faults", fault)
    return _approved(sandbox, role, order)


STORIES: Mapping[str, Story] = {
    story.role: story
    for story in (
        Story(
            "finance",
            "Somebody has credited this return already",
            "foreign_credit",
            (
                "A customer returns order {order} (RMA {rma}).",
                "Last week a colleague wrote and posted the credit for it by hand, before the return was approved. The amount is right.",
                "The customer must be credited once. Let the pipeline take the colleague's credit as the credit of this return.",
            ),
            ("returns-pipeline exceptions list --owner finance", "returns-pipeline exceptions show ID"),
            "single",
            _credited_by_a_colleague,
        ),
        Story(
            "warehouse",
            "Two units on the bench, one of them broken",
            "awaiting_inspection",
            (
                "The parcel of RMA {rma} (order {order}) is booked in: two units of one article.",
                "You open it. Unit {first} is as new. Unit {second} has a broken zip: it must never go on sale.",
                "Record what you found about each.",
            ),
            ("returns-pipeline exceptions list --owner warehouse", "returns-pipeline inspections record --help"),
            "pair",
            _approved,
            _arrives,
            (('posting = "automatic"', 'posting = "automatic"\ncredit_on = "inspection"'),),
        ),
        Story(
            "cx",
            "Refunded, and the parcel is lost",
            "refund_before_receipt",
            (
                "The customer of order {order} (RMA {rma}) has the money back already; the parcel never came.",
                f"The carrier has accepted the claim {CLAIM}: it is lost.",
                "Tell the pipeline, so that the credit is posted without a receipt and the claim stands in the books.",
            ),
            ("returns-pipeline exceptions list --owner cx", "returns-pipeline exceptions show ID"),
            "single",
            _approved,
            _is_refunded_and_lost,
        ),
        Story(
            "product-data",
            "The shop spells a SKU otherwise",
            "sku_unknown",
            (
                f"RMA {{rma}} (order {{order}}) asks for the SKU {_BROKEN_SKU_HINT}, which no row of the sale carries.",
                "The order has one article, a lamp, and it is the one that comes back.",
                "Map the SKU to the row that sold it; the suggestion of the exception names the row.",
            ),
            ("returns-pipeline exceptions list --owner product_data", "returns-pipeline exceptions show ID"),
            "sku_case",
            _approved,
        ),
        Story(
            "data",
            "Brightpearl refused a write",
            "effect_rejected",
            (
                "The expected return of RMA {rma} (order {order}) was refused by Brightpearl: a status was missing in the account.",
                "The status has been added since. Nothing was written, and the return is still wanted.",
                "Let the pipeline send the write again.",
            ),
            ("returns-pipeline exceptions list --owner integration", "returns-pipeline exceptions show ID"),
            "single",
            _refused_once,
        ),
    )
}
