"""What a person may do about an exception, with one validation for the command line and for Dagster. The act itself is kept by storage."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import psycopg

from returns_pipeline.domain.money import format_minor
from returns_pipeline.settings import Settings
from returns_pipeline.storage import decisions, exceptions, frames, ledger
from returns_pipeline.storage.ledger import audit

_RESULTS = ("pass", "damaged", "write_off")
_ON_ANY = ("acknowledge", "waive")
_ON_WAIVED = ("reopen",)
_ON_EFFECTS = ("retry", "void", "adopt")
_DECISIONS: Mapping[str, tuple[str, ...]] = {
    "map_sku": ("sku_unknown", "row_ambiguous"),
    "keep_item": ("not_credited_without_receipt", "announced_not_arrived"),
    "lost_in_transit": (
        "not_credited_without_receipt",
        "announced_not_arrived",
        "refund_before_receipt",
        "claim_reference_missing",
    ),
    "accept_variance": ("amount_mismatch", "exchange_undervalued", "failed_inspection", "credit_without_receipt"),
    "accept_partial_bundle": ("partial_bundle",),
    "adopt_credit": ("foreign_credit", "double_credit"),
}
_NEEDS: Mapping[str, tuple[str, ...]] = {
    "map_sku": ("sku", "order_row_id"),
    "lost_in_transit": ("claim_reference",),
    "adopt": ("remote_id",),
}


class ActRefused(Exception):
    """The act does not fit the exception, or lacks what it needs; nothing was changed."""


def decisions_for(code: str) -> tuple[str, ...]:
    """The decisions that fit exceptions of a code, beside those that fit any."""
    return tuple(action for action, codes in _DECISIONS.items() if code in codes)


def actions_for(code: str, subject_type: str) -> tuple[str, ...]:
    """Every action that fits an open exception."""
    return (*decisions_for(code), *(_ON_EFFECTS if subject_type == "effect" else ("void",)), *_ON_ANY)


@dataclass(frozen=True)
class Act:
    """What a person asks for: an action, what it needs, why, and who; names are asserted, not proved."""

    action: str
    value: Mapping[str, Any]
    reason: str
    by: str
    second: str | None = None
    os_user: str | None = None


def value_in(text: str) -> dict[str, Any]:
    """The value of an act as people type it.

    Raises:
        ActRefused: it is no JSON object.
    """
    try:
        value = json.loads(text)
    except json.JSONDecodeError as error:
        raise ActRefused(f"the value is no JSON ({error}); write it like '{{\"order_row_id\": 17}}'") from error
    if not isinstance(value, dict):
        raise ActRefused("the value must be a JSON object, such as '{\"order_row_id\": 17}'")
    return value


def act(connection: psycopg.Connection, settings: Settings, exception_id: int, wanted: Act) -> str:
    """Carries an act out and answers what was done, in words.

    Raises:
        ActRefused: the id, the action, its value or its approvers do not fit.
    """
    if not wanted.reason.strip() or not wanted.by.strip():
        raise ActRefused("an act needs a reason and the name of who decides")
    if wanted.action in _ON_WAIVED:
        return _reopen(connection, exception_id, wanted)
    row = _open_exception(connection, exception_id)
    missing = [name for name in _NEEDS.get(wanted.action, ()) if name not in wanted.value]
    if missing:
        raise ActRefused(
            f"{wanted.action} needs {', '.join(missing)} in its value, such as {{{', '.join(f'{chr(34)}{name}{chr(34)}: ...' for name in missing)}}}"
        )
    if wanted.action in _ON_ANY:
        move = exceptions.acknowledge if wanted.action == "acknowledge" else exceptions.waive
        move(connection, exception_id, actor=wanted.by, note=wanted.reason, os_user=wanted.os_user)
        if wanted.action == "waive":
            _settle_return(connection, row, wanted)
        return f"exception {exception_id} is {wanted.action}d"
    if wanted.action == "void" and row["subject_type"] != "effect":
        _settle_return(connection, row, wanted)
        exceptions.acknowledge(
            connection, exception_id, actor=wanted.by, note=f"void: {wanted.reason}", os_user=wanted.os_user
        )
        return f"RMA {row['rma_id']} is void for the pipeline: nothing of it is credited; the next sync closes the exception"
    if wanted.action in _ON_EFFECTS:
        return _on_effect(connection, row, wanted)
    return _decide(connection, settings, row, wanted)


def _reopen(connection: psycopg.Connection, exception_id: int, wanted: Act) -> str:
    try:
        exceptions.reopen(connection, exception_id, actor=wanted.by, note=wanted.reason, os_user=wanted.os_user)
    except exceptions.NoSuchException as refusal:
        raise ActRefused(str(refusal)) from refusal
    return f"exception {exception_id} is open again"


def _settle_return(connection: psycopg.Connection, row: Mapping[str, Any], wanted: Act) -> None:
    """Keeps the decision about the return itself, which the matching and the confirmation of its parcel honour."""
    if row["rma_id"] is None or row["rma_id"] != row["rma_id"]:  # a missing number of a frame is not equal to itself
        return
    decisions.record(
        connection,
        action=wanted.action,
        shop=str(row["shop"]),
        subject_type="rma",
        subject_id=str(int(row["rma_id"])),
        rma_id=int(row["rma_id"]),
        reason=wanted.reason,
        decided_by=wanted.by,
        second_approver=wanted.second,
        os_user=wanted.os_user,
    )


def _open_exception(connection: psycopg.Connection, exception_id: int) -> Mapping[str, Any]:
    shown = frames.read(connection, "returns/exceptions", scope="all")
    found = shown[shown["exception_id"] == exception_id].to_dict("records")
    if not found:
        raise ActRefused(f"there is no open exception {exception_id}; `exceptions list` shows them")
    row: Mapping[str, Any] = found[0]
    return row


def _on_effect(connection: psycopg.Connection, row: Mapping[str, Any], wanted: Act) -> str:
    if row["subject_type"] != "effect":
        raise ActRefused(
            f"{wanted.action} acts on an effect, and exception {row['exception_id']} is about {row['subject_type']} {row['subject_id']}"
        )
    effect_id = ledger.newest_of(connection, str(row["subject_id"]))
    if effect_id is None:
        raise ActRefused(f"the ledger has no effect {row['subject_id']}: it was never planned")
    try:
        if wanted.action == "retry":
            ledger.retry(connection, effect_id, wanted.by, wanted.reason)
        elif wanted.action == "void":
            ledger.void(connection, effect_id, wanted.by, wanted.reason)
        else:
            ledger.adopt(connection, effect_id, str(wanted.value["remote_id"]), wanted.by, wanted.reason)
    except ledger.ActRefused as refusal:
        raise ActRefused(str(refusal)) from refusal
    return f"{wanted.action} recorded for effect {row['subject_id']}; the next sync carries on from there"


def _decide(connection: psycopg.Connection, settings: Settings, row: Mapping[str, Any], wanted: Act) -> str:
    fitting = _DECISIONS.get(wanted.action)
    if fitting is None:
        raise ActRefused(
            f"there is no action {wanted.action!r}; there are {', '.join((*_ON_ANY, *_ON_WAIVED, *_ON_EFFECTS, *_DECISIONS))}"
        )
    if row["code"] not in fitting:
        raise ActRefused(
            f"{wanted.action} fits {', '.join(fitting)}, and exception {row['exception_id']} is {row['code']}"
        )
    _refuse_alone(settings, row, wanted)
    if wanted.action == "map_sku":
        _refuse_row_of_another_sale(connection, int(row["rma_id"]), wanted.value["order_row_id"])
    if wanted.action == "accept_partial_bundle":
        _refuse_used_bundle(connection, int(row["rma_id"]), wanted.value.get("order_row_id"))
    decisions.record(
        connection,
        action=wanted.action,
        shop=str(row["shop"]),
        subject_type=str(row["subject_type"]),
        subject_id=str(row["subject_id"]),
        rma_id=int(row["rma_id"]),
        value=wanted.value,
        reason=wanted.reason,
        decided_by=wanted.by,
        second_approver=wanted.second,
        os_user=wanted.os_user,
    )
    exceptions.acknowledge(
        connection,
        int(row["exception_id"]),
        actor=wanted.by,
        note=f"{wanted.action}: {wanted.reason}",
        os_user=wanted.os_user,
    )
    return f"{wanted.action} recorded for RMA {row['rma_id']}; the next sync judges it anew and closes the exception if it heals"


def _refuse_row_of_another_sale(connection: psycopg.Connection, rma_id: int, order_row_id: object) -> None:
    rows = connection.execute(
        """SELECT DISTINCT r.order_row_id, r.sku FROM returns_return_lines l JOIN brightpearl_sales_order_rows r USING (order_id)
            WHERE l.rma_id = %s ORDER BY r.order_row_id""",
        [rma_id],
    ).fetchall()
    if order_row_id not in {row_id for row_id, _ in rows}:
        known = ", ".join(f"{row_id} ({sku or 'no SKU'})" for row_id, sku in rows) or "no rows that were read"
        raise ActRefused(f"order_row_id {order_row_id} is no row of the sale of RMA {rma_id}, which has {known}")


def _refuse_used_bundle(connection: psycopg.Connection, rma_id: int, order_row_id: object) -> None:
    """Opening a bundle spreads its charge over its components, so that nothing of it may be on a credit yet.

    Where the whole bundle was announced and a part of it came, no line is held, the credit stands, and no row needs to be named.
    """
    held = connection.execute(
        """SELECT l.order_row_id, coalesce(b.announced_qty + b.posted_qty + b.foreign_qty, 0)
             FROM returns_return_lines l LEFT JOIN order_row_balance b USING (order_row_id)
            WHERE l.rma_id = %s AND l.hold_code = 'partial_bundle'""",
        [rma_id],
    ).fetchall()
    used = {int(row): int(units) for row, units in held}
    if not used:
        return
    if order_row_id not in used:
        known = ", ".join(f'{{"order_row_id": {row}}}' for row in used)
        raise ActRefused(f"RMA {rma_id} holds parts of these bundles: {known}; name one in the value")
    if used[int(str(order_row_id))]:
        raise ActRefused(
            f"{used[int(str(order_row_id))]} bundles of row {order_row_id} are on credits already: credit the part by hand in Brightpearl, then adopt that credit"
        )


def _refuse_alone(settings: Settings, row: Mapping[str, Any], wanted: Act) -> None:
    money, limit = row["money_minor"], settings.limits.second_approver_minor
    if wanted.action not in ("accept_variance", "accept_partial_bundle") or money is None or int(money) <= limit:
        return
    if not wanted.second or wanted.second.strip().casefold() == wanted.by.strip().casefold():
        raise ActRefused(
            f"{format_minor(int(money), str(row['currency']))} is above limits.second_approver_minor: name a second person with --second"
        )


def take_back(
    connection: psycopg.Connection, decision_id: int, reason: str, by: str, os_user: str | None = None
) -> str:
    """Takes a decision back, so that the next pass judges without it, opens what was waived by it again, and answers in words.

    Raises:
        ActRefused: there is none in force, a reason or name is missing, or a bundle is opened by it and its components are on credits.
    """
    if not reason.strip() or not by.strip():
        raise ActRefused("taking a decision back needs a reason and the name of who does it")
    _refuse_opened_bundle(connection, decision_id)
    try:
        with connection.transaction():
            action, rma_id = decisions.revoke(connection, decision_id, revoked_by=by, reason=reason, os_user=os_user)
            waived = exceptions.waived_of(connection, rma_id) if action == "waive" and rma_id is not None else []
            for exception_id in waived:
                exceptions.reopen(connection, exception_id, actor=by, note=reason, os_user=os_user)
    except decisions.NoSuchDecision as unknown:
        raise ActRefused(str(unknown)) from unknown
    again = f"; open again: exception {', '.join(str(number) for number in waived)}" if waived else ""
    return f"decision {decision_id} is taken back{again}; the next sync judges without it"


def _refuse_opened_bundle(connection: psycopg.Connection, decision_id: int) -> None:
    used = connection.execute(
        """SELECT sum(b.announced_qty + b.posted_qty)
             FROM operator_decisions d JOIN brightpearl_sales_order_rows whole ON whole.order_row_id = (d.value->>'order_row_id')::bigint
             JOIN brightpearl_sales_order_rows part ON part.order_id = whole.order_id AND part.is_bundle_child
             JOIN order_row_balance b ON b.order_row_id = part.order_row_id
            WHERE d.decision_id = %s AND d.action = 'accept_partial_bundle'""",
        [decision_id],
    ).fetchone()
    if used is not None and used[0]:
        raise ActRefused(
            f"{used[0]} components are on credits by decision {decision_id}: cancel or correct those in Brightpearl first"
        )


def record_inspection(
    connection: psycopg.Connection, rma_id: int, returned_item_id: int, result: str, reason: str, by: str
) -> str:
    """Records what the bench found about one unit and answers it in words.

    Raises:
        ActRefused: the unit is not of that return, the result is none of pass, damaged and write_off, or a reason or name is missing.
    """
    unit = connection.execute(
        "SELECT shop FROM returngo_return_items WHERE returned_item_id = %s AND rma_id = %s", (returned_item_id, rma_id)
    ).fetchone()
    if unit is None:
        raise ActRefused(f"RMA {rma_id} has no unit {returned_item_id}")
    if result not in _RESULTS:
        raise ActRefused(f"{result!r} is none of {', '.join(_RESULTS)}")
    if not by.strip() or (result != "pass" and not reason.strip()):
        raise ActRefused(f"{result} needs {'a reason' if by.strip() else 'the name of who inspected'}")
    with connection.transaction():
        connection.execute(
            """INSERT INTO inspections(shop, rma_id, returned_item_id, quantity, result, reason, source, recorded_by)
               VALUES (%s, %s, %s, 1, %s, nullif(%s, ''), 'job', %s)""",
            (unit[0], rma_id, returned_item_id, result, reason, by),
        )
        detail = {"rma_id": rma_id, "returned_item_id": returned_item_id, "result": result, "reason": reason, "by": by}
        audit.append(connection, None, "inspection recorded", detail)
    return f"recorded: unit {returned_item_id} of RMA {rma_id} is {result}"
