"""Judges a drill: not yet, wrong, or passed, each with its reason. It only reads: the small world's true state and the pipeline's database."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import psycopg

from returns_pipeline.commands.drill_stories import CLAIM, STORIES, Case

NOT_YET, WRONG, PASSED = "not yet", "wrong", "passed"
_SETTLES_WITHOUT_ANSWER = ("waive", "void")


@dataclass(frozen=True)
class Verdict:
    """How a drill stands, and why; `needs_pass` when only the pipeline's next pass can tell more."""

    state: str
    reason: str
    needs_pass: bool = False


def judge(connection: psycopg.Connection, case: Case, state: Mapping[str, Any]) -> Verdict:
    """How the case stands now.

    Args:
        state: the sandbox's true state, as its admin address tells it.
    """
    return _JUDGES[case.role](connection, case, state)


def _decisions(connection: psycopg.Connection, case: Case) -> list[tuple[int, str, Mapping[str, Any]]]:
    return connection.execute(
        "SELECT decision_id, action, value FROM operator_decisions WHERE rma_id = %s AND revoked_at IS NULL ORDER BY decision_id",
        (case.rma_id,),
    ).fetchall()


def _without_answer(connection: psycopg.Connection, case: Case) -> Verdict | None:
    """The verdict on a return that was waived or made void, which answers none of the stories."""
    for decision_id, action, _ in _decisions(connection, case):
        if action in _SETTLES_WITHOUT_ANSWER:
            return Verdict(
                WRONG,
                f"the return was settled by {action}, which hides the question instead of answering it; take it back: returns-pipeline decisions revoke {decision_id} --reason ... --by ...",
            )
    return None


def _credits(case: Case, state: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    return [
        credit
        for credit in state["brightpearl"]["credits"]
        if credit["order_id"] == case.order_id and not credit["is_cancelled"]
    ]


def _is_posted(credit: Mapping[str, Any]) -> bool:
    return credit["invoice_reference"] not in ("", "pending")


def _unresolved(case: Case) -> Verdict:
    return Verdict(NOT_YET, f"nobody has decided about the exception {STORIES[case.role].code} of RMA {case.rma_id}")


def _finance(connection: psycopg.Connection, case: Case, state: Mapping[str, Any]) -> Verdict:
    if len(_credits(case, state)) > 1:
        return Verdict(WRONG, f"order {case.order_name} is credited twice in Brightpearl")
    if wrong := _without_answer(connection, case):
        return wrong
    if not any(action == "adopt_credit" for _, action, _ in _decisions(connection, case)):
        return _unresolved(case)
    return Verdict(PASSED, "the colleague's credit is the credit of this return, and there is no second one")


def _warehouse(connection: psycopg.Connection, case: Case, state: Mapping[str, Any]) -> Verdict:
    del state
    found: dict[int, str] = dict(
        connection.execute(
            "SELECT returned_item_id, result FROM inspections WHERE rma_id = %s ORDER BY inspection_id", (case.rma_id,)
        ).fetchall()
    )
    good, broken = case.item_ids
    if found.get(broken) == "pass":
        return Verdict(
            WRONG, f"unit {broken} has a broken zip and is recorded as pass: it would go on sale; record it as damaged"
        )
    if found.get(good) in ("damaged", "write_off"):
        return Verdict(WRONG, f"unit {good} is as new and is recorded as {found[good]}: it would never be sold again")
    missing = [unit for unit in case.item_ids if unit not in found]
    if missing:
        return Verdict(NOT_YET, f"no inspection is recorded for unit {', '.join(str(unit) for unit in missing)}")
    return Verdict(PASSED, f"unit {good} may go on sale, unit {broken} stays in Returns")


def _cx(connection: psycopg.Connection, case: Case, state: Mapping[str, Any]) -> Verdict:
    if wrong := _without_answer(connection, case):
        return wrong
    lost = [value for _, action, value in _decisions(connection, case) if action == "lost_in_transit"]
    if not lost:
        return _unresolved(case)
    if lost[-1].get("claim_reference") != CLAIM:
        return Verdict(
            WRONG, f"the claim is recorded as {lost[-1].get('claim_reference')}; the carrier accepted {CLAIM}"
        )
    if not any(_is_posted(credit) for credit in _credits(case, state)):
        return Verdict(NOT_YET, "the decision is right; the credit is not posted yet", needs_pass=True)
    return Verdict(PASSED, f"the credit is posted without a receipt, and {CLAIM} stands for the loss")


def _product_data(connection: psycopg.Connection, case: Case, state: Mapping[str, Any]) -> Verdict:
    if wrong := _without_answer(connection, case):
        return wrong
    if _credits(case, state):
        return Verdict(PASSED, "the return is matched to the row that sold the lamp, and its expected return is raised")
    if not any(action == "map_sku" for _, action, _ in _decisions(connection, case)):
        return _unresolved(case)
    return Verdict(NOT_YET, "the SKU is mapped; the expected return is not raised yet", needs_pass=True)


def _data(connection: psycopg.Connection, case: Case, state: Mapping[str, Any]) -> Verdict:
    raised = _credits(case, state)
    if len(raised) > 1:
        return Verdict(WRONG, f"order {case.order_name} has {len(raised)} expected returns")
    if raised:
        return Verdict(PASSED, "the expected return stands in Brightpearl, once")
    waived = connection.execute(
        """SELECT exception_id FROM exceptions e JOIN effect f ON f.business_key = e.subject_id
           WHERE e.code = 'effect_rejected' AND e.state = 'waived' AND (f.payload->'subject'->>'rma_id')::bigint = %s""",
        (case.rma_id,),
    ).fetchone()
    if waived is not None:
        return Verdict(
            WRONG,
            f"the exception was waived, and the write is still refused: the customer's parcel will find no credit; open it again: returns-pipeline exceptions resolve {waived[0]} --action reopen --reason ... --by ...",
        )
    refused = connection.execute(
        """SELECT count(*) FROM effect WHERE kind = 'credit.raise' AND state = 'rejected'
           AND (payload->'subject'->>'rma_id')::bigint = %s""",
        (case.rma_id,),
    ).fetchone()
    if refused != (0,):
        return _unresolved(case)
    return Verdict(NOT_YET, "the write is to be sent again; it leaves with the next pass", needs_pass=True)


_JUDGES: Mapping[str, Callable[[psycopg.Connection, Case, Mapping[str, Any]], Verdict]] = {
    "finance": _finance,
    "warehouse": _warehouse,
    "cx": _cx,
    "product-data": _product_data,
    "data": _data,
}
